"""A store with accounts and the application over it, without a socket."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from argon2 import PasswordHasher

from davenport.server.accounts import create_account
from davenport.server.app import create_app
from davenport.server.config import Configuration
from davenport.server.log import configure_log
from davenport.server.password import hash_password
from davenport.storage.database import Store
from davenport.storage.open import open_store
from tests.in_process import InProcess

PASSWORD = "correct horse battery staple"
# The cheapest argon2 there is: what is tested is not how long a hash takes.
QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


@dataclass(frozen=True, slots=True)
class Stage:
    """A running application with its store; `alice` is logged in, `anonymous` is not."""

    alice: InProcess
    store: Store
    configuration: Configuration

    def as_user(self, name: str, password: str = PASSWORD) -> InProcess:
        """The same application with another login."""
        return self.alice.with_login((name, password))

    @property
    def anonymous(self) -> InProcess:
        """The same application without a login."""
        return self.alice.with_login(None)


def add_account(store: Store, name: str) -> None:
    """An account with `PASSWORD`."""
    create_account(store, name, password_hash=hash_password(PASSWORD, QUICK))


@contextmanager
def stage(
    data: Path, users: tuple[str, ...] = ("alice", "bob"), **settings: Any
) -> Iterator[Stage]:
    """An application over a new store in `data`; `settings` are configuration keys."""
    limits: Mapping[str, Any] = settings.pop("limits", {})
    data.mkdir(parents=True, exist_ok=True)
    configuration = Configuration(
        data=data, limits=dict(limits), **{"log_level": "error", **settings}
    )
    configure_log(configuration)
    store = open_store(configuration.store_location)
    for user in users:
        add_account(store, user)
    with InProcess(create_app(configuration, store), (users[0], PASSWORD)) as alice:
        yield Stage(alice, store, configuration)
