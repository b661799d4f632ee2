"""One contract, two engines: `store` is every engine in turn."""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import pytest

from davenport.objects.index import Index
from davenport.storage import Store, changes, collections, object_resources, open_store, principals
from davenport.storage.changes import ChangePage
from davenport.storage.model import Collection, CollectionKind, ObjectResource
from davenport.storage.token import SyncToken

ENGINES = ("sqlite", "postgres")


@pytest.fixture(params=ENGINES)
def location(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where an empty store may be opened."""
    if request.param == "sqlite":
        return str(tmp_path / "store.db")
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture
def store(location: str) -> Iterator[Store]:
    opened = open_store(location)
    yield opened
    opened.close()


@pytest.fixture(params=ENGINES, scope="module")
def shared_store(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Store]:
    """A store for a whole module, whose tests make accounts of their own in it."""
    if request.param == "sqlite":
        place = str(tmp_path_factory.mktemp("store") / "store.db")
    else:
        place = request.getfixturevalue("module_postgres_url")
    opened = open_store(place)
    yield opened
    opened.close()


@dataclass
class Account:
    """An account with a calendar, and short ways to use it; each call is one transaction."""

    store: Store
    home: Collection
    calendar: Collection
    clock: int = 1000

    def put(
        self, name: str, body: str = "body", *, uid: str | None = None, index: Index | None = None
    ) -> tuple[ObjectResource, bool]:
        self.clock += 1
        index = index or Index(uid or f"uid-{name}", "VEVENT")
        data = body.encode()
        return self.store.write(
            lambda tx: object_resources.put(
                tx,
                self.calendar.id,
                name,
                index,
                data,
                f'"{sha256(data).hexdigest()[:16]}"',
                actor="ann",
                device="phone",
                now=self.clock,
            )
        )

    def get(self, name: str) -> ObjectResource | None:
        with self.store.read() as tx:
            return object_resources.get(tx, self.calendar.id, name)

    def delete(self, name: str) -> ObjectResource:
        self.clock += 1
        found = self.get(name)
        assert found is not None
        return self.store.write(
            lambda tx: object_resources.delete(tx, found, actor="ann", device=None, now=self.clock)
        )

    def state(self) -> Collection:
        with self.store.read() as tx:
            found = collections.get(tx, self.calendar.id)
        assert found is not None
        return found

    def page(
        self, token: SyncToken | None, limit: int = 100, until: int | None = None
    ) -> ChangePage:
        with self.store.read() as tx:
            collection = collections.get(tx, self.calendar.id)
            assert collection is not None
            return changes.page(tx, collection, token, limit, until)

    def live(self) -> dict[str, str]:
        """The server's state: name to etag."""
        with self.store.read() as tx:
            listed = object_resources.list_page(tx, self.calendar.id, None, 100_000)
        return {one.name: one.etag for one in listed}


def make_account(store: Store, name: str) -> Account:
    def work(tx):
        owner = principals.create(
            tx, name, display_name=name.title(), email=None, password_hash="x", now=1000
        )
        home = collections.home(tx, owner.id, CollectionKind.CALENDAR_HOME)
        calendar = collections.create(
            tx, home, "work", CollectionKind.CALENDAR, ("VEVENT", "VTODO"), {}, 1000
        )
        return Account(store, home, calendar)

    return store.write(work)


@pytest.fixture
def ann(store: Store) -> Account:
    return make_account(store, "ann")


@pytest.fixture
def new_account():
    """The function that makes an account, for tests that need several."""
    return make_account
