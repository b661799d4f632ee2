"""Homes and collections on every engine."""

import pytest

from davenport.storage import collections
from davenport.storage.error import Gone, NameConflict
from davenport.storage.model import CollectionKind

NOTE = "{urn:example}note"


def _create(ann, name, properties=None, kind=CollectionKind.CALENDAR, components=("VEVENT",)):
    return ann.store.write(
        lambda tx: collections.create(tx, ann.home, name, kind, components, properties or {}, 1)
    )


def test_a_collection_is_read_back_as_created(ann):
    properties = {NOTE: "<n:note xmlns:n='urn:example'>50 % »ü𝄞« :name</n:note>"}
    made = _create(ann, "tasks %:x", properties, components=("VTODO", "VJOURNAL"))
    with ann.store.read() as tx:
        assert collections.get(tx, made.id) == made
        assert collections.child(tx, ann.home.id, "tasks %:x") == made
        assert [one.name for one in collections.children(tx, ann.home.id)] == ["tasks %:x", "work"]
        assert collections.child(tx, ann.home.id, "tasks") is None
    assert made.properties == properties
    assert made.components == ("VTODO", "VJOURNAL")
    assert (made.revision, made.floor, made.deleted) == (0, 0, False)


def test_names_sort_by_their_bytes(ann):
    for name in ("b", "B", "ä", "a", "Z", "_"):
        _create(ann, name)
    with ann.store.read() as tx:
        listed = [one.name for one in collections.children(tx, ann.home.id)]
    assert listed == sorted(["b", "B", "ä", "a", "Z", "_", "work"], key=str.encode)


def test_a_taken_name_is_refused_and_a_deleted_one_is_free_again(ann):
    with pytest.raises(NameConflict):
        _create(ann, "work")
    tombstone = ann.store.write(lambda tx: collections.delete(tx, ann.calendar.id, 9))
    again = _create(ann, "work")
    assert again.id != tombstone.id
    with ann.store.read() as tx:
        assert collections.child(tx, ann.home.id, "work") == again
        kept = collections.get(tx, tombstone.id)
    assert kept == tombstone
    assert (kept.deleted, kept.name) == (True, "work")


def test_creating_and_deleting_moves_the_home_and_changes_of_members_do_not(ann):
    def revision():
        with ann.store.read() as tx:
            return collections.get(tx, ann.home.id).revision

    start = revision()
    ann.put("a.ics")
    assert revision() == start
    made = _create(ann, "other")
    assert revision() == start + 1
    ann.store.write(lambda tx: collections.delete(tx, made.id, 9))
    assert revision() == start + 2


def test_nothing_is_done_to_a_deleted_collection(ann):
    ann.put("a.ics")
    ann.store.write(lambda tx: collections.delete(tx, ann.calendar.id, 9))
    for work in (
        lambda tx: collections.delete(tx, ann.calendar.id, 10),
        lambda tx: collections.set_properties(tx, ann.calendar.id, {NOTE: "x"}, 10),
        lambda tx: collections.lock(tx, ann.calendar.id),
    ):
        with pytest.raises(Gone):
            ann.store.write(work)
    with pytest.raises(Gone):
        ann.put("b.ics")
    with pytest.raises(Gone):
        ann.delete("a.ics")
    with pytest.raises(ValueError):
        ann.store.write(lambda tx: collections.delete(tx, ann.home.id, 10))


def test_properties_are_replaced_and_move_the_revision_once(ann):
    changed = ann.store.write(
        lambda tx: collections.set_properties(tx, ann.calendar.id, {NOTE: "1"}, 50)
    )
    assert changed.revision == ann.calendar.revision + 1
    assert (changed.properties, changed.modified) == ({NOTE: "1"}, 50)
    again = ann.store.write(
        lambda tx: collections.set_properties(tx, ann.calendar.id, {NOTE: "1"}, 60)
    )
    assert again == changed == ann.state()
    page = ann.page(ann.page(None).next)
    assert page.objects == []
