"""Gates before the first write: what looks less like edits than like a mistake. Pure."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from davenport.dav import xml
from davenport.dav.name import CALDAV, CARDDAV
from davenport.sync.plan import Action, End, Kind, Plan
from davenport.sync.side import CollectionInfo

_SAMPLES = 5
_COMPONENT = re.compile(rb"^BEGIN:(VEVENT|VTODO|VJOURNAL)[ \t]*\r?$", re.MULTILINE | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Gate:
    """Why nothing is written: the numbers, items by name, and the flag that lets it pass once."""

    code: str
    message: str
    numbers: Mapping[str, int]
    samples: tuple[str, ...] = ()

    @property
    def flag(self) -> str:
        """What the user says to go on all the same."""
        return f"--allow {self.code}"


@dataclass(frozen=True, slots=True)
class Extent:
    """How much one side holds: before this run, now, of items paired, and of these changed."""

    before: int
    now: int
    paired: int
    changed: int


@dataclass(frozen=True, slots=True)
class Contact:
    """A first contact: members with UIDs on each side, and UIDs on both."""

    a: int
    b: int
    common: int


@dataclass(frozen=True, slots=True)
class Limits:
    """Where the gates stand."""

    deletes: int = 10
    delete_share: float = 0.25
    changed: int = 20
    changed_share: float = 0.8
    overlap: float = 0.5


def judge(
    plan: Plan,
    extents: Mapping[End, Extent],
    contact: Contact | None,
    limits: Limits,
) -> tuple[Gate, ...]:
    """The gates G1 to G4 that this plan does not pass."""
    found: list[Gate | None] = []
    for end, extent in extents.items():
        found.append(_emptied(end, extent))
        found.append(_deletes(end, plan, extent, limits))
        found.append(_rewritten(end, plan, extent, limits))
    if contact is not None:
        found.append(_overlap(contact, limits))
    return tuple(gate for gate in found if gate is not None)


def _emptied(end: End, extent: Extent) -> Gate | None:
    if not extent.before or extent.now:
        return None
    message = f"side {end} held {extent.before} items and now lists none"
    return Gate("G1", message, {"before": extent.before, "now": 0})


def _deletes(end: End, plan: Plan, extent: Extent, limits: Limits) -> Gate | None:
    doomed = [
        action
        for action in plan.actions
        if any(write.op == "delete" and write.end == end for write in action.writes)
    ]
    most = max(limits.deletes, limits.delete_share * extent.now)
    if len(doomed) <= most:
        return None
    numbers = {"deletes": len(doomed), "items": extent.now, "most": int(most)}
    message = f"{len(doomed)} of {extent.now} items of side {end} would be deleted"
    return Gate("G2", message, numbers, _samples(doomed))


def _rewritten(end: End, plan: Plan, extent: Extent, limits: Limits) -> Gate | None:
    n = extent.changed
    if n <= limits.changed or n <= limits.changed_share * extent.paired:
        return None
    message = f"{n} of {extent.paired} items of side {end} changed at once"
    writing = [action for action in plan.actions if action.kind is Kind.UPDATE]
    return Gate("G3", message, {"changed": n, "items": extent.paired}, _samples(writing))


def _overlap(contact: Contact, limits: Limits) -> Gate | None:
    least = min(contact.a, contact.b)
    if not least or contact.common >= limits.overlap * least:
        return None
    message = (
        f"of {contact.a} items on side a and {contact.b} on side b only {contact.common} are the"
        " same: are these two collections meant to be one?"
    )
    return Gate("G4", message, {"a": contact.a, "b": contact.b, "common": contact.common})


def unfit(
    plan: Plan, infos: Mapping[End, CollectionInfo], load: Callable[[str], bytes]
) -> tuple[Gate | None, frozenset[str]]:
    """The gate G7 and the keys of the actions that a side cannot take."""
    found: dict[str, str] = {}
    actions: list[Action] = []
    for action in plan.actions:
        for write in action.writes:
            reason = _unfit(infos[write.end], write.payload, load)
            if reason and action.key not in found:
                found[action.key] = f"side {write.end} {reason}"
                actions.append(action)
    if not found:
        return None, frozenset()
    reasons = "; ".join(sorted(set(found.values())))
    gate = Gate("G7", reasons, {"items": len(found)}, _samples(actions))
    return gate, frozenset(found)


def _unfit(info: CollectionInfo, payload: str | None, load: Callable[[str], bytes]) -> str:
    if info.read_only:
        return "is read-only"
    if payload is None:
        return ""
    most = _max_size(info)
    if most is None and not info.components:
        return ""
    body = load(payload)
    if most is not None and len(body) > most:
        return f"takes no item of more than {most} bytes"
    kinds = {kind.decode().upper() for kind in _COMPONENT.findall(body)}
    if info.kind == "calendar" and info.components and kinds - set(info.components):
        return f"takes no {', '.join(sorted(kinds - set(info.components)))}"
    return ""


def _max_size(info: CollectionInfo) -> int | None:
    vocabulary = CALDAV if info.kind == "calendar" else CARDDAV
    element = info.properties.get(vocabulary("max-resource-size"))
    if element is None:
        return None
    text = xml.element_text(element).strip()
    return int(text) if text.isascii() and text.isdigit() else None


def _samples(actions: list[Action]) -> tuple[str, ...]:
    return tuple(action.label for action in actions[:_SAMPLES])
