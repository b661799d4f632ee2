"""Splitting a file of any size into single objects, for import (RFC 4791 §4.1, RFC 6352 §5.1).

Two passes over a seekable file: the first finds the byte range of each component, the second
writes one object for each UID. Nothing but one component and the table of ranges is in memory.
"""

import io
import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import BinaryIO

from davenport.objects.calendar import KINDS
from davenport.objects.contentline import (
    Component,
    ContentLineError,
    decode,
    read_components,
    unescape_text,
)
from davenport.objects.join import PRODUCT
from davenport.objects.limits import Limits
from davenport.objects.section import Section, read_sections

_HEADER = ("VERSION", "PRODID", "CALSCALE")
_LIMITS = Limits()
# Names of objects that had none: the same content gives the same UID on every import.
_NAMESPACE = uuid.UUID("6d1c2e5e-6f0e-5a8b-9d0a-3f2f6f5f7c11")
_TZID = re.compile(r';[ \t]*TZID=("[^"\r\n]*+"|[^":;,\r\n]*+)', re.IGNORECASE)
_FOLD = re.compile(r"(?:\r\n|\n|\r)[ \t]")


@dataclass(frozen=True, slots=True)
class SplitObject:
    """One object of a file. `line` is where it starts; `problem` says why it cannot be stored as
    it is, and `body` is then the part of the file in question."""

    uid: str | None
    body: bytes
    summary: str | None
    line: int
    problem: str | None = None


@dataclass(slots=True)
class _Calendar:
    """What a VCALENDAR of the file gives to each of its objects."""

    header: dict[str, bytes] = field(default_factory=dict)
    timezones: dict[str, tuple[int, int]] = field(default_factory=dict)
    opened: bool = False
    method: bool = False


@dataclass(frozen=True, slots=True)
class _Part:
    """A component of an object: its byte range in the file."""

    start: int
    end: int
    line: int
    calendar: int
    summary: str | None
    timezones: tuple[str, ...]
    new_uid: str | None


@dataclass(slots=True)
class _Contents:
    """What the first pass finds."""

    calendars: list[_Calendar] = field(default_factory=list)
    groups: dict[tuple[str, str], list[_Part]] = field(default_factory=dict)
    problems: list[SplitObject] = field(default_factory=list)
    unknown: list[SplitObject] = field(default_factory=list)


def split_calendar(file: BinaryIO) -> Iterator[SplitObject]:
    """The objects of a seekable iCalendar file in the order of their first component.

    Components of one UID go together, with the VTIMEZONEs they name and VERSION, PRODID and
    CALSCALE of their VCALENDAR; METHOD and other properties of the file are left out. A component
    without UID is given one made from its content. A file that is one object already comes out as
    it is. What cannot be read comes last, with its problem.
    """
    contents = _contents(file)
    parts = [part for group in contents.groups.values() for part in group]
    if _is_one_object(contents, parts) and _are_different(file, parts):
        file.seek(0)
        uid = next(iter(contents.groups))[0]
        yield SplitObject(uid, file.read(), parts[0].summary, parts[0].line)
        return
    for (uid, _), group in contents.groups.items():
        body = _object(file, contents.calendars, group)
        summary = next((part.summary for part in group if part.summary), None)
        yield SplitObject(uid, body, summary, group[0].line)
    yield from contents.problems
    yield from contents.unknown


def new_uid(text: str) -> uuid.UUID:
    """A UID for the object `text`, the same whenever it is met; the time of export and the kind
    of line breaks do not count."""
    content = [line for line in text.splitlines() if line and not line.startswith("DTSTAMP")]
    return uuid.uuid5(_NAMESPACE, "\n".join(content))


def _is_one_object(contents: _Contents, parts: list[_Part]) -> bool:
    return (
        len(contents.groups) == 1
        and len(contents.calendars) == 1
        and not contents.problems
        and not contents.calendars[0].method
        and contents.calendars[0].opened
        and all(part.new_uid is None for part in parts)
    )


def _are_different(file: BinaryIO, parts: list[_Part]) -> bool:
    return len({_read(file, part.start, part.end) for part in parts}) == len(parts)


def _contents(file: BinaryIO) -> _Contents:
    contents = _Contents()
    for section in read_sections(file, "VCALENDAR", KINDS):
        while len(contents.calendars) <= section.outer:
            contents.calendars.append(_Calendar())
        calendar = contents.calendars[section.outer]
        if section.problem is not None:
            contents.problems.append(_problem(section, section.problem))
        elif section.name == "":
            _read_header(calendar, section)
        else:
            _read_component(contents, calendar, section)
    return contents


def _read_header(calendar: _Calendar, section: Section) -> None:
    """A property of the VCALENDAR itself; all but four are of no use to a single object."""
    name = (
        re.split(rb"[:;]", section.data, maxsplit=1)[0].strip().upper().decode("ascii", "replace")
    )
    if name == "BEGIN":
        calendar.opened = True
    elif name == "METHOD":
        calendar.method = True
    elif name in _HEADER:
        calendar.header.setdefault(name, section.data)


def _read_component(contents: _Contents, calendar: _Calendar, section: Section) -> None:
    try:
        text = decode(section.data)
        component = read_components(text, _LIMITS)[0]
    except ContentLineError as error:
        line = section.line + error.line_number - 1
        contents.problems.append(_problem(section, f"line {line}: {error.reason}"))
        return
    if component.name == "VTIMEZONE":
        tzid = component.first("TZID")
        if tzid is not None:
            name = tzid.value.strip()
            calendar.timezones.setdefault(name, (section.start, section.end))
    elif component.name in KINDS:
        part, uid = _part(section, component, text)
        contents.groups.setdefault((uid, component.name), []).append(part)
    else:
        contents.unknown.append(_problem(section, f"{component.name} is no calendar component"))


def _part(section: Section, component: Component, text: str) -> tuple[_Part, str]:
    line = component.first("UID")
    uid = unescape_text(line.value.strip()) if line is not None else ""
    made = None if uid else str(new_uid(text))
    summary = component.first("SUMMARY")
    names = {match.strip('"').strip() for match in _TZID.findall(_FOLD.sub("", text))}
    part = _Part(
        section.start,
        section.end,
        section.line,
        section.outer,
        unescape_text(summary.value)[:200] if summary is not None else None,
        tuple(sorted(names)),
        made,
    )
    return part, uid or str(made)


def _object(file: BinaryIO, calendars: list[_Calendar], group: list[_Part]) -> bytes:
    """VCALENDAR around the components of one UID; equal ones count once."""
    calendar = calendars[group[0].calendar]
    ranges = dict.fromkeys((part.calendar, name) for part in group for name in part.timezones)
    zones = dict.fromkeys(
        _read(file, *calendars[index].timezones[name])
        for index, name in ranges
        if name in calendars[index].timezones
    )
    components = dict.fromkeys(_with_uid(_read(file, part.start, part.end), part) for part in group)
    newline = line_break(next(iter(components)))
    header = {"VERSION": b"VERSION:2.0", "PRODID": PRODUCT.encode()} | calendar.header
    lines = [b"BEGIN:VCALENDAR", *(header[name] for name in _HEADER if name in header)]
    body = io.BytesIO()
    for piece in (*lines, *zones, *components, b"END:VCALENDAR"):
        body.write(piece)
        if not piece.endswith((b"\n", b"\r")):
            body.write(newline)
    return body.getvalue()


def _with_uid(data: bytes, part: _Part) -> bytes:
    return data if part.new_uid is None else insert_uid(data, "BEGIN", part.new_uid)


def insert_uid(data: bytes, after: str, uid: str) -> bytes:
    """The component `data` with a UID line after its first line `after`, in place of an empty UID.

    Other lines stay as they are.
    """
    text = decode(data)
    component = read_components(text, _LIMITS)[0]
    empty = component.first("UID")
    if empty is not None:
        text = text[: empty.start] + text[empty.end :]
        component = read_components(text, _LIMITS)[0]
    line = component.first(after)
    position = line.end if line is not None else text.index("\n", component.start) + 1
    return f"{text[:position]}UID:{uid}{line_break(data).decode()}{text[position:]}".encode()


def line_break(data: bytes) -> bytes:
    """The line break that `data` uses first."""
    first = data.find(b"\n")
    return b"\n" if first > 0 and data[first - 1 : first] != b"\r" else b"\r\n"


def _read(file: BinaryIO, start: int, end: int) -> bytes:
    file.seek(start)
    return file.read(end - start)


def _problem(section: Section, reason: str) -> SplitObject:
    return SplitObject(None, section.data, None, section.line, reason)


def split_cards(file: BinaryIO) -> Iterator[SplitObject]:
    """The cards of a seekable vCard file, one at a time.

    A card without UID is given a `urn:uuid:` made from its content. A file that is one card
    already comes out as it is.
    """
    held: SplitObject | None = None
    alone = True
    for section in read_sections(file, "", frozenset({"VCARD"})):
        if held is not None:
            yield held
            alone = False
        held = _card(section)
    if held is None:
        return
    if alone and held.problem is None and held.uid is not None:
        file.seek(0)
        body = file.read()
        # blank lines around the card and a byte order mark are part of what was written
        held = replace(held, body=body if held.body in body else held.body)
    yield held


def _card(section: Section) -> SplitObject:
    if section.problem is not None:
        return _problem(section, section.problem)
    try:
        text = decode(section.data)
        card = read_components(text, _LIMITS)[0]
    except ContentLineError as error:
        line = section.line + error.line_number - 1
        return _problem(section, f"line {line}: {error.reason}")
    if card.name != "VCARD":
        return _problem(section, f"{card.name} is no VCARD")
    line_uid = card.first("UID")
    uid = unescape_text(line_uid.value.strip()) if line_uid is not None else ""
    body = section.data
    if not uid:
        uid = f"urn:uuid:{new_uid(text)}"
        body = insert_uid(body, "VERSION", uid)
    shown = card.first("FN") or card.first("ORG") or card.first("EMAIL")
    summary = unescape_text(shown.value)[:200] if shown is not None else None
    return SplitObject(uid, body, summary, section.line)
