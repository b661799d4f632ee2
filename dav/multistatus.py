"""Multistatus answers (RFC 4918 §13), written as escaped fragments so that they can be streamed."""

from collections.abc import Iterable, Iterator, Sequence
from http import HTTPStatus

from davenport.dav import xml
from davenport.dav.precondition import Precondition

OPENING = f"{xml.DECLARATION}<D:multistatus{xml.NAMESPACES}>"
CLOSING = "</D:multistatus>"
_CHUNK = 65_536

_STATUS = {
    status.value: f"<D:status>HTTP/1.1 {status.value} {status.phrase}</D:status>"
    for status in HTTPStatus
}


def status_response(href: str, status: int, precondition: Precondition | None = None) -> str:
    """A DAV:response with a status for the whole resource; `href` is written as given."""
    error = f"<D:error>{xml.element(precondition.element)}</D:error>" if precondition else ""
    return f"<D:response><D:href>{xml.escape(href)}</D:href>{_STATUS[status]}{error}</D:response>"


def propstat(status: int, properties: str, error: Precondition | None = None) -> str:
    """A DAV:propstat around property elements."""
    condition = f"<D:error>{xml.element(error.element)}</D:error>" if error else ""
    return f"<D:propstat><D:prop>{properties}</D:prop>{_STATUS[status]}{condition}</D:propstat>"


def property_response(href: str, found: Sequence[str], missing: Iterable[str]) -> str:
    """A DAV:response with the `found` elements and the Clark names of the `missing` ones."""
    absent = "".join([xml.element(name) for name in missing])
    parts = f"<D:response><D:href>{xml.escape(href)}</D:href>"
    if found or not absent:
        parts += propstat(200, "".join(found))
    if absent:
        parts += propstat(404, absent)
    return parts + "</D:response>"


def body(responses: Iterable[str], ending: str = "") -> bytes:
    """A complete multistatus; `ending` follows the responses, as the sync-token does."""
    return "".join([OPENING, *responses, ending, CLOSING]).encode()


def cut(
    responses: Iterable[str], ending: str, size: int, count: int | None = None
) -> Iterator[str]:
    """The responses up to a size in characters and a number, and `ending` if more are to come."""
    for response in responses:
        if size < 0 or count == 0:
            yield ending
            return
        size -= len(response)
        count = None if count is None else count - 1
        yield response


def chunks(fragments: Iterable[str]) -> Iterator[bytes]:
    """A multistatus in chunks of about 64 KiB; the fragments include any ending."""
    pending = [OPENING]
    size = 0
    for fragment in fragments:
        pending.append(fragment)
        size += len(fragment)
        if size >= _CHUNK:
            yield "".join(pending).encode()
            pending, size = [], 0
    pending.append(CLOSING)
    yield "".join(pending).encode()
