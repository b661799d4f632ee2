"""RECUR values (RFC 5545 §3.3.10): reading and checking a recurrence rule."""

import re
from dataclasses import dataclass, replace
from typing import Literal, get_args

from davenport.objects.value import Time, ValueFormatError, read_time

Frequency = Literal["SECONDLY", "MINUTELY", "HOURLY", "DAILY", "WEEKLY", "MONTHLY", "YEARLY"]

FREQUENCIES: tuple[Frequency, ...] = get_args(Frequency)
WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")

_NUMBER = re.compile(r"[0-9]{1,10}")
_SIGNED = re.compile(r"[+-]?[0-9]{1,3}")
_WEEKDAY = re.compile(r"([+-]?[0-9]{1,2})?(MO|TU|WE|TH|FR|SA|SU)")
# (lowest, highest, negative numbers count from the end)
_RANGES = {
    "BYSECOND": (0, 60, False),
    "BYMINUTE": (0, 59, False),
    "BYHOUR": (0, 23, False),
    "BYMONTHDAY": (1, 31, True),
    "BYYEARDAY": (1, 366, True),
    "BYWEEKNO": (1, 53, True),
    "BYMONTH": (1, 12, False),
    "BYSETPOS": (1, 366, True),
}


@dataclass(frozen=True, slots=True)
class Rule:
    """A recurrence rule.

    An empty tuple is an absent part; `by_day` holds (ordinal or 0, weekday with Monday = 0).
    `readable` is False for a rule that is kept but not expanded: RSCALE (RFC 7529).
    """

    frequency: Frequency
    interval: int = 1
    count: int | None = None
    until: Time | None = None
    week_start: int = 0
    by_second: tuple[int, ...] = ()
    by_minute: tuple[int, ...] = ()
    by_hour: tuple[int, ...] = ()
    by_day: tuple[tuple[int, int], ...] = ()
    by_month_day: tuple[int, ...] = ()
    by_year_day: tuple[int, ...] = ()
    by_week_number: tuple[int, ...] = ()
    by_month: tuple[int, ...] = ()
    by_set_position: tuple[int, ...] = ()
    readable: bool = True


def read_rule(text: str) -> Rule:
    """The rule `text` writes. Raises ValueFormatError: no or unknown FREQ, a part twice, a number
    out of its range.

    Blanks and lower case are tolerated, parts with other names are passed over.
    """
    parts = _split(text)
    frequency = parts.get("FREQ")
    if frequency not in FREQUENCIES:
        raise ValueFormatError(f"the rule has no known FREQ (got {frequency or 'none'})")
    readable = "RSCALE" not in parts and "SKIP" not in parts
    if not readable:
        return Rule(frequency, readable=False)
    count = parts.get("COUNT")
    until = parts.get("UNTIL")
    week_start = parts.get("WKST", "MO")
    if week_start not in WEEKDAYS:
        raise ValueFormatError(f"WKST={week_start} is not a day of the week")
    numbers = {name: _numbers(name, parts[name]) for name in _RANGES if name in parts}
    by_day = _weekdays(parts["BYDAY"]) if "BYDAY" in parts else ()
    return Rule(
        frequency,
        interval=_positive("INTERVAL", parts.get("INTERVAL", "1")),
        count=None if count is None else _positive("COUNT", count),
        until=None if until is None else read_time(until),
        week_start=WEEKDAYS.index(week_start),
        by_second=tuple(sorted({min(n, 59) for n in numbers.get("BYSECOND", ())})),
        by_minute=numbers.get("BYMINUTE", ()),
        by_hour=numbers.get("BYHOUR", ()),
        by_day=by_day,
        by_month_day=numbers.get("BYMONTHDAY", ()),
        by_year_day=numbers.get("BYYEARDAY", ()),
        by_week_number=numbers.get("BYWEEKNO", ()),
        by_month=numbers.get("BYMONTH", ()),
        by_set_position=numbers.get("BYSETPOS", ()),
    )


def without_times(rule: Rule) -> Rule:
    """`rule` for a DTSTART that is a DATE: BYHOUR, BYMINUTE and BYSECOND are ignored (§3.3.10)."""
    if not (rule.by_hour or rule.by_minute or rule.by_second):
        return rule
    return replace(rule, by_hour=(), by_minute=(), by_second=())


def _split(text: str) -> dict[str, str]:
    """The parts of a rule by name, upper-case and without blanks."""
    parts: dict[str, str] = {}
    for part in text.upper().split(";"):
        if not part.strip():
            continue
        name, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals or not name or not value or "=" in value:
            raise ValueFormatError(f"{part[:40]!r} is not a part of a rule (NAME=value)")
        if name in parts:
            raise ValueFormatError(f"the rule has {name[:40]} twice")
        parts[name] = value
    return parts


def _positive(name: str, text: str) -> int:
    if _NUMBER.fullmatch(text) is None or int(text) == 0:
        raise ValueFormatError(f"{name}={text[:20]} is not a positive number")
    return int(text)


def _numbers(name: str, text: str) -> tuple[int, ...]:
    """A list of numbers, sorted, each once."""
    lowest, highest, signed = _RANGES[name]
    found = set()
    for part in text.split(","):
        piece = part.strip()
        number = int(piece) if _SIGNED.fullmatch(piece) else None
        if number is None or (number < 0 and not signed) or (not lowest <= abs(number) <= highest):
            raise ValueFormatError(f"{name}={piece[:20]} is out of range")
        found.add(number)
    return tuple(sorted(found))


def _weekdays(text: str) -> tuple[tuple[int, int], ...]:
    found = set()
    for part in text.split(","):
        match = _WEEKDAY.fullmatch(part.strip())
        ordinal = int(match[1] or 0) if match else 0
        if match is None or abs(ordinal) > 53 or (match[1] and ordinal == 0):
            raise ValueFormatError(f"BYDAY={part.strip()[:20]} is not a day of the week")
        found.add((ordinal, WEEKDAYS.index(match[2])))
    return tuple(sorted(found))
