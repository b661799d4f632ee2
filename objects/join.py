"""Joining objects into one file: a collection as one iCalendar stream or one vCard file.

Components are cut out of the stored text by their offsets and never written anew; only line
breaks become CRLF.
"""

import re
from collections.abc import Iterable, Iterator

from davenport.objects.contentline import (
    BYTE_ORDER_MARK,
    ContentLineError,
    decode,
    read_components,
)
from davenport.objects.limits import UNLIMITED

PRODUCT = "PRODID:-//davenport//davenport//EN"

_BREAK = re.compile(r"\r\n|\n|\r")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")
_ESCAPED = re.compile(r"([\\;,])")


def join_calendars(bodies: Iterable[bytes], name: str | None, color: str | None) -> Iterator[bytes]:
    """One VCALENDAR with the components of all `bodies`, piece by piece.

    Each TZID appears once. Where objects carry different rules for one TZID, the first are kept:
    telling them apart would need every line that names it to be written anew, and in practice
    they differ in years long past. A body that cannot be read is left out.
    """
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", PRODUCT, "CALSCALE:GREGORIAN"]
    if name:
        escaped = _ESCAPED.sub(r"\\\1", _CONTROL.sub(" ", name))
        lines += [f"NAME:{escaped}", f"X-WR-CALNAME:{escaped}"]
    if color:
        lines.append(f"X-APPLE-CALENDAR-COLOR:{_CONTROL.sub('', color)}")
    yield "".join(f"{fold_line(line)}\r\n" for line in lines).encode()
    timezones: set[str] = set()
    for body in bodies:
        piece = _components(body, timezones)
        if piece:
            yield piece
    yield b"END:VCALENDAR\r\n"


def _components(body: bytes, timezones: set[str]) -> bytes:
    """The components of one object, with the VTIMEZONEs not yet in `timezones`."""
    try:
        text = decode(body)
        roots = read_components(text, UNLIMITED)
    except ContentLineError:
        return b""
    pieces: list[str] = []
    for component in (
        part for root in roots if root.name == "VCALENDAR" for part in root.components
    ):
        if component.name == "VTIMEZONE":
            line = component.first("TZID")
            tzid = line.value.strip() if line is not None else ""
            if tzid in timezones:
                continue
            timezones.add(tzid)
        pieces.append(_with_crlf(text[component.start : component.end]))
    return "".join(pieces).encode()


def join_cards(bodies: Iterable[bytes]) -> Iterator[bytes]:
    """All cards one after the other. A body that cannot be read is left out."""
    for body in bodies:
        try:
            text = decode(body)
            roots = read_components(text, UNLIMITED)
        except ContentLineError:
            continue
        cards = [_with_crlf(text[card.start : card.end]) for card in roots if card.name == "VCARD"]
        if cards:
            yield "".join(cards).encode()


def fold_line(line: str) -> str:
    """`line` folded at 75 octets between characters (RFC 5545 §3.1), without a final line break."""
    if len(line.encode()) <= 75:
        return line
    pieces = [""]
    size = 0
    for character in line:
        width = len(character.encode())
        if size + width > 75:
            pieces.append("")
            size = 1  # the blank that begins a continuation
        pieces[-1] += character
        size += width
    return "\r\n ".join(pieces)


def _with_crlf(text: str) -> str:
    text = _BREAK.sub("\r\n", text.removeprefix(BYTE_ORDER_MARK))
    return text if text.endswith("\r\n") else text + "\r\n"
