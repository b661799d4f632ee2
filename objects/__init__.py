"""Calendar and address objects: parse, validate, index, match, expand. Pure."""
