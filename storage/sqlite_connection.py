"""Connections to an SQLite file, transactions on them, and what SQLite's errors mean."""

import os
import random
import sqlite3
import time
from pathlib import Path

from davenport.storage import schema
from davenport.storage.database import Parameters, Row
from davenport.storage.error import StoreBusy, StoreError, StoreFull

_BUSY_SECONDS = 10.0
_STATEMENTS = 256
_FULL = (sqlite3.SQLITE_FULL,)
_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
# The last two are of values that no column holds.
_ERRORS = (sqlite3.Error, OverflowError, UnicodeEncodeError)


class SqliteTransaction:
    """Statements on one connection; the caller begins and ends the transaction."""

    __slots__ = ("_connection",)

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def all(self, sql: str, parameters: Parameters) -> list[Row]:
        try:
            return self._connection.execute(sql, parameters).fetchall()
        except _ERRORS as error:
            raise store_error(error) from error

    def one(self, sql: str, parameters: Parameters) -> Row | None:
        # A statement that returns rows takes full effect only when they are all fetched.
        rows = self.all(sql, parameters)
        return rows[0] if rows else None

    def execute(self, sql: str, parameters: Parameters) -> int:
        try:
            return self._connection.execute(sql, parameters).rowcount
        except _ERRORS as error:
            raise store_error(error) from error


def store_error(error: Exception) -> StoreError:
    """The storage error that an error of a statement stands for."""
    code = (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF
    if code in _FULL:
        return StoreFull(str(error))
    if code in _BUSY:
        return StoreBusy(str(error))
    return StoreError(f"{type(error).__name__}: {error}")


def connect(path: Path) -> sqlite3.Connection:
    """Open the file as davenport uses it: every commit durable, foreign keys held."""
    try:
        connection = sqlite3.connect(
            path,
            timeout=_BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=_STATEMENTS,
        )
        try:
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("PRAGMA temp_store = MEMORY")
            connection.execute("PRAGMA journal_size_limit = 67108864")
        except BaseException:
            connection.close()
            raise
    except sqlite3.Error as error:
        raise store_error(error) from error
    return connection


def begin_immediate(connection: sqlite3.Connection) -> None:
    """Take the file's write lock; StoreBusy after ten seconds.

    SQLite's own waiting sleeps up to 100 ms at a time, far longer than another process's commit.
    """
    deadline = time.monotonic() + _BUSY_SECONDS
    connection.execute("PRAGMA busy_timeout = 0")
    try:
        while True:
            try:
                connection.execute("BEGIN IMMEDIATE")
            except sqlite3.Error as error:
                mapped = store_error(error)
                if not isinstance(mapped, StoreBusy) or time.monotonic() > deadline:
                    raise mapped from error
                time.sleep(random.uniform(0.0003, 0.003))  # noqa: S311
            else:
                return
    finally:
        connection.execute(f"PRAGMA busy_timeout = {int(_BUSY_SECONDS * 1000)}")


def run(connection: sqlite3.Connection, sql: str) -> None:
    """Run one statement without parameters."""
    try:
        connection.execute(sql)
    except sqlite3.Error as error:
        raise store_error(error) from error


def rollback(connection: sqlite3.Connection) -> None:
    """End the transaction, if the connection still has one."""
    try:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
    except sqlite3.ProgrammingError:
        return  # the store was closed, and the transaction ended with the connection
    except sqlite3.Error as error:
        raise store_error(error) from error


def prepare(path: Path) -> str:
    """Create the file if need be, for its owner's eyes only, bring it up to date; its epoch."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise StoreError(f"cannot open {path}: {error.strerror}") from error
    connection = connect(path)
    try:
        _use_wal(connection)
        tx = SqliteTransaction(connection)
        begin_immediate(connection)
        schema.migrate(tx)
        epoch = schema.read_epoch(tx)
        run(connection, "COMMIT")
    finally:
        connection.close()
    return epoch


def _use_wal(connection: sqlite3.Connection) -> None:
    """Turn WAL on, which fails at once, without waiting, while another process does the same."""
    deadline = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
        except sqlite3.Error as error:
            mapped = store_error(error)
            if not isinstance(mapped, StoreBusy) or time.monotonic() > deadline:
                raise mapped from error
            time.sleep(random.uniform(0.001, 0.01))  # noqa: S311
        else:
            if mode != "wal":
                raise StoreError("the file system does not allow SQLite's write-ahead log")
            return
