"""Typed values: strict in their grammar, whole seconds in what they give."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from davenport.objects.value import (
    Duration,
    Time,
    ValueFormatError,
    read_duration,
    read_offset,
    read_period,
    read_time,
)


@given(st.datetimes(timezones=st.just(UTC)))
def test_a_utc_time_is_its_unix_time(moment):
    text = f"{moment.year:04}{moment:%m%dT%H%M%S}Z"
    assert read_time(text) == Time(int(moment.replace(microsecond=0).timestamp()), "utc")


@pytest.mark.parametrize(
    "text, tzid, clock",
    [
        ("20240101", None, "date"),
        ("20240101", "Europe/Berlin", "date"),
        ("20240101T000000", None, "floating"),
        ("20240101T000000", "Europe/Berlin", "zoned"),
        ("20240101T000000Z", "Europe/Berlin", "utc"),
        (" 20240101T000000 ", "", "floating"),
    ],
)
def test_the_shape_and_the_tzid_give_the_clock(text, tzid, clock):
    found = read_time(text, tzid)
    assert found.clock == clock
    assert found.seconds == datetime(2024, 1, 1, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2024",
        "2024-01-01",
        "20240001",
        "20240132",
        "20240230",
        "00000101",
        "20240101T",
        "20240101T24",
        "20240101T240000",
        "20240101T006000",
        "20240101T000061",
        "20240101T000000z",
        "20240101t000000",
        "20240101T000000+01",
        "+20240101",
        "\u0662\u0660240101",
        "20240101T0000",
        "99999999999",
    ],
)
def test_other_text_is_no_time(text):
    with pytest.raises(ValueFormatError):
        read_time(text)


@pytest.mark.parametrize(
    "text, expected",
    [
        ("P1D", Duration(1, 0)),
        ("P2W", Duration(14, 0)),
        ("P1W1D", Duration(8, 0)),
        ("PT1H30M5S", Duration(0, 5405)),
        ("-P1DT1H", Duration(-1, -3600)),
        ("+PT0S", Duration(0, 0)),
        ("P" + "9" * 90 + "W", Duration(7 * 10**9, 0)),
    ],
)
def test_durations(text, expected):
    assert read_duration(text) == expected


@pytest.mark.parametrize(
    "text",
    ["", "P", "PT", "1D", "P1", "P1H", "PT1D", "PT1W", "P-1D", "P1.5D", "P" + "9" * 100 + "D"],
)
def test_other_text_is_no_duration(text):
    with pytest.raises(ValueFormatError):
        read_duration(text)


def test_periods():
    assert read_period("20240101T000000Z/PT1H").end == Duration(0, 3600)
    assert read_period("20240101T000000Z/20240102T000000Z").end == read_time("20240102T000000Z")
    for text in ("20240101T000000Z", "20240101T000000Z/", "/PT1H", "x/PT1H"):
        with pytest.raises(ValueFormatError):
            read_period(text)


@pytest.mark.parametrize("text, expected", [("+0100", 3600), ("-0330", -12600), ("+053020", 19820)])
def test_offsets(text, expected):
    assert read_offset(text) == expected


@pytest.mark.parametrize("text", ["", "0100", "+1", "+5730", "+0160", "+24000"])
def test_other_text_is_no_offset(text):
    with pytest.raises(ValueFormatError):
        read_offset(text)
