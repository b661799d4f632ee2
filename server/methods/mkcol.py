"""MKCALENDAR (RFC 4791 §5.3.1) and extended MKCOL (RFC 5689): a collection with its properties,
or nothing."""

from collections.abc import Sequence
from dataclasses import dataclass

from davenport.dav import caldav, carddav, xml
from davenport.dav.message import XML, Request, Response
from davenport.dav.name import CALDAV, DAV
from davenport.dav.precondition import Precondition, PreconditionError, StatusError
from davenport.dav.propfind import MKCALENDAR as MKCALENDAR_ELEMENT
from davenport.dav.propfind import MKCOL as MKCOL_ELEMENT
from davenport.dav.propfind import Instruction, read_instructions
from davenport.server import access
from davenport.server.context import Context
from davenport.server.methods.method import Method
from davenport.server.methods.proppatch import refused
from davenport.server.node import (
    COLLECTIONS,
    HOMES,
    OBJECTS,
    UNMAPPED,
    HomeNode,
    Kind,
    Node,
    UnmappedNode,
)
from davenport.server.property_update import NO_ROOM, apply, fits, prepare
from davenport.storage import collections
from davenport.storage.database import Transaction
from davenport.storage.error import NameConflict
from davenport.storage.model import CollectionKind

_RESOURCETYPE = DAV("resourcetype")
_COMPONENT_SET = caldav.SUPPORTED_CALENDAR_COMPONENT_SET.name
# What a calendar takes when its maker does not say (RFC 4791 §5.2.3 leaves it to the server).
DEFAULT_COMPONENTS = ("VEVENT", "VTODO", "VJOURNAL")
_KIND_IN = {
    Kind.CALENDAR_HOME: (caldav.CALENDAR, CollectionKind.CALENDAR),
    Kind.ADDRESSBOOK_HOME: (carddav.ADDRESSBOOK, CollectionKind.ADDRESSBOOK),
}
_LOCATION_OK = {
    caldav.CALENDAR: Precondition.CALENDAR_COLLECTION_LOCATION_OK,
    carddav.ADDRESSBOOK: Precondition.ADDRESSBOOK_COLLECTION_LOCATION_OK,
}


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What the body asks for."""

    resourcetype: str
    components: tuple[str, ...]
    instructions: Sequence[Instruction]


def mkcalendar(request: Request, node: Node, context: Context) -> Response:
    """Make a calendar."""
    instructions: Sequence[Instruction] = ()
    if request.body.strip():
        root = xml.parse(request.body, context.configuration.limits.xml)
        instructions = read_instructions(root, (MKCALENDAR_ELEMENT,))
    wanted = _wanted(instructions, caldav.CALENDAR)
    if wanted.resourcetype != caldav.CALENDAR:
        raise PreconditionError(Precondition.VALID_RESOURCETYPE, "MKCALENDAR makes calendars only")
    return _make(wanted, node, context, MKCALENDAR_ELEMENT)


def mkcol(request: Request, node: Node, context: Context) -> Response:
    """Make a calendar or address book by its resourcetype (RFC 5689 §3)."""
    instructions: Sequence[Instruction] = ()
    if request.body.strip():
        root = xml.parse(request.body, context.configuration.limits.xml)
        instructions = read_instructions(root, (MKCOL_ELEMENT,))
    return _make(_wanted(instructions, None), node, context, MKCOL_ELEMENT)


def _wanted(instructions: Sequence[Instruction], resourcetype: str | None) -> _Wanted:
    components: tuple[str, ...] = DEFAULT_COMPONENTS
    others = []
    for instruction in instructions:
        if instruction.element is None:
            raise StatusError(400, "a new collection has no property to remove")
        if instruction.name == _RESOURCETYPE:
            resourcetype = _read_resourcetype(instruction.element)
        elif instruction.name == _COMPONENT_SET:
            components = _read_components(instruction.element)
        else:
            others.append(instruction)
    if resourcetype is None:
        raise PreconditionError(
            Precondition.VALID_RESOURCETYPE, "a plain collection cannot be made here"
        )
    return _Wanted(resourcetype, components, others)


def _read_resourcetype(element: xml.Element) -> str:
    names = {xml.tag(child) for child in xml.children(element)} - {DAV("collection")}
    known = names & _LOCATION_OK.keys()
    # A subscription or another extension of a calendar is not what we would make of it.
    if len(known) != 1 or names != known:
        raise PreconditionError(
            Precondition.VALID_RESOURCETYPE, "the resourcetype is not a calendar or address book"
        )
    return known.pop()


def _read_components(element: xml.Element) -> tuple[str, ...]:
    names = [
        child.get("name", "").upper()
        for child in xml.children(element)
        if xml.tag(child) == CALDAV("comp")
    ]
    if not names or not set(names) <= set(caldav.COMPONENTS):
        raise PreconditionError(
            Precondition.SUPPORTED_CALENDAR_COMPONENT,
            f"the component set is not made of {', '.join(caldav.COMPONENTS)}",
        )
    return tuple(dict.fromkeys(names))


def _make(wanted: _Wanted, node: Node, context: Context, root: str) -> Response:
    home, name, kind = _place(wanted, node)
    limits = context.configuration.limits
    update = prepare(wanted.instructions, limits, context.vocabulary)
    properties = apply(update, {})
    refusals = update.refusals
    if not refusals and not fits(properties, limits.resource_property_bytes):
        refusals = dict.fromkeys(update.names, NO_ROOM)
    if refusals:
        answer = xml.document(f"{root}-response", refused(update.names, refusals))
        return Response(403, {"content-type": XML}, answer)

    def work(tx: Transaction) -> None:
        parent = collections.lock(tx, home.home.id)
        if len(collections.children(tx, parent.id)) >= limits.collections_per_home:
            raise PreconditionError(
                Precondition.QUOTA_NOT_EXCEEDED,
                f"a home holds at most {limits.collections_per_home} collections",
            )
        components = wanted.components if kind is CollectionKind.CALENDAR else ()
        collections.create(tx, parent, name, kind, components, properties, context.now())

    try:
        context.store.write(work)
    except NameConflict:
        raise _occupied() from None
    return Response(201, {"cache-control": "no-cache"})


def _place(wanted: _Wanted, node: Node) -> tuple[HomeNode, str, CollectionKind]:
    """Where the collection is to stand; raises for what is taken or cannot hold it."""
    if not isinstance(node, UnmappedNode):
        raise _occupied()
    if node.parent is None:
        raise StatusError(409, "the parent collection does not exist")
    if isinstance(node.parent, HomeNode):
        resourcetype, kind = _KIND_IN[node.parent.kind]
        if resourcetype == wanted.resourcetype:
            return node.parent, node.name, kind
    raise PreconditionError(
        _LOCATION_OK[wanted.resourcetype], "such a collection cannot stand here"
    )


def _occupied() -> PreconditionError:
    return PreconditionError(Precondition.RESOURCE_MUST_BE_NULL, "the name is taken")


MKCALENDAR = Method(
    "MKCALENDAR",
    UNMAPPED | HOMES | COLLECTIONS | OBJECTS,
    access.BIND,
    mkcalendar,
    creates=True,
    writes=True,
)
# MKCOL on what exists is 405 (RFC 4918 §9.3.1), so the table leaves the others out.
MKCOL = Method("MKCOL", UNMAPPED, access.BIND, mkcol, creates=True, writes=True)
