"""Calendar object resources: where the line between refusing and accepting lies."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from davenport.dav.precondition import Precondition, PreconditionError
from davenport.objects.calendar import read_calendar_object
from davenport.objects.limits import Limits
from tests.objects.sample import calendar, wrapped

DATA = Precondition.VALID_CALENDAR_DATA
RESOURCE = Precondition.VALID_CALENDAR_OBJECT_RESOURCE
START = "DTSTART:20240101T100000Z"
MASTER = ("BEGIN:VEVENT", "UID:u", START, "END:VEVENT")
OVERRIDE = ("BEGIN:VEVENT", "UID:u", "RECURRENCE-ID:20240102T100000Z", START, "END:VEVENT")
CARD = b"BEGIN:VCARD\r\nVERSION:4.0\r\nUID:u\r\nFN:f\r\nEND:VCARD\r\n"

REFUSED = [
    ("empty", b"", DATA),
    ("text", b"hello", DATA),
    ("bare-event", b"BEGIN:VEVENT\r\nUID:u\r\nEND:VEVENT\r\n", DATA),
    ("card", CARD, DATA),
    ("two-calendars", calendar(START) * 2, DATA),
    ("not-utf-8", calendar("SUMMARY:ä").decode().encode("latin-1"), DATA),
    ("nul", calendar("SUMMARY:a\x00b"), DATA),
    ("unbalanced", calendar(START)[:-10], DATA),
    ("version-1", calendar(START).replace(b"2.0", b"1.0"), Precondition.SUPPORTED_CALENDAR_DATA),
    ("method", wrapped("METHOD:REQUEST", *MASTER), RESOURCE),
    ("no-component", wrapped(), RESOURCE),
    ("timezone-only", wrapped("BEGIN:VTIMEZONE", "TZID:x", "END:VTIMEZONE"), RESOURCE),
    ("no-uid", calendar(START).replace(b"UID:u\r\n", b""), RESOURCE),
    ("blank-uid", calendar(START).replace(b"UID:u", b"UID: "), RESOURCE),
    ("uid-twice", calendar(START, "UID:v"), RESOURCE),
    ("two-uids", wrapped(*MASTER, *(line.replace("UID:u", "UID:v") for line in MASTER)), RESOURCE),
    ("two-kinds", wrapped(*MASTER, "BEGIN:VTODO", "UID:u", "END:VTODO"), RESOURCE),
    ("two-masters", wrapped(*MASTER, *MASTER), RESOURCE),
    ("long-uid", calendar(START).replace(b"UID:u", b"UID:" + b"u" * 5000), DATA),
    ("end-before-start", calendar(START, "DTEND:20240101T095959Z"), DATA),
    ("end-date-before", calendar("DTSTART;VALUE=DATE:20240102", "DTEND;VALUE=DATE:20240101"), DATA),
    ("zoned-end-long-before", calendar(
        "DTSTART;TZID=Europe/Berlin:20240102T100000", "DTEND;TZID=Europe/Berlin:20240102T070000"
    ), DATA),
    ("second-dtstart", calendar(START, START), DATA),
    ("month-0", calendar("DTSTART:20240001T000000Z"), DATA),
    ("february-30", calendar("DTSTART;VALUE=DATE:20240230"), DATA),
    ("24-hours", calendar("DTSTART:20240101T240000Z"), DATA),
    ("other-digits", calendar("DTSTART:2024010\u0661T000000Z"), DATA),
    ("no-date", calendar("DTSTART:tomorrow"), DATA),
    ("bad-due", calendar("DUE:x", kind="VTODO"), DATA),
    ("bad-duration", calendar(START, "DURATION:1H"), DATA),
    ("negative-duration", calendar(START, "DURATION:-PT1H"), DATA),
    ("bad-recurrence-id", calendar(START, "RECURRENCE-ID:x"), DATA),
    ("bad-exdate", calendar(START, "EXDATE:20240101T100000Z,x"), DATA),
    ("bad-rdate", calendar(START, "RDATE;VALUE=PERIOD:20240101T100000Z/"), DATA),
    ("rule-unread", calendar(START, "RRULE:FREQ=SOMETIMES"), DATA),
    ("interval-0", calendar(START, "RRULE:FREQ=DAILY;INTERVAL=0"), DATA),
    ("attendees", calendar(START, *["ATTENDEE:mailto:a@b"] * 1001),
     Precondition.MAX_ATTENDEES_PER_INSTANCE),
]  # fmt: skip


@pytest.mark.parametrize(
    "body, precondition", [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED]
)
def test_what_would_break_others_is_refused_with_its_precondition(body, precondition):
    with pytest.raises(PreconditionError) as caught:
        read_calendar_object(body)
    assert caught.value.precondition is precondition
    assert len(caught.value.reason) > 10


ACCEPTED = [
    ("bare-lf", calendar(START).replace(b"\r\n", b"\n")),
    ("no-final-break", calendar(START)[:-2]),
    ("byte-order-mark", b"\xef\xbb\xbf" + calendar(START)),
    ("long-line", calendar(START, "SUMMARY:" + "ü" * 5000)),
    ("unknown", calendar(START, "X-FOO;X-P=1:2", "BEGIN:X-BAR", "END:X-BAR")),
    ("unknown-beside", wrapped("BEGIN:X-BAR", "UID:z", "END:X-BAR", *MASTER)),
    ("no-version", b"BEGIN:VCALENDAR\r\nBEGIN:VTODO\r\nUID:u\r\nEND:VTODO\r\nEND:VCALENDAR\r\n"),
    ("unknown-tzid", calendar("DTSTART;TZID=Nowhere:20240101T100000")),
    ("no-dtstart", calendar("SUMMARY:s")),
    ("end-is-start", calendar(START, "DTEND:20240101T100000Z")),
    ("clock-put-back", calendar(
        "DTSTART;TZID=Europe/Berlin:20241027T024500", "DTEND;TZID=Europe/Berlin:20241027T021500"
    )),
    ("end-and-duration", calendar(START, "DTEND:20240101T110000Z", "DURATION:PT0S")),
    ("only-override", wrapped(*OVERRIDE)),
    ("series", wrapped(*MASTER, *OVERRIDE)),
    ("revisions", wrapped(*MASTER, *MASTER[:2], "SEQUENCE:1", *MASTER[2:])),
    ("never-matching-rule", calendar(START, "RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30")),
    ("other-calendar-scale", calendar(START, "RRULE:RSCALE=CHINESE;FREQ=YEARLY")),
    ("rule-with-blank", calendar(START, "RRULE:FREQ=WEEKLY;BYDAY=MO, TU")),
    ("empty-exdate", calendar(START, "EXDATE:")),
    ("huge-duration", calendar(START, "DURATION:P999999999999999999W")),
    ("alarm-bomb", calendar(START, "BEGIN:VALARM", "REPEAT:2000000000", "END:VALARM")),
    ("leap-second", calendar("DTSTART:20161231T235960Z")),
]  # fmt: skip


@pytest.mark.parametrize("body", [row[1] for row in ACCEPTED], ids=[row[0] for row in ACCEPTED])
def test_what_is_only_untidy_is_accepted(body):
    assert read_calendar_object(body).uid == "u"


def test_a_reason_names_the_line_and_the_property():
    with pytest.raises(PreconditionError, match=r"^line 6: DTSTART: 'x' is neither"):
        read_calendar_object(calendar("DTSTART:x"))


def test_the_highest_sequence_is_in_force():
    body = wrapped(*MASTER[:2], "SEQUENCE:7", "SUMMARY:new", *MASTER[2:], *MASTER)
    found = read_calendar_object(body)
    (component,) = found.components
    line = component.first("SUMMARY")
    assert line is not None
    assert line.value == "new"


def test_limits_are_the_callers():
    body = calendar(START, "ATTENDEE:a", "ATTENDEE:b")
    read_calendar_object(body, Limits(max_attendees=2))
    with pytest.raises(PreconditionError):
        read_calendar_object(body, Limits(max_attendees=1))


def test_a_uid_is_measured_in_bytes():
    """As the index of every store does."""
    read_calendar_object(calendar(START, uid="ü" * 512))
    with pytest.raises(PreconditionError, match="1024 bytes"):
        read_calendar_object(calendar(START, uid="ü" * 513))


@given(st.lists(st.sampled_from(calendar(START, "RRULE:FREQ=DAILY").decode().split("\r\n"))))
def test_any_order_of_lines_is_read_or_refused(lines):
    with suppress(PreconditionError):
        assert read_calendar_object("\r\n".join(lines).encode()).uid == "u"


@given(st.binary(max_size=80))
def test_any_bytes_are_read_or_refused(data):
    for body in (data, calendar(START)[:60] + data):
        with pytest.raises(PreconditionError):
            read_calendar_object(body)
