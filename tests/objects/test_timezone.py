"""Clocks: names of zones as clients write them, embedded rules, and times that a change skips."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from davenport.objects.contentline import Component, read_components
from davenport.objects.limits import Limits
from davenport.objects.recurrence import Budget, ExpansionIncompleteError
from davenport.objects.timezone import UTC, Clocks, database_zone, read_zone
from davenport.objects.value import read_time

CENTRAL_EUROPE = """\
BEGIN:VTIMEZONE
TZID:{name}
BEGIN:DAYLIGHT
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
DTSTART:19810329T020000
RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU
END:DAYLIGHT
BEGIN:STANDARD
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
DTSTART:19961027T030000
RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU
END:STANDARD
END:VTIMEZONE
"""


def at(text: str) -> int:
    return read_time(text).seconds


def clocks(zone: str) -> Clocks:
    (calendar,) = read_components(f"BEGIN:VCALENDAR\n{zone}END:VCALENDAR\n", Limits())
    return Clocks(calendar, UTC, Budget(100_000))


@pytest.mark.parametrize(
    "tzid",
    [
        "Europe/Berlin",
        "europe/berlin",
        "Europe/Berlin ",
        '"Europe/Berlin"',
        "/freeassociation.sourceforge.net/Europe/Berlin",
        "/freeassociation.sourceforge.net/Tzfile/Europe/Berlin",
        "/mozilla.org/20050126_1/Europe/Berlin",
        "W. Europe Standard Time",
        "w. europe standard time",
        "UTC+02:00",
        "GMT+0200",
    ],
)
def test_a_zone_is_known_by_the_names_that_clients_write(tzid):
    zone = database_zone(tzid)
    assert zone is not None
    assert zone.to_utc(at("20240701T120000")) == at("20240701T100000")


@pytest.mark.parametrize(
    "tzid", ["", "Nowhere", "../../etc/passwd", "/", "America", "x" * 10_000, "\0"]
)
def test_other_names_are_no_zone(tzid):
    assert database_zone(tzid) is None


@pytest.mark.parametrize(
    "local, utc",
    [
        ("20240115T120000", "20240115T110000"),
        ("20240715T120000", "20240715T100000"),
        ("20240331T013000", "20240331T003000"),
        ("20240331T023000", "20240331T013000"),
        ("20240331T033000", "20240331T013000"),
        ("20241027T013000", "20241026T233000"),
        ("20241027T023000", "20241027T003000"),
        ("20241027T033000", "20241027T023000"),
    ],
    ids=[
        "winter",
        "summer",
        "before-gap",
        "in-gap",
        "after-gap",
        "before",
        "first-of-two",
        "after",
    ],
)
@pytest.mark.parametrize("tzid", ["Europe/Berlin", "Our office"])
def test_changes_of_the_clock(tzid, local, utc):
    found = clocks(CENTRAL_EUROPE.format(name="Our office"))
    assert found.to_utc(read_time(local, tzid)) == at(utc)


BERLIN = database_zone("Europe/Berlin")


@given(st.integers(at("19970101T000000"), at("20371231T000000")))
@settings(max_examples=200)
def test_an_embedded_zone_agrees_with_the_database(local):
    found = clocks(CENTRAL_EUROPE.format(name="Our office"))
    assert BERLIN is not None
    zone = found.zone(read_time("20240101T000000", "Our office"))
    assert zone.to_utc(local) == BERLIN.to_utc(local)


def test_a_zone_that_says_nothing_is_floating():
    broken = (
        "BEGIN:VTIMEZONE\nTZID:Broken\nBEGIN:STANDARD\nDTSTART:x\nEND:STANDARD\nEND:VTIMEZONE\n"
    )
    for tzid in ("Broken", "Missing"):
        assert clocks(broken).to_utc(read_time("20240101T000000", tzid)) == at("20240101T000000")


def test_before_the_first_change_its_old_offset_holds():
    found = clocks(CENTRAL_EUROPE.format(name="Own"))
    assert found.to_utc(read_time("19000101T120000", "Own")) == at("19000101T110000")
    assert found.to_utc(read_time("99991231T235959", "Own")) == at("99991231T225959")


def test_rdates_and_until_of_an_observance():
    zone = """\
BEGIN:VTIMEZONE
TZID:Own
BEGIN:STANDARD
DTSTART:20000101T000000
TZOFFSETFROM:+0000
TZOFFSETTO:+0100
RDATE:20100101T000000
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:20050101T000000
TZOFFSETFROM:+0100
TZOFFSETTO:+0300
RRULE:FREQ=YEARLY;UNTIL=20070101T000000Z
END:DAYLIGHT
END:VTIMEZONE
"""
    found = clocks(zone)
    for local, hours in (("1999", 0), ("2001", 1), ("2008", 3), ("2015", 1)):
        time = read_time(f"{local}0601T120000", "Own")
        assert time.seconds - found.to_utc(time) == hours * 3600


def test_a_hostile_zone_ends_by_the_budget():
    zone = CENTRAL_EUROPE.format(name="Own").replace("FREQ=YEARLY", "FREQ=SECONDLY")
    with pytest.raises(ExpansionIncompleteError):
        clocks(zone).to_utc(read_time("20240715T120000", "Own"))


@pytest.mark.parametrize(
    "text, hours",
    [
        (None, 0),
        ("nonsense", 0),
        ("BEGIN:nonsense", 0),
        ("Europe/Berlin", 1),
        (CENTRAL_EUROPE.format(name="Own"), 1),
        (f"BEGIN:VCALENDAR\n{CENTRAL_EUROPE.format(name='Own')}END:VCALENDAR", 1),
        (CENTRAL_EUROPE.format(name="America/New_York"), -5),
    ],
)
def test_the_zone_of_a_request(text, hours):
    local = at("20240115T120000")
    assert local - read_zone(text, Budget(1000)).to_utc(local) == hours * 3600


def test_a_component_without_zones_is_enough():
    assert Clocks(Component("VCALENDAR"), UTC, Budget(1)).to_utc(read_time("20240101")) == at(
        "20240101T000000Z"
    )
