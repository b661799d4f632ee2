"""What is SQLite's alone: the file, group commit, a full disk, a busy writer."""

import sqlite3
import stat
import threading
from pathlib import Path

import pytest

from davenport.objects.index import Narrowing
from davenport.storage import object_resources, open_store, sqlite_connection
from davenport.storage.error import StoreBusy, StoreError, StoreFull


@pytest.fixture
def location(tmp_path: Path) -> str:
    return str(tmp_path / "store.db")


def test_the_file_is_its_owners_alone_and_commits_are_durable(store, location):
    assert stat.S_IMODE(Path(location).stat().st_mode) == 0o600
    read = store.write(
        lambda tx: [
            tx.one(f"PRAGMA {name}", {})[0]
            for name in ("journal_mode", "synchronous", "foreign_keys")
        ]
    )
    assert read == ["wal", 2, 1]


def test_waiting_works_share_a_commit_and_are_answered_after_it(ann, store, location):
    """While the writer is held, works queue; afterwards one commit makes all of them visible."""
    held, go, seen = threading.Event(), threading.Event(), []

    def hold(tx):
        held.set()
        go.wait(10)

    holder = threading.Thread(target=lambda: store.write(hold))
    holder.start()
    held.wait(10)

    def put(number):
        ann.put(f"{number}")
        seen.append(ann.get(f"{number}") is not None)

    threads = [threading.Thread(target=put, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    watcher = sqlite3.connect(location)
    before = watcher.execute("PRAGMA data_version").fetchone()
    assert seen == []
    while store._writer._jobs.qsize() < 20:
        threading.Event().wait(0.005)
    go.set()
    for thread in [*threads, holder]:
        thread.join()
    commits = watcher.execute("PRAGMA data_version").fetchone()[0] - before[0]
    watcher.close()
    assert seen == [True] * 20
    assert 1 <= commits <= 3


def test_a_full_disk_refuses_writes_and_reads_go_on(ann, store):
    ann.put("small", "kept")
    before = ann.state()
    pages = store.write(lambda tx: tx.one("PRAGMA page_count", {})[0])
    store.write(lambda tx: tx.one(f"PRAGMA max_page_count = {pages + 4}", {}))
    with pytest.raises(StoreFull):
        ann.put("large", "x" * 1_000_000)
    assert ann.state() == before
    assert set(ann.live()) == {"small"}
    store.write(lambda tx: tx.one("PRAGMA max_page_count = 1000000", {}))
    ann.put("large", "x" * 1_000_000)
    assert set(ann.live()) == {"small", "large"}


def test_a_work_that_fills_the_disk_does_not_fail_the_ones_beside_it(ann, store):
    pages = store.write(lambda tx: tx.one("PRAGMA page_count", {})[0])
    store.write(lambda tx: tx.one(f"PRAGMA max_page_count = {pages + 40}", {}))
    outcomes = {}

    def run(name, body):
        try:
            ann.put(name, body)
            outcomes[name] = "stored"
        except StoreFull:
            outcomes[name] = "full"

    works = [("large", "x" * 1_000_000), *((f"{n}", "small") for n in range(8))]
    threads = [threading.Thread(target=run, args=work) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes.pop("large") == "full"
    assert set(outcomes.values()) == {"stored"}
    assert set(ann.live()) == set(outcomes)


def test_another_programs_lock_is_waited_for_and_then_busy(ann, location, monkeypatch):
    monkeypatch.setattr(sqlite_connection, "_BUSY_SECONDS", 0.2)
    other = sqlite3.connect(location, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreBusy):
        ann.put("a")
    assert ann.live() == {}
    other.execute("ROLLBACK")
    other.close()
    ann.put("a")


def test_connections_of_ended_threads_are_closed(ann, store):
    for _ in range(5):
        thread = threading.Thread(target=ann.live)
        thread.start()
        thread.join()
    ann.live()
    assert len(store._readers) == 1


def test_a_file_that_is_no_database_is_refused_and_kept(tmp_path):
    path = tmp_path / "letter.txt"
    path.write_text("Dear Ann, " * 1000)
    with pytest.raises(StoreError):
        open_store(path)
    assert path.read_text() == "Dear Ann, " * 1000


def test_a_page_of_candidates_costs_its_rows_and_not_the_collection(ann, store):
    """Counted in steps of SQLite's machine, not by a clock."""

    def insert(tx):
        for number in range(5_000):
            tx.execute(
                "INSERT INTO object (collection_id, name, uid, component, revision,"
                " created_revision, body_revision, deleted, etag, size, starts, ends, created,"
                " modified, properties) VALUES (:collection_id, :name, :name, 'VEVENT', :number,"
                " :number, :number, 0, '', 1, :number, :number, 1, 1, '{}')",
                {
                    "collection_id": ann.calendar.id,
                    "name": f"{number:04}",
                    "number": number + 1,
                },
            )

    store.write(insert)

    def steps(narrowing, after, limit):
        counted = []
        with store.read() as tx:
            tx._connection.set_progress_handler(lambda: counted.append(None), 1)
            rows = object_resources.candidates(tx, ann.calendar.id, narrowing, after, limit)
            tx._connection.set_progress_handler(None, 0)
        return len(rows), len(counted)

    for narrowing in (Narrowing(), Narrowing("VEVENT"), Narrowing("VEVENT", uid_contains="0")):
        found, counted = steps(narrowing, "2000", 10)
        assert found == 10
        assert counted < 2_000
    for narrowing in (Narrowing("VEVENT", "4000"), Narrowing("VEVENT", starts=4_999)):
        found, counted = steps(narrowing, None, 10)
        assert found <= 2
        assert counted < 500
