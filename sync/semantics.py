"""What bodies mean to the engine: calendar objects and cards by `davenport.objects`."""

from dataclasses import dataclass

from davenport.dav.precondition import PreconditionError
from davenport.objects import merge as three_way
from davenport.objects.conflict import FieldConflict, MergePolicy
from davenport.objects.fingerprint import fingerprint
from davenport.objects.normal import read_or_none
from davenport.sync.plan import Policy, Semantics
from davenport.sync.uid import uid_of


@dataclass(frozen=True, slots=True)
class Joined:
    """A merged body; `conflicts` are those that the policy left open."""

    body: bytes
    conflicts: tuple[FieldConflict, ...]


def _fingerprint(body: bytes) -> str:
    if read_or_none(body) is None:
        raise ValueError("neither a calendar object nor a card")
    return fingerprint(body)


def _merge(base: bytes | None, a: bytes, b: bytes, policy: Policy) -> Joined:
    # To ask is to leave open what cannot be merged; the asking is the caller's.
    chosen = MergePolicy.MERGE if policy == "ask" else MergePolicy(policy)
    try:
        return _joined(three_way.merge(base or b"", a, b, chosen))
    except PreconditionError as error:
        raise ValueError(str(error)) from error


def _apply_changes(base: bytes, changed: bytes, current: bytes) -> Joined:
    try:
        return _joined(three_way.apply_changes(base, changed, current))
    except PreconditionError as error:
        raise ValueError(str(error)) from error


def _joined(merged: three_way.Merged) -> Joined:
    return Joined(merged.body, merged.unresolved)


OBJECTS = Semantics(
    fingerprint=_fingerprint,
    merge=_merge,
    apply_changes=_apply_changes,
    uid_of=lambda body: uid_of(body) or "",
)
