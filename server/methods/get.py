"""GET and HEAD (RFC 9110 §9.3): an object as stored, a collection as one file, pages for people."""

from collections.abc import Iterator
from urllib.parse import quote

from davenport.dav import caldav, xml
from davenport.dav.condition import Outcome, conditions, http_date
from davenport.dav.message import Request, Response
from davenport.dav.precondition import StatusError
from davenport.objects.join import join_calendars, join_cards
from davenport.server import access, data, page
from davenport.server.context import Context
from davenport.server.features.webdav import content_type, displayname
from davenport.server.methods.method import Method
from davenport.server.node import MAPPED, CollectionNode, Kind, Node, ObjectNode
from davenport.storage import object_resources

_PAGE = 500
# Characters of a file's name: a displayname may be longer than any client takes for a header.
_LONGEST_NAME = 100
# Stored data is never run or framed by a browser that shows it.
_INERT = {
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; sandbox",
    "cache-control": "private, no-cache",
}


def get(request: Request, node: Node, context: Context) -> Response:
    """Answer the representation of a resource."""
    match node:
        case ObjectNode():
            return _object(request, node, context)
        case CollectionNode():
            return _export(node, context)
        case _:
            return Response(200, page.HEADERS, page.addresses(context))


def _object(request: Request, node: ObjectNode, context: Context) -> Response:
    resource = node.resource
    headers = {
        **_INERT,
        "etag": resource.etag,
        "last-modified": http_date(resource.modified),
    }
    outcome = conditions(request.headers).check("GET", resource.etag, resource.modified)
    if outcome is Outcome.FAILED:
        raise StatusError(412, "a condition of the request does not hold")
    if outcome is Outcome.NOT_MODIFIED:
        return Response(304, headers)
    headers["content-type"] = content_type(node)
    headers["content-disposition"] = _attachment(resource.name)
    if request.method == "HEAD":
        return Response(200, {**headers, "content-length": str(resource.size)})
    return Response(200, headers, object_resources.body(context.transaction, resource))


def _export(node: CollectionNode, context: Context) -> Response:
    """The whole collection as one .ics or .vcf, read in short snapshots and streamed."""
    name = displayname(node, context) or node.collection.name
    bodies = _bodies(node, context)
    if node.kind is Kind.CALENDAR:
        color = node.collection.properties.get(caldav.CALENDAR_COLOR.name)
        stream = join_calendars(bodies, name, xml.element_text(color) if color else None)
        media, extension = "text/calendar; charset=utf-8", "ics"
    else:
        stream = join_cards(bodies)
        media, extension = "text/vcard; charset=utf-8", "vcf"
    headers = {
        **_INERT,
        "content-type": media,
        "content-disposition": _attachment(f"{name[:_LONGEST_NAME]}.{extension}"),
    }
    return Response(200, headers, stream)


def _bodies(node: CollectionNode, context: Context) -> Iterator[bytes]:
    after: str | None = None
    while True:
        with context.store.read() as transaction:
            rows = object_resources.list_page(transaction, node.collection.id, after, _PAGE)
        yield from (body for body in data.bodies(context, rows) if body is not None)
        if len(rows) < _PAGE:
            return
        after = rows[-1].name


def _attachment(name: str) -> str:
    return f"attachment; filename*=UTF-8''{quote(name, safe='')}"


GET = Method("GET", MAPPED, access.READ, get, light=True)
HEAD = Method("HEAD", MAPPED, access.READ, get, light=True)
