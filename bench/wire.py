"""A lean HTTP/1.1 client: one socket, one write a request, no parsing beyond the head."""

import base64
import select
import socket
import time
from dataclasses import dataclass

_BLOCK = 1 << 18


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, head (lower-case, without the status line) and body; seconds from write to last
    byte."""

    status: int
    head: bytes
    body: bytes
    seconds: float


class Wire:
    """One connection with a login; it connects again when the server closed it (inside the
    time)."""

    def __init__(self, port: int, login: tuple[str, str] | None, timeout: float = 600.0) -> None:
        self.port = port
        self.timeout = timeout
        self._socket: socket.socket | None = None
        self._fixed = f"Host: 127.0.0.1:{port}\r\n".encode()
        if login is not None:
            token = base64.b64encode(":".join(login).encode())
            self._fixed += b"Authorization: Basic " + token + b"\r\n"

    def close(self) -> None:
        """Close the socket."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def request(
        self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> Answer:
        """Send one request and read the whole answer. Raises OSError."""
        named = "".join(f"{name}: {text}\r\n" for name, text in (headers or {}).items())
        message = (
            f"{method} {path} HTTP/1.1\r\n".encode()
            + self._fixed
            + named.encode()
            + f"Content-Length: {len(body)}\r\n\r\n".encode()
            + body
        )
        if self._socket is not None and select.select([self._socket], [], [], 0)[0]:
            self.close()  # nothing is expected yet, so this is the end: the server does not wait
        started = time.perf_counter()
        if self._socket is None:
            self._socket = socket.create_connection(("127.0.0.1", self.port), self.timeout)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.sendall(message)
        status, head, content, keep = self._read(method)
        seconds = time.perf_counter() - started
        if not keep:
            self.close()
        return Answer(status, head, content, seconds)

    def _read(self, method: str) -> tuple[int, bytes, bytes, bool]:
        received = self._receive()
        while b"\r\n\r\n" not in received:
            received += self._receive()
        top, _, rest = received.partition(b"\r\n\r\n")
        status_line, _, fields = top.partition(b"\r\n")
        head = b"\r\n" + fields.lower() + b"\r\n"
        status = int(status_line.split(b" ", 2)[1])
        keep = status_line.startswith(b"HTTP/1.1") and b"\r\nconnection: close" not in head
        if method == "HEAD" or status in {204, 304}:
            return status, head, b"", keep
        length = field(head, b"content-length")
        if length is not None:
            return status, head, self._exactly(rest, int(length)), keep
        if b"\r\ntransfer-encoding: chunked" in head:
            return status, head, self._chunks(rest), keep
        parts = [rest]
        while block := self._connected().recv(_BLOCK):
            parts.append(block)
        return status, head, b"".join(parts), False

    def _exactly(self, start: bytes, length: int) -> bytes:
        parts, missing = [start], length - len(start)
        while missing > 0:
            parts.append(self._receive())
            missing -= len(parts[-1])
        return b"".join(parts)

    def _chunks(self, received: bytes) -> bytes:
        parts: list[bytes] = []
        buffer = bytearray(received)
        while True:
            while (end := buffer.find(b"\r\n")) < 0:
                buffer += self._receive()
            size = int(bytes(buffer[:end]).split(b";")[0], 16)
            while len(buffer) < end + 2 + size + 2:
                buffer += self._receive()
            if size == 0:
                return b"".join(parts)
            parts.append(bytes(buffer[end + 2 : end + 2 + size]))
            del buffer[: end + 2 + size + 2]

    def _receive(self) -> bytes:
        block = self._connected().recv(_BLOCK)
        if not block:
            self.close()
            raise ConnectionError("the server closed the connection inside an answer")
        return block

    def _connected(self) -> socket.socket:
        assert self._socket is not None
        return self._socket


def field(head: bytes, name: bytes) -> bytes | None:
    """The value of a header in a lower-case head."""
    start = head.find(b"\r\n" + name + b":")
    if start < 0:
        return None
    start += len(name) + 3
    return head[start : head.index(b"\r\n", start)].strip()
