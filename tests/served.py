"""Starts the real program on loopback for black-box tests: accounts, readiness, log, stop, kill,
restart."""

import os
import random
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.wire import Connection

PROGRAM = Path(sys.executable).with_name("davenport")
PASSWORD = "correct horse battery staple"
READY_WITHIN = 30.0  # seconds; a cold, busy machine included
STOPPED_WITHIN = 20.0


def free_port() -> int:
    """A loopback port nobody listens on now, from below the range that outgoing connections take.

    So it is still free when the program starts again after a kill.
    """
    while True:
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", random.randrange(20_000, 32_000)))
            except OSError:
                continue
            port: int = probe.getsockname()[1]
            return port


def clean_environment(data: Path, extra: Mapping[str, str]) -> dict[str, str]:
    """This process's environment without davenport's own settings, with a home inside `data`."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith("DAVENPORT_")}
    return kept | {"HOME": str(data), "PYTHONUNBUFFERED": "1", **extra}


class Served:
    """The program, its data folder and its log; it keeps its port over restarts."""

    def __init__(
        self, data: Path, *, workers: int = 1, environment: Mapping[str, str] | None = None
    ) -> None:
        data.mkdir(parents=True, exist_ok=True)
        self.data = data
        self.workers = workers
        self.environment = clean_environment(data, environment or {})
        self.port = free_port()
        self.log_path = data.parent / f"{data.name}.log"
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        return f"http://127.0.0.1:{self.port}"

    def command(self, *arguments: str, stdin: str = "") -> str:
        """Run `davenport --data DIR …` to its end and give its output; it must succeed."""
        done = subprocess.run(
            [PROGRAM, "--data", str(self.data), *arguments],
            input=stdin,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, f"davenport {arguments}: {done.stdout}\n{done.stderr}"
        return done.stdout

    def add_user(self, name: str, password: str = PASSWORD) -> None:
        """Add an account; its address is its name when that is one."""
        address = name if "@" in name else f"{name}@example.org"
        self.command(
            "user", "add", name, "--password-stdin", "--email", address, stdin=password + "\n"
        )

    def start(self) -> None:
        """Start the program and wait until `/readyz` answers 200."""
        assert self.process is None, "already running"
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(
                [
                    *(PROGRAM, "--data", str(self.data), "serve"),
                    *("--listen", f"127.0.0.1:{self.port}", "--workers", str(self.workers)),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self.environment,
                start_new_session=True,
            )
        self.wait_until_ready()

    def wait_until_ready(self) -> None:
        """Return when `/readyz` answers 200; fail when the program ends or takes too long."""
        assert self.process is not None
        deadline = time.monotonic() + READY_WITHIN
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise AssertionError(f"ended with {self.process.returncode}:\n{self.log()}")
            try:
                with urllib.request.urlopen(f"{self.origin}/readyz", timeout=2) as answer:
                    if answer.status == 200:
                        return
            except (urllib.error.URLError, OSError):
                time.sleep(0.05)
        raise AssertionError(f"not ready within {READY_WITHIN} s:\n{self.log()}")

    def stop(self) -> None:
        """Ask it to end (SIGTERM); it must end in time with exit code 0."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(STOPPED_WITHIN)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(
                f"still running {STOPPED_WITHIN} s after SIGTERM:\n{self.log()}"
            ) from None
        self.process = None
        assert code == 0, f"exit code {code} after SIGTERM:\n{self.log()}"

    def kill(self) -> None:
        """End the program and its workers at once (SIGKILL to the process group)."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.process = None

    def log(self) -> str:
        """All it has written so far, over all starts."""
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def connect(
        self, user: str | None = None, password: str = PASSWORD, timeout: float = 30.0
    ) -> Connection:
        """A connection; without a user it sends no login."""
        return Connection(self.origin, None if user is None else (user, password), timeout)


def assert_clean(log: str) -> None:
    """A log without a traceback."""
    found = log.find("Traceback (most recent call last)")
    assert found < 0, f"a traceback in the server's log:\n{log[max(0, found - 500) : found + 4000]}"


@contextmanager
def serve(
    data: Path,
    users: tuple[str, ...] = ("ann",),
    *,
    workers: int = 1,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Served]:
    """The program with these accounts (all with `PASSWORD`), stopped by SIGTERM at the end.

    A test that ends well fails still when the log shows a traceback or the stop was not clean.
    """
    served = Served(data, workers=workers, environment=environment)
    for user in users:
        served.add_user(user)
    served.start()
    try:
        yield served
    except BaseException:
        if served.process is not None:
            served.kill()
        raise
    if served.process is not None:
        served.stop()
    assert_clean(served.log())
