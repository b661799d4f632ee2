"""What a hostile object within the limits costs: seconds of CPU, never minutes."""

import time
from collections.abc import Iterable
from datetime import datetime, timedelta

import pytest

from davenport.dav.filter import CompFilter, TimeRange
from davenport.objects.calendar import read_calendar_object
from davenport.objects.index import index_calendar_object
from davenport.objects.match import matches_calendar
from tests.objects.sample import wrapped

# Without counting their work, these take from six seconds to minutes.
SECONDS = 5
NEW_YEAR = 1735689600  # 2025-01-01


def event(*lines: str, kind: str = "VEVENT") -> list[str]:
    return [f"BEGIN:{kind}", "UID:u", *lines, f"END:{kind}"]


def days(number: int) -> str:
    first = datetime(1900, 1, 1)  # noqa: DTZ001
    return ",".join(f"{first + timedelta(days=n):%Y%m%dT%H%M%S}" for n in range(number))


def observance(*lines: str) -> list[str]:
    offsets = ("TZOFFSETFROM:+0100", "TZOFFSETTO:+0100")
    return ["BEGIN:STANDARD", "DTSTART:19000101T000000", *offsets, *lines, "END:STANDARD"]


def zone(*lines: str) -> list[str]:
    return ["BEGIN:VTIMEZONE", "TZID:Own", *lines, "END:VTIMEZONE"]


def numbers(first: int, last: int, *, both: bool = False) -> str:
    found = list(range(first, last + 1))
    return ",".join(map(str, found + [-n for n in found] if both else found))


WEEKDAYS = ",".join(
    f"{sign}{n}{day}"
    for sign in "+-"
    for n in range(1, 54)
    for day in ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
)
EVERY = {
    "BYDAY": WEEKDAYS,
    "BYMONTH": numbers(1, 12),
    "BYMONTHDAY": numbers(1, 31, both=True),
    "BYYEARDAY": numbers(1, 366, both=True),
    "BYWEEKNO": numbers(1, 53, both=True),
}
ALARM = ["BEGIN:VALARM", "TRIGGER:-P10D", "END:VALARM"]


def dense(frequency: str, **parts: str) -> list[str]:
    found = ";".join(f"{name}={value}" for name, value in (EVERY | parts).items())
    return event("DTSTART:19700101T000000Z", f"RRULE:FREQ={frequency};COUNT=9999999999;{found}")


def many(number: int, lines: Iterable[str]) -> list[str]:
    return list(lines) * number


OBJECTS = {
    "zone-and-event-of-many-rdates": [
        *zone(*observance(f"RDATE:{days(30_000)}")),
        *event("DTSTART;TZID=Own:20200101T000000", f"RDATE;TZID=Own:{days(30_000)}"),
    ],
    "zone-of-many-observances": [
        *zone(*many(900, observance())),
        *event("DTSTART;TZID=Own:19000101T000000", f"RDATE;TZID=Own:{days(30_000)}"),
    ],
    "alarms-and-rules": event(
        "DTSTART:20200101T000000Z",
        *many(18_000, ["RRULE:FREQ=DAILY;UNTIL=19700101"]),
        *many(400, ALARM),
    ),
    "alarms-and-properties": event(
        *many(18_000, ["X-A:1"]), "DTSTART:20200101T000000Z", *many(900, ALARM)
    ),
    "task-of-many-properties-that-moves-its-series": [
        *event(
            *many(18_000, ["X-A:1"]),
            "DTSTART:20200101T000000Z",
            "DURATION:PT1S",
            "RRULE:FREQ=MINUTELY",
            kind="VTODO",
        ),
        *event(
            "DTSTART:19600101T000000Z",
            "DURATION:P9W",
            "RECURRENCE-ID;RANGE=THISANDFUTURE:99000101T000000Z",
            kind="VTODO",
        ),
    ],
    "dense-yearly": dense("YEARLY", BYSETPOS="1"),
    "dense-monthly": dense("MONTHLY", BYSETPOS="31"),
}
OBJECTS["sparse-yearly"] = event(
    "DTSTART:19700101T000000Z",
    f"RRULE:FREQ=YEARLY;COUNT=9999999999;BYDAY={WEEKDAYS};BYMONTH={numbers(1, 12)};BYMONTHDAY=29",
)


@pytest.mark.parametrize("lines", OBJECTS.values(), ids=OBJECTS.keys())
def test_a_hostile_object_is_read_indexed_and_matched_in_seconds(lines):
    before = time.process_time()
    found = read_calendar_object(wrapped(*lines))
    index_calendar_object(found)
    for start in (NEW_YEAR, NEW_YEAR - 65 * 366 * 86_400):
        window = TimeRange(start, start + 1)
        alarm = CompFilter("VALARM", time_range=window)
        for asked in (
            CompFilter(found.component, time_range=window),
            CompFilter(found.component, comp_filters=(alarm,)),
        ):
            matches_calendar(found, CompFilter("VCALENDAR", comp_filters=(asked,)), None)
    assert time.process_time() - before < SECONDS
