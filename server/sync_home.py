"""sync-collection on a home (RFC 6578 §3.3): the vector of its collections' states."""

from collections.abc import Callable, Iterator
from typing import TypeVar

from davenport.dav import multistatus, webdav, xml
from davenport.dav.href import quote_segment
from davenport.dav.message import XML, Response
from davenport.dav.multistatus import status_response
from davenport.dav.precondition import Precondition, PreconditionError
from davenport.dav.propfind import PropertyRequest
from davenport.dav.report import SyncCollection
from davenport.server import properties, tree
from davenport.server.context import Context
from davenport.server.node import CollectionNode, HomeNode
from davenport.storage import home_changes
from davenport.storage.error import InvalidSyncToken
from davenport.storage.home_changes import HomeMembersPage, HomePage, MemberChanges
from davenport.storage.model import Collection
from davenport.storage.token import HomeSyncToken

T = TypeVar("T")

# The most collections and members of one answer; the rest follows from its token.
_MOST = 1_000


def home_answer(report: SyncCollection, node: HomeNode, context: Context) -> Response:
    """Answer sync-level 1 or infinite on a home."""
    token = _parse(report.token, context)
    limit = min(report.limit or _MOST, _MOST)
    fragments: list[str]
    page: HomePage | HomeMembersPage
    if report.level == "1":
        page = _valid(lambda: home_changes.home_page(context.transaction, node.home, token, limit))
        changed = (_node(node, child) for child in page.changed)
        fragments = [_collection(child, report.properties, context) for child in changed]
    else:
        if limit < 2:
            raise PreconditionError(
                Precondition.NUMBER_OF_MATCHES_WITHIN_LIMITS,
                "with sync-level infinite a limit below 2 cannot be kept",
            )
        page = _valid(
            lambda: home_changes.home_members_page(context.transaction, node.home, token, limit)
        )
        fragments = [
            fragment
            for change in page.changed
            for fragment in _with_members(node, change, report.properties, context)
        ]
    fragments += [
        status_response(f"{node.href}{quote_segment(gone.name)}/", 404) for gone in page.removed
    ]
    if page.more:
        fragments.append(
            status_response(node.href, 507, Precondition.NUMBER_OF_MATCHES_WITHIN_LIMITS)
        )
    ending = xml.element(webdav.SYNC_TOKEN.name, xml.escape(str(page.next)))
    return Response(207, {"content-type": XML}, multistatus.body(fragments, ending))


def _parse(text: str, context: Context) -> HomeSyncToken | None:
    if not text:
        return None
    try:
        token = HomeSyncToken.parse(text)
    except ValueError as error:
        raise _invalid(str(error)) from None
    if token.epoch != context.store.epoch:
        raise _invalid("the token is from before the store was restored")
    return token


def _valid(answer: Callable[[], T]) -> T:
    try:
        return answer()
    except InvalidSyncToken as error:
        raise _invalid(str(error)) from None


def _invalid(reason: str) -> PreconditionError:
    return PreconditionError(Precondition.VALID_SYNC_TOKEN, reason)


def _node(home: HomeNode, child: Collection) -> CollectionNode:
    return CollectionNode(f"{home.href}{quote_segment(child.name)}/", home.owner, child)


def _collection(node: CollectionNode, asked: PropertyRequest, context: Context) -> str:
    return properties.response(node, properties.select(asked, node.kind, context), context)


def _with_members(
    home: HomeNode, change: MemberChanges, asked: PropertyRequest, context: Context
) -> Iterator[str]:
    node = _node(home, change.collection)
    yield _collection(node, asked, context)
    selection = properties.select(asked, node.object_kind, context)
    for resource in change.objects:
        if resource.deleted:
            yield status_response(node.href + quote_segment(resource.name), 404)
        else:
            yield properties.response(tree.object_node(node, resource), selection, context)
