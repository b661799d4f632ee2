"""The state of syncs in one SQLite file: its lock, pairs, collections, cursors, runs and events."""

import os
import platform
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from davenport.sync import schema

End = Literal["a", "b"]
Value = str | bytes | int | float | None
ENDS: tuple[End, End] = ("a", "b")


class StateError(Exception):
    """The state cannot be read or written; nothing may be sent that it has not recorded."""


class StateTooNew(StateError):  # noqa: N818
    """The file was written by a later version of davenport."""


class Locked(StateError):  # noqa: N818
    """Another process holds the state."""

    def __init__(self, pid: int, host: str) -> None:
        super().__init__(f"process {pid} on {host} is using this state")
        self.pid = pid
        self.host = host


class CursorMoved(StateError):  # noqa: N818
    """The stored cursor is not the one that the listing began at."""


@dataclass(frozen=True, slots=True)
class Collection:
    """A pair of collections: status, and the revision that each recorded change raises."""

    id: int
    name: str
    status: str
    reason: str
    until: float | None
    config_hash: str
    revision: int


@dataclass(frozen=True, slots=True)
class Reading:
    """What is known of one side of a collection: how far it was read, and how it writes."""

    identity: str
    cursor: str | None
    audited: float
    members: int
    faithful: int
    rewritten: int


class State:
    """An open state file, held by this process until `close`."""

    def __init__(self, connection: sqlite3.Connection, lock: sqlite3.Connection) -> None:
        self._connection = connection
        self._lock = lock

    @staticmethod
    def open(path: Path) -> "State":
        """Open or make the file. Raises Locked, StateTooNew and StateError."""
        lock = _take_lock(path.with_name(path.name + ".lock"))
        try:
            return State(_connect(path), lock)
        except BaseException:
            lock.close()
            raise

    def close(self) -> None:
        """Let go of the file; what is not committed is dropped."""
        self._connection.close()
        self._lock.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All that is written within it, or nothing; not to be nested."""
        self.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            if self._connection.in_transaction:
                self.execute("ROLLBACK")
            raise
        try:
            self.execute("COMMIT")
        except StateError:
            if self._connection.in_transaction:
                self.execute("ROLLBACK")
            raise

    def all(self, sql: str, **parameters: Value) -> list[Any]:
        """The rows that a statement yields."""
        try:
            return self._connection.execute(sql, parameters).fetchall()
        except sqlite3.Error as error:
            raise _state_error(error) from error

    def one(self, sql: str, **parameters: Value) -> Any:  # noqa: ANN401 - rows are as selected
        """The first row, or None."""
        rows = self.all(sql, **parameters)
        return rows[0] if rows else None

    def execute(self, sql: str, **parameters: Value) -> int:
        """The number of rows that a statement touched."""
        try:
            return self._connection.execute(sql, parameters).rowcount
        except sqlite3.Error as error:
            raise _state_error(error) from error

    def insert(self, table: str, **values: Value) -> int:
        """Add a row; its id."""
        names = ", ".join(values)
        marks = ", ".join(f":{name}" for name in values)
        sql = f"INSERT INTO {table} ({names}) VALUES ({marks})"  # noqa: S608 - names are constants
        try:
            return self._connection.execute(sql, values).lastrowid or 0
        except sqlite3.Error as error:
            raise _state_error(error) from error

    # -- pairs and collections ------------------------------------------------------------------

    def pair(self, name: str, side_a: str, side_b: str, mode: str) -> int:
        """The id of the pair of that name, made if need be, with these endpoints and mode."""
        with self.transaction():
            self.execute(
                "INSERT INTO pair (name, side_a, side_b, mode, config_hash)"
                " VALUES (:name, :a, :b, :mode, '') ON CONFLICT (name)"
                " DO UPDATE SET side_a = :a, side_b = :b, mode = :mode",
                name=name,
                a=side_a,
                b=side_b,
                mode=mode,
            )
            return int(self.one("SELECT id FROM pair WHERE name = :name", name=name)[0])

    def open_collection(self, pair: int, name: str) -> int:
        """The id of the pair's collection of that name, made if need be."""
        with self.transaction():
            row = self.one(
                "SELECT id FROM collection WHERE pair = :pair AND name = :name",
                pair=pair,
                name=name,
            )
            if row is not None:
                return int(row[0])
            made = self.insert("collection", pair=pair, name=name)
            for side in ENDS:
                self.insert("reading", collection=made, side=side)
            return made

    def collection(self, collection: int) -> Collection:
        """The collection's row."""
        row = self.one(
            "SELECT id, name, status, reason, until, config_hash, revision"
            " FROM collection WHERE id = :id",
            id=collection,
        )
        return Collection(*row)

    def set_status(
        self, collection: int, status: str, reason: str = "", until: float | None = None
    ) -> None:
        """Record where the collection stands (new, baselining, steady, incomplete, …)."""
        self.execute(
            "UPDATE collection SET status = :status, reason = :reason, until = :until"
            " WHERE id = :id",
            id=collection,
            status=status,
            reason=reason,
            until=until,
        )

    def set_config_hash(self, collection: int, config_hash: str) -> None:
        """Record the settings under which the collection was read."""
        self.execute(
            "UPDATE collection SET config_hash = :hash WHERE id = :id",
            id=collection,
            hash=config_hash,
        )

    def touch(self, collection: int) -> None:
        """Raise the revision: a plan made before this no longer holds."""
        self.execute("UPDATE collection SET revision = revision + 1 WHERE id = :id", id=collection)

    def reading(self, collection: int, side: End) -> Reading:
        """How far and how one side was read."""
        row = self.one(
            "SELECT identity, cursor, audited, members, faithful, rewritten FROM reading"
            " WHERE collection = :collection AND side = :side",
            collection=collection,
            side=side,
        )
        return Reading(*row)

    def set_reading(self, collection: int, side: End, **values: Value) -> None:
        """Change columns of one side's reading."""
        sets = ", ".join(f"{name} = :{name}" for name in values)
        self.execute(
            f"UPDATE reading SET {sets} WHERE collection = :collection AND side = :side",  # noqa: S608
            collection=collection,
            side=side,
            **values,
        )

    def move_cursor(
        self, collection: int, side: End, used: str | None, following: str | None
    ) -> None:
        """Store the next cursor if the stored one is still `used`. Raises CursorMoved."""
        moved = self.execute(
            "UPDATE reading SET cursor = :following"
            " WHERE collection = :collection AND side = :side AND cursor IS :used",
            collection=collection,
            side=side,
            used=used,
            following=following,
        )
        if not moved:
            raise CursorMoved("the collection was read by another run meanwhile")

    # -- runs -----------------------------------------------------------------------------------

    def begin_run(self, collection: int) -> int:
        """Open a run; its id."""
        return self.insert("run", collection=collection, started=time.time())

    def end_run(self, run: int, outcome: str) -> None:
        """Close a run."""
        self.execute(
            "UPDATE run SET finished = :now, outcome = :outcome WHERE id = :id",
            id=run,
            now=time.time(),
            outcome=outcome,
        )

    def record(self, run: int, kind: str, key: str, detail: str = "") -> None:
        """Add an event to a run's report."""
        self.insert("event", run=run, kind=kind, key=key, detail=detail)

    def events(self, run: int) -> list[tuple[str, str, str]]:
        """A run's events as (kind, key, detail)."""
        return self.all("SELECT kind, key, detail FROM event WHERE run = :run ORDER BY id", run=run)


def _state_error(error: sqlite3.Error) -> StateError:
    if isinstance(error, sqlite3.OperationalError):
        return StateError(f"the state cannot be written or read: {error}")
    return StateError(f"the state file is damaged or misused: {error}")


def _take_lock(path: Path) -> sqlite3.Connection:
    """Hold a write transaction on a file of its own, whose committed row names the owner.

    The system ends it with the process, however that dies; readers still see the row.
    """
    host = platform.node()
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        lock = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
    except (OSError, sqlite3.Error) as error:
        raise StateError(f"cannot open {path}: {error}") from error
    try:
        lock.execute("BEGIN IMMEDIATE")
        lock.execute("CREATE TABLE IF NOT EXISTS owner (pid INTEGER, host TEXT)")
        lock.execute("DELETE FROM owner")
        lock.execute("INSERT INTO owner VALUES (?, ?)", (os.getpid(), host))
        lock.execute("COMMIT")
        lock.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as error:
        owner = _owner(lock)
        lock.close()
        raise Locked(*owner) from error
    except sqlite3.Error as error:
        lock.close()
        raise StateError(f"{path} is damaged: {error}") from error
    return lock


def _owner(lock: sqlite3.Connection) -> tuple[int, str]:
    try:
        row = lock.execute("SELECT pid, host FROM owner").fetchone()
    except sqlite3.Error:
        row = None
    return (int(row[0]), str(row[1])) if row else (0, "an unknown host")


def _connect(path: Path) -> sqlite3.Connection:
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        connection = sqlite3.connect(
            path, isolation_level=None, check_same_thread=False, cached_statements=256
        )
    except (OSError, sqlite3.Error) as error:
        raise StateError(f"cannot open {path}: {error}") from error
    try:
        _prepare(connection, path)
    except sqlite3.Error as error:
        connection.close()
        raise StateError(f"{path} is damaged or no sync state: {error}") from error
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if tables and application != schema.APPLICATION_ID:
        raise StateError(f"{path} is another program's database")
    if version > schema.VERSION:
        raise StateTooNew(f"{path} was written by a later version of davenport")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    if not tables:
        connection.execute("BEGIN IMMEDIATE")
        for statement in schema.TABLES:
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {schema.APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {schema.VERSION}")
        connection.execute("COMMIT")
