"""All that the features declare, in tables: whatever the server says of itself is derived here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from davenport.dav import xml
from davenport.dav.message import Response
from davenport.dav.property import Property
from davenport.server.node import Kind

Validator = Callable[[xml.Element], None]


@dataclass(frozen=True, slots=True)
class LiveProperty:
    """A property on one kind of resource.

    `fragment` takes a node and the Context and gives the whole element, None where it is unset.
    """

    property: Property[Any]
    fragment: Callable[[Any, Any], str | None]


@dataclass(frozen=True, slots=True)
class ReportEntry:
    """A report on some kinds of resources; its handler takes the report, a node and the Context.

    `light` tells of a report whether it may run on the event loop.
    """

    name: str
    kinds: frozenset[Kind]
    handler: Callable[[Any, Any, Any], Response]
    light: Callable[[Any], bool]


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The tables: `compliance` is the DAV header; `protected` names no client may set anywhere."""

    compliance: str
    properties: Mapping[Kind, Mapping[str, LiveProperty]]
    protected: frozenset[str]
    validators: Mapping[str, Validator]
    reports: tuple[ReportEntry, ...]

    def report(self, name: str, kind: Kind) -> ReportEntry | None:
        """The report of this name on resources of a kind."""
        found = (entry for entry in self.reports if entry.name == name and kind in entry.kinds)
        return next(found, None)

    def reports_on(self, kind: Kind) -> tuple[str, ...]:
        """The Clark names of the reports on a kind of resource (RFC 3253 §3.1.5)."""
        return tuple(entry.name for entry in self.reports if kind in entry.kinds)
