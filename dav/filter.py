"""The filter AST of calendar-query (RFC 4791 §9.7) and addressbook-query (RFC 6352 §10.5)."""

from dataclasses import dataclass
from typing import Literal

MatchType = Literal["contains", "equals", "starts-with", "ends-with"]
Test = Literal["anyof", "allof"]


@dataclass(frozen=True, slots=True)
class TimeRange:
    """CALDAV:time-range (RFC 4791 §9.9): UTC seconds, the end exclusive, None open."""

    start: int | None
    end: int | None


@dataclass(frozen=True, slots=True)
class TextMatch:
    """text-match (RFC 4791 §9.7.5, RFC 6352 §10.5.4)."""

    text: str
    collation: str
    negate: bool = False
    match_type: MatchType = "contains"


@dataclass(frozen=True, slots=True)
class ParamFilter:
    """param-filter (RFC 4791 §9.7.3, RFC 6352 §10.5.2); `name` is upper-case."""

    name: str
    is_not_defined: bool = False
    text_match: TextMatch | None = None


@dataclass(frozen=True, slots=True)
class PropFilter:
    """prop-filter (RFC 4791 §9.7.2, RFC 6352 §10.5.1); `name` is upper-case.

    CalDAV gives at most one text match and ANDs its parts (`test` is "allof").
    """

    name: str
    is_not_defined: bool = False
    time_range: TimeRange | None = None
    text_matches: tuple[TextMatch, ...] = ()
    param_filters: tuple[ParamFilter, ...] = ()
    test: Test = "allof"


@dataclass(frozen=True, slots=True)
class CompFilter:
    """comp-filter (RFC 4791 §9.7.1); `name` is upper-case."""

    name: str
    is_not_defined: bool = False
    time_range: TimeRange | None = None
    prop_filters: tuple[PropFilter, ...] = ()
    comp_filters: tuple["CompFilter", ...] = ()


@dataclass(frozen=True, slots=True)
class AddressbookFilter:
    """CARDDAV:filter (RFC 6352 §10.5); no prop-filter matches every object."""

    prop_filters: tuple[PropFilter, ...] = ()
    test: Test = "anyof"
