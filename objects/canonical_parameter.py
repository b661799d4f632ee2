"""The parameters of a property as they are compared: sorted, without what says nothing.

RFC 5545 §3.2, RFC 6350 §5, RFC 2426 §4, RFC 6638 §7.
"""

from davenport.objects.canonical import (
    BINARIES,
    PARTIAL_DATES,
    TIME_LISTS,
    TIMES,
    canonical_address,
    canonical_zone,
    decoded_bytes,
)
from davenport.objects.contentline import ContentLine

Parameters = tuple[tuple[str, tuple[str, ...]], ...]

_ENUMERATED = frozenset(
    [
        "ROLE",
        "PARTSTAT",
        "RSVP",
        "CUTYPE",
        "RELTYPE",
        "RELATED",
        "FBTYPE",
        "RANGE",
        "DISPLAY",
        "FEATURE",
        "SCHEDULE-AGENT",
        "SCHEDULE-FORCE-SEND",
        "VALUE",
    ]
)
_ADDRESSES = frozenset({"DELEGATED-TO", "DELEGATED-FROM", "MEMBER", "SENT-BY", "EMAIL"})
_LOWER = frozenset({"LANGUAGE", "FMTTYPE", "MEDIATYPE", "CALSCALE"})
_DEFAULTS = frozenset(
    {
        ("ROLE", "REQ-PARTICIPANT"),
        ("PARTSTAT", "NEEDS-ACTION"),
        ("RSVP", "FALSE"),
        ("CUTYPE", "INDIVIDUAL"),
        ("RELTYPE", "PARENT"),
        ("RELATED", "START"),
        ("FBTYPE", "BUSY"),
        ("SCHEDULE-AGENT", "SERVER"),
    }
)
# What servers and libraries keep for themselves, or what the value says by its shape.
_NOISE = frozenset(
    [
        "SCHEDULE-STATUS",
        "CHARSET",
        "ENCODING",
        "X-VOBJ-FLOATINGTIME-ALLOWED",
        "X-EVOLUTION-UI-SLOT",
        "X-COUCHDB-UUID",
        "X-APPLE-OMIT-YEAR",
    ]
)
# The types that a value shows by its shape, or that are the default of the property.
_DEFAULT_TYPES = frozenset(
    {"TEXT", "DATE", "DATE-TIME", "PERIOD", "DURATION", "BINARY", "URI", "INTEGER", "RECUR"}
    | {"CAL-ADDRESS", "FLOAT", "DATE-AND-OR-TIME", "UNKNOWN"}
)
_ZONED = TIMES | TIME_LISTS | {"TRIGGER"}
_BARE_ENCODINGS = frozenset({"BASE64", "B", "QUOTED-PRINTABLE", "8BIT", "7BIT"})
_DEFAULT_PLACES = {"TEL": "voice", "EMAIL": "internet"}


def canonical_parameters(name: str, component: str, line: ContentLine) -> Parameters:
    """The parameters of `line` as sorted pairs of a name and its sorted values."""
    card = component == "VCARD"
    if not line.parameters and not (card and name in BINARIES):
        return ()
    found: dict[str, set[str]] = {}
    for parameter, values in line.parameters:
        key = "TZID" if parameter == "X-VOBJ-ORIGINAL-TZID" else parameter
        if key in _NOISE:
            continue
        if not values:  # a bare name, as vCard 2.1 writes TYPE
            if parameter not in _BARE_ENCODINGS:
                _add_type(found, name, parameter)
        elif key == "TYPE" and card:
            for value in values:
                for kind in value.split(","):
                    _add_type(found, name, kind)
        else:
            _add(found, name, key, values)
    if name in BINARIES:
        _add_media_type(found, line)
    return tuple(sorted((key, tuple(sorted(values))) for key, values in found.items()))


def _add(found: dict[str, set[str]], name: str, key: str, values: tuple[str, ...]) -> None:
    for value in values:
        text = _one(key, value)
        if not text or (key, text) in _DEFAULTS:
            continue
        if key == "VALUE" and text in _DEFAULT_TYPES and not _says_more(name, text):
            continue
        if key == "TZID" and name in _ZONED:
            continue  # the zone is part of the time as it is compared
        found.setdefault(key, set()).add(text)


def _says_more(name: str, type_name: str) -> bool:
    """A date or a URI that is only a text is another thing."""
    return name in PARTIAL_DATES and type_name == "TEXT"


def _one(key: str, value: str) -> str:
    text = value.strip()
    if key in _ENUMERATED:
        return text.upper()
    if key in _ADDRESSES:
        return canonical_address(text)
    if key in _LOWER:
        return text.lower()
    return canonical_zone(text) if key == "TZID" else text


def _add_type(found: dict[str, set[str]], name: str, value: str) -> None:
    kind = value.strip().lower().removeprefix("image/")
    if kind == "pref":  # vCard 3; vCard 4 has a parameter for it
        found.setdefault("PREF", set()).add("1")
    elif kind and _DEFAULT_PLACES.get(name) != kind:
        found.setdefault("TYPE", set()).add(kind)


def _add_media_type(found: dict[str, set[str]], line: ContentLine) -> None:
    """The media type inside a data: URI as vCard 3 says it."""
    decoded = decoded_bytes(line)
    if decoded is not None and "/" in decoded[1] and "FMTTYPE" not in found:
        found.setdefault("TYPE", set()).add(decoded[1].lower().rpartition("/")[2])
