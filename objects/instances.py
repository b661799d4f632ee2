"""Instances of a calendar object: rules, RDATE, EXDATE and overrides (RFC 5545 §3.8.5)."""

import heapq
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, replace

from davenport.objects.calendar import CalendarObject
from davenport.objects.contentline import Component
from davenport.objects.recurrence import Budget, expand
from davenport.objects.rule import Rule, read_rule, without_times
from davenport.objects.timezone import Clocks
from davenport.objects.value import (
    DAY,
    Duration,
    Period,
    Time,
    line_time,
    line_times,
    read_duration,
)

_NOTHING = Duration(0, 0)
_WHOLE_DAY = Duration(1, 0)
# A day of a clock that is put back lasts longer; no clock is put back by more at once.
_LONGEST_SHIFT = 3 * 3600
# Turning one instance into UTC and looking it up costs as much as so many steps of a rule.
_STEPS = 2
# So does reading a rule.
_RULE_STEPS = 8


@dataclass(frozen=True, slots=True)
class Instance:
    """One instance: UTC seconds, the component that describes it, and in a series its
    RECURRENCE-ID in UTC seconds."""

    start: int
    end: int
    component: Component
    recurrence_id: int | None = None


@dataclass(frozen=True, slots=True)
class Extent:
    """Where a component lies: `anchor` is DTSTART, else DUE, and `length` reaches to its end."""

    anchor: Time
    length: Duration

    def end(self, anchor: Time, clocks: Clocks) -> int:
        """The end in UTC seconds of an instance that begins at `anchor`."""
        day = replace(anchor, seconds=anchor.seconds + self.length.days * DAY)
        return clocks.to_utc(day) + self.length.seconds

    @property
    def span(self) -> int:
        """How long it lasts at most, in seconds."""
        nominal = abs(self.length.days) * DAY + _LONGEST_SHIFT if self.length.days else 0
        return nominal + abs(self.length.seconds)


@dataclass(frozen=True, slots=True)
class _Override:
    """A component with RECURRENCE-ID; `following` where it speaks for the later ones too."""

    recurrence_id: int
    component: Component
    extent: Extent
    start: int
    following: bool


def instances_near(
    calendar_object: CalendarObject, clocks: Clocks, after: int, before: int | None, budget: Budget
) -> Iterator[Instance]:
    """All instances that overlap [after, before) in UTC seconds, and some beside it.

    Those of the rules come in order, then RDATEs and overrides. A component without DTSTART and
    DUE has none. Raises ExpansionIncompleteError where the budget is spent, and ValueFormatError.
    """
    overrides: list[_Override] = []
    master: tuple[Component, Extent] | None = None
    for component in calendar_object.components:
        budget.spend(1 + len(component.properties) // 16)
        extent = read_extent(component, clocks)
        if component.first("RECURRENCE-ID") is not None:
            overrides.append(_read_override(component, extent, clocks))
        elif extent is not None:
            master = component, extent
    window = after, before, budget
    if master is not None:
        yield from _series(*master, overrides, clocks, window)
    for override in overrides:
        if master is None and is_recurring(override.component):
            # A series of its own, whatever its RECURRENCE-ID means (Connect Daily writes these).
            yield from _series(override.component, override.extent, [], clocks, window)
            continue
        end = override.extent.end(override.extent.anchor, clocks)
        yield Instance(override.start, end, override.component, override.recurrence_id)


def read_extent(component: Component, clocks: Clocks) -> Extent | None:
    """Where `component` lies, by DTSTART, DTEND, DUE and DURATION; None where nothing says so.

    DTEND wins over a DURATION beside it (Thunderbird writes both for a moved instance).
    """
    start_line, due = component.first("DTSTART"), component.first("DUE")
    end_line = due if component.name == "VTODO" else component.first("DTEND")
    if start_line is None:
        return Extent(line_time(due), _NOTHING) if due is not None else None
    start = line_time(start_line)
    duration = component.first("DURATION")
    if end_line is not None:
        return Extent(start, _difference(start, line_time(end_line), clocks))
    if duration is not None:
        return Extent(start, read_duration(duration.value))
    implied = start.clock == "date" and component.name != "VTODO"
    return Extent(start, _WHOLE_DAY if implied else _NOTHING)


def _difference(start: Time, end: Time, clocks: Clocks) -> Duration:
    if start.clock == end.clock == "date":
        return Duration((end.seconds - start.seconds) // DAY, 0)
    return Duration(0, clocks.to_utc(end) - clocks.to_utc(start))


def _read_override(component: Component, extent: Extent | None, clocks: Clocks) -> _Override:
    line = component.first("RECURRENCE-ID")
    assert line is not None, "the caller has seen it"
    time = line_time(line)
    if extent is None:
        extent = Extent(time, _WHOLE_DAY if time.clock == "date" else _NOTHING)
    following = (line.parameter("RANGE") or "").upper() == "THISANDFUTURE"
    return _Override(
        clocks.to_utc(time), component, extent, clocks.to_utc(extent.anchor), following
    )


def _series(
    component: Component,
    extent: Extent,
    overrides: list[_Override],
    clocks: Clocks,
    window: tuple[int, int | None, Budget],
) -> Iterator[Instance]:
    """The instances of the master that no override stands for, as RANGE overrides move them."""
    after, before, budget = window
    replaced = {override.recurrence_id for override in overrides}
    following = sorted(
        (override for override in overrides if override.following),
        key=lambda override: override.recurrence_id,
    )
    reach = max([extent.span, *(override.extent.span for override in following)])
    shift = max((abs(o.start - o.recurrence_id) for o in following), default=0)
    lower, upper = _on_clock(extent.anchor, clocks, after - reach - shift, before)
    end = None if upper is None else upper + shift
    series = bool(overrides) or is_recurring(component)
    ids = [override.recurrence_id for override in following]
    for anchor, length in _anchors(component, extent, clocks, (lower, end, budget)):
        start = clocks.to_utc(anchor)
        if start in replaced:
            continue
        position = bisect_right(ids, start)
        if position == 0:
            shown = replace(extent, length=length)
            yield Instance(start, shown.end(anchor, clocks), component, start if series else None)
            continue
        override = following[position - 1]
        moved = start + override.start - override.recurrence_id
        lasts = override.extent.end(override.extent.anchor, clocks) - override.start
        yield Instance(moved, moved + lasts, override.component, start)


def _on_clock(
    anchor: Time, clocks: Clocks, after: int, before: int | None
) -> tuple[int, int | None]:
    """A window of UTC seconds as one on the clock of `anchor`, wide enough for any change of its
    offset within two days."""
    zone = clocks.zone(anchor)

    def offsets(around: int) -> list[int]:
        places = (around - 2 * DAY, around, around + 2 * DAY)
        return [place - zone.to_utc(place) for place in places]

    lower = after + min(offsets(after)) - 3600
    return lower, None if before is None else before + max(offsets(before)) + 3600


def is_recurring(component: Component) -> bool:
    """Has `component` a RRULE or RDATE?"""
    return any(line.name in ("RRULE", "RDATE") for line in component.properties)


def _anchors(
    component: Component, extent: Extent, clocks: Clocks, window: tuple[int, int | None, Budget]
) -> Iterator[tuple[Time, Duration]]:
    """Where instances begin and how long they last: RDATE first, for it may give a period."""
    _, _, budget = window
    if not is_recurring(component):
        yield extent.anchor, extent.length
        return
    excluded = _Excluded(component, extent.anchor, clocks, budget)
    dates: set[int] = set()
    for value in (value for line in component.all("RDATE") for value in line_times(line)):
        budget.spend()
        time = value.start if isinstance(value, Period) else value
        instant = clocks.to_utc(time)
        if instant not in dates and not excluded.holds(time, instant):
            yield time, _period_length(value, clocks) or extent.length
        dates.add(instant)
    for time in _rule_times(component, "RRULE", extent.anchor, clocks, window):
        budget.spend(_STEPS)
        instant = clocks.to_utc(time)
        if instant not in dates and not excluded.holds(time, instant):
            yield time, extent.length


def _period_length(value: Time | Period, clocks: Clocks) -> Duration | None:
    if not isinstance(value, Period):
        return None
    return (
        value.end
        if isinstance(value.end, Duration)
        else _difference(value.start, value.end, clocks)
    )


def _rule_times(
    component: Component,
    name: str,
    anchor: Time,
    clocks: Clocks,
    window: tuple[int, int | None, Budget],
) -> Iterator[Time]:
    """The instances of all RRULEs (or EXRULEs) in order, each once; DTSTART alone where there
    is no RRULE."""
    after, before, budget = window
    lines = component.all(name)
    budget.spend(_RULE_STEPS * len(lines))
    rules = [read_rule(line.value) for line in lines]
    if not rules:
        if name == "RRULE":
            yield anchor
        return
    if anchor.clock == "date":
        rules = [without_times(rule) for rule in rules]
    sources = [
        expand(rule, anchor.seconds, until_on_clock(rule, anchor, clocks), after, budget)
        for rule in rules
    ]
    previous: int | None = None
    for instant in heapq.merge(*sources):
        if before is not None and instant >= before:
            return
        # DTSTART is the first instance of what recurs, not of what is taken out.
        if instant != previous and (name == "RRULE" or instant != anchor.seconds):
            yield Time(instant, anchor.clock, anchor.tzid)
        previous = instant


def until_on_clock(rule: Rule, anchor: Time, clocks: Clocks) -> int | None:
    """UNTIL as the last local second that counts, on the clock of DTSTART.

    A DATE counts to its end, also for a DATE-TIME series: clients that write it mean the day.
    """
    until = rule.until
    if until is None:
        return None
    if until.clock == "date":
        return until.seconds + DAY - 1
    if until.clock != "utc" or anchor.clock in ("utc", "date"):
        return until.seconds
    # The offset at UNTIL is not known before its local time is; the clock at hand is close, and
    # a second look settles a change between the two.
    zone = clocks.zone(anchor)
    local = until.seconds + until.seconds - zone.to_utc(until.seconds)
    return local + until.seconds - zone.to_utc(local)


class _Excluded:
    """What EXDATE and EXRULE take out of a series.

    An EXDATE that is a DATE takes out the whole day of a DATE-TIME series (Evolution writes that).
    """

    def __init__(self, component: Component, anchor: Time, clocks: Clocks, budget: Budget) -> None:
        self._instants: set[int] = set()
        self._days: set[int] = set()
        for value in (value for line in component.all("EXDATE") for value in line_times(line)):
            budget.spend()
            time = value.start if isinstance(value, Period) else value
            if time.clock == "date" or anchor.clock == "date":
                self._days.add(time.seconds // DAY)
            else:
                self._instants.add(clocks.to_utc(time))
        self._rule_times: Iterator[Time] = iter(())
        if component.first("EXRULE") is not None:
            everything = -(10**15), None, budget
            self._rule_times = _rule_times(component, "EXRULE", anchor, clocks, everything)
        self._next: Time | None = None
        self._started = False

    def holds(self, time: Time, instant: int) -> bool:
        """Is the instance at `time`, which is `instant` in UTC, taken out?"""
        if instant in self._instants or time.seconds // DAY in self._days:
            return True
        if not self._started:
            self._started = True
            self._next = next(self._rule_times, None)
        while self._next is not None and self._next.seconds < time.seconds:
            self._next = next(self._rule_times, None)
        return self._next is not None and self._next.seconds == time.seconds
