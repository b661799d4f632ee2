"""Answers that grow with a collection: whole, bounded, and broken off visibly when they must be."""

import asyncio
import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from davenport.storage.error import StoreBusy, StoreError, StoreFull
from tests.accounts import PASSWORD, Stage, stage
from tests.bodies import CALENDAR, CONTACTS, card, event, multiget, propfind, query, sync
from tests.in_process import Message
from tests.wire import DAV, Answer

HOME = "/dav/calendars/alice/"
DATA = "CR:address-data"
QUERY = (
    '<CR:addressbook-query xmlns:D="DAV:" xmlns:CR="urn:ietf:params:xml:ns:carddav">'
    "<D:prop><CR:address-data/></D:prop></CR:addressbook-query>"
)
LOGIN = base64.b64encode(f"alice:{PASSWORD}".encode())


def exchange(
    running: Stage,
    method: str,
    path: str,
    body: str = "",
    *,
    on_chunk: Callable[[], None] = lambda: None,
    disconnects: bool = False,
) -> list[Message]:
    """What the application sends; the client may act, or leave, when the first chunk is there."""
    incoming: list[Message] = [{"type": "http.request", "body": body.encode(), "more_body": False}]
    sent: list[Message] = []
    headers = [(b"authorization", b"Basic " + LOGIN)]
    if method == "PROPFIND":
        headers.append((b"depth", b"1"))
    if body:
        headers.append((b"content-length", str(len(body)).encode()))
    scope: dict[str, Any] = {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": headers,
    }

    async def run() -> None:
        gone = asyncio.Event()

        async def receive() -> Message:
            if incoming:
                return incoming.pop()
            await gone.wait()
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            sent.append(message)
            if len(sent) == 2:
                await asyncio.get_running_loop().run_in_executor(None, on_chunk)
                if disconnects:
                    gone.set()
                    await asyncio.sleep(0.01)

        await running.alice.application(scope, receive, send)

    asyncio.run(run())
    return sent


def is_whole(sent: list[Message]) -> bool:
    return not sent[-1].get("more_body", False)


@pytest.fixture
def filled(running: Stage) -> Stage:
    """A book of 600 cards of 2 KB: several pages and chunks whatever is asked."""
    for number in range(600):
        running.alice.request(
            "PUT", f"{CONTACTS}{number:03}.vcf", card(str(number), "x", "NOTE:" + "y" * 2_000)
        )
    return running


LONG = {
    "export": ("GET", ""),
    "listing": ("PROPFIND", propfind("D:getetag", "D:getcontenttype", "D:owner", "D:resourcetype")),
    "sync": ("REPORT", sync("", None, "1", "D:getetag", DATA)),
    "query": ("REPORT", QUERY),
    "multiget": (
        "REPORT",
        multiget("CR:addressbook", *(f"{CONTACTS}{number:03}.vcf" for number in range(600))),
    ),
}


def test_a_long_answer_comes_in_chunks_and_ends(filled: Stage) -> None:
    for name, (method, body) in LONG.items():
        sent = exchange(filled, method, CONTACTS, body)
        assert sent[0]["status"] in {200, 207}, name
        assert len(sent) > 3, name
        assert is_whole(sent), name
        text = b"".join(message.get("body", b"") for message in sent[1:])
        if method != "GET":
            members = Answer(207, (), text).multistatus().members
            assert len(members) - (name == "listing") == 600, name
        else:
            assert text.count(b"BEGIN:VCARD") == 600


def test_nothing_more_is_made_for_a_client_that_has_left(filled: Stage) -> None:
    for name, (method, body) in LONG.items():
        sent = exchange(filled, method, CONTACTS, body, disconnects=True)
        assert len(sent) == 2, name


def test_an_answer_that_cannot_be_finished_does_not_look_whole(filled: Stage) -> None:
    body = sync("", None, "1", "D:getetag", DATA)
    sent = exchange(filled, "REPORT", CONTACTS, body, on_chunk=lambda: _delete(filled, CONTACTS))
    assert sent[0]["status"] == 207
    assert not is_whole(sent)
    assert not any(b"</D:multistatus>" in message.get("body", b"") for message in sent[1:])


def _delete(running: Stage, path: str) -> None:
    assert exchange(running, "DELETE", path)[0]["status"] == 204


def test_a_fault_at_the_start_of_a_streamed_answer_has_its_status(
    running: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise StoreError("the disk is gone")

    monkeypatch.setattr("davenport.storage.object_resources.candidates", fail)
    assert running.alice.request("REPORT", CALENDAR, query()).status == 503


def test_a_home_of_many_calendars_is_listed_whole(running: Stage) -> None:
    for number in range(210):
        assert running.alice.request("MKCALENDAR", f"{HOME}{number:03}/").status == 201
    asked = propfind("D:sync-token", "D:quota-used-bytes")
    listed = running.alice.request("PROPFIND", HOME, asked, {"Depth": "1"}).multistatus()
    assert len(listed.members) == 213
    assert all(len(member.found) == 2 for member in listed)


def test_a_listing_over_the_limit_says_that_it_is_cut(tmp_path: Path) -> None:
    with stage(tmp_path, limits={"answer_bytes": 60_000}) as running:
        for number in range(400):
            running.alice.request("PUT", f"{CALENDAR}{number}.ics", event(str(number)))
        for answer in (
            running.alice.request("PROPFIND", CALENDAR, propfind("D:getetag"), {"Depth": "1"}),
            running.alice.request("REPORT", CALENDAR, query("")),
        ):
            *_, last = members = answer.multistatus().members
            assert 100 < len(members) < 300
            assert (last.href, last.status) == (CALENDAR, 507)
            assert last.error is not None
            assert last.error.find(f"{DAV}number-of-matches-within-limits") is not None


def test_a_few_large_cards_are_answered_whole(running: Stage) -> None:
    cards = {f"{CONTACTS}{n}.vcf": card(str(n), "x", "NOTE:" + "y" * 900_000) for n in range(7)}
    for href, body in cards.items():
        assert running.alice.request("PUT", href, body).status == 201
    hrefs = [*cards, CONTACTS + "none.vcf"]
    for body in (multiget("CR:addressbook", *hrefs), sync("", None, "1", DATA)):
        answer = running.alice.request("REPORT", CONTACTS, body).multistatus()
        for href, expected in cards.items():
            data = answer.at(href).text("{urn:ietf:params:xml:ns:carddav}address-data")
            assert data.encode() == expected


FAULTS = {
    "no room": (StoreFull("full"), 507, {f"{DAV}sufficient-disk-space"}),  # RFC 4331 §6
    "busy": (StoreBusy("locked"), 503, set()),
    "broken": (StoreError("the disk is gone"), 503, set()),
}


@pytest.mark.parametrize("case", FAULTS.values(), ids=FAULTS.keys())
def test_a_store_that_cannot_write_is_told_in_the_standard_s_words(
    case: tuple[StoreError, int, set[str]], running: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    fault, status, elements = case

    def fail(_: object) -> None:
        raise fault

    monkeypatch.setattr(running.store, "write", fail)
    answer = running.alice.request("PUT", CALENDAR + "a.ics", event("a"))
    assert (answer.status, answer.preconditions()) == (status, elements)
    assert str(fault).encode() not in answer.body
    assert (status == 503) == (answer.header("Retry-After") is not None)
    assert running.alice.request("GET", CALENDAR).status == 200
