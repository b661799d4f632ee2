"""What is PostgreSQL's alone: the lock that orders commits, conflicts, lost connections."""

import threading

import psycopg
import pytest

from davenport.objects.index import Index
from davenport.storage import (
    app_passwords,
    collections,
    object_resources,
    open_store,
    principals,
)
from davenport.storage.error import StoreError


@pytest.fixture
def location(postgres_url: str) -> str:
    return postgres_url


def _race_of_two(ann, store, *, locked):
    """The first writer takes its revision, the second takes one too; the first commits last if it
    can. What does a follower hold who asks when the second has been answered, and again at the end?
    """
    took, go = threading.Event(), threading.Event()

    def put(tx, name):
        object_resources.put(
            tx,
            ann.calendar.id,
            name,
            Index(name, "VEVENT"),
            b"x",
            f'"{name}"',
            actor="w",
            device=None,
            now=1,
        )

    def unlocked(tx, name):
        """The same rows, but the revision comes from a sequence and no row is locked."""
        (revision,) = tx.one("SELECT nextval('revisions')", {})
        tx.execute(
            "INSERT INTO object (collection_id, name, uid, component, revision, created_revision,"
            " body_revision, deleted, etag, size, starts, ends, created, modified, properties)"
            " VALUES (:collection, :name, :name, 'VEVENT', :revision, :revision, :revision, 0,"
            " :name, 1, 0, 0, 1, 1, '{}')",
            {"collection": ann.calendar.id, "name": name, "revision": revision},
        )

    def slow(tx):
        (put if locked else unlocked)(tx, "slow")
        took.set()
        go.wait(10)

    first = threading.Thread(target=lambda: store.write(slow))
    second = threading.Thread(
        target=lambda: store.write(lambda tx: (put if locked else unlocked)(tx, "quick"))
    )
    first.start()
    took.wait(10)
    second.start()
    second.join(0.5)
    overtook = not second.is_alive()
    if not locked:
        # The test-only path keeps the collection's revision at what is committed.
        _publish(store, ann)
    mirror = {}
    page = ann.page(None)
    mirror |= {one.name: one.etag for one in page.objects}
    go.set()
    first.join()
    second.join()
    if not locked:
        _publish(store, ann)
    mirror |= {one.name: one.etag for one in ann.page(page.next).objects}
    return overtook, set(mirror), set(ann.live())


def _publish(store, ann):
    store.write(
        lambda tx: tx.execute(
            "UPDATE collection SET revision ="
            " (SELECT COALESCE(MAX(revision), 0) FROM object WHERE collection_id = :id)"
            " WHERE id = :id",
            {"id": ann.calendar.id},
        )
    )


def test_the_rows_lock_keeps_a_later_revision_from_being_seen_first(ann, store):
    overtook, mirror, live = _race_of_two(ann, store, locked=True)
    assert not overtook
    assert mirror == live == {"slow", "quick"}


def test_without_the_lock_a_follower_skips_a_change(ann, store):
    """The proof that it is the lock which orders commits: the same race loses a change for good."""
    store.write(lambda tx: tx.execute("CREATE SEQUENCE revisions", {}))
    overtook, mirror, live = _race_of_two(ann, store, locked=False)
    assert overtook
    assert live == {"slow", "quick"}
    assert mirror == {"quick"}


def test_a_deadlock_is_run_again_and_both_works_go_through(store, new_account):
    ann, bob = new_account(store, "ann"), new_account(store, "bob")
    meet, runs = threading.Barrier(2), []

    def work(tx, first, second):
        runs.append(first)
        collections.lock(tx, first)
        if len(runs) <= 2:
            meet.wait(10)
        collections.lock(tx, second)

    ids = ann.calendar.id, bob.calendar.id
    threads = [
        threading.Thread(target=lambda pair=pair: store.write(lambda tx: work(tx, *pair)))
        for pair in (ids, ids[::-1])
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(runs) >= 3


def _terminate_others(url):
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def test_connections_lost_while_idle_or_at_work_are_replaced(ann, store, location):
    ann.put("a")
    ann.live()
    _terminate_others(location)
    assert set(ann.live()) == {"a"}
    _terminate_others(location)
    ann.put("b")
    runs = []

    def work(tx):
        runs.append(1)
        collections.lock(tx, ann.calendar.id)
        if len(runs) == 1:
            _terminate_others(location)
        return collections.lock(tx, ann.calendar.id).revision

    assert store.write(work) == 2
    assert len(runs) == 2


def test_a_database_of_another_encoding_is_refused(postgres_server):
    with psycopg.connect(postgres_server("postgres"), autocommit=True) as connection:
        connection.execute("CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
        try:
            with pytest.raises(StoreError, match="UTF8"):
                open_store(postgres_server("latin"))
        finally:
            connection.execute("DROP DATABASE latin WITH (FORCE)")


def test_an_account_is_removed_while_a_password_is_added_to_it(ann, store):
    """The one or the other comes first; a password that is added late holds up the removal."""
    added, go = threading.Event(), threading.Event()

    def add(tx):
        app_passwords.add(
            tx,
            ann.home.owner_id,
            label="phone",
            secret_hash="x",
            read_only=False,
            expires=None,
            now=1,
        )
        added.set()
        go.wait(10)

    removed: list[object] = []

    def remove():
        try:
            removed.append(store.write(lambda tx: principals.remove(tx, ann.home.owner_id)))
        except StoreError as error:
            removed.append(error)

    threads = [threading.Thread(target=lambda: store.write(add)), threading.Thread(target=remove)]
    threads[0].start()
    added.wait(10)
    threads[1].start()
    threads[1].join(0.5)
    go.set()
    for thread in threads:
        thread.join()
    assert removed == [None]
    with store.read() as tx:
        assert principals.by_id(tx, ann.home.owner_id) is None
