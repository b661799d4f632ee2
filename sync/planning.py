"""From entries to a plan: what is written where, by three-way merge where both sides changed. Pure.

A body is never measured against the other side's base: what a server dropped or added when it
stored an item is no edit.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from davenport.sync.plan import (
    Action,
    Change,
    Decision,
    End,
    Entry,
    Kind,
    Means,
    Plan,
    Seen,
    Version,
    Write,
    decide,
    digest,
    label_of,
    name_of,
    ordered,
)


@dataclass(slots=True)
class _Planner:
    means: Means
    bodies: dict[str, bytes] = field(default_factory=dict)

    def load(self, sha: str) -> bytes:
        made = self.bodies.get(sha)
        return self.means.load(sha) if made is None else made

    def fingerprint(self, body: bytes) -> str:
        return self.means.semantics.fingerprint(body)


def build(revision: int, entries: Iterable[Entry], means: Means) -> Plan:
    """The plan for `entries`, decided at `revision`."""
    planner = _Planner(means)
    actions = [action for entry in entries if (action := _action(planner, entry)) is not None]
    return Plan(revision, ordered(actions), planner.bodies)


def _action(planner: _Planner, entry: Entry) -> Action | None:
    held = planner.means.held.get(entry.key)
    if held is not None and (held.sha_a, held.sha_b) == (_sha(entry.a), _sha(entry.b)):
        return _made(planner, entry, Kind.PARK, held.reason)
    try:
        return _decided(planner, entry)
    except ValueError as error:
        return _made(planner, entry, Kind.PARK, f"cannot be merged: {error}")


def _decided(planner: _Planner, entry: Entry) -> Action | None:
    rules = planner.means.rules
    decision = decide(entry.change("a"), entry.change("b"), rules)
    match decision:
        case Decision.NOTHING:
            same = _sha(entry.a) == entry.base_a.sha if entry.base_a else False
            same = same and entry.base_b is not None and _sha(entry.b) == entry.base_b.sha
            if same and not entry.moved:
                return None
            return _made(planner, entry, Kind.AGREE, "nothing of meaning changed")
        case Decision.FORGET:
            return _made(planner, entry, Kind.FORGET, "gone on both sides")
        case Decision.KEEP:
            return _made(planner, entry, Kind.KEEP, f"{entry.change('a')}, {entry.change('b')}")
        case Decision.RECONCILE:
            return _reconciled(planner, entry)
        case Decision.DELETE_A | Decision.DELETE_B:
            return _deletion(planner, entry, "a" if decision is Decision.DELETE_A else "b")
        case Decision.CREATE_A | Decision.CREATE_B:
            return _creation(planner, entry, "a" if decision is Decision.CREATE_A else "b")
        case Decision.WRITE_A | Decision.WRITE_B:
            return _update(planner, entry, "a" if decision is Decision.WRITE_A else "b")


def _reconciled(planner: _Planner, entry: Entry) -> Action:
    """Both sides changed, or both are new."""
    a, b = _present(entry.a), _present(entry.b)
    if a.version.fingerprint == b.version.fingerprint:
        return _made(planner, entry, Kind.AGREE, "the same on both sides")
    mode = planner.means.rules.mode
    if mode == "copy":
        return _made(planner, entry, Kind.KEEP, "the target has a version of its own")
    if mode == "mirror":
        return _update(planner, entry, "b")
    return _merge(planner, entry, a, b)


def _merge(planner: _Planner, entry: Entry, a: Seen, b: Seen) -> Action:
    semantics, policy = planner.means.semantics, planner.means.rules.policy
    body_a, body_b = planner.load(a.version.sha), planner.load(b.version.sha)
    if entry.base_a is None or entry.base_b is None:
        merged = semantics.merge(None, body_a, body_b, policy)
        wanted = {"a": merged.body, "b": merged.body}
        conflicts = merged.conflicts
    elif entry.base_a.fingerprint == entry.base_b.fingerprint:
        merged = semantics.merge(planner.load(entry.base_a.sha), body_a, body_b, policy)
        wanted = {"a": merged.body, "b": merged.body}
        conflicts = merged.conflicts
    else:
        # Each side's edit is carried over to the other's base, so that each merge knows one server.
        base_a, base_b = planner.load(entry.base_a.sha), planner.load(entry.base_b.sha)
        from_b = semantics.apply_changes(base_b, body_b, base_a)
        from_a = semantics.apply_changes(base_a, body_a, base_b)
        on_a = semantics.merge(base_a, body_a, from_b.body, policy)
        on_b = semantics.merge(base_b, from_a.body, body_b, policy)
        wanted = {"a": on_a.body, "b": on_b.body}
        conflicts = (
            *from_a.conflicts,
            *from_b.conflicts,
            *on_a.conflicts,
            *on_b.conflicts,
        )
    if conflicts:
        reason = "; ".join(dict.fromkeys(str(conflict) for conflict in conflicts))
        return _made(planner, entry, Kind.CONFLICT, reason)
    writes = tuple(
        Write(end, "update", seen.href, seen.etag, _stored(planner, wanted[end]))
        for end, seen in _ends(a, b)
        if planner.fingerprint(wanted[end]) != seen.version.fingerprint
    )
    kind = Kind.UPDATE if writes else Kind.AGREE
    return _made(planner, entry, kind, "both sides changed", writes)


def _ends(a: Seen, b: Seen) -> tuple[tuple[End, Seen], tuple[End, Seen]]:
    return (("a", a), ("b", b))


def _update(planner: _Planner, entry: Entry, end: End) -> Action:
    """Bring the other side's changes to `end`."""
    source, target = _toward(entry, end)
    source_base, target_base = _bases_toward(entry, end)
    if planner.means.rules.mode == "copy" and not entry.ours:
        return _made(planner, entry, Kind.KEEP, "the target's item was not written by a copy")
    if (
        source_base is None
        or target_base is None
        or source_base.fingerprint == target_base.fingerprint
    ):
        payload = source.version.sha
    else:
        changed = planner.means.semantics.apply_changes(
            planner.load(source_base.sha),
            planner.load(source.version.sha),
            # A mirror's target is as it was left, whatever was done to it since.
            planner.load(target_base.sha),
        )
        if changed.conflicts:
            reason = "; ".join(str(conflict) for conflict in changed.conflicts)
            return _made(planner, entry, Kind.CONFLICT, reason)
        payload = _stored(planner, changed.body)
    if planner.fingerprint(planner.load(payload)) == target.version.fingerprint:
        return _made(planner, entry, Kind.AGREE, "the target has these changes")
    write = Write(end, "update", target.href, target.etag, payload)
    return _made(planner, entry, Kind.UPDATE, _reason(entry), (write,))


def _creation(planner: _Planner, entry: Entry, end: End) -> Action:
    source = _present(entry.b if end == "a" else entry.a)
    name = name_of(entry.key, planner.means.suffix)
    body = planner.load(source.version.sha)
    # What a named transform did not touch keeps its bytes.
    payload = _stored(planner, planner.means.outgoing(end, body))
    write = Write(end, "create", name, "", payload)
    return _made(planner, entry, Kind.CREATE, _reason(entry), (write,))


def _deletion(planner: _Planner, entry: Entry, end: End) -> Action:
    if planner.means.no_deletes:
        reason = f"not deleted: {planner.means.no_deletes}"
        return _made(planner, entry, Kind.KEEP, reason)
    target = _present(entry.a if end == "a" else entry.b)
    write = Write(end, "delete", target.href, target.etag)
    return _made(planner, entry, Kind.DELETE, _reason(entry), (write,))


def _reason(entry: Entry) -> str:
    """Why a write goes one way."""
    a, b = entry.change("a"), entry.change("b")
    won = {Change.CHANGED, Change.GONE} == {a, b}
    return f"a {a}, b {b}" + (": the edit wins over the deletion" if won else "")


def _made(
    planner: _Planner, entry: Entry, kind: Kind, reason: str, writes: tuple[Write, ...] = ()
) -> Action:
    shown = entry.a or entry.b
    sha = shown.version.sha if shown else entry.base_a.sha if entry.base_a else None
    label = label_of(planner.load(sha)) if sha else entry.key
    return Action(
        kind=kind,
        key=entry.key,
        label=label,
        reason=reason,
        item=entry.item,
        a=entry.a,
        b=entry.b,
        base_a=entry.base_a,
        base_b=entry.base_b,
        writes=writes,
    )


def _stored(planner: _Planner, body: bytes) -> str:
    sha = digest(body)
    planner.bodies[sha] = body
    return sha


def _toward(entry: Entry, end: End) -> tuple[Seen, Seen]:
    """The source and the target of a write to `end`."""
    a, b = _present(entry.a), _present(entry.b)
    return (b, a) if end == "a" else (a, b)


def _bases_toward(entry: Entry, end: End) -> tuple[Version | None, Version | None]:
    return (entry.base_b, entry.base_a) if end == "a" else (entry.base_a, entry.base_b)


def _present(seen: Seen | None) -> Seen:
    if seen is None:
        raise AssertionError("the decision table asks for a member that is not there")
    return seen


def _sha(seen: Seen | None) -> str | None:
    return None if seen is None else seen.version.sha
