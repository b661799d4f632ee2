"""Calendar and address objects: one row for each name, every version of the bytes beside it."""

import string
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TypeVar

from davenport.objects.index import Index, Narrowing
from davenport.storage import collections
from davenport.storage.database import SqlValue, Transaction
from davenport.storage.error import Gone, StoreError, UidConflict
from davenport.storage.model import ObjectResource
from davenport.storage.rows import (
    NO_END,
    NO_START,
    OBJECT_COLUMNS,
    object_resource,
    properties_text,
)

T = TypeVar("T")

# PostgreSQL's index entries hold 2,704 bytes; the server's own limits on names and UIDs are lower.
KEY_BYTES = 1024
_CHUNK = 500

_SELECT = f"SELECT {OBJECT_COLUMNS} FROM object"

_INSERT = f"""
INSERT INTO object
  (collection_id, name, uid, component, revision, created_revision, body_revision, deleted, etag,
   size, starts, ends, created, modified, properties)
VALUES
  (:collection_id, :name, :uid, :component, :revision, :revision, :revision, 0, :etag,
   :size, :starts, :ends, :now, :now, '{{}}')
RETURNING {OBJECT_COLUMNS}"""

_REPLACE = f"""
UPDATE object SET
  uid = :uid, component = :component, revision = :revision, body_revision = :revision, deleted = 0,
  etag = :etag, size = :size, starts = :starts, ends = :ends, created = :created,
  modified = :now, properties = :properties
WHERE id = :id
RETURNING {OBJECT_COLUMNS}"""

_INSERT_VERSION = """
INSERT INTO version (object_id, revision, body, etag, actor, device, at)
VALUES (:object_id, :revision, :body, :etag, :actor, :device, :now)"""

_BUMP = """
UPDATE collection SET revision = revision + 1, modified = :now, members = members + :members,
  size = size + :size
WHERE id = :id RETURNING revision"""

_CANDIDATES = (
    f"{_SELECT} WHERE collection_id = :collection_id AND deleted = 0 AND name > :after_name"
)
# By the index of names a page costs its rows. What narrows by a time or UID is better found by
# their indexes and sorted: the empty text keeps the planner from the one of names.
_BY_NAME, _SORTED = " ORDER BY name LIMIT :limit", " ORDER BY name || '' LIMIT :limit"


_FOLDED = {ord(letter): letter.lower() for letter in string.ascii_uppercase}

# How each field of a Narrowing rules rows out. On a column both engines' lower() folds A to Z
# and no more; on a parameter PostgreSQL's folds all letters, so the pattern comes folded.
_CONDITIONS = {
    "component": "component = :component",
    "uid": "uid = :uid",
    "starts": "ends >= :starts",
    "ends": "starts <= :ends",
    "uid_contains": r"lower(uid) LIKE :uid_contains ESCAPE '\'",
}


def get(tx: Transaction, collection_id: int, name: str) -> ObjectResource | None:
    """The live object called `name`."""
    row = tx.one(
        f"{_SELECT} WHERE collection_id = :collection_id AND name = :name AND deleted = 0",
        {"collection_id": collection_id, "name": name},
    )
    return object_resource(row) if row else None


def by_uid(tx: Transaction, collection_id: int, uid: str) -> ObjectResource | None:
    """The live object that holds `uid`, byte for byte."""
    row = tx.one(
        f"{_SELECT} WHERE collection_id = :collection_id AND uid = :uid AND deleted = 0",
        {"collection_id": collection_id, "uid": uid},
    )
    return object_resource(row) if row else None


def get_many(
    tx: Transaction, collection_id: int, names: Iterable[str]
) -> dict[str, ObjectResource]:
    """The live objects among `names`, by name; one statement for each 500."""
    found: dict[str, ObjectResource] = {}
    for chunk in _chunks(dict.fromkeys(names)):
        parameters: dict[str, SqlValue] = {f"n{i}": name for i, name in enumerate(chunk)}
        places = ", ".join(f":{place}" for place in parameters)
        parameters["collection_id"] = collection_id
        rows = tx.all(
            f"{_SELECT} WHERE collection_id = :collection_id AND name IN ({places})"
            " AND deleted = 0",
            parameters,
        )
        found.update((row[2], object_resource(row)) for row in rows)
    return found


def body(tx: Transaction, resource: ObjectResource) -> bytes:
    """The bytes of exactly this state of an object, though it may have changed since; or Gone."""
    row = tx.one(
        "SELECT body FROM version WHERE object_id = :id AND revision = :revision",
        {"id": resource.id, "revision": resource.body_revision},
    )
    if row is None:
        raise Gone("the object was removed and pruned")
    return bytes(row[0])


def bodies(tx: Transaction, resources: Iterable[ObjectResource]) -> dict[int, bytes]:
    """The bytes of each object as in `body`, by id; one statement for 500, pruned ones missing."""
    found: dict[int, bytes] = {}
    for chunk in _chunks(resources):
        parameters: dict[str, SqlValue] = {}
        for i, resource in enumerate(chunk):
            parameters[f"o{i}"] = resource.id
            parameters[f"r{i}"] = resource.body_revision
        wanted = ", ".join(f"(:o{i}, :r{i})" for i in range(len(chunk)))
        rows = tx.all(
            f"WITH wanted (object_id, revision) AS (VALUES {wanted})"
            " SELECT v.object_id, v.body FROM wanted w"
            " JOIN version v ON v.object_id = w.object_id AND v.revision = w.revision",
            parameters,
        )
        found.update((row[0], bytes(row[1])) for row in rows)
    return found


def put(  # noqa: PLR0913
    tx: Transaction,
    collection_id: int,
    name: str,
    index: Index,
    body: bytes,
    etag: str,
    *,
    actor: str,
    device: str | None,
    now: int,
) -> tuple[ObjectResource, bool]:
    """Store `body` under `name`; the object, and whether the name was free.

    Takes the collection's lock. The etag of the live object again: nothing changes. Raises
    UidConflict with the name that holds the UID, Gone without the collection, ValueError for a
    name or UID longer than KEY_BYTES.
    """
    if max(len(name.encode()), len(index.uid.encode())) > KEY_BYTES:
        raise ValueError(f"a name or UID of more than {KEY_BYTES} bytes")
    collections.lock(tx, collection_id)
    old = _row_of_name(tx, collection_id, name, index.uid)
    if old is not None and not old.deleted and old.etag == etag:
        return old, False
    free = old is None or old.deleted
    grown = len(body) - (0 if old is None or old.deleted else old.size)
    revision = _bump(tx, collection_id, now, members=int(free), size=grown)
    values: dict[str, SqlValue] = {
        "collection_id": collection_id,
        "name": name,
        "uid": index.uid,
        "component": index.component,
        "revision": revision,
        "etag": etag,
        "size": len(body),
        "starts": NO_START if index.starts is None else index.starts,
        "ends": NO_END if index.ends is None else index.ends,
        "now": now,
    }
    if old is None:
        row = tx.one(_INSERT, values)
    else:
        values["id"] = old.id
        values["created"] = now if free else old.created
        values["properties"] = properties_text({} if free else old.properties)
        row = tx.one(_REPLACE, values)
    assert row is not None
    stored = object_resource(row)
    _add_version(tx, stored, body, actor=actor, device=device)
    return stored, free


def delete(
    tx: Transaction, resource: ObjectResource, *, actor: str, device: str | None, now: int
) -> ObjectResource:
    """Turn the live object into its tombstone, whatever its state by now; raises Gone."""
    collections.lock(tx, resource.collection_id)
    current = _live(tx, resource.id)
    revision = _bump(tx, resource.collection_id, now, members=-1, size=-current.size)
    row = tx.one(
        "UPDATE object SET deleted = 1, revision = :revision, body_revision = :revision,"
        f" modified = :now WHERE id = :id RETURNING {OBJECT_COLUMNS}",
        {"id": resource.id, "revision": revision, "now": now},
    )
    assert row is not None
    tombstone = object_resource(row)
    _add_version(tx, tombstone, b"", actor=actor, device=device)
    return tombstone


def set_properties(
    tx: Transaction, resource: ObjectResource, properties: Mapping[str, str], *, now: int
) -> ObjectResource:
    """Replace a live object's properties, which sync reports; the etag stays. Raises Gone."""
    collections.lock(tx, resource.collection_id)
    current = _live(tx, resource.id)
    if dict(current.properties) == dict(properties):
        return current
    revision = _bump(tx, resource.collection_id, now, members=0, size=0)
    row = tx.one(
        "UPDATE object SET properties = :properties, revision = :revision"
        f" WHERE id = :id RETURNING {OBJECT_COLUMNS}",
        {
            "id": resource.id,
            "properties": properties_text(properties),
            "revision": revision,
        },
    )
    assert row is not None
    return object_resource(row)


def list_page(
    tx: Transaction, collection_id: int, after_name: str | None, limit: int
) -> list[ObjectResource]:
    """Up to `limit` live objects by name (bytes of UTF-8), after `after_name`."""
    rows = tx.all(
        f"{_SELECT} WHERE collection_id = :collection_id AND name > :after_name AND deleted = 0"
        " ORDER BY name LIMIT :limit",
        {"collection_id": collection_id, "after_name": after_name or "", "limit": limit},
    )
    return [object_resource(row) for row in rows]


def candidates(
    tx: Transaction,
    collection_id: int,
    narrowing: Narrowing,
    after_name: str | None = None,
    limit: int = _CHUNK,
) -> list[ObjectResource]:
    """Up to `limit` live objects by name, after `after_name`, that the index cannot rule out.

    An instance without duration touches both edges of the window.
    """
    if narrowing.uid_contains is not None and len(narrowing.uid_contains) > KEY_BYTES:
        return []  # no UID is so long, and SQLite has a limit on patterns
    sql = _CANDIDATES
    parameters: dict[str, SqlValue] = {
        "collection_id": collection_id,
        "after_name": after_name or "",
        "limit": limit,
    }
    for name, condition in _CONDITIONS.items():
        value = getattr(narrowing, name)
        if value is not None:
            sql += f" AND {condition}"
            parameters[name] = _pattern(value) if name == "uid_contains" else value
    selective = (narrowing.uid, narrowing.starts, narrowing.ends) != (None, None, None)
    rows = tx.all(sql + (_SORTED if selective else _BY_NAME), parameters)
    return [object_resource(row) for row in rows]


def _pattern(part: str) -> str:
    """A LIKE pattern for folded texts that contain `part`."""
    folded = part.translate(_FOLDED)
    escaped = folded.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


def count_and_size(tx: Transaction, collection_id: int) -> tuple[int, int]:
    """How many live objects a collection has and their bytes together; kept with its row."""
    return _total(tx, "id = :id", collection_id)


def home_count_and_size(tx: Transaction, home_id: int) -> tuple[int, int]:
    """As `count_and_size`, over every live collection of a home."""
    return _total(tx, "parent_id = :id", home_id)


def owner_count_and_size(tx: Transaction, owner_id: int) -> tuple[int, int]:
    """As `count_and_size`, over every live collection of a principal."""
    return _total(tx, "owner_id = :id", owner_id)


def _total(tx: Transaction, which: str, id_: int) -> tuple[int, int]:
    row = tx.one(
        "SELECT CAST(COALESCE(SUM(members), 0) AS BIGINT), CAST(COALESCE(SUM(size), 0) AS BIGINT)"
        f" FROM collection WHERE {which} AND deleted = 0",
        {"id": id_},
    )
    assert row is not None
    return int(row[0]), int(row[1])


def _row_of_name(tx: Transaction, collection_id: int, name: str, uid: str) -> ObjectResource | None:
    """The row of `name`, live or not; UidConflict when another live one holds `uid`."""
    rows = tx.all(
        f"{_SELECT} WHERE collection_id = :collection_id AND name = :name"
        f" UNION ALL {_SELECT}"
        " WHERE collection_id = :collection_id AND uid = :uid AND deleted = 0 AND name <> :name",
        {"collection_id": collection_id, "name": name, "uid": uid},
    )
    own: ObjectResource | None = None
    for row in map(object_resource, rows):
        if row.name != name:
            raise UidConflict(row.name)
        own = row
    return own


def _live(tx: Transaction, object_id: int) -> ObjectResource:
    row = tx.one(f"{_SELECT} WHERE id = :id AND deleted = 0", {"id": object_id})
    if row is None:
        raise Gone("the object was removed")
    return object_resource(row)


def _bump(tx: Transaction, collection_id: int, now: int, *, members: int, size: int) -> int:
    row = tx.one(_BUMP, {"id": collection_id, "now": now, "members": members, "size": size})
    if row is None:
        raise StoreError("a locked collection vanished")
    return int(row[0])


def _add_version(
    tx: Transaction, resource: ObjectResource, body: bytes, *, actor: str, device: str | None
) -> None:
    tx.execute(
        _INSERT_VERSION,
        {
            "object_id": resource.id,
            "revision": resource.revision,
            "body": body,
            "etag": "" if resource.deleted else resource.etag,
            "actor": actor,
            "device": device,
            "now": resource.modified,
        },
    )


def _chunks(items: Iterable[T]) -> Iterator[Sequence[T]]:
    iterator = iter(items)
    while chunk := list(islice(iterator, _CHUNK)):
        yield chunk
