"""The transport against a scripted network, and with a real server for what only one can show."""

import gzip
import threading
import time
from collections.abc import Callable
from email.utils import formatdate
from pathlib import Path

import httpx2
import pytest

from davenport.dav.message import Request
from davenport.sync.answer import NotDavError
from davenport.sync.credentials import Basic, Bearer, Digest, Password, Secret
from davenport.sync.side import OutcomeUnknown
from davenport.sync.transport import (
    CleartextError,
    RedirectError,
    TooLargeError,
    Transport,
    TransportOptions,
    UnreachableError,
)
from tests.sync.sides import radicale_served

SECRET = "canary-5f2d"
LOGIN = Basic("ann", Secret(SECRET))
QUICK = TransportOptions(longest_wait=0.02)
BASE = "https://dav.example/ann/"
Answer = Callable[[httpx2.Request], httpx2.Response]


class Network:
    """Answers by a function; remembers every request."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.asked: list[httpx2.Request] = []
        self.wire = httpx2.MockTransport(self._handle)

    def _handle(self, request: httpx2.Request) -> httpx2.Response:
        self.asked.append(request)
        return self.answer(request)

    def told(self) -> list[str]:
        """The hosts that were sent the login, with their ports where given."""
        return [str(r.url).split("/")[2] for r in self.asked if "authorization" in r.headers]


def answers(*responses: httpx2.Response | Exception) -> Answer:
    left = list(responses)

    def answer(_request: httpx2.Request) -> httpx2.Response:
        following = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(following, Exception):
            raise following
        return following

    return answer


def redirect(target: str, status: int = 301) -> Answer:
    def answer(request: httpx2.Request) -> httpx2.Response:
        if "/ann/" in str(request.url) and str(request.url).startswith(BASE):
            return httpx2.Response(status, headers={"location": target})
        return httpx2.Response(207, content=b"there")

    return answer


def ask(network: Network, method: str = "PROPFIND", options: TransportOptions = QUICK, **more):
    with Transport(BASE, LOGIN, options=options, wire=network.wire, **more) as send:
        return send(Request(method, "/ann/x", {"depth": "0"}, b"<x/>"))


ELSEWHERE = {
    "another host": "https://evil.example/ann/",
    "a host beneath": "https://sub.dav.example/",
    "a host above": "https://example/",
    "a host that begins alike": "https://dav.example.evil.example/",
    "another port": "https://dav.example:8443/",
    "no scheme": "//evil.example/x",
    "an address": "https://192.0.2.1/",
}
REFUSED = {
    "unencrypted": "http://dav.example/ann/",
    "unencrypted elsewhere": "http://evil.example/",
    "a file": "file:///etc/passwd",
    "a login": "https://ann:x@dav.example/",
    "a login elsewhere": "https://dav.example@evil.example/",
    "no URL": "https://[",
    "itself": BASE + "x",
}


@pytest.mark.parametrize("target", ELSEWHERE.values(), ids=ELSEWHERE.keys())
@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_takes_no_login_along(target: str, status: int) -> None:
    network = Network(redirect(target, status))
    assert ask(network).status == 207
    assert network.told() == ["dav.example"]
    assert [r.method for r in network.asked] == ["PROPFIND", "PROPFIND"]


@pytest.mark.parametrize("target", REFUSED.values(), ids=REFUSED.keys())
def test_a_redirect_is_not_followed_to(target: str) -> None:
    network = Network(redirect(target))
    with pytest.raises(RedirectError):
        ask(network)
    assert set(network.told()) == {"dav.example"}
    assert {r.url.host for r in network.asked} == {"dav.example"}


def test_a_redirect_within_the_origin_keeps_the_login_the_method_and_the_body() -> None:
    network = Network(redirect("https://dav.example:443/elsewhere"))
    assert ask(network).status == 207
    assert len(network.told()) == 2
    assert network.asked[1].content == b"<x/>"
    assert network.asked[1].headers["depth"] == "0"


def test_an_origin_that_is_permitted_gets_the_login() -> None:
    network = Network(redirect("https://p1.example/"))
    asked: list[str] = []

    def permits(url: str) -> bool:
        asked.append(url)
        return True

    assert ask(network, permits=permits).status == 207
    assert network.told() == ["dav.example", "p1.example"]
    assert asked == ["https://p1.example/"]


def test_a_write_is_not_redirected_elsewhere() -> None:
    network = Network(redirect("https://evil.example/"))
    with pytest.raises(RedirectError):
        ask(network, "PUT")
    assert len(network.asked) == 1


def test_an_absolute_href_on_another_host_gets_no_login() -> None:
    network = Network(answers(httpx2.Response(200)))
    with Transport(BASE, LOGIN, wire=network.wire) as send:
        send(Request("GET", "https://evil.example/x", {}))
    assert network.told() == []


def test_nothing_travels_unencrypted_unasked() -> None:
    network = Network(answers(httpx2.Response(200)))
    with (
        Transport("http://dav.example/", LOGIN, wire=network.wire) as send,
        pytest.raises(CleartextError),
    ):
        send(Request("GET", "/x", {}))
    assert network.asked == []
    allowed = TransportOptions(allow_cleartext=True)
    with Transport("http://dav.example/", LOGIN, options=allowed, wire=network.wire) as send:
        assert send(Request("GET", "/x", {})).status == 200


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "127.9.9.9:8080"])
def test_this_machine_may_be_spoken_to_openly(host: str) -> None:
    network = Network(answers(httpx2.Response(200)))
    with Transport(f"http://{host}/", LOGIN, wire=network.wire) as send:
        assert send(Request("GET", "/x", {})).status == 200
    assert len(network.told()) == 1


BUSY = [
    httpx2.Response(429),
    httpx2.Response(503, headers={"retry-after": "0"}),
    httpx2.Response(503, headers={"retry-after": formatdate(0, usegmt=True)}),
    httpx2.ConnectError("refused"),
    httpx2.ReadTimeout("slow"),
    httpx2.RemoteProtocolError("cut off"),
]


@pytest.mark.parametrize("trouble", BUSY, ids=lambda t: type(t).__name__)
@pytest.mark.parametrize("method", ["GET", "PROPFIND", "REPORT", "OPTIONS"])
def test_a_read_is_tried_again(method: str, trouble: httpx2.Response | Exception) -> None:
    network = Network(answers(trouble, trouble, httpx2.Response(207)))
    assert ask(network, method).status == 207
    assert len(network.asked) == 3


def test_a_read_is_not_tried_for_ever() -> None:
    network = Network(answers(httpx2.ConnectError("refused")))
    with pytest.raises(UnreachableError):
        ask(network)
    assert len(network.asked) == 5


def test_a_long_wait_is_the_callers_to_wait() -> None:
    network = Network(answers(httpx2.Response(429, headers={"retry-after": "3600"})))
    assert ask(network).status == 429
    assert len(network.asked) == 1


@pytest.mark.parametrize("method", ["PUT", "DELETE", "MKCALENDAR", "MKCOL", "PROPPATCH", "POST"])
@pytest.mark.parametrize(
    "trouble", [httpx2.ReadTimeout("slow"), httpx2.ReadError("reset"), httpx2.WriteError("x")]
)
def test_a_write_without_an_answer_is_never_sent_twice(method: str, trouble: Exception) -> None:
    network = Network(answers(trouble, httpx2.Response(201)))
    with pytest.raises(OutcomeUnknown):
        ask(network, method)
    assert len(network.asked) == 1


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_write_that_was_answered_is_never_sent_twice(status: int) -> None:
    network = Network(answers(httpx2.Response(status), httpx2.Response(201)))
    assert ask(network, "PUT").status == status
    assert len(network.asked) == 1


def test_a_write_that_was_never_sent_is_known_not_to_have_happened() -> None:
    network = Network(answers(httpx2.ConnectError("refused")))
    with pytest.raises(UnreachableError):
        ask(network, "PUT")


def test_an_answer_has_a_size() -> None:
    small = TransportOptions(answer_bytes=1000)
    network = Network(answers(httpx2.Response(207, content=b"x" * 1001)))
    with pytest.raises(TooLargeError):
        ask(network, options=small)
    assert ask(Network(answers(httpx2.Response(207, content=b"x" * 1000))), options=small)


def test_a_packed_answer_is_counted_unpacked() -> None:
    bomb = httpx2.Response(
        207, content=gzip.compress(b"x" * 10_000_000), headers={"content-encoding": "gzip"}
    )
    with pytest.raises(TooLargeError):
        ask(Network(answers(bomb)), options=TransportOptions(answer_bytes=1_000_000))


def challenge(*offers: str) -> Answer:
    def answer(request: httpx2.Request) -> httpx2.Response:
        scheme = request.headers.get("authorization", "").partition(" ")[0].lower()
        if any(offer.lower().startswith(scheme or "-") for offer in offers):
            return httpx2.Response(207)
        return httpx2.Response(401, headers=[("www-authenticate", offer) for offer in offers])

    return answer


DIGEST = 'Digest realm="x", nonce="abc", qop="auth", algorithm=SHA-256'


@pytest.mark.parametrize(
    "credentials, offers, requests",
    [
        (Password("ann", Secret(SECRET)), ("Basic realm=x",), 1),
        (Password("ann", Secret(SECRET)), (DIGEST,), 3),
        (Digest("ann", Secret(SECRET)), (DIGEST,), 2),
        (Bearer(Secret(SECRET)), ("Bearer",), 1),
    ],
    ids=["basic", "digest by asking", "digest", "bearer"],
)
def test_a_login_is_taken(credentials, offers: tuple[str, ...], requests: int) -> None:
    network = Network(challenge(*offers))
    with Transport(BASE, credentials, wire=network.wire) as send:
        assert send(Request("PROPFIND", "/", {})).status == 207
        assert len(network.asked) == requests
        assert send(Request("PROPFIND", "/", {})).status == 207
        assert len(network.asked) == requests + 1


def test_a_refused_login_is_the_answer() -> None:
    network = Network(answers(httpx2.Response(401)))
    assert ask(network).status == 401
    assert len(network.asked) == 1


def test_no_message_holds_the_secret() -> None:
    network = Network(answers(httpx2.ConnectError("refused")))
    with pytest.raises(UnreachableError) as caught:
        ask(network)
    assert SECRET not in f"{caught.value!r} {LOGIN!r} {caught.value.__cause__!r}"


def test_a_page_instead_of_a_redirect() -> None:
    with pytest.raises(NotDavError):
        ask(Network(redirect("https://dav.example/login", 303)))


def test_a_host_is_asked_by_few_at_once_and_not_too_often() -> None:
    busy, most, lock = 0, 0, threading.Lock()

    def answer(_request: httpx2.Request) -> httpx2.Response:
        nonlocal busy, most
        with lock:
            busy += 1
            most = max(most, busy)
        time.sleep(0.01)
        with lock:
            busy -= 1
        return httpx2.Response(200)

    options = TransportOptions(concurrency=2, rate=100.0)
    with Transport(BASE, options=options, wire=httpx2.MockTransport(answer)) as send:
        started = time.monotonic()
        threads = [
            threading.Thread(target=lambda: send(Request("GET", "/x", {}))) for _ in range(12)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert most == 2
    assert time.monotonic() - started >= 0.11


def test_a_real_server_is_spoken_to(tmp_path: Path) -> None:
    with radicale_served(tmp_path / "radicale") as origin:
        with Transport(origin, Password("ann", Secret("secret"))) as send:
            assert send(Request("MKCALENDAR", "/ann/work/", {})).status == 201
            assert send(Request("PROPFIND", "/ann/", {"depth": "1"})).status == 207
        with Transport(origin, Password("ann", Secret("wrong"))) as send:
            assert send(Request("PROPFIND", "/ann/", {"depth": "1"})).status == 401
    with Transport(origin, options=QUICK) as send, pytest.raises(UnreachableError):
        send(Request("PROPFIND", "/ann/", {"depth": "1"}))
