"""kill -9 of the server during writes: what was acknowledged is there, tokens work, nothing
needs repair."""

import http.client
import random
import sqlite3
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.clients import seed
from tests.mirror import Mirror, fetched, listing
from tests.served import Served, serve

FOLDER = "/dav/calendars/ann/calendar/"
WRITERS = 6
NAMES = 12  # of each writer's own, so that the order of its requests is known
GONE = (http.client.HTTPException, OSError)


@dataclass(slots=True)
class Writer:
    """One client: what it knows of its names. None is "not there"; a doubt holds both ends."""

    number: int
    known: dict[str, bytes | None] = field(default_factory=dict)
    doubts: dict[str, tuple[bytes | None, bytes | None]] = field(default_factory=dict)
    acknowledged: int = 0

    def write(self, served: Served, seeded: int) -> None:
        """PUT and DELETE until the server is gone; the request it died on stays in doubt."""
        choose = random.Random(seeded)
        with served.connect("ann", timeout=10) as wire:
            while True:
                name = f"{FOLDER}{self.number}-{choose.randrange(NAMES)}.ics"
                uid = name.rsplit("/", 1)[1]
                text = seed.event(uid, summary=f"{seeded}-{self.acknowledged}").encode()
                wanted = text if choose.random() < 0.7 else None
                before = self.known.get(name)
                try:
                    if wanted is None:
                        answer = wire.request("DELETE", name)
                    else:
                        answer = wire.request("PUT", name, wanted)
                except GONE:
                    self.doubts[name] = (before, wanted)
                    return
                expected = (
                    ((404,) if before is None else (204,))
                    if wanted is None
                    else ((201,) if before is None else (204,))
                )
                assert answer.status in expected, (answer, answer.body, before)
                self.known[name] = wanted
                self.acknowledged += 1

    def settle(self, there: dict[str, bytes]) -> None:
        """Hold the server to what was acknowledged; learn how the doubt ended."""
        for name, possible in self.doubts.items():
            assert there.get(name) in possible, f"{name} is neither before nor after"
            self.known[name] = there.get(name)
        self.doubts.clear()
        mine = {name: body for name, body in self.known.items() if body is not None}
        prefix = f"{FOLDER}{self.number}-"
        kept = {name: body for name, body in there.items() if name.startswith(prefix)}
        assert kept == mine


def follow(served: Served, mirror: Mirror) -> None:
    """Follow by sync-token until the server is gone."""
    with served.connect("ann", timeout=10) as wire:
        try:
            while True:
                mirror.step(wire)
        except GONE:
            return


def killed_while_writing(
    served: Served, writers: list[Writer], mirror: Mirror, choose: random.Random
) -> None:
    """Write and follow, kill -9 at a random moment, start again."""
    with ThreadPoolExecutor(len(writers) + 1) as pool:
        going = [pool.submit(writer.write, served, choose.getrandbits(32)) for writer in writers]
        going.append(pool.submit(follow, served, mirror))
        time.sleep(choose.uniform(0.05, 0.8))
        served.kill()
        for one in going:
            one.result()
    served.start()


def assert_whole(data: Path) -> None:
    """Each SQLite file below `data` passes its own check."""
    checked = 0
    for path in data.rglob("*"):
        if path.is_file() and path.read_bytes()[:15] == b"SQLite format 3":
            with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as connection:
                assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
                assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
            connection.close()
            checked += 1
    assert checked


def run_rounds(folder: Path, rounds: int, environment: Mapping[str, str] | None = None) -> None:
    choose = random.Random(20260314)
    with serve(folder / "data", workers=2, environment=environment) as served:
        writers = [Writer(number) for number in range(WRITERS)]
        mirror = Mirror(FOLDER, limit=5)
        for _ in range(rounds):
            killed_while_writing(served, writers, mirror, choose)
            if environment is None:
                assert_whole(served.data)
            with served.connect("ann") as wire:
                there = listing(wire, FOLDER)
                bodies = fetched(wire, there)
                originals = {name: body.replace(b"\n", b"\r\n") for name, body in bodies.items()}
                for writer in writers:
                    writer.settle(originals)
                mirror.catch_up(wire)
                assert mirror.etags == there
                assert mirror.bodies(wire) == bodies
        assert sum(writer.acknowledged for writer in writers) >= 5 * rounds


def test_three_kills_lose_nothing(tmp_path: Path) -> None:
    run_rounds(tmp_path, 3)


@pytest.mark.slow
def test_fifty_kills_lose_nothing(tmp_path: Path) -> None:
    run_rounds(tmp_path, 50)


@pytest.mark.slow
def test_ten_kills_lose_nothing_on_postgresql(tmp_path: Path, postgres_url: str) -> None:
    run_rounds(tmp_path, 10, {"DAVENPORT_STORE": postgres_url})


def test_a_request_in_flight_is_answered_before_a_clean_stop(tmp_path: Path) -> None:
    """SIGTERM while six clients write: what was not answered was not done either."""
    with serve(tmp_path / "data", workers=2) as served:
        writers = [Writer(number) for number in range(WRITERS)]
        with ThreadPoolExecutor(WRITERS) as pool:
            going = [pool.submit(writer.write, served, writer.number) for writer in writers]
            time.sleep(0.3)
            served.stop()
            for one in going:
                one.result()
        served.start()
        with served.connect("ann") as wire:
            bodies = fetched(wire, listing(wire, FOLDER))
            there = {name: body.replace(b"\n", b"\r\n") for name, body in bodies.items()}
        for writer in writers:
            for name, (before, _) in writer.doubts.items():
                assert there.get(name) == before, f"{name} was written without an answer"
            writer.settle(there)
