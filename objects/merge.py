"""Three-way merge of calendar objects and cards (docs/merge.md has the rules in words).

The result is A's text with the lines of B that changed: what neither touched, and what is not
understood, stays byte for byte.
"""

import re
from dataclasses import dataclass, replace
from typing import Literal

from davenport.dav.precondition import PreconditionError
from davenport.objects.calendar import KINDS, read_calendar_object
from davenport.objects.card import read_address_object
from davenport.objects.conflict import (
    Choice,
    FieldConflict,
    MergePolicy,
    SideName,
    Taken,
    field_conflict,
)
from davenport.objects.contentline import Component, read_components
from davenport.objects.decision import Scene
from davenport.objects.draft import Draft, property_end, raw
from davenport.objects.limits import Limits
from davenport.objects.merge_component import Job, merge_component, repeated_keys
from davenport.objects.merge_series import series_conflict, without_cancelled
from davenport.objects.normal import NormalComponent, normal_components
from davenport.objects.readable import component_text
from davenport.objects.unit import Versions

__all__ = ["MERGE", "FieldConflict", "MergePolicy", "Merged", "apply_changes", "merge"]

MERGE = MergePolicy.MERGE

_STAMPS = ("LAST-MODIFIED", "DTSTAMP", "REV")


@dataclass(frozen=True, slots=True)
class Merged:
    """The merged `body`, which can be stored, and the conflicts with what was taken in each.

    Where a conflict remains, the body has what the base had.
    """

    body: bytes
    conflicts: tuple[FieldConflict, ...] = ()

    @property
    def unresolved(self) -> tuple[FieldConflict, ...]:
        """The conflicts that the policy left open."""
        return tuple(found for found in self.conflicts if found.taken is None)


@dataclass(frozen=True, slots=True)
class _Object:
    """A version: its bytes, its text, its outermost component and its UID."""

    body: bytes
    text: str
    root: NormalComponent
    uid: str
    uid_line: str


def merge(base: bytes, a: bytes, b: bytes, policy: MergePolicy = MERGE) -> Merged:
    """`a` with what changed from `base` to `b`; an empty `base` where the two have none.

    Raises PreconditionError where a body cannot be read (`read_calendar_object`,
    `read_address_object`).
    """
    ours, theirs = _read(a), _read(b)
    older = _read(base) if base else None
    if b in (a, base):
        return Merged(a)
    if base == a:
        return Merged(b)
    choice = Choice(policy, _newest(ours, theirs))
    reason = _incomparable(older, ours, theirs)
    if reason is not None:
        return _as_a_whole(older, ours, theirs, choice, reason)
    merged = _merge(older, ours, theirs, choice)
    try:
        _read(merged.body)
    except PreconditionError as error:
        return _as_a_whole(older, ours, theirs, choice, error.reason or str(error))
    return merged


def apply_changes(base: bytes, changed: bytes, current: bytes) -> Merged:
    """`current` with what changed from `base` to `changed`, which wins every conflict.

    For writing one side's edit to a server that rewrote the object: what the server added stays.
    In the conflicts `a` is `changed` and `b` is `current`. Raises PreconditionError like `merge`.
    """
    merged = merge(base, current, changed, MergePolicy.B)
    return Merged(
        merged.body,
        tuple(replace(found, a=found.b, b=found.a, taken="a") for found in merged.conflicts),
    )


def _read(body: bytes) -> _Object:
    """Read and check a version. Raises PreconditionError."""
    if b"BEGIN:VCARD" in body[:64].upper():
        card = read_address_object(body)
        text, source = card.text, card.card
    else:
        calendar = read_calendar_object(body)
        text, source = calendar.text, calendar.calendar
    root = normal_components([source])[0]
    holder = root
    if root.name != "VCARD":
        holder = next(part for part in root.components if part.name in KINDS)
    found = holder.first("UID")
    assert found is not None, "checked on reading"
    return _Object(body, text, root, found.value, raw(text, found.line))


def _newest(a: _Object, b: _Object) -> Literal["a", "b"] | None:
    one, other = _stamp(a.root), _stamp(b.root)
    if one == other:
        return None
    return "a" if one > other else "b"


def _stamp(root: NormalComponent) -> str:
    """When the object was last modified, as digits; empty where it does not say."""
    for name in _STAMPS:
        digits = [
            re.sub(r"[^0-9]", "", found.line.value)[:14].ljust(14, "0")
            for part in (root, *root.components)
            for found in part.all(name)
        ]
        if digits:
            return max(digits)
    return ""


def _incomparable(base: _Object | None, a: _Object, b: _Object) -> str | None:
    """Why the versions cannot be merged by fields, or None."""
    every = [one for one in (base, a, b) if one is not None]
    if len({one.root.name for one in every}) > 1:
        return "a calendar object and a card"
    if any(repeated_keys(one.root) for one in every):
        return "two components that cannot be told apart"
    if a.root.name == "VCARD":
        versions = {_version(one.root) for one in every}
        return "different versions of vCard" if len(versions) > 1 else None
    kinds = {part.name for one in every for part in one.root.components if part.name in KINDS}
    if len(kinds) > 1:
        return "different kinds of component"
    uids = {one.uid for one in every}
    changed = a.uid != b.uid and base is not None and base.uid not in (a.uid, b.uid)
    return "different UIDs" if changed or (base is None and len(uids) > 1) else None


def _version(card: NormalComponent) -> str:
    found = card.first("VERSION")
    return found.value if found is not None else "3.0"


def _as_a_whole(
    base: _Object | None, a: _Object, b: _Object, choice: Choice, reason: str
) -> Merged:
    """One side's object: the one that changed its meaning, or a conflict over the whole."""
    before = base.root.form() if base is not None else None
    if a.root.form() == b.root.form() or b.root.form() == before:
        return Merged(a.body)
    if a.root.form() == before:
        return Merged(b.body)
    side = choice.side()
    taken: Taken | None = side
    before_text = component_text(base.root) if base is not None else None
    texts = before_text, component_text(a.root), component_text(b.root)
    conflict = field_conflict("", reason, texts, taken)
    chosen = {"a": a, "b": b}.get(side or "", base or a)
    return Merged(chosen.body, (conflict,))


def _merge(base: _Object | None, a: _Object, b: _Object, choice: Choice) -> Merged:
    texts: dict[SideName, str] = {"base": base.text if base else "", "a": a.text, "b": b.text}
    draft = Draft(a.text)
    version = _version(a.root) if a.root.name == "VCARD" else ""
    scene = Scene(texts, choice, draft.line_break, version=version)
    versions = Versions(base.root if base is not None else None, a.root, b.root)
    versions = without_cancelled(versions, draft)
    series = series_conflict(versions, choice)
    identity = b if base is not None and a.uid == base.uid else a
    side: SideName | None = None
    if series is not None:
        side = series.taken if series.taken in ("a", "b") else "base"
    job = Job(scene, draft, side, identity.uid, identity.uid_line)
    if series is not None:
        job.conflicts.append(series)
    merge_component(job, versions, a.root.name)
    text = _with_zones(draft.result(), b, base)
    return Merged(text.encode(), tuple(job.conflicts))


_TZID = re.compile(r';[ \t]*TZID=("[^"\r\n]*+"|[^":;,\r\n]*+)', re.IGNORECASE)
_FOLD = re.compile(r"(?:\r\n|\n|\r)[ \t]")


def _with_zones(text: str, *others: _Object | None) -> str:
    """The time zones that the lines of other versions name and the text does not define."""
    if "TZID" not in text.upper() or "BEGIN:VCARD" in text[:64].upper():
        return text
    calendar = read_components(text, Limits())[0]
    used = {match[1].strip('"') for match in _TZID.finditer(_FOLD.sub("", text))}
    missing = used - {name for name, _ in _zones(calendar)}
    pieces = []
    for other in others:
        for name, zone in _zones(other.root.source) if other is not None else ():
            if name in missing:
                missing.discard(name)
                pieces.append(raw(other.text, zone) if other is not None else "")
    if not pieces:
        return text
    at = min((part.start for part in calendar.components), default=property_end(text, calendar))
    return text[:at] + "".join(pieces) + text[at:]


def _zones(calendar: Component) -> list[tuple[str, Component]]:
    return [
        (line.value.strip(), part)
        for part in calendar.components
        if part.name == "VTIMEZONE" and (line := part.first("TZID")) is not None
    ]
