"""Homes and the calendars and address books in them."""

from collections.abc import Mapping, Sequence

from davenport.storage.database import Transaction
from davenport.storage.error import Gone, NameConflict
from davenport.storage.model import Collection, CollectionKind
from davenport.storage.rows import (
    COLLECTION_COLUMNS,
    properties_text,
)
from davenport.storage.rows import collection as row_to_collection

_SELECT = f"SELECT {COLLECTION_COLUMNS} FROM collection"

_INSERT = f"""
INSERT INTO collection
  (owner_id, parent_id, name, kind, components, revision, floor, properties, created, modified,
   deleted, members, size)
VALUES (:owner_id, :parent_id, :name, :kind, :components, 0, 0, :properties, :now, :now, 0, 0, 0)
ON CONFLICT (parent_id, name) WHERE deleted = 0 DO NOTHING
RETURNING {COLLECTION_COLUMNS}"""


def home(tx: Transaction, owner_id: int, kind: CollectionKind) -> Collection:
    """A principal's home of a kind; raises Gone when the principal is."""
    row = tx.one(
        f"{_SELECT} WHERE owner_id = :owner_id AND kind = :kind AND parent_id IS NULL",
        {"owner_id": owner_id, "kind": kind.value},
    )
    if row is None:
        raise Gone("the account was removed")
    return row_to_collection(row)


def get(tx: Transaction, collection_id: int) -> Collection | None:
    """The collection with this id, deleted or not."""
    row = tx.one(f"{_SELECT} WHERE id = :id", {"id": collection_id})
    return row_to_collection(row) if row else None


def child(tx: Transaction, parent_id: int, name: str) -> Collection | None:
    """The live collection called `name` in a home."""
    row = tx.one(
        f"{_SELECT} WHERE parent_id = :parent_id AND name = :name AND deleted = 0",
        {"parent_id": parent_id, "name": name},
    )
    return row_to_collection(row) if row else None


def children(tx: Transaction, parent_id: int) -> list[Collection]:
    """The live collections of a home, by name."""
    rows = tx.all(
        f"{_SELECT} WHERE parent_id = :parent_id AND deleted = 0 ORDER BY name",
        {"parent_id": parent_id},
    )
    return [row_to_collection(row) for row in rows]


def lock(tx: Transaction, collection_id: int) -> Collection:
    """Hold the live collection's row until the end of the transaction; raises Gone.

    Whoever changes members takes this lock before the new revision, so that revisions are
    committed in their order and conditions checked under it still hold at the write.
    """
    row = tx.one(
        "UPDATE collection SET revision = revision WHERE id = :id AND deleted = 0"
        f" RETURNING {COLLECTION_COLUMNS}",
        {"id": collection_id},
    )
    if row is None:
        raise Gone("the collection was removed")
    return row_to_collection(row)


def create(  # noqa: PLR0913, PLR0917
    tx: Transaction,
    parent: Collection,
    name: str,
    kind: CollectionKind,
    components: Sequence[str],
    properties: Mapping[str, str],
    now: int,
) -> Collection:
    """Create a collection in a home; raises NameConflict. Moves the home's revision."""
    _touch(tx, parent.id, now)
    row = tx.one(
        _INSERT,
        {
            "owner_id": parent.owner_id,
            "parent_id": parent.id,
            "name": name,
            "kind": kind.value,
            "components": ",".join(components),
            "properties": properties_text(properties),
            "now": now,
        },
    )
    if row is None:
        raise NameConflict(name)
    return row_to_collection(row)


def set_properties(
    tx: Transaction, collection_id: int, properties: Mapping[str, str], now: int
) -> Collection:
    """Replace a collection's properties; raises Gone.

    A change moves the revision, so that ctag, sync-token and the home's sync show it; a member sync
    from before then lists nothing and hands out the new token. The same properties change nothing.
    """
    current = lock(tx, collection_id)
    if dict(current.properties) == dict(properties):
        return current
    row = tx.one(
        "UPDATE collection SET properties = :properties, revision = revision + 1, modified = :now"
        f" WHERE id = :id RETURNING {COLLECTION_COLUMNS}",
        {"id": collection_id, "properties": properties_text(properties), "now": now},
    )
    assert row is not None
    return row_to_collection(row)


def delete(tx: Transaction, collection_id: int, now: int) -> Collection:
    """Turn a collection into its tombstone; raises Gone. Moves the home's revision.

    Its objects and their versions stay, unreachable by any path.
    """
    current = get(tx, collection_id)
    if current is None or current.deleted:
        raise Gone("the collection was removed")
    if current.parent_id is None:
        raise ValueError("a home cannot be deleted")
    _touch(tx, current.parent_id, now)
    row = tx.one(
        "UPDATE collection SET deleted = 1, revision = revision + 1, modified = :now"
        f" WHERE id = :id AND deleted = 0 RETURNING {COLLECTION_COLUMNS}",
        {"id": collection_id, "now": now},
    )
    if row is None:
        raise Gone("the collection was removed")
    return row_to_collection(row)


def _touch(tx: Transaction, home_id: int, now: int) -> None:
    """Lock a home's row and move its revision; raises Gone."""
    touched = tx.execute(
        "UPDATE collection SET revision = revision + 1, modified = :now WHERE id = :id",
        {"id": home_id, "now": now},
    )
    if not touched:
        raise Gone("the home was removed")
