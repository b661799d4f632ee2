"""DELETE (RFC 4918 §9.6): a tombstone; nothing is destroyed."""

from davenport.dav.condition import Conditions, Outcome, conditions
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
    if isinstance(node, CollectionNode) and (
        depth(request.headers, Depth.INFINITY) is not Depth.INFINITY
    ):
        raise StatusError(400, "a collection is deleted with Depth infinity")

    def work(tx: Transaction) -> None:
        if isinstance(node, CollectionNode):
            _delete_collection(tx, node, asked, context)
        else:
            _delete_object(tx, node, asked, context)

    try:
        context.store.write(work)
    except Gone:
        raise StatusError(404, "the resource was removed meanwhile") from None
    return Response(204)


def _delete_collection(
    tx: Transaction, node: CollectionNode, asked: Conditions, context: Context
) -> None:
    if node.collection.parent_id is not None:
        # The home before its collection: the order in which the deletion itself locks them.
        collections.lock(tx, node.collection.parent_id)
    current = collections.lock(tx, node.collection.id)
    # A collection exists but has no entity tag: "*" alone matches it.
    if asked.check("DELETE", "", current.modified) is not Outcome.PROCEED:
        raise _condition_failed()
    collections.delete(tx, current.id, context.now())


def _delete_object(tx: Transaction, node: ObjectNode, asked: Conditions, context: Context) -> None:
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
        now=context.now(),
    )


def _condition_failed() -> StatusError:
    return StatusError(412, "a condition of the request does not hold")


DELETE = Method("DELETE", COLLECTIONS | OBJECTS, access.UNBIND, delete, writes=True)
