"""Secrets and where they come from; logins for Basic (RFC 7617), Digest (RFC 7616) and Bearer
(RFC 6750). No secret is ever shown by repr, logged or put on a command line."""

import importlib
import os
import shlex
import stat
import subprocess
import threading
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from pathlib import Path

import httpx2

Ask = Callable[[str], str]

_COMMAND_SECONDS = 120
_LONGEST = 64 * 1024


class SecretError(Exception):
    """A secret cannot be had; the message says why and never what it is."""


class Secret:
    """A text that is shown nowhere; `reveal` gives it."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself."""
        return self._text

    def __repr__(self) -> str:
        return "Secret(…)"

    def __reduce__(self) -> str:
        raise TypeError("a secret is not to be serialised")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)


@dataclass(frozen=True, slots=True)
class Prompt:
    """Ask the person."""


@dataclass(frozen=True, slots=True)
class Environment:
    """The variable `name`."""

    name: str


@dataclass(frozen=True, slots=True)
class SecretFile:
    """The first line of a file that only its owner can read."""

    path: Path


@dataclass(frozen=True, slots=True)
class Command:
    """The first line that a program writes; it is started without a shell."""

    arguments: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Keyring:
    """The system's keyring, by the package `keyring` where that is installed."""

    service: str
    user: str


Source = Prompt | Environment | SecretFile | Command | Keyring


def parse_source(text: str) -> Source:
    """A source from its written form: `prompt`, `env:NAME`, `file:PATH`, `command:PROGRAM …`,
    `keyring:SERVICE/USER`. Raises SecretError; anything else, such as a password, is refused and
    not repeated in the message."""
    kind, colon, rest = text.partition(":")
    match kind:
        case "prompt" if not colon:
            return Prompt()
        case "env" if rest:
            return Environment(rest)
        case "file" if rest:
            return SecretFile(Path(rest).expanduser())
        case "command" if rest.strip():
            try:
                return Command(tuple(shlex.split(rest)))
            except ValueError as error:
                raise SecretError(f"the command cannot be read: {error}") from None
        case "keyring" if "/" in rest:
            service, _, user = rest.rpartition("/")
            return Keyring(service, user)
    raise SecretError(
        "a secret is given by where it is: prompt, env:NAME, file:PATH, command:PROGRAM …"
        " or keyring:SERVICE/USER"
    )


def read_secret(source: Source, ask: Ask, purpose: str = "Password") -> Secret:
    """The secret of a source; `ask` puts a question to the person and gives the answer without
    showing it. Raises SecretError."""
    match source:
        case Prompt():
            return _secret(ask(purpose), "nothing was entered")
        case Environment(name):
            return _secret(os.environ.get(name, ""), f"the variable {name} is not set")
        case SecretFile(path):
            return _secret(_read_file(path), f"the file {path} begins with an empty line")
        case Command(arguments):
            return _secret(_run(arguments), f"the command {arguments[0]} wrote nothing")
        case Keyring(service, user):
            reason = f"the keyring holds nothing for {user} at {service}"
            return _secret(_from_keyring(service, user), reason)


def _secret(text: str, reason: str) -> Secret:
    line = text.partition("\n")[0].rstrip("\r")
    if not line:
        raise SecretError(reason)
    return Secret(line)


def _read_file(path: Path) -> str:
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            if stat.S_ISREG(mode) and mode & 0o077:
                raise SecretError(f"others can read the file {path}: chmod 600 {path}")
            return file.read(_LONGEST).decode()
    except OSError as error:
        raise SecretError(f"the file {path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise SecretError(f"the file {path} is not UTF-8") from None


def _run(arguments: tuple[str, ...]) -> str:
    program = arguments[0]
    try:
        # The person's own configuration names it; its standard error stays theirs to read.
        done = subprocess.run(  # noqa: S603
            arguments,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            timeout=_COMMAND_SECONDS,
            check=False,
        )
        if done.returncode != 0:
            raise SecretError(f"the command {program} ended with {done.returncode}")
        return done.stdout.decode()
    except (OSError, subprocess.TimeoutExpired) as error:
        reason = error.strerror if isinstance(error, OSError) else "it did not end"
        raise SecretError(f"the command {program} failed: {reason}") from None
    except UnicodeDecodeError:
        raise SecretError(f"the command {program} wrote no UTF-8") from None


def _from_keyring(service: str, user: str) -> str:
    try:
        keyring = importlib.import_module("keyring")
    except ImportError:
        raise SecretError("the package keyring is not installed") from None
    found = keyring.get_password(service, user)
    return found if isinstance(found, str) else ""


@dataclass(frozen=True, slots=True)
class Password:
    """A user's password, sent as Basic until the server asks for Digest."""

    user: str
    password: Secret


@dataclass(frozen=True, slots=True)
class Basic:
    """A user's password, never sent but as Basic."""

    user: str
    password: Secret


@dataclass(frozen=True, slots=True)
class Digest:
    """A user's password, never sent but as Digest."""

    user: str
    password: Secret


@dataclass(frozen=True, slots=True)
class Bearer:
    """A token that somebody else keeps fresh."""

    token: Secret


Credentials = Password | Basic | Digest | Bearer


def authenticator(credentials: Credentials) -> httpx2.Auth:
    """What signs requests; one for each account, as Digest counts."""
    match credentials:
        case Basic(user, password):
            return httpx2.BasicAuth(user, password.reveal())
        case Digest(user, password):
            return httpx2.DigestAuth(user, password.reveal())
        case Password(user, password):
            return _AnyAuth(user, password)
        case Bearer(token):
            return _BearerAuth(token)


class _BearerAuth(httpx2.Auth):
    def __init__(self, token: Secret) -> None:
        self._token = token

    def auth_flow(
        self, request: httpx2.Request
    ) -> Generator[httpx2.Request, httpx2.Response, None]:
        request.headers["authorization"] = f"Bearer {self._token.reveal()}"
        yield request


@dataclass(slots=True)
class _Chosen:
    """Whether the server asked for Digest."""

    digest: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)


class _AnyAuth(httpx2.Auth):
    """Basic at once, since servers that let everybody in would else never ask who it is; Digest
    where the server wants that."""

    def __init__(self, user: str, password: Secret) -> None:
        self._basic = httpx2.BasicAuth(user, password.reveal())
        self._digest = httpx2.DigestAuth(user, password.reveal())
        self._chosen = _Chosen()

    def auth_flow(
        self, request: httpx2.Request
    ) -> Generator[httpx2.Request, httpx2.Response, None]:
        if not self._chosen.digest:
            flow = self._basic.auth_flow(request)
            response = yield next(flow)
            challenges = response.headers.get_list("www-authenticate")
            offered = any(text.lower().lstrip().startswith("digest") for text in challenges)
            if response.status_code != 401 or not offered:
                return
            with self._chosen.lock:
                self._chosen.digest = True
            del request.headers["authorization"]
        yield from self._digest.auth_flow(request)
