"""What is measured: each operation on one peer's calendar, its answer checked before its time
counts."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from urllib.parse import unquote
from xml.etree import ElementTree as ET

from bench import data
from bench.peers import Peer
from bench.wire import Answer, Wire

DAV = "{DAV:}"
CALDAV = "{urn:ietf:params:xml:ns:caldav}"
_PROP = b'<d:propfind xmlns:d="DAV:" xmlns:s="http://calendarserver.org/ns/"><d:prop>%s</d:prop></d:propfind>'
POLL = _PROP % b"<s:getctag/><d:sync-token/>"
LISTING = _PROP % b"<d:getetag/>"
CHANGES = 100
_BUDGET = 60.0  # seconds that one series of writes may take before it is cut short


class WrongAnswerError(Exception):
    """A peer answered with something else than it holds."""


@dataclass(slots=True)
class Bench:
    """One peer at one size: its connection, what it must hold, and the times taken (seconds)."""

    peer: Peer
    size: int
    wire: Wire
    names: set[str]
    times: dict[str, list[float]] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    token: str = ""
    revision: int = 0
    changed: set[str] = field(default_factory=set)

    @property
    def path(self) -> str:
        return self.peer.calendar(self.size)

    def took(self, operation: str, answer: Answer) -> None:
        """Count the time of a checked answer."""
        self.times.setdefault(operation, []).append(answer.seconds)

    def fail(self, operation: str, found: object, expected: object) -> None:
        """Stop: this answer is wrong."""
        raise WrongAnswerError(
            f"{self.peer.name}, {operation} at {self.size}: {found!r:.300} instead of "
            f"{expected!r:.300}"
        )


def start(peer: Peer, size: int) -> Bench:
    """Seed and warm up: the first listing also fills whatever a peer caches; its time is noted."""
    peer.seed(size)
    bench = Bench(peer, size, peer.connect(), {data.name(number) for number in range(size)})
    answer = _ask(bench, "PROPFIND", LISTING, "1")
    _check_names(bench, "first listing", _members(answer), bench.names)
    bench.notes["first listing"] = f"{answer.seconds * 1000:.0f} ms"
    return bench


def _ask(bench: Bench, method: str, body: bytes, depth: str, path: str = "") -> Answer:
    headers = {"Depth": depth, "Content-Type": "application/xml; charset=utf-8"}
    return bench.wire.request(method, path or bench.path, body, headers)


def _members(answer: Answer) -> list[ET.Element]:
    if answer.status != 207:
        raise WrongAnswerError(f"{answer.status}: {answer.body[:300]!r}")
    return ET.fromstring(answer.body).findall(f"{DAV}response")


def _name(response: ET.Element) -> str:
    return unquote(response.findtext(f"{DAV}href", "")).rsplit("/", 1)[1]


def _check_names(
    bench: Bench, operation: str, responses: list[ET.Element], expected: set[str]
) -> None:
    """Exactly these members, each once; the collection itself does not count."""
    names = sorted(filter(None, map(_name, responses)))
    if names != sorted(expected):
        bench.fail(operation, names, sorted(expected))


def put(bench: Bench) -> None:
    """PUT of a changed event, up to CHANGES of them; they are what `sync of many` then finds."""
    if bench.changed:
        return
    bench.token = _token(bench)
    bench.revision += 1
    began = time.perf_counter()
    for number in range(CHANGES):
        answer = _change(bench, number)
        bench.took("PUT", answer)
        bench.changed.add(data.name(number))
        if time.perf_counter() - began > _BUDGET:
            bench.notes["PUT"] = f"cut short after {number + 1}"
            break


def _change(bench: Bench, number: int) -> Answer:
    body = data.event(number, bench.revision)
    headers = {"Content-Type": "text/calendar; charset=utf-8"}
    answer = bench.wire.request("PUT", bench.path + data.name(number), body, headers)
    if answer.status not in {200, 201, 204}:
        bench.fail("PUT", answer, "201 or 204")
    return answer


def get(bench: Bench) -> None:
    """GET of one event; it must be the one (peers may write it anew)."""
    for number in range(20):
        at = (number * 7919) % bench.size
        answer = bench.wire.request("GET", bench.path + data.name(at))
        uid = f"UID:{at:06d}-3f0e6a52-bench".encode()
        if answer.status != 200 or uid not in answer.body:
            bench.fail("GET", answer, uid)
        bench.took("GET", answer)


def poll(bench: Bench) -> None:
    """PROPFIND Depth 0 for getctag and sync-token."""
    began = time.perf_counter()
    for _ in range(20):
        answer = _ask(bench, "PROPFIND", POLL, "0")
        (response,) = _members(answer)
        if not response.findtext(f".//{DAV}sync-token") or b"getctag" not in answer.body:
            bench.fail("poll", answer.body, "a ctag and a token")
        bench.took("poll", answer)
        if time.perf_counter() - began > 3:
            break


def listing(bench: Bench) -> None:
    """PROPFIND Depth 1 for getetag: every member once."""
    answer = _ask(bench, "PROPFIND", LISTING, "1")
    _check_names(bench, "listing", _members(answer), bench.names)
    bench.took("listing", answer)


def _sync(bench: Bench, token: str) -> Answer:
    body = (
        f'<d:sync-collection xmlns:d="DAV:"><d:sync-token>{token}</d:sync-token>'
        "<d:sync-level>1</d:sync-level><d:prop><d:getetag/></d:prop></d:sync-collection>"
    )
    return _ask(bench, "REPORT", body.encode(), "1")


def _token(bench: Bench) -> str:
    (response,) = _members(_ask(bench, "PROPFIND", POLL, "0"))
    return response.findtext(f".//{DAV}sync-token") or ""


def _checked_sync(bench: Bench, operation: str, token: str, expected: set[str]) -> str:
    """A timed report that must tell of exactly these; gives the new token."""
    answer = _sync(bench, token)
    responses = _members(answer)
    _check_names(bench, operation, responses, expected)
    new = ET.fromstring(answer.body).findtext(f"{DAV}sync-token")
    if not new:
        bench.fail(operation, answer.body, "a sync-token")
    bench.took(operation, answer)
    return new or ""


def sync_all(bench: Bench) -> None:
    """The first sync: every member."""
    _checked_sync(bench, "sync, initial", "", bench.names)


def sync_none(bench: Bench) -> None:
    """Sync with nothing changed."""
    token = _token(bench)
    for _ in range(5):
        _checked_sync(bench, "sync, no change", token, set())


def sync_one(bench: Bench) -> None:
    """Sync after one PUT (the PUT is not timed)."""
    token = _token(bench)
    bench.revision += 1
    number = bench.revision * 31 % bench.size
    _change(bench, number)
    for _ in range(3):
        _checked_sync(bench, "sync, 1 change", token, {data.name(number)})


def sync_many(bench: Bench) -> None:
    """Sync from before the PUT series: all its changes."""
    if not bench.token:
        return
    _checked_sync(bench, f"sync, {CHANGES} changes", bench.token, bench.changed)


def multiget(bench: Bench) -> None:
    """calendar-multiget of 100 events with their data."""
    numbers = [(number * 613) % bench.size for number in range(CHANGES)]
    names = {data.name(number) for number in numbers}
    hrefs = "".join(f"<d:href>{bench.path}{name}</d:href>" for name in sorted(names))
    body = (
        '<c:calendar-multiget xmlns:c="urn:ietf:params:xml:ns:caldav" xmlns:d="DAV:"><d:prop>'
        f"<d:getetag/><c:calendar-data/></d:prop>{hrefs}</c:calendar-multiget>"
    )
    answer = _ask(bench, "REPORT", body.encode(), "1")
    responses = _members(answer)
    _check_names(bench, "multiget", responses, names)
    if any(
        "UID:" not in (found.findtext(f".//{CALDAV}calendar-data") or "") for found in responses
    ):
        bench.fail("multiget", "an empty calendar-data", "data")
    bench.took(f"multiget {CHANGES}", answer)


Operation = Callable[[Bench], None]
# The order matters: `sync_many` follows the changes of `put` before `sync_one` adds others.
WRITES: tuple[Operation, ...] = (put,)
REPEATED_AFTER_WRITES: tuple[Operation, ...] = (sync_many,)
REPEATED: tuple[Operation, ...] = (get, poll, listing, sync_all, sync_none, sync_one, multiget)


def series(rounds: int) -> Iterator[Operation]:
    """Every operation as often as it is to run."""
    yield from WRITES
    yield from REPEATED_AFTER_WRITES * rounds
    yield from REPEATED * rounds
