"""Homes and the calendars and address books in them."""

from collections.abc import Mapping, Sequence

from davenport.storage.database import Transaction
from davenport.storage.error import Gone, NameConflict
from davenport.storage.model import Collection, CollectionKind, ObjectResource, Principal
from davenport.storage.rows import (
    COLLECTION_WIDTH,
    PRINCIPAL_WIDTH,
    collection_columns,
    object_columns,
    object_resource,
    principal_columns,
    properties_text,
)
from davenport.storage.rows import collection as row_to_collection
from davenport.storage.rows import principal as row_to_principal

_SELECT = f"SELECT {collection_columns()} FROM collection"

_INSERT = f"""
INSERT INTO collection
  (owner_id, parent_id, name, kind, components, revision, floor, properties, created, modified,
   deleted, members, size)
VALUES (:owner_id, :parent_id, :name, :kind, :components, 0, 0, :properties, :now, :now, 0, 0, 0)
ON CONFLICT (parent_id, name) WHERE deleted = 0 DO NOTHING
RETURNING {collection_columns()}"""

_FROM_PATH = """
FROM principal p
JOIN collection h ON h.owner_id = p.id AND h.kind = :home_kind AND h.parent_id IS NULL
JOIN collection c ON c.parent_id = h.id AND c.name = :collection_name AND c.deleted = 0"""

_RESOLVE = f"""
SELECT {principal_columns("p")}, {collection_columns("h")}, {collection_columns("c")}
{_FROM_PATH}
WHERE p.name = :owner_name"""

_RESOLVE_OBJECT = f"""
SELECT {principal_columns("p")}, {collection_columns("h")}, {collection_columns("c")},
  {object_columns("o")}
{_FROM_PATH}
LEFT JOIN object o ON o.collection_id = c.id AND o.name = :object_name AND o.deleted = 0
WHERE p.name = :owner_name"""

_RESOLVE_HOME = f"""
SELECT {principal_columns("p")}, {collection_columns("h")}
FROM principal p
JOIN collection h ON h.owner_id = p.id AND h.kind = :home_kind AND h.parent_id IS NULL
WHERE p.name = :owner_name"""

_HOME_AT = PRINCIPAL_WIDTH
_COLLECTION_AT = PRINCIPAL_WIDTH + COLLECTION_WIDTH
_OBJECT_AT = PRINCIPAL_WIDTH + 2 * COLLECTION_WIDTH


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


def resolve(
    tx: Transaction, owner_name: str, home_kind: CollectionKind, collection_name: str
) -> tuple[Principal, Collection, Collection] | None:
    """The owner, home and live collection of a path, in one statement."""
    row = tx.one(
        _RESOLVE,
        {
            "owner_name": owner_name,
            "home_kind": home_kind.value,
            "collection_name": collection_name,
        },
    )
    if row is None:
        return None
    return (
        row_to_principal(row[:_HOME_AT]),
        row_to_collection(row[_HOME_AT:_COLLECTION_AT]),
        row_to_collection(row[_COLLECTION_AT:]),
    )


def resolve_home(
    tx: Transaction, owner_name: str, home_kind: CollectionKind
) -> tuple[Principal, Collection] | None:
    """The owner and home of a path, in one statement."""
    row = tx.one(_RESOLVE_HOME, {"owner_name": owner_name, "home_kind": home_kind.value})
    if row is None:
        return None
    return row_to_principal(row[:_HOME_AT]), row_to_collection(row[_HOME_AT:])


def resolve_object(
    tx: Transaction,
    owner_name: str,
    home_kind: CollectionKind,
    collection_name: str,
    object_name: str,
) -> tuple[Principal, Collection, Collection, ObjectResource | None] | None:
    """As `resolve`, with the live object of the last segment (None if there is none)."""
    row = tx.one(
        _RESOLVE_OBJECT,
        {
            "owner_name": owner_name,
            "home_kind": home_kind.value,
            "collection_name": collection_name,
            "object_name": object_name,
        },
    )
    if row is None:
        return None
    return (
        row_to_principal(row[:_HOME_AT]),
        row_to_collection(row[_HOME_AT:_COLLECTION_AT]),
        row_to_collection(row[_COLLECTION_AT:_OBJECT_AT]),
        None if row[_OBJECT_AT] is None else object_resource(row[_OBJECT_AT:]),
    )


def lock(tx: Transaction, collection_id: int) -> Collection:
    """Hold the live collection's row until the end of the transaction; raises Gone.

    Whoever changes members takes this lock before the new revision, so that revisions are
    committed in their order and conditions checked under it still hold at the write.
    """
    row = tx.one(
        "UPDATE collection SET revision = revision WHERE id = :id AND deleted = 0"
        f" RETURNING {collection_columns()}",
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
        f" WHERE id = :id RETURNING {collection_columns()}",
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
        f" WHERE id = :id AND deleted = 0 RETURNING {collection_columns()}",
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
