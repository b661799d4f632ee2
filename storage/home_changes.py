"""What changed in a home since a sync-token (RFC 6578 on a home, sync-level 1 and infinite).

A home's state is the vector of its collections' states, so its sync is as exact as theirs, writers
to different collections never wait for each other, and a collection that is shared into the home
later is one more entry. The work of a page is one statement for the collections and one for each
collection that has moved, up to the limit.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from davenport.storage import changes, collections
from davenport.storage.database import SqlValue, Transaction
from davenport.storage.error import InvalidSyncToken
from davenport.storage.model import Collection, ObjectResource
from davenport.storage.rows import COLLECTION_COLUMNS
from davenport.storage.rows import collection as row_to_collection
from davenport.storage.schema import read_epoch
from davenport.storage.token import HomeSyncToken, SyncToken

_CHUNK = 500


@dataclass(frozen=True, slots=True)
class HomePage:
    """Collections that are new or changed, and tombstones whose name no live collection bears."""

    changed: list[Collection]
    removed: list[Collection]
    next: HomeSyncToken
    more: bool


@dataclass(frozen=True, slots=True)
class MemberChanges:
    """A collection that is new or changed, and its members' changes as in `ChangePage.objects`."""

    collection: Collection
    objects: list[ObjectResource]


@dataclass(frozen=True, slots=True)
class HomeMembersPage:
    """As `HomePage`, with the members of what changed."""

    changed: list[MemberChanges]
    removed: list[Collection]
    next: HomeSyncToken
    more: bool


@dataclass(frozen=True, slots=True)
class _Home:
    """A home and a token's vector, compared."""

    children: list[Collection]  # live, by id
    gone: list[Collection]  # in the vector, live no more
    known: dict[int, tuple[int, int]]  # the vector


def state(tx: Transaction, home: Collection, *, members: bool = False) -> HomeSyncToken:
    """The token of the home as it is: what DAV:sync-token shows (`members`: for level infinite)."""
    vector = {child.id: (child.revision, 0) for child in collections.children(tx, home.id)}
    return HomeSyncToken(read_epoch(tx), home.id, vector, members)


def check(token: HomeSyncToken, home: Collection, epoch: str) -> None:
    """Raise InvalidSyncToken for another store's or home's token."""
    if token.epoch != epoch:
        raise InvalidSyncToken("the token is from before the store was restored")
    if token.home_id != home.id:
        raise InvalidSyncToken("the token is another home's")


def home_page(
    tx: Transaction, home: Collection, token: HomeSyncToken | None, limit: int
) -> HomePage:
    """Sync-level 1: up to `limit` (at least 1) collections that were made, changed or removed.

    A collection re-created under its old name is listed once, as changed. Raises InvalidSyncToken,
    except for the epoch, which the caller compares as in `changes.page`.
    """
    if limit < 1:
        raise ValueError("a page has room for one change at least")
    compared = _compare(tx, home, token, members=False)
    names = {child.name for child in compared.children}
    vector = dict(compared.known)
    removed: list[Collection] = []
    changed: list[Collection] = []
    for tombstone in compared.gone:
        if tombstone.name not in names and len(removed) < limit:
            vector.pop(tombstone.id)
            removed.append(tombstone)
    for child in compared.children:
        if len(removed) + len(changed) == limit:
            break
        if vector.get(child.id) != (child.revision, 0):
            _forget_predecessor(compared, vector, child)
            vector[child.id] = (child.revision, 0)
            changed.append(child)
    epoch = token.epoch if token else read_epoch(tx)
    more = vector != {child.id: (child.revision, 0) for child in compared.children}
    return HomePage(changed, removed, HomeSyncToken(epoch, home.id, vector), more)


def home_members_page(
    tx: Transaction, home: Collection, token: HomeSyncToken | None, limit: int
) -> HomeMembersPage:
    """Sync-level infinite: up to `limit` (at least 2) collections and members, counted together.

    A collection is listed with every page of its members, so a page has room for it and for one of
    them; refuse a smaller DAV:limit with DAV:number-of-matches-within-limits (RFC 6578 §3.7).
    Raises InvalidSyncToken also when a collection whose members the client knows was re-created
    under the same name: the old members could not be told from the new ones.
    """
    if limit < 2:
        raise ValueError("a page has room for a collection and one member at least")
    compared = _compare(tx, home, token, members=True)
    epoch = token.epoch if token else read_epoch(tx)
    vector = dict(compared.known)
    removed = _removed(compared, vector, limit)
    changed: list[MemberChanges] = []
    room = limit - len(removed)
    names = {child.name for child in compared.children}
    more = len(removed) < sum(tombstone.name not in names for tombstone in compared.gone)
    for child in compared.children:
        known = vector.get(child.id)
        if known == (child.revision, 0):
            continue
        if room < 2:
            more = True
            break
        position = None if known is None else SyncToken(epoch, child.id, *known)
        page = changes.page(tx, child, position, room - 1)
        _forget_predecessor(compared, vector, child)
        changed.append(MemberChanges(child, page.objects))
        vector[child.id] = (page.next.revision, page.next.base)
        room -= 1 + len(page.objects)
        more = more or page.more
    return HomeMembersPage(
        changed, removed, HomeSyncToken(epoch, home.id, vector, members=True), more
    )


def _removed(compared: _Home, vector: dict[int, tuple[int, int]], limit: int) -> list[Collection]:
    """The tombstones to list, taken out of `vector`; InvalidSyncToken for a re-created one."""
    names = {child.name for child in compared.children}
    removed: list[Collection] = []
    for tombstone in compared.gone:
        if tombstone.name in names:
            if vector[tombstone.id][0] > 0:
                raise InvalidSyncToken("a collection was removed and made anew under its name")
        elif len(removed) < limit:
            vector.pop(tombstone.id)
            removed.append(tombstone)
    return removed


def _forget_predecessor(
    compared: _Home, vector: dict[int, tuple[int, int]], child: Collection
) -> None:
    """Take out of `vector` what bore the name of `child`, which is about to be listed.

    Not before: were `child` removed before its page came, its name would never be told as gone.
    """
    for tombstone in compared.gone:
        if tombstone.name == child.name:
            vector.pop(tombstone.id)


def _compare(
    tx: Transaction, home: Collection, token: HomeSyncToken | None, *, members: bool
) -> _Home:
    children = sorted(collections.children(tx, home.id), key=lambda child: child.id)
    if token is None:
        return _Home(children, [], {})
    check(token, home, token.epoch)
    if token.members != members:
        raise InvalidSyncToken("the token is of another sync-level")
    live = {child.id for child in children}
    gone = _tombstones(tx, home, [id_ for id_ in sorted(token.revisions) if id_ not in live])
    for collection in (*children, *gone):
        revision, base = token.revisions.get(collection.id, (0, 0))
        if max(revision, base) > collection.revision:
            raise InvalidSyncToken("the token was never given")
    return _Home(children, gone, dict(token.revisions))


def _tombstones(tx: Transaction, home: Collection, ids: Sequence[int]) -> list[Collection]:
    """The removed collections of these ids; InvalidSyncToken for one that was never in the home."""
    found: list[Collection] = []
    for start in range(0, len(ids), _CHUNK):
        chunk = ids[start : start + _CHUNK]
        parameters: dict[str, SqlValue] = {f"i{n}": id_ for n, id_ in enumerate(chunk)}
        places = ", ".join(f":{place}" for place in parameters)
        parameters["home_id"] = home.id
        rows = tx.all(
            f"SELECT {COLLECTION_COLUMNS} FROM collection"
            f" WHERE parent_id = :home_id AND id IN ({places}) ORDER BY id",
            parameters,
        )
        found += map(row_to_collection, rows)
    if len(found) != len(ids):
        raise InvalidSyncToken("the token names a collection that is not known")
    return found
