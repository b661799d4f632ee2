"""CALDAV:time-range: the tables of RFC 4791 §9.9 that say what overlaps a range."""

import math
from collections.abc import Callable
from dataclasses import replace

from davenport.dav.filter import TimeRange
from davenport.objects.calendar import CalendarObject
from davenport.objects.contentline import Component, ContentLine
from davenport.objects.instances import instances_near, read_extent
from davenport.objects.recurrence import Budget
from davenport.objects.timezone import Clocks
from davenport.objects.value import (
    DAY,
    Duration,
    Time,
    ValueFormatError,
    line_time,
    read_duration,
    read_period,
)

_EVER = 10**17  # seconds, far outside the calendar on either side


def object_overlaps(
    candidates: list[Component],
    calendar_object: CalendarObject,
    time_range: TimeRange,
    clocks: Clocks,
    budget: Budget,
) -> bool:
    """Does an instance that one of `candidates` describes overlap `time_range`?

    Raises ExpansionIncompleteError and ValueFormatError.
    """
    kind = calendar_object.component
    if kind == "VFREEBUSY":
        return any(_busy_overlaps(part, time_range, clocks) for part in candidates)
    if kind not in ("VEVENT", "VTODO", "VJOURNAL"):
        return False
    if kind == "VTODO" and any(_undated_overlaps(part, time_range, clocks) for part in candidates):
        return True
    after = -_EVER if time_range.start is None else time_range.start
    before = None if time_range.end is None else time_range.end + 1
    rows = {id(part): _row(part) for part in candidates}
    for instance in instances_near(calendar_object, clocks, after, before, budget):
        row = rows.get(id(instance.component))
        if row is not None and row(instance.start, instance.end, time_range):
            return True
    return False


def _row(component: Component) -> Callable[[int, int, TimeRange], bool]:
    """The row of the tables that an instance of `component` falls under."""
    if component.name != "VTODO":
        return _event_overlaps
    if component.first("DTSTART") is None:
        return _due_overlaps
    if component.first("DUE") is not None:
        return _start_and_due_overlap
    return _duration_overlaps if component.first("DURATION") is not None else _start_overlaps


def _event_overlaps(start: int, end: int, time_range: TimeRange) -> bool:
    """VEVENT and VJOURNAL: what has no length overlaps where it stands."""
    begin, before = _bounds(time_range)
    return start < before and (begin < end if end > start else begin <= start)


def _due_overlaps(_: int, due: int, time_range: TimeRange) -> bool:
    begin, end = _bounds(time_range)
    return begin < due and end >= due


def _start_and_due_overlap(start: int, due: int, time_range: TimeRange) -> bool:
    begin, end = _bounds(time_range)
    return (begin < due or begin <= start) and (end > start or end >= due)


def _duration_overlaps(start: int, due: int, time_range: TimeRange) -> bool:
    begin, end = _bounds(time_range)
    return begin <= due and (end > start or end >= due)


def _start_overlaps(start: int, _: int, time_range: TimeRange) -> bool:
    begin, end = _bounds(time_range)
    return begin <= start and end > start


def _bounds(time_range: TimeRange) -> tuple[int, int]:
    begin = -_EVER if time_range.start is None else time_range.start
    return begin, _EVER if time_range.end is None else time_range.end


def _undated_overlaps(component: Component, time_range: TimeRange, clocks: Clocks) -> bool:
    """The rows of VTODO with neither DTSTART nor DUE: by COMPLETED and CREATED, else always."""
    if component.first("DTSTART") is not None or component.first("DUE") is not None:
        return False
    begin, end = _bounds(time_range)
    completed = _stamp(component.first("COMPLETED"), clocks)
    created = _stamp(component.first("CREATED"), clocks)
    if completed is not None and created is not None:
        return begin <= max(created, completed) and end >= min(created, completed)
    if completed is not None:
        return begin <= completed <= end
    return created is None or end > created


def _stamp(line: ContentLine | None, clocks: Clocks) -> int | None:
    """UTC seconds of a property that is not checked when an object is stored."""
    if line is None:
        return None
    try:
        return clocks.to_utc(line_time(line))
    except ValueFormatError:
        return None


def _busy_overlaps(component: Component, time_range: TimeRange, clocks: Clocks) -> bool:
    begin, end = _bounds(time_range)
    start_line, end_line = component.first("DTSTART"), component.first("DTEND")
    if start_line is not None and end_line is not None:
        start, last = (clocks.to_utc(line_time(line)) for line in (start_line, end_line))
        return begin <= last and end > start
    for line in component.all("FREEBUSY"):
        for part in line.value.split(","):
            if not part.strip():
                continue
            period = read_period(part, line.parameter("TZID"))
            first = clocks.to_utc(period.start)
            if begin < _end(period.start, period.end, clocks) and end > first:
                return True
    return False


def _end(start: Time, end: Time | Duration, clocks: Clocks) -> int:
    if isinstance(end, Time):
        return clocks.to_utc(end)
    return clocks.to_utc(replace(start, seconds=start.seconds + end.days * DAY)) + end.seconds


def property_overlaps(line: ContentLine, time_range: TimeRange, clocks: Clocks) -> bool:
    """Does a DATE or DATE-TIME value lie in the range? A DATE is its whole day."""
    try:
        time = line_time(line)
    except ValueFormatError:
        return False
    start = clocks.to_utc(time)
    if time.clock != "date":
        return _event_overlaps(start, start, time_range)
    end = clocks.to_utc(replace(time, seconds=time.seconds + DAY))
    return _event_overlaps(start, end, time_range)


def alarm_overlaps(
    alarms: list[Component],
    calendar_object: CalendarObject,
    time_range: TimeRange,
    clocks: Clocks,
    budget: Budget,
) -> bool:
    """Does an alarm of `alarms` go off in the range, repetitions included?"""
    return any(
        _alarm_overlaps(alarm, calendar_object, time_range, clocks, budget) for alarm in alarms
    )


def _alarm_overlaps(
    alarm: Component,
    calendar_object: CalendarObject,
    time_range: TimeRange,
    clocks: Clocks,
    budget: Budget,
) -> bool:
    trigger = alarm.first("TRIGGER")
    if trigger is None:
        return False
    repeats, pause = _repetition(alarm)
    if (trigger.parameter("VALUE") or "").upper() == "DATE-TIME" or "P" not in trigger.value:
        first = clocks.to_utc(line_time(trigger))
        return _goes_off(first, repeats, pause, time_range)
    offset = read_duration(trigger.value)
    seconds = offset.days * DAY + offset.seconds
    owners = [
        part
        for part in calendar_object.components
        if any(inner is alarm for inner in part.components)
    ]
    at_end = (trigger.parameter("RELATED") or "").upper() == "END"
    extents = [extent for part in owners if (extent := read_extent(part, clocks)) is not None]
    reach = max((extent.span for extent in extents), default=DAY) + abs(seconds) + repeats * pause
    after = -_EVER if time_range.start is None else time_range.start - reach
    before = None if time_range.end is None else time_range.end + reach
    for instance in instances_near(calendar_object, clocks, after, before, budget):
        if any(instance.component is part for part in owners):
            first = (instance.end if at_end else instance.start) + seconds
            if _goes_off(first, repeats, pause, time_range):
                return True
    return False


def _repetition(alarm: Component) -> tuple[int, int]:
    """REPEAT and the seconds of DURATION between; (0, 0) without both."""
    repeat, duration = alarm.first("REPEAT"), alarm.first("DURATION")
    if repeat is None or duration is None:
        return 0, 0
    digits = repeat.value.strip()[:10]
    pause = read_duration(duration.value)
    seconds = pause.days * DAY + pause.seconds
    if not (digits.isascii() and digits.isdigit()) or seconds <= 0:
        return 0, 0
    return int(digits), seconds


def _goes_off(first: int, repeats: int, pause: int, time_range: TimeRange) -> bool:
    """Is one of first, first + pause … in the range? Worked out, not counted."""
    begin, end = _bounds(time_range)
    number = 0
    if pause and first < begin:
        number = min(math.ceil((begin - first) / pause), repeats)
    return begin <= first + number * pause < end
