"""What a server's answer means to a client: bodies, multistatus, conditions and refusals."""

import re
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

from davenport.dav import xml
from davenport.dav.message import Response
from davenport.dav.multistatus_xml import MultiStatus, read_multistatus
from davenport.dav.name import CALDAV, CARDDAV, DAV
from davenport.dav.precondition import Precondition, StatusError
from davenport.sync.side import (
    AuthenticationFailed,
    CollectionMissing,
    Exists,
    OutcomeUnknown,
    RateLimited,
    ReadOnly,
    Rejected,
    SideError,
)

LIMITS = xml.XmlLimits(depth=64, elements=5_000_000)
GONE = frozenset({404, 410})

_UID_TAKEN = {
    CALDAV("no-uid-conflict"),
    CARDDAV("no-uid-conflict"),
    CALDAV("unique-scheduling-object-resource"),
}
# The servers that hide a rate limit behind 403 (RFC 6585 has 429 for it) say one of these.
_QUOTA = re.compile(rb"usageLimits|rateLimitExceeded|quotaExceeded|Calendar usage limits")
_UID_IN_TEXT = re.compile(rb"(?is)uid.{0,40}already exists|already exists.{0,40}uid")
_TAGS = re.compile(r"<[^>]*>|\s+")
_EXCERPT = 300
_LONGEST_WAIT = 7 * 86_400.0


class SyncError(SideError):
    """The server's answer cannot be used; nothing may be concluded from it."""


class RefusedError(SyncError):
    """The server refuses a read with `status`."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(f"the server answered with status {status}: {reason}")
        self.status = status


class NotDavError(SyncError):
    """What answers is no DAV server: a web page, a login form, another protocol."""


def content(response: Response) -> bytes:
    """The whole body."""
    return response.body if isinstance(response.body, bytes) else b"".join(response.body)


def header(response: Response, name: str) -> str | None:
    """A header's value; `name` is lower-case."""
    found = response.headers.get(name)
    if found is not None:
        return found
    return next((value for key, value in response.headers.items() if key.lower() == name), None)


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Retry-After (RFC 9110 §10.2.3) as UTC seconds; None where absent or unreadable."""
    value = next((text for key, text in headers.items() if key.lower() == "retry-after"), "")
    text = value.strip()
    if text.isascii() and text.isdigit():
        return now + min(float(text[:9]), _LONGEST_WAIT)
    try:
        return min(parsedate_to_datetime(text).timestamp(), now + _LONGEST_WAIT)
    except (ValueError, OverflowError, IndexError):
        return None


def conditions(body: bytes) -> Mapping[str, xml.Element]:
    """The condition elements of a DAV:error body (RFC 4918 §16); {} for any other body."""
    root = _error(body)
    return {} if root is None else {xml.tag(child): child for child in xml.children(root)}


def _error(body: bytes) -> xml.Element | None:
    try:
        root = xml.parse(body, LIMITS)
    except StatusError:
        return None
    return root if xml.tag(root) == DAV("error") else None


def excerpt(body: bytes) -> str:
    """The beginning of a refusal's body in words."""
    text = _TAGS.sub(" ", body[:4096].decode("utf-8", "replace"))
    return " ".join(text.split())[:_EXCERPT]


def multistatus(response: Response) -> MultiStatus:
    """The multistatus of a read; raises what `require_read` raises and SyncError."""
    body = content(response)
    if response.status != 207:
        require_read(response.status, response.headers, body)
        raise _not_dav(response, body)
    try:
        return read_multistatus(xml.parse(body, LIMITS))
    except (StatusError, ValueError) as error:
        raise SyncError(f"status 207 with an unreadable body: {error}") from error


def _not_dav(response: Response, body: bytes) -> SyncError:
    kind = (header(response, "content-type") or "").partition(";")[0].strip().lower()
    if kind in {"text/html", "application/xhtml+xml"} or body[:200].lstrip()[:1] == b"<":
        return NotDavError(f"a web page answers here (status {response.status}), not a DAV server")
    return NotDavError(f"the answer with status {response.status} is no multistatus")


def require_read(status: int, headers: Mapping[str, str], body: bytes) -> None:
    """Raise for an answer to a read that is not a success: AuthenticationFailed, RateLimited,
    RefusedError."""
    if status < 300:
        return
    _require_known(status, headers, body)
    if 300 <= status < 400:
        raise NotDavError(f"the server redirects (status {status}) and leads nowhere")
    raise RefusedError(status, excerpt(body) or "no reason given")


def require_collection(status: int, headers: Mapping[str, str], body: bytes) -> None:
    """As `require_read`, for the collection itself: 403 and 404 there are CollectionMissing."""
    if status in GONE or (status == 403 and not is_rate_limit(status, body)):
        raise CollectionMissing(f"the collection is not there (status {status})")
    require_read(status, headers, body)


def is_rate_limit(status: int, body: bytes) -> bool:
    """Whether the server wants fewer requests: 429, or 403 as some say it."""
    if status != 403:
        return status == 429
    if _QUOTA.search(body):
        return True
    root = _error(body)
    return root is not None and not xml.children(root) and not xml.text(root).strip()


def _require_known(status: int, headers: Mapping[str, str], body: bytes) -> None:
    if status == 401:
        raise AuthenticationFailed("the server does not take the credentials")
    if is_rate_limit(status, body) or (status == 503 and retry_after(headers, 0) is not None):
        raise RateLimited(retry_after(headers, time.time()))


def refusal(response: Response, body: bytes) -> SideError:
    """What the answer to a write that is no success means (RFC 4918 §9.7, RFC 4791 §5.3.2.1).

    Exists, ReadOnly, Rejected, RateLimited, AuthenticationFailed or OutcomeUnknown; 412 is the
    caller's to read, who knows the condition.
    """
    status = response.status
    found = conditions(body)
    for name in _UID_TAKEN & found.keys():
        hrefs = [xml.text(child).strip() for child in xml.children(found[name])]
        return Exists(hrefs[0] if hrefs and hrefs[0] else None)
    if status == 507:
        return Rejected(status, "the quota of the account is used up")
    if status >= 500:
        return OutcomeUnknown(f"the server answered a write with status {status}")
    if status == 401:
        return AuthenticationFailed("the server does not take the credentials")
    if is_rate_limit(status, body):
        return RateLimited(retry_after(response.headers, time.time()))
    if status in {403, 405} and Precondition.NEED_PRIVILEGES.element in found:
        return ReadOnly("the account may not write here")
    if status in {400, 409} and _UID_IN_TEXT.search(body):
        return Exists(None)
    names = ", ".join(name.rpartition("}")[2] for name in found)
    words = excerpt(body)
    reason = f"{names}: {words}" if names and words else names or words
    return Rejected(status, reason or "no reason given")
