"""Incremental collection sync against davenport and against Radicale, both in this process."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from davenport.dav.message import Request, Response
from davenport.sync.collection import Changes, InvalidSyncTokenError, SyncError, changes
from davenport.sync.flow import Send, drive
from tests.accounts import stage
from tests.bodies import CALENDAR, event
from tests.sync.sides import radicale_application, stage_send, wsgi_send

Put = Callable[[str, bytes], None]


class Account:
    """A calendar on some server: its href, how to send requests to it."""

    def __init__(self, href: str, send: Send) -> None:
        self.href = href
        self.send = send

    def put(self, name: str, body: bytes) -> None:
        sent = Request("PUT", f"{self.href}{name}", {"content-type": "text/calendar"}, body)
        assert self.send(sent).status in {201, 204}

    def delete(self, name: str) -> None:
        assert self.send(Request("DELETE", f"{self.href}{name}", {})).status in {200, 204}

    def changes(self, token: str = "", limit: int | None = None) -> Changes:
        return drive(changes(self.href, token, limit), self.send)


@pytest.fixture(scope="module")
def davenport_account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    with stage(tmp_path_factory.mktemp("davenport")) as running:
        yield Account(CALENDAR, stage_send(running))


@pytest.fixture(scope="module")
def radicale_account(tmp_path_factory: pytest.TempPathFactory) -> Account:
    send = wsgi_send(radicale_application(tmp_path_factory.mktemp("radicale")))
    assert send(Request("MKCALENDAR", "/alice/calendar/", {})).status == 201
    return Account("/alice/calendar/", send)


@pytest.fixture(params=["davenport", "radicale"])
def account(request: pytest.FixtureRequest) -> Account:
    found: Account = request.getfixturevalue(f"{request.param}_account")
    for path in drive(changes(found.href), found.send).changed:
        found.delete(path.removeprefix(found.href))
    return found


def test_changes_since_a_token(account: Account) -> None:
    for name in ("kept", "gone", "changed"):
        account.put(f"{name}.ics", event(name))
    first = account.changes()
    assert set(first.changed) == {account.href + f"{n}.ics" for n in ("kept", "gone", "changed")}
    account.delete("gone.ics")
    account.put("changed.ics", event("changed", "new"))
    account.put("new%20%C3%BC@.ics", event("new"))
    then = account.changes(first.token)
    assert set(then.changed) == {account.href + "changed.ics", account.href + "new%20%C3%BC@.ics"}
    assert then.removed == {account.href + "gone.ics"}
    assert all(etag.startswith('"') for etag in then.changed.values())
    assert account.changes(then.token).changed == {}


def test_a_foreign_token_is_an_invalid_one(account: Account) -> None:
    with pytest.raises(InvalidSyncTokenError):
        account.changes("urn:nobody:1")


STEPS = st.lists(
    st.tuples(st.sampled_from("abcdefgh"), st.booleans(), st.integers(1, 4)), max_size=25
)


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(STEPS)
def test_following_by_token_gives_the_state(
    davenport_account: Account, steps: list[tuple[str, bool, int]]
) -> None:
    """A mirror that only follows changes, in pages of any size, equals the collection."""
    account = davenport_account
    mirror: dict[str, str] = {}
    token = ""
    for number, (name, present, limit) in enumerate(steps):
        exists = f"{account.href}{name}.ics" in account.changes().changed
        if present:
            account.put(f"{name}.ics", event(name, str(number)))
        elif exists:
            account.delete(f"{name}.ics")
        if number % 3 == 0:
            page = account.changes(token, limit)
            token = page.token
            mirror.update(page.changed)
            for path in page.removed:
                mirror.pop(path, None)
    page = account.changes(token, 2)
    mirror.update(page.changed)
    for path in page.removed:
        mirror.pop(path, None)
    assert mirror == account.changes().changed


def _answer(inside: str, status: int = 207) -> Response:
    return Response(status, {}, f'<D:multistatus xmlns:D="DAV:">{inside}</D:multistatus>'.encode())


_TOKEN = "<D:sync-token>t</D:sync-token>"


def _response(href: str, status: str) -> str:
    line = f"<D:status>HTTP/1.1 {status}</D:status>"
    return f"<D:response><D:href>{href}</D:href>{line}</D:response>{_TOKEN}"


UNUSABLE = {
    "a web page": Response(200, {}, b"<!DOCTYPE html><html></html>"),
    "nothing": Response(207, {}, b""),
    "cut off": Response(207, {}, b'<D:multistatus xmlns:D="DAV:"><D:resp'),
    "another element": Response(207, {}, b"<x/>"),
    "no token": _answer(""),
    "a server's error": _answer(_TOKEN, 500),
    "a member elsewhere": _answer(_response("/else/x", "404 Gone")),
    "a cut that leads nowhere": _answer(_response("/c/", "507 x")),
}


@pytest.mark.parametrize("answer", UNUSABLE.values(), ids=UNUSABLE.keys())
def test_nothing_is_concluded_from_an_unusable_answer(answer: Response) -> None:
    with pytest.raises(SyncError):
        drive(changes("/c/", "t"), lambda _: answer)


def test_a_store_is_untouched_by_looking(tmp_path: Path) -> None:
    with stage(tmp_path) as running:
        before = running.alice.request("PROPFIND", CALENDAR, headers={"Depth": "0"}).body
        answer = running.alice.request(
            "REPORT", CALENDAR, '<D:sync-collection xmlns:D="DAV:"><D:prop/></D:sync-collection>'
        )
        assert answer.status == 207
        after = running.alice.request("PROPFIND", CALENDAR, headers={"Depth": "0"}).body
        assert before == after
