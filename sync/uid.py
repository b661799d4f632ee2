"""The UID of a body, whatever else is wrong with it (RFC 5545 §3.8.4.7, RFC 6350 §6.7.6), and
names for the files and hrefs of new members."""

import re
from hashlib import sha256

from davenport.objects.contentline import (
    Component,
    ContentLineError,
    decode,
    read_components,
    unescape_text,
)
from davenport.objects.limits import Limits

_LIMITS = Limits(max_components=100_000, max_properties=2_000_000)
# What no file system and no server makes anything else of.
_SAFE_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,120}", re.ASCII)


def uid_of(body: bytes) -> str | None:
    """The UID of the one object in `body`; None where there is none or it cannot be read."""
    try:
        roots = read_components(decode(body), _LIMITS)
    except ContentLineError:
        return None
    for root in roots:
        parts: list[Component] = root.components if root.name == "VCALENDAR" else [root]
        for part in parts:
            line = part.first("UID") if part.name != "VTIMEZONE" else None
            if line is not None and line.value.strip():
                return unescape_text(line.value.strip())
    return None


def safe_name(name: str) -> str:
    """`name` where it is safe as one path segment and as a file's name, else a digest of it with
    its extension. It never begins with a dot."""
    if _SAFE_NAME.fullmatch(name):
        return name
    stem, dot, extension = name.rpartition(".")
    tail = f".{extension}" if dot and stem and _SAFE_NAME.fullmatch(extension) else ""
    return sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:32] + tail
