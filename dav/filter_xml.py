"""Reading filters: CALDAV:filter (RFC 4791 §9.7) and CARDDAV:filter (RFC 6352 §10.5)."""

import re
from calendar import timegm
from datetime import UTC, datetime

from davenport.dav import xml
from davenport.dav.caldav import COLLATIONS
from davenport.dav.filter import (
    AddressbookFilter,
    CompFilter,
    MatchType,
    ParamFilter,
    PropFilter,
    Test,
    TextMatch,
    TimeRange,
)
from davenport.dav.name import CALDAV, CARDDAV, Namespace
from davenport.dav.precondition import Precondition, PreconditionError, StatusError

_UTC = re.compile(r"[0-9]{8}T[0-9]{6}Z")
# Each part is tried on each object: more than any client writes would be work without a bound.
_MOST_PARTS = 1_000
_MATCH_TYPES: dict[str, MatchType] = {
    "contains": "contains",
    "equals": "equals",
    "starts-with": "starts-with",
    "ends-with": "ends-with",
}


def read_calendar_filter(element: xml.Element | None) -> CompFilter:
    """Read CALDAV:filter; raises PreconditionError valid-filter or supported-filter, and
    StatusError 413 for one of too many parts."""
    inside = xml.children(element) if element is not None else []
    if len(inside) != 1 or xml.tag(inside[0]) != CALDAV("comp-filter"):
        raise _invalid("the filter does not hold exactly one comp-filter")
    _require_few_parts(inside[0])
    root = _read_comp_filter(inside[0])
    if root.name != "VCALENDAR":
        raise _invalid("the outermost comp-filter is not VCALENDAR")
    return root


def read_addressbook_filter(element: xml.Element | None) -> AddressbookFilter:
    """Read CARDDAV:filter; none, or an empty one, matches every address object."""
    if element is None:
        return AddressbookFilter()
    _require_few_parts(element)
    prop_filters = []
    for child in xml.children(element):
        if xml.tag(child) != CARDDAV("prop-filter"):
            raise _unsupported(child, CARDDAV)
        prop_filters.append(_read_prop_filter(child, CARDDAV))
    return AddressbookFilter(tuple(prop_filters), _read_test(element))


def _require_few_parts(element: xml.Element) -> None:
    if sum(1 for _ in element.iter()) > _MOST_PARTS:
        raise StatusError(413, f"the filter has more than {_MOST_PARTS} parts")


def _invalid(reason: str) -> PreconditionError:
    return PreconditionError(Precondition.CALENDAR_VALID_FILTER, reason)


def _unsupported(element: xml.Element, namespace: Namespace) -> PreconditionError:
    precondition = (
        Precondition.CALENDAR_SUPPORTED_FILTER
        if namespace is CALDAV
        else Precondition.ADDRESSBOOK_SUPPORTED_FILTER
    )
    return PreconditionError(
        precondition, f"the filter {xml.tag(element)} is not known", xml.element(xml.tag(element))
    )


def _read_name(element: xml.Element, namespace: Namespace = CALDAV) -> str:
    name = element.get("name", "").strip().upper()
    if not name and namespace is CARDDAV:
        # RFC 6352 §8.6 has no valid-filter.
        raise _unsupported(element, CARDDAV)
    if not name:
        raise _invalid(f"{xml.tag(element)} has no name")
    return name


def _read_comp_filter(element: xml.Element) -> CompFilter:
    time_range: TimeRange | None = None
    absent = False
    prop_filters, comp_filters = [], []
    for child in xml.children(element):
        match xml.tag(child):
            case "{urn:ietf:params:xml:ns:caldav}is-not-defined":
                absent = True
            case "{urn:ietf:params:xml:ns:caldav}time-range":
                time_range = _read_time_range(child)
            case "{urn:ietf:params:xml:ns:caldav}prop-filter":
                prop_filters.append(_read_prop_filter(child, CALDAV))
            case "{urn:ietf:params:xml:ns:caldav}comp-filter":
                comp_filters.append(_read_comp_filter(child))
            case _:
                raise _unsupported(child, CALDAV)
    if absent and (time_range or prop_filters or comp_filters):
        raise _invalid("is-not-defined stands beside other conditions")
    return CompFilter(
        _read_name(element), absent, time_range, tuple(prop_filters), tuple(comp_filters)
    )


def _read_prop_filter(element: xml.Element, namespace: Namespace) -> PropFilter:
    time_range: TimeRange | None = None
    absent = False
    text_matches, param_filters = [], []
    for child in xml.children(element):
        name = xml.tag(child)
        if name == namespace("is-not-defined"):
            absent = True
        elif name == CALDAV("time-range") and namespace is CALDAV:
            time_range = _read_time_range(child)
        elif name == namespace("text-match"):
            text_matches.append(_read_text_match(child, namespace))
        elif name == namespace("param-filter"):
            param_filters.append(_read_param_filter(child, namespace))
        else:
            raise _unsupported(child, namespace)
    return PropFilter(
        _read_name(element, namespace),
        absent,
        time_range,
        tuple(text_matches),
        tuple(param_filters),
        _read_test(element) if namespace is CARDDAV else "allof",
    )


def _read_param_filter(element: xml.Element, namespace: Namespace) -> ParamFilter:
    absent = False
    text_match = None
    for child in xml.children(element):
        if xml.tag(child) == namespace("is-not-defined"):
            absent = True
        elif xml.tag(child) == namespace("text-match"):
            text_match = _read_text_match(child, namespace)
        else:
            raise _unsupported(child, namespace)
    return ParamFilter(_read_name(element, namespace), absent, text_match)


def _read_test(element: xml.Element) -> Test:
    return "allof" if element.get("test", "anyof") == "allof" else "anyof"


def _read_text_match(element: xml.Element, namespace: Namespace) -> TextMatch:
    default = "i;ascii-casemap" if namespace is CALDAV else "i;unicode-casemap"
    collation = element.get("collation", default)
    if collation == "default":
        collation = default
    if collation not in COLLATIONS:
        raise PreconditionError(
            Precondition.CALENDAR_SUPPORTED_COLLATION
            if namespace is CALDAV
            else Precondition.ADDRESSBOOK_SUPPORTED_COLLATION,
            f"the collation {collation!r} is not supported",
        )
    match_type = _MATCH_TYPES.get(element.get("match-type", "contains"))
    if match_type is None:
        raise _unsupported(element, namespace)
    return TextMatch(
        xml.text(element), collation, element.get("negate-condition") == "yes", match_type
    )


def _read_time_range(element: xml.Element) -> TimeRange:
    start, end = _read_utc(element, "start"), _read_utc(element, "end")
    if start is None and end is None:
        raise _invalid("the time-range has neither start nor end")
    if start is not None and end is not None and end <= start:
        raise _invalid("the time-range ends before it starts")
    return TimeRange(start, end)


def _read_utc(element: xml.Element, attribute: str) -> int | None:
    value = element.get(attribute)
    if value is None:
        return None
    if not _UTC.fullmatch(value):
        raise _invalid(f"the time-range's {attribute} is not a UTC date-time")
    try:
        moment = datetime.strptime(value, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        return timegm(moment.timetuple())
    except ValueError:
        raise _invalid(f"the time-range's {attribute} is not a date") from None
