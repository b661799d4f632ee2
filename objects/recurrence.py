"""Expanding recurrence rules by the table of RFC 5545 §3.3.10, on one clock.

Days are counted from 1970-01-01, times in seconds. A rule is entered near the window by
arithmetic instead of being walked from DTSTART, and each step taken is paid for from a budget.
Where sources dispute a rule: the RFC first, then the majority of libical, ical.js and ical.net.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from davenport.objects.recurrence_days import (
    GREGORIAN_CYCLE,
    LAST_DAY,
    days_of_month,
    days_of_week,
    days_of_year,
    is_allowed,
    month_of,
    next_month,
    week_year,
    weekday,
    year_of,
)
from davenport.objects.rule import Rule
from davenport.objects.value import DAY

# After so many periods without an instance there never is one: the calendar begins again.
_CYCLES: Final = {"YEARLY": 400, "MONTHLY": 4800, "WEEKLY": GREGORIAN_CYCLE // 7, "DAILY": 7}
_UNITS: Final = {"SECONDLY": 1, "MINUTELY": 60, "HOURLY": 3600, "DAILY": DAY, "WEEKLY": 7 * DAY}


class ExpansionIncompleteError(Exception):
    """The instances are not known: the budget is spent, or the rule is one we do not expand."""


@dataclass(slots=True)
class Budget:
    """Steps that may still be taken; one budget may serve many expansions."""

    left: int

    def spend(self, steps: int = 1) -> None:
        """Take `steps`. Raises ExpansionIncompleteError when there are too few."""
        self.left -= steps
        if self.left < 0:
            raise ExpansionIncompleteError("the recurrence takes more steps than allowed")


@dataclass(frozen=True, slots=True)
class _Times:
    """The times of a day: every hour with every minute with every second; never written out."""

    hours: tuple[int, ...]
    minutes: tuple[int, ...]
    seconds: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.hours) * len(self.minutes) * len(self.seconds)

    def at(self, index: int) -> int:
        """The time at `index`, in seconds of the day."""
        rest, second = divmod(index, len(self.seconds))
        hour, minute = divmod(rest, len(self.minutes))
        return self.hours[hour] * 3600 + self.minutes[minute] * 60 + self.seconds[second]

    def position(self, of_day: int) -> int:
        """The index of the first time not before `of_day` seconds."""
        hour, minute, second = of_day // 3600, of_day // 60 % 60, of_day % 60
        at_hour = bisect_left(self.hours, hour)
        index = at_hour * len(self.minutes) * len(self.seconds)
        if at_hour == len(self.hours) or self.hours[at_hour] != hour:
            return index
        at_minute = bisect_left(self.minutes, minute)
        index += at_minute * len(self.seconds)
        if at_minute == len(self.minutes) or self.minutes[at_minute] != minute:
            return index
        return index + bisect_left(self.seconds, second)


def expand(rule: Rule, start: int, until: int | None, after: int, budget: Budget) -> Iterator[int]:
    """The instances from `after` on, in order: DTSTART, which always counts as the first one
    (RFC 5545 §3.8.5.3), and those of the rule up to `until`, inclusive, or COUNT.

    All times are seconds on the clock of DTSTART; the caller stops when it has enough.
    Raises ExpansionIncompleteError.
    """
    last = last_instance(rule, start)
    if last is not None:
        until = last if until is None else min(until, last)
    lower = max(start, after)
    if lower == start:
        yield start
    if until is not None and lower > until:
        return
    if not rule.readable:
        raise ExpansionIncompleteError("the rule has a calendar scale that is not expanded")
    remaining = rule.count - 1 if rule.count is not None and last is None else None
    for instant in candidates(rule, start, lower if remaining is None else start, budget):
        if remaining == 0 or (until is not None and instant > until):
            return
        if instant <= start:
            continue
        if remaining is not None:
            remaining -= 1
        if instant >= lower:
            yield instant


def last_instance(rule: Rule, start: int) -> int | None:
    """Where COUNT ends a rule without BY parts, by arithmetic; None where that cannot tell."""
    unit = _UNITS.get(rule.frequency)
    parts = (
        rule.by_second, rule.by_minute, rule.by_hour, rule.by_day, rule.by_month_day,
        rule.by_year_day, rule.by_week_number, rule.by_month, rule.by_set_position,
    )  # fmt: skip
    if rule.count is None or unit is None or any(parts):
        return None
    return start + (rule.count - 1) * rule.interval * unit


def candidates(rule: Rule, start: int, lower: int, budget: Budget) -> Iterator[int]:
    """What the BY parts, FREQ and INTERVAL alone give from `lower` on, in order: without DTSTART,
    COUNT and UNTIL. Ends with the year 9999. Raises ExpansionIncompleteError."""
    of_day = start % DAY
    hours = rule.by_hour or (of_day // 3600,)
    minutes = rule.by_minute or (of_day // 60 % 60,)
    seconds = rule.by_second or (of_day % 60,)
    unit = _UNITS.get(rule.frequency, 0)
    if 0 < unit < DAY:
        yield from _within_days(rule, start, lower, budget)
        return
    times = _Times(hours, minutes, seconds)
    barren = 0
    for days in _PERIODS[rule.frequency](rule, start // DAY, lower // DAY, budget):
        barren += 1
        for instant in _instants(days, times, rule.by_set_position, lower, budget):
            barren = 0
            yield instant
        if barren > _CYCLES[rule.frequency]:
            return


def _instants(
    days: list[int], times: _Times, positions: tuple[int, ...], lower: int, budget: Budget
) -> Iterator[int]:
    """Each day of a period at each time, from `lower` on; only BYSETPOS `positions`, if any."""
    count = len(times)
    if positions:
        total = len(days) * count
        chosen = {(p - 1 if p > 0 else total + p) for p in positions}
        indices: Iterator[int] = iter(sorted(i for i in chosen if 0 <= i < total))
    else:
        first = bisect_left(days, lower // DAY)
        begin = first * count
        if first < len(days) and days[first] == lower // DAY:
            begin += times.position(lower % DAY)
        indices = iter(range(begin, len(days) * count))
    for index in indices:
        budget.spend()
        day, time = divmod(index, count)
        instant = days[day] * DAY + times.at(time)
        if instant >= lower:
            yield instant


def _cost(rule: Rule) -> int:
    """The steps that one period costs: more than one where its BY parts are long lists."""
    values = (
        len(rule.by_day)
        + len(rule.by_month_day)
        + len(rule.by_year_day)
        + len(rule.by_week_number)
        + len(rule.by_set_position)
    )
    months = (len(rule.by_month) or 12) if rule.frequency == "YEARLY" else 1
    return 1 + values * months // 32


def _yearly(rule: Rule, start: int, lower: int, budget: Budget) -> Iterator[list[int]]:
    cost = _cost(rule)
    anchor = week_year(start, rule.week_start) if rule.by_week_number else year_of(start)
    skipped = max(0, (year_of(lower) - 1 - anchor) // rule.interval)
    for year in range(anchor + skipped * rule.interval, 10_000, rule.interval):
        budget.spend(cost)
        days = days_of_year(rule, year, start)
        budget.spend(len(days) // 16)
        yield days


def _monthly(rule: Rule, start: int, lower: int, budget: Budget) -> Iterator[list[int]]:
    anchor = month_of(start)
    cost = _cost(rule)
    skipped = max(0, (month_of(lower) - anchor) // rule.interval)
    for month in range(anchor + skipped * rule.interval, 10_000 * 12, rule.interval):
        budget.spend(cost)
        days = days_of_month(rule, month, start)
        budget.spend(len(days) // 16)
        yield days


def _weekly(rule: Rule, start: int, lower: int, budget: Budget) -> Iterator[list[int]]:
    anchor = start - (weekday(start) - rule.week_start) % 7
    step = 7 * rule.interval
    cost = _cost(rule)
    skipped = max(0, (lower - anchor) // step)
    for week in range(anchor + skipped * step, LAST_DAY - 6, step):
        budget.spend(cost)
        yield days_of_week(rule, week, start)


def _daily(rule: Rule, start: int, lower: int, budget: Budget) -> Iterator[list[int]]:
    day = start + max(0, (lower - start) // rule.interval) * rule.interval
    while day <= LAST_DAY:
        allowed = _next_allowed_day(rule, day, budget)
        if allowed is None:
            return
        if allowed == day:
            yield [day]
            allowed += 1
        day += -(-(allowed - day) // rule.interval) * rule.interval


_PERIODS: Final[dict[str, Callable[[Rule, int, int, Budget], Iterator[list[int]]]]] = {
    "YEARLY": _yearly,
    "MONTHLY": _monthly,
    "WEEKLY": _weekly,
    "DAILY": _daily,
}


def _next_allowed_day(rule: Rule, day: int, budget: Budget) -> int | None:
    """The first day from `day` on that the BY parts for days let pass.

    None where there is none for a whole cycle of the calendar: then there never is.
    """
    limit = min(day + GREGORIAN_CYCLE, LAST_DAY)
    cost = _cost(rule)
    while day <= limit:
        budget.spend(cost)
        if rule.by_month and month_of(day) % 12 + 1 not in rule.by_month:
            day = next_month(day)
        elif is_allowed(rule, day):
            return day
        else:
            day += 1
    return None


def _within_days(rule: Rule, start: int, lower: int, budget: Budget) -> Iterator[int]:
    """HOURLY, MINUTELY and SECONDLY: from one period to the next, over what BY parts exclude."""
    unit = _UNITS[rule.frequency]
    step = rule.interval * unit
    anchor = start // unit * unit
    period = anchor + max(0, (lower - anchor) // step) * step
    minutes = (rule.by_minute or (start // 60 % 60,)) if unit == 3600 else ()
    seconds = rule.by_second or (start % 60,)
    day = -LAST_DAY
    cost = _cost(rule)
    while period // DAY <= LAST_DAY:
        budget.spend(cost)
        if period // DAY != day:
            found = _next_allowed_day(rule, period // DAY, budget)
            if found is None:
                return
            day = found
        resume = max(period, day * DAY)
        if resume == period:
            resume = _next_allowed_time(rule, period, unit)
        if resume > period:
            period += -(-(resume - period) // step) * step
            continue
        of_day = period % DAY
        times = _Times(
            (of_day // 3600,),
            minutes or (of_day // 60 % 60,),
            (of_day % 60,) if unit == 1 else seconds,
        )
        yield from _instants([period // DAY], times, rule.by_set_position, lower, budget)
        period += step


def _next_allowed_time(rule: Rule, period: int, unit: int) -> int:
    """`period` where BYHOUR, BYMINUTE and BYSECOND let it pass, else where to look next."""
    limits = ((rule.by_hour, 3600, 24), (rule.by_minute, 60, 60), (rule.by_second, 1, 60))
    for allowed, size, cycle in limits:
        if not allowed or size < unit:
            continue
        value = period // size % cycle
        index = bisect_left(allowed, value)
        if index < len(allowed) and allowed[index] == value:
            continue
        base = period // (size * cycle) * size * cycle
        return base + (allowed[index] if index < len(allowed) else cycle) * size
    return period
