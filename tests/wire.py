"""A small HTTP client for the black-box tests: exact requests out, answers and multistatus
bodies in.

It follows nothing, retries nothing and adds no header but Host, Content-Length and the login, so a
test sees what the server did. XML is read by the standard library, not by the server's own code.
"""

import base64
import http.client
import socket
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Protocol, Self
from urllib.parse import unquote, urlsplit
from xml.etree import ElementTree as ET

DAV = "{DAV:}"
CALDAV = "{urn:ietf:params:xml:ns:caldav}"
CARDDAV = "{urn:ietf:params:xml:ns:carddav}"
CALENDARSERVER = "{http://calendarserver.org/ns/}"
APPLE = "{http://apple.com/ns/ical/}"

Headers = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Member:
    """One DAV:response: a status of its own, or properties by status."""

    href: str
    status: int | None
    properties: dict[int, dict[str, ET.Element]]
    error: ET.Element | None

    @property
    def found(self) -> dict[str, ET.Element]:
        """The properties answered with 200, by Clark name."""
        return self.properties.get(200, {})

    def text(self, name: str) -> str:
        """The text of a found property; "" when it is empty."""
        return self.found[name].text or ""


@dataclass(frozen=True, slots=True)
class Multistatus:
    """A DAV:multistatus body (RFC 4918 §13), its responses in the order sent."""

    members: tuple[Member, ...]
    sync_token: str | None

    def __iter__(self) -> Iterator[Member]:
        return iter(self.members)

    @property
    def hrefs(self) -> list[str]:
        """The responses' hrefs as sent."""
        return [member.href for member in self.members]

    def at(self, href: str) -> Member:
        """The one response for `href`; spellings of percent-encoding do not matter."""
        matching = [member for member in self.members if unquote(member.href) == unquote(href)]
        assert len(matching) == 1, f"{len(matching)} responses for {href} in {self.hrefs}"
        return matching[0]


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes = field(repr=False)

    def header(self, name: str) -> str | None:
        """The first header of that name, or None."""
        return next((text for key, text in self.headers if key.lower() == name.lower()), None)

    def tokens(self, name: str) -> set[str]:
        """The comma-separated tokens of all headers of that name."""
        return {
            token.strip()
            for key, text in self.headers
            if key.lower() == name.lower()
            for token in text.split(",")
        }

    @property
    def etag(self) -> str:
        """The ETag header, which must be there and strong."""
        etag = self.header("ETag")
        assert etag is not None, f"no ETag in {self}"
        assert etag.startswith('"'), f"weak ETag {etag}"
        return etag

    def xml(self) -> ET.Element:
        """The body as XML."""
        return ET.fromstring(self.body)

    def multistatus(self) -> Multistatus:
        """The body as a multistatus; the status must be 207."""
        assert self.status == 207, f"{self.status}: {self.body[:500]!r}"
        return read_multistatus(self.xml())

    def preconditions(self) -> set[str]:
        """The Clark names inside the DAV:error body; empty when the body is something else."""
        if "xml" not in (self.header("Content-Type") or "") or not self.body:
            return set()
        root = self.xml()
        return {child.tag for child in root} if root.tag == f"{DAV}error" else set()


def status_code(text: str) -> int:
    """The code of a DAV:status such as `HTTP/1.1 200 OK`."""
    return int(text.split()[1])


def read_member(element: ET.Element) -> Member:
    """One DAV:response element; it must hold exactly one href."""
    hrefs = element.findall(f"{DAV}href")
    assert len(hrefs) == 1, ET.tostring(element)
    status = element.findtext(f"{DAV}status")
    properties: dict[int, dict[str, ET.Element]] = {}
    for propstat in element.findall(f"{DAV}propstat"):
        code = status_code(propstat.findtext(f"{DAV}status", ""))
        for prop in propstat.findall(f"{DAV}prop"):
            properties.setdefault(code, {}).update({child.tag: child for child in prop})
    assert status is not None or properties or element.find(f"{DAV}propstat") is not None, (
        f"a response with neither status nor propstat: {ET.tostring(element)!r}"
    )
    return Member(
        hrefs[0].text or "",
        None if status is None else status_code(status),
        properties,
        element.find(f"{DAV}error"),
    )


def read_multistatus(root: ET.Element) -> Multistatus:
    """A DAV:multistatus element."""
    assert root.tag == f"{DAV}multistatus", root.tag
    members = tuple(read_member(element) for element in root.findall(f"{DAV}response"))
    return Multistatus(members, root.findtext(f"{DAV}sync-token"))


def basic(user: str, password: str) -> str:
    """The value of an Authorization header (RFC 7617)."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


class Wire(Protocol):
    """Anything that answers a request."""

    def request(
        self, method: str, path: str, body: bytes | str = b"", headers: Headers | None = None
    ) -> Answer:
        """Send one request; `path` goes out exactly as given."""


class Connection:
    """One HTTP connection, kept alive, with an optional login sent on each request."""

    def __init__(
        self, origin: str, login: tuple[str, str] | None = None, timeout: float = 30.0
    ) -> None:
        parts = urlsplit(origin)
        assert parts.hostname is not None
        self.host = parts.hostname
        self.port = parts.port or 80
        self.timeout = timeout
        self.authorization = None if login is None else basic(*login)
        self._connection = http.client.HTTPConnection(self.host, self.port, timeout=timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the socket."""
        self._connection.close()

    def request(
        self, method: str, path: str, body: bytes | str = b"", headers: Headers | None = None
    ) -> Answer:
        """Send one request; raises OSError or http.client.HTTPException when no answer comes."""
        content = body.encode() if isinstance(body, str) else body
        connection = self._connection
        try:
            connection.putrequest(method, path, skip_accept_encoding=True)
            sent = {name.lower() for name in headers or {}}
            for name, text in (headers or {}).items():
                connection.putheader(name, text)
            if self.authorization is not None and "authorization" not in sent:
                connection.putheader("Authorization", self.authorization)
            if content and "content-type" not in sent:
                connection.putheader("Content-Type", 'application/xml; charset="utf-8"')
            if content or method in {"PUT", "POST"}:
                connection.putheader("Content-Length", str(len(content)))
            connection.endheaders(content or None)
            response = connection.getresponse()
            return Answer(response.status, tuple(response.getheaders()), response.read())
        except BaseException:
            connection.close()
            raise

    def raw(self, request: bytes, then: Callable[[socket.socket], None] | None = None) -> Answer:
        """Send bytes as they are on a connection of their own and read the one answer.

        `then` may go on with the exchange (such as a body after 100 Continue) before the answer
        is read.
        """
        with socket.create_connection((self.host, self.port), self.timeout) as stream:
            stream.sendall(request)
            if then is not None:
                then(stream)
            response = http.client.HTTPResponse(stream, method=request.split(b" ", 1)[0].decode())
            response.begin()
            return Answer(response.status, tuple(response.getheaders()), response.read())


def prop(*names: str) -> str:
    """A DAV:prop element that names properties (Clark names)."""
    inside = "".join(
        f'<x:{name.rpartition("}")[2]} xmlns:x="{name[1:].rpartition("}")[0]}"/>' for name in names
    )
    return f'<d:prop xmlns:d="DAV:">{inside}</d:prop>'


def propfind(wire: Wire, path: str, *names: str, depth: str = "0") -> Multistatus:
    """PROPFIND for the named properties."""
    body = f'<d:propfind xmlns:d="DAV:">{prop(*names)}</d:propfind>'
    return wire.request("PROPFIND", path, body, {"Depth": depth}).multistatus()


def sync_body(
    token: str = "",
    *,
    limit: int | None = None,
    level: str = "1",
    names: tuple[str, ...] = (f"{DAV}getetag",),
) -> str:
    """The body of a sync-collection report (RFC 6578 §6.1)."""
    nresults = "" if limit is None else f"<d:limit><d:nresults>{limit}</d:nresults></d:limit>"
    return (
        f'<d:sync-collection xmlns:d="DAV:"><d:sync-token>{token}</d:sync-token>'
        f"<d:sync-level>{level}</d:sync-level>{nresults}{prop(*names)}</d:sync-collection>"
    )


def multiget_body(hrefs: list[str], *, cards: bool = False) -> str:
    """The body of a calendar-multiget or addressbook-multiget that asks ETag and data."""
    namespace, report, data = (
        (CARDDAV, "addressbook-multiget", "address-data")
        if cards
        else (CALDAV, "calendar-multiget", "calendar-data")
    )
    listed = "".join(f"<d:href>{href}</d:href>" for href in hrefs)
    return (
        f'<c:{report} xmlns:c="{namespace[1:-1]}" xmlns:d="DAV:">'
        f"<d:prop><d:getetag/><c:{data}/></d:prop>{listed}</c:{report}>"
    )


def sync(
    wire: Wire, path: str, token: str = "", *, limit: int | None = None, level: str = "1"
) -> Multistatus:
    """One sync-collection report."""
    body = sync_body(token, limit=limit, level=level)
    return wire.request("REPORT", path, body, {"Depth": "0"}).multistatus()
