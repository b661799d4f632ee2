"""What changed in a collection since a sync-token, page by page (RFC 6578 §3)."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from davenport.dav import xml
from davenport.dav.message import XML, Request, Response
from davenport.dav.multistatus_xml import MultiStatus, ResponseElement
from davenport.dav.name import DAV
from davenport.dav.precondition import Precondition
from davenport.dav.webdav import GETETAG, RESOURCETYPE
from davenport.sync.answer import (
    RefusedError,
    SyncError,
    conditions,
    content,
    multistatus,
)
from davenport.sync.flow import Flow
from davenport.sync.href import member_of

# A token that no server has given to anybody.
_NEVER_ISSUED = "data:,never-issued-5e1f6c0b"
_MOST_PAGES = 1000


class InvalidSyncTokenError(SyncError):
    """The server no longer answers this token: list the collection anew (RFC 6578 §3.2)."""


@dataclass(frozen=True, slots=True)
class Changes:
    """Changes of a collection up to `token`.

    `changed` maps the canonical href of each new or changed member to its ETag ("" where the
    server gave none), `removed` holds those reported as gone; both are to be confirmed by reading.
    `spelled` maps them to the server's own spelling. `restarted` tells that the server listed the
    collection itself, as it does when it begins anew.
    """

    token: str
    changed: Mapping[str, str]
    removed: frozenset[str]
    spelled: Mapping[str, str] = field(default_factory=dict)
    restarted: bool = False


@dataclass(slots=True)
class _Gathered:
    changed: dict[str, str] = field(default_factory=dict)
    removed: set[str] = field(default_factory=set)
    spelled: dict[str, str] = field(default_factory=dict)
    restarted: bool = False


def changes(href: str, token: str = "", limit: int | None = None) -> Flow[Changes]:
    """Every change of the collection at `href` since `token`; "" lists all members.

    `limit` asks for pages of that size: many servers cut at it and then lose the rest, so leave it
    out with servers you do not know. A page that the server cut is followed from its token.
    Raises InvalidSyncTokenError and SyncError.
    """
    gathered = _Gathered()
    depth = "0"
    for _ in range(_MOST_PAGES):
        response = yield _request(href, token, limit, depth)
        if depth == "0" and response.status in {400, 403, 405, 412, 415, 501}:
            body = content(response)
            response = Response(response.status, response.headers, body)
            if not _refuses_token(body):
                # RFC 6578 §3.3 wants Depth 0; one large provider wants 1.
                depth = "1"
                response = yield _request(href, token, limit, depth)
        answer = read_answer(response)
        cut = _gather(answer, href, gathered)
        following = answer.sync_token
        if not following:
            raise SyncError("the answer has no sync-token")
        if not cut:
            return Changes(
                following,
                gathered.changed,
                frozenset(gathered.removed),
                gathered.spelled,
                gathered.restarted,
            )
        if following == token:
            raise SyncError("the server cut its answer and gave the same token again")
        token = following
    raise SyncError(f"the answer did not end after {_MOST_PAGES} pages")


def refuses_foreign_token(href: str) -> Flow[bool]:
    """Whether the server tells a token it never issued from its own.

    One that answers it as if nothing were wrong may as well answer an expired one in part.
    """
    response = yield _request(href, _NEVER_ISSUED, None, "0")
    return response.status != 207


def _request(href: str, token: str, limit: int | None, depth: str) -> Request:
    bound = "" if limit is None else f"<D:limit><D:nresults>{limit}</D:nresults></D:limit>"
    body = xml.document(
        DAV("sync-collection"),
        f"<D:sync-token>{xml.escape(token)}</D:sync-token><D:sync-level>1</D:sync-level>{bound}"
        "<D:prop><D:getetag/></D:prop>",
    )
    return Request("REPORT", href, {"depth": depth, "content-type": XML}, body)


def _refuses_token(body: bytes) -> bool:
    return Precondition.VALID_SYNC_TOKEN.element in conditions(body)


def read_answer(response: Response) -> MultiStatus:
    """The multistatus of a response; raises InvalidSyncTokenError or SyncError."""
    if response.status == 207:
        return multistatus(response)
    body = content(response)
    # The element counts whatever the status: 403, 409, 412 and 500 are all in use.
    if _refuses_token(body):
        raise InvalidSyncTokenError("the server refuses the sync-token")
    return multistatus(Response(response.status, response.headers, body))


def changes_or_restart(href: str, token: str) -> Flow[Changes]:
    """As `changes`, where a refusal that gives no reason is taken for the token's fault if an
    empty token is answered: InvalidSyncTokenError then."""
    try:
        return (yield from changes(href, token))
    except RefusedError as refused:
        if not 400 <= refused.status < 600 or not token:
            raise
        reason = refused
    yield from changes(href)
    raise InvalidSyncTokenError("the server answers an empty sync-token only") from reason


def _gather(answer: MultiStatus, href: str, gathered: _Gathered) -> bool:
    """Add one page; whether the server cut it."""
    cut = False
    for response in answer.responses:
        path = member_of(href, response.href)
        if path is None:
            raise SyncError(f"{response.href} is not in the collection")
        if not path:
            cut = cut or response.status == 507
            gathered.restarted = gathered.restarted or response.status in {None, 200}
        elif not _is_collection(response, path):
            _gather_member(response, path, gathered)
    return cut


def _is_collection(response: ResponseElement, path: str) -> bool:
    kind = response.found.get(RESOURCETYPE.name)
    inside = [] if kind is None else [xml.tag(child) for child in xml.children(kind)]
    return path.endswith("/") or DAV("collection") in inside


def _gather_member(response: ResponseElement, path: str, gathered: _Gathered) -> None:
    gathered.spelled[path] = response.href
    if response.status in {None, 200}:
        etag = response.found.get(GETETAG.name)
        gathered.removed.discard(path)
        gathered.changed[path] = "" if etag is None else xml.text(etag).strip()
    else:
        # 404 and 410 say it is gone; what 403, 418 or 500 mean, only reading the member can tell.
        gathered.changed.pop(path, None)
        gathered.removed.add(path)
