"""Answering queries and multigets: rows in short snapshots, bodies in batches, streamed."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat

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
from davenport.server.node import CollectionNode, HomeNode, Kind, ObjectNode
from davenport.storage import object_resources

EVERYTHING = Narrowing()
# Multigets up to this many hrefs and bytes are point reads short enough for the event loop.
_SMALL = 50
_SMALL_BYTES = 1024 * 1024
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


def run(query: Query, kind: Kind, node: CollectionNode | ObjectNode, context: Context) -> Response:
    """Stream the matching members of a collection of `kind`, or its one object if it matches.

    A cut answer says so (RFC 6352 §8.6.2).
    """
    with_data = data.wanted(query.properties, kind)
    candidates = _candidates(query, node, context)
    fragments = multistatus.cut(
        _matching(query, kind, candidates, context, with_data=with_data),
        status_response(node.href, 507, Precondition.NUMBER_OF_MATCHES_WITHIN_LIMITS),
        context.configuration.limits.answer_bytes,
        query.limit,
    )
    return Response(207, {"content-type": XML}, multistatus.chunks(fragments))


def _matching(
    query: Query,
    kind: Kind,
    candidates: Iterator[list[ObjectNode]],
    context: Context,
    *,
    with_data: bool,
) -> Iterator[str]:
    selection = properties.select(query.properties, OBJECT_KIND[kind], context, with_data=with_data)
    needs_body = with_data or query.matches is not None
    for members in candidates:
        rows = [member.resource for member in members]
        found = data.bodies(context, rows) if needs_body else repeat(None)
        for member, body in zip(members, found, strict=False):
            if needs_body and (body is None or not (query.matches is None or query.matches(body))):
                continue
            element = data.element(kind, body) if with_data and body is not None else None
            yield properties.response(member, selection, context, element)


def _candidates(
    query: Query, node: CollectionNode | ObjectNode, context: Context
) -> Iterator[list[ObjectNode]]:
    """What the index leaves, page by page."""
    if isinstance(node, ObjectNode):
        yield [node]
        return
    after: str | None = None
    while True:
        with context.store.read() as transaction:
            rows = object_resources.candidates(
                transaction, node.collection.id, query.narrowing, after, _PAGE
            )
        yield [tree.object_node(node, row) for row in rows]
        if len(rows) < _PAGE:
            return
        after = rows[-1].name


def multiget(
    report: Multiget, kind: Kind, node: CollectionNode | HomeNode | ObjectNode, context: Context
) -> Response:
    """Answer every href of a multiget: with 404 what is missing, malformed, another principal's
    or not within `node` (RFC 4791 §7.9). Raises StatusError 413 over the configured number.
    """
    limit = context.configuration.limits.multiget_hrefs
    if len(report.hrefs) > limit:
        raise StatusError(413, f"a multiget names more than {limit} hrefs")
    answer = _Multiget(report, kind, node.href, context)
    if is_small(report):
        found = answer.members(report.hrefs)
        if not answer.with_data or _size(found) <= _SMALL_BYTES:
            fragments = answer.fragments(report.hrefs, found)
            return Response(207, {"content-type": XML}, multistatus.body(fragments))
    return Response(207, {"content-type": XML}, multistatus.chunks(answer.all()))


def _size(found: Mapping[str, ObjectNode]) -> int:
    return sum(member.resource.size for member in found.values())


class _Multiget:
    """One multiget answer while it is put together, a run of hrefs at a time."""

    def __init__(self, report: Multiget, kind: Kind, scope: str, context: Context) -> None:
        self.with_data = with_data = data.wanted(report.properties, kind)
        self._hrefs = report.hrefs
        self._kind = kind
        self._scope = scope
        self._context = context
        self._selection = properties.select(
            report.properties, OBJECT_KIND[kind], context, with_data=with_data
        )
        self._bytes_left: int = context.configuration.limits.answer_bytes

    def all(self) -> Iterator[str]:
        """The responses of all hrefs."""
        for start in range(0, len(self._hrefs), _SMALL):
            hrefs = self._hrefs[start : start + _SMALL]
            yield from self.fragments(hrefs, self.members(hrefs))

    def members(self, hrefs: Sequence[str]) -> dict[str, ObjectNode]:
        """What hrefs lead to, in one snapshot."""
        with self._context.store.read() as transaction:
            found = tree.members(hrefs, OBJECT_KIND[self._kind], self._context.at(transaction))
        return {href: member for href, member in found.items() if self._is_within(member)}

    def _is_within(self, member: ObjectNode) -> bool:
        scope = self._scope
        return member.href.startswith(scope) if scope.endswith("/") else member.href == scope

    def fragments(self, hrefs: Sequence[str], found: Mapping[str, ObjectNode]) -> Iterator[str]:
        """The responses in the order of the hrefs."""
        rows = [found[href].resource for href in hrefs if href in found]
        bodies = data.bodies(self._context, rows) if self.with_data else repeat(None)
        for href in hrefs:
            member = found.get(href)
            if member is None:
                yield status_response(_written(href), 404)
            elif self._bytes_left < 0:
                yield status_response(_written(href), 507)
            else:
                body = next(bodies)
                element = None if body is None else data.element(self._kind, body)
                fragment = properties.response(member, self._selection, self._context, element)
                self._bytes_left -= len(fragment)
                yield fragment


def _written(href: str) -> str:
    """The href of a status as the client wrote it, but for scheme and host."""
    try:
        return path_of(href)
    except StatusError:
        return href
