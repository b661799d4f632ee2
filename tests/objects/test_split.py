"""Splitting files into objects for import, and joining objects into one file."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from davenport.objects.calendar import read_calendar_object
from davenport.objects.card import read_address_object
from davenport.objects.contentline import decode, read_components
from davenport.objects.join import join_calendars, join_cards
from davenport.objects.limits import Limits
from davenport.objects.split import SplitObject, split_calendar, split_cards
from tests.objects.sample import calendar, card, wrapped

ZONE = ("BEGIN:VTIMEZONE", "TZID:Here", "X-RULES:1", "END:VTIMEZONE")
OTHER_ZONE = ("BEGIN:VTIMEZONE", "TZID:There", "END:VTIMEZONE")


def event(uid: str | None, *lines: str) -> tuple[str, ...]:
    name = (f"UID:{uid}",) if uid is not None else ()
    return ("BEGIN:VEVENT", *name, "DTSTART:20240101T100000Z", *lines, "END:VEVENT")


def split(body: bytes) -> list[SplitObject]:
    return list(split_calendar(io.BytesIO(body)))


def test_one_object_comes_out_byte_for_byte():
    body = b"\xef\xbb\xbf" + wrapped("X-WR-CALNAME:c", *event("a")).replace(b"\r\n", b"\n")[:-1]
    (found,) = split(body)
    assert (found.uid, found.body, found.problem) == ("a", body, None)


def test_each_uid_is_an_object_with_the_zones_it_names():
    body = wrapped(
        "METHOD:PUBLISH", "X-WR-CALNAME:c", "CALSCALE:GREGORIAN", *ZONE, *OTHER_ZONE,
        *event("a", "SUMMARY:one"),
        *event("b", "DTEND;TZID=Here:20240101T1100\r\n 00"),
        *event("a", "RECURRENCE-ID:20240102T100000Z", "x-odd ;q=\"1\":kept  as it is"),
    )  # fmt: skip
    first, second = split(body)
    assert (first.uid, first.summary, first.line) == ("a", "one", 14)
    assert first.body == wrapped(
        "CALSCALE:GREGORIAN",
        *event("a", "SUMMARY:one"),
        *event("a", "RECURRENCE-ID:20240102T100000Z", "x-odd ;q=\"1\":kept  as it is"),
    )  # fmt: skip
    assert second.body == wrapped(
        "CALSCALE:GREGORIAN", *ZONE, *event("b", "DTEND;TZID=Here:20240101T1100\r\n 00")
    )


def test_calendars_of_one_file_keep_their_own_header_and_zones():
    one = wrapped(*ZONE, *event("a", "DTEND;TZID=Here:20240101T110000"))
    two = wrapped(
        *(line.replace("RULES:1", "RULES:2") for line in ZONE),
        *event("b", "DTEND;TZID=Here:20240101T110000"),
    ).replace(b"-//t//t//EN", b"-//other//EN")
    first, second = split(one + b"\r\n" + two)
    assert (first.body, second.body) == (one, two)


def test_without_a_uid_the_content_names_the_object_for_good():
    body = wrapped(*event(None, "DTSTAMP:20240101T000000Z", "SUMMARY:a"), *event(None, "SUMMARY:b"))
    later = body.replace(b"DTSTAMP:2024", b"DTSTAMP:2025").replace(b"\r\n", b"\n")
    uids = [found.uid for found in split(body)]
    assert len(set(uids)) == 2
    assert uids == [found.uid for found in split(later)]
    assert uids == [read_calendar_object(found.body).uid for found in split(body)]


def test_a_blank_uid_is_replaced():
    (found,) = split(wrapped(*event("")))
    assert read_calendar_object(found.body).uid == found.uid


def test_equal_components_count_once():
    (found,) = split(wrapped(*event("a"), *event("a")))
    assert found.problem is None
    read_calendar_object(found.body)


@pytest.mark.parametrize(
    "lines, problem, uids",
    [
        (("BEGIN:VEVENT", "UID:a", *event("b")), "VEVENT has no END", ["b"]),
        ((*event("a"), "BEGIN:VEVENT", "UID:b"), "VEVENT has no END", ["a"]),
        ((*event("a", "no colon"), *event("b")), "line 7: 'no colon' is not a content line", ["b"]),
        ((*event("a"), "END:VTODO", *event("b")), "END:VTODO without BEGIN", ["a", "b"]),
        ((*event("a"), "BEGIN:VALARM", "END:VALARM", *event("b")), "VALARM is no", ["a", "b"]),
    ],
    ids=["no-end", "no-end-last", "bad-line", "stray-end", "alone"],
)
def test_what_cannot_be_read_is_named_and_the_rest_goes_on(lines, problem, uids):
    found = split(wrapped(*lines))
    assert [part.uid for part in found if part.problem is None] == uids
    (broken,) = [part for part in found if part.problem is not None]
    assert problem in (broken.problem or "")


def test_a_cut_off_file_says_so():
    *_, last = split(wrapped(*event("a"))[:-15])
    assert last.problem == "the file ends inside VCALENDAR"


def test_bare_components_are_wrapped():
    body = "\r\n".join((*event("a"), *event("b"), "")).encode()
    assert [read_calendar_object(found.body).uid for found in split(body)] == ["a", "b"]


def test_cards():
    one, two, three = (
        card("UID:a", "FN:A"),
        card("FN:B", version="3.0").replace(b"\r\n", b"\n"),
        card("no colon"),
    )
    first, second, third = split_cards(io.BytesIO(one + b"\n\n" + two + three))
    assert (first.body, first.uid, first.summary) == (one, "a", "A")
    assert (second.uid or "").startswith("urn:uuid:")
    assert read_address_object(second.body).uid == second.uid
    assert second.body.split(b"\n")[1:3] == [b"VERSION:3.0", f"UID:{second.uid}".encode()]
    assert "not a content line" in (third.problem or "")


def test_one_card_comes_out_byte_for_byte():
    body = b"\xef\xbb\xbf\n" + card("UID:a", "FN:A") + b"\n"
    (found,) = split_cards(io.BytesIO(body))
    assert found.body == body


@given(
    st.lists(
        st.sampled_from(
            [*event("a"), *event("b"), *ZONE, "BEGIN:VCALENDAR", "END:VCALENDAR", "x", ""]
        )
    )
)
def test_any_order_of_lines_is_split(lines):
    body = "\r\n".join(lines).encode()
    for found in (*split(body), *split_cards(io.BytesIO(body))):
        assert found.problem is not None or found.uid


def components(body: bytes) -> list[str]:
    text = decode(body)
    return sorted(
        text[part.start : part.end]
        for root in read_components(text, Limits())
        for part in root.components
        if part.name != "VTIMEZONE"
    )


def test_joined_calendars_hold_each_component_and_each_zone_once():
    zoned = wrapped(*ZONE, *event("a", "DTEND;TZID=Here:20240101T110000"))
    again = wrapped(*ZONE, *event("b", "DTEND;TZID=Here:20240101T110000"))
    plain = wrapped(*event("c")).replace(b"\r\n", b"\n")
    joined = b"".join(
        join_calendars([zoned, b"broken", again, plain], "My, calendar\n;", "#ff0000")
    )
    assert joined.count(b"BEGIN:VTIMEZONE") == 1
    assert b"X-WR-CALNAME:My\\, calendar \\;\r\n" in joined
    assert b"X-APPLE-CALENDAR-COLOR:#ff0000\r\n" in joined
    assert joined.count(b"\n") == joined.count(b"\r\n")
    assert components(joined) == sorted(
        components(zoned) + components(again) + components(plain.replace(b"\n", b"\r\n"))
    )


def test_an_object_accepted_under_wider_limits_is_joined_whole():
    large = calendar("DTSTART:20240101T100000Z", *["X-A:1"] * 20_001)
    deep = [f"BEGIN:X-{n}" for n in range(12)] + [f"END:X-{n}" for n in reversed(range(12))]
    for body in (large, calendar("DTSTART:20240101T100000Z", *deep)):
        joined = b"".join(join_calendars([body], None, None))
        assert body[body.index(b"BEGIN:VEVENT") : -len(b"END:VCALENDAR\r\n")] in joined
    many = card("UID:a", *["TEL:1"] * 20_001)
    assert b"".join(join_cards([many])) == many


def test_split_undoes_join():
    bodies = [calendar("DTSTART:20240101T100000Z", uid=f"u{number}") for number in range(20)]
    joined = b"".join(join_calendars(bodies, None, None))
    found = split(joined)
    assert [part.uid for part in found] == [f"u{number}" for number in range(20)]
    assert [components(part.body) for part in found] == [components(body) for body in bodies]


def test_a_long_name_is_folded_by_octets():
    joined = b"".join(join_calendars([], "ü" * 200, None))
    assert max(len(line) for line in joined.split(b"\r\n")) <= 75
    text = decode(joined)
    (root,) = read_components(text, Limits())
    assert (root.first("NAME") or root.properties[0]).value == "ü" * 200


def test_joined_cards_each_end_in_a_line_break():
    one, two = card("UID:a", "FN:A")[:-2], card("UID:b", "FN:B").replace(b"\r\n", b"\n")
    assert b"".join(join_cards([one, b"broken", two])) == card("UID:a", "FN:A") + card(
        "UID:b", "FN:B"
    )
