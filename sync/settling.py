"""After the writes: bodies are read back, and an item's bases move when all its writes hold."""

from collections.abc import Iterator, Mapping, Sequence

from davenport.sync.intent import Intent, Stage, advance, whole
from davenport.sync.landing import Settled, find, settled
from davenport.sync.ledger import QUARANTINED
from davenport.sync.plan import End, Version, other_end
from davenport.sync.reading import STOPPING, fetch
from davenport.sync.side import Item, SideError
from davenport.sync.work import Work

LANDED = (Stage.ACKED, Stage.VERIFIED)


def read_back(work: Work, intents: Sequence[Intent]) -> dict[int, Item]:
    """What the sides hold where these writes landed, by intent; raises SideError if unreadable."""
    found: dict[int, Item] = {}
    for end in work.sides:
        wanted = [intent for intent in intents if intent.end == end and intent.op != "delete"]
        hrefs = sorted({intent.written_href for intent in wanted if intent.written_href})
        if not hrefs:
            continue
        items, _ = fetch(work, end, hrefs)
        for intent in wanted:
            item = items.get(intent.written_href or "")
            if item is None:
                uid = work.ledger.uid(intent.payload) if intent.payload else ""
                item = _found_again(work, intent, uid)
            if item is not None:
                found[intent.id] = item
    return found


def _found_again(work: Work, intent: Intent, uid: str) -> Item | None:
    try:
        return find(work.sides[intent.end], intent, uid)
    except STOPPING:
        raise
    except SideError:
        return None


def verify(work: Work, intents: Sequence[Intent], found: Mapping[int, Item]) -> None:
    """Record which writes were read back."""
    with work.state.transaction():
        for intent in intents:
            if intent.id in found or intent.op == "delete":
                advance(work.state, intent, Stage.VERIFIED)


def settle(
    work: Work, intents: Sequence[Intent], found: Mapping[int, Item]
) -> Iterator[tuple[str, bool]]:
    """End the actions of acknowledged intents, one transaction for all; yields (key, whole).

    An action of which one write is not there after all is not whole: no base moves, and what its
    other writes left is read as the members' state.
    """
    actions: dict[tuple[int, int], list[Intent]] = {}
    for intent in intents:
        actions.setdefault((intent.run, intent.action), []).append(intent)
    outcome: list[tuple[str, bool]] = []
    with work.state.transaction():
        for group in actions.values():
            results = {
                intent.id: settled(work, intent, found[intent.id])
                for intent in group
                if intent.stage in LANDED and intent.id in found
            }
            done = all(_holds(intent, results) for intent in group)
            if done and whole(work.state, group[0]):
                _move_bases(work, group, found, results)
            else:
                done = False
                _undo(work, group, found, results)
            outcome.append((group[0].key, done))
        work.ledger.forget_unpaired()
        work.state.touch(work.collection)
    yield from outcome


def _holds(intent: Intent, results: Mapping[int, Settled]) -> bool:
    if intent.op == "delete":
        return intent.stage in LANDED
    return intent.id in results and results[intent.id].base is not None


def _move_bases(
    work: Work,
    group: list[Intent],
    found: Mapping[int, Item],
    results: Mapping[int, Settled],
) -> None:
    first = group[0]
    if first.op == "delete":
        if first.item is not None:
            work.ledger.forget(first.item)
        else:
            work.ledger.drop(first.end, first.href)
    else:
        hrefs: dict[End, str] = {}
        bases: dict[End, Version] = {}
        other = other_end(first.end)
        if first.other_href is not None and first.other_sha is not None:
            hrefs[other] = first.other_href
            bases[other] = work.ledger.version(first.other_sha)
        for intent in group:
            item, result = found[intent.id], results[intent.id]
            assert result.base is not None
            hrefs[intent.end], bases[intent.end] = item.href, result.base
            _note(work, intent, item, result.held)
        work.ledger.agree(first.item, hrefs, bases, ours=any(intent.end == "b" for intent in group))
    work.ledger.let_go(first.key)
    for intent in group:
        advance(work.state, intent, Stage.DONE)
        work.state.record(work.run, intent.op, intent.key, f"side {intent.end}")


def _undo(
    work: Work,
    group: list[Intent],
    found: Mapping[int, Item],
    results: Mapping[int, Settled],
) -> None:
    for intent in group:
        if intent.id in results:
            _note(work, intent, found[intent.id], results[intent.id].held)
        elif intent.op != "create":
            work.ledger.expect(intent.end, intent.href, "")
        advance(work.state, intent, Stage.STALE, "to be decided anew")


def _note(work: Work, intent: Intent, item: Item, held: Version | None) -> None:
    if held is None:
        work.ledger.quarantine(intent.end, item.href, item.etag, "came back unreadable")
        work.ledger.mark(intent.end, [item.href], QUARANTINED)
    else:
        work.ledger.saw(intent.end, item.href, item.etag, held)
