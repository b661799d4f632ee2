"""The write phase: exactly the plan's requests, each on record before it is sent.

A batch is planned in one transaction with the bodies it will destroy in the trash, sent one by
one, read back together, and only then do the bases of its items move.
"""

from dataclasses import dataclass, field

from davenport.sync.intent import (
    Intent,
    Stage,
    acknowledge,
    advance,
    next_action,
    record,
    unfinished,
)
from davenport.sync.landing import Landing, fetch_one, look
from davenport.sync.ledger import LIVE
from davenport.sync.plan import Action, End, Held, Kind, Plan, Version, other_end
from davenport.sync.reading import STOPPING
from davenport.sync.settling import LANDED, read_back, settle, verify
from davenport.sync.side import (
    CollectionSide,
    Exists,
    Item,
    ReadOnly,
    Rejected,
    SideError,
    Stale,
    Written,
)
from davenport.sync.work import Work

_WRITING = (Kind.CREATE, Kind.UPDATE, Kind.DELETE)
_MOST_TRIES = 3


@dataclass(slots=True)
class Report:
    """What came of a plan: keys by what happened to them, and whether to look again."""

    written: int = 0
    parked: dict[str, str] = field(default_factory=dict)
    stale: set[str] = field(default_factory=set)
    failed: dict[str, str] = field(default_factory=dict)
    read_only: set[End] = field(default_factory=set)


@dataclass(slots=True)
class _Batch:
    work: Work
    report: Report
    actions: dict[int, Action]
    total: int
    dropped: set[int] = field(default_factory=set)
    acked: list[tuple[Intent, Written, bool]] = field(default_factory=list)


def execute(work: Work, plan: Plan, look_first: frozenset[End]) -> Report:
    """Carry out a plan; `look_first` are sides whose UIDs are searched before a create.

    Raises SideError where a side as a whole gave out, and StateError; both leave what is under
    way on record.
    """
    report = Report()
    _without_requests(work, plan, report)
    writing = [action for action in plan.actions if action.kind in _WRITING]
    size = work.options.batch
    for kind in _WRITING:
        actions = [action for action in writing if action.kind is kind]
        for start in range(0, len(actions), size):
            first = next_action(work.state, work.run)
            chosen = dict(enumerate(actions[start : start + size], first))
            _execute_batch(_Batch(work, report, chosen, len(writing)), look_first)
    return report


def _without_requests(work: Work, plan: Plan, report: Report) -> None:
    """Store the plan's own bodies, and do all that needs no request."""
    ledger = work.ledger
    with work.state.transaction():
        for body in plan.bodies.values():
            ledger.keep(body)
        for action in plan.actions:
            if action.kind is Kind.AGREE and action.a and action.b:
                hrefs: dict[End, str] = {"a": action.a.href, "b": action.b.href}
                bases: dict[End, Version] = {"a": action.a.version, "b": action.b.version}
                ledger.agree(action.item, hrefs, bases, ours=False)
                ledger.let_go(action.key)
            elif action.kind is Kind.FORGET and action.item is not None:
                ledger.forget(action.item)
                ledger.let_go(action.key)
            elif action.kind is Kind.CONFLICT:
                _hold(work, action, "conflict", action.reason)
                report.parked[action.key] = action.reason
            elif action.kind is Kind.PARK:
                report.parked[action.key] = action.reason
            if action.kind not in _WRITING:
                work.state.record(work.run, action.kind.value, action.key, action.reason)
        _let_go(work, plan)
        ledger.forget_unpaired()
        work.state.touch(work.collection)


def _let_go(work: Work, plan: Plan) -> None:
    """Items that stood still and no longer do, for they are gone or agreed on."""
    still = {action.key for action in plan.actions if action.kind in {Kind.PARK, Kind.CONFLICT}}
    for kind in ("parked", "conflict"):
        for key in work.ledger.held(kind).keys() - still - plan.waiting:
            work.ledger.let_go(key)


def _execute_batch(batch: _Batch, look_first: frozenset[End]) -> None:
    work = batch.work
    with work.state.transaction():
        for number, action in batch.actions.items():
            record(work.state, work.collection, work.run, number, action)
            for write in action.writes:
                seen = action.a if write.end == "a" else action.b
                if write.op != "create" and seen is not None:
                    work.ledger.throw_away(work.run, write.end, seen.href, seen.version.sha)
        work.state.touch(work.collection)
    work.tell("planned", None, len(batch.actions), batch.total)
    intents = unfinished(work.state, work.collection)
    try:
        for intent in intents:
            _send(batch, intent, look_first)
    finally:
        _flush(batch)
    finish(work, batch.report)


def finish(work: Work, report: Report) -> None:
    """Read back what is acknowledged, and move the bases of the items that are whole."""
    intents = unfinished(work.state, work.collection)
    acked = [intent for intent in intents if intent.stage in LANDED]
    found = read_back(work, acked)
    verify(work, acked, found)
    work.tell("verified", None, len(found), len(acked))
    for key, whole in settle(work, intents, found):
        if whole:
            report.written += 1
        else:
            report.stale.add(key)
    work.tell("done", None, report.written, report.written)


def _send(batch: _Batch, intent: Intent, look_first: frozenset[End]) -> None:
    """Send one request, as often as it is known not to have landed."""
    work = batch.work
    if intent.action in batch.dropped or intent.end in batch.report.read_only:
        _close(batch, intent, Stage.STALE, "another write of the item did not go through")
        return
    for _ in range(_MOST_TRIES):
        try:
            etag = _precondition(work, intent, look_first)
        except STOPPING:
            _drop_all(batch)
            raise
        except SideError as error:
            _settle_refusal(batch, intent, error)
            return
        with work.state.transaction():
            _store_acks(batch)
            advance(work.state, intent, Stage.SENT)
        work.tell("sent", intent.end)
        try:
            written = _request(work, intent, etag)
        except STOPPING:
            _drop_all(batch)
            raise
        except (Exists, Stale, Rejected, ReadOnly) as error:
            _settle_refusal(batch, intent, error)
            return
        except SideError as error:
            if _resolved(batch, intent, error):
                return
        else:
            batch.acked.append((intent, written, True))
            work.tell("acked", intent.end)
            return
    _close(batch, intent, Stage.FAILED, f"sent {_MOST_TRIES} times and never stored")
    batch.report.failed[intent.key] = "the side answers no write of it"


def _request(work: Work, intent: Intent, etag: str) -> Written:
    side: CollectionSide = work.sides[intent.end]
    if intent.op == "delete":
        side.delete(intent.href, etag)
        return Written(intent.href, None)
    assert intent.payload is not None
    body = work.ledger.load(intent.payload)
    if intent.op == "create":
        return side.create(intent.href, body)
    return side.update(intent.href, body, etag)


def _precondition(work: Work, intent: Intent, look_first: frozenset[End]) -> str:
    """The etag to send; where there is no strong one, the body is compared first.

    Raises Exists and Stale as the side itself would.
    """
    side = work.sides[intent.end]
    if intent.op == "create":
        uid = work.ledger.uid(intent.payload) if intent.payload else ""
        # An item that went away may only have moved to where no listing showed it.
        again = intent.item is not None
        if uid and (again or intent.end in look_first):
            held = side.find_uid(uid)
            if held is not None:
                raise Exists(held)
        return ""
    if intent.op == "delete":
        _moved(work, intent)
    if intent.precondition and not intent.precondition.startswith("W/"):
        return intent.precondition
    item = fetch_one(side, intent.href)
    if item is None:
        if intent.op == "delete" and side.exists(intent.href) is False:
            return intent.precondition
        raise Stale("the member is not given")
    assert intent.old_sha is not None
    try:
        now = work.ledger.semantics.fingerprint(item.body)
    except ValueError as error:
        raise Stale("the member can no longer be read") from error
    if now != work.ledger.version(intent.old_sha).fingerprint:
        raise Stale("the member changed")
    with work.state.transaction():
        sha = work.ledger.keep(item.body).sha
        if sha != intent.old_sha:
            work.ledger.throw_away(work.run, intent.end, intent.href, sha)
    return item.etag


def _moved(work: Work, intent: Intent) -> None:
    """Raise Stale where the item is on the side that it went away from, under another href."""
    if intent.old_sha is None:
        return
    uid, end = work.ledger.uid(intent.old_sha), other_end(intent.end)
    href = work.sides[end].find_uid(uid) if uid else None
    if href is None:
        return
    with work.state.transaction():
        work.ledger.expect(end, href, "")
    raise Stale(f"side {end} holds it at {href}")


def _resolved(batch: _Batch, intent: Intent, error: SideError) -> bool:
    """Read whether a write without an answer landed; False to send it again."""
    work = batch.work
    with work.state.transaction():
        _store_acks(batch)
        advance(work.state, intent, Stage.UNKNOWN, str(error))
    work.tell("unknown", intent.end)
    found = look(work, intent)
    if found.landing is Landing.LANDED:
        href = found.item.href if found.item else intent.href
        batch.acked.append((intent, Written(href, None), False))
        return True
    if found.landing is Landing.NOT_LANDED:
        return False
    reread(work, intent, found.item)
    _close(batch, intent, Stage.STALE, "the member is neither as it was nor as it was sent")
    batch.report.stale.add(intent.key)
    return True


def _settle_refusal(batch: _Batch, intent: Intent, error: SideError) -> None:
    """A side said no: park the item, or look at it again."""
    work, report = batch.work, batch.report
    if isinstance(error, Exists):
        _settle_exists(batch, intent, error)
    elif isinstance(error, Rejected):
        _park(batch, intent, f"side {intent.end} refuses it: {error.reason} ({error.status})")
    elif isinstance(error, ReadOnly):
        report.read_only.add(intent.end)
        report.failed[intent.key] = f"side {intent.end} is read-only"
        _close(batch, intent, Stage.FAILED, str(error))
    elif isinstance(error, Stale):
        reread(work, intent, None)
        report.stale.add(intent.key)
        _close(batch, intent, Stage.STALE, str(error))
    else:
        report.failed[intent.key] = str(error)
        _close(batch, intent, Stage.FAILED, str(error))


def _settle_exists(batch: _Batch, intent: Intent, error: Exists) -> None:
    """The name or UID is taken: adopt the member if it is this very item."""
    work = batch.work
    found = look(work, intent) if error.href is None else None
    href = error.href if found is None else found.item.href if found.item else None
    item = None if href is None else fetch_one(work.sides[intent.end], href)
    if item is None:
        _park(batch, intent, "its UID is in use on the side, perhaps in the trash there")
        return
    assert intent.payload is not None
    if _same(work, item.body, intent.payload):
        batch.acked.append((intent, Written(item.href, None), False))
        return
    known = work.ledger.known(intent.end, item.href)
    if known is not None and known == (item.etag, LIVE):
        _park(batch, intent, f"its UID belongs to {item.href}")
        return
    reread(work, intent, item)
    batch.report.stale.add(intent.key)
    _close(batch, intent, Stage.STALE, str(error))


def _same(work: Work, body: bytes, sha: str) -> bool:
    try:
        return work.ledger.semantics.fingerprint(body) == work.ledger.version(sha).fingerprint
    except ValueError:
        return False


def reread(work: Work, intent: Intent, item: Item | None) -> None:
    """Have the member read again before anything is decided on it."""
    if item is None and intent.op == "create":
        return
    with work.state.transaction():
        work.ledger.expect(intent.end, item.href if item else intent.href, "")


def _park(batch: _Batch, intent: Intent, reason: str) -> None:
    with batch.work.state.transaction():
        _hold(batch.work, batch.actions[intent.action], "parked", reason)
    batch.report.parked[intent.key] = reason
    _close(batch, intent, Stage.FAILED, reason)


def _hold(work: Work, action: Action, kind: str, reason: str) -> None:
    held = Held(
        action.a.version.sha if action.a else None,
        action.b.version.sha if action.b else None,
        reason,
    )
    bases = (
        action.base_a.sha if action.base_a else None,
        action.base_b.sha if action.base_b else None,
    )
    work.ledger.hold(action.key, kind, held, bases)


def _close(batch: _Batch, intent: Intent, stage: Stage, note: str) -> None:
    """End an intent without its landing; the action's other writes are not sent."""
    work = batch.work
    batch.dropped.add(intent.action)
    with work.state.transaction():
        _store_acks(batch)
        advance(work.state, intent, stage, note)
        work.state.record(work.run, stage.value, intent.key, note)


def _drop_all(batch: _Batch) -> None:
    """The side gave out before the request took effect: nothing of the rest is sent."""
    work = batch.work
    with work.state.transaction():
        _store_acks(batch)
        for intent in unfinished(work.state, work.collection):
            if intent.stage in {Stage.PLANNED, Stage.SENT}:
                advance(work.state, intent, Stage.STALE, "not sent")


def _store_acks(batch: _Batch) -> None:
    for intent, written, answered in batch.acked:
        acknowledge(batch.work.state, intent, written.href, written.etag, answered=answered)
    batch.acked.clear()


def _flush(batch: _Batch) -> None:
    if batch.acked:
        with batch.work.state.transaction():
            _store_acks(batch)
