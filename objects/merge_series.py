"""The timing of a recurring series in a merge: it changes as a whole, or is a conflict.

A new DTSTART or RRULE leaves the other side's RECURRENCE-IDs and EXDATEs without an instance.
"""

from collections.abc import Iterable
from dataclasses import replace

from davenport.objects.calendar import KINDS
from davenport.objects.canonical import canonical_value
from davenport.objects.conflict import Choice, FieldConflict, Taken
from davenport.objects.draft import Draft
from davenport.objects.normal import ComponentForm, Form, NormalComponent, NormalProperty
from davenport.objects.readable import properties_text
from davenport.objects.unit import SERIES_DATES, SERIES_RULE, Versions

_LABEL = "DTSTART, RRULE, RDATE, EXDATE and overrides"


def series_conflict(versions: Versions, choice: Choice) -> FieldConflict | None:
    """The conflict between one side's rule and the other side's exceptions to it, if there is
    one; also where both touched a series with a RANGE=THISANDFUTURE override (RFC 5545 §3.2.13).
    """
    base, a, b = versions.base, versions.a, versions.b
    if a is None or b is None or a.name != "VCALENDAR":
        return None
    if not any(_is_series(one) for one in versions.present()):
        return None
    rule_a, rule_b = _rule(a) != _rule(base), _rule(b) != _rule(base)
    exceptions_a = _exceptions(a) != _exceptions(base)
    exceptions_b = _exceptions(b) != _exceptions(base)
    crossed = (rule_a and exceptions_b) or (rule_b and exceptions_a)
    ranged = any(_has_range(one) for one in versions.present())
    touched = (rule_a or exceptions_a) and (rule_b or exceptions_b)
    if not (crossed or (ranged and touched)):
        return None
    if _rule(a) == _rule(b) and _exceptions(a) == _exceptions(b):
        return None
    taken: Taken | None = choice.side()
    return FieldConflict(_name(a), _LABEL, _text(base), _text(a), _text(b), taken)


def without_cancelled(versions: Versions, draft: Draft) -> Versions:
    """Leave out a cancelled override where the other side has an EXDATE for the same instance:
    both say the same, and some servers turn the one into the other."""
    base, a, b = versions.base, versions.a, versions.b
    if a is None or b is None:
        return versions
    for part in _cancelled(a, _excluded(b) - _excluded(base)):
        draft.remove(part.source)
    return Versions(
        base,
        _without(a, _excluded(b) - _excluded(base)),
        _without(b, _excluded(a) - _excluded(base)),
    )


def _cancelled(calendar: NormalComponent, instants: set[str]) -> list[NormalComponent]:
    found = []
    for part in calendar.components:
        status = part.first("STATUS")
        instance = part.first("RECURRENCE-ID")
        if part.name not in KINDS or status is None or instance is None:
            continue
        value = canonical_value(instance.name, part.name, instance.line)
        if status.value == "CANCELLED" and value in instants:
            found.append(part)
    return found


def _without(calendar: NormalComponent, instants: set[str]) -> NormalComponent:
    left_out = {id(part) for part in _cancelled(calendar, instants)}
    if not left_out:
        return calendar
    return replace(
        calendar, components=[part for part in calendar.components if id(part) not in left_out]
    )


def _excluded(calendar: NormalComponent | None) -> set[str]:
    """The times of EXDATE as they are compared."""
    return {found.value for part in _masters(calendar) for found in part.all("EXDATE")}


def _masters(calendar: NormalComponent | None) -> list[NormalComponent]:
    if calendar is None:
        return []
    return [part for part in calendar.components if part.name in KINDS and part.key[1] == ""]


def _overrides(calendar: NormalComponent | None) -> list[NormalComponent]:
    if calendar is None:
        return []
    return [part for part in calendar.components if part.name in KINDS and part.key[1] != ""]


def _is_series(calendar: NormalComponent) -> bool:
    return bool(_overrides(calendar)) or any(
        part.first(name) for part in _masters(calendar) for name in ("RRULE", "RDATE")
    )


def _rule(calendar: NormalComponent | None) -> list[Form]:
    return sorted(found.form for found in _properties(calendar, SERIES_RULE))


def _properties(calendar: NormalComponent | None, names: frozenset[str]) -> list[NormalProperty]:
    return [
        found for part in _masters(calendar) for found in part.properties if found.name in names
    ]


def _exceptions(calendar: NormalComponent | None) -> tuple[list[Form], list[ComponentForm]]:
    dates = sorted(found.form for found in _properties(calendar, SERIES_DATES))
    return dates, sorted(part.form() for part in _overrides(calendar))


def _has_range(calendar: NormalComponent) -> bool:
    return any(
        found.line.parameter("RANGE") is not None
        for part in _overrides(calendar)
        for found in part.all("RECURRENCE-ID")
    )


def _name(calendar: NormalComponent) -> str:
    return next(part.name for part in calendar.components if part.name in KINDS)


def _text(calendar: NormalComponent | None) -> str | None:
    timing: list[NormalProperty] = _properties(calendar, SERIES_RULE | SERIES_DATES)
    moved: Iterable[NormalProperty] = (
        found
        for part in _overrides(calendar)
        for found in part.properties
        if found.name in ("RECURRENCE-ID", "DTSTART", "SUMMARY", "STATUS")
    )
    return properties_text([*timing, *moved])
