"""Filters as clients write them become the AST."""

import pytest

from davenport.dav import xml
from davenport.dav.filter import CompFilter, ParamFilter, PropFilter, TextMatch, TimeRange
from davenport.dav.filter_xml import read_addressbook_filter, read_calendar_filter
from davenport.dav.precondition import Precondition, PreconditionError

LIMITS = xml.XmlLimits()


def _calendar(inside: str) -> CompFilter:
    body = f'<filter xmlns="urn:ietf:params:xml:ns:caldav">{inside}</filter>'
    return read_calendar_filter(xml.parse(body.encode(), LIMITS))


def test_a_calendar_filter() -> None:
    found = _calendar(
        '<comp-filter name="VCALENDAR"><comp-filter name="vevent">'
        '<time-range start="19700101T000010Z" end="19700101T000020Z"/>'
        '<prop-filter name="attendee"><text-match collation="i;octet" negate-condition="yes">x'
        '</text-match><param-filter name="partstat"><is-not-defined/></param-filter></prop-filter>'
        '<comp-filter name="VALARM"><is-not-defined/></comp-filter>'
        "</comp-filter></comp-filter>"
    )
    attendee = PropFilter(
        "ATTENDEE",
        text_matches=(TextMatch("x", "i;octet", negate=True),),
        param_filters=(ParamFilter("PARTSTAT", is_not_defined=True),),
    )
    alarm = CompFilter("VALARM", is_not_defined=True)
    event = CompFilter(
        "VEVENT", time_range=TimeRange(10, 20), prop_filters=(attendee,), comp_filters=(alarm,)
    )
    assert found == CompFilter("VCALENDAR", comp_filters=(event,))


@pytest.mark.parametrize(
    "inside",
    [
        "",
        '<comp-filter name="VEVENT"/>',
        '<comp-filter name="VCALENDAR"/><comp-filter name="VCALENDAR"/>',
        "<comp-filter/>",
        '<comp-filter name="VCALENDAR"><is-not-defined/><prop-filter name="X"/></comp-filter>',
        '<comp-filter name="VCALENDAR"><time-range start="20260230T000000Z"/></comp-filter>',
        '<comp-filter name="VCALENDAR"><time-range start="2026-01-01"/></comp-filter>',
    ],
)
def test_an_invalid_filter_is_named(inside: str) -> None:
    with pytest.raises(PreconditionError) as caught:
        _calendar(inside)
    assert caught.value.precondition is Precondition.CALENDAR_VALID_FILTER


def test_an_addressbook_filter() -> None:
    body = (
        '<filter test="allof" xmlns="urn:ietf:params:xml:ns:carddav"><prop-filter name="email"'
        ' test="allof"><text-match match-type="ends-with">@x</text-match></prop-filter></filter>'
    )
    found = read_addressbook_filter(xml.parse(body.encode(), LIMITS))
    assert found.test == "allof"
    (email,) = found.prop_filters
    assert (email.name, email.test) == ("EMAIL", "allof")
    assert email.text_matches == (TextMatch("@x", "i;unicode-casemap", match_type="ends-with"),)
    assert read_addressbook_filter(None).prop_filters == ()
