"""Kept connections on the served program: an answer that needs no body leaves none behind."""

import socket
import time
from collections.abc import Iterator

import pytest

from tests.served import PASSWORD, Served, serve
from tests.wire import basic

BODY = b'<propfind xmlns="DAV:"><prop><displayname/></prop></propfind>'


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serve(tmp_path_factory.mktemp("connections") / "data", ("ann",), workers=1) as running:
        yield running


def _answer(stream: socket.socket) -> tuple[int, bytes]:
    """The status and body of the next answer, which says its length."""
    received = b""
    while b"\r\n\r\n" not in received:
        part = stream.recv(65_536)
        assert part, f"the connection ended after {received!r}"
        received += part
    head, _, body = received.partition(b"\r\n\r\n")
    headers = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
    while len(body) < int(headers.get(b"content-length", b"0")):
        body += stream.recv(65_536)
    return int(head.split()[1]), body


UNREAD = {
    "a redirect": ("PROPFIND", "/.well-known/caldav", 301),
    "OPTIONS": ("OPTIONS", "/dav/", 200),
    "the page": ("GET", "/", 200),
    "no login": ("PROPFIND", "/dav/", 401),
    "a path that is none": ("PROPFIND", "/dav/%00/", 401),
    "too long": ("PROPFIND", "/" + "x" * 5_000, 414),
}


@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
@pytest.mark.parametrize("case", UNREAD.values(), ids=UNREAD.keys())
def test_a_body_that_nobody_reads_is_not_taken_for_the_next_request(
    case: tuple[str, str, int], chunked: bool, served: Served
) -> None:
    method, path, status = case
    framing = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {len(BODY)}"
    head = f"{method} {path} HTTP/1.1\r\nHost: x\r\n{framing}\r\n\r\n".encode()
    body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY) if chunked else BODY
    login = basic("ann", PASSWORD)
    following = f"OPTIONS /dav/ HTTP/1.1\r\nHost: x\r\nAuthorization: {login}\r\n\r\n".encode()
    with socket.create_connection(("127.0.0.1", served.port), 10) as stream:
        for _ in range(5):
            stream.sendall(head)
            time.sleep(0.01)  # the body comes in a packet of its own, as real clients send it
            stream.sendall(body)
            assert _answer(stream)[0] == status
            stream.sendall(following)
            assert _answer(stream)[0] == 200
