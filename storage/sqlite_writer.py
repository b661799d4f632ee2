"""Group commit: one thread runs waiting works in one transaction, each in its own savepoint.

A caller is answered only after the commit, which costs one sync of the disk for the whole group.
"""

import queue
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from davenport.storage.database import T, Transaction
from davenport.storage.error import StoreError
from davenport.storage.sqlite_connection import (
    SqliteTransaction,
    begin_immediate,
    connect,
    rollback,
    run,
)

GROUP = 64


@dataclass(frozen=True, slots=True)
class _Job:
    work: Callable[[Transaction], Any]
    answer: Future[Any]


class SqliteWriter:
    """The process's one writing connection and its thread."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._connection: sqlite3.Connection | None = None
        self._thread = threading.Thread(target=self._serve, name="sqlite-writer", daemon=True)
        self._thread.start()

    def submit(self, work: Callable[[Transaction], T]) -> Future[T]:
        """Queue `work`; the future is done after its commit or failure."""
        if threading.current_thread() is self._thread:
            raise StoreError("a work may not start another write")
        answer: Future[T] = Future()
        self._jobs.put(_Job(work, answer))
        return answer

    def close(self) -> None:
        """Run what waits, then end the thread and its connection."""
        self._jobs.put(None)
        self._thread.join()

    def _serve(self) -> None:
        closing = False
        while not closing:
            group: list[_Job] = []
            job = self._jobs.get()
            while job is not None:
                group.append(job)
                if len(group) == GROUP or self._jobs.empty():
                    break
                job = self._jobs.get()
            closing = job is None
            if group:
                self._run(group)
                group.clear()
                job = None
        self._disconnect()

    def _run(self, group: list[_Job]) -> None:
        """Commit a group; one that a work has broken is run again one by one."""
        try:
            outcomes = self._commit(group)
        except BaseException as error:  # noqa: BLE001 - handed to every caller of the group
            self._disconnect()
            outcomes = [(None, error)] * len(group)
        if outcomes is None:
            for job in group:
                self._run([job])
            return
        for job, (result, failure) in zip(group, outcomes, strict=True):
            if failure is None:
                job.answer.set_result(result)
            else:
                job.answer.set_exception(failure)

    def _commit(self, group: list[_Job]) -> list[tuple[Any, BaseException | None]] | None:
        """Run a group in one transaction; each work's result and failure.

        SQLite undoes the whole transaction on some failures (a full disk, an I/O error). None says
        that this happened to a group of several, whose works then know nothing of each other.
        """
        connection = self._connection = self._connection or connect(self._path)
        begin_immediate(connection)
        outcomes: list[tuple[Any, BaseException | None]] = []
        try:
            for job in group:
                outcomes.append(self._attempt(connection, job))
                if not connection.in_transaction:
                    return outcomes if len(group) == 1 else None
            run(connection, "COMMIT")
        except StoreError:
            if len(group) == 1:
                raise
            return None
        finally:
            rollback(connection)
        return outcomes

    def _attempt(
        self, connection: sqlite3.Connection, job: _Job
    ) -> tuple[Any, BaseException | None]:
        run(connection, "SAVEPOINT work")
        try:
            result = job.work(SqliteTransaction(connection))
        except BaseException as error:  # noqa: BLE001 - the caller's own, handed back to it
            if connection.in_transaction:
                run(connection, "ROLLBACK TO work")
                run(connection, "RELEASE work")
            return None, error
        if connection.in_transaction:
            run(connection, "RELEASE work")
            return result, None
        return None, StoreError("the transaction ended within the work")

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
