"""The application in this process, with the accounts alice and bob."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.accounts import Stage, stage
from tests.in_process import InProcess


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Stage]:
    with stage(tmp_path / "data") as running:
        yield running


@pytest.fixture
def alice(running: Stage) -> InProcess:
    return running.alice
