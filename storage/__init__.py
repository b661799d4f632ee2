"""Transactions, SQL and schema on SQLite and PostgreSQL."""
