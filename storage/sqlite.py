"""SQLite: a connection for each reading thread and one writer thread that groups waiting works."""

import os
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from davenport.storage import schema
from davenport.storage.database import T, Transaction
from davenport.storage.error import StoreError
from davenport.storage.sqlite_connection import (
    SqliteTransaction,
    connect,
    prepare,
    rollback,
    run,
)
from davenport.storage.sqlite_writer import SqliteWriter

_EPOCH_SECONDS = 1.0


class _Reader:
    """A thread's connection, closed when the thread or the store ends."""

    def __init__(self, path: Path) -> None:
        connection = connect(path)
        run(connection, "PRAGMA query_only = ON")
        self.connection = connection
        self.transaction = SqliteTransaction(connection)
        self.depth = 0
        self.close = weakref.finalize(self, connection.close)


class SqliteStore:
    """A store in one file in WAL mode; any number of processes may open it."""

    def __init__(self, path: Path) -> None:
        """Open or create the file and bring its schema up to date.

        Raises SchemaTooNew, StoreBusy, StoreError.
        """
        self._path = path
        self._closed = False
        self._lock = threading.Lock()
        self._threads = threading.local()
        self._readers: weakref.WeakSet[_Reader] = weakref.WeakSet()
        self._writer: SqliteWriter | None = None
        self._epoch = prepare(path)
        self._epoch_at = time.monotonic()
        _stores.add(self)

    @property
    def epoch(self) -> str:
        return self._epoch

    @property
    def local(self) -> bool:
        return True

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        reader = self._reader()
        if reader.depth == 0:
            run(reader.connection, "BEGIN")
        reader.depth += 1
        try:
            if time.monotonic() - self._epoch_at > _EPOCH_SECONDS:
                self._epoch = schema.read_epoch(reader.transaction)
                self._epoch_at = time.monotonic()
            yield reader.transaction
        finally:
            reader.depth -= 1
            if reader.depth == 0:
                rollback(reader.connection)

    def write(self, work: Callable[[Transaction], T]) -> T:
        with self._lock:
            if self._closed:
                raise StoreError("the store is closed")
            if self._writer is None:
                self._writer = SqliteWriter(self._path)
            answer = self._writer.submit(work)
        return answer.result()

    def renew_epoch(self) -> str:
        self._epoch = self.write(schema.new_epoch)
        return self._epoch

    def ready(self) -> None:
        with self.read() as tx:
            schema.read_epoch(tx)

    def close(self) -> None:
        with self._lock:
            self._closed = True
            writer, self._writer = self._writer, None
        if writer is not None:
            writer.close()
        with self._lock:
            for reader in list(self._readers):
                reader.close()

    def _reader(self) -> _Reader:
        reader: _Reader | None = getattr(self._threads, "reader", None)
        if reader is None:
            reader = _Reader(self._path)
            self._threads.reader = reader
            with self._lock:
                self._readers.add(reader)
        if self._closed:
            raise StoreError("the store is closed")
        return reader

    def after_fork(self) -> None:
        """Forget the parent's thread and connections without closing them: they stay the parent's.

        SQLite's locks do not survive a fork, so the child must not touch a connection again.
        """
        for reader in self._readers:
            reader.close.detach()
            _inherited.append(reader)
        _inherited.append(self._writer)
        self._writer = None
        self._lock = threading.Lock()
        self._threads = threading.local()
        self._readers = weakref.WeakSet()


_stores: weakref.WeakSet[SqliteStore] = weakref.WeakSet()
_inherited: list[object] = []


def _after_fork() -> None:
    for store in list(_stores):
        store.after_fork()


os.register_at_fork(after_in_child=_after_fork)
