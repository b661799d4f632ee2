"""Typed values of iCalendar (RFC 5545 §3.3): DATE, DATE-TIME, DURATION, PERIOD, UTC-OFFSET.

Local times are whole seconds since 1970-01-01T00:00:00 on the clock they were written for, so
that a UTC value is a UNIX time and arithmetic needs no calendar.
"""

import re
from dataclasses import dataclass
from datetime import date
from typing import Literal

from davenport.objects.contentline import ContentLine

DAY = 86_400
EPOCH_ORDINAL = 719_163  # date(1970, 1, 1).toordinal()

Clock = Literal["date", "floating", "utc", "zoned"]

# [0-9] and not \d: digits of other scripts are errors.
_TIME = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})(?:T([0-9]{2})([0-9]{2})([0-9]{2})(Z?))?")
_DURATION = re.compile(
    r"([+-]?)P(?=[0-9]|T[0-9])(?:([0-9]{1,99})W)?(?:([0-9]{1,99})D)?"
    r"(?:T(?:([0-9]{1,99})H)?(?:([0-9]{1,99})M)?(?:([0-9]{1,99})S)?)?"
)
_LONGEST = 10**9  # of each unit: beyond any calendar, and safe to calculate with
_OFFSET = re.compile(r"([+-])([0-9]{2})([0-9]{2})([0-9]{2})?")


class ValueFormatError(ValueError):
    """A value does not follow the grammar of its type; the text is a readable reason."""


@dataclass(frozen=True, slots=True)
class Time:
    """A DATE or DATE-TIME: `seconds` on its own `clock`, named by `tzid` where that is "zoned"."""

    seconds: int
    clock: Clock
    tzid: str | None = None


@dataclass(frozen=True, slots=True)
class Duration:
    """Nominal `days` and exact `seconds` (RFC 5545 §3.3.6), both of the same sign."""

    days: int
    seconds: int


@dataclass(frozen=True, slots=True)
class Period:
    """A PERIOD: from `start` to an explicit end or for a duration."""

    start: Time
    end: Time | Duration


def read_time(text: str, tzid: str | None = None) -> Time:
    """A DATE or DATE-TIME, by its shape; `tzid` is its TZID parameter. Raises ValueFormatError."""
    match = _TIME.fullmatch(text.strip())
    if match is None:
        raise ValueFormatError(f"{_shown(text)} is neither a date nor a date-time")
    year, month, day, hour, minute, second, zulu = match.groups()
    try:
        days = date(int(year), int(month), int(day)).toordinal() - EPOCH_ORDINAL
    except ValueError:
        raise ValueFormatError(f"{_shown(text)} is not a day of the calendar") from None
    if hour is None:
        return Time(days * DAY, "date")
    of_day = int(hour), int(minute), min(int(second), 59 if second == "60" else 99)
    if of_day[0] > 23 or of_day[1] > 59 or of_day[2] > 59:
        raise ValueFormatError(f"{_shown(text)} is not a time of day")
    seconds = days * DAY + of_day[0] * 3600 + of_day[1] * 60 + of_day[2]
    if zulu:
        return Time(seconds, "utc")  # a TZID beside the Z says nothing more (§3.2.19)
    return Time(seconds, "zoned", tzid) if tzid else Time(seconds, "floating")


def read_duration(text: str) -> Duration:
    """A DURATION; weeks may stand beside days, and more than 10⁹ of a unit is 10⁹.

    Raises ValueFormatError.
    """
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise ValueFormatError(f"{_shown(text)} is not a duration")
    weeks, days, hours, minutes, seconds = (
        min(int(part or 0), _LONGEST) for part in match.groups()[1:]
    )
    sign = -1 if match[1] == "-" else 1
    return Duration(sign * (weeks * 7 + days), sign * (hours * 3600 + minutes * 60 + seconds))


def read_period(text: str, tzid: str | None = None) -> Period:
    """A PERIOD (§3.3.9). Raises ValueFormatError."""
    start, slash, end = text.partition("/")
    if not slash:
        raise ValueFormatError(f"{_shown(text)} is not a period")
    begin = read_time(start, tzid)
    if end.strip()[:1] in ("P", "+", "-"):
        return Period(begin, read_duration(end))
    return Period(begin, read_time(end, tzid))


def read_offset(text: str) -> int:
    """A UTC-OFFSET in seconds; less than a day. Raises ValueFormatError."""
    match = _OFFSET.fullmatch(text.strip())
    if match is None or int(match[2]) > 23 or int(match[3]) > 59:
        raise ValueFormatError(f"{_shown(text)} is not an offset from UTC")
    seconds = int(match[2]) * 3600 + int(match[3]) * 60 + int(match[4] or 0)
    return -seconds if match[1] == "-" else seconds


def line_time(line: ContentLine) -> Time:
    """The one time of DTSTART, DTEND, DUE, RECURRENCE-ID … Raises ValueFormatError."""
    return read_time(line.value, line.parameter("TZID") if line.parameters else None)


def line_times(line: ContentLine) -> list[Time | Period]:
    """The values of RDATE or EXDATE; an empty value is none. Raises ValueFormatError."""
    tzid = line.parameter("TZID")
    return [
        read_period(part, tzid) if "/" in part else read_time(part, tzid)
        for part in line.value.split(",")
        if part and not part.isspace()
    ]


def _shown(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:40] + "…")
