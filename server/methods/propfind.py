"""PROPFIND (RFC 4918 §9.1)."""

from collections.abc import Iterator

from davenport.dav import multistatus, xml
from davenport.dav.header import Depth, depth, preferences
from davenport.dav.message import XML, Request, Response
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
    asked = _read(request, context)
    preferred = preferences(request.headers)
    minimal = preferred.get("return") == "minimal"
    first: list[str] = []
    if not (how_deep is Depth.ONE and "depth-noroot" in preferred):
        first.append(_one(node, asked, context, minimal=minimal))
    if how_deep is Depth.ZERO:
        return Response(207, {"content-type": XML}, multistatus.body(first))
    if isinstance(node, CollectionNode):
        return _listing(node, asked, context, first, minimal=minimal)
    first += [_one(child, asked, context, minimal=minimal) for child in _children(node, context)]
    return Response(207, {"content-type": XML}, multistatus.body(first))


def _read(request: Request, context: Context) -> PropertyRequest:
    """The body, or allprop where there is none (RFC 4918 §9.1)."""
    if not request.body.strip():
        return ALLPROP
    return read_propfind(xml.parse(request.body, context.configuration.limits.xml))


def _one(node: Node, asked: PropertyRequest, context: Context, *, minimal: bool) -> str:
    selection = properties.select(asked, node.kind, context, minimal=minimal)
    return properties.response(node, selection, context)


def _children(node: Node, context: Context) -> list[Node]:
    match node:
        case StructureNode():
            return list(node.children)
        case HomeNode():
            return list(tree.children(node, context))
        case _:
            return []


def _listing(
    node: CollectionNode,
    asked: PropertyRequest,
    context: Context,
    first: list[str],
    *,
    minimal: bool,
) -> Response:
    """List the members; a short listing is answered at once, a long one streamed page by page."""
    selection = properties.select(asked, node.object_kind, context, minimal=minimal)
    rows = object_resources.list_page(context.transaction, node.collection.id, None, _FIRST_PAGE)
    first += [properties.response(tree.object_node(node, row), selection, context) for row in rows]
    if len(rows) < _FIRST_PAGE:
        return Response(207, {"content-type": XML}, multistatus.body(first))

    def fragments() -> Iterator[str]:
        yield from first
        after = rows[-1].name
        while True:
            with context.store.read() as transaction:
                page = object_resources.list_page(transaction, node.collection.id, after, _PAGE)
            for row in page:
                yield properties.response(tree.object_node(node, row), selection, context)
            if len(page) < _PAGE:
                return
            after = page[-1].name

    return Response(207, {"content-type": XML}, multistatus.chunks(fragments()))


PROPFIND = Method("PROPFIND", MAPPED, access.READ, propfind, light=True)
