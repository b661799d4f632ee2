"""Does an object satisfy a filter? RFC 4791 §9.7 for calendars, RFC 6352 §10.5 for cards."""

from collections.abc import Iterable
from dataclasses import dataclass

from davenport.dav.filter import (
    AddressbookFilter,
    CompFilter,
    ParamFilter,
    PropFilter,
    TextMatch,
    TimeRange,
)
from davenport.objects.calendar import KINDS, CalendarObject
from davenport.objects.card import AddressObject
from davenport.objects.collation import UnknownCollationError, text_matches
from davenport.objects.contentline import Component, ContentLine, unescape_text
from davenport.objects.index import Narrowing
from davenport.objects.limits import Limits
from davenport.objects.overlap import alarm_overlaps, object_overlaps, property_overlaps
from davenport.objects.recurrence import Budget, ExpansionIncompleteError
from davenport.objects.timezone import Clocks, read_zone
from davenport.objects.value import ValueFormatError

_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class _Query:
    """What the parts of one decision share."""

    calendar_object: CalendarObject
    clocks: Clocks
    budget: Budget


def narrow(comp_filter: CompFilter) -> Narrowing:
    """What every object that satisfies the filter on VCALENDAR has in its index row."""
    for part in comp_filter.comp_filters:
        if part.is_not_defined or part.name not in KINDS:
            continue
        uid, uid_contains = _narrow_uid(part.prop_filters)
        time_range = part.time_range or TimeRange(None, None)
        return Narrowing(part.name, uid, time_range.start, time_range.end, uid_contains)
    return Narrowing()


def _narrow_uid(prop_filters: Iterable[PropFilter]) -> tuple[str | None, str | None]:
    """(equal to, contains) of the first text-match on UID that an index can answer."""
    for prop_filter in prop_filters:
        if prop_filter.name != "UID" or prop_filter.test != "allof":
            continue
        for match in prop_filter.text_matches:
            exact = match.collation == "i;octet" and match.match_type == "equals"
            # the index holds the UID without blanks around it
            if match.negate or match.text != match.text.strip() or not match.text:
                continue
            if exact:
                return match.text, None
            if match.collation in ("i;octet", "i;ascii-casemap"):
                return None, match.text
    return None, None


def matches_calendar(
    calendar_object: CalendarObject,
    comp_filter: CompFilter,
    timezone: str | None,
    limits: Limits = _LIMITS,
    answer: Budget | None = None,
) -> bool:
    """Does the object satisfy the filter on VCALENDAR? Never raises.

    `timezone` is the clock of floating values: an IANA name, VTIMEZONE text, or None for UTC.
    An object whose values cannot be read does not match. One whose recurrence takes more than
    `limits.rule_steps` does: the client expands what it is given, and misses nothing. `answer`
    holds the steps left for all objects of one answer together.
    """
    allowed = limits.rule_steps if answer is None else min(limits.rule_steps, answer.left)
    budget = Budget(allowed)
    try:
        clocks = Clocks(calendar_object.calendar, read_zone(timezone, budget), budget)
        query = _Query(calendar_object, clocks, budget)
        return _component_filter_holds(comp_filter, [calendar_object.calendar], query)
    except ExpansionIncompleteError:
        return True
    except (ValueFormatError, UnknownCollationError):
        return False
    finally:
        if answer is not None:
            answer.left -= allowed - max(budget.left, 0)


def _component_filter_holds(
    comp_filter: CompFilter, scope: Iterable[Component], query: _Query
) -> bool:
    """Does a component of `scope` satisfy the filter, all parts of it at once?"""
    named = [component for component in scope if component.name == comp_filter.name]
    if comp_filter.is_not_defined:
        return not named
    candidates = [
        component
        for component in named
        if all(_property_filter_holds(part, component, query) for part in comp_filter.prop_filters)
        and all(
            _component_filter_holds(part, _parts(component, query), query)
            for part in comp_filter.comp_filters
        )
    ]
    if comp_filter.time_range is None or not candidates:
        return bool(candidates)
    return _overlaps(candidates, comp_filter.time_range, query)


def _parts(component: Component, query: _Query) -> list[Component]:
    """The components inside; in VCALENDAR without revisions that are superseded."""
    if component is not query.calendar_object.calendar:
        return component.components
    kind = query.calendar_object.component
    others = [part for part in component.components if part.name != kind]
    return query.calendar_object.components + others


def _overlaps(candidates: list[Component], time_range: TimeRange, query: _Query) -> bool:
    name = candidates[0].name
    arguments = (query.calendar_object, time_range, query.clocks, query.budget)
    if name == query.calendar_object.component:
        return object_overlaps(candidates, *arguments)
    return name == "VALARM" and alarm_overlaps(candidates, *arguments)


def _property_filter_holds(prop_filter: PropFilter, component: Component, query: _Query) -> bool:
    lines = component.all(prop_filter.name)
    if prop_filter.is_not_defined:
        return not lines
    return any(
        (
            prop_filter.time_range is None
            or property_overlaps(line, prop_filter.time_range, query.clocks)
        )
        and _line_holds(prop_filter, line)
        for line in lines
    )


def _line_holds(prop_filter: PropFilter, line: ContentLine) -> bool:
    """Do the text matches and parameter filters hold on this one property, all or any of them?"""
    if not prop_filter.text_matches and not prop_filter.param_filters:
        return True
    checks = [
        *(_text_holds(match, line.value) for match in prop_filter.text_matches),
        *(_parameter_filter_holds(part, line) for part in prop_filter.param_filters),
    ]
    return all(checks) if prop_filter.test == "allof" else any(checks)


def _text_holds(match: TextMatch, value: str) -> bool:
    return text_matches(unescape_text(value), match)


def _parameter_filter_holds(param_filter: ParamFilter, line: ContentLine) -> bool:
    defined = any(name == param_filter.name for name, _ in line.parameters)
    if param_filter.is_not_defined:
        return not defined
    match = param_filter.text_match
    if match is None:
        return defined
    return any(text_matches(value, match) for value in line.parameter_values(param_filter.name))


def matches_card(address_object: AddressObject, addressbook_filter: AddressbookFilter) -> bool:
    """Does the card satisfy the filter? Never raises. A name such as ITEM1.TEL asks for the group
    too (RFC 6352 §10.5.1)."""
    if not addressbook_filter.prop_filters:
        return True
    try:
        checks = [
            _card_filter_holds(part, address_object.card)
            for part in addressbook_filter.prop_filters
        ]
    except UnknownCollationError:
        return False
    return all(checks) if addressbook_filter.test == "allof" else any(checks)


def _card_filter_holds(prop_filter: PropFilter, card: Component) -> bool:
    group, dot, name = prop_filter.name.rpartition(".")
    lines = [
        line
        for line in card.properties
        if line.name == name and (not dot or (line.group or "").upper() == group.upper())
    ]
    if prop_filter.is_not_defined:
        return not lines
    return any(_line_holds(prop_filter, line) for line in lines)
