"""Address books (RFC 6352): properties, addressbook-query and addressbook-multiget."""

from collections.abc import Sequence

from davenport.dav import caldav, carddav
from davenport.dav.message import Response
from davenport.dav.report import AddressbookQuery, Multiget
from davenport.objects import match
from davenport.objects.card import read_address_object
from davenport.server import query
from davenport.server.context import Context
from davenport.server.feature import Feature
from davenport.server.node import CollectionNode, HomeNode, Kind, Node, ObjectNode
from davenport.server.objects_read import interpret
from davenport.storage.model import CollectionKind

CONTACTS = Feature("contacts", ("addressbook",))


@CONTACTS.property(carddav.ADDRESSBOOK_HOME_SET, Kind.PRINCIPAL, Kind.ROOT)
def addressbook_home_set(_: Node, context: Context) -> str:
    """RFC 6352 §7.1.1; on the roots too, where some clients ask the URL they were given."""
    return context.hrefs.home(context.identity.principal, CollectionKind.ADDRESSBOOK_HOME)


@CONTACTS.property(carddav.SUPPORTED_ADDRESS_DATA, Kind.ADDRESSBOOK)
def supported_address_data(_: CollectionNode, __: Context) -> str:
    """RFC 6352 §6.2.2."""
    return carddav.ADDRESS_DATA_TYPES


@CONTACTS.property(carddav.MAX_RESOURCE_SIZE, Kind.ADDRESSBOOK)
def max_resource_size(_: CollectionNode, context: Context) -> int:
    """RFC 6352 §6.2.3."""
    return context.configuration.limits.address_object


@CONTACTS.property(carddav.SUPPORTED_COLLATION_SET, Kind.ADDRESSBOOK)
def supported_collation_set(_: CollectionNode, __: Context) -> Sequence[str]:
    """RFC 6352 §8.3.1."""
    return caldav.COLLATIONS


@CONTACTS.report(
    carddav.ADDRESSBOOK_QUERY, Kind.ADDRESSBOOK, Kind.ADDRESS_OBJECT, light=lambda _: False
)
def addressbook_query(
    report: AddressbookQuery, node: CollectionNode | ObjectNode, context: Context
) -> Response:
    """RFC 6352 §8.6."""
    limits = context.configuration.limits.objects

    def matches(body: bytes) -> bool:
        found = interpret(read_address_object, body, limits)
        return found is not None and match.matches_card(found, report.filter)

    selection = query.Query(
        report.properties,
        query.EVERYTHING,
        matches if report.filter.prop_filters else None,
        report.limit,
    )
    return query.run(selection, Kind.ADDRESSBOOK, node, context)


@CONTACTS.report(
    carddav.ADDRESSBOOK_MULTIGET,
    Kind.ADDRESSBOOK,
    Kind.ADDRESSBOOK_HOME,
    Kind.ADDRESS_OBJECT,
    light=query.is_small,
)
def addressbook_multiget(
    report: Multiget, node: CollectionNode | HomeNode | ObjectNode, context: Context
) -> Response:
    """RFC 6352 §8.7."""
    return query.multiget(report, Kind.ADDRESSBOOK, node, context)
