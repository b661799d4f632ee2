"""Drives an ASGI application without a socket: the same requests and answers as
`tests.wire.Connection`."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from copy import copy
from types import TracebackType
from typing import Any, Self
from urllib.parse import unquote

from tests.wire import Answer, Headers, basic

Message = MutableMapping[str, Any]
Application = Callable[
    [Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]],
    Awaitable[None],
]


class InProcess:
    """An application on an event loop of its own, started by its lifespan; use as a context."""

    def __init__(self, application: Application, login: tuple[str, str] | None = None) -> None:
        self.application = application
        self.authorization = None if login is None else basic(*login)
        self._runner = asyncio.Runner()
        self._to_lifespan: asyncio.Queue[Message] = asyncio.Queue()
        self._from_lifespan: asyncio.Queue[Message] = asyncio.Queue()
        self._lifespan: asyncio.Future[None] | None = None

    def __enter__(self) -> Self:
        self._runner.run(self._start())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._runner.run(self._stop())
        self._runner.close()

    async def _start(self) -> None:
        scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}
        self._lifespan = asyncio.ensure_future(
            self.application(scope, self._to_lifespan.get, self._from_lifespan.put)
        )
        await self._to_lifespan.put({"type": "lifespan.startup"})
        started = await self._from_lifespan.get()
        assert started["type"] == "lifespan.startup.complete", started

    async def _stop(self) -> None:
        assert self._lifespan is not None
        await self._to_lifespan.put({"type": "lifespan.shutdown"})
        await self._lifespan

    def with_login(self, login: tuple[str, str] | None) -> Self:
        """The same running application as somebody else; leave it to the first to stop it."""
        other = copy(self)
        other.authorization = None if login is None else basic(*login)
        return other

    def request(
        self, method: str, path: str, body: bytes | str = b"", headers: Headers | None = None
    ) -> Answer:
        """Send one request and collect the whole answer."""
        content = body.encode() if isinstance(body, str) else body
        sent = {"host": "test", **{name.lower(): text for name, text in (headers or {}).items()}}
        if self.authorization is not None:
            sent.setdefault("authorization", self.authorization)
        if content or method in {"PUT", "POST"}:
            sent["content-length"] = str(len(content))
        return self._runner.run(self._exchange(method, path, content, sent))

    async def _exchange(
        self, method: str, path: str, content: bytes, headers: dict[str, str]
    ) -> Answer:
        raw_path, _, query = path.partition("?")
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": unquote(raw_path),
            "raw_path": raw_path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(name.encode(), text.encode()) for name, text in headers.items()],
            "client": ("127.0.0.1", 50000),
            "server": ("127.0.0.1", 80),
            "state": {},
        }
        incoming = [
            {"type": "http.request", "body": content, "more_body": False},
        ]
        done = asyncio.Event()
        answer: list[Message] = []

        async def receive() -> Message:
            if incoming:
                return incoming.pop()
            await done.wait()
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            answer.append(message)

        await self.application(scope, receive, send)
        done.set()
        start = answer[0]
        assert start["type"] == "http.response.start"
        return Answer(
            start["status"],
            tuple((name.decode(), text.decode("latin-1")) for name, text in start["headers"]),
            b"".join(message.get("body", b"") for message in answer[1:]),
        )
