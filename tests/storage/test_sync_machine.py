"""Random writers and paging readers: a reader that finishes equals the server, or was refused."""

from collections.abc import Callable
from itertools import count

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    rule,
    run_state_machine_as_test,
)

from davenport.storage import Store, changes, collections, object_resources
from davenport.storage.error import InvalidSyncToken
from davenport.storage.token import SyncToken

NAMES = st.sampled_from("abcd")
READERS = range(2)
_accounts = count()


class Reader:
    """A client that knows only what pages told it."""

    def __init__(self) -> None:
        self.token: SyncToken | None = None
        self.mirror: dict[str, str] = {}


class SyncMachine(RuleBasedStateMachine):
    """One collection, two readers that page at their own pace with changing limits."""

    store: Store
    new_account: Callable

    @initialize()
    def start(self) -> None:
        self.account = self.new_account(self.store, f"machine-{next(_accounts)}")
        self.readers = [Reader() for _ in READERS]
        self.bodies = count()

    @rule(name=NAMES, fresh=st.booleans())
    def put(self, name, fresh):
        self.account.put(name, f"body {next(self.bodies)}" if fresh else "the same")

    @rule(name=NAMES)
    def delete(self, name):
        if self.account.get(name) is not None:
            self.account.delete(name)

    @rule(name=NAMES)
    def delete_make_and_delete(self, name):
        if self.account.get(name) is not None:
            self.account.delete(name)
            self.account.put(name, f"body {next(self.bodies)}")
            self.account.delete(name)

    @rule(name=NAMES, note=st.sampled_from("xy"))
    def change_a_property(self, name, note):
        found = self.account.get(name)
        if found is not None:
            self.store.write(
                lambda tx: object_resources.set_properties(tx, found, {"note": note}, now=1)
            )

    @rule(note=st.sampled_from("xy"))
    def change_the_collection(self, note):
        id_ = self.account.calendar.id
        self.store.write(lambda tx: collections.set_properties(tx, id_, {"note": note}, 1))

    @rule(age=st.sampled_from((0, 5, 20, 50)))
    def prune(self, age):
        before = self.account.clock + 1 - age
        self.store.write(lambda tx: changes.prune(tx, self.account.calendar.id, before))

    @rule(which=st.sampled_from(READERS), limit=st.integers(1, 4))
    def read_a_page(self, which, limit):
        self.turn(self.readers[which], limit)

    @rule(which=st.sampled_from(READERS), chunk=st.integers(1, 3))
    def read_to_the_present_in_chunks(self, which, chunk):
        """What a streamed report does: many snapshots, ended where the first one was."""
        until = self.account.state().revision
        while self.turn(self.readers[which], chunk, until):
            pass

    @rule(which=st.sampled_from(READERS), limit=st.integers(1, 4))
    def read_to_the_end(self, which, limit):
        while self.turn(self.readers[which], limit):
            pass

    @rule(which=st.sampled_from(READERS), limit=st.integers(1, 3), name=NAMES)
    def delete_between_the_first_pages(self, which, limit, name):
        self.readers[which] = Reader()
        self.turn(self.readers[which], limit)
        self.delete(name)

    @rule(which=st.sampled_from(READERS))
    def forget(self, which):
        self.readers[which] = Reader()

    @rule(which=st.sampled_from(READERS))
    def ask_with_the_text_of_the_token(self, which):
        reader = self.readers[which]
        if reader.token is not None:
            reader.token = SyncToken.parse(str(reader.token))

    def turn(self, reader: Reader, limit: int, until: int | None = None) -> bool:
        """One page into the mirror; whether there is more. A finished mirror is the server."""
        try:
            page = self.account.page(reader.token, limit, until)
        except InvalidSyncToken:
            # RFC 6578 §3.2: the client starts again from nothing.
            reader.token, reader.mirror = None, {}
            return False
        assert len(page.objects) <= limit
        if reader.token is None:
            assert not any(one.deleted for one in page.objects)
        for one in page.objects:
            if one.deleted:
                reader.mirror.pop(one.name, None)
            else:
                reader.mirror[one.name] = one.etag
        reader.token = page.next
        if not page.more and page.next.revision == self.account.state().revision:
            assert reader.mirror == self.account.live()
        return page.more

    def teardown(self) -> None:
        for reader in getattr(self, "readers", ()):
            for _ in range(50):
                if not self.turn(reader, 2) and reader.token is not None:
                    break
            assert reader.mirror == self.account.live()


def _run(shared_store: Store, new_account: Callable, examples: int, steps: int) -> None:
    class Machine(SyncMachine):
        store = shared_store

    Machine.new_account = staticmethod(new_account)
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_pages_compose_to_the_server(shared_store, new_account):
    _run(shared_store, new_account, examples=150, steps=50)


@pytest.mark.slow
def test_pages_compose_to_the_server_in_many_runs(shared_store, new_account):
    _run(shared_store, new_account, examples=600, steps=60)
