"""Calendar object resources: reading and checking one (RFC 4791 §4.1, §5.3.2.1, RFC 5545).

Refuses what would break other clients of the collection and lets pass what is only untidy.
"""

from collections.abc import Callable
from dataclasses import dataclass

from davenport.dav.precondition import Precondition, PreconditionError
from davenport.objects.contentline import (
    Component,
    ContentLine,
    ContentLineError,
    decode,
    line_number,
    read_components,
    unescape_text,
)
from davenport.objects.limits import Limits
from davenport.objects.rule import read_rule
from davenport.objects.value import (
    Time,
    ValueFormatError,
    line_time,
    line_times,
    read_duration,
    read_period,
)

# The components that a calendar object resource can be of (RFC 5545 §3.6, RFC 7953, RFC 9073
# leaves the set alone). VTIMEZONE and names unknown to us only accompany one.
KINDS = frozenset({"VEVENT", "VTODO", "VJOURNAL", "VFREEBUSY", "VAVAILABILITY", "VPOLL"})

_DEFAULT_LIMITS = Limits()
_DATA = Precondition.VALID_CALENDAR_DATA
_RESOURCE = Precondition.VALID_CALENDAR_OBJECT_RESOURCE
_SINGLE = ("DTSTART", "DTEND", "DUE", "DURATION", "RECURRENCE-ID")
# Wall clocks of two places differ by up to 26 hours, and the clock of one place goes back by up
# to two when summer ends: only what is apart further is certain.
_CLOCK_DIFFERENCE = 27 * 3600
_CLOCK_SHIFT = 2 * 3600


@dataclass(frozen=True, slots=True)
class CalendarObject:
    """A calendar object resource: its UID, the kind of its components, VCALENDAR, and the text
    whose offsets the components hold."""

    uid: str
    component: str
    calendar: Component
    text: str

    @property
    def components(self) -> list[Component]:
        """The components of its kind that are in force: the master and its overrides, in order."""
        parts = [part for part in self.calendar.components if part.name == self.component]
        masters = [part for part in parts if part.first("RECURRENCE-ID") is None]
        if len(masters) < 2:
            return parts
        superseded = {id(part) for part in masters} - {id(max(masters, key=_sequence))}
        return [part for part in parts if id(part) not in superseded]


def read_calendar_object(body: bytes, limits: Limits = _DEFAULT_LIMITS) -> CalendarObject:
    """Read and check `body`.

    Raises PreconditionError with VALID_CALENDAR_DATA, SUPPORTED_CALENDAR_DATA,
    VALID_CALENDAR_OBJECT_RESOURCE or MAX_ATTENDEES_PER_INSTANCE and a readable reason. The
    size of `body` and the kinds that a collection takes are the caller's to check.
    """
    try:
        text = decode(body)
        roots = read_components(text, limits)
    except ContentLineError as error:
        raise PreconditionError(_DATA, str(error)) from None
    if len(roots) != 1 or roots[0].name != "VCALENDAR":
        found = ", ".join(root.name for root in roots[:3]) or "nothing"
        raise PreconditionError(_DATA, f"one VCALENDAR was expected, found {found}")
    calendar = roots[0]
    _check_calendar(calendar, text)
    components = [part for part in calendar.components if part.name in KINDS]
    kind, uid = _kind_and_uid(components, text, limits)
    for component in components:
        _check_component(component, text, limits)
    _check_masters(components, text)
    return CalendarObject(uid, kind, calendar, text)


def _check_calendar(calendar: Component, text: str) -> None:
    version = calendar.first("VERSION")
    if version is not None and version.value.strip() != "2.0":
        raise _refusal(
            Precondition.SUPPORTED_CALENDAR_DATA,
            text,
            version.start,
            f"VERSION is {version.value.strip()[:20]!r}, only iCalendar 2.0 is supported",
        )
    method = calendar.first("METHOD")
    if method is not None:
        reason = "METHOD is not allowed in a stored object (RFC 4791 §4.1)"
        raise _refusal(_RESOURCE, text, method.start, reason)


def _kind_and_uid(components: list[Component], text: str, limits: Limits) -> tuple[str, str]:
    if not components:
        raise PreconditionError(_RESOURCE, f"there is none of {', '.join(sorted(KINDS))}")
    kind = components[0].name
    uid: str | None = None
    for component in components:
        if component.name != kind:
            reason = f"{component.name} stands beside {kind}; one object holds one kind"
            raise _refusal(_RESOURCE, text, component.start, reason)
        lines = component.all("UID")
        if len(lines) != 1 or not lines[0].value.strip():
            reason = f"{kind} has {'no' if len(lines) < 2 else 'more than one'} UID"
            raise _refusal(_RESOURCE, text, component.start, reason)
        found = unescape_text(lines[0].value.strip())
        if len(found.encode()) > limits.max_uid_length:
            reason = f"the UID is longer than {limits.max_uid_length} bytes"
            raise _refusal(_DATA, text, lines[0].start, reason)
        if uid is not None and found != uid:
            reason = "a second UID; one object holds the components of one UID"
            raise _refusal(_RESOURCE, text, lines[0].start, reason)
        uid = found
    assert uid is not None, "there is at least one component"
    return kind, uid


def _check_masters(components: list[Component], text: str) -> None:
    """One master, or several revisions of it told apart by SEQUENCE (RFC 5546 §2.1.4)."""
    masters = [part for part in components if part.first("RECURRENCE-ID") is None]
    if len({_sequence(part) for part in masters}) < len(masters):
        reason = f"a second {masters[1].name} without RECURRENCE-ID for the same UID"
        raise _refusal(_RESOURCE, text, masters[1].start, reason)


def _sequence(component: Component) -> int:
    """SEQUENCE, 0 where it is missing or no number; a longer number than any counter is cut."""
    line = component.first("SEQUENCE")
    digits = line.value.strip()[:18] if line is not None else ""
    return int(digits) if digits.isascii() and digits.isdigit() else 0


def _check_component(component: Component, text: str, limits: Limits) -> None:
    attendees = 0
    seen: dict[str, ContentLine] = {}
    for line in component.properties:
        name = line.name
        if name == "ATTENDEE":
            attendees += 1
            continue
        check = _CHECKS.get(name)
        if check is None:
            continue
        if name in _SINGLE:
            if name in seen:
                raise _refusal(_DATA, text, line.start, f"a second {name} in {component.name}")
            seen[name] = line
        try:
            check(line)
        except ValueFormatError as error:
            raise _refusal(_DATA, text, line.start, f"{name}: {error}") from None
    if attendees > limits.max_attendees:
        reason = f"{attendees} attendees, at most {limits.max_attendees} are allowed"
        raise _refusal(Precondition.MAX_ATTENDEES_PER_INSTANCE, text, component.start, reason)
    _check_order(seen, text)
    if component.name == "VAVAILABILITY":
        for available in component.components:
            if available.name == "AVAILABLE":
                _check_component(available, text, limits)


def _check_order(seen: dict[str, ContentLine], text: str) -> None:
    start_line, end_line = seen.get("DTSTART"), seen.get("DTEND")
    if start_line is not None and end_line is not None:
        start, end = line_time(start_line), line_time(end_line)
        if end.seconds < start.seconds - _uncertainty(start, end):
            raise _refusal(_DATA, text, end_line.start, "DTEND lies before DTSTART")


def _uncertainty(one: Time, other: Time) -> int:
    if one.clock != other.clock or one.tzid != other.tzid:
        return _CLOCK_DIFFERENCE
    return _CLOCK_SHIFT if one.clock == "zoned" else 0


def _check_duration(line: ContentLine) -> None:
    duration = read_duration(line.value)
    if duration.days < 0 or duration.seconds < 0:
        raise ValueFormatError("the duration is negative")


def _check_free_busy(line: ContentLine) -> None:
    for part in line.value.split(","):
        if part.strip():
            read_period(part)


_CHECKS: dict[str, Callable[[ContentLine], object]] = {
    "DTSTART": line_time,
    "DTEND": line_time,
    "DUE": line_time,
    "RECURRENCE-ID": line_time,
    "DURATION": _check_duration,
    "RDATE": line_times,
    "EXDATE": line_times,
    "RRULE": lambda line: read_rule(line.value),
    "EXRULE": lambda line: read_rule(line.value),
    "FREEBUSY": _check_free_busy,
}


def _refusal(precondition: Precondition, text: str, offset: int, reason: str) -> PreconditionError:
    return PreconditionError(precondition, f"line {line_number(text, offset)}: {reason}")
