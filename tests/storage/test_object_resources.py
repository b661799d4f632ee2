"""Objects, their versions and the index on every engine."""

import threading

import pytest

from davenport.objects.index import Index, Narrowing
from davenport.storage import collections, object_resources
from davenport.storage.error import Gone, UidConflict

NOTE = "{urn:example}note"


def _body(ann, resource):
    with ann.store.read() as tx:
        return object_resources.body(tx, resource)


def test_bytes_in_are_bytes_out(ann):
    text = "BEGIN:VCALENDAR\r\nX:ü𝄞 50%\n\\:name\r\n"
    stored, created = ann.put("a.ics", text)
    assert created
    assert ann.get("a.ics") == stored
    assert _body(ann, stored) == text.encode()
    assert stored.size == len(text.encode())
    assert (stored.revision, stored.created_revision, stored.body_revision) == (1, 1, 1)
    assert ann.state().revision == 1


def test_the_same_bytes_change_nothing(ann):
    stored, _ = ann.put("a.ics", "x")
    before = ann.state()
    assert ann.put("a.ics", "x") == (stored, False)
    assert ann.state() == before


def test_every_version_is_kept_and_each_state_keeps_its_bytes(ann):
    first, _ = ann.put("a.ics", "one")
    second, created = ann.put("a.ics", "two")
    tombstone = ann.delete("a.ics")
    third, revived = ann.put("a.ics", "three")
    assert (created, revived) == (False, True)
    assert [_body(ann, one) for one in (first, second, tombstone, third)] == [
        b"one",
        b"two",
        b"",
        b"three",
    ]
    with ann.store.read() as tx:
        rows = tx.all("SELECT revision, etag, actor, device, at FROM version ORDER BY revision", {})
    assert rows == [
        (1, first.etag, "ann", "phone", 1001),
        (2, second.etag, "ann", "phone", 1002),
        (3, "", "ann", None, 1003),
        (4, third.etag, "ann", "phone", 1004),
    ]


def test_a_name_used_again_is_new_but_keeps_its_first_revision(ann):
    first, _ = ann.put("a.ics", "one")
    noted = ann.store.write(
        lambda tx: object_resources.set_properties(tx, first, {NOTE: "n"}, now=1)
    )
    assert noted.properties == {NOTE: "n"}
    tombstone = ann.delete("a.ics")
    assert (tombstone.deleted, ann.get("a.ics"), ann.live()) == (True, None, {})
    again, created = ann.put("a.ics", "one")
    assert created
    assert (again.id, again.created_revision) == (first.id, first.created_revision)
    assert again.created > first.created
    assert (again.properties, again.deleted) == ({}, False)


def test_a_replaced_object_keeps_properties_and_creation_time(ann):
    first, _ = ann.put("a.ics", "one")
    ann.store.write(lambda tx: object_resources.set_properties(tx, first, {NOTE: "n"}, now=1))
    second, _ = ann.put("a.ics", "two")
    assert (second.properties, second.created) == ({NOTE: "n"}, first.created)
    assert second.modified > first.modified


def test_properties_of_an_object_move_its_revision_and_keep_its_bytes(ann):
    stored, _ = ann.put("a.ics", "one")
    token = ann.page(None).next
    changed = ann.store.write(
        lambda tx: object_resources.set_properties(tx, stored, {NOTE: "n"}, now=1)
    )
    assert (changed.etag, changed.body_revision) == (stored.etag, stored.revision)
    assert changed.revision == stored.revision + 1
    assert _body(ann, changed) == b"one"
    assert ann.page(token).objects == [changed]
    same = ann.store.write(
        lambda tx: object_resources.set_properties(tx, stored, {NOTE: "n"}, now=2)
    )
    assert same == changed == ann.get("a.ics")


def test_a_uid_held_under_another_name_is_refused_with_that_name(ann):
    ann.put("a.ics", uid="shared")
    before = ann.state()
    with pytest.raises(UidConflict) as refused:
        ann.put("b.ics", "other", uid="shared")
    assert refused.value.name == "a.ics"
    assert ann.state() == before
    ann.put("b.ics", "other", uid="SHARED")
    ann.delete("a.ics")
    _, created = ann.put("c.ics", uid="shared")
    assert created
    with pytest.raises(UidConflict):
        ann.put("a.ics", uid="shared")


def test_the_same_uid_may_stand_in_two_collections(store, new_account):
    for name in ("ann", "bob"):
        new_account(store, name).put("a.ics", uid="shared")


def test_long_names_and_uids_fit_the_index_and_longer_ones_are_refused(ann):
    # Random enough that no engine's compression brings them under its limit.
    long = "".join(chr(0x100 + (i * i * 7919 + i) % 1500) for i in range(512))
    assert len(long.encode()) == 1024
    ann.put(long, uid=long)
    with ann.store.read() as tx:
        assert object_resources.by_uid(tx, ann.calendar.id, long).name == long
    for arguments in ({"name": "x", "uid": long + "x"}, {"name": long + "x", "uid": "x"}):
        with pytest.raises(ValueError):
            ann.put(**arguments)


def test_deleting_what_is_gone_is_refused(ann):
    stored, _ = ann.put("a.ics")
    ann.delete("a.ics")
    before = ann.state()
    for work in (
        lambda tx: object_resources.delete(tx, stored, actor="a", device=None, now=1),
        lambda tx: object_resources.set_properties(tx, stored, {NOTE: "x"}, now=1),
    ):
        with pytest.raises(Gone):
            ann.store.write(work)
    assert ann.state() == before


def test_many_are_read_by_name_and_their_bodies_by_id(ann):
    names = [f"{number:04}.ics" for number in range(1203)]

    def fill(tx):
        for name in names:
            object_resources.put(
                tx,
                ann.calendar.id,
                name,
                Index(name, "VEVENT"),
                name.encode(),
                f'"{name}"',
                actor="ann",
                device=None,
                now=1,
            )

    ann.store.write(fill)
    ann.delete(names[7])
    with ann.store.read() as tx:
        found = object_resources.get_many(tx, ann.calendar.id, [*names, "missing", names[3]])
        bodies = object_resources.bodies(tx, found.values())
        assert object_resources.get_many(tx, ann.calendar.id, []) == {}
        assert object_resources.bodies(tx, []) == {}
    assert sorted(found) == names[:7] + names[8:]
    assert {one.name.encode() for one in found.values()} == set(bodies.values())
    assert all(bodies[one.id] == one.name.encode() for one in found.values())


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
def test_a_listing_is_paged_by_name(ann, limit):
    names = ["B", "a", "ä", "b", "c", "d"]
    for name in names:
        ann.put(name)
    ann.delete("c")
    listed, after = [], None
    while True:
        with ann.store.read() as tx:
            page = object_resources.list_page(tx, ann.calendar.id, after, limit)
        if not page:
            break
        assert len(page) <= limit
        listed += [one.name for one in page]
        after = listed[-1]
    assert listed == ["B", "a", "b", "d", "ä"]


INDEXED = {
    "bounded": Index("1", "VEVENT", 100, 200),
    "endless": Index("2", "VEVENT", 100, None),
    "ever": Index("3", "VEVENT", None, None),
    "until": Index("4", "VEVENT", None, 50),
    "instant": Index("5", "VEVENT", 300, 300),
    "task": Index("6", "VTODO", 100, 200),
}


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"component": "VEVENT"}, "bounded endless ever until instant"),
        ({"component": "VTODO"}, "task"),
        ({"component": "VJOURNAL"}, ""),
        ({"component": "VEVENT", "starts": 201}, "endless ever instant"),
        ({"component": "VEVENT", "ends": 99}, "ever until"),
        ({"component": "VEVENT", "starts": 150, "ends": 160}, "bounded endless ever"),
        ({"component": "VEVENT", "starts": 300, "ends": 301}, "endless ever instant"),
        ({"uid": "5"}, "instant"),
        ({"uid": "5", "component": "VTODO"}, ""),
        ({"uid_contains": "5"}, "instant"),
        ({"uid_contains": "%"}, ""),
        ({"uid_contains": "_"}, ""),
        ({"uid_contains": "\\"}, ""),
        ({}, "bounded endless ever until instant task"),
        ({"starts": 60, "ends": 120}, "bounded endless ever task"),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
@pytest.mark.parametrize("limit", [1, 4])
def test_the_index_narrows_and_pages_by_name(ann, arguments, expected, limit):
    for name, index in INDEXED.items():
        ann.put(name, index=index)
    ann.put("deleted", index=Index("7", "VEVENT"))
    ann.delete("deleted")
    found, after = [], None
    while True:
        with ann.store.read() as tx:
            page = object_resources.candidates(
                tx, ann.calendar.id, Narrowing(**arguments), after, limit
            )
        if not page:
            break
        assert len(page) <= limit
        found += page
        after = page[-1].name
    assert [one.name for one in found] == sorted(expected.split())
    assert all((one.starts, one.ends) == _bounds(one.name) for one in found)


def _bounds(name):
    return INDEXED[name].starts, INDEXED[name].ends


def test_count_and_size_follow_every_change(ann, store):
    def totals():
        with store.read() as tx:
            collection = object_resources.count_and_size(tx, ann.calendar.id)
            assert object_resources.home_count_and_size(tx, ann.home.id) == collection
            assert object_resources.owner_count_and_size(tx, ann.home.owner_id) == collection
        return collection

    assert totals() == (0, 0)
    ann.put("a.ics", "12345")
    ann.put("b.ics", "123")
    assert totals() == (2, 8)
    ann.put("a.ics", "1")
    assert totals() == (2, 4)
    ann.delete("b.ics")
    assert totals() == (1, 1)
    ann.put("b.ics", "1234567")
    assert totals() == (2, 8)


def test_conditions_checked_under_the_lock_hold_until_the_write(ann, store):
    """Lock, look, write: what a PUT with If-None-Match does; exactly one of the racers creates."""
    won = []

    def work(tx):
        collections.lock(tx, ann.calendar.id)
        if object_resources.get(tx, ann.calendar.id, "a.ics") is not None:
            return False
        name = threading.current_thread().name
        object_resources.put(
            tx,
            ann.calendar.id,
            "a.ics",
            Index("u", "VEVENT"),
            name.encode(),
            f'"{name}"',
            actor=name,
            device=None,
            now=1,
        )
        return True

    threads = [threading.Thread(target=lambda: won.append(store.write(work))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(won) == [False] * 7 + [True]
    assert ann.state().revision == 1


def test_a_part_of_a_uid_is_found_in_either_case_and_taken_literally(ann):
    for number, uid in enumerate(("Abc-É%", "xABCx", "a_c", "é%")):
        ann.put(f"{number}", index=Index(uid, "VEVENT"))

    def found(part):
        with ann.store.read() as tx:
            rows = object_resources.candidates(tx, ann.calendar.id, Narrowing(uid_contains=part))
        return "".join(row.name for row in rows)

    assert found("aBc") == "01"
    assert found("%") == "03"
    assert found("_") == "2"
    assert found("É") == "0"
    assert found("%" * 100_000) == ""
