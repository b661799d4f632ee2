"""What one RFC adds to the server: properties with their getters, reports, DAV header tokens."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from davenport.dav import xml
from davenport.dav.message import Response
from davenport.dav.property import Property
from davenport.server.context import Context
from davenport.server.node import Kind, Node
from davenport.server.vocabulary import LiveProperty, ReportEntry, Validator

T = TypeVar("T")
N = TypeVar("N", bound=Node)
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Feature:
    """An ordered set of declarations; the decorators fill it when its module is imported."""

    name: str
    compliance: tuple[str, ...] = ()
    properties: dict[Kind, dict[str, LiveProperty]] = field(default_factory=dict)
    validators: dict[str, Validator] = field(default_factory=dict)
    reports: list[ReportEntry] = field(default_factory=list)

    def property(
        self, prop: Property[T], *kinds: Kind
    ) -> Callable[[Callable[[N, Context], T | None]], Callable[[N, Context], T | None]]:
        """Declare the getter of a live property on `kinds`; None means the property is not set."""

        def register(getter: Callable[[N, Context], T | None]) -> Callable[[N, Context], T | None]:
            live = LiveProperty(prop, _fragment(prop, getter))
            for kind in kinds:
                self.properties.setdefault(kind, {})[prop.name] = live
            return getter

        return register

    def validator(self, prop: Property[T]) -> Callable[[Validator], Validator]:
        """Declare what PROPPATCH checks of a new value; it raises StatusError to refuse it."""

        def register(validator: Validator) -> Validator:
            self.validators[prop.name] = validator
            return validator

        return register

    def report(
        self, name: str, *kinds: Kind, light: Callable[[R], bool]
    ) -> Callable[[Callable[[R, N, Context], Response]], Callable[[R, N, Context], Response]]:
        """Declare the handler of a report on `kinds`."""

        def register(
            handler: Callable[[R, N, Context], Response],
        ) -> Callable[[R, N, Context], Response]:
            self.reports.append(ReportEntry(name, frozenset(kinds), handler, light))
            return handler

        return register


def _fragment(
    prop: Property[T], getter: Callable[[N, Context], T | None]
) -> Callable[[N, Context], str | None]:
    start, end = xml.tags(prop.name)
    write = prop.write

    def fragment(node: N, context: Context) -> str | None:
        value = getter(node, context)
        return None if value is None else f"{start}>{write(value)}{end}"

    return fragment
