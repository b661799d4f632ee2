"""A `Send` over HTTP: one account's connections, its login bound to its origin, patience with
servers that are busy, and none with answers that do not end (RFC 9110, 9112, 9113)."""

import importlib.util
import random
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from ipaddress import ip_address
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import httpx2

from davenport.dav.message import Request, Response
from davenport.sync.answer import NotDavError, retry_after
from davenport.sync.credentials import Credentials, authenticator
from davenport.sync.href import HrefError, origin, resolve
from davenport.sync.pace import Pace
from davenport.sync.side import OutcomeUnknown, SideError

Origin = tuple[str, str, int | None]
# Whether credentials may go to the origin of this URL.
Permits = Callable[[str], bool]

READS = frozenset({"GET", "HEAD", "OPTIONS", "PROPFIND", "REPORT"})
_REDIRECTS = {301, 302, 303, 307, 308}
_BUSY = {429, 502, 503, 504}


class TransportError(SideError):
    """A request could not be sent, or not to its end; nothing was changed by it."""


class UnreachableError(TransportError):
    """No answer: no such host, nobody listening, a certificate that fails, a broken line."""


class CleartextError(TransportError):
    """The request would travel unencrypted over a network."""


class TooLargeError(TransportError):
    """The answer is larger, or takes longer, than an answer may."""


class RedirectError(NotDavError):
    """The server redirects to where this client does not follow."""

    def __init__(self, reason: str, target: str) -> None:
        super().__init__(f"{reason}: {target}")
        self.target = target


@dataclass(frozen=True, slots=True)
class TransportOptions:
    """Times in seconds, sizes in bytes.

    `tries` of a read in all; `longest_wait` is the longest Retry-After that is waited for;
    `concurrency` and `rate` (requests a second, None for as many as there are) are per host.
    `ca_file` holds the only authorities to trust, for a server with a certificate of its own.
    """

    connect_seconds: float = 15.0
    read_seconds: float = 60.0
    answer_seconds: float = 600.0
    answer_bytes: int = 256 * 1024 * 1024
    redirects: int = 5
    tries: int = 5
    longest_wait: float = 60.0
    concurrency: int = 3
    rate: float | None = None
    allow_cleartext: bool = False
    http2: bool = True
    ca_file: Path | None = None


_OPTIONS = TransportOptions()


def permits_nowhere(_url: str) -> bool:
    """Credentials stay at the origin they were given for."""
    return False


class Transport:
    """Sends the requests of one account; close it, or use it as a context. Safe to share between
    threads.

    `base` is the URL that paths are resolved against, and whose scheme, host and port get the
    credentials; `permits` is asked once for each other origin. `wire` stands in for the network.
    """

    def __init__(
        self,
        base: str,
        credentials: Credentials | None = None,
        permits: Permits = permits_nowhere,
        options: TransportOptions = _OPTIONS,
        wire: httpx2.BaseTransport | None = None,
    ) -> None:
        self._base = base
        self._home = origin(base)
        self._auth = None if credentials is None else authenticator(credentials)
        self._permits = permits
        self._permitted: dict[Origin, bool] = {}
        self._options = options
        self._pace = Pace(options.concurrency, options.rate)
        self._random = random.SystemRandom()
        self._closing = threading.Event()
        # A change goes by HTTP/1.1, alone on its connection: one that breaks under several requests
        # of HTTP/2 would leave each of them unknown. Reads are simply sent again.
        self._writing = self._client(wire, http2=False)
        multiplexed = options.http2 and importlib.util.find_spec("h2") is not None
        self._reading = self._client(wire, http2=True) if multiplexed else self._writing

    def _client(self, wire: httpx2.BaseTransport | None, *, http2: bool) -> httpx2.Client:
        options = self._options
        return httpx2.Client(
            headers={"user-agent": _user_agent()},
            http2=http2,
            timeout=httpx2.Timeout(options.read_seconds, connect=options.connect_seconds),
            limits=httpx2.Limits(max_connections=64, max_keepalive_connections=16),
            transport=wire,
            verify=_trust(options.ca_file),
        )

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
        """End the connections, and the waiting of other threads."""
        self._closing.set()
        self._writing.close()
        self._reading.close()

    def __call__(self, request: Request) -> Response:
        """Send a request; redirects are followed, reads are tried again.

        Raises UnreachableError, CleartextError, TooLargeError, RedirectError, and OutcomeUnknown
        for a write that was sent and not answered.
        """
        url = resolve(self._base, request.path)
        for _ in range(self._options.redirects + 1):
            response = self._patiently(request, url)
            target = response.headers.get("location")
            if response.status not in _REDIRECTS or not target or not self._options.redirects:
                return response
            url = self._redirected(request, response.status, url, target)
        raise RedirectError(f"more than {self._options.redirects} redirects, the last", url)

    def _redirected(self, request: Request, status: int, url: str, target: str) -> str:
        """Where a redirect leads, if it may be followed with the same method and body."""
        try:
            following = resolve(url, target).partition("#")[0]
            before, after = origin(url), origin(following)
        except HrefError:
            raise RedirectError("the server redirects to no URL", target) from None
        if after[0] not in {"http", "https"} or not after[1] or "@" in urlsplit(following).netloc:
            raise RedirectError("the server redirects to no web address", target)
        if before[0] == "https" and after[0] != "https":
            raise RedirectError("the server redirects to an unencrypted address", following)
        if request.method not in READS and after != before:
            raise RedirectError("the server redirects a change to another origin", following)
        if status == 303 and request.method not in {"GET", "HEAD"}:
            raise RedirectError("the server answers with another page", following)
        return following

    def _patiently(self, request: Request, url: str) -> Response:
        """Send a read until it is answered, within bounds; a write once."""
        tries = self._options.tries if request.method in READS else 1
        host = urlsplit(url).netloc
        for attempt in range(1, tries + 1):
            try:
                with self._pace.turn(host):
                    response = self._once(request, url)
            except UnreachableError:
                if attempt == tries:
                    raise
                self._sleep(self._backoff(attempt))
                continue
            wait = self._wait(response, attempt, host)
            if attempt == tries or wait is None:
                return response
            self._sleep(wait)
        raise AssertionError("the last attempt returns or raises")

    def _wait(self, response: Response, attempt: int, host: str) -> float | None:
        """How long to wait before another try; None where the answer stands."""
        if response.status == 500:
            # Some servers answer so to what they will never like: one more try only.
            return self._backoff(-2) if attempt == 1 else None
        if response.status not in _BUSY:
            return None
        now = time.time()
        until = retry_after(response.headers, now)
        if until is None:
            return self._backoff(attempt)
        wait = max(0.0, until - now)
        self._pace.hold(host, min(wait, self._options.longest_wait))
        return wait if wait <= self._options.longest_wait else None

    def _backoff(self, attempt: int) -> float:
        """Full jitter: anything up to a bound that doubles."""
        return self._random.uniform(0.0, min(self._options.longest_wait, 2.0**attempt))

    def _sleep(self, seconds: float) -> None:
        if self._closing.wait(seconds):
            raise TransportError("the connection was closed meanwhile")

    def _once(self, request: Request, url: str) -> Response:
        self._require_encryption(url)
        auth = self._auth if self._may_know(url) else None
        reading = request.method in READS
        client = self._reading if reading else self._writing
        try:
            sent = client.build_request(
                request.method, url, headers=dict(request.headers), content=request.body or None
            )
            answer = client.send(sent, stream=True, auth=auth, follow_redirects=False)
            try:
                body = self._read(answer)
            finally:
                answer.close()
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout) as error:
            raise UnreachableError(f"{_shown(url)} cannot be reached: {_reason(error)}") from error
        except (httpx2.InvalidURL, httpx2.UnsupportedProtocol) as error:
            raise TransportError(f"{_shown(url)} is no address: {error}") from error
        except httpx2.HTTPError as error:
            what = f"{request.method} {_shown(url)} was not answered: {_reason(error)}"
            if reading:
                raise UnreachableError(what) from error
            raise OutcomeUnknown(what) from error
        except TooLargeError as error:
            if reading:
                raise
            raise OutcomeUnknown(str(error)) from error
        headers = {name.lower(): value for name, value in answer.headers.items()}
        return Response(answer.status_code, headers, body)

    def _read(self, answer: httpx2.Response) -> bytes:
        """The body, unpacked; counted while it comes in, so that neither size nor time lie."""
        limit = self._options.answer_bytes
        deadline = time.monotonic() + self._options.answer_seconds
        pieces: list[bytes] = []
        total = 0
        for piece in answer.iter_bytes():
            total += len(piece)
            if total > limit:
                raise TooLargeError(f"the answer is larger than {limit} bytes")
            if time.monotonic() > deadline:
                raise TooLargeError("the answer does not come to its end")
            pieces.append(piece)
        return b"".join(pieces)

    def _may_know(self, url: str) -> bool:
        """Whether the credentials may go to this URL's origin."""
        place = origin(url)
        if place == self._home:
            return True
        if place[0] != "https" and self._home[0] == "https":
            return False
        if place not in self._permitted:
            self._permitted[place] = self._permits(url)
        return self._permitted[place]

    def _require_encryption(self, url: str) -> None:
        scheme, host, _ = origin(url)
        if scheme == "http" and not self._options.allow_cleartext and not is_loopback(host):
            raise CleartextError(
                f"http://{host} would carry everything unencrypted; use https, or allow it"
            )


def _trust(ca_file: Path | None) -> ssl.SSLContext | bool:
    if ca_file is None:
        return True
    try:
        return ssl.create_default_context(cafile=str(ca_file))
    except (OSError, ssl.SSLError) as error:
        raise TransportError(f"the authorities in {ca_file} cannot be read: {error}") from error


def is_loopback(host: str) -> bool:
    """Whether a host is this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _shown(url: str) -> str:
    """A URL for a message: without a query, which may hold a token."""
    return url.partition("?")[0]


def _reason(error: httpx2.HTTPError) -> str:
    return str(error) or type(error).__name__


def _user_agent() -> str:
    try:
        return f"davenport/{version('davenport')}"
    except PackageNotFoundError:
        return "davenport"
