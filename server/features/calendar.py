"""Calendar collections (RFC 4791): properties, calendar-query and calendar-multiget."""

from collections.abc import Sequence

from davenport.dav import caldav, xml
from davenport.dav.message import Response
from davenport.dav.precondition import Precondition, PreconditionError
from davenport.dav.report import CalendarQuery, Multiget
from davenport.objects import match
from davenport.objects.calendar import read_calendar_object
from davenport.objects.contentline import ContentLineError, read_components
from davenport.objects.limits import Limits
from davenport.objects.recurrence import Budget
from davenport.server import query
from davenport.server.context import Context
from davenport.server.feature import Feature
from davenport.server.node import (
    CollectionNode,
    HomeNode,
    Kind,
    Node,
    ObjectNode,
    PrincipalNode,
)
from davenport.server.objects_read import interpret
from davenport.storage.model import CollectionKind

CALENDAR = Feature("calendar", ("calendar-access",))

# How many objects may take all the steps that one is allowed in one answer; series of every day
# take a few hundredths of that, and those over it are answered without a test.
_OBJECTS_AT_WORST = 50


@CALENDAR.property(caldav.CALENDAR_HOME_SET, Kind.PRINCIPAL, Kind.ROOT)
def calendar_home_set(_: Node, context: Context) -> str:
    """RFC 4791 §6.2.1; on the roots too, where some clients ask the URL they were given."""
    return context.hrefs.home(context.identity.principal, CollectionKind.CALENDAR_HOME)


@CALENDAR.property(caldav.CALENDAR_USER_ADDRESS_SET, Kind.PRINCIPAL)
def calendar_user_address_set(node: PrincipalNode, _: Context) -> Sequence[str]:
    """RFC 6638 §2.4.1."""
    addresses = (f"mailto:{node.principal.email}",) if node.principal.email else ()
    return (*addresses, node.href)


@CALENDAR.property(caldav.SUPPORTED_CALENDAR_COMPONENT_SET, Kind.CALENDAR)
def supported_calendar_component_set(node: CollectionNode, _: Context) -> Sequence[str]:
    """RFC 4791 §5.2.3."""
    return node.collection.components


@CALENDAR.property(caldav.SUPPORTED_CALENDAR_DATA, Kind.CALENDAR)
def supported_calendar_data(_: CollectionNode, __: Context) -> str:
    """RFC 4791 §5.2.4."""
    return caldav.CALENDAR_DATA_TYPES


@CALENDAR.property(caldav.MAX_RESOURCE_SIZE, Kind.CALENDAR)
def max_resource_size(_: CollectionNode, context: Context) -> int:
    """RFC 4791 §5.2.5."""
    return context.configuration.limits.calendar_object


@CALENDAR.property(caldav.MAX_ATTENDEES_PER_INSTANCE, Kind.CALENDAR)
def max_attendees_per_instance(_: CollectionNode, context: Context) -> int:
    """RFC 4791 §5.2.9."""
    return context.configuration.limits.attendees


@CALENDAR.property(caldav.SUPPORTED_COLLATION_SET, Kind.CALENDAR)
def supported_collation_set(_: CollectionNode, __: Context) -> Sequence[str]:
    """RFC 4791 §7.5.1."""
    return caldav.COLLATIONS


@CALENDAR.validator(caldav.CALENDAR_TIMEZONE)
def require_timezone(value: xml.Element) -> None:
    """RFC 4791 §5.2.2: a VCALENDAR with exactly one VTIMEZONE."""
    _require_one_zone(xml.text(value))


def _require_one_zone(text: str) -> None:
    try:
        roots = read_components(text.strip() + "\r\n", Limits())
    except ContentLineError as error:
        raise PreconditionError(Precondition.VALID_CALENDAR_DATA, str(error)) from None
    zones = [child for root in roots for child in root.components if child.name == "VTIMEZONE"]
    if len(roots) != 1 or roots[0].name != "VCALENDAR" or len(zones) != 1:
        raise PreconditionError(
            Precondition.VALID_CALENDAR_DATA, "the time zone is not a VCALENDAR of one VTIMEZONE"
        )


def _time_zone(report: CalendarQuery, node: CollectionNode | ObjectNode) -> str | None:
    """The zone of floating times: the request's, else the collection's (RFC 4791 §9.8)."""
    if report.timezone is not None:
        _require_one_zone(report.timezone)
        return report.timezone
    stored = node.collection.properties.get(caldav.CALENDAR_TIMEZONE.name)
    return None if stored is None else xml.element_text(stored)


@CALENDAR.report(caldav.CALENDAR_QUERY, Kind.CALENDAR, Kind.CALENDAR_OBJECT, light=lambda _: False)
def calendar_query(
    report: CalendarQuery, node: CollectionNode | ObjectNode, context: Context
) -> Response:
    """RFC 4791 §7.8: SQL narrows by the index, `objects.match` decides."""
    timezone = _time_zone(report, node)
    limits = context.configuration.limits.objects
    steps = Budget(_OBJECTS_AT_WORST * limits.rule_steps)

    def matches(body: bytes) -> bool:
        found = interpret(read_calendar_object, body, limits)
        return found is not None and match.matches_calendar(
            found, report.filter, timezone, limits, steps
        )

    selection = query.Query(
        report.properties,
        match.narrow(report.filter),
        None if query.is_bare(report.filter) else matches,
    )
    return query.run(selection, Kind.CALENDAR, node, context)


@CALENDAR.report(
    caldav.CALENDAR_MULTIGET,
    Kind.CALENDAR,
    Kind.CALENDAR_HOME,
    Kind.CALENDAR_OBJECT,
    light=query.is_small,
)
def calendar_multiget(
    report: Multiget, node: CollectionNode | HomeNode | ObjectNode, context: Context
) -> Response:
    """RFC 4791 §7.9."""
    return query.multiget(report, Kind.CALENDAR, node, context)
