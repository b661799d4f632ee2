"""Transactions, SQL and schema on SQLite and PostgreSQL."""

from davenport.storage.database import Store, Transaction
from davenport.storage.open import open_store

__all__ = ["Store", "Transaction", "open_store"]
