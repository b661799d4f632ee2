"""PUT (RFC 4791 §5.3.2, RFC 6352 §6.3.2): the bytes are checked, indexed and kept as they came."""

from dataclasses import dataclass

from davenport.dav import xml
from davenport.dav.condition import Outcome, conditions, etag_of
from davenport.dav.header import media_type
from davenport.dav.href import quote_segment
from davenport.dav.message import Request, Response
from davenport.dav.precondition import Precondition, PreconditionError, StatusError
from davenport.objects.calendar import read_calendar_object
from davenport.objects.card import read_address_object
from davenport.objects.index import Index, index_address_object, index_calendar_object
from davenport.server import access
from davenport.server.config import RequestLimits
from davenport.server.context import Context
from davenport.server.methods.method import Method
from davenport.server.node import OBJECTS, CollectionNode, Kind, ObjectNode, UnmappedNode
from davenport.storage import collections, object_resources
from davenport.storage.database import Transaction
from davenport.storage.error import Gone, UidConflict
from davenport.storage.model import Collection, CollectionKind, ObjectResource

# Media types that say plainly that the body is something else; any other is judged by the body.
_OTHER_FORMS = {
    CollectionKind.CALENDAR: {
        "application/calendar+json",
        "application/calendar+xml",
        "text/vcard",
    },
    CollectionKind.ADDRESSBOOK: {
        "application/vcard+json",
        "application/vcard+xml",
        "text/calendar",
    },
}


@dataclass(frozen=True, slots=True)
class Submission:
    """A checked body with its index."""

    body: bytes
    etag: str
    index: Index


def put(request: Request, node: ObjectNode | UnmappedNode, context: Context) -> Response:
    """Make or replace an object resource."""
    if "content-range" in request.headers:
        raise StatusError(400, "a part of an object cannot be PUT (RFC 9110 §14.5)")
    collection, href, name = _target(node)
    submission = check(request, collection, context)
    asked = conditions(request.headers)

    def work(tx: Transaction) -> tuple[ObjectResource, bool]:
        collections.lock(tx, collection.id)
        current = object_resources.get(tx, collection.id, name)
        etag, modified = (current.etag, current.modified) if current else (None, None)
        if asked.check("PUT", etag, modified) is not Outcome.PROCEED:
            raise StatusError(412, "a condition of the request does not hold")
        if current is not None and current.uid != submission.index.uid:
            # A resource keeps its UID for life (RFC 4791 §5.3.2.1, RFC 6352 §6.3.2.1).
            raise UidConflict(current.name)
        return object_resources.put(
            tx,
            collection.id,
            name,
            submission.index,
            submission.body,
            submission.etag,
            actor=context.identity.principal.name,
            device=context.identity.device,
            now=context.now(),
        )

    try:
        _, created = context.store.write(work)
    except UidConflict as conflict:
        raise _uid_conflict(collection, href, conflict.name) from None
    except Gone:
        raise StatusError(409, "the collection was removed meanwhile") from None
    return Response(201 if created else 204, {"etag": submission.etag})


def _target(node: ObjectNode | UnmappedNode) -> tuple[Collection, str, str]:
    """The collection, its href and the name to write under."""
    if isinstance(node, ObjectNode):
        return node.collection, node.href.rpartition("/")[0] + "/", node.resource.name
    if not isinstance(node.parent, CollectionNode):
        raise StatusError(409, "the collection does not exist")
    return node.parent.collection, node.parent.href, node.name


def check(request: Request, collection: Collection, context: Context) -> Submission:
    """Hold a body against every precondition that needs no lock.

    Raises PreconditionError with the element of RFC 4791 §5.3.2.1 or RFC 6352 §6.3.2.1.
    """
    if media_type(request.headers) in _OTHER_FORMS[collection.kind]:
        raise PreconditionError(
            Precondition.SUPPORTED_CALENDAR_DATA
            if collection.kind is CollectionKind.CALENDAR
            else Precondition.SUPPORTED_ADDRESS_DATA,
            f"the media type {media_type(request.headers)} is not taken here",
        )
    index = check_body(request.body, collection, context.configuration.limits)
    return Submission(request.body, etag_of(request.body), index)


def check_body(body: bytes, collection: Collection, limits: RequestLimits) -> Index:
    """Validate and index a body for a collection; raises PreconditionError."""
    if collection.kind is CollectionKind.ADDRESSBOOK:
        if len(body) > limits.address_object:
            raise _too_large(Precondition.ADDRESSBOOK_MAX_RESOURCE_SIZE, limits.address_object)
        index = index_address_object(read_address_object(body, limits.objects))
        return _with_short_uid(index, Precondition.VALID_ADDRESS_DATA, limits)
    if len(body) > limits.calendar_object:
        raise _too_large(Precondition.CALENDAR_MAX_RESOURCE_SIZE, limits.calendar_object)
    found = read_calendar_object(body, limits.objects)
    if found.component not in collection.components:
        raise PreconditionError(
            Precondition.SUPPORTED_CALENDAR_COMPONENT,
            f"this calendar takes {', '.join(collection.components)}, not {found.component}",
        )
    return _with_short_uid(index_calendar_object(found), Precondition.VALID_CALENDAR_DATA, limits)


def _with_short_uid(index: Index, precondition: Precondition, limits: RequestLimits) -> Index:
    """Hold the UID to its bytes: an index of the database cannot take a longer one."""
    if len(index.uid.encode()) > limits.uid_length:
        raise PreconditionError(precondition, f"the UID is longer than {limits.uid_length} bytes")
    return index


def _too_large(precondition: Precondition, limit: int) -> PreconditionError:
    return PreconditionError(precondition, f"the object is larger than {limit} bytes")


def _uid_conflict(collection: Collection, href: str, holder: str) -> PreconditionError:
    return PreconditionError(
        Precondition.CALENDAR_NO_UID_CONFLICT
        if collection.kind is CollectionKind.CALENDAR
        else Precondition.ADDRESSBOOK_NO_UID_CONFLICT,
        f"{holder} holds the UID, or has another",
        xml.hrefs((href + quote_segment(holder),)),
    )


PUT = Method(
    "PUT",
    OBJECTS | {Kind.UNMAPPED_OBJECT, Kind.ORPHAN},
    access.WRITE_CONTENT,
    put,
    takes_xml=False,
    creates=True,
    writes=True,
)
