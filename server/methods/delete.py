"""DELETE (RFC 4918 §9.6): a tombstone; nothing is destroyed."""

from davenport.dav.condition import Outcome, conditions
from davenport.dav.header import Depth, depth
from davenport.dav.message import Request, Response
from davenport.dav.precondition import StatusError
from davenport.server import access
from davenport.server.context import Context
from davenport.server.methods.method import Method
from davenport.server.node import COLLECTIONS, OBJECTS, CollectionNode, ObjectNode
from davenport.storage import collections, object_resources
from davenport.storage.database import Transaction
from davenport.storage.error import Gone


def delete(request: Request, node: CollectionNode | ObjectNode, context: Context) -> Response:
    """Delete an object or a collection with all its members."""
    asked = conditions(request.headers)
    if isinstance(node, CollectionNode):
        if depth(request.headers, Depth.INFINITY) is not Depth.INFINITY:
            raise StatusError(400, "a collection is deleted with Depth infinity")
        if asked.check("DELETE", "", node.collection.modified) is not Outcome.PROCEED:
            raise _condition_failed()

    def work(tx: Transaction) -> None:
        now = context.now()
        if isinstance(node, CollectionNode):
            collections.delete(tx, node.collection.id, now)
            return
        collections.lock(tx, node.collection.id)
        current = object_resources.get(tx, node.collection.id, node.resource.name)
        etag, modified = (current.etag, current.modified) if current else (None, None)
        if asked.check("DELETE", etag, modified) is not Outcome.PROCEED:
            raise _condition_failed()
        if current is None:
            raise Gone("the object was removed")
        object_resources.delete(
            tx,
            current,
            actor=context.identity.principal.name,
            device=context.identity.device,
            now=now,
        )

    try:
        context.store.write(work)
    except Gone:
        raise StatusError(404, "the resource was removed meanwhile") from None
    return Response(204)


def _condition_failed() -> StatusError:
    return StatusError(412, "a condition of the request does not hold")


DELETE = Method("DELETE", COLLECTIONS | OBJECTS, access.UNBIND, delete, writes=True)
