"""Transactions, snapshots, migrations and failures on every engine."""

import threading
from contextlib import suppress

import pytest

from davenport.storage import open_store, schema
from davenport.storage.error import SchemaTooNew, StoreError


def _set(tx, key, value):
    tx.execute(
        "INSERT INTO meta (key, value) VALUES (:key, :value)"
        " ON CONFLICT (key) DO UPDATE SET value = :value",
        {"key": key, "value": value},
    )


def _get(tx, key):
    row = tx.one("SELECT value FROM meta WHERE key = :key", {"key": key})
    return row and row[0]


def test_a_work_returns_its_result_after_the_commit(store):
    assert store.write(lambda tx: _set(tx, "a", "1") or "done") == "done"
    with store.read() as tx:
        assert _get(tx, "a") == "1"


def test_a_failing_work_undoes_itself_and_its_exception_arrives(store):
    def work(tx):
        _set(tx, "a", "1")
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        store.write(work)
    with store.read() as tx:
        assert _get(tx, "a") is None
    store.write(lambda tx: _set(tx, "a", "2"))


def test_a_faulty_statement_is_a_store_error_and_the_store_goes_on(store):
    with pytest.raises(StoreError):
        store.write(lambda tx: tx.execute("UPDATE nothing SET a = :a", {"a": 1}))
    with pytest.raises(StoreError), store.read() as tx:
        tx.all("SELECT nonsense FROM meta", {})
    store.ready()
    store.write(lambda tx: _set(tx, "a", "1"))


@pytest.mark.parametrize("value", [2**64, "\ud800"], ids=["integer", "surrogate"])
def test_a_value_that_no_column_holds_is_a_store_error_and_the_store_goes_on(store, value):
    with pytest.raises(StoreError):
        store.write(
            lambda tx: (
                tx.execute("UPDATE principal SET created = :value", {"value": value})
                + tx.execute(
                    "INSERT INTO principal (id, created) VALUES (1, :value)", {"value": value}
                )
            )
        )
    store.write(lambda tx: _set(tx, "a", "1"))


def test_a_work_is_kept_whole_or_not_at_all_also_when_it_hides_a_failure(store):
    """What was answered is kept: PostgreSQL undoes all of a work whose statement failed."""

    def work(tx):
        _set(tx, "a", "1")
        with suppress(StoreError):
            tx.execute("UPDATE nothing SET a = :a", {"a": 1})

    try:
        store.write(work)
        kept = "1"
    except StoreError:
        kept = None
    with store.read() as tx:
        assert _get(tx, "a") == kept


def test_a_write_within_a_work_is_refused(store):
    with pytest.raises(StoreError):
        store.write(lambda tx: store.write(lambda inner: None))
    store.write(lambda tx: _set(tx, "a", "1"))


def test_a_read_that_outlives_the_store_ends_with_a_store_error(location):
    store = open_store(location)
    begun, closed, outcome = threading.Event(), threading.Event(), []

    def follow():
        try:
            with store.read() as tx:
                begun.set()
                closed.wait(10)
                _get(tx, "a")
        except StoreError:
            pass
        except BaseException as error:  # noqa: BLE001 - any other is the defect looked for
            outcome.append(error)

    reader = threading.Thread(target=follow)
    reader.start()
    begun.wait(10)
    store.close()
    closed.set()
    reader.join()
    assert outcome == []


def test_one_failing_work_of_many_at_once_harms_no_other(store):
    """On SQLite these share commits; each stands in a savepoint of its own."""
    failures, gate = [], threading.Barrier(24)

    def run(number):
        def work(tx):
            _set(tx, f"key {number}", "set")
            if number % 3 == 0:
                raise LookupError(number)
            if number % 3 == 1:
                tx.execute("UPDATE nothing SET a = 1", {})

        gate.wait()
        try:
            store.write(work)
        except (LookupError, StoreError) as error:
            failures.append((number, type(error)))

    threads = [threading.Thread(target=run, args=(number,)) for number in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    expected = [(n, LookupError if n % 3 == 0 else StoreError) for n in range(24) if n % 3 < 2]
    assert sorted(failures) == expected
    with store.read() as tx:
        kept = {n for n in range(24) if _get(tx, f"key {n}") == "set"}
    assert kept == {n for n in range(24) if n % 3 == 2}


def test_a_read_is_one_snapshot_and_a_read_within_shares_it(store):
    store.write(lambda tx: _set(tx, "a", "old"))
    with store.read() as tx:
        assert _get(tx, "a") == "old"
        store.write(lambda tx: _set(tx, "a", "new"))
        assert _get(tx, "a") == "old"
        with store.read() as inner:
            assert _get(inner, "a") == "old"
        assert _get(tx, "a") == "old"
    with store.read() as tx:
        assert _get(tx, "a") == "new"


def test_many_threads_write_while_they_read(store):
    """What a request does that looks before it writes; none may wait for another's connection."""
    failures, gate = [], threading.Barrier(8)

    def run(number):
        try:
            with store.read() as tx:
                _get(tx, "a")
                gate.wait(10)
                store.write(lambda inner: _set(inner, f"key {number}", "set"))
        except BaseException as error:  # noqa: BLE001 - reported below
            failures.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_a_read_cannot_write(store):
    with pytest.raises(StoreError), store.read() as tx:
        _set(tx, "a", "1")
    with store.read() as tx:
        assert _get(tx, "a") is None


def test_percent_and_colons_in_values_and_statements_are_kept(store):
    store.write(lambda tx: _set(tx, "a:b%s", "%(x)s :y ::z"))
    with store.read() as tx:
        like = "SELECT key FROM meta WHERE key LIKE 'a_b%' AND value = :v"
        assert tx.all(like, {"v": "%(x)s :y ::z"}) == [("a:b%s",)]
        assert _get(tx, "a:b%s") == "%(x)s :y ::z"


def test_another_opener_sees_the_same_epoch_and_later_a_renewed_one(store, location, monkeypatch):
    other = open_store(location)
    assert other.epoch == store.epoch
    renewed = store.renew_epoch()
    other._epoch_at -= 2  # as if more than the second had passed
    with other.read():
        assert other.epoch == renewed
    other.close()
    again = open_store(location)
    assert again.epoch == renewed
    again.close()


def test_opening_again_changes_nothing(store, location):
    with store.read() as tx:
        before = tx.all("SELECT key, value FROM meta ORDER BY key", {})
    open_store(location).close()
    with store.read() as tx:
        assert tx.all("SELECT key, value FROM meta ORDER BY key", {}) == before
    assert dict(before)["schema"] == str(len(schema.migrations()))


def test_a_newer_schema_is_refused_and_left_alone(store, location):
    store.write(lambda tx: _set(tx, "schema", "999"))
    with pytest.raises(SchemaTooNew):
        open_store(location)
    with store.read() as tx:
        assert _get(tx, "schema") == "999"


def test_a_migration_that_fails_leaves_the_store_as_it_was(store, location, monkeypatch):
    broken = (*schema.migrations(), ("CREATE TABLE half (a INTEGER)", "CREATE NONSENSE"))
    monkeypatch.setattr(schema, "migrations", lambda: broken)
    with pytest.raises(StoreError):
        open_store(location)
    with store.read() as tx:
        assert _get(tx, "schema") == str(len(broken) - 1)
        with pytest.raises(StoreError):
            tx.all("SELECT a FROM half", {})


def test_a_pending_migration_is_run_once(store, location, monkeypatch):
    longer = (*schema.migrations(), ("CREATE TABLE added (a INTEGER, b TEXT, c BLOB)",))
    monkeypatch.setattr(schema, "migrations", lambda: longer)
    for _ in range(2):
        opened = open_store(location)
        opened.write(
            lambda tx: tx.execute(
                "INSERT INTO added VALUES (:a, :b, :c)", {"a": 2**62, "b": "ü", "c": b"\x00\xff"}
            )
        )
        opened.close()
    with store.read() as tx:
        assert tx.all("SELECT a, b, c FROM added", {}) == [(2**62, "ü", b"\x00\xff")] * 2


def test_a_closed_store_answers_with_an_error(location):
    store = open_store(location)
    store.ready()
    store.write(lambda tx: None)
    store.close()
    with pytest.raises(StoreError):
        store.ready()
    with pytest.raises(StoreError):
        store.write(lambda tx: None)
    store.close()


@pytest.mark.parametrize(
    "place", ["postgresql://nobody@127.0.0.1:1/none", "/proc/no/such/folder/store.db"]
)
def test_a_place_that_cannot_be_opened_is_a_store_error(place):
    with pytest.raises(StoreError):
        open_store(place)
