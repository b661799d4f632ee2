"""HTTP Basic authentication (RFC 7617) against the store's accounts and an htpasswd file.

A verification is cached and re-validated on each request by one point read of the account, so
that a change of password, a revocation or a disabling holds in every worker at once.
"""

import base64
import binascii
import hmac
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from typing import Generic, TypeVar
from urllib.parse import unquote

import structlog

from davenport.dav.precondition import StatusError
from davenport.server.accounts import UserNameError, canonical_name, create_account
from davenport.server.config import Configuration
from davenport.server.htpasswd import Htpasswd
from davenport.server.password import (
    HASHER,
    app_password_hash,
    app_password_selector,
    read_app_password,
    verify_password,
)
from davenport.storage import app_passwords, principals
from davenport.storage.database import Store, Transaction
from davenport.storage.error import NameConflict, StoreError
from davenport.storage.model import AppPassword, Principal

T = TypeVar("T")

_VERIFIED_ENTRIES = 10_000
_REFUSED_ENTRIES = 2_000
_MAX_HEADER_LENGTH = 8 * 1024
_MAX_HASH_WAIT = 10.0
_TOUCH_INTERVAL = 60


@dataclass(frozen=True, slots=True)
class Identity:
    """Who asks. `device` is the label of the app password used, None for the main password."""

    principal: Principal
    read_only: bool
    device: str | None


@dataclass(frozen=True, slots=True)
class _Account:
    """What a login names: an account, an entry of the htpasswd file, or both."""

    name: str
    principal: Principal | None
    file_hash: str | None

    @property
    def state(self) -> tuple[int, int, str | None]:
        """What a verification depends on: as long as it stands, so does the outcome."""
        if self.principal is None:
            return 0, 0, self.file_hash
        return self.principal.id, self.principal.credential_revision, self.file_hash


@dataclass(frozen=True, slots=True)
class _Verified:
    """A login that was right. `file_hash` is what the htpasswd file held for the account."""

    principal_id: int
    credential_revision: int
    file_hash: str | None
    app_password: AppPassword | None


@dataclass(frozen=True, slots=True)
class _Refused:
    """A login that was wrong, for as long as the account's state stands."""

    login: str
    state: tuple[int, int, str | None] | None


class _LeastRecentlyUsed(Generic[T]):
    """A bounded map, safe in threads."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._lock = threading.Lock()
        self._entries: OrderedDict[bytes, T] = OrderedDict()

    def get(self, key: bytes) -> T | None:
        with self._lock:
            entry = self._entries.get(key)
            if entry is not None:
                self._entries.move_to_end(key)
            return entry

    def put(self, key: bytes, entry: T) -> None:
        with self._lock:
            self._entries[key] = entry
            self._entries.move_to_end(key)
            while len(self._entries) > self._size:
                self._entries.popitem(last=False)

    def drop(self, key: bytes) -> None:
        with self._lock:
            self._entries.pop(key, None)


class Authenticator:
    """Checks the Authorization header of each request; one for a process, shared by its threads."""

    def __init__(
        self, store: Store, configuration: Configuration, clock: Callable[[], float] = time.time
    ) -> None:
        """Raises HtpasswdError when the configured file cannot be used."""
        self._store = store
        self._clock = clock
        challenge = f'Basic realm="{configuration.realm}", charset="UTF-8"'
        self._headers = (("WWW-Authenticate", challenge),)
        self._htpasswd = Htpasswd(configuration.htpasswd) if configuration.htpasswd else None
        self._key = secrets.token_bytes(32)
        self._verified = _LeastRecentlyUsed[_Verified](_VERIFIED_ENTRIES)
        self._refused = _LeastRecentlyUsed[_Refused](_REFUSED_ENTRIES)
        self._hashing = threading.BoundedSemaphore(configuration.hash_concurrency)
        self._touched: dict[int, float] = {}
        self._background = ThreadPoolExecutor(1, thread_name_prefix="last-used")
        self._log = structlog.get_logger()
        self._dummy = _dummy_hash()

    def lookup(self, authorization: str | None) -> Identity | None:
        """The identity of a header verified before; None when `verify` must decide.

        Cheap (a MAC and a point read), so it may run on the event loop. Raises StatusError 401
        without credentials and for a login known to be wrong.
        """
        key = self._cache_key(authorization)
        identity = self._recall(key)
        if identity is None:
            self._recall_refusal(key)
        return identity

    def verify(self, authorization: str | None, address: str) -> Identity:
        """Check a header in full; blocks, for tens of milliseconds of a core and 64 MiB.

        Raises StatusError 401 when it is wrong, 503 when too many logins wait for a hash.
        `address` is the client's, for the log.
        """
        key = self._cache_key(authorization)
        login, password = self._read_header(authorization or "")
        if not self._hashing.acquire(timeout=_MAX_HASH_WAIT):
            raise StatusError(503, "too many logins are being checked", (("Retry-After", "5"),))
        try:
            # Clients open several connections at once: the others wait for the first one's hash.
            identity = self._recall(key)
            if identity is not None:
                return identity
            self._recall_refusal(key)
            account = self._find(login)
            verified = self._check(account, password)
        finally:
            self._hashing.release()
        if verified is not None:
            self._verified.put(key, verified)
            # Read anew: the account may have changed while the hash was computed.
            identity = self._recall(key)
            if identity is not None:
                return identity
        self._refused.put(key, _Refused(login, account.state if account else None))
        self._log.warning("login refused", user=login, address=address)
        raise self._unauthorized("the user name or the password is wrong")

    def close(self) -> None:
        """Finish what runs in the background."""
        self._background.shutdown(wait=True)

    def _unauthorized(self, reason: str) -> StatusError:
        return StatusError(401, reason, self._headers)

    def _cache_key(self, authorization: str | None) -> bytes:
        if not authorization:
            raise self._unauthorized("no login was sent")
        if len(authorization) > _MAX_HEADER_LENGTH:
            raise self._unauthorized("the login is too long")
        encoded = authorization.encode("utf-8", "surrogatepass")
        return hmac.digest(self._key, encoded, "sha256")

    def _read_header(self, authorization: str) -> tuple[str, str]:
        """User name and password (RFC 7617 §2); old clients send Latin-1 whatever we announce."""
        scheme, _, token = authorization.strip().partition(" ")
        if scheme.lower() != "basic":
            raise self._unauthorized("the login is not HTTP Basic")
        try:
            decoded = base64.b64decode(token.strip(), validate=True)
        except (binascii.Error, ValueError):
            raise self._unauthorized("the login is not base64") from None
        try:
            text = decoded.decode("utf-8")
        except UnicodeDecodeError:
            text = decoded.decode("latin-1")
        login, colon, password = text.partition(":")
        if not colon:
            raise self._unauthorized("the login is not USER:PASSWORD")
        return login, password

    def _recall(self, key: bytes) -> Identity | None:
        """The identity of a cached verification that still stands."""
        entry = self._verified.get(key)
        if entry is None:
            return None
        with self._store.read() as tx:
            principal = principals.by_id(tx, entry.principal_id)
        if not self._stands(entry, principal):
            self._verified.drop(key)
            return None
        assert principal is not None
        if entry.app_password is None:
            return Identity(principal, read_only=False, device=None)
        self._touch(entry.app_password)
        return Identity(principal, entry.app_password.read_only, entry.app_password.label)

    def _stands(self, entry: _Verified, principal: Principal | None) -> bool:
        if principal is None or principal.disabled:
            return False
        if principal.credential_revision != entry.credential_revision:
            return False
        if entry.file_hash != self._file_hash(principal.name):
            return False
        return entry.app_password is None or not _is_expired(entry.app_password, self._clock())

    def _recall_refusal(self, key: bytes) -> None:
        refused = self._refused.get(key)
        if refused is None:
            return
        account = self._find(refused.login)
        if (account.state if account else None) == refused.state:
            raise self._unauthorized("the user name or the password is wrong")
        self._refused.drop(key)

    def _file_hash(self, name: str) -> str | None:
        return self._htpasswd.entries().get(name) if self._htpasswd else None

    def _find(self, login: str) -> _Account | None:
        """The account of a login: a name, in any case or percent-encoded, or a mail address."""
        spellings = dict.fromkeys((login, unquote(login)))
        if any("\0" in spelling for spelling in spellings):
            return None  # PostgreSQL has no text with NUL to compare it to
        with self._store.read() as tx:
            for spelling in spellings:
                account = self._find_name(tx, spelling)
                if account is not None:
                    return account
            for spelling in spellings:
                found = principals.by_email(tx, spelling) if "@" in spelling else []
                if len(found) == 1:
                    return _Account(found[0].name, found[0], self._file_hash(found[0].name))
        return None

    def _find_name(self, tx: Transaction, spelling: str) -> _Account | None:
        try:
            name = canonical_name(spelling)
        except UserNameError:
            return None
        principal = principals.by_name(tx, name)
        file_hash = self._file_hash(name)
        if principal is None and file_hash is None:
            return None
        return _Account(name, principal, file_hash)

    def _check(self, account: _Account | None, password: str) -> _Verified | None:
        """Compare the password with what is stored; one hash is computed whoever asks."""
        stored = self._stored_hash(account)
        if account is None or stored is None:
            # An account that has lost its password has lost its app passwords with it.
            verify_password(self._dummy, password)
            return None
        app_password = self._find_app_password(account.principal, password)
        if app_password is None and not verify_password(stored, password):
            return None
        principal = account.principal or self._provision(account.name)
        return _Verified(
            principal.id, principal.credential_revision, account.file_hash, app_password
        )

    def _stored_hash(self, account: _Account | None) -> str | None:
        """The file's hash where it names the account, else the account's own."""
        if account is None:
            return None
        if account.file_hash is not None:
            return account.file_hash
        return account.principal.password_hash if account.principal else None

    def _find_app_password(self, principal: Principal | None, password: str) -> AppPassword | None:
        signs = read_app_password(password)
        if principal is None or signs is None:
            return None
        with self._store.read() as tx:
            rows = app_passwords.of_principal(tx, principal.id)
        selector = app_password_selector(signs)
        for row in rows:
            if app_password_selector(row.secret_hash) != selector:
                continue
            if verify_password(app_password_hash(row.secret_hash), signs):
                return None if _is_expired(row, self._clock()) else row
        return None

    def _provision(self, name: str) -> Principal:
        """The account of a user known to the htpasswd file only, at the first login."""
        try:
            return create_account(self._store, name, password_hash=None)
        except NameConflict:  # Another request was first.
            with self._store.read() as tx:
                principal = principals.by_name(tx, name)
            if principal is None:
                raise self._unauthorized("the account was removed") from None
            return principal

    def _touch(self, app_password: AppPassword) -> None:
        """Have the time of last use noted, off the request's path and seldom."""
        now = self._clock()
        if now - self._touched.get(app_password.id, 0) < _TOUCH_INTERVAL:
            return
        self._touched[app_password.id] = now
        self._background.submit(self._note_use, app_password, int(now))

    def _note_use(self, app_password: AppPassword, now: int) -> None:
        try:
            with self._store.read() as tx:
                rows = app_passwords.of_principal(tx, app_password.principal_id)
            row = next((row for row in rows if row.id == app_password.id), None)
            if row is None or (row.last_used or 0) > now - _TOUCH_INTERVAL:
                return  # Revoked, or noted by another worker.
            self._store.write(lambda tx: app_passwords.touch_last_used(tx, app_password.id, now))
        except StoreError as error:
            self._log.warning("time of last use not noted", reason=str(error))


def _is_expired(app_password: AppPassword, now: float) -> bool:
    return app_password.expires is not None and app_password.expires <= now


@lru_cache(maxsize=1)
def _dummy_hash() -> str:
    """A hash that no password has, so that an unknown user costs what a wrong password costs."""
    return HASHER.hash(secrets.token_urlsafe())
