"""Accounts and their homes."""

from davenport.storage.database import Parameters, Transaction
from davenport.storage.error import Gone, NameConflict
from davenport.storage.model import HOME_KINDS, Principal
from davenport.storage.rows import PRINCIPAL_COLUMNS
from davenport.storage.rows import principal as row_to_principal

_INSERT = f"""
INSERT INTO principal
  (name, display_name, email, password_hash, credential_revision, disabled, created)
VALUES (:name, :display_name, :email, :password_hash, 1, 0, :now)
ON CONFLICT (name) DO NOTHING
RETURNING {PRINCIPAL_COLUMNS}"""

_INSERT_HOME = """
INSERT INTO collection
  (owner_id, parent_id, name, kind, components, revision, floor, properties, created, modified,
   deleted, members, size)
VALUES (:owner_id, NULL, '', :kind, '', 0, 0, '{}', :now, :now, 0, 0, 0)"""

_SELECT = f"SELECT {PRINCIPAL_COLUMNS} FROM principal"

# The locks first: without the account's none can add a password, without a home's a collection,
# without a collection's an object.
# Then in the order of the references between the tables.
_REMOVE = (
    "UPDATE principal SET name = name WHERE id = :id",
    "UPDATE collection SET revision = revision WHERE owner_id = :id AND parent_id IS NULL",
    "UPDATE collection SET revision = revision WHERE owner_id = :id",
    """DELETE FROM version WHERE object_id IN
         (SELECT o.id FROM object o JOIN collection c ON c.id = o.collection_id
          WHERE c.owner_id = :id)""",
    "DELETE FROM object WHERE collection_id IN (SELECT id FROM collection WHERE owner_id = :id)",
    "DELETE FROM collection WHERE owner_id = :id AND parent_id IS NOT NULL",
    "DELETE FROM collection WHERE owner_id = :id",
    "DELETE FROM app_password WHERE principal_id = :id",
    "DELETE FROM principal WHERE id = :id",
)


def create(
    tx: Transaction,
    name: str,
    *,
    display_name: str,
    email: str | None,
    password_hash: str | None,
    now: int,
) -> Principal:
    """Create an account with its two empty homes; raises NameConflict."""
    row = tx.one(
        _INSERT,
        {
            "name": name,
            "display_name": display_name,
            "email": email,
            "password_hash": password_hash,
            "now": now,
        },
    )
    if row is None:
        raise NameConflict(name)
    created = row_to_principal(row)
    for kind in HOME_KINDS:
        tx.execute(_INSERT_HOME, {"owner_id": created.id, "kind": kind.value, "now": now})
    return created


def by_name(tx: Transaction, name: str) -> Principal | None:
    """The account called `name`, exactly."""
    row = tx.one(f"{_SELECT} WHERE name = :name", {"name": name})
    return row_to_principal(row) if row else None


def by_id(tx: Transaction, principal_id: int) -> Principal | None:
    """The account with this id."""
    row = tx.one(f"{_SELECT} WHERE id = :id", {"id": principal_id})
    return row_to_principal(row) if row else None


def by_email(tx: Transaction, email: str) -> list[Principal]:
    """Every account with this mail address, whatever the case of its ASCII letters."""
    rows = tx.all(f"{_SELECT} WHERE LOWER(email) = LOWER(:email) ORDER BY id", {"email": email})
    return [row_to_principal(row) for row in rows]


def all(tx: Transaction) -> list[Principal]:  # noqa: A001
    """Every account, by name."""
    return [row_to_principal(row) for row in tx.all(f"{_SELECT} ORDER BY name", {})]


def set_password(tx: Transaction, principal_id: int, password_hash: str | None) -> Principal:
    """Replace the password's hash (None: no password), which ends cached ones. Raises Gone."""
    return _update(
        tx,
        "password_hash = :hash, credential_revision = credential_revision + 1",
        {"id": principal_id, "hash": password_hash},
    )


def set_disabled(tx: Transaction, principal_id: int, *, disabled: bool) -> Principal:
    """Lock an account out or let it in again; forgets cached verifications. Raises Gone."""
    return _update(
        tx,
        "disabled = :disabled, credential_revision = credential_revision + 1",
        {"id": principal_id, "disabled": int(disabled)},
    )


def set_email(tx: Transaction, principal_id: int, email: str | None) -> Principal:
    """Replace the mail address. Raises Gone."""
    return _update(tx, "email = :email", {"id": principal_id, "email": email})


def remove(tx: Transaction, principal_id: int) -> None:
    """Delete the account and everything that it owns, every version included."""
    for statement in _REMOVE:
        tx.execute(statement, {"id": principal_id})


def _update(tx: Transaction, change: str, parameters: Parameters) -> Principal:
    row = tx.one(
        f"UPDATE principal SET {change} WHERE id = :id RETURNING {PRINCIPAL_COLUMNS}", parameters
    )
    if row is None:
        raise Gone("the account was removed")
    return row_to_principal(row)
