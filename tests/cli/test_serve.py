"""davenport serve: the first start, the address, the workers, and stopping in good order."""

import base64
import os
import re
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import pytest

from davenport.cli.serve import base_url
from davenport.server.config import Configuration
from tests.served import PROGRAM, free_port

READY_WITHIN = 30.0


class Running:
    """The program on a port, its output and its log in files."""

    def __init__(
        self, folder: Path, output: str, arguments: list[str], environment: dict[str, str]
    ) -> None:
        self.port = free_port()
        self.out, self.err = folder / f"{output}.out", folder / f"{output}.err"
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("DAVENPORT_", "XDG_"))}
        with self.out.open("wb") as out, self.err.open("wb") as err:
            self.process = subprocess.Popen(
                [
                    PROGRAM, "--data", str(folder / "data"), "serve",
                    "--listen", f"127.0.0.1:{self.port}", *arguments,
                ],
                stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                env=kept | {"HOME": str(folder), "LOGNAME": "Ann", **environment},
                start_new_session=True,
            )  # fmt: skip

    def request(self, path: str, login: str | None = None, timeout: float = 5.0) -> int:
        """The status of a PROPFIND Depth 0."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", method="PROPFIND")
        request.add_header("Depth", "0")
        if login:
            request.add_header(
                "Authorization", f"Basic {base64.b64encode(login.encode()).decode()}"
            )
        try:
            with urllib.request.urlopen(request, timeout=timeout) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            with error:
                return error.code

    def wait(self) -> None:
        deadline = time.monotonic() + READY_WITHIN
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.err.read_text()
            try:
                if self.request("/dav/") == 401:
                    return
            except OSError:
                time.sleep(0.05)
        raise AssertionError(f"not ready:\n{self.err.read_text()}")

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(20)


@contextmanager
def serving(folder: Path, output: str = "first", environment: dict[str, str] | None = None):
    running = Running(folder, output, ["--workers", "1"], environment or {})
    try:
        running.wait()
        yield running
    finally:
        if running.process.poll() is None:
            os.killpg(running.process.pid, signal.SIGKILL)
            running.process.wait()


def program(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [PROGRAM, "--data", str(folder / "data"), *arguments],
        capture_output=True, text=True, timeout=60, check=False, stdin=subprocess.DEVNULL,
        env=os.environ | {"HOME": str(folder)},
    )  # fmt: skip


def test_the_first_start_makes_an_account_and_shows_its_password_once(tmp_path):
    with serving(tmp_path) as running:
        output = running.out.read_text()
        password = re.search(r"password +(\S+)", output)[1]
        assert re.search(r"user name +ann\n", output)
        assert f"    http://127.0.0.1:{running.port}/\n" in output
        assert f"http://127.0.0.1:{running.port}/dav/calendars/ann/\n" in output
        assert f"http://127.0.0.1:{running.port}/dav/addressbooks/ann/\n" in output
        assert running.request("/dav/calendars/ann/tasks/", f"ann:{password}") == 207
        assert running.request("/dav/calendars/ann/tasks/", f"Ann:{password}x") == 401
        assert password not in running.err.read_text()
        # A second server on the same data, on another port: allowed, and no second account.
        with serving(tmp_path, output="second") as second:
            assert second.request("/dav/", f"ann:{password}") == 207
            assert "password" not in second.out.read_text()
        # A second one on the same port: told at once.
        refused = program(tmp_path, "serve", "--listen", f"127.0.0.1:{running.port}")
        assert refused.returncode == 1
        assert "Something listens on" in refused.stderr
        # Accounts made while it runs are there at once.
        added = program(tmp_path, "user", "add", "bob", "--json")
        bob = re.search(r'"password": "(\S+)"', added.stdout)[1]
        assert running.request("/dav/", f"bob:{bob}") == 207
        assert running.stop() == 0
    with serving(tmp_path) as running:
        assert "password" not in running.out.read_text()
        assert running.request("/dav/", f"ann:{password}") == 207
        assert running.stop() == 0
    assert "Traceback" not in running.err.read_text()


def test_a_request_in_flight_is_finished_after_sigterm(tmp_path):
    with serving(tmp_path) as running:
        password = re.search(r"password +(\S+)", running.out.read_text())[1]
        login = base64.b64encode(f"ann:{password}".encode()).decode()
        body = (
            b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:u\r\n"
            b"DTSTAMP:20260101T000000Z\r\nDTSTART:20260101T000000Z\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
        )
        with socket.create_connection(("127.0.0.1", running.port), timeout=20) as connection:
            head = (
                f"PUT /dav/calendars/ann/calendar/u.ics HTTP/1.1\r\nHost: x\r\n"
                f"Authorization: Basic {login}\r\nContent-Length: {len(body)}\r\n\r\n"
            )
            connection.sendall(head.encode() + body[:20])
            time.sleep(1.0)
            running.process.send_signal(signal.SIGTERM)
            time.sleep(0.5)
            connection.sendall(body[20:])
            assert connection.recv(4096).startswith(b"HTTP/1.1 201 ")
        assert running.process.wait(20) == 0


def test_a_worker_that_dies_is_replaced(tmp_path):
    with serving(tmp_path) as running:
        children = Path(f"/proc/{running.process.pid}/task/{running.process.pid}/children")
        if not children.exists():
            pytest.skip("this system does not list a process's children")
        for child in children.read_text().split():
            command = Path(f"/proc/{child}/cmdline").read_bytes()
            if b"spawn_main" in command:
                os.kill(int(child), signal.SIGKILL)
        deadline = time.monotonic() + READY_WITHIN
        while "Unexpected exit from worker-1" not in running.err.read_text():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        running.wait()
        assert running.stop() == 0


def test_workers_end_when_the_main_process_is_killed(tmp_path):
    with serving(tmp_path) as running:
        running.process.kill()
        running.process.wait()
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", running.port)) != 0:
                    return
            time.sleep(0.05)
        os.killpg(running.process.pid, signal.SIGKILL)
        raise AssertionError("a worker still listens")


def test_under_systemd_the_first_password_stays_out_of_the_journal(tmp_path):
    journal = tmp_path / "first.out"
    journal.touch()
    status = journal.stat()
    stream = f"{status.st_dev}:{status.st_ino}"
    with serving(tmp_path, environment={"JOURNAL_STREAM": stream}) as running:
        secret = tmp_path / "data" / "first-password"
        password = secret.read_text().strip()
        assert password not in running.out.read_text()
        assert str(secret) in running.out.read_text()
        assert secret.stat().st_mode & 0o777 == 0o600
        assert running.request("/dav/", f"ann:{password}") == 207


@pytest.mark.parametrize(
    "arguments, code, reason",
    [
        (("--listen", "192.0.2.1:5999"), 1, "This machine has no address 192.0.2.1"),
        (("--listen", "no.such.host.invalid:5999"), 1, "the host is not known"),
        (("--listen", "5232"), 2, "listen = '5232' (on the command line) is not allowed"),
        (("--workers", "many"), 2, "workers = 'many' (on the command line) is not allowed"),
    ],
)
def test_what_prevents_a_start_is_told(tmp_path, arguments, code, reason):
    result = program(tmp_path, "serve", *arguments)
    assert (result.returncode, reason in result.stderr) == (code, True), result.stderr
    assert "Traceback" not in result.stderr


def test_a_bad_htpasswd_file_prevents_the_start_naming_its_line(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "davenport.toml").write_text('htpasswd = "users"\n')
    (tmp_path / "data" / "users").write_text("ann:{SHA}xyz\n")
    result = program(tmp_path, "serve", "--listen", f"127.0.0.1:{free_port()}")
    assert result.returncode == 1
    assert "users, line 1: SHA-1 is not safe" in result.stderr


def test_a_data_folder_that_cannot_be_made_prevents_the_start(tmp_path):
    (tmp_path / "file").write_text("")
    data = tmp_path / "file" / "data"
    result = subprocess.run(
        [PROGRAM, "--data", str(data), "serve", "--listen", f"127.0.0.1:{free_port()}"],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert result.returncode == 1
    assert f"The data folder {data} cannot be written" in result.stderr


@pytest.mark.parametrize(
    "keys, expected",
    [
        ({}, "http://127.0.0.1:5232/"),
        ({"listen": "[::1]:80"}, "http://[::1]/"),
        ({"listen": "0.0.0.0:8080"}, f"http://{socket.gethostname()}:8080/"),
        ({"path_prefix": "/cal"}, "http://127.0.0.1:5232/cal/"),
        ({"public_url": "https://x.org/cal", "path_prefix": "/cal"}, "https://x.org/cal/"),
    ],
)
def test_the_url_for_clients_is_what_reaches_the_server(keys, expected):
    assert base_url(Configuration(**keys)) == expected
