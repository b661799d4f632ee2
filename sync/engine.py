"""One run over a pair of collections: recover, read both sides, plan, pass the gates, write.

`prepare` is the whole of a dry run; `run` carries out what `prepare` gives, and nothing else.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from davenport.sync.gate import Contact, Extent, Gate, judge, unfit
from davenport.sync.identity import Identified, identify
from davenport.sync.ledger import Ledger
from davenport.sync.plan import Change, End, Kind, Means, Plan, Semantics, ordered
from davenport.sync.planning import build
from davenport.sync.reading import Read, read
from davenport.sync.recovery import recover
from davenport.sync.side import CollectionMissing, CollectionSide, RateLimited, SideError
from davenport.sync.state import ENDS, State
from davenport.sync.work import Options, Progress, Work
from davenport.sync.writing import Report, execute

_PAUSE = 60.0


class Status(StrEnum):
    """How a run ended."""

    DONE = "done"
    HELD = "held"  # some items are parked, in conflict or failed
    INCOMPLETE = "incomplete"
    BLOCKED = "blocked"
    SUSPENDED = "suspended"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Prepared:
    """A plan with the gates that it does not pass, and what it was read from."""

    plan: Plan
    gates: tuple[Gate, ...]
    reads: Mapping[End, Read]
    look_first: frozenset[End]
    short: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run came to; `plans` are those it carried out, in order."""

    run: int
    status: Status
    plans: tuple[Plan, ...] = ()
    gates: tuple[Gate, ...] = ()
    parked: Mapping[str, str] | None = None
    failed: Mapping[str, str] | None = None
    reason: str = ""
    error: SideError | None = None
    until: float | None = None


class Outdated(Exception):  # noqa: N818
    """The state moved since the plan was made."""


class _Blocked(Exception):  # noqa: N818
    def __init__(self, gates: tuple[Gate, ...], codes: set[str]) -> None:
        super().__init__(", ".join(sorted(codes)))
        self.gates = gates
        self.codes = codes


class Engine:
    """Runs over pairs of collections whose state is in one file.

    Raises StateError where that cannot be written; what a side does wrong is in the outcome.
    """

    def __init__(
        self,
        state: State,
        semantics: Semantics,
        options: Options,
        progress: Callable[[Progress], None] = lambda _progress: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._state = state
        self._semantics = semantics
        self._options = options
        self._progress = progress
        self._clock = clock

    def prepare(self, collection: int, a: CollectionSide, b: CollectionSide) -> Prepared:
        """Read both sides and plan; nothing is written to either. Raises SideError."""
        work = self._work(collection, a, b, self._state.begin_run(collection))
        identified = _check_identity(work)
        recover(work)
        prepared = _prepare(work, identified or _resettled(work))
        self._state.end_run(work.run, "planned")
        return prepared

    def run(self, collection: int, a: CollectionSide, b: CollectionSide) -> Outcome:
        """Bring both sides together, as far as they and the gates let it."""
        work = self._work(collection, a, b, self._state.begin_run(collection))
        outcome = self._guarded(work, lambda: self._rounds(work))
        self._state.end_run(work.run, outcome.status.value)
        return outcome

    def apply(
        self, collection: int, a: CollectionSide, b: CollectionSide, prepared: Prepared
    ) -> Outcome:
        """Carry out a plan made before. Raises Outdated where the state moved since."""
        if self._state.collection(collection).revision != prepared.plan.revision:
            raise Outdated("something changed since this plan was made: plan again")
        work = self._work(collection, a, b, self._state.begin_run(collection))
        outcome = self._guarded(work, lambda: self._applied(work, prepared))
        self._state.end_run(work.run, outcome.status.value)
        return outcome

    def _work(self, collection: int, a: CollectionSide, b: CollectionSide, run: int) -> Work:
        return Work(
            state=self._state,
            ledger=Ledger(self._state, collection, self._semantics),
            run=run,
            sides={"a": a, "b": b},
            options=self._options,
            progress=self._progress,
            clock=self._clock,
        )

    def _guarded(self, work: Work, go: Callable[[], Outcome]) -> Outcome:
        """What stops a collection stops only that one, and is its status from then on."""
        try:
            return go()
        except _Blocked as blocked:
            reason = ",".join(sorted(blocked.codes))
            self._state.set_status(work.collection, "blocked", reason)
            return Outcome(work.run, Status.BLOCKED, gates=blocked.gates, reason=reason)
        except CollectionMissing as error:
            self._state.set_status(work.collection, "blocked", "missing")
            return Outcome(work.run, Status.BLOCKED, reason="missing", error=error)
        except RateLimited as error:
            until = error.until if error.until is not None else self._clock() + _PAUSE
            self._state.set_status(work.collection, "suspended", str(error), until)
            return Outcome(work.run, Status.SUSPENDED, reason=str(error), until=until, error=error)
        except SideError as error:
            reason = f"{type(error).__name__}: {error}"
            return Outcome(work.run, Status.FAILED, reason=reason, error=error)

    def _rounds(self, work: Work) -> Outcome:
        row = self._state.collection(work.collection)
        if row.status == "suspended" and row.until is not None and row.until > self._clock():
            until = row.until
            return Outcome(work.run, Status.SUSPENDED, reason=row.reason, until=until)
        no_deletes = _check_identity(work)
        recover(work)
        no_deletes = no_deletes or _resettled(work)
        plans: list[Plan] = []
        reports: list[Report] = []
        for _ in range(work.options.rounds):
            prepared = _prepare(work, no_deletes)
            no_deletes = prepared.short
            _pass(work, prepared.gates, row.status, row.reason)
            reports.append(execute(work, prepared.plan, prepared.look_first))
            plans.append(prepared.plan)
            if not reports[-1].stale:
                break
        return _finished(work, plans, reports, no_deletes)

    def _applied(self, work: Work, prepared: Prepared) -> Outcome:
        row = self._state.collection(work.collection)
        _pass(work, prepared.gates, row.status, row.reason)
        report = execute(work, prepared.plan, prepared.look_first)
        return _finished(work, [prepared.plan], [report], prepared.short)


def _check_identity(work: Work) -> str:
    """G6: the sides are the ones that were read before; why nothing may be deleted if not."""
    changed: list[End] = []
    for end, side in work.sides.items():
        known = work.state.reading(work.collection, end).identity
        if known and known != side.identity():
            changed.append(end)
    if changed and "G6" not in work.options.allow:
        message = f"side {' and '.join(changed)} is another account or collection than before"
        raise _Blocked((Gate("G6", message, {"sides": len(changed)}),), {"G6"})
    with work.state.transaction():
        for end, side in work.sides.items():
            values = {"identity": side.identity(), "href": side.info.href}
            work.state.set_reading(work.collection, end, **values)
            if end in changed:
                work.state.set_reading(work.collection, end, cursor=None, audited=0.0)
    return "the collection was exchanged" if changed else ""


def _resettled(work: Work) -> str:
    """G5: other settings list other items; read all anew, and delete nothing for it."""
    row = work.state.collection(work.collection)
    if row.status == "new" or row.config_hash == work.options.config_hash:
        return ""
    for end in ENDS:
        work.state.set_reading(work.collection, end, cursor=None, audited=0.0)
    return "the settings changed since the last run"


def _prepare(work: Work, no_deletes: str) -> Prepared:
    """Read, pair, plan and judge."""
    status = work.state.collection(work.collection).status
    if status == "new":
        work.state.set_status(work.collection, "baselining")
    before = {end: work.state.reading(work.collection, end).members for end in ENDS}
    reads = {end: read(work, end) for end in ENDS}
    short = no_deletes or reads["a"].short or reads["b"].short
    identified = _identified(work)
    plan = _planned(work, identified, short)
    load = _loader(work, plan)
    infos = {end: side.info for end, side in work.sides.items()}
    seventh, unfit_keys = unfit(plan, infos, load)
    if "G7" in work.options.allow and unfit_keys:
        plan = _without(plan, unfit_keys, seventh.message if seventh else "")
    extents = _extents(work, identified, before, reads)
    gates = judge(plan, extents, _contact(work, identified), work.options.limits)
    # A side that no run has come through with may hold more than it lists.
    met = {end for end in ENDS if not before[end] and reads[end].now}
    short_ends = {end for end in ENDS if reads[end].short}
    look_first = work.options.look_before_create | met | short_ends
    every = (*gates, seventh) if seventh else gates
    return Prepared(plan, every, reads, look_first, short)


def _identified(work: Work) -> Identified:
    loose = {end: work.ledger.loose(end) for end in ENDS}
    uids = {end: {member.uid for member in loose[end]} for end in ENDS}
    return identify(work.ledger.pairings(uids), loose["a"], loose["b"])


def _planned(work: Work, identified: Identified, no_deletes: str) -> Plan:
    kind = work.sides["a"].info.kind
    means = Means(
        rules=work.options.rules,
        semantics=work.ledger.semantics,
        load=work.ledger.load,
        outgoing=work.options.outgoing,
        suffix=".vcf" if kind == "addressbook" else ".ics",
        no_deletes=no_deletes,
        held={} if work.options.retry_parked else work.ledger.held("parked"),
    )
    revision = work.state.collection(work.collection).revision
    plan = build(revision, identified.entries, means)
    actions = ordered((*plan.actions, *identified.notes))
    return replace(plan, actions=actions, waiting=frozenset(identified.waiting))


def _without(plan: Plan, keys: frozenset[str], reason: str) -> Plan:
    actions = (
        replace(action, kind=Kind.PARK, writes=(), reason=reason) if action.key in keys else action
        for action in plan.actions
    )
    return replace(plan, actions=ordered(actions))


def _loader(work: Work, plan: Plan) -> Callable[[str], bytes]:
    def load(sha: str) -> bytes:
        made = plan.bodies.get(sha)
        return work.ledger.load(sha) if made is None else made

    return load


def _extents(
    work: Work, identified: Identified, before: Mapping[End, int], reads: Mapping[End, Read]
) -> dict[End, Extent]:
    paired = work.ledger.count_items()
    return {
        end: Extent(
            before=before[end],
            now=reads[end].now,
            paired=paired,
            changed=sum(entry.change(end) is Change.CHANGED for entry in identified.entries),
        )
        for end in ENDS
    }


def _contact(work: Work, identified: Identified) -> Contact | None:
    if work.ledger.count_items():
        return None
    a = sum(entry.a is not None for entry in identified.entries)
    b = sum(entry.b is not None for entry in identified.entries)
    both = sum(entry.a is not None and entry.b is not None for entry in identified.entries)
    return Contact(a, b, both)


def _pass(work: Work, gates: tuple[Gate, ...], status: str, reason: str) -> None:
    """Only what the user allowed goes on, also in the runs after a gate closed."""
    codes = {gate.code for gate in gates}
    if status == "blocked":
        codes |= set(reason.split(","))
    codes -= work.options.allow
    if codes:
        raise _Blocked(gates, codes)


def _finished(work: Work, plans: list[Plan], reports: list[Report], short: str) -> Outcome:
    state = work.state
    with state.transaction():
        for end in ENDS:
            state.set_reading(work.collection, end, members=work.ledger.count(end))
        state.set_config_hash(work.collection, work.options.config_hash)
        state.set_status(work.collection, "incomplete" if short else "steady", short)
    parked = {key: why for report in reports for key, why in report.parked.items()}
    failed = {key: why for report in reports for key, why in report.failed.items()}
    failed |= dict.fromkeys(reports[-1].stale, "it changed again and again")
    whole = Status.INCOMPLETE if short else Status.DONE
    status = Status.HELD if parked or failed else whole
    return Outcome(
        run=work.run,
        status=status,
        plans=tuple(plans),
        parked=parked,
        failed=failed,
        reason=short,
    )
