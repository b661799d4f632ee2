"""Merging a component that both sides have: its units, then what it holds, into a draft of A."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from davenport.objects.calendar import KINDS
from davenport.objects.conflict import FieldConflict, SideName, field_conflict
from davenport.objects.contentline import Component, ContentLine
from davenport.objects.decision import Decision, Scene
from davenport.objects.draft import (
    Draft,
    component_end,
    head,
    property_end,
    raw,
    regrouped,
    write_line,
)
from davenport.objects.merge_children import align
from davenport.objects.merge_unit import decide
from davenport.objects.normal import LABELS, NormalComponent, NormalProperty
from davenport.objects.readable import component_label, component_text
from davenport.objects.timezone import database_name
from davenport.objects.unit import SERIES, SERIES_DATES, UnitVersions, Versions, units

_ITEM_GROUP = re.compile(r"item[0-9]+", re.IGNORECASE)


@dataclass(slots=True)
class Job:
    """One merge: the draft of A's text and the conflicts so far.

    `series` is the side that all of the series' timing and overrides come from, where it was
    decided as one. `uid_line` replaces UID lines of other UIDs.
    """

    scene: Scene
    draft: Draft
    series: SideName | None
    uid: str
    uid_line: str
    conflicts: list[FieldConflict] = field(default_factory=list)


def merge_component(job: Job, versions: Versions, place: str) -> None:
    """Bring what changed from base to B into A's component; `place` is its name for people."""
    assert versions.a is not None, "the draft is of A"
    scene = replace(job.scene, place=place)
    decided = [(unit, _decide(job, unit, scene)) for unit in units(versions)]
    for _, decision in decided:
        job.conflicts += decision.conflicts
    groups = _Groups.of(job.draft.text, versions.a.source)
    items = []
    for unit, decision in decided:
        if any(found.item is not None for side in _SIDES for found in unit.of(side).properties):
            items.append((unit, decision))
        else:
            _apply(job, unit, decision, groups)
    _apply_items(job, items, versions)
    _drop_labels(job, versions.a)
    _identify(job, versions.a)
    merge_children(job, versions, "" if place == "VCALENDAR" else place)


_SIDES: tuple[SideName, ...] = ("base", "a", "b")


def _decide(job: Job, unit: UnitVersions, scene: Scene) -> Decision:
    if job.series is not None and (unit.key == SERIES or unit.key[0] in SERIES_DATES):
        return Decision(job.series)
    return decide(unit, scene)


@dataclass(slots=True)
class _Groups:
    """Where lines go that come into A's component, and new names for their groups (`item1.`)."""

    end: int  # where lines go that A has none like
    used: set[str]
    members: Counter[str]
    names: dict[tuple[SideName, str], str] = field(default_factory=dict)
    labelled: set[str] = field(default_factory=set)
    number: int = 0

    @staticmethod
    def of(text: str, component: Component) -> "_Groups":
        grouped = [line for line in component.properties if line.group is not None]
        members = Counter((line.group or "").lower() for line in grouped if line.name not in LABELS)
        end = property_end(text, component)
        return _Groups(end, {(line.group or "").lower() for line in grouped}, members)

    def release(self, lines: list[ContentLine]) -> None:
        """Let the groups of `lines` be used anew where nothing else is in them."""
        counts = Counter(line.group.lower() for line in lines if line.group)
        self.used -= {group for group, count in counts.items() if count == self.members[group]}

    def name(self, side: SideName, group: str | None) -> str | None:
        """The group that lines of `group` of that side get."""
        if group is None or _ITEM_GROUP.fullmatch(group) is None:
            return group
        if (side, group) not in self.names:
            name = group
            while name.lower() in self.used:
                self.number += 1
                name = f"item{self.number}"
            self.used.add(name.lower())
            self.names[side, group] = name
        return self.names[side, group]


def _apply(job: Job, unit: UnitVersions, decision: Decision, groups: _Groups) -> None:
    """Put the lines that were decided for a unit in the place of A's."""
    draft, ours = job.draft, unit.a.properties
    if decision.written is not None and decision.labels == "a":
        draft.replace(ours[0].line, decision.written)
        return
    offset = ours[0].line.start if ours else groups.end
    if decision.written is not None or decision.side != "a":
        groups.release([found.line for found in ours])
        for found in ours:
            draft.remove(found.line)
    if decision.written is not None:
        source = unit.of(decision.labels).properties[0]
        group = groups.name(decision.labels, source.line.group)
        own = ours[0].line.group
        written = decision.written.removeprefix(f"{own}.") if own else decision.written
        labels = _labels(job, decision.labels, source, group, groups)
        draft.insert(offset, (f"{group}." if group else "") + written + labels)
    elif decision.side != "a":
        draft.insert(offset, _lines(job, decision.side, unit.of(decision.side).properties, groups))
    if decision.also is not None:
        draft.insert(
            ours[-1].line.end if ours else offset,
            _lines(job, decision.also, unit.of(decision.also).properties, groups),
        )


def _lines(job: Job, side: SideName, properties: Iterable[NormalProperty], groups: _Groups) -> str:
    """The lines of another side as they stand there, in groups that are free here."""
    text = job.scene.texts[side]
    pieces = []
    for found in properties:
        group = groups.name(side, found.line.group)
        pieces.append(regrouped(text, found.line, group, job.scene.line_break))
        pieces.append(_labels(job, side, found, group, groups))
    return "".join(pieces)


def _labels(
    job: Job, side: SideName, found: NormalProperty, group: str | None, groups: _Groups
) -> str:
    """The label lines of a property, once for each group."""
    if not found.label_lines or group is None or group in groups.labelled:
        return ""
    groups.labelled.add(group)
    text = job.scene.texts[side]
    return "".join(regrouped(text, line, group, job.scene.line_break) for line in found.label_lines)


def _drop_labels(job: Job, component: NormalComponent) -> None:
    """Take out the labels of A whose properties are all gone."""
    groups = {id(found.label_lines): found.label_lines for found in component.properties}
    kept = {
        id(found.label_lines)
        for found in component.properties
        if found.line.start not in job.draft.removed
    }
    for group, lines in groups.items():
        for line in lines if group not in kept else ():
            job.draft.remove(line)


def _apply_items(job: Job, items: list[tuple[UnitVersions, Decision]], versions: Versions) -> None:
    """Lists: take items out of A's lines, and bring in what is new in lines of its own."""
    assert versions.a is not None, "the draft is of A"
    gone: dict[int, set[str]] = {}
    come: dict[tuple[SideName, int], list[NormalProperty]] = {}
    for unit, decision in items:
        theirs = unit.of(decision.side).properties
        if unit.a.properties and not theirs:
            for found in unit.a.properties:
                gone.setdefault(found.line.start, set()).add(found.value)
        elif theirs and not unit.a.properties:
            found = theirs[0]
            come.setdefault((decision.side, found.line.start), []).append(found)
    by_line = {side: _by_line(versions.of(side)) for side in _SIDES}
    for start, values in gone.items():
        _cut_items(job, by_line["a"][start], values)
    offset = property_end(job.draft.text, versions.a.source)
    for (side, start), added in come.items():
        whole = by_line[side][start]
        if len(whole) == len(added):
            text = raw(job.scene.texts[side], whole[0].line)
        else:
            text = _list_line(job, side, whole[0].line, added)
        job.draft.insert(offset, text)


def _by_line(component: NormalComponent | None) -> dict[int, list[NormalProperty]]:
    """The properties by where their line starts."""
    found: dict[int, list[NormalProperty]] = {}
    for one in component.properties if component is not None else ():
        found.setdefault(one.line.start, []).append(one)
    return found


def _cut_items(job: Job, lines: list[NormalProperty], values: set[str]) -> None:
    kept = [found for found in lines if found.value not in values]
    line = lines[0].line
    job.draft.remove(line)
    if kept:
        job.draft.insert(line.start, _list_line(job, "a", line, kept))


def _list_line(job: Job, side: SideName, line: ContentLine, items: Iterable[NormalProperty]) -> str:
    """A line with the head of `line` and some of its items as they are written there."""
    value = ",".join(found.item or "" for found in items)
    return write_line(head(job.scene.texts[side], line), value, job.scene.line_break)


def _identify(job: Job, component: NormalComponent) -> None:
    """Give A's component the UID of the result."""
    found = component.first("UID")
    if _has_other_uid(job, component) and found is not None:
        job.draft.remove(found.line)
        job.draft.insert(found.line.start, job.uid_line)


def _has_other_uid(job: Job, component: NormalComponent) -> bool:
    found = component.first("UID")
    main = component.name in KINDS or component.name == "VCARD"
    return main and found is not None and found.value != job.uid


def _whole(job: Job, side: SideName, component: NormalComponent) -> str:
    """A component of another side as it stands there, with the UID of the result."""
    text = job.scene.texts[side]
    found = component.first("UID")
    if not _has_other_uid(job, component) or found is None:
        return raw(text, component.source)
    source, line = component.source, found.line
    return text[source.start : line.start] + job.uid_line + text[line.end : source.end]


def merge_children(job: Job, versions: Versions, place: str) -> None:
    """Merge the components inside A's, or take them over, or take them out."""
    assert versions.a is not None, "the draft is of A"
    parent = versions.a.source
    for child in align(versions):
        present = child.present()[0]
        inner = f"{place} / {component_label(present)}" if place else component_label(present)
        if present.name == "VTIMEZONE":
            _merge_zone(job, child, inner)
        elif job.series is not None and _is_override(present):
            _take(job, child, job.series, parent)
        elif child.a is not None and child.b is not None:
            merge_component(job, child, inner)
        else:
            _merge_presence(job, child, parent, inner)


def _is_override(component: NormalComponent) -> bool:
    return component.name in KINDS and component.key[1] != ""


def _merge_presence(job: Job, child: Versions, parent: Component, place: str) -> None:
    """A component that A or B has not."""
    base = child.base
    one = child.a or child.b
    if one is None:
        return
    side: SideName = "a" if child.a is not None else "b"
    if base is None:
        _take(job, child, side, parent)
        return
    if one.form() == base.form():
        _take(job, child, "b" if side == "a" else "a", parent)
        return
    taken = job.scene.choice.side_of_deletion(deleted_by_a=child.a is None)
    texts = (component_text(base), component_text(child.a), component_text(child.b))
    job.conflicts.append(field_conflict(place, "", texts, taken))
    _take(job, child, taken or "base", parent)


def _take(job: Job, child: Versions, side: SideName, parent: Component) -> None:
    """Make A's component that of `side`, which may have none."""
    wanted = child.of(side)
    same = child.a is not None and wanted is not None and child.a.form() == wanted.form()
    if side == "a" or same:
        if child.a is not None:
            _identify(job, child.a)
        return
    if child.a is not None:
        job.draft.remove(child.a.source)
    if wanted is not None:
        at = child.a.source.start if child.a is not None else component_end(job.draft.text, parent)
        job.draft.insert(at, _whole(job, side, wanted))


def _merge_zone(job: Job, child: Versions, place: str) -> None:
    """A time zone: only one that the object alone defines can change what the times mean.

    Those that are missing are brought in at the end, where it is known which are in use.
    """
    if child.a is None or child.b is None or database_name(child.a.key[1]) is not None:
        return
    a, b = child.a.form(), child.b.form()
    base = child.base.form() if child.base is not None else None
    if b in (a, base):
        return
    if a == base:
        side: SideName = "b"
    else:
        taken = job.scene.choice.side()
        texts = component_text(child.base), component_text(child.a), component_text(child.b)
        job.conflicts.append(field_conflict(place, "", texts, taken))
        side = taken or ("base" if child.base is not None else "a")
    if side == "a":
        return
    zone = child.of(side)
    assert zone is not None, "both have it, and the base where it is taken"
    job.draft.remove(child.a.source)
    job.draft.insert(child.a.source.start, raw(job.scene.texts[side], zone.source))


def repeated_keys(component: NormalComponent) -> bool:
    """Whether two of its main components cannot be told apart."""
    counts = Counter(part.key for part in component.components if part.name in KINDS)
    return any(count > 1 for count in counts.values())
