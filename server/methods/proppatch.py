"""PROPPATCH (RFC 4918 §9.2): all instructions in document order, or none."""

from collections.abc import Mapping, Sequence

from davenport.dav import multistatus, xml
from davenport.dav.message import XML, Request, Response
from davenport.dav.propfind import read_propertyupdate
from davenport.server import access
from davenport.server.context import Context
from davenport.server.methods.method import Method
from davenport.server.node import COLLECTIONS, HOMES, OBJECTS, CollectionNode, HomeNode, ObjectNode
from davenport.server.property_update import NO_ROOM, Refusal, apply, fits, prepare
from davenport.storage import collections, object_resources
from davenport.storage.database import Transaction
from davenport.storage.error import Gone


class _NoRoomError(Exception):
    """Leaves the write transaction without a change: the resource's properties are too many."""


def proppatch(
    request: Request, node: HomeNode | CollectionNode | ObjectNode, context: Context
) -> Response:
    """Set and remove properties; one refusal undoes all and the others answer 424."""
    limits = context.configuration.limits
    instructions = read_propertyupdate(xml.parse(request.body, limits.xml))
    update = prepare(instructions, limits, context.vocabulary)
    if update.refusals:
        return _answer(node.href, refused(update.names, update.refusals))

    # A page of a listing carries a thousand objects, but few collections.
    most = limits.property_bytes if isinstance(node, ObjectNode) else limits.resource_property_bytes

    def work(tx: Transaction) -> None:
        current = _current(tx, node)
        changed = apply(update, current)
        if not fits(changed, most):
            raise _NoRoomError
        if changed != current:
            _store(tx, node, changed, context.now())

    try:
        context.store.write(work)
    except _NoRoomError:
        return _answer(node.href, refused(update.names, dict.fromkeys(update.names, NO_ROOM)))
    set_names = "".join(xml.element(name) for name in update.names)
    return _answer(node.href, multistatus.propstat(200, set_names))


def refused(names: Sequence[str], refusals: Mapping[str, Refusal]) -> str:
    """The propstats of a request whose properties were not all accepted."""
    propstats = "".join(
        multistatus.propstat(refusal.status, xml.element(name), refusal.precondition)
        for name, refusal in refusals.items()
    )
    others = "".join(xml.element(name) for name in names if name not in refusals)
    return propstats + (multistatus.propstat(424, others) if others else "")


def _answer(href: str, propstats: str) -> Response:
    response = f"<D:response>{xml.hrefs((href,))}{propstats}</D:response>"
    return Response(207, {"content-type": XML}, multistatus.body([response]))


def _current(tx: Transaction, node: HomeNode | CollectionNode | ObjectNode) -> Mapping[str, str]:
    match node:
        case HomeNode():
            return collections.lock(tx, node.home.id).properties
        case CollectionNode():
            return collections.lock(tx, node.collection.id).properties
        case ObjectNode():
            collections.lock(tx, node.collection.id)
            resource = object_resources.get(tx, node.collection.id, node.resource.name)
            if resource is None:
                raise Gone("the object was removed")
            return resource.properties


def _store(
    tx: Transaction,
    node: HomeNode | CollectionNode | ObjectNode,
    changed: Mapping[str, str],
    now: int,
) -> None:
    match node:
        case HomeNode():
            collections.set_properties(tx, node.home.id, changed, now)
        case CollectionNode():
            collections.set_properties(tx, node.collection.id, changed, now)
        case ObjectNode():
            object_resources.set_properties(tx, node.resource, changed, now=now)


PROPPATCH = Method(
    "PROPPATCH", HOMES | COLLECTIONS | OBJECTS, access.WRITE_PROPERTIES, proppatch, writes=True
)
