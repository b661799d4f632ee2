"""Request headers as values: Depth (RFC 4918 §10.2), Prefer (RFC 7240, 8144), media types."""

from collections.abc import Mapping
from enum import Enum

from davenport.dav.precondition import StatusError


class Depth(Enum):
    """The Depth header's values."""

    ZERO = "0"
    ONE = "1"
    INFINITY = "infinity"


def depth(headers: Mapping[str, str], default: Depth) -> Depth:
    """The Depth header, or `default`; raises StatusError 400 for another value."""
    value = headers.get("depth")
    if value is None:
        return default
    try:
        return Depth(value.split(",", 1)[0].strip().lower())
    except ValueError:
        raise StatusError(400, "the Depth header is none of 0, 1 and infinity") from None


def preferences(headers: Mapping[str, str]) -> Mapping[str, str]:
    """The Prefer header's preferences, lower-case; Apple's older `Brief: t` is return=minimal."""
    found: dict[str, str] = {}
    for preference in headers.get("prefer", "").lower().split(","):
        name, _, value = preference.partition(";")[0].partition("=")
        if name.strip():
            found.setdefault(name.strip(), value.strip().strip('"').strip())
    if headers.get("brief", "").strip().lower() == "t":
        found.setdefault("return", "minimal")
    return found


def media_type(headers: Mapping[str, str]) -> str:
    """The Content-Type without parameters, lower-case; "" where absent."""
    return headers.get("content-type", "").partition(";")[0].strip().lower()
