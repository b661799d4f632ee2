"""Answering queries and multigets: rows in short snapshots, bodies in batches, streamed."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from davenport.dav import multistatus
from davenport.dav.filter import CompFilter
from davenport.dav.href import path_of
from davenport.dav.message import XML, Response
from davenport.dav.multistatus import status_response
from davenport.dav.precondition import Precondition, StatusError
from davenport.dav.propfind import PropertyRequest
from davenport.dav.report import Multiget
from davenport.objects.index import Narrowing
from davenport.server import data, properties, tree
from davenport.server.context import Context
from davenport.server.node import CollectionNode, Kind
from davenport.storage import object_resources
from davenport.storage.model import ObjectResource

EVERYTHING = Narrowing()
# Multigets up to this many hrefs are point reads short enough for the event loop.
_SMALL = 50
_PAGE = 500

OBJECT_KIND = {Kind.CALENDAR: Kind.CALENDAR_OBJECT, Kind.ADDRESSBOOK: Kind.ADDRESS_OBJECT}


@dataclass(frozen=True, slots=True)
class Query:
    """What to answer: the candidates, and the exact test (None: every candidate matches)."""

    properties: PropertyRequest
    narrowing: Narrowing
    matches: Callable[[bytes], bool] | None
    limit: int | None = None


def is_bare(filter: CompFilter) -> bool:  # noqa: A002 - the RFC's word
    """Whether a filter is VCALENDAR alone, which every calendar object matches."""
    return not (
        filter.is_not_defined or filter.time_range or filter.prop_filters or filter.comp_filters
    )


def is_small(report: Multiget) -> bool:
    """Whether a multiget may run on the event loop."""
    return len(report.hrefs) <= _SMALL


def run(query: Query, node: CollectionNode, context: Context) -> Response:
    """Stream the matching members of a collection."""
    with_data = data.wanted(query.properties, node.kind)
    return Response(
        207,
        {"content-type": XML},
        multistatus.chunks(_matching(query, node, context, with_data=with_data)),
    )


def _matching(
    query: Query, node: CollectionNode, context: Context, *, with_data: bool
) -> Iterator[str]:
    selection = properties.select(query.properties, node.object_kind, context, with_data=with_data)
    remaining_bytes: int = context.configuration.limits.answer_bytes
    remaining = query.limit if query.limit is not None else -1
    for resource, body in _candidates(query, node, context, with_data=with_data):
        if body is not None and query.matches is not None and not query.matches(body):
            continue
        # A cut answer says so with 507 on the collection (RFC 6352 §8.6.2), never silently.
        if remaining == 0 or remaining_bytes < 0:
            yield status_response(node.href, 507, Precondition.NUMBER_OF_MATCHES_WITHIN_LIMITS)
            return
        remaining -= 1
        member = tree.object_node(node, resource)
        element = data.element(node.kind, body) if with_data and body is not None else None
        fragment = properties.response(member, selection, context, element)
        remaining_bytes -= len(fragment)
        yield fragment


def _candidates(
    query: Query, node: CollectionNode, context: Context, *, with_data: bool
) -> Iterator[tuple[ObjectResource, bytes | None]]:
    """The rows the index leaves, with their bodies where these are needed."""
    needs_body = with_data or query.matches is not None
    after = 0
    while True:
        with context.store.read() as transaction:
            rows = object_resources.candidates(
                transaction, node.collection.id, query.narrowing, after, _PAGE
            )
        for batch in data.batches(rows):
            bodies: dict[int, bytes] = {}
            if needs_body:
                with context.store.read() as transaction:
                    bodies = object_resources.bodies(transaction, batch)
            for row in batch:
                if not needs_body:
                    yield row, None
                elif row.id in bodies:
                    yield row, bodies[row.id]
        if len(rows) < _PAGE:
            return
        after = rows[-1].id


def multiget(report: Multiget, kind: Kind, context: Context) -> Response:
    """Answer every href of a multiget; missing, foreign and malformed ones with 404.

    Raises StatusError 413 over the configured number of hrefs.
    """
    limit = context.configuration.limits.multiget_hrefs
    if len(report.hrefs) > limit:
        raise StatusError(413, f"a multiget names more than {limit} hrefs")
    with_data = data.wanted(report.properties, kind)
    fragments = _each_href(report, kind, context, with_data=with_data)
    if is_small(report):
        return Response(207, {"content-type": XML}, multistatus.body(fragments))
    return Response(207, {"content-type": XML}, multistatus.chunks(fragments))


def _each_href(report: Multiget, kind: Kind, context: Context, *, with_data: bool) -> Iterator[str]:
    selection = properties.select(
        report.properties, OBJECT_KIND[kind], context, with_data=with_data
    )
    remaining_bytes: int = context.configuration.limits.answer_bytes
    hrefs = report.hrefs
    for start in range(0, len(hrefs), _SMALL):
        part = hrefs[start : start + _SMALL]
        with context.store.read() as transaction:
            found = tree.members(part, OBJECT_KIND[kind], context.at(transaction))
            bodies = (
                object_resources.bodies(transaction, [one.resource for one in found.values()])
                if with_data
                else {}
            )
        for href in part:
            member = found.get(href)
            if member is None:
                yield status_response(_written(href), 404)
            elif remaining_bytes < 0:
                yield status_response(_written(href), 507)
            else:
                body = bodies.get(member.resource.id)
                element = data.element(kind, body) if body is not None else None
                fragment = properties.response(member, selection, context, element)
                remaining_bytes -= len(fragment)
                yield fragment


def _written(href: str) -> str:
    """The href of a 404 as the client wrote it, but for what would not be a path."""
    try:
        return path_of(href)
    except StatusError:
        return "/"
