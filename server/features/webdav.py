"""The live properties of WebDAV itself (RFC 4918 §15) and quota (RFC 4331)."""

from collections.abc import Sequence

from davenport.dav import caldav, carddav, webdav, xml
from davenport.dav.name import DAV
from davenport.server.context import Context
from davenport.server.feature import Feature
from davenport.server.node import (
    COLLECTIONS,
    HOMES,
    MAPPED,
    OBJECTS,
    STRUCTURE,
    CollectionNode,
    HomeNode,
    Kind,
    Node,
    ObjectNode,
    PrincipalNode,
    StructureNode,
)
from davenport.storage import object_resources

WEBDAV = Feature("webdav", ("1", "3", "extended-mkcol"))

_RESOURCETYPES: dict[Kind, tuple[str, ...]] = {
    **dict.fromkeys(STRUCTURE | HOMES, (DAV("collection"),)),
    Kind.PRINCIPAL: (DAV("principal"),),
    Kind.CALENDAR: (DAV("collection"), caldav.CALENDAR),
    Kind.ADDRESSBOOK: (DAV("collection"), carddav.ADDRESSBOOK),
    **dict.fromkeys(OBJECTS, ()),
}


@WEBDAV.property(webdav.RESOURCETYPE, *_RESOURCETYPES)
def resourcetype(node: Node, _: Context) -> Sequence[str]:
    """RFC 4918 §15.9."""
    return _RESOURCETYPES[node.kind]


@WEBDAV.property(webdav.DISPLAYNAME, *HOMES, *COLLECTIONS)
def displayname(node: HomeNode | CollectionNode, _: Context) -> str:
    """RFC 4918 §15.2; a collection without one shows its name, a home its owner's."""
    if isinstance(node, HomeNode):
        source = node.home.properties.get(webdav.DISPLAYNAME.name)
        fallback = node.owner.display_name or node.owner.name
    else:
        source = node.collection.properties.get(webdav.DISPLAYNAME.name)
        fallback = node.collection.name
    return fallback if source is None else xml.element_text(source)


@WEBDAV.property(webdav.DISPLAYNAME, Kind.PRINCIPAL)
def principal_displayname(node: PrincipalNode, _: Context) -> str:
    """RFC 3744 §4: every principal has a displayname."""
    return node.principal.display_name or node.principal.name


@WEBDAV.property(webdav.DISPLAYNAME, *STRUCTURE)
def structure_displayname(node: StructureNode, _: Context) -> str:
    """What a file browser shows for the fixed collections."""
    return node.href.rstrip("/").rpartition("/")[2] or "davenport"


@WEBDAV.property(webdav.SUPPORTED_REPORT_SET, *MAPPED)
def supported_report_set(node: Node, context: Context) -> Sequence[str]:
    """RFC 3253 §3.1.5: exactly the reports that are answered here."""
    return context.vocabulary.reports_on(node.kind)


@WEBDAV.property(webdav.CREATIONDATE, *HOMES, *COLLECTIONS, *OBJECTS)
def creationdate(node: HomeNode | CollectionNode | ObjectNode, _: Context) -> int:
    """RFC 4918 §15.1."""
    match node:
        case HomeNode():
            return node.home.created
        case CollectionNode():
            return node.collection.created
        case ObjectNode():
            return node.resource.created


@WEBDAV.property(webdav.GETLASTMODIFIED, *COLLECTIONS, *OBJECTS)
def getlastmodified(node: CollectionNode | ObjectNode, _: Context) -> int:
    """RFC 4918 §15.7."""
    return node.resource.modified if isinstance(node, ObjectNode) else node.collection.modified


@WEBDAV.property(webdav.GETETAG, *OBJECTS)
def getetag(node: ObjectNode, _: Context) -> str:
    """RFC 4918 §15.6."""
    return node.resource.etag


@WEBDAV.property(webdav.GETCONTENTLENGTH, *OBJECTS)
def getcontentlength(node: ObjectNode, _: Context) -> int:
    """RFC 4918 §15.4."""
    return node.resource.size


@WEBDAV.property(webdav.GETCONTENTTYPE, *OBJECTS)
def getcontenttype(node: ObjectNode, _: Context) -> str:
    """RFC 4918 §15.5: the very value that GET answers."""
    return content_type(node)


@WEBDAV.property(webdav.QUOTA_USED_BYTES, *HOMES, *COLLECTIONS)
def quota_used_bytes(node: HomeNode | CollectionNode, context: Context) -> int:
    """RFC 4331 §4: bytes of the live objects below."""
    if isinstance(node, CollectionNode):
        return object_resources.count_and_size(context.transaction, node.collection.id)[1]
    return object_resources.home_count_and_size(context.transaction, node.home.id)[1]


def content_type(node: ObjectNode) -> str:
    """The media type of an object resource (RFC 5545 §8.1, RFC 6350 §10.1)."""
    if node.kind is Kind.ADDRESS_OBJECT:
        return "text/vcard; charset=utf-8"
    return f"text/calendar; charset=utf-8; component={node.resource.component.lower()}"
