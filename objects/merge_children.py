"""Telling which components inside a component are the same one in three versions."""

from collections import Counter

from davenport.objects.calendar import KINDS
from davenport.objects.normal import NormalComponent
from davenport.objects.unit import Versions

Key = tuple[str, ...]


def align(versions: Versions) -> list[Versions]:
    """The inner components side by side, in the order of A, then B, then the base.

    Masters by their name, overrides by RECURRENCE-ID, time zones by TZID, alarms by UID (RFC
    9074 §4) or else ACTION and TRIGGER, others by UID or else by all that they say.
    """
    parts = {side: _parts(versions.of(side)) for side in ("a", "b", "base")}
    uids = {side: _alarms_by_uid(found) for side, found in parts.items()}
    keys: dict[str, list[Key]] = {}
    for side, found in parts.items():
        others = [uids[other] for other in parts if other != side]
        plain = [_plain_alarms(parts[other]) for other in parts if other != side]
        keys[side] = [_key(component, others, plain) for component in found]
    twice = {key for found in keys.values() for key, count in Counter(found).items() if count > 1}
    keyed: dict[str, dict[Key, NormalComponent]] = {}
    order: dict[Key, None] = {}
    for side, found in parts.items():
        keyed[side] = {}
        seen: Counter[Key] = Counter()
        for component, key in zip(found, keys[side], strict=True):
            # What two of a version have does not tell them apart: then only all that they say.
            whole = (*key, repr(component.form())) if key in twice else key
            seen[whole] += 1
            numbered = (*whole, str(seen[whole]))
            keyed[side][numbered] = component
            order.setdefault(numbered)
    return [
        Versions(keyed["base"].get(key), keyed["a"].get(key), keyed["b"].get(key)) for key in order
    ]


def _parts(component: NormalComponent | None) -> list[NormalComponent]:
    return [] if component is None else component.components


def _alarms_by_uid(components: list[NormalComponent]) -> set[str]:
    return {uid for part in components if part.name == "VALARM" and (uid := _uid(part))}


def _plain_alarms(components: list[NormalComponent]) -> set[Key]:
    return {_moment(part) for part in components if part.name == "VALARM" and not _uid(part)}


def _uid(component: NormalComponent) -> str:
    found = component.first("UID")
    return found.value if found is not None else ""


def _moment(alarm: NormalComponent) -> Key:
    said = (alarm.first("ACTION"), alarm.first("TRIGGER"))
    return alarm.name, *("" if found is None else repr(found.form) for found in said)


def _key(component: NormalComponent, others: list[set[str]], plain: list[set[Key]]) -> Key:
    if component.name in KINDS or component.name == "VTIMEZONE":
        return component.key
    uid = _uid(component)
    if component.name != "VALARM":
        return (component.name, "UID", uid) if uid else (component.name, repr(component.form()))
    moment = _moment(component)
    if not uid:
        return moment
    # A server may have given the UID to an alarm that the other versions know without one.
    known = any(uid in found for found in others)
    return (
        moment if not known and any(moment in found for found in plain) else ("VALARM", "UID", uid)
    )
