"""davenport user and app-password: accounts on a real store, as people and programs use them."""

import json
import re
import time
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from davenport.cli.main import davenport
from davenport.server.auth import Authenticator
from davenport.server.config import Configuration
from davenport.server.password import app_password_hash, read_app_password, verify_password
from davenport.storage import app_passwords, principals
from davenport.storage.open import open_store


@pytest.fixture
def data(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("DAVENPORT_DATA", "DAVENPORT_STORE", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "data"


@pytest.fixture
def run(data):
    def run_program(*arguments: str, stdin: str | None = None) -> Result:
        return CliRunner().invoke(davenport, ["--data", str(data), *arguments], input=stdin)

    return run_program


@pytest.fixture
def ok(run):
    def run_well(*arguments: str, stdin: str | None = None) -> str:
        result = run(*arguments, stdin=stdin)
        assert (result.exit_code, result.stderr) == (0, ""), result.output
        return result.stdout

    return run_well


def row(data: Path, name: str):
    store = open_store(data / "davenport.sqlite3")
    try:
        with store.read() as tx:
            return principals.by_name(tx, name)
    finally:
        store.close()


def app_rows(data: Path, name: str):
    store = open_store(data / "davenport.sqlite3")
    try:
        with store.read() as tx:
            return app_passwords.of_principal(tx, principals.by_name(tx, name).id)
    finally:
        store.close()


def shown_password(output: str) -> str:
    return re.search(r"shown only now: (\S+)", output)[1]


def test_a_user_is_added_with_the_password_from_standard_input(ok, data):
    output = ok(
        "user", "add", "Ann", "--password-stdin", "--email", "a@x.org", "--display-name", "Ann B.",
        stdin="s3cret word\n",
    )  # fmt: skip
    assert output == "Added ann.\n"
    ann = row(data, "ann")
    assert (ann.display_name, ann.email) == ("Ann B.", "a@x.org")
    assert ann.password_hash.startswith("$argon2id$")
    assert verify_password(ann.password_hash, "s3cret word")


def test_without_a_terminal_a_password_is_generated_and_shown_once(ok, data):
    password = shown_password(ok("user", "add", "ann"))
    assert verify_password(row(data, "ann").password_hash, password)
    assert password not in ok("user", "list")


def test_a_program_gets_the_generated_password_as_json(ok, data):
    answer = json.loads(ok("user", "add", "ann", "--json"))
    assert answer.keys() == {"name", "password"}
    assert verify_password(row(data, "ann").password_hash, answer["password"])


def test_the_data_folder_is_for_its_owner_only(ok, data):
    ok("user", "add", "ann")
    assert data.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "arguments, stdin, code, reason",
    [
        (("user", "add", "a/b"), None, 2, "a user name has letters"),
        (("user", "add", "ann", "--email", "nobody"), None, 2, "not a mail address"),
        (("user", "add", "ann", "--password-stdin"), "", 1, "cannot be empty"),
        (("user", "add", "ann", "--password-stdin"), "a\0b\n", 1, "no control characters"),
        (("user", "add", "BOB"), None, 1, "There is a user bob already."),
        (("user", "passwd", "nobody"), None, 1, "There is no user nobody"),
        (("user", "passwd", "a/b"), None, 1, "is no user"),
        (("user", "remove", "bob"), "n\n", 1, "Aborted"),
        (("app-password", "add", "bob"), None, 2, "Missing option '--label'"),
        (("app-password", "add", "bob", "--label", "\n"), None, 2, "a label has"),
        (("app-password", "add", "bob", "--label", "x", "--expires", "0"), None, 2, "1 to 36500"),
        (("app-password", "add", "bob", "--label", "x", "--expires", "x"), None, 2, "neither"),
        (
            ("app-password", "add", "bob", "--label", "x", "--expires", "2001-01-01"),
            None,
            2,
            "is over",
        ),
        (("app-password", "revoke", "bob", "phone"), None, 1, "has no app password phone"),
        (("nonsense",), None, 2, "No such command"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_told_in_a_sentence(run, ok, data, arguments, stdin, code, reason):
    ok("user", "add", "bob", "--password-stdin", stdin="x\n")
    result = run(*arguments, stdin=stdin)
    assert result.exit_code == code, result.output
    assert reason in result.stderr
    assert "Traceback" not in result.output
    assert row(data, "bob") is not None
    assert row(data, "ann") is None


def test_a_mistyped_folder_does_not_make_an_empty_store(run, data):
    result = run("user", "list")
    assert (result.exit_code, data.exists()) == (1, False)
    assert f"There is no davenport data in {data}" in result.stderr


def test_a_folder_that_cannot_be_written_is_told(run, data):
    data.write_text("a file")
    result = run("user", "add", "ann")
    assert result.exit_code == 2
    assert "is a file" in result.stderr


def test_users_are_listed_for_people_and_programs(ok):
    ok("user", "add", "ann", "--email", "a@x.org")
    ok("user", "add", "bob")
    ok("user", "disable", "bob")
    assert re.search(r"^ann  +ann  +a@x\.org  +enabled ", ok("user", "list"), re.MULTILINE)
    listed = json.loads(ok("user", "list", "--json"))
    assert [(u["name"], u["email"], u["disabled"]) for u in listed] == [
        ("ann", "a@x.org", False),
        ("bob", None, True),
    ]
    assert "argon2" not in ok("user", "list", "--json")


def test_a_mail_address_is_set_and_removed_later(ok, run, data):
    ok("user", "add", "ann")
    assert ok("user", "email", "Ann", "a@x.org") == "The mail address of ann is a@x.org.\n"
    assert row(data, "ann").email == "a@x.org"
    assert run("user", "email", "ann", "no address").exit_code == 2
    assert ok("user", "email", "ann") == "ann has no mail address now.\n"
    assert row(data, "ann").email is None


def test_changes_hold_at_once_in_a_running_server(ok, data):
    ok("user", "add", "ann", "--password-stdin", stdin="one\n")
    store = open_store(data / "davenport.sqlite3")
    authenticator = Authenticator(store, Configuration(data=data))
    header = "Basic YW5uOm9uZQ=="  # ann:one
    try:
        for command in ("disable", "enable"):
            authenticator.verify(header, "::1")
            assert authenticator.lookup(header) is not None
            ok("user", command, "Ann")
            assert authenticator.lookup(header) is None
            if command == "disable":
                ok("user", "enable", "ann")
        ok("user", "passwd", "ann", "--password-stdin", stdin="two\n")
        assert authenticator.lookup(header) is None
        assert verify_password(row(data, "ann").password_hash, "two")
    finally:
        authenticator.close()
        store.close()


def test_a_removed_user_is_gone(ok, run, data):
    ok("user", "add", "ann")
    result = run("user", "remove", "ann", stdin="y\n")
    assert "Delete ann and 0 events, tasks and contacts for good?" in result.output
    assert (result.exit_code, row(data, "ann")) == (0, None)
    ok("user", "add", "ann")
    ok("user", "remove", "ann", "--yes")
    assert row(data, "ann") is None


def test_passwd_warns_when_the_htpasswd_file_counts(ok, run, data, tmp_path):
    ok("user", "add", "ann")
    users = tmp_path / "users"
    users.write_text("ann:" + row(data, "ann").password_hash + "\n")
    (data / "davenport.toml").write_text(f'htpasswd = "{users}"\n')
    result = run("user", "passwd", "ann", "--password-stdin", stdin="x\n")
    assert result.exit_code == 0
    assert "the password there is what counts" in result.stderr


def test_an_app_password_is_shown_once_and_stored_as_a_hash(ok, data):
    ok("user", "add", "ann")
    text = shown_password(ok("app-password", "add", "ann", "--label", "phone"))
    (stored,) = app_rows(data, "ann")
    assert (stored.label, stored.read_only, stored.expires) == ("phone", False, None)
    assert verify_password(app_password_hash(stored.secret_hash), read_app_password(text))
    assert text not in ok("app-password", "list") + ok("app-password", "list", "--json")


def test_an_app_password_may_expire_and_be_read_only(ok, data):
    ok("user", "add", "ann")
    ok("app-password", "add", "ann", "--label", "a", "--expires", "30", "--read-only")
    tomorrow = datetime.now().astimezone().date() + timedelta(days=1)
    answer = json.loads(
        ok("app-password", "add", "ann", "--label", "b", "--expires", str(tomorrow), "--json")
    )
    first, second = app_rows(data, "ann")
    assert first.read_only
    assert abs(first.expires - (time.time() + 30 * 86_400)) < 60
    end = datetime.combine(tomorrow + timedelta(days=1), datetime.min.time()).astimezone()
    assert second.expires == int(end.timestamp()), "valid through that day"
    assert (answer["user"], answer["label"], answer["read_only"]) == ("ann", "b", False)
    assert answer["password"]


def test_app_passwords_are_listed_and_revoked_by_label_or_number(ok, run):
    ok("user", "add", "ann")
    ok("user", "add", "bob")
    for label in ("phone", "tablet"):
        ok("app-password", "add", "ann", "--label", label)
    ok("app-password", "add", "bob", "--label", "phone")
    again = run("app-password", "add", "ann", "--label", "phone")
    assert (again.exit_code, "revoke it first" in again.stderr) == (1, True)
    listed = json.loads(ok("app-password", "list", "--json"))
    assert [(p["user"], p["label"], p["last_used"]) for p in listed] == [
        ("ann", "phone", None),
        ("ann", "tablet", None),
        ("bob", "phone", None),
    ]
    ok("app-password", "revoke", "ann", "phone")
    ok("app-password", "revoke", "ann", str(listed[1]["id"]))
    assert run("app-password", "revoke", "ann", str(listed[2]["id"])).exit_code == 1, "is bob's"
    assert "phone" in ok("app-password", "list", "bob")
    assert json.loads(ok("app-password", "list", "ann", "--json")) == []
