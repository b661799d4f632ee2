"""The program itself: help, errors, configuration, and the small commands."""

import json
import os
import pty
import subprocess
import tomllib
from importlib.metadata import version

import click
import pytest
from click.testing import CliRunner

from davenport.cli.main import davenport
from davenport.server.config_layers import load
from davenport.server.password import verify_password
from davenport.storage import principals
from davenport.storage.open import open_store
from tests.served import PROGRAM


def commands(group: click.Group = davenport, path: tuple[str, ...] = ()):
    """Every command and group with its words."""
    yield path
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name)


def run(*arguments: str, env: dict[str, str] | None = None):
    return CliRunner(env=env).invoke(davenport, list(arguments))


@pytest.mark.parametrize("path", list(commands()), ids=" ".join)
def test_every_help_has_an_example(path):
    result = run(*path, "--help")
    assert result.exit_code == 0
    assert "Example" in result.stdout
    example = " ".join(("davenport", *path[:1]))
    assert example.split()[-1] in result.stdout.partition("Example")[2]


def test_the_help_documents_the_exit_codes():
    assert "Exit codes: 0 done; 1 not done" in run("--help").stdout


def test_the_version_is_the_packages():
    assert run("--version").stdout == f"davenport {version('davenport')}\n"


def test_the_printed_configuration_is_the_effective_one_and_can_be_read_back(tmp_path):
    env = {"DAVENPORT_WORKERS": "3", "DAVENPORT_TRUSTED_PROXIES": "10.0.0.0/8"}
    result = run("--data", str(tmp_path / "d"), "config", env=env)
    assert result.exit_code == 0
    assert tomllib.loads(result.stdout)["workers"] == 3
    (tmp_path / "printed.toml").write_text(result.stdout)
    read_back = load({}, tmp_path / "printed.toml", {})
    assert read_back == load({"data": tmp_path / "d"}, None, env)
    as_json = json.loads(run("--data", str(tmp_path / "d"), "config", "--json", env=env).stdout)
    assert as_json == read_back.masked()


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_passwords_are_masked(tmp_path, form):
    env = {"DAVENPORT_STORE": "postgresql://me:hunter2@host/dav"}
    result = run("--data", str(tmp_path), "config", *form, env=env)
    assert "postgresql://me:***@host/dav" in result.stdout
    assert "hunter2" not in result.output


def test_a_wrong_configuration_is_told_by_its_key_with_exit_code_2(tmp_path):
    (tmp_path / "mine.toml").write_text("workres = 2\n")
    result = run("--config", str(tmp_path / "mine.toml"), "config")
    assert result.exit_code == 2
    assert "workres" in result.stderr
    assert "workers" in result.stderr


@pytest.mark.parametrize("debug", [False, True])
def test_a_traceback_is_shown_only_when_asked_for(tmp_path, debug):
    (tmp_path / "davenport.sqlite3").write_bytes(b"no database at all, and long enough" * 100)
    result = run(*(["--debug"] if debug else []), "--data", str(tmp_path), "user", "list")
    assert result.exit_code == 1
    if debug:
        assert result.exception is not None
        assert not isinstance(result.exception, SystemExit)
    else:
        assert result.stderr.startswith("Error: ")
        assert result.stderr.count("\n") == 1


def test_renewing_the_epoch_changes_it(tmp_path):
    def epoch() -> str:
        store = open_store(tmp_path / "davenport.sqlite3")
        try:
            return store.epoch
        finally:
            store.close()

    before = epoch()
    result = run("--data", str(tmp_path), "store", "renew-epoch")
    assert result.exit_code == 0
    assert epoch() != before


def test_the_installed_program_runs_and_a_closed_pipe_is_no_error(tmp_path):
    environment = os.environ | {"HOME": str(tmp_path)}
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as closed:
        done = subprocess.run(
            [PROGRAM, "--help"], stdout=closed, stderr=subprocess.PIPE, env=environment, check=False
        )
    assert (done.returncode, done.stderr) == (1, b"")


@pytest.mark.parametrize(
    "typed, code, output",
    [
        (["s3cret", "s3cret"], 0, b"Added ann."),
        ([""], 0, b"The password, shown only now: "),
        (["s3cret", "other"], 1, b"The two passwords differ"),
    ],
    ids=["twice", "empty", "different"],
)
def test_on_a_terminal_the_password_is_asked_for_and_not_echoed(tmp_path, typed, code, output):
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [PROGRAM, "--data", str(tmp_path), "user", "add", "ann"],
        stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
        env=os.environ | {"HOME": str(tmp_path)},
    )  # fmt: skip
    os.close(theirs)
    shown = b""

    def read_until(text: bytes) -> None:
        nonlocal shown
        while text not in shown:
            shown += os.read(ours, 1024)

    try:
        for question, answer in zip((b"generate one): ", b"again: "), typed, strict=False):
            read_until(question)
            os.write(ours, answer.encode() + b"\n")
        read_until(output)
        assert process.wait(20) == code
    finally:
        process.kill()
        os.close(ours)
    assert b"s3cret" not in shown
    if code == 0:
        stored = open_store(tmp_path / "davenport.sqlite3")
        with stored.read() as tx:
            password_hash = principals.by_name(tx, "ann").password_hash
        stored.close()
        assert verify_password(password_hash, "s3cret") is (typed[0] != "")
