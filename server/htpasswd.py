"""An htpasswd file as a source of existing users: bcrypt and argon2, read again when it changes."""

import threading
import time
from collections.abc import Mapping
from pathlib import Path

import structlog

from davenport.server.accounts import canonical_name
from davenport.server.password import is_supported_hash

_CHECK_INTERVAL = 0.5
# A file written this short ago may be written again without its time stamp moving.
_SETTLED_NANOSECONDS = 2_000_000_000
_MAX_BYTES = 16 * 1024 * 1024
_WEAK_KINDS = {
    "$apr1$": "MD5",
    "$1$": "MD5",
    "$5$": "SHA-256 crypt",
    "$6$": "SHA-512 crypt",
    "{SHA}": "SHA-1",
    "{SSHA}": "SHA-1",
}

Stamp = tuple[int, int, int]
_UNSETTLED: Stamp = (-1, -1, -1)


class HtpasswdError(Exception):
    """The file cannot be read; the message names the file, the line and what to do."""


def read_htpasswd(path: Path) -> dict[str, str]:
    """Canonical user names and their hashes; raises HtpasswdError for the first line at fault."""
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise HtpasswdError(f"{path} cannot be read: {error.strerror}") from None
    if len(content) > _MAX_BYTES:
        raise HtpasswdError(f"{path} is larger than {_MAX_BYTES} bytes")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise HtpasswdError(f"{path} is not UTF-8 text") from None
    entries: dict[str, str] = {}
    for number, line in enumerate(text.split("\n"), start=1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        try:
            name, stored = _read_line(stripped)
        except ValueError as error:
            raise HtpasswdError(f"{path}, line {number}: {error}") from None
        if name in entries:
            raise HtpasswdError(f"{path}, line {number}: the user {name} is there twice")
        entries[name] = stored
    return entries


def _read_line(line: str) -> tuple[str, str]:
    given, colon, rest = line.partition(":")
    if not colon:
        raise ValueError("it is not USER:HASH")
    name = canonical_name(given)
    stored = rest.partition(":")[0]
    if not is_supported_hash(stored):
        weak = [kind for start, kind in _WEAK_KINDS.items() if stored.startswith(start)]
        what = f"{weak[0]} is not safe" if weak else "it is neither a bcrypt nor an argon2 hash"
        raise ValueError(f"{what}; set the password of {name} anew with htpasswd -B")
    return name, stored


class Htpasswd:
    """The file's present content, looked at not more than twice a second.

    When a later version of it cannot be read, the last good one stays in force and the fault is
    logged: answering 401 for it would make clients throw their passwords away.
    """

    def __init__(self, path: Path) -> None:
        """Read the file; raises HtpasswdError."""
        self._path = path
        self._lock = threading.Lock()
        self._stamp = _settled(self._take_stamp())
        self._entries: Mapping[str, str] = read_htpasswd(path)
        self._looked = time.monotonic()
        self._log = structlog.get_logger()

    def entries(self) -> Mapping[str, str]:
        """Canonical names and hashes. Costs a stat call at times, seldom a read of the file."""
        if time.monotonic() - self._looked >= _CHECK_INTERVAL and self._lock.acquire(
            blocking=False
        ):
            try:
                self._look()
            finally:
                self._lock.release()
        return self._entries

    def _look(self) -> None:
        self._looked = time.monotonic()
        stamp = self._take_stamp()
        if stamp == self._stamp:
            return
        try:
            self._entries = read_htpasswd(self._path)
        except HtpasswdError as error:
            self._log.error("htpasswd file not read, the last good one stays", reason=str(error))
        self._stamp = _settled(stamp)

    def _take_stamp(self) -> Stamp | None:
        try:
            status = self._path.stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_size, status.st_ino


def _settled(stamp: Stamp | None) -> Stamp | None:
    """The stamp to remember: none that a write of this moment could leave as it is."""
    if stamp is not None and time.time_ns() - stamp[0] < _SETTLED_NANOSECONDS:
        return _UNSETTLED
    return stamp
