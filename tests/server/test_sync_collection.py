"""sync-collection (RFC 6578) by single requests; random interleavings stand in test_sync_model."""

from pathlib import Path
from typing import Any

import pytest

from davenport.dav.condition import etag_of
from davenport.objects.index import Index
from davenport.storage import collections, object_resources, principals
from davenport.storage.database import Transaction
from davenport.storage.model import CollectionKind
from tests.accounts import Stage, stage
from tests.bodies import (
    CALENDAR,
    CONTACTS,
    calendar,
    card,
    event,
    multiget,
    proppatch,
    query,
    sync,
)
from tests.in_process import InProcess
from tests.wire import CALDAV, DAV, Answer

HOME = "/dav/calendars/alice/"


def _sync(wire: InProcess, path: str, *arguments: Any) -> Answer:
    return wire.request("REPORT", path, sync(*arguments), {"Depth": "0"})


def _token(wire: InProcess, path: str = CALENDAR) -> str:
    token = _sync(wire, path).multistatus().sync_token
    assert token is not None
    return token


def test_an_initial_sync_lists_live_members_only(alice: InProcess) -> None:
    for name in "abc":
        alice.request("PUT", f"{CALENDAR}{name}.ics", event(name))
    alice.request("DELETE", CALENDAR + "b.ics")
    answer = _sync(alice, CALENDAR).multistatus()
    assert sorted(answer.hrefs) == [CALENDAR + "a.ics", CALENDAR + "c.ics"]
    assert all(f"{DAV}getetag" in member.found for member in answer)


def test_each_change_is_listed_once(alice: InProcess) -> None:
    for name in ("kept", "gone", "again", "changed"):
        alice.request("PUT", f"{CALENDAR}{name}.ics", event(name))
    token = _token(alice)
    alice.request("DELETE", CALENDAR + "gone.ics")
    alice.request("DELETE", CALENDAR + "again.ics")
    alice.request("PUT", CALENDAR + "again.ics", event("again", "new"))
    for summary in ("one", "two"):
        alice.request("PUT", CALENDAR + "changed.ics", event("changed", summary))
    alice.request("PUT", CALENDAR + "brief.ics", event("brief"))
    alice.request("DELETE", CALENDAR + "brief.ics")
    answer = _sync(alice, CALENDAR, token).multistatus()
    listed = {member.href.removeprefix(CALENDAR): member.status for member in answer}
    assert listed == {"gone.ics": 404, "again.ics": None, "changed.ics": None}
    assert len(answer.members) == 3


@pytest.mark.parametrize("depth", [{}, {"Depth": "0"}, {"Depth": "1"}])
def test_any_depth_is_taken(depth: dict[str, str], alice: InProcess) -> None:
    assert alice.request("REPORT", CALENDAR, sync(), depth).status == 207


def test_old_clients_leave_the_level_out(alice: InProcess) -> None:
    body = sync().replace("<D:sync-level>1</D:sync-level>", "")
    assert alice.request("REPORT", CALENDAR, body).status == 207


def test_a_limit_cuts_with_507_and_a_token_that_goes_on(alice: InProcess) -> None:
    names = [f"{number}.ics" for number in range(7)]
    for name in names:
        alice.request("PUT", CALENDAR + name, event(name))
    seen: list[str] = []
    token = ""
    for _ in range(10):
        answer = _sync(alice, CALENDAR, token, 3).multistatus()
        cut = [member for member in answer if member.status == 507]
        seen += [member.href for member in answer if member.status is None]
        assert answer.sync_token is not None
        token = answer.sync_token
        if not cut:
            break
        assert cut[0].href == CALENDAR
        assert cut[0].error is not None
        assert cut[0].error.find(f"{DAV}number-of-matches-within-limits") is not None
    assert sorted(seen) == sorted(CALENDAR + name for name in names)
    assert _sync(alice, CALENDAR, token).multistatus().members == ()


def test_a_long_answer_is_streamed_whole(alice: InProcess) -> None:
    cards = [f"{number:04}.vcf" for number in range(1_203)]
    for name in cards:
        alice.request("PUT", CONTACTS + name, card(name))
    answer = _sync(alice, CONTACTS).multistatus()
    assert answer.hrefs == [CONTACTS + name for name in cards]
    listing = alice.request("PROPFIND", CONTACTS, headers={"Depth": "1"}).multistatus()
    assert listing.hrefs == [CONTACTS, *(CONTACTS + name for name in cards)]
    assert answer.sync_token is not None
    assert _sync(alice, CONTACTS, answer.sync_token).multistatus().members == ()


def test_an_answer_over_the_limit_of_bytes_is_cut_and_goes_on(tmp_path: Path) -> None:
    with stage(tmp_path, limits={"answer_bytes": 300_000}) as running:
        alice = running.alice
        for number in range(8):
            alice.request("PUT", f"{CALENDAR}{number}.ics", event(str(number), "x" * 90_000))
        seen: list[str] = []
        token: str | None = ""
        answers = 0
        while len(seen) < 8:
            page = _sync(alice, CALENDAR, token, None, "1", "C:calendar-data").multistatus()
            members = [member.href for member in page if member.status is None]
            assert 1 <= len(members) <= 3
            seen += members
            token = page.sync_token
            answers += 1
        assert answers == 3
        assert seen == [f"{CALENDAR}{number}.ics" for number in range(8)]


BAD_TOKENS = (
    "nonsense",
    "urn:davenport:sync:0000000000000000:1:0",
    "{epoch}:999999:0",
    "{own}99",
    "{own}:5",
    "{own} ",
    "http://example.org/1",
)


@pytest.mark.parametrize("shape", BAD_TOKENS)
def test_a_token_that_cannot_be_answered_exactly_is_refused(shape: str, alice: InProcess) -> None:
    alice.request("PUT", CALENDAR + "a.ics", event("a"))
    own = _token(alice)
    token = shape.format(own=own, epoch=own.rsplit(":", 2)[0])
    if token.strip() == own:
        # White space around a token is the XML writer's, not the token's.
        assert _sync(alice, CALENDAR, token).status == 207
        return
    answer = _sync(alice, CALENDAR, token)
    assert answer.status == 403
    assert answer.preconditions() == {f"{DAV}valid-sync-token"}


def test_the_token_of_another_collection_is_refused(alice: InProcess) -> None:
    assert _sync(alice, CALENDAR, _token(alice, CONTACTS)).status == 403


def test_a_new_collection_of_the_same_name_refuses_the_old_token(alice: InProcess) -> None:
    token = _token(alice)
    alice.request("DELETE", CALENDAR)
    alice.request("MKCALENDAR", CALENDAR)
    assert _sync(alice, CALENDAR, token).preconditions() == {f"{DAV}valid-sync-token"}


def test_a_restored_store_refuses_every_token(running: Stage) -> None:
    token, home = _token(running.alice), _token(running.alice, HOME)
    running.store.renew_epoch()
    for path, old in ((CALENDAR, token), (HOME, home)):
        assert _sync(running.alice, path, old).preconditions() == {f"{DAV}valid-sync-token"}
        assert _sync(running.alice, path).status == 207


def test_token_ctag_and_report_agree_and_move_with_each_change(alice: InProcess) -> None:
    def state() -> tuple[str, str]:
        found = alice.request("PROPFIND", CALENDAR, headers={"Depth": "0"}, body=_STATE)
        member = found.multistatus().at(CALENDAR)
        return member.text(f"{DAV}sync-token"), member.text(
            "{http://calendarserver.org/ns/}getctag"
        )

    states = [state()]
    for change in (
        ("PUT", CALENDAR + "a.ics", event("a")),
        ("PUT", CALENDAR + "a.ics", event("a", "b")),
        ("PROPPATCH", CALENDAR, proppatch("<D:displayname>Work</D:displayname>")),
        ("DELETE", CALENDAR + "a.ics", b""),
    ):
        alice.request(*change)
        states.append(state())
        assert states[-1][0] == _token(alice)
    assert len({token for token, _ in states}) == len({ctag for _, ctag in states}) == 5


_STATE = (
    '<D:propfind xmlns:D="DAV:" xmlns:CS="http://calendarserver.org/ns/">'
    "<D:prop><D:sync-token/><CS:getctag/></D:prop></D:propfind>"
)


def test_data_can_be_asked_for_at_once(alice: InProcess) -> None:
    alice.request("PUT", CALENDAR + "a.ics", event("a"))
    answer = _sync(alice, CALENDAR, "", None, "1", "D:getetag", "C:calendar-data").multistatus()
    assert answer.at(CALENDAR + "a.ics").text(f"{CALDAV}calendar-data").encode() == event("a")


def test_a_home_tells_of_new_changed_and_removed_collections(alice: InProcess) -> None:
    token = _token(alice, HOME)
    alice.request("MKCALENDAR", HOME + "new/")
    alice.request("DELETE", HOME + "tasks/")
    alice.request("PUT", CALENDAR + "a.ics", event("a"))
    answer = _sync(alice, HOME, token, None, "1", "D:displayname").multistatus()
    statuses = {member.href: member.status for member in answer}
    assert statuses == {HOME + "new/": None, HOME + "tasks/": 404, CALENDAR: None}
    assert answer.sync_token is not None
    assert _sync(alice, HOME, answer.sync_token).multistatus().members == ()


def test_a_home_with_level_infinite_tells_of_members(alice: InProcess) -> None:
    alice.request("PUT", CALENDAR + "a.ics", event("a"))
    first = _sync(alice, HOME, "", None, "infinite").multistatus()
    assert set(first.hrefs) == {CALENDAR, CALENDAR + "a.ics", HOME + "tasks/"}
    alice.request("PUT", CALENDAR + "b.ics", event("b"))
    alice.request("DELETE", CALENDAR + "a.ics")
    assert first.sync_token is not None
    then = _sync(alice, HOME, first.sync_token, None, "infinite").multistatus()
    assert {member.href: member.status for member in then} == {
        CALENDAR: None,
        CALENDAR + "b.ics": None,
        CALENDAR + "a.ics": 404,
    }


def test_a_limit_of_no_number_is_refused(alice: InProcess) -> None:
    for text in ("0", "-1", "x", "", "9" * 30):
        body = sync("", 1).replace("<D:nresults>1<", f"<D:nresults>{text}<")
        assert alice.request("REPORT", CALENDAR, body).status == 400, text


def test_an_object_that_cannot_be_read_back_is_listed_all_the_same(running: Stage) -> None:
    """A later version's stricter reader must not make a collection unusable."""
    body = calendar("BEGIN:VEVENT", "UID:odd", "DTSTART:never", "END:VEVENT")

    def plant(tx: Transaction) -> None:
        owner = principals.by_name(tx, "alice")
        assert owner is not None
        home = collections.home(tx, owner.id, CollectionKind.CALENDAR_HOME)
        assert home is not None
        child = collections.child(tx, home.id, "calendar")
        assert child is not None
        index = Index("odd", "VEVENT")
        object_resources.put(
            tx, child.id, "odd.ics", index, body, etag_of(body), actor="x", device=None, now=1
        )

    running.store.write(plant)
    alice = running.alice
    alice.request("PUT", CALENDAR + "good.ics", event("good"))
    odd = CALENDAR + "odd.ics"
    assert odd in _sync(alice, CALENDAR).multistatus().hrefs
    assert alice.request("REPORT", CALENDAR, multiget("C:calendar", odd)).multistatus().at(odd)
    window = '<C:comp-filter name="VEVENT"><C:time-range start="20250101T000000Z"/></C:comp-filter>'
    found = alice.request("REPORT", CALENDAR, query(window), {"Depth": "1"}).multistatus()
    assert found.hrefs == [CALENDAR + "good.ics"]
    assert alice.request("GET", odd).body == body
    assert b"UID:good" in alice.request("GET", CALENDAR).body
    assert alice.request("DELETE", odd).status == 204
