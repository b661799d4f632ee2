"""Recurrence rules: the published cases, DTSTART, jumping to a window, and hostile rules."""

from collections import Counter
from datetime import datetime
from itertools import islice

import pytest
from dateutil.rrule import rrulestr
from hypothesis import given, settings
from hypothesis import strategies as st

from davenport.objects.recurrence import (
    Budget,
    ExpansionIncompleteError,
    candidates,
    expand,
)
from davenport.objects.rule import Rule, read_rule, without_times
from davenport.objects.value import DAY, EPOCH_ORDINAL, Time, ValueFormatError, read_time
from tests.objects import expansion


def seconds(text: str) -> int:
    return read_time(text).seconds


def shown(instant: int, *, date: bool = False) -> str:
    day, of_day = divmod(instant, DAY)
    text = datetime.fromordinal(day + EPOCH_ORDINAL).strftime("%Y%m%d")
    if date:
        return text
    return f"{text}T{of_day // 3600:02}{of_day // 60 % 60:02}{of_day % 60:02}"


def instances(
    rule_text: str, dtstart: str, number: int = 100, after: str | None = None
) -> list[str]:
    rule = read_rule(rule_text)
    start = seconds(dtstart)
    until = rule.until.seconds if rule.until else None
    lower = seconds(after) if after else start
    found = expand(rule, start, until, lower, Budget(100_000))
    return [shown(instant, date="T" not in dtstart) for instant in islice(found, number)]


def rule_set(rule: Rule, start: Time, number: int) -> list[str]:
    """What the rule alone gives: the sources count no DTSTART that does not match."""
    until = rule.until.seconds if rule.until else None
    if until is not None and rule.until.clock == "date" and start.clock != "date":
        until += DAY - 1
    found = []
    limit = min(number, rule.count) if rule.count else number
    try:
        for instant in candidates(rule, start.seconds, start.seconds, Budget(100_000)):
            if (until is not None and instant > until) or len(found) >= limit:
                break
            found.append(shown(instant, date=start.clock == "date"))
    except ExpansionIncompleteError:
        found.append("incomplete")
    return found


def agrees(case) -> bool:
    start = read_time(case.dtstart)
    rule = read_rule(case.rule)
    if start.clock == "date":
        rule = without_times(rule)
    expected = [text.strip().removesuffix("Z") for text in case.expected]
    if start.clock == "date":
        expected = [text.removesuffix("T000000") for text in expected]
    got = rule_set(rule, start, len(expected) + (2 if case.complete else 0))
    first = [shown(start.seconds, date=start.clock == "date")]
    return got == expected or (got[:1] != first and (first + got)[: len(expected)] == expected)


# Where a source departs from the RFC's table or from the other three.
DISPUTED = {
    ("dateutil", "BYYEARDAY under MONTHLY and WEEKLY is not defined"): lambda rule: (
        rule.frequency in ("MONTHLY", "WEEKLY") and bool(rule.by_year_day)
    ),
    ("dateutil", "BYWEEKNO under other than YEARLY is not defined"): lambda rule: (
        rule.frequency != "YEARLY" and bool(rule.by_week_number)
    ),
    ("dateutil", "BYMONTHDAY under WEEKLY is not defined"): lambda rule: (
        rule.frequency == "WEEKLY" and bool(rule.by_month_day)
    ),
    ("dateutil", "BYWEEKNO without BYDAY takes the weekday of DTSTART"): lambda rule: (
        bool(rule.by_week_number) and not rule.by_day
    ),
    ("dateutil", "BYMONTHDAY without BYMONTH takes the month of DTSTART"): lambda rule: (
        rule.frequency == "YEARLY" and bool(rule.by_month_day) and not rule.by_month
    ),
}


def is_disputed(case) -> bool:
    if case.expected and case.expected[0].startswith("***"):
        return True  # libical's own "not implemented"
    rule = read_rule(case.rule)
    return any(source == case.source and holds(rule) for (source, _), holds in DISPUTED.items())


@expansion.needs_corpus
def test_published_cases_come_out_as_their_sources_say():
    right: Counter[str] = Counter()
    total: Counter[str] = Counter()
    wrong = []
    for case in expansion.cases():
        if case.refused or "0MO" in case.rule or "0SA" in case.rule or is_disputed(case):
            continue
        total[case.source] += 1
        if agrees(case):
            right[case.source] += 1
        else:
            wrong.append((case.source, case.dtstart, case.rule))
    share = {source: right[source] / total[source] for source in total}
    assert total["libical"] > 130
    assert total["ical.net"] > 60
    assert total["ical.js"] > 100
    assert total["dateutil"] > 340
    assert all(part >= 0.97 for part in share.values()), (share, wrong)


@expansion.needs_corpus
def test_a_rule_that_cannot_be_read_is_refused_wherever_it_is_not_only_unusual():
    tolerated = {"BYWEEKNO", "BYYEARDAY", "BYMONTHDAY", "BYDAY=1MO"}  # parts FREQ has no use for
    for case in expansion.cases():
        year = case.dtstart[:2] == "99" or "000000" in case.rule or case.rule == "FREQ=YEARLY"
        if case.refused and not year and not any(part in case.rule for part in tolerated):
            with pytest.raises(ValueFormatError):
                read_rule(case.rule)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "COUNT=3",
        "FREQ=FORTNIGHTLY",
        "FREQ=DAILY;INTERVAL=0",
        "FREQ=DAILY;INTERVAL=-1",
        "FREQ=DAILY;INTERVAL=" + "9" * 5000,
        "FREQ=DAILY;COUNT=0",
        "FREQ=DAILY;COUNT=three",
        "FREQ=DAILY;UNTIL=20240230",
        "FREQ=DAILY;FREQ=DAILY",
        "FREQ=YEARLY;BYMONTH=13",
        "FREQ=YEARLY;BYMONTH=-1",
        "FREQ=MONTHLY;BYMONTHDAY=0",
        "FREQ=MONTHLY;BYMONTHDAY=32",
        "FREQ=MONTHLY;BYDAY=0MO",
        "FREQ=MONTHLY;BYDAY=XX",
        "FREQ=DAILY;BYHOUR=24",
        "FREQ=DAILY;BYHOUR=\u0661",
        "FREQ=WEEKLY;WKST=1",
        "FREQ=WEEKLY;BYDAY=MO=",
        "FREQ=DAILY;INTERVAL",
    ],
)
def test_an_unreadable_rule_is_refused(text):
    with pytest.raises(ValueFormatError):
        read_rule(text)


@pytest.mark.parametrize(
    "rule, dtstart, expected",
    [
        ("FREQ=WEEKLY;BYDAY=TU;COUNT=3", "20240101", ["20240101", "20240102", "20240109"]),
        ("FREQ=YEARLY;UNTIL=20230101", "20240101", ["20240101"]),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "20240101", ["20240101"]),
        ("freq=weekly; byday=mo, tu;count=2", "20240101", ["20240101", "20240102"]),
        ("FREQ=YEARLY;COUNT=3", "20240229", ["20240229", "20280229", "20320229"]),
    ],
    ids=["dtstart-outside-rule", "until-before", "never", "blanks", "leap-day"],
)
def test_dtstart_is_always_the_first_instance(rule, dtstart, expected):
    assert instances(rule, dtstart) == expected


@pytest.mark.parametrize(
    "rule, dtstart, after, expected",
    [
        ("FREQ=SECONDLY", "19700101T000000", "20240101T000000", "20240101T000000"),
        ("FREQ=SECONDLY;INTERVAL=7", "19700101T000000", "20240101T000000", "20240101T000004"),
        ("FREQ=MINUTELY;BYHOUR=5", "19700101T000000", "20240101T060000", "20240102T050000"),
        ("FREQ=DAILY", "19900101T090000", "20900101T000000", "20900101T090000"),
        ("FREQ=YEARLY", "19000615", "22000101", "22000615"),
        (
            "FREQ=WEEKLY;BYDAY=FR;INTERVAL=2",
            "19990101T080000",
            "20990101T000000",
            "20990102T080000",
        ),
        ("FREQ=SECONDLY;COUNT=2000000000", "19700101T000000", "20300101T000000", "20300101T000000"),
    ],
    ids=["secondly", "every-7-s", "minutely", "daily-1990", "yearly", "fortnightly", "count"],
)
def test_a_distant_window_costs_no_more_than_a_near_one(rule, dtstart, after, expected):
    read = read_rule(rule)
    budget = Budget(2_000)
    found = next(expand(read, seconds(dtstart), None, seconds(after), budget))
    assert shown(found, date="T" not in dtstart) == expected


FULL = {
    "BYHOUR": ",".join(map(str, range(24))),
    "BYMINUTE": ",".join(map(str, range(60))),
    "BYSECOND": ",".join(map(str, range(60))),
}


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=HOURLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=MONTHLY;BYMONTHDAY=31;BYMONTH=2,4,6",
        "FREQ=YEARLY;BYWEEKNO=53;BYMONTH=6",
        "FREQ=YEARLY;BYSETPOS=366;BYMONTH=1",
        "FREQ=MONTHLY;BYDAY=MO;BYSETPOS=24",
        "FREQ=MINUTELY;INTERVAL=1440;BYHOUR=3",
        "FREQ=SECONDLY;BYSETPOS=5",
        "FREQ=SECONDLY;INTERVAL=9999999999",
        "FREQ=YEARLY;INTERVAL=9999999999",
        "FREQ=DAILY;BYYEARDAY=366;BYMONTH=1",
        "FREQ=YEARLY;BYSETPOS=366;" + ";".join(f"{name}={full}" for name, full in FULL.items()),
        "FREQ=YEARLY;BYYEARDAY=1;COUNT=2000000000;"
        + ";".join(f"{name}={full}" for name, full in FULL.items()),
    ],
)
def test_a_hostile_rule_ends_within_its_budget(rule):
    budget = Budget(100_000)
    try:
        found = list(islice(expand(read_rule(rule), 0, None, 10**10, budget), 1000))
    except ExpansionIncompleteError:
        found = []
    assert found == sorted(found)
    assert budget.left >= -1000  # never far beyond: a step is small


RULES = st.builds(
    lambda parts: ";".join(part for part in parts if part),
    st.tuples(
        st.sampled_from(["FREQ=DAILY", "FREQ=WEEKLY", "FREQ=MONTHLY", "FREQ=YEARLY"]),
        st.sampled_from(["", "INTERVAL=2", "INTERVAL=3"]),
        st.sampled_from(["", "BYMONTH=3", "BYMONTH=1,6,12"]),
        st.sampled_from(["", "BYDAY=MO,WE", "BYDAY=SU"]),
        st.sampled_from(["", "BYHOUR=6,18"]),
    ),
)


@given(RULES, st.integers(0, 20_000), st.integers(0, 4_000))
@settings(max_examples=150, deadline=None)
def test_a_second_implementation_agrees_and_jumping_changes_nothing(rule, day, skip):
    start = day * DAY + 9 * 3600
    lower = start + skip * DAY
    theirs = rrulestr(f"RRULE:{rule}", dtstart=_datetime(start))
    expected = list(islice(theirs.xafter(_datetime(lower), inc=True), 5))
    ours = list(islice(candidates(read_rule(rule), start, lower, Budget(100_000)), 5))
    assert [_datetime(instant) for instant in ours] == expected


def _datetime(instant: int) -> datetime:
    return datetime.fromordinal(instant // DAY + EPOCH_ORDINAL).replace(
        hour=instant % DAY // 3600, minute=instant // 60 % 60, second=instant % 60
    )
