"""What differs between two objects, property by property, for tables, records and receipts."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from davenport.objects.normal import NormalComponent, NormalProperty, read_or_none
from davenport.objects.readable import (
    component_label,
    component_text,
    property_label,
    property_text,
)

Kind = Literal["added", "removed", "changed"]


@dataclass(frozen=True, slots=True)
class Difference:
    """One property, or with an empty `property` a whole component, of two objects.

    `component` is the way to it ("VEVENT / VALARM DISPLAY -PT15M"), empty for a body as a whole;
    `old` and `new` are texts for people, None where there is nothing.
    """

    component: str
    property: str
    kind: Kind
    old: str | None
    new: str | None


def differences(a: bytes, b: bytes, *, ignore_uid: bool = False) -> tuple[Difference, ...]:
    """What changes from `a` to `b`; nothing exactly where their fingerprints are equal."""
    one, other = read_or_none(a), read_or_none(b)
    if one is None or other is None:
        if a == b:
            return ()
        return (Difference("", "", "changed", _body_text(a, one), _body_text(b, other)),)
    return tuple(_components(one[1], other[1], "", ignore_uid=ignore_uid))


def _body_text(body: bytes, read: object) -> str:
    return f"{len(body)} bytes" + (" that cannot be read" if read is None else "")


def _components(
    a: Iterable[NormalComponent], b: Iterable[NormalComponent], way: str, *, ignore_uid: bool
) -> Iterator[Difference]:
    ours, theirs = _by_key(a, ignore_uid=ignore_uid), _by_key(b, ignore_uid=ignore_uid)
    for key in [*ours, *(key for key in theirs if key not in ours)]:
        one, other = ours.get(key), theirs.get(key)
        present = one or other
        assert present is not None, "the key is of one of them"
        name = component_label(present)
        place = f"{way} / {name}" if way else name
        if one is None:
            yield Difference(place, "", "added", None, component_text(other))
        elif other is None:
            yield Difference(place, "", "removed", component_text(one), None)
        else:
            yield from _properties(one, other, place, ignore_uid=ignore_uid)
            inner = "" if name == "VCALENDAR" else place
            yield from _components(one.components, other.components, inner, ignore_uid=ignore_uid)


def _by_key(
    components: Iterable[NormalComponent], *, ignore_uid: bool
) -> dict[tuple[object, ...], NormalComponent]:
    """Components by what identifies them; those that nothing tells apart by their order."""
    found: dict[tuple[object, ...], NormalComponent] = {}
    groups: dict[tuple[object, ...], list[NormalComponent]] = defaultdict(list)
    for component in components:
        if component.name != "VTIMEZONE":
            groups[_identity(component, ignore_uid=ignore_uid)].append(component)
    for key, group in groups.items():
        if len(group) > 1:
            group.sort(key=lambda component: component.form(ignore_uid=ignore_uid))
        for number, component in enumerate(group):
            found[(*key, number)] = component
    return found


def _identity(component: NormalComponent, *, ignore_uid: bool) -> tuple[object, ...]:
    if component.name == "VALARM":
        said = (component.first("ACTION"), component.first("TRIGGER"))
        return component.name, *(found.value if found is not None else "" for found in said)
    uid = component.first("UID")
    nested = component.name.startswith("V") and component.key[1] == ""
    if uid is not None and nested and component.name in _BY_UID and not ignore_uid:
        return component.name, uid.value
    return component.key


# Components inside a component that have a UID of their own (RFC 9073 §7).
_BY_UID = frozenset({"VLOCATION", "VRESOURCE", "PARTICIPANT"})


def _properties(
    a: NormalComponent, b: NormalComponent, place: str, *, ignore_uid: bool
) -> Iterator[Difference]:
    """Pair what is left of each name after equal ones are taken out: a removed one with an added
    one of the same identity is a change."""
    gone, come = _left(a, b, ignore_uid=ignore_uid), _left(b, a, ignore_uid=ignore_uid)
    for name in [*gone, *(name for name in come if name not in gone)]:
        olds, news = gone.get(name, []), come.get(name, [])
        for old, new in _pairs(olds, news):
            present = new or old
            assert present is not None, "each pair has a side"
            yield Difference(
                place,
                property_label(present),
                "added" if old is None else "removed" if new is None else "changed",
                None if old is None else property_text(old),
                None if new is None else property_text(new),
            )


def _left(
    component: NormalComponent, other: NormalComponent, *, ignore_uid: bool
) -> dict[str, list[NormalProperty]]:
    """The properties of `component` that `other` has not, or not as often, by name."""
    have = Counter(found.form for found in other.properties if not found.silent)
    left: dict[str, list[NormalProperty]] = defaultdict(list)
    for found in component.properties:
        if found.silent or (ignore_uid and found.name == "UID"):
            continue
        if have[found.form] > 0:
            have[found.form] -= 1
        else:
            left[found.name].append(found)
    return left


def _pairs(
    olds: list[NormalProperty], news: list[NormalProperty]
) -> Iterator[tuple[NormalProperty | None, NormalProperty | None]]:
    """Equal values first; what remains is a change where there is one of each."""
    by_value: dict[str, list[NormalProperty]] = defaultdict(list)
    for new in reversed(news):
        by_value[new.value.lower()].append(new)
    paired = set()
    remaining = []
    for old in olds:
        candidates = by_value.get(old.value.lower())
        if candidates:
            new = candidates.pop()
            paired.add(id(new))
            yield old, new
        else:
            remaining.append(old)
    rest = [new for new in news if id(new) not in paired]
    if len(remaining) == 1 and len(rest) == 1 and remaining[0].item is None:
        yield remaining[0], rest[0]
        return
    for old in remaining:
        yield old, None
    for new in rest:
        yield None, new
