"""What the tests of the sync client share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from davenport.sync.state import State


@pytest.fixture(autouse=True)
def states_are_closed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Close every state that a test opened, crashed worlds' included."""
    opened: list[State] = []
    open_state = State.open

    def open_and_remember(path: Path) -> State:
        state = open_state(path)
        opened.append(state)
        return state

    monkeypatch.setattr(State, "open", staticmethod(open_and_remember))
    yield
    for state in opened:
        state.close()
