"""Endpoints for the tests of the sync client: davenport and Radicale in this process, Xandikos as a
program, a folder, and a scripted server."""

import base64
import io
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import radicale.app
import radicale.config

from davenport.dav.message import Request, Response
from davenport.sync.flow import Send
from davenport.sync.remote import Home, RemoteSide
from davenport.sync.side import Side
from davenport.sync.transport import Transport
from davenport.sync.vdir import VdirSide
from tests.accounts import Stage, stage
from tests.served import free_port

PROGRAMS = Path(sys.executable).parent
READY_WITHIN = 30.0


def stage_send(running: Stage) -> Send:
    """Requests to davenport in this process."""

    def send(request: Request) -> Response:
        answer = running.alice.request(request.method, request.path, request.body, request.headers)
        return Response(answer.status, dict(answer.headers), answer.body)

    return send


@contextmanager
def davenport_side(folder: Path) -> Iterator[Side]:
    """An account on davenport."""
    with stage(folder) as running:
        homes = [
            Home("calendar", "/dav/calendars/alice/"),
            Home("addressbook", "/dav/addressbooks/alice/"),
        ]
        yield RemoteSide(stage_send(running), homes, "/dav/principals/alice/")


def radicale_application(folder: Path) -> Any:
    """Radicale over a new folder, for anybody."""
    configuration = radicale.config.load()
    configuration.update(
        {
            "storage": {"filesystem_folder": str(folder)},
            "auth": {"type": "none", "delay": "0"},
            "server": {"delay_on_error": "0"},
            "rights": {"type": "authenticated"},
            "logging": {"level": "critical"},
        },
        "test",
        privileged=True,
    )
    return radicale.app.Application(configuration)


def wsgi_send(application: Any) -> Send:
    """Requests to a WSGI application as alice."""
    login = "Basic " + base64.b64encode(b"alice:x").decode()

    def send(request: Request) -> Response:
        started: list[tuple[str, list[tuple[str, str]]]] = []
        environ = {
            "REQUEST_METHOD": request.method,
            "PATH_INFO": unquote(request.path),
            "SCRIPT_NAME": "",
            "QUERY_STRING": "",
            "HTTP_AUTHORIZATION": login,
            "CONTENT_LENGTH": str(len(request.body)),
            "CONTENT_TYPE": request.headers.get("content-type", ""),
            "wsgi.input": io.BytesIO(request.body),
            "wsgi.errors": io.StringIO(),
            "wsgi.url_scheme": "http",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "80",
            "REMOTE_ADDR": "127.0.0.1",
        }
        for name, value in request.headers.items():
            if name not in {"content-type", "content-length"}:
                environ["HTTP_" + name.upper().replace("-", "_")] = value
        answer = application(environ, lambda line, headers: started.append((line, headers)))
        body = b"".join(answer)
        line, headers = started[0]
        return Response(int(line.split()[0]), {k.lower(): v for k, v in headers}, body)

    return send


@contextmanager
def radicale_side(folder: Path) -> Iterator[Side]:
    """An account on Radicale."""
    send = wsgi_send(radicale_application(folder))
    send(Request("PROPFIND", "/", {"depth": "0"}))
    homes = [Home("calendar", "/alice/"), Home("addressbook", "/alice/")]
    yield RemoteSide(send, homes, "/alice/")


@contextmanager
def program(command: list[str], log: Path, origin: str) -> Iterator[str]:
    """A server's program, ready when it answers at `origin`; ended with the context."""
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
    try:
        deadline = time.monotonic() + READY_WITHIN
        while not _answers(origin):
            ended = process.poll()
            assert ended is None, f"{command[0]} ended with {ended}: {log.read_text()}"
            assert time.monotonic() < deadline, f"{command[0]} is not ready: {log.read_text()}"
            time.sleep(0.1)
        yield origin
    finally:
        process.terminate()
        process.wait(10)


def _answers(origin: str) -> bool:
    try:
        urllib.request.urlopen(origin, timeout=5).close()
    except urllib.error.HTTPError as error:
        error.close()
        return True
    except OSError:
        return False
    return True


@contextmanager
def xandikos(folder: Path) -> Iterator[str]:
    """Xandikos with the principal /ann/, and its origin."""
    port = free_port()
    command = [
        *(str(PROGRAMS / "xandikos"), "serve", "-d", str(folder / "data"), "--defaults"),
        *("--current-user-principal", "/ann/", "--no-detect-systemd"),
        *("--listen-address", "127.0.0.1", "--port", str(port)),
    ]
    folder.mkdir(parents=True, exist_ok=True)
    with program(command, folder / "log", f"http://127.0.0.1:{port}/") as origin:
        yield origin


@contextmanager
def radicale_served(folder: Path, *lines: str) -> Iterator[str]:
    """Radicale with the login ann:secret, and its origin."""
    port = free_port()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "users").write_text("ann:secret")
    (folder / "config").write_text(
        f"[server]\nhosts = 127.0.0.1:{port}\n"
        f"[auth]\ntype = htpasswd\nhtpasswd_filename = {folder}/users\n"
        "htpasswd_encryption = plain\ndelay = 0\n"
        f"[storage]\nfilesystem_folder = {folder}/data\n[logging]\nlevel = warning\n"
    )
    command = [str(PROGRAMS / "radicale"), "--config", str(folder / "config")]
    with program(command, folder / "log", f"http://127.0.0.1:{port}/") as origin:
        yield origin


@dataclass
class Scripted:
    """A server that answers by a function and remembers what it was asked."""

    answer: Callable[[Request], Response]
    asked: list[Request] = field(default_factory=list)

    def __call__(self, request: Request) -> Response:
        self.asked.append(request)
        return self.answer(request)

    def methods(self) -> list[str]:
        """The methods asked for, in order."""
        return [request.method for request in self.asked]


_ROOT = '<D:multistatus xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav">'


def multistatus(*parts: str, token: str = "") -> Response:
    """A 207 with these response elements."""
    end = f"<D:sync-token>{token}</D:sync-token>" if token else ""
    body = f"{_ROOT}{''.join(parts)}{end}</D:multistatus>"
    return Response(207, {"content-type": "application/xml"}, body.encode())


def status(href: str, line: str) -> str:
    """A response element with a status for the whole resource, such as `404 Not Found`."""
    line = f"<D:status>HTTP/1.1 {line}</D:status>"
    return f"<D:response><D:href>{href}</D:href>{line}</D:response>"


def found(href: str, properties: str) -> str:
    """A response element with properties that were found."""
    return (
        f"<D:response><D:href>{href}</D:href><D:propstat><D:prop>{properties}</D:prop>"
        "<D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response>"
    )


def etag(value: str) -> str:
    """A getetag element."""
    return f"<D:getetag>&quot;{value}&quot;</D:getetag>"


def calendar_properties(token: str = "t1", ctag: str = "c1") -> str:
    """What a calendar with sync-collection shows of itself."""
    return (
        "<D:resourcetype><D:collection/><C:calendar/></D:resourcetype>"
        "<D:supported-report-set><D:supported-report><D:report><D:sync-collection/></D:report>"
        f"</D:supported-report></D:supported-report-set><D:sync-token>{token}</D:sync-token>"
        f'<G:getctag xmlns:G="http://calendarserver.org/ns/">{ctag}</G:getctag>'
    )


@contextmanager
def xandikos_side(folder: Path) -> Iterator[Side]:
    """An account on Xandikos."""
    with xandikos(folder) as origin:
        homes = [Home("calendar", "/ann/calendars/"), Home("addressbook", "/ann/contacts/")]
        with Transport(origin) as send:
            yield RemoteSide(send, homes, f"{origin}ann/")


@contextmanager
def vdir_side(folder: Path) -> Iterator[Side]:
    """A folder of folders."""
    folder.mkdir(parents=True)
    yield VdirSide(folder)
