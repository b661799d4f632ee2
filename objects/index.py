"""What SQL may narrow on: an index row is a superset of the truth, widened for floating times."""

from dataclasses import dataclass

from davenport.objects.calendar import CalendarObject
from davenport.objects.card import AddressObject
from davenport.objects.contentline import Component
from davenport.objects.instances import read_extent, until_on_clock
from davenport.objects.limits import Limits
from davenport.objects.recurrence import (
    Budget,
    ExpansionIncompleteError,
    expand,
    last_instance,
)
from davenport.objects.rule import Rule, read_rule, without_times
from davenport.objects.timezone import UTC, Clocks
from davenport.objects.value import (
    DAY,
    Duration,
    Period,
    Time,
    ValueFormatError,
    line_time,
    line_times,
    read_period,
)

_LIMITS = Limits()
_KINDS = frozenset({"VEVENT", "VTODO", "VJOURNAL", "VFREEBUSY"})
# A floating time is anywhere on Earth less than a day from UTC, also by the local mean times of
# old and by a VTIMEZONE that a request brings along.
_FLOATING = DAY
_LARGEST = 2**62


@dataclass(frozen=True, slots=True)
class Index:
    """The index of one object resource.

    `component` is VEVENT, VTODO, VJOURNAL, VFREEBUSY, VAVAILABILITY … or VCARD. `starts` and
    `ends` bound every instance in UTC seconds (start inclusive, end exclusive); None means
    unbounded on that side. Alarms are not instances: a trigger may lie outside.
    """

    uid: str
    component: str
    starts: int | None = None
    ends: int | None = None


@dataclass(frozen=True, slots=True)
class Narrowing:
    """What SQL may demand of an index row; None demands nothing.

    `starts` and `ends` are the time window that the row must overlap, `uid` must be equal, and
    `uid_contains` a part of the UID, letters A to Z in either case.
    """

    component: str | None = None
    uid: str | None = None
    starts: int | None = None
    ends: int | None = None
    uid_contains: str | None = None


class _UnboundedError(Exception):
    """There is no time to bound: the object may match any range."""


def index_calendar_object(calendar_object: CalendarObject, limits: Limits = _LIMITS) -> Index:
    """The index of an object that was accepted; never raises for one.

    What has no time of its own, such as a VTODO without dates (RFC 4791 §9.9), or cannot be
    bounded within `limits.rule_steps`, is unbounded.
    """
    uid, kind = calendar_object.uid, calendar_object.component
    if kind not in _KINDS:
        return Index(uid, kind)
    budget = Budget(limits.rule_steps)
    clocks = Clocks(calendar_object.calendar, UTC, budget)
    try:
        bounds = [_bounds(part, clocks, budget) for part in calendar_object.components]
    except (_UnboundedError, ExpansionIncompleteError, ValueFormatError):
        return Index(uid, kind)
    shift = max((abs(moved) for _, _, moved in bounds), default=0)
    starts = min(start for start, _, _ in bounds) - shift
    lasts = [end for _, end, _ in bounds]
    ends = None if None in lasts else max(end for end in lasts if end is not None) + shift
    # Ranges touch what is without length: one second more holds for every row of RFC 4791 §9.9.
    return Index(
        uid,
        kind,
        _within_limits(starts - 1),
        None if ends is None else _within_limits(ends + 1),
    )


def index_address_object(address_object: AddressObject) -> Index:
    """The index of a card: its UID."""
    return Index(address_object.uid, "VCARD")


def _within_limits(seconds: int) -> int:
    return max(-_LARGEST, min(seconds, _LARGEST))


def _bounds(component: Component, clocks: Clocks, budget: Budget) -> tuple[int, int | None, int]:
    """The earliest start and the latest end of the instances of one component, and by how much
    it moves those of its series (RANGE=THISANDFUTURE). Raises _UnboundedError."""
    if component.name == "VFREEBUSY":
        return *_busy_bounds(component, clocks), 0
    extent = read_extent(component, clocks)
    if extent is None:
        raise _UnboundedError
    length = extent.span + _FLOATING
    earliest = latest = clocks.to_utc(extent.anchor)
    widening = _widening(extent.anchor, clocks)
    for value in (value for line in component.all("RDATE") for value in line_times(line)):
        budget.spend()
        time = value.start if isinstance(value, Period) else value
        instant = clocks.to_utc(time)
        earliest, latest = min(earliest, instant), max(latest, instant)
        widening = max(widening, _widening(time, clocks))
        length = max(length, _period_span(value, clocks))
    for line in component.all("RRULE"):
        last = _last(read_rule(line.value), extent.anchor, clocks, budget)
        if last is None:
            return earliest - length - widening, None, 0
        latest = max(latest, last)
    moved = 0
    identifier = component.first("RECURRENCE-ID")
    if identifier is not None and identifier.parameter("RANGE"):
        time = line_time(identifier)
        moved = abs(earliest - clocks.to_utc(time)) + 2 * _FLOATING + length
    # The length counts on both sides: a DUE before DTSTART is a negative one.
    return earliest - length - widening, latest + length + widening, moved


def _busy_bounds(component: Component, clocks: Clocks) -> tuple[int, int]:
    times = [line_time(line) for line in component.properties if line.name in ("DTSTART", "DTEND")]
    spans = [0]
    for line in component.all("FREEBUSY"):
        for part in line.value.split(","):
            if part.strip():
                period = read_period(part, line.parameter("TZID"))
                times.append(period.start)
                spans.append(_period_span(period, clocks))
    if not times:
        raise _UnboundedError
    instants = [clocks.to_utc(time) for time in times]
    widening = max(_widening(time, clocks) for time in times)
    return min(instants) - widening - max(spans), max(instants) + widening + max(spans)


def _widening(time: Time, clocks: Clocks) -> int:
    """How far `time` may lie from where it is on the clock of UTC."""
    return _FLOATING if time.clock != "utc" and clocks.zone(time) is UTC else 0


def _period_span(value: Time | Period, clocks: Clocks) -> int:
    if not isinstance(value, Period):
        return 0
    if isinstance(value.end, Duration):
        return abs(value.end.days) * DAY + abs(value.end.seconds) + DAY
    return abs(clocks.to_utc(value.end) - clocks.to_utc(value.start)) + 2 * _FLOATING


def _last(rule: Rule, anchor: Time, clocks: Clocks, budget: Budget) -> int | None:
    """UTC seconds that no instance of `rule` begins after; None where there is no such time."""
    until = until_on_clock(rule, anchor, clocks)
    if until is not None:
        # DTSTART counts even after UNTIL
        local = max(until, anchor.seconds)
    elif rule.count is None or not rule.readable:
        return None
    else:
        if anchor.clock == "date":
            rule = without_times(rule)
        found = last_instance(rule, anchor.seconds)
        if found is None:
            found = _walk(rule, anchor.seconds, budget)
        if found is None:
            return None
        local = found
    return clocks.zone(anchor).to_utc(local) + DAY


def _walk(rule: Rule, start: int, budget: Budget) -> int | None:
    """The last instance of a rule with COUNT; None where half of the budget does not reach it."""
    share = Budget(budget.left // 2)
    try:
        return max(expand(rule, start, None, start, share))
    except ExpansionIncompleteError:
        return None
    finally:
        budget.left -= budget.left // 2 - max(share.left, 0)
