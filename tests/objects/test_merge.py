"""Three-way merge: each rule with a case that merges and one that does not."""

import pytest

from davenport.dav.precondition import PreconditionError
from davenport.objects.fingerprint import fingerprint
from davenport.objects.merge import MergePolicy, apply_changes, merge
from tests.objects.merging import Lines, contact, event, lines_of, merged, open_conflict, series

START = ("DTSTART;TZID=Europe/Berlin:20250106T100000", "DTEND;TZID=Europe/Berlin:20250106T110000")
WEEKLY = (*START, "RRULE:FREQ=WEEKLY")
ANN, BOB = "ATTENDEE:mailto:ann@example.org", "ATTENDEE:mailto:bob@example.org"


def moved(hour: int, day: str = "20250113", *more: str) -> Lines:
    """An override of a weekly series."""
    return (
        f"RECURRENCE-ID;TZID=Europe/Berlin:{day}T100000",
        f"DTSTART;TZID=Europe/Berlin:{day}T{hour}0000",
        *more,
    )


# base, a, b, and the lines of the result
EVENTS: dict[str, tuple[Lines, Lines, Lines, Lines]] = {
    "disjoint": (
        ("SUMMARY:x", "LOCATION:y"),
        ("SUMMARY:x2", "LOCATION:y"),
        ("SUMMARY:x", "LOCATION:y2"),
        ("SUMMARY:x2", "LOCATION:y2"),
    ),
    "same edit": (("SUMMARY:x",), ("SUMMARY:z",), ("SUMMARY:z",), ("SUMMARY:z",)),
    "add and remove": (
        ("SUMMARY:x", "URL:u:1"),
        ("SUMMARY:x",),
        ("SUMMARY:x", "URL:u:1", "GEO:1;2"),
        ("SUMMARY:x", "GEO:1;2"),
    ),
    "time moved on one side": (
        (*START, "SUMMARY:x"),
        ("DTSTART:20250107T100000Z", "DTEND:20250107T110000Z", "SUMMARY:x"),
        (*START, "SUMMARY:y"),
        ("DTSTART:20250107T100000Z", "DTEND:20250107T110000Z", "SUMMARY:y"),
    ),
    "EXDATE from both": (
        (*WEEKLY, "EXDATE;TZID=Europe/Berlin:20250113T100000"),
        (*WEEKLY, "EXDATE;TZID=Europe/Berlin:20250113T100000,20250120T100000"),
        (
            *WEEKLY,
            "EXDATE;TZID=Europe/Berlin:20250113T100000",
            "EXDATE;TZID=Europe/Berlin:20250127T100000",
        ),
        (
            *WEEKLY,
            "EXDATE;TZID=Europe/Berlin:20250113T100000,20250120T100000",
            "EXDATE;TZID=Europe/Berlin:20250127T100000",
        ),
    ),
    "SEQUENCE is the larger": (
        ("SEQUENCE:1", "SUMMARY:x"),
        ("SEQUENCE:4", "SUMMARY:y"),
        ("SEQUENCE:9", "SUMMARY:x"),
        ("SEQUENCE:9", "SUMMARY:y"),
    ),
    "LAST-MODIFIED is the newest, CREATED the earliest": (
        ("LAST-MODIFIED:20250101T000000Z", "CREATED:20240105T000000Z", "SUMMARY:x"),
        ("LAST-MODIFIED:20250103T000000Z", "CREATED:20240103T000000Z", "SUMMARY:y"),
        ("LAST-MODIFIED:20250102T000000Z", "CREATED:20240102T000000Z", "SUMMARY:x"),
        ("LAST-MODIFIED:20250103T000000Z", "CREATED:20240102T000000Z", "SUMMARY:y"),
    ),
    "attendees by address": (
        (ANN,),
        (ANN, BOB),
        ("ATTENDEE;PARTSTAT=ACCEPTED:MAILTO:Ann@example.org",),
        ("ATTENDEE;PARTSTAT=ACCEPTED:MAILTO:Ann@example.org", BOB),
    ),
    "parameters of an attendee": (
        ("ATTENDEE;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:ann@example.org",),
        ('ATTENDEE;PARTSTAT=NEEDS-ACTION;CN="Ann; A";RSVP=TRUE:mailto:ann@example.org',),
        ("ATTENDEE;PARTSTAT=DECLINED:mailto:ann@example.org",),
        ('ATTENDEE;CN="Ann; A";PARTSTAT=DECLINED:mailto:ann@example.org',),
    ),
    "categories as a set": (
        ("CATEGORIES:a,b\\,c,d",),
        ("CATEGORIES:a,b\\,c",),
        ("CATEGORIES:d,e,b\\,c,a",),
        ("CATEGORIES:a,b\\,c", "CATEGORIES:e"),
    ),
    "categories line by line": (
        ("CATEGORIES:a", "CATEGORIES:b"),
        ("CATEGORIES:a,c", "CATEGORIES:b"),
        ("CATEGORIES:b",),
        ("CATEGORIES:c", "CATEGORIES:b"),
    ),
    "attachments are many": (
        ("ATTACH:http://x/1", "COMMENT:one"),
        ("ATTACH:http://x/1", "ATTACH:http://x/2", "COMMENT:one", "COMMENT:two"),
        ("ATTACH:http://x/3", "COMMENT:one"),
        ("ATTACH:http://x/2", "ATTACH:http://x/3", "COMMENT:one", "COMMENT:two"),
    ),
    "RELATED-TO from both": (
        (),
        ("RELATED-TO;RELTYPE=CHILD:a",),
        ("RELATED-TO:a", "RELATED-TO:b"),
        ("RELATED-TO;RELTYPE=CHILD:a", "RELATED-TO:a", "RELATED-TO:b"),
    ),
    "description by lines": (
        ("DESCRIPTION:one\\ntwo\\nthree\\nfour",),
        ("DESCRIPTION:ONE\\ntwo\\nthree\\nfour",),
        ("DESCRIPTION:one\\ntwo\\nthree\\nfour\\, or 5",),
        ("DESCRIPTION:ONE\\ntwo\\nthree\\nfour\\, or 5",),
    ),
    "a twin in HTML follows its text": (
        ("DESCRIPTION:one", "X-ALT-DESC;FMTTYPE=text/html:<p>one", "SUMMARY:x"),
        ("DESCRIPTION:two", "X-ALT-DESC;FMTTYPE=text/html:<p>two", "SUMMARY:x"),
        ("DESCRIPTION:one", "X-ALT-DESC;FMTTYPE=text/html:<p>one", "SUMMARY:y"),
        ("DESCRIPTION:two", "X-ALT-DESC;FMTTYPE=text/html:<p>two", "SUMMARY:y"),
    ),
    "unknown properties": (
        ("X-ONE:a", "X-TWO;X-P=1:b;c,d"),
        ("X-ONE:a2", "X-TWO;X-P=1:b;c,d"),
        ("X-ONE:a", "X-TWO;X-P=2:b;c,d", "X-NEW:n"),
        ("X-ONE:a2", "X-TWO;X-P=2:b;c,d", "X-NEW:n"),
    ),
    "an alarm added on each side": (
        ("SUMMARY:x",),
        ("SUMMARY:x", "BEGIN:VALARM", "ACTION:DISPLAY", "TRIGGER:-PT5M", "END:VALARM"),
        ("SUMMARY:x", "BEGIN:VALARM", "ACTION:DISPLAY", "TRIGGER:-PT9M", "END:VALARM"),
        (
            "SUMMARY:x",
            "BEGIN:VALARM",
            "ACTION:DISPLAY",
            "TRIGGER:-PT5M",
            "END:VALARM",
            "BEGIN:VALARM",
            "ACTION:DISPLAY",
            "TRIGGER:-PT9M",
            "END:VALARM",
        ),
    ),
    "an alarm that a server gave a UID": (
        ("BEGIN:VALARM", "ACTION:DISPLAY", "TRIGGER:-PT5M", "END:VALARM"),
        ("BEGIN:VALARM", "ACTION:DISPLAY", "TRIGGER:-PT5M", "DESCRIPTION:d", "END:VALARM"),
        ("BEGIN:VALARM", "UID:9", "ACTION:DISPLAY", "TRIGGER:-PT5M", "END:VALARM"),
        ("BEGIN:VALARM", "UID:9", "ACTION:DISPLAY", "TRIGGER:-PT5M", "DESCRIPTION:d", "END:VALARM"),
    ),
    "an alarm by its UID": (
        ("BEGIN:VALARM", "UID:9", "ACTION:DISPLAY", "TRIGGER:-PT5M", "END:VALARM"),
        ("BEGIN:VALARM", "UID:9", "ACTION:DISPLAY", "TRIGGER:-PT7M", "END:VALARM"),
        ("BEGIN:VALARM", "UID:9", "ACTION:DISPLAY", "TRIGGER:-PT5M", "DESCRIPTION:d", "END:VALARM"),
        ("BEGIN:VALARM", "UID:9", "ACTION:DISPLAY", "TRIGGER:-PT7M", "DESCRIPTION:d", "END:VALARM"),
    ),
    "a dismissed alarm": (
        (
            "BEGIN:VALARM",
            "ACTION:DISPLAY",
            "TRIGGER:-PT5M",
            "END:VALARM",
            "X-MOZ-LASTACK:20250101T000000Z",
        ),
        (
            "BEGIN:VALARM",
            "ACTION:DISPLAY",
            "TRIGGER:-PT5M",
            "END:VALARM",
            "X-MOZ-LASTACK:20250102T000000Z",
        ),
        ("SUMMARY:x", "X-MOZ-LASTACK:20250103T000000Z"),
        ("SUMMARY:x", "X-MOZ-LASTACK:20250103T000000Z"),
    ),
    "an unknown component": (
        ("SUMMARY:x",),
        ("SUMMARY:x", "BEGIN:X-THING", "X-A:1", "END:X-THING"),
        ("SUMMARY:y",),
        ("SUMMARY:y", "BEGIN:X-THING", "X-A:1", "END:X-THING"),
    ),
}


@pytest.mark.parametrize("base, a, b, expected", EVENTS.values(), ids=EVENTS)
def test_events_merge(base: Lines, a: Lines, b: Lines, expected: Lines):
    wanted = lines_of(event(*expected))
    assert merged(event(*base), event(*a), event(*b)) == wanted
    other = merge(event(*base), event(*b), event(*a))
    assert fingerprint(other.body) == fingerprint(event(*expected))
    assert other.conflicts == ()


# base, a, b, and the name of the conflict
EVENT_CONFLICTS: dict[str, tuple[Lines, Lines, Lines, str]] = {
    "one value": (("SUMMARY:x",), ("SUMMARY:y",), ("SUMMARY:z",), "SUMMARY"),
    "both new": ((), ("SUMMARY:y",), ("SUMMARY:z",), "SUMMARY"),
    "edit and delete": (("SUMMARY:x",), (), ("SUMMARY:z",), "SUMMARY"),
    "start and end are one": (
        START,
        ("DTSTART:20250106T080000Z", START[1]),
        (START[0], "DTEND:20250106T200000Z"),
        "DTEND, DTSTART",
    ),
    "two rules": (
        WEEKLY,
        (*START, "RRULE:FREQ=DAILY"),
        (*START, "RRULE:FREQ=MONTHLY"),
        "DTEND, DTSTART, RRULE",
    ),
    "EXDATE of a rule that is gone": (
        WEEKLY,
        (*START, "RRULE:FREQ=DAILY"),
        (*WEEKLY, "EXDATE:20250113T090000Z"),
        "DTSTART, RRULE, RDATE, EXDATE and overrides",
    ),
    "one PARTSTAT": (
        (ANN,),
        ("ATTENDEE;PARTSTAT=ACCEPTED:mailto:ann@example.org",),
        ("ATTENDEE;PARTSTAT=DECLINED:mailto:ann@example.org",),
        "ATTENDEE mailto:ann@example.org PARTSTAT",
    ),
    "attendee removed and answering": (
        (ANN,),
        (),
        ("ATTENDEE;PARTSTAT=DECLINED:mailto:ann@example.org",),
        "ATTENDEE mailto:ann@example.org",
    ),
    "organizer": (
        ("ORGANIZER:mailto:a@x",),
        ("ORGANIZER:mailto:b@x",),
        ("ORGANIZER:mailto:c@x",),
        "ORGANIZER mailto:b@x",
    ),
    "the same line of a description": (
        ("DESCRIPTION:one\\ntwo",),
        ("DESCRIPTION:1\\ntwo",),
        ("DESCRIPTION:I\\ntwo",),
        "DESCRIPTION",
    ),
    "a description with a twin": (
        ("DESCRIPTION:one\\ntwo\\nthree", "X-ALT-DESC:<p>one"),
        ("DESCRIPTION:1\\ntwo\\nthree", "X-ALT-DESC:<p>1"),
        ("DESCRIPTION:one\\ntwo\\n3", "X-ALT-DESC:<p>one"),
        "DESCRIPTION, X-ALT-DESC",
    ),
    "unknown": (("X-A:1",), ("X-A:2",), ("X-A:3",), "X-A"),
}


@pytest.mark.parametrize("base, a, b, name", EVENT_CONFLICTS.values(), ids=EVENT_CONFLICTS)
def test_events_conflict_and_keep_the_base(base: Lines, a: Lines, b: Lines, name: str):
    result = merge(event(*base), event(*a), event(*b))
    assert [(found.component, found.property) for found in result.unresolved] == [("VEVENT", name)]
    assert fingerprint(result.body) == fingerprint(event(*base))


def test_a_conflict_shows_all_three():
    result = merge(event("SUMMARY:x\\, y"), event("SUMMARY:1"), event("SUMMARY;LANGUAGE=en:2"))
    assert open_conflict(result) == ("VEVENT", "SUMMARY", "x, y", "1", "2 (LANGUAGE=en)")
    result = merge(event(ANN), event(), event("ATTENDEE;CN=A:mailto:ann@example.org"))
    assert open_conflict(result)[2:] == (
        "mailto:ann@example.org", None, "mailto:ann@example.org (CN=A)")  # fmt: skip


TODOS: dict[str, tuple[Lines, Lines, Lines, Lines | None]] = {
    "completed on one side": (
        ("STATUS:NEEDS-ACTION",),
        ("STATUS:COMPLETED", "COMPLETED:20250102T000000Z", "PERCENT-COMPLETE:100"),
        ("STATUS:NEEDS-ACTION", "SUMMARY:x"),
        ("STATUS:COMPLETED", "COMPLETED:20250102T000000Z", "PERCENT-COMPLETE:100", "SUMMARY:x"),
    ),
    "completed and in process": (
        ("STATUS:NEEDS-ACTION",),
        ("STATUS:COMPLETED", "COMPLETED:20250102T000000Z"),
        ("STATUS:IN-PROCESS", "PERCENT-COMPLETE:50"),
        None,
    ),
    "due and status": (
        ("DUE:20250102",),
        ("DUE:20250103",),
        ("DUE:20250102", "STATUS:COMPLETED"),
        ("DUE:20250103", "STATUS:COMPLETED"),
    ),
    "a repeating task moved on and completed": (
        ("DTSTART:20250102", "RRULE:FREQ=DAILY"),
        ("DTSTART:20250103", "RRULE:FREQ=DAILY"),
        ("DTSTART:20250102", "RRULE:FREQ=DAILY", "STATUS:COMPLETED"),
        None,
    ),
}


@pytest.mark.parametrize("base, a, b, expected", TODOS.values(), ids=TODOS)
def test_tasks(base: Lines, a: Lines, b: Lines, expected: Lines | None):
    bodies = [event(*lines, kind="VTODO") for lines in (base, a, b)]
    wanted = event(*(base if expected is None else expected), kind="VTODO")
    assert merged(*bodies, conflicts=expected is None) == lines_of(wanted)


SERIES: dict[str, tuple[bytes, bytes, bytes, bytes | None]] = {
    "an override on each side": (
        series(WEEKLY),
        series(WEEKLY, moved(11)),
        series(WEEKLY, moved(12, "20250120")),
        series(WEEKLY, moved(11), moved(12, "20250120")),
    ),
    "an override known by its instant": (
        series(WEEKLY, moved(11)),
        series(WEEKLY, moved(15)),
        series((*WEEKLY, "SUMMARY:x"), ("RECURRENCE-ID:20250113T090000Z", *moved(11)[1:])),
        series((*WEEKLY, "SUMMARY:x"), moved(15)),
    ),
    "master and override": (
        series(WEEKLY, moved(11)),
        series((*WEEKLY, "SUMMARY:x"), moved(11)),
        series(WEEKLY, moved(12)),
        series((*WEEKLY, "SUMMARY:x"), moved(12)),
    ),
    "an override removed": (
        series(WEEKLY, moved(11)),
        series(WEEKLY),
        series((*WEEKLY, "SUMMARY:x"), moved(11)),
        series((*WEEKLY, "SUMMARY:x")),
    ),
    "an override edited and removed": (
        series(WEEKLY, moved(11)),
        series(WEEKLY),
        series(WEEKLY, moved(12)),
        None,
    ),
    "one override moved twice": (
        series(WEEKLY, moved(11)),
        series(WEEKLY, moved(12)),
        series(WEEKLY, moved(13)),
        None,
    ),
    "truncated, and an override": (
        series(WEEKLY),
        series((*START, "RRULE:FREQ=WEEKLY;COUNT=2")),
        series(WEEKLY, moved(11, "20250127")),
        None,
    ),
    "start moved, and an override": (
        series(WEEKLY),
        series(("DTSTART:20250106T110000Z", "RRULE:FREQ=WEEKLY")),
        series(WEEKLY, moved(11)),
        None,
    ),
    "this and future": (
        series(WEEKLY),
        series(WEEKLY, ("RECURRENCE-ID;RANGE=THISANDFUTURE:20250113T090000Z", "SUMMARY:x")),
        series(WEEKLY, moved(11, "20250127")),
        None,
    ),
    "a cancelled override is an EXDATE": (
        series(WEEKLY),
        series(WEEKLY, moved(10, "20250113", "STATUS:CANCELLED")),
        series((*WEEKLY, "EXDATE;TZID=Europe/Berlin:20250113T100000")),
        series((*WEEKLY, "EXDATE;TZID=Europe/Berlin:20250113T100000")),
    ),
}


@pytest.mark.parametrize("base, a, b, expected", SERIES.values(), ids=SERIES)
def test_series(base: bytes, a: bytes, b: bytes, expected: bytes | None):
    for one, other in ((a, b), (b, a)):
        result = merge(base, one, other)
        assert len(result.unresolved) == (expected is None), result.conflicts
        wanted = base if expected is None else expected
        if b"RECURRENCE-ID:20250113T090000Z" not in b:
            assert fingerprint(result.body) == fingerprint(wanted)


def test_a_series_in_conflict_is_of_one_side_only():
    base, a, b, _ = SERIES["truncated, and an override"]
    assert lines_of(merge(base, a, b, MergePolicy.A).body) == lines_of(a)
    assert lines_of(merge(base, a, b, MergePolicy.B).body) == lines_of(b)


CARDS: dict[str, tuple[Lines, Lines, Lines, Lines | None]] = {
    "one of two copies removed on each side": (
        ("TEL;TYPE=home:1", "TEL;TYPE=work:1"),
        ("TEL;TYPE=home:1",),
        ("TEL;TYPE=work:1",),
        None,
    ),
    "a number on each side": (
        ("FN:A", "TEL:1"),
        ("FN:A", "TEL:1", "TEL;TYPE=cell:2"),
        ("FN:A", "TEL:3", "TEL:1"),
        ("FN:A", "TEL:1", "TEL;TYPE=cell:2", "TEL:3"),
    ),
    "order and spelling are no edit": (
        ("TEL;TYPE=HOME:+49 30 1", "TEL:2"),
        ("TEL:2", "TEL;TYPE=home,voice:+49 30 1"),
        ("TEL;TYPE=HOME:+49 30 1", "TEL:2", "TITLE:x"),
        ("TEL:2", "TEL;TYPE=home,voice:+49 30 1", "TITLE:x"),
    ),
    "kinds of one number": (
        ("TEL;TYPE=HOME:1",),
        ("TEL;TYPE=HOME,FAX:1",),
        ("TEL;TYPE=HOME;TYPE=PREF:1",),
        ("TEL;TYPE=fax,home,pref:1",),
    ),
    "an address removed, another edited": (
        ("EMAIL:a@x", "EMAIL:b@x"),
        ("EMAIL:b@x",),
        ("EMAIL:a@x", "EMAIL;TYPE=work:b@x"),
        ("EMAIL;TYPE=work:b@x",),
    ),
    "removed and edited": (("EMAIL:a@x",), (), ("EMAIL;TYPE=work:a@x",), None),
    "by PID": (
        ("TEL;PID=1.1:1", "TEL;PID=2.1:2"),
        ("TEL;PID=1.1:11", "TEL;PID=2.1:2"),
        ("TEL;PID=1.1;TYPE=cell:1", "TEL;PID=2.1:2"),
        ("TEL;PID=1.1;TYPE=cell:11", "TEL;PID=2.1:2"),
    ),
    "by PID, twice": (("TEL;PID=1.1:1",), ("TEL;PID=1.1:2",), ("TEL;PID=1.1:3",), None),
    "by label": (
        ("item1.TEL:1", "item1.X-ABLabel:Boat"),
        ("item1.TEL:2", "item1.X-ABLabel:Boat"),
        ("item1.TEL:1", "item1.X-ABLabel:Boat", "TITLE:x"),
        ("item1.TEL:2", "item1.X-ABLabel:Boat", "TITLE:x"),
    ),
    "by label, twice": (
        ("item1.TEL:1", "item1.X-ABLabel:Boat"),
        ("item1.TEL:2", "item1.X-ABLabel:Boat"),
        ("item1.TEL:3", "item1.X-ABLabel:Boat"),
        None,
    ),
    "groups are renumbered": (
        ("FN:A",),
        ("FN:A", "item1.URL:u:1", "item1.X-ABLabel:One"),
        ("FN:A", "item1.URL:u:2", "item1.X-ABLabel:Two"),
        ("FN:A", "item1.URL:u:1", "item1.X-ABLabel:One", "item2.URL:u:2", "item2.X-ABLabel:Two"),
    ),
    "a label changed, a kind added": (
        ("item1.TEL:1", "item1.X-ABLabel:One"),
        ("item1.TEL:1", "item1.X-ABLabel:Two"),
        ("item7.TEL;TYPE=cell:1", "item7.X-ABLabel:One"),
        ("item1.TEL;TYPE=cell:1", "item1.X-ABLabel:Two"),
    ),
    "a kind changed, a label added": (
        ("item1.TEL:1", "item1.X-ABLabel:One"),
        ("item1.TEL;TYPE=cell:1", "item1.X-ABLabel:One"),
        ("item1.TEL:1", "item1.X-ABLabel:Two"),
        ("item1.TEL;TYPE=cell:1", "item1.X-ABLabel:Two"),
    ),
    "removed with its label": (
        ("FN:A", "item1.TEL:1", "item1.X-ABLabel:One"),
        ("FN:A", "item1.TEL:1", "item1.X-ABLabel:One", "TITLE:x"),
        ("FN:A",),
        ("FN:A", "TITLE:x"),
    ),
    "two labels": (
        ("item1.TEL:1", "item1.X-ABLabel:One"),
        ("item1.TEL:1", "item1.X-ABLabel:Two"),
        ("item1.TEL:1", "item1.X-ABLabel:Three"),
        None,
    ),
    "alternatives are one": (
        ("TITLE;ALTID=1;LANGUAGE=en:boss", "TITLE;ALTID=1;LANGUAGE=fr:chef"),
        ("TITLE;ALTID=1;LANGUAGE=en:Boss", "TITLE;ALTID=1;LANGUAGE=fr:chef"),
        ("TITLE;ALTID=1;LANGUAGE=en:boss", "TITLE;ALTID=1;LANGUAGE=fr:Chef"),
        None,
    ),
    "FN and N are one": (("FN:A B", "N:B;A"), ("FN:A B", "N:B;Anne"), ("FN:Ann B", "N:B;A"), None),
    "FN and N from one side": (
        ("FN:A B", "N:B;A", "TITLE:x"),
        ("FN:Ann B", "N:B;Ann", "TITLE:x"),
        ("N:B;A;;;", "FN:A B", "TITLE:y"),
        ("FN:Ann B", "N:B;Ann", "TITLE:y"),
    ),
    "a picture wrapped anew is no edit": (
        ("PHOTO;ENCODING=b;TYPE=JPEG:aGVs\r\n bG8=",),
        ("PHOTO;ENCODING=B;TYPE=jpeg:aGVsbG8=", "TITLE:x"),
        ("PHOTO;ENCODING=b;TYPE=JPEG:aGVsbG9vbw==",),
        ("PHOTO;ENCODING=b;TYPE=JPEG:aGVsbG9vbw==", "TITLE:x"),
    ),
    "two pictures": ((), ("PHOTO;ENCODING=b:aGVsbG8=",), ("PHOTO;ENCODING=b:aGVsbG9vbw==",), None),
    "a birthday without its year": (
        ("BDAY:--0412",),
        ("BDAY;X-APPLE-OMIT-YEAR=1604:1604-04-12", "TITLE:x"),
        ("BDAY:1985-04-12",),
        ("BDAY:1985-04-12", "TITLE:x"),
    ),
    "two birthdays": (("BDAY:--0412",), ("BDAY:1985-04-12",), ("BDAY:1986-04-12",), None),
    "members of a group": (
        ("X-ADDRESSBOOKSERVER-KIND:group", "X-ADDRESSBOOKSERVER-MEMBER:urn:uuid:1"),
        (
            "X-ADDRESSBOOKSERVER-KIND:group",
            "X-ADDRESSBOOKSERVER-MEMBER:urn:uuid:1",
            "X-ADDRESSBOOKSERVER-MEMBER:urn:uuid:2",
        ),
        ("KIND:group", "MEMBER:urn:uuid:3"),
        (
            "X-ADDRESSBOOKSERVER-KIND:group",
            "X-ADDRESSBOOKSERVER-MEMBER:urn:uuid:2",
            "MEMBER:urn:uuid:3",
        ),
    ),
    "a note by lines": (
        ("NOTE:1\\n2\\n3",),
        ("NOTE:1\\n2\\n3\\n4",),
        ("NOTE:0\\n1\\n2\\n3",),
        ("NOTE:0\\n1\\n2\\n3\\n4",),
    ),
    "nicknames are a set": (
        ("NICKNAME:a",),
        ("NICKNAME:a,b",),
        ("NICKNAME:c,a",),
        ("NICKNAME:a,b", "NICKNAME:c"),
    ),
    "REV is the newest": (
        ("REV:2025-01-01T00:00:00Z",),
        ("REV:2025-01-02T00:00:00Z", "TITLE:x"),
        ("REV:20250103T000000Z",),
        ("REV:20250103T000000Z", "TITLE:x"),
    ),
}


@pytest.mark.parametrize("base, a, b, expected", CARDS.values(), ids=CARDS)
def test_cards(base: Lines, a: Lines, b: Lines, expected: Lines | None):
    wanted = lines_of(contact(*(base if expected is None else expected)))
    bodies = contact(*base), contact(*a), contact(*b)
    assert merged(*bodies, conflicts=expected is None) == wanted
    other = merge(bodies[0], bodies[2], bodies[1])
    assert len(other.unresolved) == (expected is None)
    assert fingerprint(other.body) == fingerprint(contact(*(expected or base)))


POLICIES: dict[str, tuple[bytes, bytes, bytes, MergePolicy, bytes | None]] = {
    "a": (
        event("SUMMARY:x"),
        event("SUMMARY:y"),
        event("SUMMARY:z"),
        MergePolicy.A,
        event("SUMMARY:y"),
    ),
    "b": (
        event("SUMMARY:x"),
        event("SUMMARY:y"),
        event("SUMMARY:z"),
        MergePolicy.B,
        event("SUMMARY:z"),
    ),
    "b, deleted": (event("SUMMARY:x"), event("SUMMARY:y"), event(), MergePolicy.B, event()),
    "b, and what only a changed": (
        event("SUMMARY:x", "GEO:1;2"),
        event("SUMMARY:y", "GEO:1;3"),
        event("SUMMARY:z", "GEO:1;2"),
        MergePolicy.B,
        event("SUMMARY:z", "GEO:1;3"),
    ),
    "newest": (
        event("SUMMARY:x", "LAST-MODIFIED:20250101T000000Z"),
        event("SUMMARY:y", "LAST-MODIFIED:20250102T000000Z"),
        event("SUMMARY:z", "LAST-MODIFIED:20250103T000000Z"),
        MergePolicy.NEWEST,
        event("SUMMARY:z", "LAST-MODIFIED:20250103T000000Z"),
    ),
    "newest, of a card": (
        contact("TITLE:x"),
        contact("TITLE:y", "REV:20250103T000000Z"),
        contact("TITLE:z", "REV:2025-01-02T00:00:00Z"),
        MergePolicy.NEWEST,
        contact("TITLE:y", "REV:20250103T000000Z"),
    ),
    "newest, both of one age": (
        event("SUMMARY:x"),
        event("SUMMARY:y"),
        event("SUMMARY:z"),
        MergePolicy.NEWEST,
        None,
    ),
    "both, of a number": (
        contact("item1.TEL:1", "item1.X-ABLabel:L"),
        contact("item1.TEL:2", "item1.X-ABLabel:L"),
        contact("item1.TEL:3", "item1.X-ABLabel:L"),
        MergePolicy.BOTH,
        contact("item1.TEL:2", "item1.X-ABLabel:L", "item2.TEL:3", "item2.X-ABLabel:L"),
    ),
    "both, of a text": (
        event("DESCRIPTION:x"),
        event("DESCRIPTION:y"),
        event("DESCRIPTION:z"),
        MergePolicy.BOTH,
        event("DESCRIPTION:y\\n\\nz"),
    ),
    "both, edited and deleted": (
        event("SUMMARY:x"),
        event(),
        event("SUMMARY:z"),
        MergePolicy.BOTH,
        event("SUMMARY:z"),
    ),
    "both, where there is one": (
        event("SUMMARY:x"),
        event("SUMMARY:y"),
        event("SUMMARY:z"),
        MergePolicy.BOTH,
        None,
    ),
}


@pytest.mark.parametrize("base, a, b, policy, expected", POLICIES.values(), ids=POLICIES)
def test_policies(base: bytes, a: bytes, b: bytes, policy: MergePolicy, expected: bytes | None):
    wanted = lines_of(base if expected is None else expected)
    result = merge(base, a, b, policy)
    assert lines_of(result.body) == wanted
    assert len(result.conflicts) == 1
    assert len(result.unresolved) == (expected is None)


WHOLE = {
    "a card and an event": (
        contact("FN:A"),
        contact("FN:B"),
        event("SUMMARY:x"),
        "a calendar object and a card",
    ),
    "versions of vCard": (
        contact("FN:A"),
        contact("FN:B"),
        contact("FN:A", "TITLE:x", version="4.0"),
        "different versions of vCard",
    ),
    "kinds": (
        event(),
        event("SUMMARY:x"),
        event("SUMMARY:y", kind="VTODO"),
        "different kinds of component",
    ),
    "UIDs": (
        event(),
        event("SUMMARY:x").replace(b"UID:u", b"UID:v"),
        event("SUMMARY:x").replace(b"UID:u", b"UID:w"),
        "different UIDs",
    ),
    "no base and UIDs": (b"", event(), event().replace(b"UID:u", b"UID:w"), "different UIDs"),
    "revisions": (
        series(("SEQUENCE:1",), ("SEQUENCE:2",)),
        series(("SEQUENCE:1", "SUMMARY:x"), ("SEQUENCE:2",)),
        series(("SEQUENCE:1",), ("SEQUENCE:2", "SUMMARY:x")),
        "two components that cannot be told apart",
    ),
}


@pytest.mark.parametrize("base, a, b, reason", WHOLE.values(), ids=WHOLE)
def test_what_cannot_be_compared_is_one_conflict(base: bytes, a: bytes, b: bytes, reason: str):
    result = merge(base, a, b)
    assert [(found.component, found.property) for found in result.unresolved] == [("", reason)]
    assert result.body == (base or a)
    assert merge(base, a, b, MergePolicy.B).body == b


def test_a_new_uid_is_taken_everywhere():
    base, a = series(WEEKLY), series(WEEKLY, moved(11))
    b = series((*WEEKLY, "SUMMARY:x")).replace(b"UID:u", b"UID:server-9")
    for result in (merge(base, a, b), merge(base, b, a)):
        assert result.conflicts == ()
        assert result.body.count(b"UID:server-9") == 2
        assert b"UID:u" not in result.body


def test_without_a_base_equal_fields_agree_and_others_conflict():
    result = merge(b"", event("SUMMARY:x", "GEO:1;2"), event("SUMMARY:x", "GEO:1;3", ANN))
    assert open_conflict(result) == ("VEVENT", "GEO", None, "1;2", "1;3")
    assert lines_of(result.body) == lines_of(event("SUMMARY:x", ANN))


def test_lines_that_are_not_touched_stay_byte_for_byte():
    a = (
        b"BEGIN:VCALENDAR\nversion : 2.0\n\nBEGIN:VEVENT\nuid:u\nSummary;x=1:a\n b\n"
        b'X-ODD;"q=:x\nX-Y:\\q\nEND:VEVENT\nend:VCALENDAR'
    )
    base = a.replace(b"X-Y:\\q", b"X-Y:\\p")
    b = base.replace(b"END:VEVENT", b"LOCATION:here\r\n and there\r\nEND:VEVENT")
    result = merge(base, a, b)
    assert result.body == a.replace(b"END:VEVENT", b"LOCATION:here\r\n and there\r\nEND:VEVENT")


def test_a_time_zone_comes_with_the_lines_that_name_it():
    zone = (
        b"BEGIN:VTIMEZONE\r\nTZID:Mine\r\nBEGIN:STANDARD\r\nDTSTART:19700101T000000\r\n"
        b"TZOFFSETFROM:+0100\r\nTZOFFSETTO:+0100\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n"
    )
    base = event("DTSTART:20250101T100000Z", "SUMMARY:x")
    a = event("DTSTART:20250101T100000Z", "SUMMARY:y")
    b = event("DTSTART;TZID=Mine:20250101T120000", "SUMMARY:x")
    b = b.replace(b"BEGIN:VEVENT", zone + b"BEGIN:VEVENT")
    result = merge(base, a, b)
    assert result.conflicts == ()
    assert zone in result.body
    assert fingerprint(result.body) == fingerprint(
        event("DTSTART;TZID=Mine:20250101T120000", "SUMMARY:y")
    )
    other = b.replace(b"+0100", b"+0200")
    again = merge(b, b.replace(b"+0100", b"+0300"), other)
    assert [found.component for found in again.unresolved] == ["VTIMEZONE Mine"]


def test_changes_apply_to_what_a_server_made_of_the_object():
    base = event("SUMMARY:x", ANN, "DTSTART:20250101T100000Z", "X-STRIPPED:1")
    changed = event("SUMMARY:y", ANN, BOB, "DTSTART:20250101T110000Z", "X-STRIPPED:1")
    current = event(
        "X-SERVER:1",
        "SUMMARY:x (rewritten)",
        "ATTENDEE;SCHEDULE-STATUS=1.1;SCHEDULE-AGENT=CLIENT:mailto:ann@example.org",
        "DTSTART:20250101T100000Z",
    )
    result = apply_changes(base, changed, current)
    assert lines_of(result.body) == lines_of(
        event(
            "X-SERVER:1",
            "SUMMARY:y",
            "ATTENDEE;SCHEDULE-STATUS=1.1;SCHEDULE-AGENT=CLIENT:mailto:ann@example.org",
            BOB,
            "DTSTART:20250101T110000Z",
        )
    )
    (conflict,) = result.conflicts
    assert (conflict.property, conflict.base, conflict.a, conflict.b, conflict.taken) == (
        "SUMMARY", "x", "y", "x (rewritten)", "a")  # fmt: skip


def test_a_text_too_costly_to_compare_is_left_to_people():
    base, ours, theirs = (["x"] * 900, ["x", "y"] * 450, ["y", "x"] * 450)
    bodies = [
        event("DESCRIPTION:" + "\\n".join(["a", *text, "z"])) for text in (base, ours, theirs)
    ]
    assert open_conflict(merge(*bodies))[1] == "DESCRIPTION"


def test_nothing_to_apply_leaves_every_byte():
    base, current = event("SUMMARY:x"), event("SUMMARY:x", "X-SERVER:1")
    assert apply_changes(base, base, current).body == current


@pytest.mark.parametrize("broken", [b"", b"<html>", event()[:-10]], ids=["empty", "page", "cut"])
def test_a_body_that_cannot_be_read_is_refused(broken: bytes):
    for versions in ((event(), broken, event("SUMMARY:x")), (event(), event("SUMMARY:x"), broken)):
        with pytest.raises(PreconditionError):
            merge(*versions)
    if broken:
        with pytest.raises(PreconditionError):
            merge(broken, event(), event())
