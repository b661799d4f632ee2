"""Merging a property that is known by its value (ATTENDEE, TEL …): value, labels and each
parameter by itself, so that one side's PARTSTAT and the other's CN both survive."""

from dataclasses import dataclass, field

from davenport.objects.conflict import FieldConflict, MergePolicy, SideName
from davenport.objects.decision import Decision, Scene
from davenport.objects.draft import head, head_parameters, make_head, write_line
from davenport.objects.normal import NormalProperty
from davenport.objects.readable import line_text, property_label
from davenport.objects.unit import UnitVersions

Values = tuple[str, ...]

_WITHOUT: Values = ()
_PLACES = frozenset({"TYPE", "PREF"})


@dataclass(slots=True)
class _Merge:
    """A property in three versions, and what was found so far."""

    base: NormalProperty | None
    a: NormalProperty
    b: NormalProperty
    scene: Scene
    conflicts: list[FieldConflict] = field(default_factory=list)

    def settle(self, name: str, base: str | None, a: str | None, b: str | None) -> SideName:
        """Note a conflict over the field `name` and say whose value stands."""
        side = self.scene.choice.side()
        label = property_label(self.a)
        shown = f"{label} {name}" if name else label
        self.conflicts.append(FieldConflict(self.scene.place, shown, base, a, b, side))
        return side or "base"


def merge_keyed(unit: UnitVersions, scene: Scene) -> Decision:
    """The decision about a unit of Rule.PARAMETERS that A and B both have."""
    base = unit.base.properties[0] if unit.base.properties else None
    merge = _Merge(base, unit.a.properties[0], unit.b.properties[0], scene)
    value = _value_side(merge)
    if merge.conflicts and scene.choice.policy is MergePolicy.BOTH and merge.a.name != "ORGANIZER":
        found = merge.conflicts[0]
        both = FieldConflict(found.component, found.property, found.base, found.a, found.b, "both")
        return Decision("a", also="b", conflicts=(both,))
    labels = _labels_side(merge)
    parameters = _parameters(merge)
    conflicts = tuple(merge.conflicts)
    if base is None and value == "base":
        return Decision("base", conflicts=conflicts)
    candidates: tuple[tuple[SideName, NormalProperty | None], ...]
    candidates = ("a", merge.a), ("b", merge.b), ("base", base)
    for side, one in candidates:
        if one is not None and _is(one, merge, value, labels, parameters):
            return Decision(side, conflicts=conflicts)
    return Decision("a", _written(merge, value, parameters), labels, conflicts=conflicts)


def _three_way(base: object, a: object, b: object) -> SideName | None:
    if b in (a, base):
        return "a"
    return "b" if a == base else None


def _value_side(merge: _Merge) -> SideName:
    base = merge.base
    side = _three_way(base.value if base else None, merge.a.value, merge.b.value)
    if side is None:
        texts = (line_text(found.line) if found else None for found in (base, merge.a, merge.b))
        side = merge.settle("", *texts)
    return side


def _labels_side(merge: _Merge) -> SideName:
    base = merge.base
    side = _three_way(base.labels if base else (), merge.a.labels, merge.b.labels)
    if side is None:
        shown = (
            "; ".join(text for _, text in found.labels) or None if found else None
            for found in (base, merge.a, merge.b)
        )
        side = merge.settle("label", *shown)
    return side


def _parameters(merge: _Merge) -> dict[str, Values]:
    """The parameters of the result as they are compared."""
    base = dict(merge.base.parameters) if merge.base is not None else {}
    a, b = dict(merge.a.parameters), dict(merge.b.parameters)
    result: dict[str, Values] = {}
    for name in sorted({*base, *a, *b}):
        old, one, other = (found.get(name, _WITHOUT) for found in (base, a, b))
        side = _three_way(old, one, other)
        if name in ("TYPE", "MEMBER", "DELEGATED-TO", "DELEGATED-FROM"):
            values: Values = _merged_set(old, one, other)
        else:
            if side is None:
                side = merge.settle(
                    name, *(", ".join(found) or None for found in (old, one, other))
                )
            values = {"base": old, "a": one, "b": other}[side]
        if values:
            result[name] = values
    return result


def _merged_set(base: Values, a: Values, b: Values) -> Values:
    old, one, other = set(base), set(a), set(b)
    return tuple(sorted((one & other) | ((one | other) - old)))


def _is(
    found: NormalProperty,
    merge: _Merge,
    value: SideName,
    labels: SideName,
    parameters: dict[str, Values],
) -> bool:
    """Whether `found` is the result already."""
    return (
        found.value == _of(merge, value).value
        and found.labels == _of(merge, labels).labels
        and dict(found.parameters) == parameters
    )


def _of(merge: _Merge, side: SideName) -> NormalProperty:
    """The version of `side`, A's where the base has none."""
    return merge.b if side == "b" else merge.a if side == "a" or not merge.base else merge.base


def _written(merge: _Merge, value: SideName, parameters: dict[str, Values]) -> str:
    """A's line with the value and the parameters of the result."""
    scene = merge.scene
    name, ours = head_parameters(head(scene.texts["a"], merge.a.line))
    card = bool(scene.version)
    have = dict(merge.a.parameters)
    changed = {key for key in {*have, *parameters} if have.get(key) != parameters.get(key)}
    if card and changed & _PLACES:
        changed |= _PLACES
        bare = {key for key, text in ours if "=" not in text}
        kept = [text for key, text in ours if key not in changed and key not in bare]
        kept += _places(parameters, scene.version)
    else:
        kept = [text for key, text in ours if key not in changed]
    for key in sorted(changed - (_PLACES if card else frozenset())):
        kept += _taken(merge, key, parameters.get(key, _WITHOUT))
    line = _of(merge, value).line
    return write_line(make_head(name, kept), line.value, scene.line_break)


def _taken(merge: _Merge, key: str, values: Values) -> list[str]:
    """The parameter `key` as it is written where it has these values, or written anew."""
    candidates: tuple[tuple[SideName, NormalProperty | None], ...]
    candidates = ("b", merge.b), ("base", merge.base)
    for side, found in candidates:
        if found is not None and dict(found.parameters).get(key, _WITHOUT) == values:
            _, parameters = head_parameters(head(merge.scene.texts[side], found.line))
            return [text for name, text in parameters if name == key]
    return [f";{key}=" + ",".join(f'"{value}"' for value in values)] if values else []


def _places(parameters: dict[str, Values], version: str) -> list[str]:
    """TYPE and PREF as the version of the vCard writes them."""
    kinds = list(parameters.get("TYPE", _WITHOUT))
    preference = parameters.get("PREF", _WITHOUT)
    if version != "4.0" and preference == ("1",):
        return [f";TYPE={','.join([*kinds, 'pref'])}"]
    written = [f";TYPE={','.join(kinds)}"] if kinds else []
    return [*written, *(f";PREF={value}" for value in preference)]
