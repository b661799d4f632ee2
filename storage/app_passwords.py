"""Passwords for single devices, each revocable without touching the others."""

from davenport.storage.database import Transaction
from davenport.storage.error import Gone
from davenport.storage.model import AppPassword
from davenport.storage.rows import app_password

_COLUMNS = "id, principal_id, label, secret_hash, read_only, expires, last_used, created"

_INSERT = f"""
INSERT INTO app_password
  (principal_id, label, secret_hash, read_only, expires, last_used, created)
VALUES (:principal_id, :label, :secret_hash, :read_only, :expires, NULL, :now)
RETURNING {_COLUMNS}"""

_LOCK_PRINCIPAL = "UPDATE principal SET name = name WHERE id = :id"


def add(  # noqa: PLR0913
    tx: Transaction,
    principal_id: int,
    *,
    label: str,
    secret_hash: str,
    read_only: bool,
    expires: int | None,
    now: int,
) -> AppPassword:
    """Add a password; `expires` in UTC seconds, None for never. Raises Gone without the account."""
    if not tx.execute(_LOCK_PRINCIPAL, {"id": principal_id}):
        raise Gone("the account was removed")
    row = tx.one(
        _INSERT,
        {
            "principal_id": principal_id,
            "label": label,
            "secret_hash": secret_hash,
            "read_only": int(read_only),
            "expires": expires,
            "now": now,
        },
    )
    assert row is not None
    return app_password(row)


def of_principal(tx: Transaction, principal_id: int) -> list[AppPassword]:
    """An account's passwords, oldest first."""
    rows = tx.all(
        f"SELECT {_COLUMNS} FROM app_password WHERE principal_id = :id ORDER BY id",
        {"id": principal_id},
    )
    return [app_password(row) for row in rows]


def revoke(tx: Transaction, app_password_id: int) -> bool:
    """Delete a password and forget its principal's cached verifications; False if there is none."""
    row = tx.one(
        "DELETE FROM app_password WHERE id = :id RETURNING principal_id", {"id": app_password_id}
    )
    if row is None:
        return False
    tx.execute(
        "UPDATE principal SET credential_revision = credential_revision + 1 WHERE id = :id",
        {"id": row[0]},
    )
    return True


def touch_last_used(tx: Transaction, app_password_id: int, now: int) -> None:
    """Note when a password was last used; one that is gone is left gone."""
    tx.execute(
        "UPDATE app_password SET last_used = :now WHERE id = :id",
        {"id": app_password_id, "now": now},
    )
