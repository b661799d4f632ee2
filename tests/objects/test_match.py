"""Filters over objects: RFC 4791 §9.7 and §9.9, RFC 6352 §10.5, and the index that narrows them."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from davenport.dav.filter import (
    AddressbookFilter,
    CompFilter,
    ParamFilter,
    PropFilter,
    TextMatch,
    TimeRange,
)
from davenport.objects.calendar import CalendarObject, read_calendar_object
from davenport.objects.card import read_address_object
from davenport.objects.index import Narrowing, index_address_object, index_calendar_object
from davenport.objects.limits import Limits
from davenport.objects.match import matches_calendar, matches_card, narrow
from davenport.objects.value import read_time
from tests.objects.sample import calendar, calendar_object, card, wrapped


def at(text: str) -> int:
    return read_time(text).seconds


def query(kind: str, start: str | None = None, end: str | None = None, **parts) -> CompFilter:
    window = None
    if start or end:
        window = TimeRange(at(start) if start else None, at(end) if end else None)
    return CompFilter("VCALENDAR", comp_filters=(CompFilter(kind, time_range=window, **parts),))


def overlaps(found: CalendarObject, start: str | None, end: str | None, zone=None) -> bool:
    result = matches_calendar(found, query(found.component, start, end), zone)
    index = index_calendar_object(found)
    if result:  # the index may err in one direction only
        assert index.starts is None or end is None or index.starts < at(end)
        assert index.ends is None or start is None or index.ends > at(start)
    return result


# One row of RFC 4791 §9.9 each: lines, then what a range before, touching and around gives.
EVENT_ROWS = [
    ("dtend", ("DTSTART:20240110T100000Z", "DTEND:20240110T120000Z")),
    ("duration", ("DTSTART:20240110T100000Z", "DURATION:PT2H")),
]


@pytest.mark.parametrize(
    "lines", [row[1] for row in EVENT_ROWS], ids=[row[0] for row in EVENT_ROWS]
)
@pytest.mark.parametrize(
    "start, end, expected",
    [
        ("20240110T080000Z", "20240110T100000Z", False),
        ("20240110T080000Z", "20240110T100001Z", True),
        ("20240110T103000Z", "20240110T110000Z", True),
        ("20240110T115959Z", "20240110T130000Z", True),
        ("20240110T120000Z", "20240110T130000Z", False),
        (None, "20240110T100000Z", False),
        (None, "20240110T100001Z", True),
        ("20240110T115959Z", None, True),
        ("20240110T120000Z", None, False),
    ],
)
def test_an_event_with_a_length_overlaps_while_it_lasts(lines, start, end, expected):
    assert overlaps(calendar_object(*lines), start, end) is expected


@pytest.mark.parametrize(
    "lines, kind",
    [
        (("DTSTART:20240110T100000Z",), "VEVENT"),
        (("DTSTART:20240110T100000Z", "DURATION:PT0S"), "VEVENT"),
        (("DTSTART:20240110T100000Z", "DTEND:20240110T100000Z"), "VEVENT"),
        (("DTSTART:20240110T100000Z",), "VJOURNAL"),
        (("DTSTART:20240110T100000Z",), "VTODO"),
    ],
)
@pytest.mark.parametrize(
    "start, end, expected",
    [
        ("20240110T090000Z", "20240110T100000Z", False),
        ("20240110T090000Z", "20240110T100001Z", True),
        ("20240110T100000Z", "20240110T110000Z", True),
        ("20240110T100001Z", "20240110T110000Z", False),
    ],
)
def test_what_has_no_length_overlaps_where_it_stands(lines, kind, start, end, expected):
    assert overlaps(calendar_object(*lines, kind=kind), start, end) is expected


@pytest.mark.parametrize("kind", ["VEVENT", "VJOURNAL"])
@pytest.mark.parametrize(
    "start, end, zone, expected",
    [
        ("20240109T230000Z", "20240110T000000Z", None, False),
        ("20240110T235959Z", "20240111T000000Z", None, True),
        ("20240111T000000Z", "20240111T010000Z", None, False),
        ("20240109T230000Z", "20240110T000000Z", "Europe/Berlin", True),
        ("20240110T230000Z", "20240111T000000Z", "Europe/Berlin", False),
        ("20240109T100000Z", "20240109T110000Z", "Pacific/Kiritimati", True),
        ("20240111T080000Z", "20240111T090000Z", "Etc/GMT+12", True),
    ],
)
def test_a_date_is_a_day_on_the_clock_that_is_asked_for(kind, start, end, zone, expected):
    found = calendar_object("DTSTART;VALUE=DATE:20240110", kind=kind)
    assert overlaps(found, start, end, zone) is expected


@pytest.mark.parametrize(
    "lines, expected",
    [
        # (range before, touching the start, inside, touching the end, after)
        (("DTSTART:20240110T100000Z", "DURATION:PT2H"), "01111 0"),
        (("DTSTART:20240110T100000Z", "DUE:20240110T120000Z"), "01110 0"),
        (("DTSTART:20240110T100000Z",), "01000 0"),
        (("DUE:20240110T120000Z",), "00010 0"),
        (("COMPLETED:20240110T120000Z", "CREATED:20240110T100000Z"), "11111 0"),
        (("COMPLETED:20240110T120000Z",), "00011 0"),
        (("CREATED:20240110T100000Z",), "01111 1"),
        ((), "11111 1"),
    ],
    ids=[
        "start+duration",
        "start+due",
        "start",
        "due",
        "completed+created",
        "completed",
        "created",
        "none",
    ],
)
def test_the_eight_rows_of_vtodo(lines, expected):
    ranges = [
        ("20240110T080000Z", "20240110T100000Z"),
        ("20240110T100000Z", "20240110T103000Z"),
        ("20240110T103000Z", "20240110T110000Z"),
        ("20240110T113000Z", "20240110T120000Z"),
        ("20240110T120000Z", "20240110T130000Z"),
        ("20240110T120001Z", "20240110T130000Z"),
    ]
    found = calendar_object(*lines, kind="VTODO")
    result = [overlaps(found, start, end) for start, end in ranges]
    wanted = [digit == "1" for digit in expected.replace(" ", "")]
    # DUE and DURATION end inclusively before the range, exclusively after it
    assert result == wanted


def test_free_busy_overlaps_by_its_bounds_or_its_periods():
    bounded = calendar_object(
        "DTSTART:20240101T000000Z", "DTEND:20240102T000000Z", kind="VFREEBUSY"
    )
    periods = calendar_object(
        "FREEBUSY:20240101T000000Z/PT1H,20240103T000000Z/20240103T010000Z", kind="VFREEBUSY"
    )
    for found, day, expected in (
        (bounded, "01", True),
        (bounded, "03", False),
        (periods, "01", True),
        (periods, "02", False),
        (periods, "03", True),
    ):
        assert overlaps(found, f"202401{day}T003000Z", f"202401{day}T020000Z") is expected
    assert not overlaps(calendar_object(kind="VFREEBUSY"), "20240101T000000Z", None)


SERIES = (
    "DTSTART;TZID=Europe/Berlin:20240101T100000",
    "DURATION:PT1H",
    "RRULE:FREQ=DAILY",
    "EXDATE;TZID=Europe/Berlin:20240105T100000",
)


@pytest.mark.parametrize(
    "start, end, expected",
    [
        ("20240104T090000Z", "20240104T093000Z", True),
        ("20240105T090000Z", "20240105T100000Z", False),
        ("20240701T080000Z", "20240701T081000Z", True),
        ("20240701T090000Z", "20240701T091000Z", False),
        ("20900101T091000Z", "20900101T092000Z", True),
        ("20231231T000000Z", "20240101T090000Z", False),
    ],
    ids=["instance", "exdate", "summer", "summer-hour-later", "2090", "before"],
)
def test_a_series_overlaps_by_its_instances(start, end, expected):
    assert overlaps(calendar_object(*SERIES), start, end) is expected


def test_overrides_move_instances_out_and_in():
    found = read_calendar_object(
        wrapped(
            "BEGIN:VEVENT",
            "UID:u",
            *SERIES,
            "END:VEVENT",
            "BEGIN:VEVENT",
            "UID:u",
            "RECURRENCE-ID;TZID=Europe/Berlin:20240103T100000",
            "DTSTART:20231201T100000Z",
            "SUMMARY:moved",
            "END:VEVENT",
        )
    )
    assert not overlaps(found, "20240103T090000Z", "20240103T100000Z")
    assert overlaps(found, "20231201T100000Z", "20231201T110000Z")
    moved = PropFilter("SUMMARY", text_matches=(TextMatch("moved", "i;octet"),))
    both = query("VEVENT", "20240110T000000Z", "20240111T000000Z", prop_filters=(moved,))
    assert not matches_calendar(found, both, None)


def test_this_and_future_moves_what_follows():
    found = read_calendar_object(
        wrapped(
            "BEGIN:VEVENT",
            "UID:u",
            "DTSTART:20240101T100000Z",
            "DURATION:PT1H",
            "RRULE:FREQ=DAILY;COUNT=10",
            "END:VEVENT",
            "BEGIN:VEVENT",
            "UID:u",
            "RECURRENCE-ID;RANGE=THISANDFUTURE:20240105T100000Z",
            "DTSTART:20240105T200000Z",
            "DURATION:PT3H",
            "END:VEVENT",
        )
    )
    assert overlaps(found, "20240104T103000Z", "20240104T104000Z")
    assert not overlaps(found, "20240107T103000Z", "20240107T104000Z")
    assert overlaps(found, "20240107T223000Z", "20240107T224000Z")
    assert overlaps(found, "20240110T223000Z", None)
    assert not overlaps(found, "20240111T000000Z", None)


def test_a_period_rdate_has_its_own_length():
    found = calendar_object(
        "DTSTART:20240101T100000Z",
        "DURATION:PT1H",
        "RDATE;VALUE=PERIOD:20240201T100000Z/PT5H,20240301T100000Z/20240303T100000Z",
    )
    assert overlaps(found, "20240201T143000Z", "20240201T150000Z")
    assert overlaps(found, "20240303T090000Z", "20240303T100000Z")
    assert not overlaps(found, "20240303T100000Z", None)


def test_an_exdate_that_is_a_date_takes_out_its_day():
    found = calendar_object(
        "DTSTART:20240101T100000Z", "RRULE:FREQ=DAILY", "EXDATE;VALUE=DATE:20240105"
    )
    assert not overlaps(found, "20240105T000000Z", "20240106T000000Z")


def test_an_override_alone_is_found_where_it_is():
    found = calendar_object("RECURRENCE-ID:20240103T100000Z", "DTSTART:20240104T100000Z")
    assert overlaps(found, "20240104T000000Z", "20240105T000000Z")
    assert not overlaps(found, "20240103T000000Z", "20240104T000000Z")


@pytest.mark.parametrize(
    "alarm, start, end, expected",
    [
        (("TRIGGER:-PT15M",), "20240103T094500Z", "20240103T094501Z", True),
        (("TRIGGER:-PT15M",), "20240103T094501Z", "20240103T100000Z", False),
        (("TRIGGER;RELATED=END:PT5M",), "20240103T110500Z", "20240103T110501Z", True),
        (
            ("TRIGGER;VALUE=DATE-TIME:20230101T000000Z",),
            "20230101T000000Z",
            "20230102T000000Z",
            True,
        ),
        (
            ("TRIGGER:PT0S", "REPEAT:4", "DURATION:PT5M"),
            "20240103T101900Z",
            "20240103T102100Z",
            True,
        ),
        (
            ("TRIGGER:PT0S", "REPEAT:3", "DURATION:PT5M"),
            "20240103T101900Z",
            "20240103T102100Z",
            False,
        ),
        (("ACTION:NONE",), "20240103T000000Z", "20240104T000000Z", False),
    ],
)
def test_an_alarm_overlaps_when_it_goes_off(alarm, start, end, expected):
    found = calendar_object(
        "DTSTART:20240101T100000Z",
        "DURATION:PT1H",
        "RRULE:FREQ=DAILY;COUNT=5",
        "BEGIN:VALARM",
        *alarm,
        "END:VALARM",
    )
    inner = CompFilter("VALARM", time_range=TimeRange(at(start), at(end)))
    assert matches_calendar(found, query("VEVENT", comp_filters=(inner,)), None) is expected


@pytest.mark.parametrize(
    "part, expected",
    [
        (CompFilter("VEVENT"), True),
        (CompFilter("VTODO"), False),
        (CompFilter("VTODO", is_not_defined=True), True),
        (CompFilter("VEVENT", is_not_defined=True), False),
        (CompFilter("VEVENT", comp_filters=(CompFilter("VALARM"),)), True),
        (CompFilter("VEVENT", comp_filters=(CompFilter("VALARM", is_not_defined=True),)), False),
        (CompFilter("VEVENT", prop_filters=(PropFilter("SUMMARY"),)), True),
        (CompFilter("VEVENT", prop_filters=(PropFilter("LOCATION"),)), False),
        (CompFilter("VEVENT", prop_filters=(PropFilter("LOCATION", is_not_defined=True),)), True),
        (CompFilter("VEVENT", prop_filters=(PropFilter("SUMMARY", is_not_defined=True),)), False),
        (
            CompFilter(
                "VEVENT",
                prop_filters=(
                    PropFilter("DTSTART", time_range=TimeRange(at("20240101T100000Z"), None)),
                ),
            ),
            True,
        ),
        (
            CompFilter(
                "VEVENT",
                prop_filters=(
                    PropFilter("DTSTART", time_range=TimeRange(None, at("20240101T100000Z"))),
                ),
            ),
            False,
        ),
        (
            CompFilter(
                "VEVENT",
                prop_filters=(
                    PropFilter("SUMMARY", time_range=TimeRange(None, at("20240101T100000Z"))),
                ),
            ),
            False,
        ),
        (
            CompFilter(
                "VEVENT",
                prop_filters=(PropFilter("ATTENDEE", param_filters=(ParamFilter("PARTSTAT"),)),),
            ),
            True,
        ),
        (
            CompFilter(
                "VEVENT",
                prop_filters=(
                    PropFilter(
                        "ATTENDEE", param_filters=(ParamFilter("ROLE", is_not_defined=True),)
                    ),
                ),
            ),
            True,
        ),
        (
            CompFilter(
                "VEVENT",
                prop_filters=(
                    PropFilter(
                        "ATTENDEE",
                        param_filters=(
                            ParamFilter(
                                "PARTSTAT", text_match=TextMatch("accepted", "i;ascii-casemap")
                            ),
                        ),
                    ),
                ),
            ),
            True,
        ),
        (
            CompFilter(
                "VEVENT",
                prop_filters=(
                    PropFilter(
                        "ATTENDEE",
                        text_matches=(TextMatch("one", "i;octet"),),
                        param_filters=(
                            ParamFilter("PARTSTAT", text_match=TextMatch("ACCEPTED", "i;octet")),
                        ),
                    ),
                ),
            ),
            False,
        ),
        (
            CompFilter(
                "VEVENT",
                prop_filters=(PropFilter("SUMMARY", text_matches=(TextMatch("x", "i;none"),)),),
            ),
            False,
        ),
    ],
)
def test_component_and_property_filters(part, expected):
    found = calendar_object(
        "DTSTART:20240101T100000Z",
        r"SUMMARY:Team\, Größe",
        "ATTENDEE;PARTSTAT=DECLINED:mailto:one",
        "ATTENDEE;PARTSTAT=ACCEPTED:mailto:two",
        "BEGIN:VALARM",
        "END:VALARM",
    )
    assert matches_calendar(found, CompFilter("VCALENDAR", comp_filters=(part,)), None) is expected


@pytest.mark.parametrize(
    "text, collation, match_type, expected",
    [
        ("team, ", "i;ascii-casemap", "contains", True),
        ("team", "i;octet", "contains", False),
        ("GRÖSSE", "i;ascii-casemap", "contains", False),
        ("GRÖSSE", "i;unicode-casemap", "contains", True),
        ("gro\u0308sse", "i;unicode-casemap", "ends-with", True),
        ("team", "i;unicode-casemap", "starts-with", True),
        ("größe", "i;unicode-casemap", "starts-with", False),
        ("team", "i;unicode-casemap", "equals", False),
        ("TEAM, grÖße", "i;unicode-casemap", "equals", True),
    ],
)
@pytest.mark.parametrize("negate", [False, True])
def test_text_matches(text, collation, match_type, expected, negate):
    found = calendar_object(r"SUMMARY:Team\, Größe")
    match = TextMatch(text, collation, negate, match_type)
    part = query("VEVENT", prop_filters=(PropFilter("SUMMARY", text_matches=(match,)),))
    assert matches_calendar(found, part, None) is (expected != negate)


def text(value: str, collation: str = "i;unicode-casemap", **more) -> TextMatch:
    return TextMatch(value, collation, **more)


@pytest.mark.parametrize(
    "filters, test, expected",
    [
        ((), "anyof", True),
        ((PropFilter("EMAIL"),), "anyof", True),
        ((PropFilter("ITEM1.EMAIL"),), "anyof", True),
        ((PropFilter("ITEM2.EMAIL"),), "anyof", False),
        ((PropFilter("TEL"), PropFilter("FN")), "anyof", True),
        ((PropFilter("TEL"), PropFilter("FN")), "allof", False),
        ((PropFilter("TEL", is_not_defined=True), PropFilter("FN")), "allof", True),
        (
            (PropFilter("FN", text_matches=(text("JANE"), text("smith")), test="anyof"),),
            "anyof",
            True,
        ),
        ((PropFilter("FN", text_matches=(text("JANE"), text("smith"))),), "anyof", False),
        (
            (
                PropFilter(
                    "EMAIL",
                    text_matches=(text("a@"),),
                    param_filters=(ParamFilter("TYPE", text_match=text("work")),),
                ),
            ),
            "anyof",
            True,
        ),
        (
            (
                PropFilter(
                    "EMAIL",
                    text_matches=(text("c@"),),
                    param_filters=(ParamFilter("TYPE", text_match=text("work")),),
                ),
            ),
            "anyof",
            False,
        ),
        ((PropFilter("FN", text_matches=(text("x", "i;none"),)),), "anyof", False),
    ],
)
def test_cards(filters, test, expected):
    found = read_address_object(
        card("UID:u", "FN:Jane Doe", "item1.EMAIL;TYPE=home,WORK:a@b", "EMAIL:c@d")
    )
    assert matches_card(found, AddressbookFilter(filters, test)) is expected
    assert index_address_object(found).uid == "u"


UID = TextMatch("a", "i;octet")


@pytest.mark.parametrize(
    "comp_filter, expected",
    [
        (CompFilter("VCALENDAR"), Narrowing()),
        (query("VEVENT"), Narrowing("VEVENT")),
        (query("VALARM"), Narrowing()),
        (query("VTODO", "19700101T000001Z", "19700101T000002Z"), Narrowing("VTODO", None, 1, 2)),
        (
            CompFilter("VCALENDAR", comp_filters=(CompFilter("VEVENT", is_not_defined=True),)),
            Narrowing(),
        ),
        (
            query("VEVENT", prop_filters=(PropFilter("UID", text_matches=(UID,)),)),
            Narrowing("VEVENT", uid_contains="a"),
        ),
        (
            query(
                "VEVENT",
                prop_filters=(
                    PropFilter("UID", text_matches=(replace(UID, match_type="equals"),)),
                ),
            ),
            Narrowing("VEVENT", uid="a"),
        ),
        (
            query(
                "VEVENT",
                prop_filters=(PropFilter("UID", text_matches=(replace(UID, negate=True),)),),
            ),
            Narrowing("VEVENT"),
        ),
        (
            query(
                "VEVENT",
                prop_filters=(
                    PropFilter("UID", text_matches=(replace(UID, collation="i;unicode-casemap"),)),
                ),
            ),
            Narrowing("VEVENT"),
        ),
        (
            query("VEVENT", comp_filters=(CompFilter("VALARM", time_range=TimeRange(1, 2)),)),
            Narrowing("VEVENT"),
        ),
    ],
)
def test_sql_narrows_only_by_what_is_sound(comp_filter, expected):
    assert narrow(comp_filter) == expected


@pytest.mark.parametrize(
    "lines, kind",
    [
        (("SUMMARY:s",), "VTODO"),
        (("SUMMARY:s",), "VEVENT"),
        (("DTSTART:20240101T100000Z",), "VPOLL"),
    ],
)
def test_what_has_no_time_is_unbounded(lines, kind):
    index = index_calendar_object(calendar_object(*lines, kind=kind))
    assert (index.uid, index.component, index.starts, index.ends) == ("u", kind, None, None)


def test_the_index_bounds_tightly_where_the_clock_is_known():
    lines = ("DTSTART:20240101T000000Z", "DTEND:20240101T010000Z")
    index = index_calendar_object(calendar_object(*lines))
    assert index.starts is not None
    assert index.ends is not None
    assert at("20231230T000000Z") < index.starts < at("20240101T000001Z")
    assert at("20240101T010000Z") < index.ends < at("20240103T000000Z")
    assert index_calendar_object(calendar_object(*lines, "RRULE:FREQ=DAILY")).ends is None


HOSTILE = [
    "FREQ=SECONDLY",
    "FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30",
    "FREQ=SECONDLY;COUNT=2000000000",
    "FREQ=SECONDLY;BYSECOND=0,1,2,3;COUNT=2000000000",
    "FREQ=MINUTELY;UNTIL=99991231T235959Z",
    "FREQ=DAILY;BYHOUR=0,1,2,3,4,5,6,7,8,9,10;BYMINUTE=0,1,2,3,4,5;BYSECOND=0,1,2;COUNT=99999999",
    "FREQ=MONTHLY;BYDAY=MO;BYSETPOS=24",
    "RSCALE=CHINESE;FREQ=YEARLY",
]


@pytest.mark.parametrize("rule", HOSTILE)
@pytest.mark.parametrize("exrule", [True, False])
def test_a_hostile_rule_ends_by_its_budget(rule, exrule):
    lines = ["DTSTART:19700101T000000Z", f"RRULE:{rule}"]
    found = calendar_object(*lines, *([f"EXRULE:{rule}"] if exrule else []))
    index = index_calendar_object(found)
    assert index.starts is not None
    for start, end in (
        ("20240101T000000Z", "20240102T000000Z"),
        ("19600101T000000Z", "19600102T000000Z"),
    ):
        result = matches_calendar(found, query("VEVENT", start, end), None)
        assert not (result and start.startswith("196"))


def test_a_spent_budget_means_may_match():
    found = calendar_object(
        "DTSTART:20240101T000000Z", "RRULE:FREQ=DAILY;BYHOUR=1;COUNT=5000", "DURATION:PT1M"
    )
    asked = query("VEVENT", "20350101T020000Z", "20350101T030000Z")
    assert not matches_calendar(found, asked, None)
    assert matches_calendar(found, asked, None, Limits(rule_steps=100))
    assert index_calendar_object(found, Limits(rule_steps=100)).ends is None


CLOCKS = ["Z", "", ";TZID=Europe/Berlin", ";TZID=Nowhere", ";VALUE=DATE"]


@st.composite
def objects(draw) -> CalendarObject:
    kind = draw(st.sampled_from(["VEVENT", "VTODO", "VJOURNAL"]))
    lines = []

    def time(name: str, clock: str) -> str:
        day = draw(st.integers(1, 28))
        date = f"2024{draw(st.integers(1, 12)):02}{day:02}"
        if clock == ";VALUE=DATE":
            return f"{name}{clock}:{date}"
        hour = f"T{draw(st.integers(0, 23)):02}3000"
        return f"{name}{'' if clock == 'Z' else clock}:{date}{hour}{'Z' if clock == 'Z' else ''}"

    clock = draw(st.sampled_from(CLOCKS))
    if kind != "VTODO" or draw(st.booleans()):
        lines.append(time("DTSTART", clock))
    if kind == "VTODO":
        lines += draw(st.sampled_from([[], [time("DUE", clock)], ["DURATION:P1DT1H"]]))
        lines += draw(st.sampled_from([[], ["COMPLETED:20240501T000000Z"]]))
    elif kind == "VEVENT":
        lines += draw(
            st.sampled_from([[], ["DURATION:PT0S"], ["DURATION:P40D"], ["DURATION:PT90M"]])
        )
    rules = [
        "FREQ=DAILY;COUNT=5",
        "FREQ=WEEKLY;UNTIL=20240901T000000Z",
        "FREQ=MONTHLY;BYDAY=-1FR;COUNT=3",
        "FREQ=YEARLY",
        "FREQ=DAILY;INTERVAL=3;UNTIL=20240801",
    ]
    lines += draw(st.sampled_from([[], *([f"RRULE:{rule}"] for rule in rules)]))
    lines += draw(st.sampled_from([[], [time("RDATE", draw(st.sampled_from(CLOCKS)))]]))
    parts = [f"BEGIN:{kind}", "UID:u", *lines, f"END:{kind}"]
    if draw(st.booleans()):
        limit = draw(st.sampled_from(["", ";RANGE=THISANDFUTURE"]))
        moved = time("DTSTART", draw(st.sampled_from(CLOCKS)))
        parts += [
            f"BEGIN:{kind}",
            "UID:u",
            time(f"RECURRENCE-ID{limit}", clock),
            moved,
            f"END:{kind}",
        ]
    return read_calendar_object(wrapped(*parts))


@given(
    objects(),
    st.integers(at("20231201"), at("20250301")),
    st.integers(1, 40 * 86400),
    st.sampled_from([None, "Europe/Berlin", "Pacific/Kiritimati", "Etc/GMT+12"]),
)
@settings(max_examples=400, deadline=None)
def test_the_index_holds_every_match(found, start, length, zone):
    window = CompFilter(found.component, time_range=TimeRange(start, start + length))
    if matches_calendar(found, CompFilter("VCALENDAR", comp_filters=(window,)), zone):
        index = index_calendar_object(found)
        assert index.starts is None or index.starts < start + length
        assert index.ends is None or index.ends > start


def test_a_calendar_of_floating_times_is_read_on_the_clock_of_a_vtimezone():
    zone = "\r\n".join(
        [
            "BEGIN:VCALENDAR",
            "BEGIN:VTIMEZONE",
            "TZID:Own",
            "BEGIN:STANDARD",
            "DTSTART:19700101T000000",
            "TZOFFSETFROM:+0500",
            "TZOFFSETTO:+0500",
            "END:STANDARD",
            "END:VTIMEZONE",
            "END:VCALENDAR",
            "",
        ]
    )
    found = read_calendar_object(calendar("DTSTART:20240101T100000"))
    assert overlaps(found, "20240101T050000Z", "20240101T050001Z", zone)
    assert overlaps(found, "20240101T100000Z", "20240101T100001Z", None)
    assert overlaps(found, "20240101T100000Z", "20240101T100001Z", "no zone at all")
