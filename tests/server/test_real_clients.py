"""Every client's requests against the served program, and every recorded requirement held by
some row."""

from collections.abc import Iterator

import pytest

from tests.clients import apple, davx5, evolution, kde, libraries, seed, thunderbird, tools
from tests.clients.requirement import REQUIREMENTS
from tests.clients.row import Row, Stage
from tests.served import Served, serve

USERS = ("ann", "pat@example.org")
ROWS = tuple(
    row
    for client in (thunderbird, apple, evolution, davx5, kde, libraries, tools)
    for row in client.ROWS
)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    data = tmp_path_factory.mktemp("clients") / "data"
    with serve(data, (*USERS, "someone"), workers=2) as running:
        for user in USERS:
            with running.connect(user) as wire, running.connect() as anonymous:
                seed.seed(Stage(running, wire, anonymous, user))
        yield running


@pytest.mark.parametrize("user", USERS)
@pytest.mark.parametrize("row", ROWS, ids=[row.id for row in ROWS])
def test_a_client_finds_what_it_needs(row: Row, user: str, served: Served) -> None:
    with served.connect(user) as wire, served.connect() as anonymous:
        row.play(Stage(served, wire, anonymous, user))


def test_every_requirement_is_held_by_a_row() -> None:
    covered = {requirement for row in ROWS for requirement in row.covers}
    assert covered == set(REQUIREMENTS)


def test_no_two_rows_share_a_name() -> None:
    assert len({row.id for row in ROWS}) == len(ROWS)
