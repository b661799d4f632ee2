"""What both engines offer: statements in a transaction, snapshots to read, works to write.

Statement texts are the same for every engine: `:name` parameters, INTEGER, TEXT and BLOB values.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any, Protocol, TypeVar

T = TypeVar("T")
SqlValue = int | str | bytes | None
Parameters = Mapping[str, SqlValue]
Row = tuple[Any, ...]


class Transaction(Protocol):
    """Statements in one transaction; valid only inside its `read` block or work."""

    def all(self, sql: str, parameters: Parameters) -> list[Row]:
        """Every row of the answer."""
        ...

    def one(self, sql: str, parameters: Parameters) -> Row | None:
        """The first row of the answer, or None."""
        ...

    def execute(self, sql: str, parameters: Parameters) -> int:
        """Run a statement without an answer; the number of rows it touched."""
        ...


class Store(Protocol):
    """A database with davenport's schema. Every method may be called from any thread.

    All raise StoreError, StoreBusy or StoreFull when the database cannot do what was asked.
    """

    @property
    def epoch(self) -> str:
        """The store's random id in every sync-token, at most a second old; see `renew_epoch`."""
        ...

    @property
    def local(self) -> bool:
        """True when reads are point reads on this machine, short enough for an event loop."""
        ...

    def read(self) -> AbstractContextManager[Transaction]:
        """One snapshot; keep it short. A `read` inside a `read` of the same thread shares it."""
        ...

    def write(self, work: Callable[[Transaction], T]) -> T:
        """Run `work` in a transaction and return its result after the durable commit.

        `work` may be run again after a conflict between transactions, so it must have no effect
        but its statements. An exception from it undoes its statements alone and is raised here.
        """
        ...

    def renew_epoch(self) -> str:
        """Make every sync-token given so far invalid: after a restore from a backup."""
        ...

    def ready(self) -> None:
        """Raise StoreError when the store cannot answer a read now."""
        ...

    def close(self) -> None:
        """Finish waiting writes and close every connection."""
        ...
