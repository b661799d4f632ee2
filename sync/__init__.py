"""The sync client's folder; it stands on the protocol and the objects, never on the store."""
