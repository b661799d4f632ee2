"""The units of a three-way merge: what changes as a whole, and by which rule.

A unit is one property, a group of properties that only make sense together, or one item of a list.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto

from davenport.objects.calendar import KINDS
from davenport.objects.normal import Form, NormalComponent, NormalProperty

Key = tuple[str, ...]

SERIES: Key = ("series",)
SERIES_RULE = frozenset({"DTSTART", "RRULE", "EXRULE"})
SERIES_DATES = frozenset({"EXDATE", "RDATE"})
_SERIES = SERIES_RULE | {"DTEND", "DURATION", "DUE"}
_STATUS = frozenset({"STATUS", "COMPLETED", "PERCENT-COMPLETE"})
_DESCRIPTION = frozenset({"DESCRIPTION", "X-ALT-DESC", "STYLED-DESCRIPTION"})
_NEWEST = frozenset({"DTSTAMP", "LAST-MODIFIED", "REV", "ACKNOWLEDGED", "X-MOZ-LASTACK"})
_KEYED = {"VCARD": frozenset({"TEL", "EMAIL", "ADR", "URL", "IMPP"})}
_MANY = frozenset(
    [
        "ATTACH",
        "COMMENT",
        "CONTACT",
        "RELATED-TO",
        "REQUEST-STATUS",
        "CONFERENCE",
        "IMAGE",
        "STRUCTURED-DATA",
        "LINK",
        "CONCEPT",
        "REFID",
        "MEMBER",
        "RELATED",
        "LANG",
        "KEY",
        "EXPERTISE",
        "HOBBY",
        "INTEREST",
    ]
)
_PHONE_MARKS = re.compile(r"[\s().\-/\xa0]+")


class Rule(Enum):
    """How a unit that both sides changed is settled."""

    WHOLE = auto()  # not at all
    TEXT = auto()  # line by line
    PARAMETERS = auto()  # value, labels and each parameter by itself
    PRESENCE = auto()  # it is there or not: never a conflict
    NEWEST = auto()
    EARLIEST = auto()
    LARGEST = auto()
    NOISE = auto()  # either will do


@dataclass(frozen=True, slots=True)
class Versions:
    """A component in the three versions; None where it is not there."""

    base: NormalComponent | None
    a: NormalComponent | None
    b: NormalComponent | None

    def of(self, side: str) -> NormalComponent | None:
        """The version of `side`: "base", "a" or "b"."""
        return {"base": self.base, "a": self.a, "b": self.b}[side]

    def present(self) -> tuple[NormalComponent, ...]:
        """Those that are there."""
        return tuple(one for one in (self.base, self.a, self.b) if one is not None)


@dataclass(frozen=True, slots=True)
class Unit:
    """The properties of one version of a unit, in their order."""

    properties: tuple[NormalProperty, ...] = ()

    @property
    def form(self) -> tuple[Form, ...]:
        """What makes two versions equal."""
        return tuple(sorted(found.form for found in self.properties if not found.silent))

    @property
    def whole_form(self) -> tuple[Form, ...]:
        """The same with what takes no part in comparisons."""
        return tuple(sorted(found.form for found in self.properties))


@dataclass(frozen=True, slots=True)
class UnitVersions:
    """A unit in the three versions; empty where it is not there."""

    key: Key
    rule: Rule
    base: Unit
    a: Unit
    b: Unit

    def of(self, side: str) -> Unit:
        """The version of `side`: "base", "a" or "b"."""
        return {"base": self.base, "a": self.a, "b": self.b}[side]


def units(versions: Versions) -> Iterator[UnitVersions]:
    """The units of a component that is in A and B, those of A first.

    UID and RECURRENCE-ID identify the component and are none.
    """
    plan = _plan(versions)
    twice = _twice(versions, plan)
    rules: dict[Key, Rule] = {}
    sides: dict[str, dict[Key, list[NormalProperty]]] = {}
    for side in ("a", "b", "base"):
        component = versions.of(side)
        grouped: dict[Key, list[NormalProperty]] = {}
        sides[side] = grouped
        for found in component.properties if component is not None else ():
            placed = _place(found, plan)
            if placed is None:
                continue
            key, rule = placed
            if key in twice:
                rule = Rule.WHOLE
            elif rule is Rule.PRESENCE and found.item is None:
                key = (*key, repr(found.form))
            rules.setdefault(key, rule)
            grouped.setdefault(key, []).append(found)
    for key, rule in rules.items():
        base, a, b = (Unit(tuple(sides[side].get(key, ()))) for side in ("base", "a", "b"))
        yield UnitVersions(key, rule, base, a, b)


def _twice(versions: Versions, plan: "_Plan") -> set[Key]:
    """The identities that two properties of a version have. They change as one, or each side
    could take away the one that the other kept."""
    found: set[Key] = set()
    for one in versions.present():
        places = [_place(each, plan) for each in one.properties if each.item is None]
        known = (Rule.PARAMETERS, Rule.PRESENCE)
        counts = Counter(place[0] for place in places if place and place[1] in known)
        found |= {key for key, count in counts.items() if count > 1}
    return found


@dataclass(frozen=True, slots=True)
class _Plan:
    """What decides about a property beside itself."""

    component: str
    recurring: bool
    repeated: frozenset[str]
    identities: dict[int, Key]


def _plan(versions: Versions) -> _Plan:
    repeated = {
        name
        for one in versions.present()
        for name, count in Counter(
            found.name for found in one.properties if found.item is None
        ).items()
        if count > 1
    }
    component = versions.present()[0].name
    recurring = any(one.first("RRULE") or one.first("RDATE") for one in versions.present())
    keyed = _KEYED.get(component, frozenset())
    identities: dict[int, Key] = {}
    for name in sorted(keyed):
        identities |= _identities(name, versions)
    return _Plan(component, recurring, frozenset(repeated), identities)


def _place(found: NormalProperty, plan: _Plan) -> tuple[Key, Rule] | None:
    """The unit that a property belongs to."""
    name, component = found.name, plan.component
    if name == "RECURRENCE-ID" or (name == "UID" and component in (*KINDS, "VCARD")):
        return None
    stamp = _stamp(name, component)
    if stamp is not None:
        return (name,), stamp
    if found.noise:
        return (name,), Rule.NOISE
    if found.item is not None:
        return (name, found.value, repr(found.parameters)), Rule.PRESENCE
    group = _group(name, plan)
    if group is not None:
        return group
    alternative = found.line.parameter("ALTID")
    if alternative is not None:
        return (name, "ALTID", alternative), Rule.WHOLE
    if id(found) in plan.identities:
        return plan.identities[id(found)], Rule.PARAMETERS
    if name == "ATTENDEE":
        return (name, found.value), Rule.PARAMETERS
    if name == "ORGANIZER" and name not in plan.repeated:
        return (name,), Rule.PARAMETERS
    if name in _MANY or name in plan.repeated:
        return (name, found.value), Rule.PRESENCE
    return (name,), Rule.WHOLE


def _stamp(name: str, component: str) -> Rule | None:
    if name in _NEWEST:
        return Rule.NEWEST
    if name == "CREATED" and component != "VCARD":
        return Rule.EARLIEST
    return Rule.LARGEST if name == "SEQUENCE" and component in KINDS else None


def _group(name: str, plan: _Plan) -> tuple[Key, Rule] | None:
    """The groups of properties that change together."""
    component = plan.component
    if component == "VCARD":
        if name in ("FN", "N"):
            return ("name",), Rule.WHOLE
        single = name == "NOTE" and name not in plan.repeated
        return ((name,), Rule.TEXT) if single else None
    if component == "VALARM":
        return (("repeat",), Rule.WHOLE) if name in ("REPEAT", "DURATION") else None
    if name in _SERIES:
        return SERIES, Rule.WHOLE
    if component == "VTODO" and name in _STATUS:
        # A repeating task is completed by moving it on, so the two cannot be told apart.
        return (SERIES if plan.recurring else ("status",)), Rule.WHOLE
    if name in _DESCRIPTION and "DESCRIPTION" not in plan.repeated and component in KINDS:
        return ("DESCRIPTION",), Rule.TEXT
    return None


def _identities(name: str, versions: Versions) -> dict[int, Key]:
    """What TEL, EMAIL, ADR, URL and IMPP are known by: PID if all have one, else the value; an
    edited value by its label, where that is unmistakable (RFC 6350 §7)."""
    base, a, b = (
        one.all(name) if one is not None else [] for one in (versions.base, versions.a, versions.b)
    )
    every = [*base, *a, *b]
    if every and all(found.line.parameter("PID") for found in every):
        return {id(found): (name, "PID", found.line.parameter("PID") or "") for found in every}
    keys = {id(found): (name, _normalised(name, found.value)) for found in every}
    known = {keys[id(found)] for found in base}
    for side in (a, b):
        there = {keys[id(found)] for found in side}
        lost = _by_label([found for found in base if keys[id(found)] not in there])
        fresh = _by_label([found for found in side if keys[id(found)] not in known])
        for label in lost.keys() & fresh.keys():
            keys[id(fresh[label])] = keys[id(lost[label])]
    return dict(keys)


def _by_label(properties: list[NormalProperty]) -> dict[str, NormalProperty]:
    """The properties by labels that only one of them has."""
    labels = {id(found): "\n".join(text for _, text in found.labels) for found in properties}
    counts = Counter(labels.values())
    return {
        labels[id(found)]: found
        for found in properties
        if labels[id(found)] and counts[labels[id(found)]] == 1
    }


def _normalised(name: str, value: str) -> str:
    text = value.strip().lower()
    if name == "TEL":
        return _PHONE_MARKS.sub("", text.removeprefix("tel:").partition(";")[0])
    if name == "EMAIL":
        return text.removeprefix("mailto:")
    return text.rstrip("/") if name == "URL" else text
