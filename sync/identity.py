"""Which members are the same item: by the pair made before, then by UID, then by content. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from davenport.sync.plan import Action, End, Entry, Kind, Seen, Version

_LIVE = "live"
_GONE = "gone"


@dataclass(frozen=True, slots=True)
class Member:
    """A member of one side; `version` is None until its body was read."""

    href: str
    etag: str
    state: str
    version: Version | None
    uid: str

    @property
    def key(self) -> str:
        """The UID; for a body without one, its meaning."""
        if self.uid or self.version is None:
            return self.uid
        return f"fp:{self.version.fingerprint}"

    @property
    def seen(self) -> Seen | None:
        """The member as something to decide on; None unless it is live and was read."""
        if self.state != _LIVE or self.version is None:
            return None
        return Seen(self.href, self.etag, self.version)


@dataclass(frozen=True, slots=True)
class Pairing:
    """An item: the members that were last agreed on, and how they are now."""

    id: int
    key: str
    uids: Mapping[End, str]
    bases: Mapping[End, Version]
    members: Mapping[End, Member | None]
    ours: bool


@dataclass(slots=True)
class Identified:
    """Entries to decide on, and members that nothing is to be done with."""

    entries: list[Entry] = field(default_factory=list)
    notes: list[Action] = field(default_factory=list)
    waiting: set[str] = field(default_factory=set)


@dataclass(slots=True)
class _Found:
    """Unpaired members of one side, one for each key, and keys held by different bodies."""

    single: dict[str, Member] = field(default_factory=dict)
    rebound: dict[int, Member] = field(default_factory=dict)
    disputed: dict[str, str] = field(default_factory=dict)
    waiting: set[str] = field(default_factory=set)


def identify(
    pairings: Iterable[Pairing],
    loose_a: Iterable[Member],
    loose_b: Iterable[Member],
) -> Identified:
    """Pair members. `pairings` are those that changed and those that share a UID with a loose
    member; the loose ones belong to no pairing."""
    known = list(pairings)
    result = Identified()
    found: dict[End, _Found] = {
        "a": _sort_out("a", known, loose_a, result),
        "b": _sort_out("b", known, loose_b, result),
    }
    result.waiting |= found["a"].waiting | found["b"].waiting
    for pairing in known:
        _pair_again(pairing, found, result)
    for key in sorted(found["a"].single.keys() | found["b"].single.keys()):
        a, b = found["a"].single.get(key), found["b"].single.get(key)
        disputed = found["a"].disputed.get(key) or found["b"].disputed.get(key)
        if disputed:
            result.notes.append(_note(Kind.PARK, key, disputed, a, b))
        elif key not in result.waiting:
            result.entries.append(Entry(key, a.seen if a else None, b.seen if b else None))
    return result


def _sort_out(
    end: End, pairings: list[Pairing], loose: Iterable[Member], result: Identified
) -> _Found:
    found = _Found()
    paired = {pairing.uids[end]: pairing for pairing in pairings if pairing.uids[end]}
    groups: dict[str, list[Member]] = {}
    for member in sorted(loose, key=lambda member: member.href):
        if member.seen is not None:
            groups.setdefault(member.key, []).append(member)
        elif member.state != _GONE and member.key:
            found.waiting.add(member.key)
    for key, members in groups.items():
        pairing = paired.get(key)
        holder = None if pairing is None else pairing.members[end]
        if holder is not None and holder.state not in {_LIVE, _GONE}:
            continue
        first = members[0] if holder is None or holder.state == _GONE else holder
        for member in members:
            if member is first:
                continue
            if member.version == first.version or _alike(member, first):
                result.notes.append(_note_on(end, Kind.SHADOW, f"a copy of {first.href}", member))
            else:
                hrefs = ", ".join(sorted({first.href, *(each.href for each in members)}))
                found.disputed[key] = f"side {end} holds this UID with different bodies: {hrefs}"
        if pairing is None:
            found.single[key] = first
        elif first is not holder:
            found.rebound[pairing.id] = first
    return found


def _alike(one: Member, other: Member) -> bool:
    if one.version is None or other.version is None:
        return False
    return one.version.fingerprint == other.version.fingerprint


def _pair_again(pairing: Pairing, found: Mapping[End, _Found], result: Identified) -> None:
    members: dict[End, Member | None] = {}
    for end in ("a", "b"):
        members[end] = found[end].rebound.get(pairing.id, pairing.members[end])
    a, b = members["a"], members["b"]
    for end in found:
        disputed = found[end].disputed.get(pairing.uids[end])
        if disputed:
            result.notes.append(_note(Kind.PARK, pairing.key, disputed, a, b))
            return
    for member in (a, b):
        if member is not None and member.seen is None and member.state != _GONE:
            result.waiting.add(pairing.key)
            return
    result.entries.append(
        Entry(
            key=pairing.key,
            a=a.seen if a else None,
            b=b.seen if b else None,
            item=pairing.id,
            base_a=pairing.bases["a"],
            base_b=pairing.bases["b"],
            moved=any(pairing.id in found[end].rebound for end in found),
            ours=pairing.ours,
        )
    )


def _note(kind: Kind, key: str, reason: str, a: Member | None, b: Member | None) -> Action:
    shown = a or b
    label = f"{key} at {shown.href}" if shown else key
    return Action(kind, key, label, reason, None, a.seen if a else None, b.seen if b else None)


def _note_on(end: End, kind: Kind, reason: str, member: Member) -> Action:
    a, b = (member, None) if end == "a" else (None, member)
    return _note(kind, member.key, reason, a, b)
