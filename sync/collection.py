"""What changed in a collection since a sync-token, page by page (RFC 6578 §3)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote

from davenport.dav import xml
from davenport.dav.href import path_of
from davenport.dav.message import XML, Request, Response
from davenport.dav.multistatus_xml import MultiStatus, ResponseElement, read_multistatus
from davenport.dav.name import DAV
from davenport.dav.precondition import Precondition, StatusError
from davenport.sync.flow import Flow

_LIMITS = xml.XmlLimits(depth=64, elements=5_000_000)
_GONE = {404, 410}


class SyncError(Exception):
    """The server's answer cannot be used; nothing may be concluded from it."""


class InvalidSyncTokenError(SyncError):
    """The server no longer answers this token: list the collection anew (RFC 6578 §3.2)."""


@dataclass(frozen=True, slots=True)
class Changes:
    """Changes of a collection up to `token`.

    `changed` maps the path of each new or changed member to its ETag ("" where the server gave
    none), `removed` holds the paths of members that are gone; paths are percent-decoded.
    """

    token: str
    changed: Mapping[str, str]
    removed: frozenset[str]


@dataclass(slots=True)
class _Gathered:
    changed: dict[str, str] = field(default_factory=dict)
    removed: set[str] = field(default_factory=set)


def changes(href: str, token: str = "", limit: int | None = None) -> Flow[Changes]:
    """Every change of the collection at `href` since `token`; "" lists all members.

    `limit` asks for pages of that size; a page that the server cut, on its own account or by the
    limit, is followed from its token. Raises InvalidSyncTokenError and SyncError.
    """
    gathered = _Gathered()
    while True:
        answer = read_answer((yield _request(href, token, limit)))
        cut = _gather(answer, href, gathered)
        following = answer.sync_token
        if not following:
            raise SyncError("the answer has no sync-token")
        if not cut:
            return Changes(following, gathered.changed, frozenset(gathered.removed))
        if following == token:
            raise SyncError("the server cut its answer and gave the same token again")
        token = following


def _request(href: str, token: str, limit: int | None) -> Request:
    bound = "" if limit is None else f"<D:limit><D:nresults>{limit}</D:nresults></D:limit>"
    body = xml.document(
        DAV("sync-collection"),
        f"<D:sync-token>{xml.escape(token)}</D:sync-token><D:sync-level>1</D:sync-level>{bound}"
        "<D:prop><D:getetag/></D:prop>",
    )
    return Request("REPORT", href, {"depth": "0", "content-type": XML}, body)


def read_answer(response: Response) -> MultiStatus:
    """The multistatus of a response; raises InvalidSyncTokenError or SyncError."""
    body = response.body if isinstance(response.body, bytes) else b"".join(response.body)
    try:
        root = xml.parse(body, _LIMITS)
        if response.status != 207:
            raise _refusal(response.status, root)
        return read_multistatus(root)
    except (StatusError, ValueError) as error:
        raise SyncError(f"status {response.status} with an unreadable body: {error}") from error


def _refusal(status: int, root: xml.Element) -> SyncError:
    if any(xml.tag(child) == Precondition.VALID_SYNC_TOKEN.element for child in xml.children(root)):
        return InvalidSyncTokenError("the server refuses the sync-token")
    return SyncError(f"the server answered with status {status}")


def _gather(answer: MultiStatus, href: str, gathered: _Gathered) -> bool:
    """Add one page; whether the server cut it."""
    collection = unquote(path_of(href)).rstrip("/") + "/"
    cut = False
    for response in answer.responses:
        path = unquote(path_of(response.href))
        if path.rstrip("/") + "/" == collection:
            cut = cut or response.status == 507
        elif path.startswith(collection):
            _gather_member(response, path, gathered)
        else:
            raise SyncError(f"{response.href} is not in the collection")
    return cut


def _gather_member(response: ResponseElement, path: str, gathered: _Gathered) -> None:
    if response.status in _GONE:
        gathered.changed.pop(path, None)
        gathered.removed.add(path)
    elif response.status in {None, 200}:
        etag = response.found.get(DAV("getetag"))
        gathered.removed.discard(path)
        gathered.changed[path] = "" if etag is None else xml.text(etag).strip()
    else:
        raise SyncError(f"{response.href} was answered with status {response.status}")
