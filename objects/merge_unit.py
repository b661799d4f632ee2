"""Deciding one unit of a three-way merge: whose lines, or which new line, stand in the result."""

import re

from davenport.objects.conflict import FieldConflict, MergePolicy, SideName, Taken
from davenport.objects.contentline import unescape_text
from davenport.objects.decision import Decision, Scene
from davenport.objects.draft import escape_text, head, write_line
from davenport.objects.merge_parameter import merge_keyed
from davenport.objects.merge_text import merge_text
from davenport.objects.normal import NormalProperty
from davenport.objects.readable import properties_text, property_label
from davenport.objects.unit import SERIES, Rule, Unit, UnitVersions

_NOT_DIGITS = re.compile(r"[^0-9]")


def decide(unit: UnitVersions, scene: Scene) -> Decision:
    """What stands in the result for `unit`, and the conflicts in it."""
    settled = _settled(unit)
    if settled is not None:
        return Decision(settled)
    if unit.a.form and unit.b.form:
        if unit.rule is Rule.TEXT:
            text = _merged_text(unit, scene)
            if text is not None:
                return Decision("a", text)
        if unit.rule is Rule.PARAMETERS:
            return merge_keyed(unit, scene)
    return _conflict(unit, scene)


def _settled(unit: UnitVersions) -> SideName | None:
    """The side to take where the rule or the three-way comparison says it."""
    base, a, b = unit.base, unit.a, unit.b
    if unit.rule is Rule.NOISE:
        return "b" if a.whole_form == base.whole_form else "a"
    if unit.rule in (Rule.NEWEST, Rule.EARLIEST, Rule.LARGEST):
        return _extreme(unit)
    if a.form == b.form:
        unsaid = a.whole_form == base.whole_form != b.whole_form
        return "b" if unsaid else "a"
    if a.form == base.form:
        return "b"
    return "a" if b.form == base.form else None


def _extreme(unit: UnitVersions) -> SideName:
    """The newest, earliest or largest of the values that A and B have."""
    if not unit.a.properties or not unit.b.properties:
        return "a" if unit.a.properties else "b"
    a, b = (max(map(_size, one.properties)) for one in (unit.a, unit.b))
    if a == b:
        # Only a property that wrongly stands twice is of another form here: the shorter one.
        ours, theirs = unit.a.form, unit.b.form
        return "b" if (len(theirs), theirs) < (len(ours), ours) else "a"
    return "b" if (b > a) is not (unit.rule is Rule.EARLIEST) else "a"


def _size(found: NormalProperty) -> int:
    """A time in UTC by its digits, or a number."""
    digits = _NOT_DIGITS.sub("", found.line.value)
    if found.name == "SEQUENCE":
        return int(digits[:18] or "0")
    return int(digits[:14].ljust(14, "0"))


def _merged_text(unit: UnitVersions, scene: Scene) -> str | None:
    """The line with the changes of both; None where they overlap or where it is more than a text:
    a twin in HTML would no longer say the same."""
    lines = [*unit.a.properties, *unit.b.properties, *unit.base.properties]
    if any(found.name != lines[0].name for found in lines) or len(unit.a.properties) > 1:
        return None
    if any(found.parameters != lines[0].parameters or found.labels for found in lines):
        return None
    if any(found.line.parameter("ALTREP") or found.line.parameter("ENCODING") for found in lines):
        return None
    base, a, b = (_text(one) for one in _three(unit))
    text = merge_text(base, a, b)
    if text is None:
        return None
    return _text_line(lines[0], text, scene)


def _text_line(found: NormalProperty, text: str, scene: Scene) -> str:
    beginning = head(scene.texts["a"], found.line)
    return write_line(beginning, escape_text(text), scene.line_break)


def _text(unit: Unit) -> str:
    return unescape_text(unit.properties[0].line.value) if unit.properties else ""


def _three(unit: UnitVersions) -> tuple[Unit, Unit, Unit]:
    return unit.base, unit.a, unit.b


def _conflict(unit: UnitVersions, scene: Scene) -> Decision:
    """Neither side's value unless the policy takes one; then what the base has."""
    choice = scene.choice
    if not unit.a.form or not unit.b.form:
        side = choice.side_of_deletion(deleted_by_a=not unit.a.form)
    else:
        side = choice.side()
    taken: Taken | None = side
    written = None
    if side is None and unit.rule is Rule.TEXT and choice.policy is MergePolicy.BOTH:
        written = _both_texts(unit, scene)
        if written is not None:
            side, taken = "a", "both"
    base, a, b = (properties_text(one.properties) for one in _three(unit))
    found = FieldConflict(scene.place, unit_label(unit), base, a, b, taken)
    return Decision(side or "base", written, conflicts=(found,))


def _both_texts(unit: UnitVersions, scene: Scene) -> str | None:
    """The text of A, and under it the text of B."""
    if len(unit.a.properties) != 1 or len(unit.b.properties) != 1:
        return None
    a, b = unit.a.properties[0], unit.b.properties[0]
    if a.line.parameter("ENCODING") or b.line.parameter("ENCODING"):
        return None
    text = f"{unescape_text(a.line.value)}\n\n{unescape_text(b.line.value)}"
    return _text_line(a, text, scene)


def unit_label(unit: UnitVersions) -> str:
    """The names of the properties in a unit."""
    every = [found for one in _three(unit) for found in one.properties]
    if unit.key in (SERIES, ("name",), ("status",), ("repeat",), ("DESCRIPTION",)):
        return ", ".join(sorted({found.name for found in every if not found.noise}))
    return property_label(every[0])
