"""What every Side owes the engine, held against davenport, Radicale, Xandikos and a folder."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from davenport.dav import xml
from davenport.dav.caldav import CALENDAR_COLOR
from davenport.dav.webdav import DISPLAYNAME
from davenport.sync.remote_collection import RemoteCollection
from davenport.sync.side import (
    CollectionMissing,
    CollectionSide,
    Exists,
    Kind,
    Listing,
    Side,
    Stale,
)
from davenport.sync.uid import uid_of
from davenport.sync.vdir import VdirCollection
from tests.bodies import card, event
from tests.sync.sides import davenport_side, radicale_side, vdir_side, xandikos_side

SIDES = {
    "davenport": davenport_side,
    "radicale": radicale_side,
    "xandikos": xandikos_side,
    "folder": vdir_side,
}
PROPERTIES = {
    DISPLAYNAME.name: xml.text_element(DISPLAYNAME.name, "Work & Play"),
    CALENDAR_COLOR.name: xml.text_element(CALENDAR_COLOR.name, "#112233"),
}


@pytest.fixture(scope="module", params=SIDES.values(), ids=SIDES.keys())
def side(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Side]:
    opened: AbstractContextManager[Side] = request.param(tmp_path_factory.mktemp("side") / "data")
    with opened as running:
        yield running


_made = iter(range(1_000_000))


def make(side: Side, kind: Kind = "calendar") -> CollectionSide:
    properties = PROPERTIES if kind == "calendar" else {}
    return side.make(kind, f"c{next(_made)}", properties, ("VEVENT",) if kind == "calendar" else ())


@pytest.fixture
def calendar(side: Side) -> CollectionSide:
    return make(side)


def present(collection: CollectionSide) -> dict[str, str]:
    """All members by a baseline listing."""
    listing = collection.changes(None)
    assert listing.whole
    assert listing.complete
    assert not listing.absent
    return dict(listing.entries)


def gone(listing: Listing, before: dict[str, str]) -> set[str]:
    """What a listing leaves of `before`."""
    return set(before) - set(listing.entries) if listing.whole else set(listing.absent)


def etag_now(collection: CollectionSide, href: str) -> str:
    return next(collection.fetch([href])).etag


def test_a_new_collection_is_listed_with_its_properties(side: Side) -> None:
    made = make(side)
    listed = {info.href: info for info in side.collections()}[made.info.href]
    assert listed == made.info
    assert (listed.kind, listed.displayname, listed.read_only) == ("calendar", "Work & Play", False)
    assert (listed.color or "")[:7] == "#112233"
    assert xml.element_text(listed.properties[DISPLAYNAME.name]) == "Work & Play"
    assert listed.components == ("VEVENT",)


def test_a_taken_name_is_not_made_again(side: Side, calendar: CollectionSide) -> None:
    calendar.create("a.ics", event("a"))
    with pytest.raises(Exists):
        side.make("calendar", calendar.info.name, {}, ())
    assert len(present(calendar)) == 1


def test_an_address_book_takes_cards(side: Side) -> None:
    book = make(side, "addressbook")
    assert book.info.kind == "addressbook"
    written = book.create("ada.vcf", card("ada").replace(b"4.0", b"3.0"))
    [item] = book.fetch([written.href])
    assert uid_of(item.body) == "ada"
    assert book.find_uid("ada") == written.href


def test_an_object_comes_back_where_it_was_put(calendar: CollectionSide) -> None:
    written = calendar.create("a.ics", event("a", "Straße; \\n"))
    entries = present(calendar)
    assert list(entries) == [written.href]
    [item] = calendar.fetch([written.href])
    assert item.href == written.href
    assert item.etag == entries[written.href]
    assert b"Stra\xc3\x9fe" in item.body
    assert item.body.count(b"\r\n") == item.body.count(b"\n")
    assert uid_of(item.body) == "a"


@pytest.mark.parametrize("name", ["../../x.ics", "a b@ü.ics", ".hidden.ics", "x" * 300 + ".ics"])
def test_any_name_becomes_a_member(calendar: CollectionSide, name: str) -> None:
    written = calendar.create(name, event("odd"))
    assert list(present(calendar)) == [written.href]
    assert calendar.exists(written.href) is True


def test_a_taken_name_is_not_overwritten(calendar: CollectionSide) -> None:
    written = calendar.create("a.ics", event("a"))
    with pytest.raises(Exists):
        calendar.create("a.ics", event("b"))
    [item] = calendar.fetch([written.href])
    assert uid_of(item.body) == "a"


def test_an_update_needs_the_etag_of_now(calendar: CollectionSide) -> None:
    href = calendar.create("a.ics", event("a", "one")).href
    first = etag_now(calendar, href)
    assert calendar.update(href, event("a", "two"), first).href == href
    with pytest.raises(Stale):
        calendar.update(href, event("a", "three"), first)
    [item] = calendar.fetch([href])
    assert b"SUMMARY:two" in item.body
    assert item.etag != first


def test_an_update_makes_nothing_anew(calendar: CollectionSide) -> None:
    href = calendar.create("a.ics", event("a")).href
    etag = etag_now(calendar, href)
    calendar.delete(href, etag)
    with pytest.raises(Stale):
        calendar.update(href, event("a"), etag)
    assert present(calendar) == {}


def test_a_delete_needs_the_etag_of_now(calendar: CollectionSide) -> None:
    href = calendar.create("a.ics", event("a", "one")).href
    first = etag_now(calendar, href)
    calendar.update(href, event("a", "two"), first)
    with pytest.raises(Stale):
        calendar.delete(href, first)
    assert calendar.exists(href) is True
    now = etag_now(calendar, href)
    calendar.delete(href, now)
    assert calendar.exists(href) is False
    calendar.delete(href, now)


def test_changes_since_a_cursor(calendar: CollectionSide) -> None:
    hrefs = {name: calendar.create(f"{name}.ics", event(name)).href for name in "abc"}
    first = calendar.changes(None)
    assert first.cursor is not None
    assert set(first.entries) == set(hrefs.values())
    idle = calendar.changes(first.cursor)
    assert (idle.entries, idle.absent, idle.complete, idle.whole) == ({}, frozenset(), True, False)
    calendar.delete(hrefs["a"], first.entries[hrefs["a"]])
    calendar.update(hrefs["b"], event("b", "new"), first.entries[hrefs["b"]])
    added = calendar.create("d.ics", event("d")).href
    then = calendar.changes(idle.cursor)
    assert {hrefs["b"], added} <= set(then.entries)
    assert then.entries[hrefs["b"]] != first.entries[hrefs["b"]]
    assert gone(then, dict(first.entries)) == {hrefs["a"]}
    assert calendar.changes(then.cursor).entries == {}


def test_an_empty_baseline_gives_no_cursor(calendar: CollectionSide) -> None:
    listing = calendar.changes(None)
    assert (listing.entries, listing.cursor) == ({}, None)


def test_a_foreign_cursor_leads_to_all_members(calendar: CollectionSide) -> None:
    href = calendar.create("a.ics", event("a")).href
    for cursor in ("token urn:nobody:1", "ctag nothing"):
        listing = calendar.changes(cursor)
        assert listing.whole
        assert list(listing.entries) == [href]


def test_many_members_are_fetched_in_batches(calendar: CollectionSide) -> None:
    hrefs = [calendar.create(f"m{n}.ics", event(f"m{n}")).href for n in range(70)]
    missing = hrefs[0].replace("m0", "not-there")
    fetched = {item.href: uid_of(item.body) for item in calendar.fetch([*hrefs, missing])}
    assert fetched == {href: f"m{n}" for n, href in enumerate(hrefs)}


def test_a_uid_is_found(calendar: CollectionSide) -> None:
    calendar.create("b.ics", event("look-for-me-not"))
    href = calendar.create("a.ics", event("look-for-me")).href
    assert calendar.find_uid("look-for-me") == href
    assert calendar.find_uid("nobody") is None


def test_the_same_collection_has_the_same_identity(side: Side) -> None:
    one, other = make(side), make(side)
    assert side.open(one.info.href).identity() == one.identity()
    assert one.identity() != other.identity()


def test_a_missing_collection_is_not_an_empty_one(side: Side, calendar: CollectionSide) -> None:
    href = calendar.info.href
    missing = href.replace(calendar.info.name, "never-made")
    with pytest.raises(CollectionMissing):
        side.open(missing)


def test_a_missing_folder_is_not_an_empty_one(tmp_path: Path) -> None:
    with vdir_side(tmp_path / "data") as side:
        calendar = make(side)
        (tmp_path / "data" / calendar.info.name / ".collection").unlink()
        (tmp_path / "data" / calendar.info.name / "displayname").unlink()
        (tmp_path / "data" / calendar.info.name / "color").unlink()
        (tmp_path / "data" / calendar.info.name).rmdir()
        with pytest.raises(CollectionMissing):
            calendar.changes(None)
        assert calendar.exists("a.ics") is None


def test_a_property_is_set(side: Side) -> None:
    made = make(side)
    assert isinstance(made, RemoteCollection | VdirCollection)
    assert made.set_property(xml.text_element(DISPLAYNAME.name, "Zuhause <&>"))
    assert side.open(made.info.href).info.displayname == "Zuhause <&>"
