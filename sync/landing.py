"""Whether a write landed, told by reading, and what both sides agree on once it has."""

from dataclasses import dataclass
from enum import Enum, auto

from davenport.sync.intent import Intent
from davenport.sync.plan import End, Version
from davenport.sync.side import CollectionSide, Item
from davenport.sync.work import Work


class Landing(Enum):
    """What a read says of a write without an answer."""

    LANDED = auto()
    NOT_LANDED = auto()
    OTHERWISE = auto()


@dataclass(frozen=True, slots=True)
class Found:
    """What a read says of a write, and the member that says so."""

    landing: Landing
    item: Item | None = None


def look(work: Work, intent: Intent) -> Found:
    """Find out whether a write landed. Raises SideError where that cannot be known."""
    side = work.sides[intent.end]
    if intent.op == "delete":
        return _look_for_deletion(work, intent, side)
    item = find(side, intent, _uid(work, intent))
    if item is None:
        # A create is absent; the member of an update went away: the read phase decides.
        landing = Landing.NOT_LANDED if intent.op == "create" else Landing.OTHERWISE
        return Found(landing)
    try:
        return Found(_judged(work, intent, item), item)
    except ValueError:
        return Found(Landing.OTHERWISE, item)


def find(side: CollectionSide, intent: Intent, uid: str) -> Item | None:
    """The member that a write was for: where it was put, else by its UID."""
    guesses = [intent.written_href or intent.href]
    if intent.op == "create" and intent.written_href is None:
        guesses.append(side.info.href.rstrip("/") + "/" + intent.href)
    for href in guesses:
        item = fetch_one(side, href)
        if item is not None:
            return item
    href_by_uid = side.find_uid(uid) if uid else None
    return None if href_by_uid is None else fetch_one(side, href_by_uid)


def fetch_one(side: CollectionSide, href: str) -> Item | None:
    """One member, None where it is not given."""
    return next((item for item in side.fetch([href]) if item.href == href), None)


def _look_for_deletion(work: Work, intent: Intent, side: CollectionSide) -> Found:
    item = fetch_one(side, intent.href)
    if item is None:
        gone = side.exists(intent.href) is False
        return Found(Landing.LANDED if gone else Landing.OTHERWISE)
    same = intent.old_sha is not None and _means(work, item.body) == _print(work, intent.old_sha)
    return Found(Landing.NOT_LANDED if same else Landing.OTHERWISE, item)


def _judged(work: Work, intent: Intent, item: Item) -> Landing:
    """Landed if each property that the payload changed now has the payload's value.

    Servers rewrite, and people edit: the rest need not be equal.
    """
    assert intent.payload is not None
    now = _means(work, item.body)
    if now == _print(work, intent.payload):
        return Landing.LANDED
    semantics = work.ledger.semantics
    payload = work.ledger.load(intent.payload)
    if intent.old_sha is None:
        if _named_by_us(intent, item.href):
            return Landing.LANDED
        # The side chose another name, or the item is someone else's: whose values does it hold?
        carried = semantics.merge(None, payload, item.body, "ask")
    elif now == _print(work, intent.old_sha):
        return Landing.NOT_LANDED
    else:
        old = work.ledger.load(intent.old_sha)
        carried = semantics.apply_changes(old, payload, item.body)
    holds = not carried.conflicts and _means(work, carried.body) == now
    return Landing.LANDED if holds else Landing.OTHERWISE


def _named_by_us(intent: Intent, href: str) -> bool:
    """Nothing but this write puts an item at a name made from its key."""
    return href.rpartition("/")[2] == intent.href


@dataclass(frozen=True, slots=True)
class Settled:
    """What the written side agreed on, None where that cannot be told, and what it holds now."""

    base: Version | None
    held: Version | None


def settled(work: Work, intent: Intent, item: Item) -> Settled:
    """What a write that was read back came to; needs an open transaction.

    A body that came back otherwise than sent is the server's rewriting, and no edit, unless its
    ETag is not the one that the write was answered with. Where time went by it may be either, or
    both. Then nothing is agreed on: the item is merged anew, which finds the edits of both sides
    and takes no rewriting for one. Only a new item has no base to find them by; there a side that
    is not known to keep what it is given is taken to have rewritten it.
    """
    assert intent.payload is not None
    sent = work.ledger.version(intent.payload)
    try:
        held = work.ledger.keep(item.body)
    except ValueError:
        return Settled(sent, None)
    if held.fingerprint == sent.fingerprint:
        _count(work, intent.end, "faithful")
        return Settled(held, held)
    fresh = intent.answered and intent.run == work.run
    if intent.written_etag and item.etag and item.etag != intent.written_etag:
        # Edited since, and perhaps rewritten too.
        return Settled(sent if fresh and _keeps(work, intent.end) else None, held)
    told = fresh or bool(intent.written_etag and item.etag)
    if not told and (intent.op != "create" or _keeps(work, intent.end)):
        return Settled(None, held)
    _count(work, intent.end, "rewritten")
    work.state.record(work.run, "altered", intent.key, f"side {intent.end} stored it otherwise")
    return Settled(held, held)


def _keeps(work: Work, end: End) -> bool:
    """Whether all that is known of the side is that it stores what it is given."""
    reading = work.state.reading(work.collection, end)
    return reading.faithful > 0 and reading.rewritten == 0


def _count(work: Work, end: End, column: str) -> None:
    work.state.execute(
        f"UPDATE reading SET {column} = {column} + 1"  # noqa: S608 - a constant
        " WHERE collection = :collection AND side = :end",
        collection=work.collection,
        end=end,
    )


def _uid(work: Work, intent: Intent) -> str:
    return "" if intent.payload is None else work.ledger.uid(intent.payload)


def _means(work: Work, body: bytes) -> str:
    return work.ledger.semantics.fingerprint(body)


def _print(work: Work, sha: str) -> str:
    return work.ledger.version(sha).fingerprint
