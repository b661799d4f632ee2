"""Writing one member so that nothing is lost: every request is conditional (RFC 9110 §13.1), and
`If-Match: *`, which half of the servers misread, is never sent."""

from davenport.dav.message import Request, Response
from davenport.sync.answer import (
    GONE,
    RefusedError,
    content,
    header,
    is_rate_limit,
    multistatus,
    refusal,
    require_read,
)
from davenport.sync.flow import Flow
from davenport.sync.href import member_of
from davenport.sync.multiget import CONTENT_TAG, content_tag, get, media_type
from davenport.sync.side import Exists, Kind, Rejected, SideError, Stale, Written

_STORED = {200, 201, 202, 204, 205, 207}


def strong(etag: str | None) -> str | None:
    """`etag` where it is a strong one (RFC 9110 §8.8.3), else None."""
    if etag is None or not (etag.startswith('"') and etag.endswith('"') and len(etag) > 2):
        return None
    return etag


def create(collection: str, kind: Kind, name: str, body: bytes) -> Flow[Written]:
    """PUT where nothing is yet. `name` is one encoded path segment.

    Raises Exists, Rejected, ReadOnly, OutcomeUnknown, RateLimited, AuthenticationFailed.
    """
    url = f"{collection}{name}"
    sent = Request("PUT", url, {"content-type": media_type(kind), "if-none-match": "*"}, body)
    response = yield sent
    answer = content(response)
    if response.status in _STORED:
        _require_whole(response, answer)
        return _written(response, collection, url)
    if response.status == 412:
        error = refusal(response, answer)
        # A UID held by another member comes with 412 from some, and then names it.
        raise error if isinstance(error, Exists) else Exists(member_of(collection, url))
    raise _named(refusal(response, answer), collection)


def update(collection: str, kind: Kind, url: str, body: bytes, etag: str) -> Flow[Written]:
    """PUT over the version `etag`; raises Stale and what `create` raises."""
    condition = yield from _condition(url, etag)
    response = yield Request("PUT", url, {"content-type": media_type(kind), **condition}, body)
    answer = content(response)
    if response.status in _STORED:
        _require_whole(response, answer)
        return _written(response, collection, url)
    if response.status == 412:
        error = refusal(response, answer)
        raise error if isinstance(error, Exists) else Stale(f"{url} has changed")
    error = _named(refusal(response, answer), collection)
    # 404 is one server's word for an object it does not like, 409 another's for a stale one:
    # what is there now tells.
    if isinstance(error, Rejected) and error.status in {404, 409, 410}:
        now = yield from get(url, url, kind)
        if now is None or (strong(etag) and strong(now.etag) and now.etag != etag):
            raise Stale(f"{url} has changed")
    raise error


def delete(url: str, kind: Kind, etag: str) -> Flow[None]:
    """DELETE the version `etag` without a message to anybody (RFC 6638 §8.1); gone already is a
    success. Raises Stale and what `create` raises but Exists."""
    try:
        condition = yield from _condition(url, etag)
    except _GoneError:
        return
    quiet = {"schedule-reply": "F"} if kind == "calendar" else {}
    response = yield Request("DELETE", url, {**condition, **quiet})
    answer = content(response)
    if response.status in GONE or response.status in _STORED:
        _require_whole(response, answer)
        return
    if response.status in {403, 409, 412} and not is_rate_limit(response.status, answer):
        now = yield Request("GET", url, {})
        content(now)
        if now.status in GONE:
            return
    if response.status == 412:
        raise Stale(f"{url} has changed")
    raise refusal(response, answer)


class _GoneError(Stale):
    """There is nothing left at the href."""


def _condition(url: str, etag: str) -> Flow[dict[str, str]]:
    """The header that makes a write conditional on `etag`.

    A weak ETag never matches If-Match, and a content tag is ours alone: then the member is read,
    compared, and written on the strength of what was read. Raises Stale.
    """
    if strong(etag):
        return {"if-match": etag}
    response = yield Request("GET", url, {})
    body = content(response)
    if response.status in GONE:
        raise _GoneError(f"{url} is gone")
    require_read(response.status, response.headers, body)
    now = header(response, "etag")
    if etag.startswith(CONTENT_TAG):
        same = content_tag(body) == etag
    else:
        same = bool(etag) and (now or "").removeprefix("W/") == etag.removeprefix("W/")
    if not same:
        raise Stale(f"{url} has changed, or its etag cannot be compared")
    if now is not None and strong(now):
        return {"if-match": now}
    modified = header(response, "last-modified")
    return {} if modified is None else {"if-unmodified-since": modified}


def _require_whole(response: Response, body: bytes) -> None:
    """A multistatus may hide a refusal (RFC 4918 §9.6.1); raises Rejected with it."""
    if response.status != 207:
        return
    for part in multistatus(Response(207, response.headers, body)).responses:
        if (part.status or 200) >= 400 and part.status not in GONE:
            raise Rejected(part.status or 207, f"the server refused it for {part.href}")


def _written(response: Response, collection: str, url: str) -> Written:
    """Where the server put it: Location is followed only inside the collection."""
    location = header(response, "location")
    href = member_of(collection, location) if location else None
    return Written(href or member_of(collection, url) or url, strong(header(response, "etag")))


def _named(error: SideError, collection: str) -> SideError:
    """Exists with the member's canonical href, None where it is in another collection."""
    if isinstance(error, Exists) and error.href is not None:
        return Exists(member_of(collection, error.href) or error.href)
    return error


def read_status(url: str) -> Flow[int]:
    """The status of a direct read. Raises AuthenticationFailed and RateLimited."""
    response = yield Request("GET", url, {})
    body = content(response)
    try:
        require_read(response.status, response.headers, body)
    except RefusedError as refused:
        return refused.status
    return response.status
