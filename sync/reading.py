"""The read phase: what a side lists, what that proves, and the bodies that changed.

Absence is a candidate deletion until the member itself is asked for and a live one beside it
answers. A cursor is stored with the changes that came with it, and never from a listing that
turned out short.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from davenport.sync.ledger import CANDIDATE, GONE, LIVE, QUARANTINED, STALE
from davenport.sync.plan import End
from davenport.sync.side import (
    AuthenticationFailed,
    CollectionMissing,
    Item,
    Listing,
    RateLimited,
    SideError,
)
from davenport.sync.work import Work

# These concern more than one member; a run does not go on after them.
STOPPING = (AuthenticationFailed, CollectionMissing, RateLimited)
_CONTROLS = 3


@dataclass(frozen=True, slots=True)
class Read:
    """What reading one side came to: how many members it lists `now`, and why it may lack some.

    `short` is "" where it lacks none.
    """

    end: End
    now: int
    short: str


@dataclass(slots=True)
class _Verdict:
    gone: list[str] = field(default_factory=list)
    alive: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Found:
    fresh: dict[str, str]
    absent: list[str]
    siblings: list[str]


def read(work: Work, end: End) -> Read:
    """Bring the ledger up to what the side holds. Raises SideError."""
    reading = work.state.reading(work.collection, end)
    age = work.clock() - reading.audited
    audit = not 0 <= age < work.options.audit_seconds
    listing = work.sides[end].changes(None if audit else reading.cursor)
    first = reading.cursor is None and work.ledger.count(end) == 0
    found = _compare(work, end, listing)
    verdict = _confirm(work, end, found.absent, found.siblings, stop=listing.whole)
    short = _shortness(listing, verdict)
    with work.state.transaction():
        for href, etag in found.fresh.items():
            work.ledger.expect(end, href, etag)
        work.ledger.mark(end, verdict.gone, GONE)
        if not listing.whole:
            work.ledger.mark(end, verdict.alive, STALE)
            work.ledger.mark(end, verdict.unknown, CANDIDATE)
        nothing = first and not listing.entries
        if listing.complete and not (listing.whole and short) and not nothing:
            work.state.move_cursor(work.collection, end, reading.cursor, listing.cursor)
            if listing.whole:
                work.state.set_reading(work.collection, end, audited=work.clock())
        if found.fresh or verdict.gone or verdict.alive:
            work.state.touch(work.collection)
    work.tell("listed", end, len(listing.entries), len(listing.entries))
    short = _bodies(work, end) or short
    candidates = len(work.ledger.in_state(end, CANDIDATE))
    now = len(listing.entries) if listing.whole else work.ledger.count(end) - candidates
    return Read(end, now, short)


def _compare(work: Work, end: End, listing: Listing) -> _Found:
    """What in a listing is news."""
    ledger = work.ledger
    if listing.whole:
        known = ledger.etags(end)
        missing = known.keys() - listing.entries.keys() if listing.complete else set()
        absent = missing | (known.keys() & listing.absent)
    else:
        asked = listing.entries.keys() | (listing.absent if listing.complete else set())
        known = {href: row for href in asked if (row := ledger.known(end, href)) is not None}
        absent = known.keys() & listing.absent if listing.complete else set()
    absent -= listing.entries.keys()
    fresh = {
        href: etag
        for href, etag in listing.entries.items()
        if not etag or known.get(href) != (etag, LIVE)
    }
    siblings = [href for href in listing.entries if href not in absent]
    return _Found(fresh, sorted(absent), siblings)


def _shortness(listing: Listing, verdict: _Verdict) -> str:
    if not listing.complete:
        return "the listing was incomplete"
    if listing.whole and verdict.alive:
        return f"the listing left out members that are there, such as {verdict.alive[0]}"
    if verdict.unknown:
        return f"it is not known whether {verdict.unknown[0]} is gone"
    return ""


def _confirm(
    work: Work, end: End, hrefs: Sequence[str], siblings: Iterable[str], *, stop: bool = False
) -> _Verdict:
    """Ask for each member itself, and for a live one beside them.

    `stop` at the first that is there: the listing was short, and proves nothing of the others.
    """
    verdict = _Verdict()
    for number, href in enumerate(hrefs, 1):
        there = _exists(work, end, href)
        if there:
            verdict.alive.append(href)
            if stop:
                break
        elif there is None:
            verdict.unknown.append(href)
        else:
            verdict.gone.append(href)
        work.tell("confirmed", end, number, len(hrefs))
    if verdict.gone and not verdict.alive and not _controlled(work, end, set(hrefs), siblings):
        verdict.unknown += verdict.gone
        verdict.gone = []
    return verdict


def _controlled(work: Work, end: End, doubted: set[str], siblings: Iterable[str]) -> bool:
    """Whether a member that should be there is: that the side tells members from none."""
    live = list(siblings)[:_CONTROLS]
    if not live:
        known = work.ledger.in_state(end, LIVE)
        live = [href for href in known if href not in doubted][:_CONTROLS]
    if not live:
        return "G1" in work.options.allow
    return any(_exists(work, end, href) for href in live)


def _exists(work: Work, end: End, href: str) -> bool | None:
    try:
        return work.sides[end].exists(href)
    except STOPPING:
        raise
    except SideError:
        return None


def _bodies(work: Work, end: End) -> str:
    """Read the bodies that are not known; why some could not be, "" where all could."""
    wanted = work.ledger.in_state(end, STALE, QUARANTINED)
    missing: list[str] = []
    failed: list[str] = []
    batch = work.options.batch
    for start in range(0, len(wanted), batch):
        asked = wanted[start : start + batch]
        items, refused = fetch(work, end, asked)
        _store(work, end, items)
        failed += refused
        missing += sorted(set(asked) - items.keys() - set(refused))
        work.tell("fetched", end, min(start + batch, len(wanted)), len(wanted))
    return _resolve_missing(work, end, missing, failed)


def _resolve_missing(work: Work, end: End, missing: list[str], failed: list[str]) -> str:
    """Tell members that went away from bodies that a reply left out."""
    doubted = missing + work.ledger.in_state(end, CANDIDATE)
    verdict = _confirm(work, end, doubted, ())
    left_out: list[str] = []
    for href in verdict.alive:
        items, refused = fetch(work, end, [href])
        _store(work, end, items)
        left_out += refused or [href for _ in (1,) if href not in items]
    with work.state.transaction():
        work.ledger.mark(end, verdict.gone, GONE)
        work.ledger.mark(end, verdict.unknown, CANDIDATE)
        for href in left_out + failed:
            work.ledger.quarantine(end, href, "", "the side does not give its body")
        if doubted or failed:
            work.state.touch(work.collection)
    if failed or left_out:
        return f"the body of {(failed + left_out)[0]} cannot be read"
    if verdict.unknown:
        return f"it is not known whether {verdict.unknown[0]} is gone"
    return ""


def fetch(work: Work, end: End, hrefs: Sequence[str]) -> tuple[dict[str, Item], list[str]]:
    """Items by href, and the hrefs that failed when each was asked for by itself.

    Raises SideError where none of several could be read.
    """
    wanted = set(hrefs)
    try:
        return {i.href: i for i in work.sides[end].fetch(hrefs) if i.href in wanted}, []
    except STOPPING:
        raise
    except SideError as error:
        found: dict[str, Item] = {}
        failed: list[str] = []
        for href in hrefs:
            try:
                found |= {item.href: item for item in _one(work, end, href)}
            except STOPPING:
                raise
            except SideError:
                failed.append(href)
        if len(failed) == len(hrefs) > 1:
            raise error from None
        return found, failed


def _one(work: Work, end: End, href: str) -> Iterator[Item]:
    return (item for item in work.sides[end].fetch([href]) if item.href == href)


def _store(work: Work, end: End, items: dict[str, Item]) -> None:
    with work.state.transaction():
        for item in items.values():
            try:
                version = work.ledger.keep(item.body)
            except ValueError as error:
                work.ledger.quarantine(end, item.href, item.etag, str(error))
            else:
                work.ledger.saw(end, item.href, item.etag, version)
