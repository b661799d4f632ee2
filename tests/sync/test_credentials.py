"""Where secrets come from, and that they stay secret."""

import pickle
import sys
from pathlib import Path

import pytest

from davenport.sync.credentials import (
    Basic,
    Bearer,
    Command,
    Digest,
    Environment,
    Keyring,
    Password,
    Prompt,
    Secret,
    SecretError,
    SecretFile,
    Source,
    parse_source,
    read_secret,
)

CANARY = "canary-77f1"


def never(_question: str) -> str:
    raise AssertionError("nobody is to be asked")


WRITTEN = {
    "prompt": Prompt(),
    "env:DAV_PASSWORD": Environment("DAV_PASSWORD"),
    "file:/run/secret": SecretFile(Path("/run/secret")),
    "command:pass show 'my dav'": Command(("pass", "show", "my dav")),
    "keyring:dav/shelf/ann@example.org": Keyring("dav/shelf", "ann@example.org"),
}


@pytest.mark.parametrize("text, source", WRITTEN.items(), ids=WRITTEN.keys())
def test_a_source_is_read(text: str, source: Source) -> None:
    assert parse_source(text) == source


@pytest.mark.parametrize("text", [CANARY, f"env{CANARY}", "env:", "prompt:x", f"pass:{CANARY}", ""])
def test_what_is_no_source_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(SecretError) as caught:
        parse_source(text)
    assert CANARY not in str(caught.value)


def test_every_source_gives_its_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "secret"
    file.write_text(f"{CANARY}\nuser: ann\n")
    file.chmod(0o600)
    monkeypatch.setenv("DAV_SECRET", CANARY)
    command = Command((sys.executable, "-c", f"print('{CANARY}'); print('more')"))
    for source in (Environment("DAV_SECRET"), SecretFile(file), command):
        assert read_secret(source, never).reveal() == CANARY
    assert read_secret(Prompt(), lambda question: CANARY).reveal() == CANARY


def test_what_cannot_be_had_is_said(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.write_text(CANARY)
    shared.chmod(0o644)
    failing = Command((sys.executable, "-c", f"print('{CANARY}'); raise SystemExit(3)"))
    for source, words in [
        (SecretFile(shared), "chmod 600"),
        (SecretFile(tmp_path / "none"), "cannot be read"),
        (failing, "ended with 3"),
        (Command(("/nowhere/program",)), "failed"),
        (Environment("DAVENPORT_TEST_UNSET"), "not set"),
    ]:
        with pytest.raises(SecretError, match=words) as caught:
            read_secret(source, never)
        assert CANARY not in str(caught.value)


def test_a_secret_is_shown_nowhere() -> None:
    secret = Secret(CANARY)
    shown = [secret, Basic("a", secret), Digest("a", secret), Password("a", secret), Bearer(secret)]
    assert CANARY not in f"{shown} {secret} {secret!r:>40} {[str(one) for one in shown]}"
    with pytest.raises(TypeError):
        pickle.dumps(secret)
