"""What changed in a collection since a sync-token (RFC 6578), exactly or not at all.

Why no change is ever skipped. A revision is taken under the collection's row lock, so a snapshot
that shows revision n shows every change up to n. The invariant of a token (revision, base) is that
its holder knows the state of every object whose revision is not above the token's. The next page is
every object above it, in the order of revisions, and its token is the last one listed. An object
that changes between two pages only moves up, into a later page.

Tombstones are left out in two cases. `created_revision` above the token's revision: the name was
never live in anything the holder has seen, because the first listing of an object happens at or
above its creation; a name that is used again keeps its first created_revision, so that a member
deleted, created and deleted again is still reported (at worst to someone who never saw it). And
while an initial listing is paged: revision not above `base`, the collection's revision at the first
page, because what was a tombstone then was in no page.

`floor` is the highest revision of a pruned tombstone: whoever knows less is refused, except that a
listing whose base is at or above the floor started after all of them.
"""

from dataclasses import dataclass

from davenport.storage.database import Transaction
from davenport.storage.error import Gone, InvalidSyncToken
from davenport.storage.model import Collection, ObjectResource
from davenport.storage.rows import OBJECT_COLUMNS, object_resource
from davenport.storage.schema import read_epoch
from davenport.storage.token import SyncToken

_PAGE = f"""
SELECT {OBJECT_COLUMNS} FROM object
WHERE collection_id = :collection_id AND revision > :after AND revision <= :until
  AND (deleted = 0 OR (created_revision <= :after AND revision > :base))
ORDER BY revision LIMIT :limit"""

_LOCK = "UPDATE collection SET revision = revision WHERE id = :id RETURNING floor"

_PRUNED = "collection_id = :id AND deleted = 1 AND modified < :before"

_PRUNE_VERSIONS = """
DELETE FROM version
WHERE object_id IN (SELECT id FROM object WHERE collection_id = :id)
  AND EXISTS (SELECT 1 FROM version later
              WHERE later.object_id = version.object_id AND later.revision > version.revision
                AND later.at < :before)"""


@dataclass(frozen=True, slots=True)
class ChangePage:
    """Objects and tombstones in the order of their revisions; `next` is the token after them."""

    objects: list[ObjectResource]
    next: SyncToken
    more: bool


def check(token: SyncToken, collection: Collection, epoch: str) -> None:
    """Raise InvalidSyncToken unless `page` can answer the token exactly."""
    if token.epoch != epoch:
        raise InvalidSyncToken("the token is from before the store was restored")
    if token.collection_id != collection.id:
        raise InvalidSyncToken("the token is another collection's")
    if max(token.revision, token.base) > collection.revision:
        raise InvalidSyncToken("the token was never given")
    if 0 < token.base <= token.revision:
        raise InvalidSyncToken("the token contradicts itself")
    if max(token.revision, token.base) < collection.floor:
        raise InvalidSyncToken("deletions since the token were pruned")


def page(
    tx: Transaction,
    collection: Collection,
    token: SyncToken | None,
    limit: int,
    until: int | None = None,
) -> ChangePage:
    """Up to `limit` (at least 1) changes after `token`; None lists the live members.

    `collection` must have been read in this transaction, so that its revision and floor belong to
    the same snapshot. A listing in several snapshots passes the revision of the first as `until`
    and ends there; later changes are left to the next sync. Raises InvalidSyncToken as `check`,
    except for the epoch, which the caller has compared with the store's.
    """
    if limit < 1:
        raise ValueError("a page has room for one change at least")
    if token is None:
        token = SyncToken(read_epoch(tx), collection.id, 0, collection.revision)
    else:
        check(token, collection, token.epoch)
    last = collection.revision if until is None else min(until, collection.revision)
    if last <= token.revision:
        return ChangePage([], token, more=False)
    rows = tx.all(
        _PAGE,
        {
            "collection_id": collection.id,
            "after": token.revision,
            "until": last,
            "base": token.base,
            "limit": limit + 1,
        },
    )
    objects = [object_resource(row) for row in rows[:limit]]
    more = len(rows) > limit
    reached = objects[-1].revision if more else last
    base = token.base if token.base > reached else 0
    return ChangePage(objects, SyncToken(token.epoch, collection.id, reached, base), more)


def prune(tx: Transaction, collection_id: int, before: int) -> int:
    """Remove what was superseded before the time `before`; how many tombstones went. Raises Gone.

    Tombstones deleted before it go, and raise the collection's floor; versions go whose successor
    is older than it. The current bytes of a live object stay whatever their age.
    """
    row = tx.one(_LOCK, {"id": collection_id})
    if row is None:
        raise Gone("the collection was removed")
    parameters = {"id": collection_id, "before": before}
    tx.execute(_PRUNE_VERSIONS, parameters)
    tx.execute(
        f"DELETE FROM version WHERE object_id IN (SELECT id FROM object WHERE {_PRUNED})",
        parameters,
    )
    pruned = tx.all(f"DELETE FROM object WHERE {_PRUNED} RETURNING revision", parameters)
    if pruned:
        floor = max(int(row[0]), *(int(revision) for (revision,) in pruned))
        tx.execute(
            "UPDATE collection SET floor = :floor WHERE id = :id",
            {"id": collection_id, "floor": floor},
        )
    return len(pruned)
