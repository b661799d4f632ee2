"""PUT and DELETE: preconditions, conditions, and bytes that come back as they were."""

from collections.abc import Callable

import pytest

from davenport.storage.database import T, Transaction
from tests.accounts import Stage
from tests.bodies import CALENDAR, CONTACTS, TASKS, calendar, card, event, task
from tests.in_process import InProcess
from tests.wire import CALDAV, CARDDAV, DAV

_TWO_UIDS = calendar(
    *("BEGIN:VEVENT", "UID:a", "DTSTART:20260101T100000Z", "END:VEVENT"),
    *("BEGIN:VEVENT", "UID:b", "DTSTART:20260101T100000Z", "END:VEVENT"),
)
_TWO_KINDS = calendar(
    *("BEGIN:VEVENT", "UID:a", "DTSTART:20260101T100000Z", "END:VEVENT"),
    *("BEGIN:VTODO", "UID:a", "END:VTODO"),
)
_METHOD = calendar(
    "METHOD:REQUEST", "BEGIN:VEVENT", "UID:a", "DTSTART:20260101T100000Z", "END:VEVENT"
)
_NO_UID = calendar("BEGIN:VEVENT", "DTSTART:20260101T100000Z", "END:VEVENT")

REFUSED = {
    "not iCalendar": (CALENDAR, b"hello", 403, f"{CALDAV}valid-calendar-data"),
    "not UTF-8": (CALENDAR, event("a").replace(b"Lunch", b"\xff"), 403, None),
    "a NUL": (CALENDAR, event("a", "x\0y"), 403, f"{CALDAV}valid-calendar-data"),
    "two UIDs": (CALENDAR, _TWO_UIDS, 403, f"{CALDAV}valid-calendar-object-resource"),
    "two kinds": (CALENDAR, _TWO_KINDS, 403, f"{CALDAV}valid-calendar-object-resource"),
    "METHOD": (CALENDAR, _METHOD, 403, f"{CALDAV}valid-calendar-object-resource"),
    "no UID": (CALENDAR, _NO_UID, 403, f"{CALDAV}valid-calendar-object-resource"),
    "a task": (CALENDAR, task("t"), 403, f"{CALDAV}supported-calendar-component"),
    "an event": (TASKS, event("e"), 403, f"{CALDAV}supported-calendar-component"),
    "a card": (CALENDAR, card("c"), 403, f"{CALDAV}valid-calendar-data"),
    "no card": (CONTACTS, event("e"), 403, f"{CARDDAV}valid-address-data"),
    "card without UID": (
        CONTACTS,
        b"BEGIN:VCARD\r\nVERSION:4.0\r\nFN:x\r\nEND:VCARD\r\n",
        403,
        f"{CARDDAV}valid-address-data",
    ),
    "vCard 2.1": (
        CONTACTS,
        b"BEGIN:VCARD\r\nVERSION:2.1\r\nUID:x\r\nFN:x\r\nN:x\r\nEND:VCARD\r\n",
        403,
        f"{CARDDAV}supported-address-data",
    ),
    "too large": (
        CALENDAR,
        event("a", "x" * 1_100_000),
        403,
        f"{CALDAV}max-resource-size",
    ),
    "empty": (CALENDAR, b"", 403, f"{CALDAV}valid-calendar-data"),
}


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED.keys())
def test_what_would_break_others_is_refused(
    case: tuple[str, bytes, int, str | None], alice: InProcess
) -> None:
    collection, body, status, element = case
    answer = alice.request("PUT", collection + "x", body)
    assert answer.status == status
    if element is not None:
        assert answer.preconditions() == {element}
    else:
        assert len(answer.preconditions()) == 1
    assert alice.request("GET", collection + "x").status == 404


KEPT = {
    "bare line feeds": event("u").replace(b"\r\n", b"\n"),
    "no final line break": event("u").rstrip(),
    "a byte order mark": b"\xef\xbb\xbf" + event("u"),
    "a long unfolded line": event("u", "x" * 5_000),
    "unknown parts": event("u", "x", "X-FOO;X-BAR=1:\\n\\;", "BEGIN:X-COMP", "X-A:b", "END:X-COMP"),
    "an unknown zone": event("u")
    .replace(b"DTSTART:", b"DTSTART;TZID=Mars/Olympus:", 1)
    .replace(b"100000Z\r\nDTEND", b"100000\r\nDTEND", 1),
    "no DTSTAMP": event("u").replace(b"DTSTAMP:20260101T000000Z\r\n", b""),
    "letters of the world": event("u", "日本語 é ñ 🎉"),
    "U+FFFF": event("u", "a\uffffb"),
    "odd folding": event("u", "a\r\n b\r\n\tc"),
}


@pytest.mark.parametrize("body", KEPT.values(), ids=KEPT.keys())
def test_every_byte_comes_back(body: bytes, alice: InProcess) -> None:
    put = alice.request("PUT", CALENDAR + "x.ics", body)
    assert put.status == 201, put.body
    got = alice.request("GET", CALENDAR + "x.ics")
    assert got.body == body
    assert got.etag == put.etag


def test_the_same_bytes_again_change_nothing(alice: InProcess) -> None:
    first = alice.request("PUT", CALENDAR + "a.ics", event("a"))
    before = alice.request("PROPFIND", CALENDAR, headers={"Depth": "0"}).body
    again = alice.request("PUT", CALENDAR + "a.ics", event("a"))
    assert (again.status, again.etag) == (204, first.etag)
    assert alice.request("PROPFIND", CALENDAR, headers={"Depth": "0"}).body == before


def test_a_uid_is_held_once_in_a_collection_and_freely_across_them(alice: InProcess) -> None:
    calendars = "/dav/calendars/alice/"
    assert alice.request("MKCALENDAR", calendars + "other/").status == 201
    assert alice.request("PUT", CALENDAR + "a.ics", event("same")).status == 201
    conflict = alice.request("PUT", CALENDAR + "b.ics", event("same"))
    assert conflict.status == 409
    assert conflict.preconditions() == {f"{CALDAV}no-uid-conflict"}
    assert conflict.xml().findtext(f"{CALDAV}no-uid-conflict/{DAV}href") == CALENDAR + "a.ics"
    # A client moves an event by PUT there and DELETE here.
    assert alice.request("PUT", calendars + "other/a.ics", event("same")).status == 201
    assert alice.request("DELETE", CALENDAR + "a.ics").status == 204
    assert alice.request("PUT", CALENDAR + "b.ics", event("same")).status == 201


def test_an_object_keeps_its_uid(alice: InProcess) -> None:
    for path, body in ((CALENDAR + "a.ics", event), (CONTACTS + "a.vcf", card)):
        alice.request("PUT", path, body("one"))
        other = alice.request("PUT", path, body("two"))
        assert other.status == 409
        assert {name.partition("}")[2] for name in other.preconditions()} == {"no-uid-conflict"}
        assert alice.request("GET", path).body == body("one")


def test_uids_differ_by_case_and_form(alice: InProcess) -> None:
    for number, uid in enumerate(("a", "A", "é", "e\u0301", "a/../b", "x" * 1_000)):
        assert alice.request("PUT", f"{CALENDAR}{number}.ics", event(uid)).status == 201, uid


CONDITIONS = {
    "new, must not exist": ({"If-None-Match": "*"}, False, 201),
    "there, must not exist": ({"If-None-Match": "*"}, True, 412),
    "new, must exist": ({"If-Match": "*"}, False, 412),
    "there, must exist": ({"If-Match": "*"}, True, 204),
    "matching": ({"If-Match": "{etag}"}, True, 204),
    "matching in a list": ({"If-Match": '"other", {etag}'}, True, 204),
    "matching with Evolution's backslash": ({"If-Match": '\\"{opaque}\\"'}, True, 204),
    "stale": ({"If-Match": '"other"'}, True, 412),
    "weak": ({"If-Match": "W/{etag}"}, True, 412),
    "not quoted": ({"If-Match": "nothing"}, True, 412),
    "none of a list": ({"If-None-Match": '"x", {etag}'}, True, 412),
    "none of others": ({"If-None-Match": '"x", "y"'}, True, 204),
    "unmodified since long ago": (
        {"If-Unmodified-Since": "Thu, 01 Jan 1970 00:00:10 GMT"},
        True,
        412,
    ),
    "a date that is none": ({"If-Unmodified-Since": "yesterday"}, True, 204),
}


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
@pytest.mark.parametrize("case", CONDITIONS.values(), ids=CONDITIONS.keys())
def test_conditions_decide(
    case: tuple[dict[str, str], bool, int], method: str, alice: InProcess
) -> None:
    headers, exists, expected = case
    etag = alice.request("PUT", CALENDAR + "a.ics", event("a")).etag if exists else '""'
    filled = {
        name: text.format(etag=etag, opaque=etag.strip('"')) for name, text in headers.items()
    }
    if method == "DELETE":
        expected = 404 if not exists else 204 if expected == 204 else 412
    answer = alice.request(method, CALENDAR + "a.ics", event("a", "new"), filled)
    assert answer.status == expected


def test_a_collection_takes_no_put_whatever_its_conditions(alice: InProcess) -> None:
    for path in (CALENDAR, CALENDAR.rstrip("/"), "/dav/", "/dav/calendars/alice/", "/"):
        answer = alice.request("PUT", path, b"", {"If-Match": "nothing"})
        assert answer.status == 405, path
        assert "PROPFIND" in answer.tokens("Allow")


def test_put_below_what_does_not_exist_is_a_conflict(alice: InProcess) -> None:
    assert alice.request("PUT", "/dav/calendars/alice/none/a.ics", event("a")).status == 409


@pytest.mark.parametrize(
    "media", ["", "text/plain", "application/octet-stream", "text/calendar; charset=utf-8", ";;"]
)
def test_an_odd_content_type_is_judged_by_the_body(media: str, alice: InProcess) -> None:
    answer = alice.request("PUT", CALENDAR + "a.ics", event("a"), {"Content-Type": media})
    assert answer.status == 201


@pytest.mark.parametrize("media", ["application/calendar+json", "text/vcard"])
def test_another_format_is_refused_by_name(media: str, alice: InProcess) -> None:
    answer = alice.request("PUT", CALENDAR + "a.ics", event("a"), {"Content-Type": media})
    assert answer.preconditions() == {f"{CALDAV}supported-calendar-data"}


def test_a_deleted_collection_takes_its_members_along(running: Stage) -> None:
    alice = running.alice
    alice.request("PUT", CALENDAR + "a.ics", event("a"))
    assert alice.request("DELETE", CALENDAR, headers={"Depth": "0"}).status == 400
    assert alice.request("DELETE", CALENDAR, headers={"Depth": "infinity"}).status == 204
    assert alice.request("GET", CALENDAR + "a.ics").status == 404
    assert alice.request("DELETE", CALENDAR).status == 404
    assert alice.request("MKCALENDAR", CALENDAR).status == 201
    assert alice.request("GET", CALENDAR + "a.ics").status == 404


def test_a_part_of_an_object_is_not_taken_for_the_whole(alice: InProcess) -> None:
    alice.request("PUT", CALENDAR + "a.ics", event("a"))
    part = {"Content-Range": "bytes 0-10/100"}
    assert alice.request("PUT", CALENDAR + "a.ics", event("a", "part"), part).status == 400
    assert alice.request("GET", CALENDAR + "a.ics").body == event("a")


def test_the_conditions_of_a_collection_hold_when_it_is_deleted(running: Stage) -> None:
    """They are about the collection as it is then, not as it was when the request came."""
    alice = running.alice
    long_ago = {"If-Unmodified-Since": "Thu, 01 Jan 1970 00:00:10 GMT"}
    for condition in (long_ago, {"If-Match": '"x"'}, {"If-None-Match": "*"}):
        assert alice.request("DELETE", CALENDAR, headers=condition).status == 412
    write = running.store.write

    def late(work: Callable[[Transaction], T]) -> T:
        def touch(tx: Transaction) -> None:
            tx.execute("UPDATE collection SET modified = modified + 1000", {})

        write(touch)
        return write(work)

    now = alice.request("PROPFIND", CALENDAR, headers={"Depth": "0"}).multistatus().at(CALENDAR)
    condition = {"If-Unmodified-Since": now.text(f"{DAV}getlastmodified")}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(running.store, "write", late)
        assert alice.request("DELETE", CALENDAR, headers=condition).status == 412
    assert alice.request("DELETE", CALENDAR, headers={"If-Match": "*"}).status == 204
