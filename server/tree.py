"""From an href to what is there, as far as the caller may know: other people's trees answer 404."""

from collections.abc import Sequence

from davenport.dav.href import path_of, quote_segment, split_path
from davenport.dav.precondition import StatusError
from davenport.server.context import Context
from davenport.server.hrefs import CONTEXT, HOME_SEGMENTS, PRINCIPALS
from davenport.server.node import (
    CollectionNode,
    HomeNode,
    Kind,
    Node,
    ObjectNode,
    PrincipalNode,
    StructureNode,
    UnmappedNode,
)
from davenport.storage import collections, object_resources
from davenport.storage.model import Collection, CollectionKind, ObjectResource

NOT_FOUND = StatusError(404, "there is no such resource")


def segments_below_prefix(path: str, prefix: str, limit: int) -> tuple[str, ...]:
    """Decode a path and drop the path prefix, which a proxy may have removed already."""
    segments, _ = split_path(path, limit)
    if prefix:
        expected = tuple(prefix[1:].split("/"))
        below = segments[len(expected) :]
        # A prefix /dav that was removed already looks like one that was not.
        if segments[: len(expected)] == expected and below[:1] in {(), (CONTEXT,)}:
            return below
    return segments


def shape(segments: tuple[str, ...]) -> Kind | None:
    """The kind that an existing resource at this path has, without looking whether it exists."""
    if not segments or segments == (CONTEXT,):
        return Kind.ROOT
    if segments[0] != CONTEXT or len(segments) > 5:
        return None
    if segments[1] == PRINCIPALS:
        return {2: Kind.PRINCIPAL_SET, 3: Kind.PRINCIPAL}.get(len(segments))
    home = HOME_SEGMENTS.get(segments[1])
    if home is None:
        return None
    calendar = home is CollectionKind.CALENDAR_HOME
    return (
        Kind.HOME_PARENT,
        Kind.CALENDAR_HOME if calendar else Kind.ADDRESSBOOK_HOME,
        Kind.CALENDAR if calendar else Kind.ADDRESSBOOK,
        Kind.CALENDAR_OBJECT if calendar else Kind.ADDRESS_OBJECT,
    )[len(segments) - 2]


def resolve(path: str, context: Context) -> Node:
    """Resolve an encoded path for the caller.

    Raises StatusError 404 for what does not exist in the fixed structure and for anything of
    another principal, whether it exists or not.
    """
    configuration = context.configuration
    segments = segments_below_prefix(path, configuration.path_prefix, configuration.limits.segment)
    kind = shape(segments)
    if kind is None:
        raise NOT_FOUND
    if len(segments) < 2:
        return _root(segments, context)
    if len(segments) == 2:
        return _structure(segments[1], context)
    if not _is_caller(segments[2], context):
        raise NOT_FOUND
    if kind is Kind.PRINCIPAL:
        return own_principal(context)
    return _in_home(HOME_SEGMENTS[segments[1]], segments[3:], context)


def _is_caller(segment: str, context: Context) -> bool:
    """Apple and others write a name in another case or escape its escapes again (%2540)."""
    name = context.identity.principal.name
    return (
        segment == name
        or segment.casefold() == name
        or segment.replace("%40", "@").casefold() == name
    )


def own_principal(context: Context) -> PrincipalNode:
    """The caller's own principal resource."""
    principal = context.identity.principal
    return PrincipalNode(context.hrefs.principal(principal), principal)


def own_home(kind: CollectionKind, context: Context) -> HomeNode:
    """The caller's own home of a kind."""
    principal = context.identity.principal
    home = collections.home(context.transaction, principal.id, kind)
    return HomeNode(context.hrefs.home(principal, kind), principal, home)


def _root(segments: tuple[str, ...], context: Context) -> StructureNode:
    hrefs = context.hrefs
    below = tuple(_structure(name, context) for name in (PRINCIPALS, *HOME_SEGMENTS))
    at_context = StructureNode(Kind.ROOT, hrefs.context, below)
    return at_context if segments else StructureNode(Kind.ROOT, hrefs.root, (at_context,))


def _structure(name: str, context: Context) -> StructureNode:
    if name == PRINCIPALS:
        return StructureNode(
            Kind.PRINCIPAL_SET, context.hrefs.principals, (own_principal(context),)
        )
    kind = HOME_SEGMENTS[name]
    return StructureNode(
        Kind.HOME_PARENT, context.hrefs.home_parent(kind), (own_home(kind, context),)
    )


def _in_home(kind: CollectionKind, rest: tuple[str, ...], context: Context) -> Node:
    home = own_home(kind, context)
    if not rest:
        return home
    node = _in_home_collection(home, rest[0], context)
    if node is None:
        href = f"{home.href}{quote_segment(rest[0])}/"
        if len(rest) == 1:
            return UnmappedNode(Kind.UNMAPPED_COLLECTION, href, rest[0], home)
        return UnmappedNode(Kind.ORPHAN, href + quote_segment(rest[1]), rest[1], None)
    return node if len(rest) == 1 else member(node, rest[1], context)


def member(node: CollectionNode, name: str, context: Context) -> ObjectNode | UnmappedNode:
    """The object resource of a name in a collection, or where it would be."""
    resource = object_resources.get(context.transaction, node.collection.id, name)
    href = node.href + quote_segment(name)
    if resource is None:
        return UnmappedNode(Kind.UNMAPPED_OBJECT, href, name, node)
    return ObjectNode(href, node.owner, node.collection, resource)


def children(home: HomeNode, context: Context) -> list[CollectionNode]:
    """The live collections of a home, in the order of their names."""
    found: list[Collection] = collections.children(context.transaction, home.home.id)
    return [
        CollectionNode(f"{home.href}{quote_segment(one.name)}/", home.owner, one) for one in found
    ]


def object_node(node: CollectionNode, resource: ObjectResource) -> ObjectNode:
    """The node of a member that was read already."""
    return ObjectNode(
        node.href + quote_segment(resource.name), node.owner, node.collection, resource
    )


def members(hrefs: Sequence[str], kind: Kind, context: Context) -> dict[str, ObjectNode]:
    """The objects of `kind` that hrefs lead to, by the href as given; others are left out.

    Each href goes through the same resolution as a request's path, so nothing of another
    principal is found; the collections and the rows are read once for all of them.
    """
    wanted: dict[tuple[str, str], list[str]] = {}
    for href in hrefs:
        place = _member_place(href, kind, context)
        if place is not None:
            wanted.setdefault(place, []).append(href)
    found: dict[str, ObjectNode] = {}
    for collection_name in dict.fromkeys(name for name, _ in wanted):
        home = own_home(_HOME_OF[kind], context)
        node = _in_home_collection(home, collection_name, context)
        if node is None:
            continue
        names = [name for collection, name in wanted if collection == collection_name]
        rows = object_resources.get_many(context.transaction, node.collection.id, names)
        for name, resource in rows.items():
            member_node = object_node(node, resource)
            found.update(dict.fromkeys(wanted[collection_name, name], member_node))
    return found


_HOME_OF = {
    Kind.CALENDAR_OBJECT: CollectionKind.CALENDAR_HOME,
    Kind.ADDRESS_OBJECT: CollectionKind.ADDRESSBOOK_HOME,
}


def _member_place(href: str, kind: Kind, context: Context) -> tuple[str, str] | None:
    """The (collection, name) an href means in the caller's own home, None where it cannot."""
    configuration = context.configuration
    try:
        segments = segments_below_prefix(
            path_of(href), configuration.path_prefix, configuration.limits.segment
        )
    except StatusError:
        return None
    if shape(segments) is not kind or not _is_caller(segments[2], context):
        return None
    return segments[3], segments[4]


def _in_home_collection(home: HomeNode, name: str, context: Context) -> CollectionNode | None:
    collection = collections.child(context.transaction, home.home.id, name)
    if collection is None:
        return None
    return CollectionNode(f"{home.href}{quote_segment(name)}/", home.owner, collection)
