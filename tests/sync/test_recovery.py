"""A run that is killed anywhere ends, after one more, as if nothing had happened (I10)."""

import itertools
from pathlib import Path
from random import Random

import pytest

from davenport.sync.engine import Engine, Outcome, Status
from davenport.sync.plan import Rules
from davenport.sync.state import State, StateError
from davenport.sync.work import Options, Progress
from tests.sync.faulty import FaultySide, Quirks
from tests.sync.meaning import SEMANTICS, body_of, fingerprint


class Crash(BaseException):
    """The process is gone."""


def event(uid: str, **values: str) -> bytes:
    return body_of({"UID": uid, "P": "1", **values})


class World:
    """Two sides in step, with one edit of each kind waiting."""

    def __init__(self, path: Path, quirks: Quirks) -> None:
        self.path = path
        self.fuse = 0
        self.a = FaultySide("a", Random(1), point=self.point)
        self.b = FaultySide("b", Random(2), quirks, point=self.point)
        self.open()
        for number in range(8):
            self.a.put(f"/a/{number}.ics", event(f"u{number}"))
        assert self.run().status is Status.DONE
        self.a.put("/a/new.ics", event("new-a"))
        self.b.put("/b/new.ics", event("new-b"))
        self.a.put("/a/1.ics", event("u1", P="2"))
        self.b.put(self.b.by_uid("u2")[0], event("u2", P="2"))
        self.a.put("/a/3.ics", event("u3", P="2"))
        self.b.put(self.b.by_uid("u3")[0], event("u3", Q="2"))
        self.a.remove("/a/4.ics")
        self.b.remove(self.b.by_uid("u5")[0])
        self.a.remove("/a/6.ics")
        self.b.put(self.b.by_uid("u6")[0], event("u6", P="2"))
        self.before = (self.a.writes, self.b.writes)

    def open(self) -> None:
        self.state = State.open(self.path)
        pair = self.state.pair("pair", "a", "b", "sync")
        self.collection = self.state.open_collection(pair, "calendar")

    def point(self, _progress: Progress | None = None) -> None:
        self.fuse -= 1
        if self.fuse == 0:
            raise Crash

    def run(self) -> Outcome:
        options = Options(rules=Rules("sync"), batch=2)
        engine = Engine(self.state, SEMANTICS, options, self.point, clock=lambda: 1e9)
        return engine.run(self.collection, self.a, self.b)

    def meaning(self) -> list[list[str]]:
        return [sorted(map(fingerprint, side.members.values())) for side in (self.a, self.b)]

    def sent(self) -> int:
        return self.a.writes + self.b.writes - sum(self.before)


@pytest.mark.parametrize(
    "quirks",
    [
        Quirks(),
        pytest.param(Quirks(rewrites=True), marks=pytest.mark.slow),
        pytest.param(Quirks(etags="none", names_itself=True), marks=pytest.mark.slow),
    ],
    ids=["faithful", "rewriting", "no-etags-own-names"],
)
def test_a_crash_anywhere_changes_nothing_in_the_end(tmp_path: Path, quirks: Quirks) -> None:
    undisturbed = World(tmp_path / "undisturbed", quirks)
    assert undisturbed.run().status is Status.DONE
    expected, writes = undisturbed.meaning(), undisturbed.sent()
    undisturbed.state.close()
    assert writes == 9
    for fuse in itertools.count(1):
        world = World(tmp_path / str(fuse), quirks)
        world.state.execute("PRAGMA synchronous = OFF")
        world.fuse = fuse
        try:
            world.run()
        except Crash:
            world.state.close()
            world.open()
        else:
            world.state.close()
            break
        world.fuse = 0
        assert world.run().status is Status.DONE, fuse
        assert world.meaning() == expected, fuse
        # What reached a side before the crash is not sent again; one request may have been lost
        # on its way, and with it the other half of a merge that a rewriting side took.
        assert world.sent() <= writes + 2, fuse
        world.state.close()
    assert fuse > 60


def test_a_full_disk_stops_the_run_before_anything_is_sent(tmp_path: Path) -> None:
    world = World(tmp_path / "state", Quirks())
    (pages,) = world.state.one("PRAGMA page_count")
    for number in range(40):
        world.a.put(
            f"/a/big{number}.ics", event(f"big{number}", Q=Random(number).randbytes(2000).hex())
        )
    world.state.execute(f"PRAGMA max_page_count = {pages + 1}")
    with pytest.raises(StateError, match="full"):
        world.run()
    assert world.sent() == 0
    world.state.execute("PRAGMA max_page_count = 1000000")
    assert world.run().status is Status.DONE
    assert len(world.b.members) == len(world.a.members)
