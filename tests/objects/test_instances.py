"""Instances of whole calendars, against the occurrences that KDE's kcalendarcore expects."""

import json
import re

from davenport.objects.calendar import CalendarObject
from davenport.objects.contentline import read_components
from davenport.objects.instances import instances_near
from davenport.objects.limits import Limits
from davenport.objects.recurrence import Budget
from davenport.objects.timezone import UTC, Clocks, database_zone
from davenport.objects.value import read_time
from tests.objects.expansion import CORPUS, needs_corpus
from tests.objects.sample import calendar_object

EVER = -(10**15)


def starts(found: CalendarObject, number: int) -> list[int]:
    budget = Budget(1_000_000)
    clocks = Clocks(found.calendar, UTC, budget)
    result = []
    for instance in instances_near(found, clocks, EVER, None, budget):
        result.append(instance.start)
        if len(result) > number + 50:  # RDATEs come first, whenever they are
            break
    return sorted(result)[:number]


def expected_starts(texts: list[str]) -> list[int]:
    """`2004-07-14T18:00:00 MDT America/Denver` and the like, in UTC seconds."""
    result = []
    for text in texts:
        local, _, name = text.partition(" ")
        zone = database_zone(name.split()[-1])
        assert zone is not None
        result.append(zone.to_utc(read_time(re.sub("[-:]", "", local)).seconds))
    return result


def is_the_same(got: list[int], expected: list[int]) -> bool:
    """The same but for one shift: floating times were written down on the clock of the test."""
    pairs = list(zip(got, expected, strict=False))
    return len(got) == len(expected) and len({one - other for one, other in pairs}) <= 2


@needs_corpus
def test_whole_calendars_give_the_occurrences_that_kcalendarcore_expects():
    cases = json.loads((CORPUS / "expansion" / "kcalendarcore-occurrences.json").read_text())
    wrong = []
    for case in cases:
        (calendar,) = read_components(case["ics"], Limits())
        kind = next(part.name for part in calendar.components if part.name != "VTIMEZONE")
        found = CalendarObject("u", kind, calendar, case["ics"])
        expected = expected_starts(case["next"])
        if not is_the_same(starts(found, len(expected)), expected):
            wrong.append(case["name"])
    # What differs: kcalendarcore counts no DTSTART that does not match the rule.
    assert len(cases) == 144
    assert len(wrong) / len(cases) <= 0.05, wrong


def test_a_series_with_a_stray_recurrence_id_and_no_master_is_a_series():
    found = calendar_object(
        "RECURRENCE-ID:19700101T000000Z", "DTSTART:20240101T100000Z", "RRULE:FREQ=DAILY;COUNT=3"
    )
    first = read_time("20240101T100000Z").seconds
    assert starts(found, 10) == [first, first + 86400, first + 2 * 86400]
