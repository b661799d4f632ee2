"""The engine with real sides and real objects: davenport, Radicale and a folder kept in step."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from davenport.objects.fingerprint import fingerprint
from davenport.sync.engine import Engine, Outcome, Status
from davenport.sync.plan import Rules
from davenport.sync.semantics import OBJECTS
from davenport.sync.side import CollectionSide
from davenport.sync.state import State
from davenport.sync.work import Options
from tests.bodies import event
from tests.sync.sides import davenport_side, radicale_side, vdir_side

SIDES = {"davenport": davenport_side, "radicale": radicale_side, "folder": vdir_side}


@pytest.fixture(params=[("davenport", "radicale"), ("davenport", "folder"), ("radicale", "folder")])
def pair(
    request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[tuple[CollectionSide, CollectionSide]]:
    with ExitStack() as stack:
        sides = [
            stack.enter_context(SIDES[name](tmp_path / name)).make(
                "calendar", "together", {}, ("VEVENT",)
            )
            for name in request.param
        ]
        yield sides[0], sides[1]


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Callable[[CollectionSide, CollectionSide], Outcome]]:
    state = State.open(tmp_path / "state.sqlite3")
    collection = state.open_collection(state.pair("test", "a", "b", "sync"), "together")
    engine = Engine(state, OBJECTS, Options(Rules("sync")))
    yield lambda a, b: engine.run(collection, a, b)
    state.close()


def _bodies(side: CollectionSide) -> dict[str, bytes]:
    """The members' bodies by UID."""
    found = side.fetch(sorted(side.changes(None).entries))
    return {OBJECTS.uid_of(item.body): item.body for item in found}


def _edit(side: CollectionSide, uid: str, body: bytes) -> None:
    href = side.find_uid(uid)
    assert href is not None
    (item,) = side.fetch([href])
    side.update(href, body, item.etag)


def _remove(side: CollectionSide, uid: str) -> None:
    href = side.find_uid(uid)
    assert href is not None
    (item,) = side.fetch([href])
    side.delete(href, item.etag)


def _same(a: CollectionSide, b: CollectionSide) -> set[str]:
    """The UIDs, which must mean the same on both sides."""
    left, right = _bodies(a), _bodies(b)
    assert {uid: fingerprint(body) for uid, body in left.items()} == {
        uid: fingerprint(body) for uid, body in right.items()
    }
    return set(left)


def test_both_sides_change_and_meet(
    pair: tuple[CollectionSide, CollectionSide],
    run: Callable[[CollectionSide, CollectionSide], Outcome],
) -> None:
    a, b = pair
    for number in range(6):
        a.create(f"{number}.ics", event(str(number), f"Nº {number}"))
    assert run(a, b).status is Status.DONE
    assert _same(a, b) == set("012345")
    idle = run(a, b)
    assert idle.status is Status.DONE
    assert not [action for plan in idle.plans for action in plan.actions]

    _edit(a, "0", event("0", "Nº 0", "LOCATION:Here"))
    _edit(b, "0", event("0", "Changed there"))
    _edit(a, "1", event("1", "One", "DESCRIPTION:a\\nb"))
    _remove(b, "4")
    _remove(a, "5")
    b.create("new.ics", event("new"))
    assert run(a, b).status is Status.DONE
    assert _same(a, b) == {"0", "1", "2", "3", "new"}
    merged = _bodies(a)["0"]
    assert b"LOCATION:Here" in merged
    assert b"Changed there" in merged


def test_a_conflict_holds_one_item_and_no_other(
    pair: tuple[CollectionSide, CollectionSide],
    run: Callable[[CollectionSide, CollectionSide], Outcome],
) -> None:
    a, b = pair
    for uid in ("x", "y"):
        a.create(f"{uid}.ics", event(uid))
    run(a, b)
    _edit(a, "x", event("x", "Mine"))
    _edit(b, "x", event("x", "Theirs"))
    _edit(a, "y", event("y", "Fine"))
    outcome = run(a, b)
    assert outcome.status is Status.HELD
    assert b"Mine" in _bodies(a)["x"]
    assert b"Theirs" in _bodies(b)["x"]
    assert b"Fine" in _bodies(b)["y"]
