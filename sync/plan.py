"""What a run would do, as data: the decision table of modes, and the actions it leads to. Pure."""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Literal, Protocol

End = Literal["a", "b"]
Mode = Literal["copy", "mirror", "sync"]
Policy = Literal["merge", "ask", "a", "b", "newest", "both"]


class Merged(Protocol):
    """A merged body, and the conflicts left in it, none where it may be written."""

    @property
    def body(self) -> bytes: ...
    @property
    def conflicts(self) -> tuple[object, ...]: ...


@dataclass(frozen=True, slots=True)
class Semantics:
    """What bodies mean. Each function raises ValueError for a body that it cannot read.

    `merge(base, a, b, policy)` is three-way, with base None where there never was one;
    `apply_changes(base, changed, current)` brings what changed since base to current;
    `uid_of` gives "" for a body without UID.
    """

    fingerprint: Callable[[bytes], str]
    merge: Callable[[bytes | None, bytes, bytes, Policy], Merged]
    apply_changes: Callable[[bytes, bytes, bytes], Merged]
    uid_of: Callable[[bytes], str]


class Change(StrEnum):
    """A member against the base of its own side."""

    SAME = "same"
    CHANGED = "changed"
    GONE = "gone"
    NEW = "new"
    ABSENT = "absent"


class Decision(StrEnum):
    """What is to happen to one item."""

    NOTHING = "nothing"
    WRITE_A = "write a"
    WRITE_B = "write b"
    CREATE_A = "create a"
    CREATE_B = "create b"
    DELETE_A = "delete a"
    DELETE_B = "delete b"
    RECONCILE = "reconcile"
    FORGET = "forget"
    KEEP = "keep"


_C, _D = Change, Decision
_NEITHER_WAY = {(_C.SAME, _C.SAME): _D.NOTHING, (_C.GONE, _C.GONE): _D.FORGET}
_TABLE: Mapping[Mode, Mapping[tuple[Change, Change], Decision]] = {
    "sync": _NEITHER_WAY
    | {
        (_C.SAME, _C.CHANGED): _D.WRITE_A,
        (_C.SAME, _C.GONE): _D.DELETE_A,
        (_C.CHANGED, _C.SAME): _D.WRITE_B,
        (_C.CHANGED, _C.CHANGED): _D.RECONCILE,
        (_C.CHANGED, _C.GONE): _D.CREATE_B,
        (_C.GONE, _C.SAME): _D.DELETE_B,
        (_C.GONE, _C.CHANGED): _D.CREATE_A,
        (_C.NEW, _C.NEW): _D.RECONCILE,
        (_C.NEW, _C.ABSENT): _D.CREATE_B,
        (_C.ABSENT, _C.NEW): _D.CREATE_A,
    },
    # Only adds, and updates what it wrote itself and nobody changed since.
    "copy": _NEITHER_WAY
    | {
        (_C.SAME, _C.CHANGED): _D.KEEP,
        (_C.SAME, _C.GONE): _D.KEEP,
        (_C.CHANGED, _C.SAME): _D.WRITE_B,
        (_C.CHANGED, _C.CHANGED): _D.RECONCILE,
        (_C.CHANGED, _C.GONE): _D.CREATE_B,
        (_C.GONE, _C.SAME): _D.KEEP,
        (_C.GONE, _C.CHANGED): _D.KEEP,
        (_C.NEW, _C.NEW): _D.RECONCILE,
        (_C.NEW, _C.ABSENT): _D.CREATE_B,
        (_C.ABSENT, _C.NEW): _D.KEEP,
    },
    # A always wins and is never written.
    "mirror": _NEITHER_WAY
    | {
        (_C.SAME, _C.CHANGED): _D.WRITE_B,
        (_C.SAME, _C.GONE): _D.CREATE_B,
        (_C.CHANGED, _C.SAME): _D.WRITE_B,
        (_C.CHANGED, _C.CHANGED): _D.RECONCILE,
        (_C.CHANGED, _C.GONE): _D.CREATE_B,
        (_C.GONE, _C.SAME): _D.DELETE_B,
        (_C.GONE, _C.CHANGED): _D.DELETE_B,
        (_C.NEW, _C.NEW): _D.RECONCILE,
        (_C.NEW, _C.ABSENT): _D.CREATE_B,
        (_C.ABSENT, _C.NEW): _D.KEEP,
    },
}


@dataclass(frozen=True, slots=True)
class Rules:
    """How to decide. `edit_wins` over a deletion; `prune` lets mirror delete what A never had."""

    mode: Mode = "copy"
    policy: Policy = "merge"
    edit_wins: bool = True
    prune: bool = False


def decide(a: Change, b: Change, rules: Rules) -> Decision:
    """The decision for an item by how each side stands against its own base."""
    if rules.mode == "sync" and not rules.edit_wins:
        if (a, b) == (Change.CHANGED, Change.GONE):
            return Decision.DELETE_A
        if (a, b) == (Change.GONE, Change.CHANGED):
            return Decision.DELETE_B
    if rules.mode == "mirror" and rules.prune and (a, b) == (Change.ABSENT, Change.NEW):
        return Decision.DELETE_B
    return _TABLE[rules.mode][a, b]


@dataclass(frozen=True, slots=True)
class Version:
    """A stored body: the digest of its bytes, and of its meaning."""

    sha: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Seen:
    """A live member as it was last read."""

    href: str
    etag: str
    version: Version


@dataclass(frozen=True, slots=True)
class Entry:
    """One item to decide on: what each side holds, and what both last agreed on."""

    key: str
    a: Seen | None
    b: Seen | None
    item: int | None = None
    base_a: Version | None = None
    base_b: Version | None = None
    moved: bool = False
    ours: bool = False

    def change(self, end: End) -> Change:
        """How the side stands against its own base."""
        seen, base = (self.a, self.base_a) if end == "a" else (self.b, self.base_b)
        if base is None:
            return Change.ABSENT if seen is None else Change.NEW
        if seen is None:
            return Change.GONE
        return Change.SAME if seen.version.fingerprint == base.fingerprint else Change.CHANGED


class Kind(StrEnum):
    """What an action is; writing kinds are executed in this order."""

    AGREE = "agree"
    FORGET = "forget"
    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    CONFLICT = "conflict"
    KEEP = "keep"
    PARK = "park"
    SHADOW = "shadow"


@dataclass(frozen=True, slots=True)
class Write:
    """One request that changes a side; `href` is the name to create, `payload` a body's digest."""

    end: End
    op: Literal["create", "update", "delete"]
    href: str
    etag: str = ""
    payload: str | None = None


@dataclass(frozen=True, slots=True)
class Action:
    """What is to happen to one item, and what it was decided on."""

    kind: Kind
    key: str
    label: str
    reason: str
    item: int | None
    a: Seen | None
    b: Seen | None
    base_a: Version | None = None
    base_b: Version | None = None
    writes: tuple[Write, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """Every action of a run, decided at `revision` of the collection's state.

    `bodies` holds the payloads that the plan itself made, by digest; `waiting` the keys of items
    that cannot be decided on before they are read.
    """

    revision: int
    actions: tuple[Action, ...]
    bodies: Mapping[str, bytes] = field(default_factory=dict)
    waiting: frozenset[str] = frozenset()

    def counts(self) -> dict[str, int]:
        """How many actions of each kind."""
        found: dict[str, int] = {}
        for action in self.actions:
            found[action.kind.value] = found.get(action.kind.value, 0) + 1
        return found

    def writes(self) -> int:
        """How many requests would change a side."""
        return sum(len(action.writes) for action in self.actions)

    def as_json(self) -> dict[str, object]:
        """The plan as JSON values, bodies by their digests."""
        return {
            "revision": self.revision,
            "counts": self.counts(),
            "actions": [asdict(action) for action in self.actions],
        }


@dataclass(frozen=True, slots=True)
class Held:
    """Versions of an item that a side refused: nothing is tried again until one changes."""

    sha_a: str | None
    sha_b: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class Means:
    """What planning needs beside the entries.

    `load` gives a stored body by its digest, `outgoing` the body to create an item with on a
    side, `suffix` ends the names of new members, `no_deletes` says why none may be planned, ""
    where they may.
    """

    rules: Rules
    semantics: Semantics
    load: Callable[[str], bytes]
    outgoing: Callable[[End, bytes], bytes]
    suffix: str
    no_deletes: str = ""
    held: Mapping[str, Held] = field(default_factory=dict)


def other_end(end: End) -> End:
    """The other side."""
    return "b" if end == "a" else "a"


def digest(body: bytes) -> str:
    """The name of a body among stored bodies."""
    return hashlib.sha256(body).hexdigest()


def name_of(key: str, suffix: str) -> str:
    """The name of a new member: the same again in every run."""
    return hashlib.sha256(key.encode()).hexdigest()[:32] + suffix


def label_of(body: bytes) -> str:
    """An item's summary or name with its start, for people."""
    found: dict[bytes, str] = {}
    for line in body.splitlines():
        name, _, value = line.partition(b":")
        name = name.partition(b";")[0].upper()
        if name in {b"SUMMARY", b"FN", b"DTSTART", b"DUE"} and name not in found:
            found[name] = value.decode("utf-8", "replace").strip()[:80]
            # The time zone's own DTSTART stands before the event's.
        if name == b"END" and value.strip().upper() == b"VTIMEZONE":
            found.pop(b"DTSTART", None)
    title = found.get(b"SUMMARY") or found.get(b"FN") or "(no title)"
    start = found.get(b"DTSTART") or found.get(b"DUE")
    return f"{title} ({start})" if start else title


def ordered(actions: Iterable[Action]) -> tuple[Action, ...]:
    """By kind as executed, deletions after all other writes, then by key."""
    rank = {kind: number for number, kind in enumerate(Kind)}
    return tuple(sorted(actions, key=lambda action: (rank[action.kind], action.key)))
