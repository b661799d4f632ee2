"""Two worker processes, eight writers, four readers that follow by sync-token only: nothing is
ever skipped."""

import random
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.clients import seed
from tests.mirror import COLLECTION, Mirror, TokenRefusedError, fetched, listing
from tests.served import Served, serve
from tests.wire import Answer, Connection, multiget_body, propfind

FOLDER = "/dav/calendars/ann/calendar/"
WRITERS = 8
PAGES = (None, 1, 7, 50)  # each reader's nresults
NAMES = 80  # few enough that writers meet on one name


@contextmanager
def two_workers(folder: Path, environment: Mapping[str, str]) -> Iterator[Served]:
    """The program with two worker processes."""
    with serve(folder / "data", workers=2, environment=environment) as served:
        yield served


@dataclass(slots=True)
class Tally:
    """What the writers were answered; a failure stops everybody."""

    answers: Counter[tuple[str, int]] = field(default_factory=Counter)
    writing: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self, method: str, answer: Answer) -> None:
        """Note one answer."""
        with self.lock:
            self.answers[method, answer.status] += 1


def write_at_random(served: Served, seeded: int, writes: int, tally: Tally) -> None:
    """PUT and DELETE names at random, a third of them with a condition that may have gone stale."""
    choose = random.Random(seeded)
    etags: dict[str, str] = {}
    with served.connect("ann") as wire:
        for number in range(writes):
            name = f"{FOLDER}{choose.randrange(NAMES)}.ics"
            uid = name.rsplit("/", 1)[1]
            conditions = {"If-Match": etags[name]} if name in etags and number % 3 == 0 else {}
            if choose.random() < 0.65:
                body = seed.event(uid, summary=f"{seeded}-{number}")
                answer = wire.request("PUT", name, body, conditions)
                tally.count("PUT", answer)
                assert answer.status in {201, 204, 412}, (answer, answer.body)
                if answer.status != 412:
                    etags[name] = answer.etag
            else:
                answer = wire.request("DELETE", name, headers=conditions)
                tally.count("DELETE", answer)
                assert answer.status in {204, 404, 412}, (answer, answer.body)


def follow(served: Served, mirror: Mirror, tally: Tally) -> Mirror:
    """Ask for changes as long as there are writers, then to the end."""
    with served.connect("ann") as wire:
        while tally.writing.is_set():
            mirror.step(wire)
        mirror.catch_up(wire)
    return mirror


def run_writers_and_readers(served: Served, writes: int) -> None:
    tally = Tally()
    tally.writing.set()
    with ThreadPoolExecutor(WRITERS + len(PAGES)) as pool:
        readers = [pool.submit(follow, served, Mirror(FOLDER, limit), tally) for limit in PAGES]
        writers = [
            pool.submit(write_at_random, served, number, writes // WRITERS, tally)
            for number in range(WRITERS)
        ]
        try:
            for writer in writers:
                writer.result()
        finally:
            tally.writing.clear()
        mirrors = [reader.result() for reader in readers]
    assert sum(tally.answers.values()) == writes // WRITERS * WRITERS
    with served.connect("ann") as wire:
        there = listing(wire, FOLDER)
        assert there, "the writers left nothing: the test says nothing"
        bodies = fetched(wire, there)
        for mirror in mirrors:
            assert mirror.etags == there, f"the reader with pages of {mirror.limit} went astray"
            assert mirror.bodies(wire) == bodies


def test_readers_by_sync_token_end_where_the_server_is_on_sqlite(tmp_path: Path) -> None:
    with two_workers(tmp_path, {}) as served:
        run_writers_and_readers(served, writes=400)


def test_readers_by_sync_token_end_where_the_server_is_on_postgresql(
    tmp_path: Path, postgres_url: str
) -> None:
    with two_workers(tmp_path, {"DAVENPORT_STORE": postgres_url}) as served:
        run_writers_and_readers(served, writes=400)


@pytest.mark.slow
def test_five_thousand_writes_on_sqlite(tmp_path: Path) -> None:
    with two_workers(tmp_path, {}) as served:
        run_writers_and_readers(served, writes=5000)


@pytest.mark.slow
def test_five_thousand_writes_on_postgresql(tmp_path: Path, postgres_url: str) -> None:
    with two_workers(tmp_path, {"DAVENPORT_STORE": postgres_url}) as served:
        run_writers_and_readers(served, writes=5000)


def at_once(served: Served, requests: int, method: str, path: str, **headers: str) -> list[Answer]:
    """The same request from many connections that start together; PUT bodies differ."""
    start = threading.Barrier(requests)
    sent = {name.replace("_", "-"): text for name, text in headers.items()}

    def one(number: int) -> Answer:
        with served.connect("ann") as wire:
            wire.request("OPTIONS", path)
            # Bytes of an earlier round would change nothing, and so win beside another.
            title = f"{sorted(headers)} {number}"
            body = seed.event("race", summary=title) if method == "PUT" else ""
            start.wait()
            return wire.request(method, path, body, sent)

    with ThreadPoolExecutor(requests) as pool:
        return list(pool.map(one, range(requests)))


def winner(answers: list[Answer], success: int, *losses: int) -> Answer:
    """The one answer with the code of success; every other must have one of the losses."""
    codes = Counter(answer.status for answer in answers)
    assert codes[success] == 1, codes
    assert set(codes) <= {success, *losses}, codes
    return next(answer for answer in answers if answer.status == success)


def races(served: Served, wire: Connection, rounds: int) -> None:
    """Create with If-None-Match: *, change with If-Match, delete with If-Match: one wins each
    time."""
    for number in range(rounds):
        name = f"/dav/calendars/ann/calendar/race-{number}.ics"
        created = winner(at_once(served, 8, "PUT", name, If_None_Match="*"), 201, 412)
        assert wire.request("GET", name).etag == created.etag
        changed = winner(at_once(served, 8, "PUT", name, If_Match=created.etag), 204, 412)
        assert wire.request("GET", name).etag == changed.etag
        winner(at_once(served, 8, "DELETE", name, If_Match=changed.etag), 204, 412, 404)
        assert wire.request("GET", name).status == 404


def test_one_conditional_request_wins_a_race_on_sqlite(tmp_path: Path) -> None:
    with two_workers(tmp_path, {}) as served, served.connect("ann") as wire:
        races(served, wire, rounds=3)


def test_one_conditional_request_wins_a_race_on_postgresql(
    tmp_path: Path, postgres_url: str
) -> None:
    environment = {"DAVENPORT_STORE": postgres_url}
    with two_workers(tmp_path, environment) as served, served.connect("ann") as wire:
        races(served, wire, rounds=3)


HOME = "/dav/calendars/ann/"
FOLDERS = (f"{HOME}calendar/", f"{HOME}fleeting/")
EXPECTED = {
    "PUT": {201, 204, 409},
    "DELETE": {204, 404},
    "MKCALENDAR": {201, 403},
    "PROPPATCH": {207, 404},
    "PROPFIND": {207, 404},
    "REPORT": {207, 404},
    "GET": {200, 404},
}
RENAMING = (
    '<d:propertyupdate xmlns:d="DAV:"><d:set><d:prop><d:displayname>{}</d:displayname></d:prop>'
    "</d:set></d:propertyupdate>"
)


def come_and_go(served: Served, seeded: int, requests: int, tally: Tally) -> None:
    """Every method, while one of the two calendars is made and removed by others."""
    choose = random.Random(seeded)
    with served.connect("ann") as wire:
        for number in range(requests):
            folder = choose.choice(FOLDERS)
            name = f"{folder}{choose.randrange(6)}.ics"
            body = seed.event(name.rpartition("/")[2], summary=f"{seeded}-{number}")
            method, path, content = choose.choices(
                (
                    ("PUT", name, body),
                    ("DELETE", name, ""),
                    ("GET", choose.choice((name, folder)), ""),
                    ("PROPFIND", choose.choice((HOME, folder)), ""),
                    ("REPORT", folder, multiget_body([name])),
                    ("PROPPATCH", folder, RENAMING.format(number)),
                    ("MKCALENDAR", FOLDERS[1], ""),
                    ("DELETE", FOLDERS[1], ""),
                ),
                weights=(50, 15, 5, 10, 10, 2, 4, 4),
            )[0]
            headers = {"Depth": "1"} if method == "PROPFIND" else {}
            answer = wire.request(method, path, content, headers)
            tally.count(method, answer)
            assert answer.status in EXPECTED[method], (method, path, answer, answer.body)


def follow_home(served: Served, mirror: Mirror, tally: Tally) -> Mirror:
    """Follow a home; when a token is refused, begin anew."""
    with served.connect("ann") as wire:
        while True:
            # Asked before the step: a write that ends during it may not be in its answer.
            ended = not tally.writing.is_set()
            try:
                more = mirror.step(wire)
            except TokenRefusedError:
                assert mirror.level == "infinite"
                more = True
            if ended and not more:
                return mirror


def run_coming_and_going(served: Served, requests: int) -> None:
    tally = Tally()
    tally.writing.set()
    mirrors = [Mirror(HOME, limit, level) for level in ("1", "infinite") for limit in (None, 3)]
    with ThreadPoolExecutor(10) as pool:
        readers = [pool.submit(follow_home, served, mirror, tally) for mirror in mirrors]
        writers = [
            pool.submit(come_and_go, served, number, requests // 6, tally) for number in range(6)
        ]
        try:
            for writer in writers:
                writer.result()
        finally:
            tally.writing.clear()
        for reader in readers:
            reader.result()
    with served.connect("ann") as wire:
        calendars = [member.href for member in propfind(wire, HOME, "{DAV:}owner", depth="1")]
        calendars.remove(HOME)
        objects = [item for folder in calendars for item in listing(wire, folder).items()]
    there = dict.fromkeys(calendars, COLLECTION)
    for mirror in mirrors:
        assert mirror.etags == (there if mirror.level == "1" else there | dict(objects))


def test_a_calendar_that_comes_and_goes_under_its_clients_on_sqlite(tmp_path: Path) -> None:
    with two_workers(tmp_path, {}) as served:
        run_coming_and_going(served, 480)


def test_a_calendar_that_comes_and_goes_under_its_clients_on_postgresql(
    tmp_path: Path, postgres_url: str
) -> None:
    with two_workers(tmp_path, {"DAVENPORT_STORE": postgres_url}) as served:
        run_coming_and_going(served, 480)


def test_a_new_password_holds_in_every_worker_within_a_second(tmp_path: Path) -> None:
    with two_workers(tmp_path, {}) as served:
        before = [served.connect("ann") for _ in range(8)]
        path, depth = "/dav/calendars/ann/", {"Depth": "0"}
        assert {wire.request("PROPFIND", path, headers=depth).status for wire in before} == {207}
        served.command("user", "passwd", "ann", "--password-stdin", stdin="another one of these\n")
        time.sleep(1)
        assert {wire.request("PROPFIND", path, headers=depth).status for wire in before} == {401}
        with served.connect("ann", "another one of these") as wire:
            assert wire.request("PROPFIND", path, headers=depth).status == 207
        for wire in before:
            wire.close()
