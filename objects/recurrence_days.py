"""The days that a recurrence rule gives within a year, a month or a week (RFC 5545 §3.3.10).

A day is a number counted from 1970-01-01, a month is counted from the year 0.
"""

from calendar import monthrange
from datetime import date

from davenport.objects.rule import Rule
from davenport.objects.value import EPOCH_ORDINAL

GREGORIAN_CYCLE = 146_097  # days in 400 years, a whole number of weeks
LAST_DAY = date.max.toordinal() - EPOCH_ORDINAL
_FIRST_DAY = 1 - EPOCH_ORDINAL


def day_number(year: int, month: int, day: int) -> int:
    """The number of a date that exists."""
    return date(year, month, day).toordinal() - EPOCH_ORDINAL


def to_date(day: int) -> date:
    """The date of a day number, the nearest one where the calendar has none."""
    return date.fromordinal(min(max(day, _FIRST_DAY), LAST_DAY) + EPOCH_ORDINAL)


def weekday(day: int) -> int:
    """Monday is 0."""
    return (day + 3) % 7


def year_of(day: int) -> int:
    """The year of a day."""
    return to_date(day).year


def month_of(day: int) -> int:
    """The month of a day, counted from the year 0."""
    found = to_date(day)
    return found.year * 12 + found.month - 1


def next_month(day: int) -> int:
    """The first day of the following month."""
    month = month_of(day) + 1
    return day_number(month // 12, month % 12 + 1, 1) if month < 120_000 else LAST_DAY + 1


def first_week(year: int, week_start: int) -> int:
    """The first day of week 1: the first week with four days or more in the year."""
    fourth = (
        date(1, 1, 4).toordinal() - EPOCH_ORDINAL if year < 1 else day_number(min(year, 9999), 1, 4)
    )
    return fourth - (weekday(fourth) - week_start) % 7


def week_year(day: int, week_start: int) -> int:
    """The year that the week of `day` belongs to."""
    year = year_of(day)
    if day < first_week(year, week_start):
        return year - 1
    return year + 1 if year < 9999 and day >= first_week(year + 1, week_start) else year


def days_of_year(rule: Rule, year: int, start: int) -> list[int]:
    """The days of a YEARLY rule in `year`, sorted; with BYWEEKNO in the weeks of that year."""
    if rule.by_year_day:
        days = _year_days(rule, year)
    elif rule.by_month_day:
        days = _month_days(rule, year, start)
    elif rule.by_week_number:
        return sorted(_week_days(rule, year, start))
    elif rule.by_day:
        return sorted(_weekdays_of_year(rule, year))
    else:
        first = to_date(start)
        months = rule.by_month or (first.month,)
        return [
            day_number(year, month, first.day)
            for month in months
            if first.day <= monthrange(year, month)[1]
        ]
    if rule.by_day:
        days &= _weekdays_of_year(rule, year)
    return sorted(day for day in days if _is_week_allowed(rule, day))


def days_of_month(rule: Rule, month: int, start: int) -> list[int]:
    """The days of a MONTHLY rule in `month`, sorted."""
    year, number = month // 12, month % 12 + 1
    if rule.by_month and number not in rule.by_month:
        return []
    first = day_number(year, number, 1)
    length = monthrange(year, number)[1]
    if rule.by_month_day:
        days = _from_ends(rule.by_month_day, first, length)
        if rule.by_day:
            days &= _nth_weekdays(rule, first, length)
    elif rule.by_day:
        days = _nth_weekdays(rule, first, length)
    else:
        day = to_date(start).day
        days = {first + day - 1} if day <= length else set()
    return sorted(
        day for day in days if _is_year_day_allowed(rule, day) and _is_week_allowed(rule, day)
    )


def days_of_week(rule: Rule, week: int, start: int) -> list[int]:
    """The days of a WEEKLY rule in the week that begins at `week`, sorted."""
    weekdays = {number for _, number in rule.by_day} or {weekday(start)}
    return [
        day
        for day in range(week, week + 7)
        if weekday(day) in weekdays and _is_date_allowed(rule, day)
    ]


def is_allowed(rule: Rule, day: int) -> bool:
    """Do all BY parts for days let `day` pass? For DAILY and shorter frequencies."""
    if rule.by_day and weekday(day) not in {number for _, number in rule.by_day}:
        return False
    return _is_date_allowed(rule, day)


def _is_date_allowed(rule: Rule, day: int) -> bool:
    if not (rule.by_month or rule.by_month_day or rule.by_year_day or rule.by_week_number):
        return True
    found = to_date(day)
    if rule.by_month and found.month not in rule.by_month:
        return False
    if rule.by_month_day:
        length = monthrange(found.year, found.month)[1]
        if found.day not in rule.by_month_day and found.day - length - 1 not in rule.by_month_day:
            return False
    return _is_year_day_allowed(rule, day) and _is_week_allowed(rule, day)


def _is_year_day_allowed(rule: Rule, day: int) -> bool:
    if not rule.by_year_day:
        return True
    year = year_of(day)
    number = day - day_number(year, 1, 1) + 1
    length = day_number(year, 12, 31) - day_number(year, 1, 1) + 1
    return number in rule.by_year_day or number - length - 1 in rule.by_year_day


def _is_week_allowed(rule: Rule, day: int) -> bool:
    if not rule.by_week_number:
        return True
    year = week_year(day, rule.week_start)
    first = first_week(year, rule.week_start)
    number = (day - first) // 7 + 1
    weeks = (first_week(year + 1, rule.week_start) - first) // 7
    return number in rule.by_week_number or number - weeks - 1 in rule.by_week_number


def _year_days(rule: Rule, year: int) -> set[int]:
    first = day_number(year, 1, 1)
    days = _from_ends(rule.by_year_day, first, day_number(year, 12, 31) - first + 1)
    dates = ((day, to_date(day)) for day in days)
    return {
        day
        for day, found in dates
        if (not rule.by_month or found.month in rule.by_month)
        and (
            not rule.by_month_day
            or found.day in rule.by_month_day
            or found.day - monthrange(year, found.month)[1] - 1 in rule.by_month_day
        )
    }


def _month_days(rule: Rule, year: int, start: int) -> set[int]:
    """BYMONTHDAY in each month of BYMONTH.

    Without it in any month that BYWEEKNO allows, else in that of DTSTART: what a rule leaves
    open is taken from there (§3.3.10), and so read libical, ical.js and ical.net.
    """
    days: set[int] = set()
    left_open = range(1, 13) if rule.by_week_number else (to_date(start).month,)
    for month in rule.by_month or left_open:
        length = monthrange(year, month)[1]
        days |= _from_ends(rule.by_month_day, day_number(year, month, 1), length)
    return days


def _week_days(rule: Rule, year: int, start: int) -> set[int]:
    """BYDAY, or the weekday of DTSTART, in the weeks of `year`; some lie in the next year."""
    first = first_week(year, rule.week_start)
    weeks = (first_week(year + 1, rule.week_start) - first) // 7 if year < 9999 else 52
    begins = {
        first + 7 * (number - 1 if number > 0 else weeks + number)
        for number in rule.by_week_number
        if abs(number) <= weeks
    }
    weekdays = {number for _, number in rule.by_day} or {weekday(start)}
    days = {
        begin + (number - rule.week_start) % 7
        for begin in begins
        for number in weekdays
        if begin + 7 <= LAST_DAY
    }
    return {day for day in days if not rule.by_month or to_date(day).month in rule.by_month}


def _weekdays_of_year(rule: Rule, year: int) -> set[int]:
    """BYDAY in each month of BYMONTH, or in the year."""
    if not rule.by_month:
        first = day_number(year, 1, 1)
        return _nth_weekdays(rule, first, day_number(year, 12, 31) - first + 1)
    days: set[int] = set()
    for month in rule.by_month:
        days |= _nth_weekdays(rule, day_number(year, month, 1), monthrange(year, month)[1])
    return days


def _nth_weekdays(rule: Rule, first: int, length: int) -> set[int]:
    """BYDAY among the `length` days from `first`: every such weekday, or the n-th from an end."""
    days: set[int] = set()
    for ordinal, number in rule.by_day:
        begin = first + (number - weekday(first)) % 7
        all_days = range(begin, first + length, 7)
        if ordinal == 0:
            days.update(all_days)
        elif 0 < ordinal <= len(all_days):
            days.add(all_days[ordinal - 1])
        elif ordinal < 0 and -ordinal <= len(all_days):
            days.add(all_days[ordinal])
    return days


def _from_ends(numbers: tuple[int, ...], first: int, length: int) -> set[int]:
    """Numbered days among `length` from `first`, negative ones counted from the end."""
    return {
        first + (number - 1 if number > 0 else length + number)
        for number in numbers
        if abs(number) <= length
    }
