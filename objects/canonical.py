"""One text for each meaning of a property's value, so that spellings compare equal.

RFC 5545 §3.3, RFC 6350 §4. A value that cannot be read stands for itself.
"""

import base64
import binascii
import hashlib
import quopri
import re
from collections.abc import Callable
from urllib.parse import unquote_to_bytes

from davenport.objects.contentline import ContentLine, unescape_text
from davenport.objects.rule import read_rule
from davenport.objects.timezone import database_name
from davenport.objects.value import (
    DAY,
    Duration,
    Period,
    Time,
    ValueFormatError,
    read_duration,
    read_period,
    read_time,
)

# Between the parts of a canonical value; control characters are in no object that can be read.
PART, ITEM = "\x1f", "\x1e"

TIMES = frozenset(
    [
        "DTSTART",
        "DTEND",
        "DUE",
        "RECURRENCE-ID",
        "COMPLETED",
        "CREATED",
        "DTSTAMP",
        "LAST-MODIFIED",
        "ACKNOWLEDGED",
        "REV",
        "X-MOZ-LASTACK",
    ]
)
# Lists of which each item is a property of its own, whatever line it stands on.
TIME_LISTS = frozenset({"EXDATE", "RDATE", "FREEBUSY"})
TEXT_LISTS = frozenset({"CATEGORIES", "RESOURCES", "NICKNAME"})
LISTS = TIME_LISTS | TEXT_LISTS
STRUCTURED = frozenset({"N", "ADR", "ORG", "GENDER", "CLIENTPIDMAP"})
PARTIAL_DATES = frozenset({"BDAY", "ANNIVERSARY", "DEATHDATE", "X-ANNIVERSARY"})
BINARIES = frozenset({"PHOTO", "LOGO", "SOUND", "KEY", "ATTACH", "IMAGE"})

_DURATIONS = frozenset({"DURATION", "REFRESH-INTERVAL"})
_INTEGERS = frozenset({"SEQUENCE", "PRIORITY", "PERCENT-COMPLETE", "REPEAT"})
_ENUMERATIONS = frozenset(
    {"STATUS", "CLASS", "TRANSP", "ACTION", "BUSYTYPE", "METHOD", "CALSCALE", "KIND"}
)
_ADDRESSES = frozenset({"ATTENDEE", "ORGANIZER", "CALENDAR-ADDRESS"})
_UTC_NAMES = frozenset(
    [
        "UTC",
        "UCT",
        "Zulu",
        "Universal",
        "GMT",
        "Greenwich",
        "Etc/UTC",
        "Etc/UCT",
        "Etc/Zulu",
        "Etc/Universal",
        "Etc/GMT",
    ]
)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_NUMBER = re.compile(r"[+-]?[0-9]{1,12}")
_DATA_URI = re.compile(r"data:([^;,]*)((?:;[^;,]*)*?)(;base64)?,(.*)", re.DOTALL | re.IGNORECASE)
_PARTIAL_DATE = re.compile(r"([0-9]{4}|--)-?(?:([0-9]{2}|-)-?([0-9]{2})?)?")
_SPLIT = {
    mark: re.compile(rf"((?:[^\\{mark}]|\\.|\\\Z)*+)(?:{mark}|\Z)", re.DOTALL) for mark in ";,"
}


def split_value(value: str, mark: str) -> list[str]:
    """The parts of a value between the `mark`s (";" or ",") that no backslash escapes."""
    if "\\" not in value:
        return value.split(mark)
    parts = []
    position = 0
    while True:
        match = _SPLIT[mark].match(value, position)
        assert match is not None, "the pattern also matches nothing"
        parts.append(match[1])
        if not match[0].endswith(mark) or match.end() == match.end(1):
            return parts
        position = match.end()


def canonical_zone(tzid: str) -> str:
    """One name for the spellings of a TZID; "Z" for UTC; an unknown one is itself."""
    name = database_name(tzid) or tzid.strip(" \t\"'")
    return "Z" if name in _UTC_NAMES else name


def canonical_time(time: Time) -> str:
    """A DATE or DATE-TIME with its clock."""
    zone = canonical_zone(time.tzid) if time.tzid else ""
    clock = "utc" if zone == "Z" else time.clock
    return f"{clock} {time.seconds}" + (f" {zone}" if clock == "zoned" else "")


def canonical_address(value: str) -> str:
    """A calendar user address in lower case; a bare address is taken for mailto."""
    address = value.strip().strip('"').lower()
    return address if _SCHEME.match(address) or "@" not in address else f"mailto:{address}"


def decoded_bytes(line: ContentLine) -> tuple[bytes, str] | None:
    """The bytes in a line's base64 or data: URI and their media type as far as it says."""
    encoding = (line.parameter("ENCODING") or "").upper()
    bare = any(name in ("BASE64", "B") and not values for name, values in line.parameters)
    if encoding in ("B", "BASE64") or bare:
        return _base64(line.value), line.parameter("TYPE") or line.parameter("FMTTYPE") or ""
    match = _DATA_URI.fullmatch(line.value.strip().replace("\\,", ",").replace("\\;", ";"))
    if match is None:
        return None
    data = _base64(match[4]) if match[3] else unquote_to_bytes(match[4])
    return data, match[1]


def canonical_items(name: str, line: ContentLine) -> list[tuple[str, str]]:
    """The items of a line of `LISTS`: each as it is written and as it is compared.

    Empty items are left out.
    """
    written = [part for part in split_value(line.value, ",") if part.strip()]
    if name in TEXT_LISTS:
        return [(part, unescape_text(part).strip()) for part in written]
    tzid = line.parameter("TZID")
    return [(part, _safe(_time_or_period, part, tzid)) for part in written]


def canonical_value(name: str, component: str, line: ContentLine) -> str:
    """The value of a line that is not of `LISTS`, as it is compared."""
    value = line.value
    if name in BINARIES or line.parameter("ENCODING"):
        decoded = decoded_bytes(line)
        if decoded is not None:
            return "bytes " + hashlib.sha256(decoded[0]).hexdigest()
    if (line.parameter("ENCODING") or "").upper() == "QUOTED-PRINTABLE":
        value = _quoted_printable(value, line.parameter("CHARSET") or "utf-8")
    if name in STRUCTURED and component == "VCARD":
        return _structured(name, value)
    if name in PARTIAL_DATES:
        return _partial_date(line)
    if name == "TRIGGER":
        return _safe(_trigger, value, line.parameter("TZID"))
    if name in TIMES:
        return _safe(_time, value, line.parameter("TZID"))
    plain = _PLAIN.get(name)
    if plain is not None:
        return _safe(lambda text, _: plain(text), value, None)
    return unescape_text(value)


def _safe(read: Callable[[str, str | None], str], value: str, tzid: str | None) -> str:
    try:
        return read(value, tzid)
    except ValueFormatError:
        return "as written " + value.strip() + (f" {canonical_zone(tzid)}" if tzid else "")


def _time(value: str, tzid: str | None) -> str:
    return canonical_time(read_time(value, tzid))


def _trigger(value: str, tzid: str | None) -> str:
    """A day before and 24 hours before are one: the libraries in use do not tell them apart."""
    if value.strip()[:1] in ("P", "+", "-"):
        duration = read_duration(value)
        return f"{duration.days * DAY + duration.seconds}s"
    return _time(value, tzid)


def _duration(value: str) -> str:
    return _of_duration(read_duration(value))


def _of_duration(duration: Duration) -> str:
    return f"{duration.days}d {duration.seconds}s"


def _time_or_period(value: str, tzid: str | None) -> str:
    if "/" not in value:
        return _time(value, tzid)
    period: Period = read_period(value, tzid)
    end = period.end
    after = canonical_time(end) if isinstance(end, Time) else _of_duration(end)
    return f"{canonical_time(period.start)}/{after}"


def _rule(value: str) -> str:
    """The parts in order, without the ones that say the default; parts unknown to us stay."""
    read_rule(value)
    parts = {}
    for part in value.upper().split(";"):
        name, _, text = (piece.strip() for piece in part.partition("="))
        if not name or (name, text) in (("INTERVAL", "1"), ("WKST", "MO")):
            continue
        if name == "UNTIL":
            parts[name] = canonical_time(read_time(text))
            continue
        items = (piece.strip().lstrip("+") for piece in text.split(","))
        parts[name] = ",".join(sorted({re.sub(r"^(-?)0+(?=[0-9])", r"\1", item) for item in items}))
    return ";".join(f"{name}={text}" for name, text in sorted(parts.items()))


def _integer(value: str) -> str:
    if _NUMBER.fullmatch(value.strip()) is None:
        raise ValueFormatError("not a number")
    return str(int(value))


def _geo(value: str) -> str:
    try:
        return ";".join(repr(float(part)) for part in value.removeprefix("geo:").split(";"))
    except ValueError:
        raise ValueFormatError("not a position") from None


def _uri(value: str) -> str:
    text = unescape_text(value).strip()
    scheme = _SCHEME.match(text)
    return text if scheme is None else scheme[0].lower() + text[scheme.end() :]


_PLAIN: dict[str, Callable[[str], str]] = {
    "RRULE": _rule,
    "EXRULE": _rule,
    "GEO": _geo,
    **dict.fromkeys(_DURATIONS, _duration),
    **dict.fromkeys(_INTEGERS, _integer),
    **dict.fromkeys(_ENUMERATIONS, lambda value: unescape_text(value).strip().upper()),
    **dict.fromkeys(_ADDRESSES, canonical_address),
    **dict.fromkeys(("URL", "ATTACH", "PHOTO", "LOGO", "SOUND", "KEY", "IMAGE", "MEMBER"), _uri),
    "VERSION": str.strip,
}


def _structured(name: str, value: str) -> str:
    parts = [
        [
            unescape_text(item).strip()
            for item in (split_value(part, ",") if name in ("N", "ADR") else [part])
        ]
        for part in split_value(value, ";")
    ]
    while parts and not any(parts[-1]):
        parts.pop()
    return PART.join(ITEM.join(part) for part in parts)


def _partial_date(line: ContentLine) -> str:
    """`1985-04-12`, `19850412`, `--0412`, and a year that X-APPLE-OMIT-YEAR takes back."""
    text = unescape_text(line.value).strip()
    match = _PARTIAL_DATE.fullmatch(text)
    if match is None:
        return text
    year, month, day = match.groups()
    if year == line.parameter("X-APPLE-OMIT-YEAR"):
        year = "--"
    return f"date {year} {month or '-'} {day or '-'}"


def _quoted_printable(value: str, charset: str) -> str:
    data = quopri.decodestring(value.encode())
    try:
        return data.decode(charset)
    except (LookupError, UnicodeDecodeError):
        return value


def _base64(text: str) -> bytes:
    """The bytes; of what is no base64 the text itself, so that it still compares."""
    packed = "".join(text.split())
    try:
        return base64.b64decode(packed + "=" * (-len(packed) % 4), validate=True)
    except (binascii.Error, ValueError):
        return b"\0" + packed.encode()
