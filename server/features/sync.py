"""Sync of collections and homes: sync-token, getctag and sync-collection (RFC 6578)."""

from collections.abc import Iterator
from itertools import repeat

from davenport.dav import multistatus, webdav, xml
from davenport.dav.href import quote_segment
from davenport.dav.message import XML, Response
from davenport.dav.multistatus import status_response
from davenport.dav.precondition import Precondition, PreconditionError
from davenport.dav.report import SYNC_COLLECTION, SyncCollection
from davenport.server import data, properties, tree
from davenport.server.context import Context
from davenport.server.feature import Feature
from davenport.server.node import COLLECTIONS, HOMES, CollectionNode, HomeNode
from davenport.server.properties import Selection
from davenport.server.sync_home import home_answer
from davenport.storage import changes, collections, home_changes
from davenport.storage.changes import ChangePage
from davenport.storage.database import Transaction
from davenport.storage.error import Gone, InvalidSyncToken
from davenport.storage.model import Collection, ObjectResource
from davenport.storage.token import SyncToken

SYNC = Feature("sync")

# Changes up to this many are answered on the event loop; more are streamed from a thread.
_FIRST_PAGE = 100
_PAGE = 1_000
_SMALL_BYTES = 1024 * 1024


@SYNC.property(webdav.SYNC_TOKEN, *COLLECTIONS, *HOMES)
@SYNC.property(webdav.GETCTAG, *COLLECTIONS, *HOMES)
def sync_token(node: CollectionNode | HomeNode, context: Context) -> str:
    """RFC 6578 §4; the ctag moves exactly when the token does."""
    if isinstance(node, HomeNode):
        return str(home_changes.state(context.transaction, node.home))
    collection = node.collection
    return str(SyncToken(context.store.epoch, collection.id, collection.revision))


def _is_light(report: SyncCollection) -> bool:
    """Bodies may be large; rows are not."""
    return report.properties.data is None


def _has_no_members(report: SyncCollection) -> bool:
    """A home has few collections, but these have many members."""
    return report.level == "1"


@SYNC.report(SYNC_COLLECTION, *HOMES, light=_has_no_members)
def sync_home(report: SyncCollection, node: HomeNode, context: Context) -> Response:
    """RFC 6578 §3.2 on a home: its collections, with level infinite their members too."""
    return home_answer(report, node, context)


@SYNC.report(SYNC_COLLECTION, *COLLECTIONS, light=_is_light)
def sync_collection(report: SyncCollection, node: CollectionNode, context: Context) -> Response:
    """RFC 6578 §3.2: one range of revisions, whether it is the first sync or the next."""
    token = _parse(report.token, context)
    answer = _Answer(report, node, context)
    first = answer.page(context.transaction, node.collection, token, _FIRST_PAGE)
    if answer.is_small(first):
        body = multistatus.body(answer.fragments(first), answer.end(first))
        return Response(207, {"content-type": XML}, body)
    return Response(207, {"content-type": XML}, multistatus.chunks(answer.stream(first)))


def _parse(text: str, context: Context) -> SyncToken | None:
    if not text:
        return None
    try:
        token = SyncToken.parse(text)
    except ValueError as error:
        raise _invalid(str(error)) from None
    if token.epoch != context.store.epoch:
        raise _invalid("the token is from before the store was restored")
    return token


def _invalid(reason: str) -> PreconditionError:
    return PreconditionError(Precondition.VALID_SYNC_TOKEN, reason)


class _Answer:
    """One sync-collection answer while it is put together, page by page.

    Every page ends at the revision the collection had at the first, so that no member is listed
    twice and the last token leaves out nothing: what changes meanwhile is above it.
    """

    def __init__(self, report: SyncCollection, node: CollectionNode, context: Context) -> None:
        self._node = node
        self._context = context
        self._until = node.collection.revision
        self._with_data = data.wanted(report.properties, node.kind)
        self._selection: Selection = properties.select(
            report.properties, node.object_kind, context, with_data=self._with_data
        )
        self._rows_left = report.limit
        self._full = False
        self._bytes_left: int = context.configuration.limits.answer_bytes

    def page(
        self, tx: Transaction, collection: Collection, token: SyncToken | None, most: int
    ) -> ChangePage:
        """The next changes; raises PreconditionError valid-sync-token."""
        limit = most if self._rows_left is None else min(most, self._rows_left)
        try:
            found = changes.page(tx, collection, token, limit, self._until)
            fitting = self._fitting(found.objects)
            if fitting < len(found.objects):
                found = changes.page(tx, collection, token, fitting, self._until)
                self._full = True
        except InvalidSyncToken as error:
            raise _invalid(str(error)) from None
        if self._rows_left is not None:
            self._rows_left -= len(found.objects)
        return found

    def _fitting(self, resources: list[ObjectResource]) -> int:
        """How many of the rows the answer has room for; one always, so that it goes on."""
        if not self._with_data:
            return len(resources)
        room = self._bytes_left
        for count, resource in enumerate(resources):
            room -= 0 if resource.deleted else resource.size
            if room < 0:
                return max(count, 1)
        return len(resources)

    def is_small(self, first: ChangePage) -> bool:
        """Whether the first page is the whole answer, and short enough to be made at once."""
        if self._with_data and sum(resource.size for resource in first.objects) > _SMALL_BYTES:
            return False
        return not first.more or self.is_cut(first)

    def is_cut(self, page: ChangePage) -> bool:
        """Whether a limit ends the answer before the changes do."""
        return page.more and (self._full or self._rows_left == 0 or self._bytes_left < 0)

    def fragments(self, page: ChangePage) -> Iterator[str]:
        """The responses of one page; a body belongs to its row whatever has changed since."""
        live = [resource for resource in page.objects if not resource.deleted]
        bodies = data.bodies(self._context, live) if self._with_data else repeat(None)
        for resource in page.objects:
            if resource.deleted:
                fragment = status_response(self._node.href + quote_segment(resource.name), 404)
            else:
                fragment = self._member(resource, next(bodies))
            self._bytes_left -= len(fragment)
            yield fragment

    def _member(self, resource: ObjectResource, body: bytes | None) -> str:
        element = None if body is None else data.element(self._node.kind, body)
        member = tree.object_node(self._node, resource)
        return properties.response(member, self._selection, self._context, element)

    def end(self, page: ChangePage) -> str:
        """The 507 of a cut answer (RFC 6578 §3.6) and the token of what was listed."""
        cut = (
            status_response(self._node.href, 507, Precondition.NUMBER_OF_MATCHES_WITHIN_LIMITS)
            if page.more
            else ""
        )
        return f"{cut}{xml.element(webdav.SYNC_TOKEN.name, xml.escape(str(page.next)))}"

    def stream(self, first: ChangePage) -> Iterator[str]:
        """The first page's responses, then every other page's, each read in a snapshot."""
        page = first
        yield from self.fragments(page)
        while page.more and not self.is_cut(page):
            with self._context.store.read() as tx:
                collection = collections.get(tx, self._node.collection.id)
                if collection is None or collection.deleted:
                    # Without a token at its end the answer must not look whole.
                    raise Gone("the collection was removed")
                page = self.page(tx, collection, page.next, _PAGE)
            yield from self.fragments(page)
        yield self.end(page)
