"""The ASGI shell, the only asynchronous module on the request path: bodies, login, where a
request runs, and the answer's bytes. Everything below it is synchronous."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import quote

import structlog
from starlette.applications import Starlette
from starlette.requests import Request as HttpRequest
from starlette.responses import PlainTextResponse
from starlette.responses import Response as HttpResponse
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from davenport.dav.message import Request, Response
from davenport.dav.precondition import StatusError
from davenport.server import page
from davenport.server.auth import Authenticator, Identity
from davenport.server.config import Configuration
from davenport.server.dispatch import Dispatcher, error_response
from davenport.server.features import VOCABULARY
from davenport.server.log import Access, client_address, configure_log, is_trusted, log_access
from davenport.storage.database import Store
from davenport.storage.error import Gone, StoreError
from davenport.storage.open import open_store

# Uploads up to this size are read although they will be refused, so that the refusal can name
# the precondition; larger ones are cut off with 413.
_HARD_LIMIT = 10 * 1024 * 1024
# A refused request's body up to this size is read, so that the connection can be used again.
_DRAIN = 65_536
_DRAIN_SECONDS = 5
_THREADS = 32
_WELL_KNOWN = ("/.well-known/caldav", "/.well-known/carddav")
_REQUEST_ERRORS = (StatusError, StoreError, Gone)

T = TypeVar("T")

_log = structlog.get_logger()


@dataclass(slots=True)
class _Exchange:
    """One request while it is answered: what the access log will say."""

    method: str
    path: str
    headers: Mapping[str, str]
    address: str
    started: float
    user: str | None = None
    status: int = 0
    size: int = 0
    reason: str | None = None
    reads_body: bool = False


class DavApplication:
    """Everything but the health checks, as an ASGI application."""

    def __init__(
        self, configuration: Configuration, store: Store, pool: ThreadPoolExecutor
    ) -> None:
        self._configuration = configuration
        self._store = store
        self._pool = pool
        self._dispatcher = Dispatcher(configuration, store)
        self.authenticator = Authenticator(store, configuration)
        self._hashing = ThreadPoolExecutor(
            configuration.hash_concurrency, thread_name_prefix="hashing"
        )
        limits = configuration.limits
        self._object_bytes = max(_HARD_LIMIT, limits.calendar_object, limits.address_object)
        context = f"{configuration.path_prefix}/dav/"
        self._redirect = Response(301, {"location": context, "cache-control": "max-age=3600"})
        self._start = {"/", f"{configuration.path_prefix}/"}
        self._well_known = {
            path for known in _WELL_KNOWN for path in (known, configuration.path_prefix + known)
        }

    def close(self) -> None:
        """Finish the logins that are being checked."""
        self._hashing.shutdown(wait=True)
        self.authenticator.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange = _exchange(scope, self._configuration)
        try:
            response = await self._answer(exchange, scope, receive)
            # A streamed answer that fails from the start can still be answered with its status.
            first = await self._first_chunk(exchange, response)
        except _REQUEST_ERRORS as error:
            exchange.reason = str(error)
            response = error_response(error)
            first = await self._first_chunk(exchange, response)
        except Exception:  # noqa: BLE001 - the edge: whatever it was, the client gets no traceback
            _log.error("request failed", path=exchange.path, exc_info=True)
            response = Response(500, {"content-type": "text/plain"}, b"internal error\n")
            first = await self._first_chunk(exchange, response)
        try:
            await _drain(exchange, receive)
            await self._send(exchange, response, first, receive, send)
        finally:
            _log_exchange(exchange)

    async def _answer(self, exchange: _Exchange, scope: Scope, receive: Receive) -> Response:
        limits = self._configuration.limits
        if len(exchange.path) + len(scope["query_string"]) > limits.uri:
            raise StatusError(414, f"the request's URI is longer than {limits.uri} bytes")
        if exchange.path.rstrip("/") in self._well_known:
            return self._redirect
        if exchange.path in self._start and exchange.method in {"GET", "HEAD"}:
            base = _origin(exchange, scope, self._configuration)
            return Response(200, page.HEADERS, page.start_page(base))
        if exchange.method == "OPTIONS":
            return Response(200, {"allow": self._dispatcher.options(exchange.path)})
        identity = await self._identify(exchange)
        exchange.user = identity.principal.name
        method = self._dispatcher.method(exchange.method, exchange.path)
        limit = limits.xml_body if method.takes_xml else self._object_bytes
        body = await _read_body(exchange, receive, limit, limits.body_idle_timeout)
        request = Request(exchange.method, exchange.path, exchange.headers, body)
        call = self._dispatcher.call(request, identity)
        return call.run() if call.light else await self._in_thread(call.run)

    async def _identify(self, exchange: _Exchange) -> Identity:
        authorization = exchange.headers.get("authorization")
        if self._store.local or not authorization:
            identity = self.authenticator.lookup(authorization)
        else:
            identity = await self._in_thread(lambda: self.authenticator.lookup(authorization))
        if identity is not None:
            return identity
        # Hashing has threads of its own: a flood of wrong passwords holds up no other request.
        return await asyncio.get_running_loop().run_in_executor(
            self._hashing, self.authenticator.verify, authorization, exchange.address
        )

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)

    async def _first_chunk(self, exchange: _Exchange, response: Response) -> bytes:
        body = response.body
        if exchange.method == "HEAD":
            return b""
        if isinstance(body, bytes):
            return body
        return await self._in_thread(lambda: next(body, b""))

    async def _send(
        self, exchange: _Exchange, response: Response, first: bytes, receive: Receive, send: Send
    ) -> None:
        body = response.body
        headers = {"dav": VOCABULARY.compliance, **response.headers}
        if isinstance(body, bytes) and response.status not in {204, 304}:
            headers.setdefault("content-length", str(len(body)))
        exchange.status = response.status
        await send(
            {
                "type": "http.response.start",
                "status": response.status,
                "headers": [
                    (name.encode("latin-1"), value.encode("latin-1"))
                    for name, value in headers.items()
                ],
            }
        )
        exchange.size = len(first)
        if exchange.method == "HEAD" or isinstance(body, bytes):
            await send({"type": "http.response.body", "body": first})
            return
        left = asyncio.ensure_future(_disconnected(receive))
        try:
            await self._stream(exchange, first, body, left, send)
        except TimeoutError:
            exchange.reason = "the client did not read the answer in time"
        except _REQUEST_ERRORS as error:
            exchange.reason = f"the answer was broken off: {error}"
        except Exception:  # noqa: BLE001 - as in __call__
            _log.error("request failed", path=exchange.path, exc_info=True)
        finally:
            left.cancel()

    async def _stream(
        self,
        exchange: _Exchange,
        first: bytes,
        rest: Iterator[bytes],
        left: asyncio.Future[None],
        send: Send,
    ) -> None:
        """Send chunk by chunk; the next one is made in a thread only when the last one is out.

        An answer that cannot be finished gets no last chunk, by which the client knows that it
        is not whole: the server ends the connection then.
        """
        chunk: bytes | None = first
        while chunk is not None:
            async with asyncio.timeout(self._configuration.limits.body_idle_timeout):
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
            if left.done():
                exchange.reason = "the client left before the answer was complete"
                return
            chunk = await self._in_thread(lambda: next(rest, None))
            exchange.size += len(chunk or b"")
        await send({"type": "http.response.body", "body": b""})


async def _disconnected(receive: Receive) -> None:
    """Wait until the client has left."""
    while (await receive())["type"] != "http.disconnect":
        continue


def _exchange(scope: Scope, configuration: Configuration) -> _Exchange:
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    raw_path = scope.get("raw_path")
    path = raw_path.decode("utf-8", "surrogateescape") if raw_path else quote(scope["path"])
    peer = scope["client"][0] if scope.get("client") else "-"
    address = client_address(peer, headers.get("x-forwarded-for"), configuration.trusted_proxies)
    return _Exchange(scope["method"], path.partition("?")[0], headers, address, time.perf_counter())


def _log_exchange(exchange: _Exchange) -> None:
    log_access(
        _log,
        Access(
            method=exchange.method,
            path=exchange.path,
            status=exchange.status,
            size=exchange.size,
            seconds=time.perf_counter() - exchange.started,
            user=exchange.user,
            address=exchange.address,
            agent=exchange.headers.get("user-agent", ""),
            request_id=f"{time.time_ns():x}",
            reason=exchange.reason,
        ),
    )


def _declared_length(exchange: _Exchange) -> int | None:
    """The Content-Length; 0 where there is no body, None for a chunked one."""
    value = exchange.headers.get("content-length")
    if value is not None:
        # Longer numbers than 18 digits are no lengths, and int() refuses the longest.
        return int(value) if value.isascii() and value.isdigit() and len(value) < 19 else None
    return None if "transfer-encoding" in exchange.headers else 0


async def _read_body(
    exchange: _Exchange, receive: Receive, limit: int, idle_timeout: float
) -> bytes:
    """Read a body; raises StatusError 413 as soon as it is over the limit, 408 when it stalls."""
    encoding = exchange.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in {"identity", ""}:
        raise StatusError(415, f"the content coding {encoding[:40]} is not accepted")
    length = _declared_length(exchange)
    if length == 0:
        return b""
    if length is not None and length > limit:
        raise _too_large(limit)
    exchange.reads_body = True
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(idle_timeout) as idle:
            while True:
                message: Message = await receive()
                if message["type"] == "http.disconnect":
                    raise StatusError(400, "the client left before the body was complete")
                parts.append(message.get("body", b""))
                size += len(parts[-1])
                if size > limit:
                    raise _too_large(limit)
                if not message.get("more_body"):
                    return b"".join(parts)
                idle.reschedule(asyncio.get_running_loop().time() + idle_timeout)
    except TimeoutError:
        raise StatusError(408, "the request's body did not arrive in time") from None


def _too_large(limit: int) -> StatusError:
    return StatusError(413, f"the request's body is larger than {limit} bytes")


async def _drain(exchange: _Exchange, receive: Receive) -> None:
    """Read a small body that nobody asked for, so that the connection can be used again.

    A client that waits for leave to send its body (RFC 9110 §10.1.1) is not given it.
    """
    length = _declared_length(exchange)
    if exchange.reads_body or length == 0 or "expect" in exchange.headers:
        return
    size = 0
    try:
        async with asyncio.timeout(_DRAIN_SECONDS):
            while (length or size) <= _DRAIN:
                message = await receive()
                size += len(message.get("body", b""))
                if not message.get("more_body"):
                    return
    except TimeoutError:
        return


def create_app(configuration: Configuration, store: Store) -> Starlette:
    """The server as an ASGI application over an open store, which it closes when it stops."""
    pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="request")
    dav = DavApplication(configuration, store, pool)

    async def healthz(_: HttpRequest) -> HttpResponse:
        return PlainTextResponse("ok\n")

    async def readyz(_: HttpRequest) -> HttpResponse:
        try:
            await asyncio.get_running_loop().run_in_executor(pool, store.ready)
        except StoreError as error:
            _log.error("not ready", reason=str(error))
            return PlainTextResponse("the store does not answer\n", 503)
        return PlainTextResponse("ready\n")

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        pool.shutdown(wait=True)
        dav.close()
        store.close()

    app = Starlette(
        routes=[Route("/healthz", healthz), Route("/readyz", readyz)], lifespan=lifespan
    )
    # Everything else is resolved from the raw path: a route's pattern sees a decoded one.
    app.router.redirect_slashes = False
    app.router.default = dav
    return app


def _origin(exchange: _Exchange, scope: Scope, configuration: Configuration) -> str:
    """The base URL to show: the configured one, else as the browser came."""
    if configuration.public_url:
        return configuration.public_url
    host = exchange.headers.get("host", configuration.listen)
    peer = scope["client"][0] if scope.get("client") else "-"
    scheme = scope.get("scheme", "http")
    if is_trusted(peer, configuration.trusted_proxies):
        scheme = exchange.headers.get("x-forwarded-proto", scheme)
    return f"{'https' if scheme == 'https' else 'http'}://{host}{configuration.path_prefix}"


def create_worker_app() -> Starlette:
    """The application of one worker process, configured by the environment `serve` made."""
    configuration = Configuration.from_environment()
    configure_log(configuration)
    return create_app(configuration, open_store(configuration.store_location))
