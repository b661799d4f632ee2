"""The schema's numbered migrations: forward only, all pending ones in one transaction."""

import re
import secrets
from collections.abc import Callable
from functools import cache
from importlib.resources import files

from davenport.storage.database import Transaction
from davenport.storage.error import SchemaTooNew, StoreError

CREATE_META = "CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL)"
_SET = (
    "INSERT INTO meta (key, value) VALUES (:key, :value)"
    " ON CONFLICT (key) DO UPDATE SET value = :value"
)


@cache
def migrations() -> tuple[tuple[str, ...], ...]:
    """The statements of migration 1, 2, …; StoreError if the numbering has a hole."""
    folder = files("davenport.storage") / "migrations"
    found = sorted((file for file in folder.iterdir() if file.name.endswith(".sql")), key=str)
    numbers = [int(file.name.split("_")[0]) for file in found]
    if numbers != list(range(1, len(found) + 1)):
        raise StoreError(f"the migrations are numbered {numbers}")
    return tuple(_statements(file.read_text("utf-8")) for file in found)


def migrate(tx: Transaction, dialect: Callable[[str], str] = str) -> None:
    """Bring the schema up to date; the caller holds the engine's lock against other openers.

    `dialect` turns a schema statement into the engine's own. Raises SchemaTooNew.
    """
    tx.execute(dialect(CREATE_META), {})
    present = schema_number(tx)
    for number, statements in enumerate(migrations(), start=1):
        if number > present:
            for statement in statements:
                tx.execute(dialect(statement), {})
    if present == 0:
        new_epoch(tx)
    tx.execute(_SET, {"key": "schema", "value": str(len(migrations()))})


def schema_number(tx: Transaction) -> int:
    """The number of the last migration that the store has seen; raises SchemaTooNew."""
    row = tx.one("SELECT value FROM meta WHERE key = :key", {"key": "schema"})
    number = int(row[0]) if row else 0
    if number > len(migrations()):
        raise SchemaTooNew(
            f"the store has schema {number}, this version of davenport knows {len(migrations())}"
        )
    return number


def new_epoch(tx: Transaction) -> str:
    """Give the store a new random epoch."""
    epoch = secrets.token_hex(8)
    tx.execute(_SET, {"key": "epoch", "value": epoch})
    return epoch


def read_epoch(tx: Transaction) -> str:
    """The store's epoch (see `SyncToken`)."""
    row = tx.one("SELECT value FROM meta WHERE key = :key", {"key": "epoch"})
    if row is None:
        raise StoreError("the store has no epoch")
    return str(row[0])


def _statements(text: str) -> tuple[str, ...]:
    text = re.sub(r"--.*", "", text)
    return tuple(statement.strip() for statement in text.split(";") if statement.strip())
