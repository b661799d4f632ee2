"""The state file: its lock, its refusals, and cursors that move only from where they were."""

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from davenport.sync.state import CursorMoved, Locked, State, StateError, StateTooNew


def test_a_second_opening_is_told_who_holds_the_state(tmp_path: Path) -> None:
    state = State.open(tmp_path / "state")
    with pytest.raises(Locked) as caught:
        State.open(tmp_path / "state")
    assert caught.value.pid == os.getpid()
    assert caught.value.host
    state.close()
    State.open(tmp_path / "state").close()


def test_the_lock_dies_with_its_process(tmp_path: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path; from davenport.sync.state import State;"
        "state = State.open(Path(sys.argv[1])); os._exit(9)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "state")], check=False)
    assert done.returncode == 9
    State.open(tmp_path / "state").close()


def test_a_damaged_file_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "state"
    path.write_bytes(b"this is no database at all" * 100)
    with pytest.raises(StateError, match="damaged or no sync state"):
        State.open(path)
    assert path.read_bytes().startswith(b"this is no database")


def test_another_programs_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "state"
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE precious (x)")
    other.close()
    with pytest.raises(StateError, match="another program"):
        State.open(path)


def test_a_later_versions_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "state"
    State.open(path).close()
    later = sqlite3.connect(path)
    later.execute("PRAGMA user_version = 99")
    later.close()
    with pytest.raises(StateTooNew):
        State.open(path)


def test_a_cursor_moves_only_from_where_the_listing_began(tmp_path: Path) -> None:
    state = State.open(tmp_path / "state")
    collection = state.open_collection(state.pair("p", "a", "b", "sync"), "calendar")
    state.move_cursor(collection, "a", None, "1")
    with pytest.raises(CursorMoved):
        state.move_cursor(collection, "a", None, "2")
    assert state.reading(collection, "a").cursor == "1"
    assert state.reading(collection, "b").cursor is None
    state.close()


def test_a_transaction_is_kept_whole_or_not_at_all(tmp_path: Path) -> None:
    state = State.open(tmp_path / "state")
    collection = state.open_collection(state.pair("p", "a", "b", "sync"), "calendar")

    def half() -> None:
        with state.transaction():
            state.set_status(collection, "steady")
            raise KeyError

    with pytest.raises(KeyError):
        half()
    assert state.collection(collection).status == "new"
    state.close()
