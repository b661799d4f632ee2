"""PROPFIND (RFC 4918 §9.1)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from davenport.dav import multistatus, xml
from davenport.dav.header import Depth, depth, preferences
from davenport.dav.message import XML, Request, Response
from davenport.dav.multistatus import status_response
from davenport.dav.precondition import Precondition, PreconditionError
from davenport.dav.propfind import ALLPROP, PropertyRequest, read_propfind
from davenport.server import access, properties, tree
from davenport.server.context import Context
from davenport.server.methods.method import Method
from davenport.server.node import MAPPED, CollectionNode, HomeNode, Node, StructureNode
from davenport.storage import object_resources

_FIRST_PAGE = 100
_PAGE = 1_000


def propfind(request: Request, node: Node, context: Context) -> Response:
    """Answer a node's properties, and with Depth 1 those of its members."""
    how_deep = depth(request.headers, Depth.INFINITY)
    if how_deep is Depth.INFINITY:
        raise PreconditionError(
            Precondition.PROPFIND_FINITE_DEPTH, "PROPFIND is answered with Depth 0 or 1"
        )
    preferred = preferences(request.headers)
    asked = _Asked(_read(request, context), minimal=preferred.get("return") == "minimal")
    first: list[str] = []
    if not (how_deep is Depth.ONE and "depth-noroot" in preferred):
        first += asked.responses([node], context)
    if how_deep is Depth.ZERO:
        return Response(207, {"content-type": XML}, multistatus.body(first))
    pages = _pages(node, asked, context)
    page = next(pages)
    first += page
    if len(page) < _FIRST_PAGE:
        return Response(207, {"content-type": XML}, multistatus.body(first))
    fragments = multistatus.cut(
        chain(first, chain.from_iterable(pages)),
        status_response(node.href, 507, Precondition.NUMBER_OF_MATCHES_WITHIN_LIMITS),
        context.configuration.limits.answer_bytes,
    )
    return Response(207, {"content-type": XML}, multistatus.chunks(fragments))


def _read(request: Request, context: Context) -> PropertyRequest:
    """The body, or allprop where there is none (RFC 4918 §9.1)."""
    if not request.body.strip():
        return ALLPROP
    return read_propfind(xml.parse(request.body, context.configuration.limits.xml))


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is asked of every resource; absent properties are left out when `minimal`."""

    properties: PropertyRequest
    minimal: bool

    def responses(self, nodes: Sequence[Node], context: Context) -> list[str]:
        """The responses of resources of one kind."""
        if not nodes:
            return []
        selection = properties.select(self.properties, nodes[0].kind, context, minimal=self.minimal)
        return [properties.response(node, selection, context) for node in nodes]


def _pages(node: Node, asked: _Asked, context: Context) -> Iterator[list[str]]:
    """The members' responses: a first page from the request's snapshot, then one from each."""
    match node:
        case CollectionNode():
            yield from _objects(node, asked, context)
        case HomeNode():
            collections = tree.children(node, context)
            yield asked.responses(collections[:_FIRST_PAGE], context)
            for start in range(_FIRST_PAGE, len(collections), _FIRST_PAGE):
                with context.store.read() as transaction:
                    page = asked.responses(
                        collections[start : start + _FIRST_PAGE], context.at(transaction)
                    )
                yield page
        case StructureNode():
            yield [one for child in node.children for one in asked.responses([child], context)]
        case _:
            yield []


def _objects(node: CollectionNode, asked: _Asked, context: Context) -> Iterator[list[str]]:
    limit = _FIRST_PAGE
    rows = object_resources.list_page(context.transaction, node.collection.id, None, limit)
    while True:
        yield asked.responses([tree.object_node(node, row) for row in rows], context)
        if len(rows) < limit:
            return
        limit = _PAGE
        with context.store.read() as transaction:
            rows = object_resources.list_page(transaction, node.collection.id, rows[-1].name, limit)


PROPFIND = Method("PROPFIND", MAPPED, access.READ, propfind, light=True)
