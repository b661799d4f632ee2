"""Opens a store by its location."""

from pathlib import Path

from davenport.storage.database import Store
from davenport.storage.error import StoreError
from davenport.storage.sqlite import SqliteStore


def open_store(location: str | Path) -> Store:
    """Open the store at `location`: a path (SQLite) or a postgresql:// URL.

    Creates the schema or brings it up to date. Raises SchemaTooNew, StoreBusy, StoreError.
    """
    text = str(location)
    if not text.startswith(("postgresql://", "postgres://")):
        return SqliteStore(Path(location))
    try:
        from davenport.storage.postgres import PostgresStore  # noqa: PLC0415
    except ImportError as error:
        raise StoreError("PostgreSQL needs the extra: pip install 'davenport[postgres]'") from error
    return PostgresStore(text)
