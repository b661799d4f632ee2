"""sync-collection over HTTP against a model: whatever is written while clients page, all end right.

Clients follow a calendar, or the home at level 1 and infinite, each with its own page size, forked
at any time, while objects and calendars come, change, go and come again (RFC 6578 §3).
"""

import copy
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from urllib.parse import unquote

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.accounts import Stage, add_account, stage
from tests.clients import seed
from tests.mirror import COLLECTION, Mirror, TokenRefusedError
from tests.wire import DAV, sync_body

CALENDARS = ("calendar", "other")
NAMES = ("a", "b", "c", "d")
LIMITS = (None, 2, 3, 1)
MADE = "(a calendar was made)"
_users = count(1)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Stage]:
    with stage(tmp_path, ("ann",)) as running:
        yield running


class Writes(RuleBasedStateMachine):
    """An account of its own for each run, its writes, and what must be there."""

    def __init__(self, server: Stage) -> None:
        super().__init__()
        user = f"user{next(_users)}"
        add_account(server.store, user)
        self.wire = server.as_user(user)
        self.home = f"/dav/calendars/{user}/"
        self.folder = f"{self.home}calendar/"
        self.calendars: dict[str, dict[str, str]] = {self.folder: {}}
        self.touched: list[set[str]] = []

    def touch(self, href: str) -> None:
        """Every client's next report may tell of this."""
        for touched in self.touched:
            touched.add(href)

    @rule(
        folders=st.lists(st.sampled_from(CALENDARS), min_size=1, max_size=3),
        names=st.lists(st.sampled_from(NAMES), min_size=1, max_size=4),
        texts=st.lists(st.sampled_from(("x", "y", "z", None)), min_size=1, max_size=5),
    )
    def write(self, folders: list[str], names: list[str], texts: list[str | None]) -> None:
        """Some writes: a text is PUT, none is DELETE."""
        for number in range(max(len(names), len(texts))):
            folder = f"{self.home}{folders[number % len(folders)]}/"
            href = f"{folder}{names[number % len(names)]}.ics"
            text = texts[number % len(texts)]
            if text is None:
                self.delete(folder, href)
            else:
                self.put(folder, href, seed.event(href.rpartition("/")[2], summary=text))

    def put(self, folder: str, href: str, body: str) -> None:
        """Create or change; the same bytes again change nothing."""
        answer = self.wire.request("PUT", href, body)
        members = self.calendars.get(folder)
        if members is None:
            assert answer.status == 409  # RFC 4918 §9.7.1: no collection to put it into
            return
        assert answer.status == (204 if href in members else 201)
        if members.get(href) != answer.etag:
            self.touch(href)
        members[href] = answer.etag

    def delete(self, folder: str, href: str) -> None:
        """Remove an object, if it is there."""
        answer = self.wire.request("DELETE", href)
        there = self.calendars.get(folder, {}).pop(href, None)
        assert answer.status == (404 if there is None else 204)
        if there is not None:
            self.touch(href)

    @rule()
    def make_or_drop(self) -> None:
        """Make the other calendar, or remove it with all it holds."""
        href = f"{self.home}{CALENDARS[1]}/"
        if href in self.calendars:
            assert self.wire.request("DELETE", href).status == 204
            del self.calendars[href]
        else:
            assert self.wire.request("MKCALENDAR", href).status == 201
            self.calendars[href] = {}
            self.touch(MADE)


class Sync(Writes):
    """Clients of one kind that page while the writes go on."""

    clients = Bundle("clients")

    def __init__(self, server: Stage, followed: str) -> None:
        super().__init__(server)
        self.followed = followed
        self.mirrors: list[Mirror] = []
        self.complete: list[bool] = []

    def follow(self, mirror: Mirror, *, complete: bool = False) -> int:
        """Add a client and give its number."""
        self.mirrors.append(mirror)
        self.complete.append(complete)
        self.touched.append(set())
        return len(self.mirrors) - 1

    @initialize(target=clients, limit=st.sampled_from(LIMITS))
    def first_client(self, limit: int | None) -> int:
        """One client from the start."""
        return self.new_client(limit)

    @rule(target=clients, limit=st.sampled_from(LIMITS))
    def another_client(self, limit: int | None) -> int:
        """A client that comes later."""
        return self.new_client(limit)

    def new_client(self, limit: int | None) -> int:
        """A client that knows nothing yet."""
        if self.followed == "calendar":
            return self.follow(Mirror(self.folder, limit))
        if self.followed == "home":
            return self.follow(Mirror(self.home, limit, level="1"))
        # A page of level infinite has no room for less than a calendar and one object in it.
        return self.follow(Mirror(self.home, 4 if limit == 1 else limit, level="infinite"))

    @rule(target=clients, client=clients, limit=st.sampled_from(LIMITS[:3]))
    def fork(self, client: int, limit: int | None) -> int:
        """A second client goes on from another's token, with other pages."""
        mirror = copy.deepcopy(self.mirrors[client])
        mirror.limit = limit
        forked = self.follow(mirror, complete=self.complete[client])
        self.touched[forked] = set(self.touched[client])
        return forked

    @rule(client=clients)
    def step(self, client: int) -> None:
        """One page. The last page brings a client to where the server is."""
        mirror = self.mirrors[client]
        exact = self.complete[client] and mirror.folder == self.folder
        if exact:
            self.only_what_was_touched(client)
        try:
            more = mirror.step(self.wire)
        except TokenRefusedError:
            # A calendar was made anew under its name: the old one's objects are unknowable.
            assert mirror.level == "infinite"
            assert MADE in self.touched[client]
            more = True
        self.complete[client] = not more
        if not more:
            self.touched[client].clear()
            assert mirror.etags == self.expected(mirror)

    @rule(client=clients)
    def catch_up(self, client: int) -> None:
        """All pages: never more of them than there are things to tell."""
        mirror = self.mirrors[client]
        before = mirror.token
        for _ in range(200):
            self.step(client)
            if self.complete[client]:
                return
            assert mirror.token != before, "a page that leads nowhere"
            before = mirror.token
        raise AssertionError("two hundred pages and no end")

    def only_what_was_touched(self, client: int) -> None:
        """Since its last complete sync, nothing but the changed objects is told of, each once."""
        body = sync_body(self.mirrors[client].token)
        answer = self.wire.request("REPORT", self.folder, body, {"Depth": "1"}).multistatus()
        told = [unquote(href) for href in answer.hrefs]
        assert len(set(told)) == len(told)
        assert set(told) <= self.touched[client]

    def expected(self, mirror: Mirror) -> dict[str, str]:
        """What a client that is up to date knows."""
        if mirror.folder == self.folder:
            return self.calendars[self.folder]
        collections = dict.fromkeys([f"{self.home}tasks/", *self.calendars], COLLECTION)
        if mirror.level == "1":
            return collections
        members = (members for members in self.calendars.values())
        return collections | {href: etag for known in members for href, etag in known.items()}

    @precondition(lambda self: any(mirror.token for mirror in self.mirrors))
    @rule(
        client=clients, change=st.sampled_from(("epoch", "collection", "ahead", "cut", "elsewhere"))
    )
    def refuse_a_token_that_was_never_issued(self, client: int, change: str) -> None:
        """A changed token, or one of another resource, is refused with valid-sync-token."""
        mirror = self.mirrors[client]
        if not mirror.token:
            return
        place, token = mirror.folder, spoiled(mirror.token, change)
        if change == "elsewhere":
            place = self.home if place == self.folder else self.folder
        answer = self.wire.request("REPORT", place, sync_body(token), {"Depth": "0"})
        assert (answer.status, answer.preconditions()) == (403, {f"{DAV}valid-sync-token"})

    def teardown(self) -> None:
        """Everybody catches up in the end."""
        for client in range(len(self.mirrors)):
            self.catch_up(client)


def spoiled(token: str, change: str) -> str:
    """A token as no server of this store gave it out (`elsewhere` leaves it as it is)."""
    parts = token.split(":")
    if change == "epoch":
        parts[3] = "".join("0" if sign != "0" else "1" for sign in parts[3])
    elif change == "collection":
        parts[4] = str(int(parts[4]) + 1_000_000)
    elif change == "ahead" and parts[2] == "sync":
        parts[5:] = [str(int(parts[5]) + 1_000_000)]
    elif change != "elsewhere":
        return token[:-1] + "!"
    return ":".join(parts)


FOLLOWED = ("calendar", "home", "whole home")


def run(server: Stage, followed: str, examples: int, steps: int) -> None:
    class OnThisServer(Sync):
        def __init__(self) -> None:
            super().__init__(server, followed)

    run_state_machine_as_test(
        OnThisServer,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.parametrize("followed", FOLLOWED)
def test_any_paging_with_any_writes_composes_to_the_server(server: Stage, followed: str) -> None:
    run(server, followed, examples=25, steps=50)


@pytest.mark.slow
@pytest.mark.parametrize("followed", FOLLOWED)
def test_the_same_at_length(server: Stage, followed: str) -> None:
    run(server, followed, examples=300, steps=80)


@pytest.mark.parametrize(("level", "limit"), [("1", 1), ("infinite", 2)])
def test_a_calendar_made_anew_and_gone_before_its_page_is_told_as_gone(
    server: Stage, level: str, limit: int
) -> None:
    wire = server.alice
    other = "/dav/calendars/ann/other/"
    assert wire.request("MKCALENDAR", other).status == 201
    mirror = Mirror("/dav/calendars/ann/", limit, level)
    mirror.catch_up(wire)
    assert other in mirror.etags
    for method in ("DELETE", "MKCALENDAR"):
        wire.request(method, other)
    wire.request("PUT", "/dav/calendars/ann/calendar/a.ics", seed.event("a"))
    assert mirror.step(wire), "the page has room for the changed calendar only"
    wire.request("DELETE", other)
    mirror.catch_up(wire)
    assert other not in mirror.etags
