"""The servers side by side: each started on loopback in a folder of its own, and seeded its
fastest way."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from dulwich.repo import Repo

from bench import data
from bench.wire import Wire

PROGRAMS = Path(sys.executable).parent
LOGIN = ("ann", "correct horse battery staple")
_PUTTERS = 4


@dataclass(frozen=True, slots=True)
class Peer:
    """A running server. `home` is where calendars are made; `fill` puts the first N objects into
    one."""

    name: str
    version: str
    port: int
    home: str
    login: tuple[str, str] | None
    fill: Callable[["Peer", str, int], None]
    process: subprocess.Popen[bytes]

    def connect(self) -> Wire:
        """A connection of its own."""
        return Wire(self.port, self.login)

    def calendar(self, size: int) -> str:
        """The path of the calendar with `size` objects."""
        return f"{self.home}bench{size}/"

    def seed(self, size: int) -> None:
        """Make the calendar and fill it."""
        wire = self.connect()
        path = self.calendar(size)
        answer = wire.request("MKCALENDAR", path)
        assert answer.status == 201, (self.name, answer)
        self.fill(self, path, size)
        wire.close()

    def resident(self) -> int:
        """Bytes of memory of the process and its children that are theirs alone or their share
        (PSS)."""
        return sum(_proportional(process) for process in _family(self.process.pid))


def free_port() -> int:
    """A loopback port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _family(process: int) -> list[int]:
    """A process and all below it."""
    family = [process]
    for task in Path(f"/proc/{process}/task").glob("*/children"):
        for child in task.read_text().split():
            family += _family(int(child))
    return family


def _proportional(process: int) -> int:
    """The proportional set size of one process, in bytes."""
    rollup = Path(f"/proc/{process}/smaps_rollup").read_text()
    line = next(line for line in rollup.splitlines() if line.startswith("Pss:"))
    return int(line.split()[1]) * 1024


def _start(
    command: list[str], folder: Path, port: int, **environment: str
) -> subprocess.Popen[bytes]:
    """Start a server and wait until it accepts connections."""
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=os.environ | {"HOME": str(folder), **environment},
        )
    for _ in range(600):
        if process.poll() is not None:
            break
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return process
    process.kill()
    raise RuntimeError(f"{command[0]} did not start:\n{(folder / 'log').read_text()}")


def davenport(folder: Path) -> Peer:
    """davenport with one worker and its defaults: SQLite, `synchronous=FULL`, argon2 passwords."""
    program, port = str(PROGRAMS / "davenport"), free_port()
    user, password = LOGIN
    base = [program, "--data", str(folder / "data")]
    subprocess.run(
        [*base, "user", "add", user, "--password-stdin"],
        input=f"{password}\n".encode(),
        check=True,
        capture_output=True,
    )
    command = [*base, "serve", "--listen", f"127.0.0.1:{port}", "--workers", "1"]
    process = _start(command, folder, port)
    home = f"/dav/calendars/{user}/"
    return Peer("davenport", version("davenport"), port, home, LOGIN, put_all, process)


def put_all(peer: Peer, path: str, size: int) -> None:
    """PUT every object, a few at a time."""

    def put(numbers: range) -> None:
        wire = peer.connect()
        for number in numbers:
            answer = wire.request("PUT", path + data.name(number), data.event(number))
            assert answer.status == 201, answer
        wire.close()

    with ThreadPoolExecutor(_PUTTERS) as pool:
        list(pool.map(put, (range(start, size, _PUTTERS) for start in range(_PUTTERS))))


def radicale(folder: Path) -> Peer:
    """Radicale on its own server with plain passwords and no delay after a wrong one."""
    port = free_port()
    (folder / "users").write_text(":".join(LOGIN))
    (folder / "config").write_text(
        f"[server]\nhosts = 127.0.0.1:{port}\nmax_connections = 40\n"
        f"[auth]\ntype = htpasswd\nhtpasswd_filename = {folder}/users\n"
        "htpasswd_encryption = plain\ndelay = 0\n"
        f"[storage]\nfilesystem_folder = {folder}/data\n[logging]\nlevel = warning\n"
    )
    process = _start([str(PROGRAMS / "radicale"), "--config", str(folder / "config")], folder, port)

    def write_files(_: Peer, path: str, size: int) -> None:
        collection = folder / "data" / "collection-root" / path.strip("/")
        for number in range(size):
            (collection / data.name(number)).write_bytes(data.event(number))

    return Peer("Radicale", version("radicale"), port, f"/{LOGIN[0]}/", LOGIN, write_files, process)


def xandikos(folder: Path) -> Peer:
    """Xandikos for one user, without passwords."""
    port = free_port()
    command = [
        *(str(PROGRAMS / "xandikos"), "serve", "-d", str(folder / "data"), "--defaults"),
        *("--current-user-principal", "/ann/", "--no-detect-systemd"),
        *("--listen-address", "127.0.0.1", "--port", str(port)),
    ]
    process = _start(command, folder, port)

    def commit_files(_: Peer, path: str, size: int) -> None:
        collection = folder / "data" / path.strip("/")
        for number in range(size):
            (collection / data.name(number)).write_bytes(data.event(number))
        worktree = Repo(str(collection)).get_worktree()
        worktree.stage([data.name(number) for number in range(size)])
        worktree.commit(message=b"seed", committer=b"bench <>", author=b"bench <>")

    return Peer(
        "Xandikos", version("xandikos"), port, "/ann/calendars/", None, commit_files, process
    )


START = {"davenport": davenport, "radicale": radicale, "xandikos": xandikos}


@contextmanager
def running(names: list[str], folder: Path) -> Iterator[list[Peer]]:
    """The named peers, ended with the block; `folder` is emptied first."""
    shutil.rmtree(folder, ignore_errors=True)
    peers: list[Peer] = []
    try:
        for name in names:
            (folder / name).mkdir(parents=True)
            peers.append(START[name](folder / name))
        yield peers
    finally:
        for peer in peers:
            peer.process.terminate()
        for peer in peers:
            try:
                peer.process.wait(20)
            except subprocess.TimeoutExpired:
                peer.process.kill()
                peer.process.wait()
