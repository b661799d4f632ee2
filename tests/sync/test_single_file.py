"""One file as a Side: nothing in it is lost, whatever else is in it."""

from pathlib import Path

import pytest

from davenport.dav import xml
from davenport.dav.caldav import CALENDAR_COLOR
from davenport.dav.webdav import DISPLAYNAME
from davenport.sync import files
from davenport.sync.side import (
    CollectionMissing,
    CollectionSide,
    Exists,
    ReadOnly,
    Rejected,
    SideError,
    Stale,
)
from davenport.sync.single_file import SingleFileSide
from davenport.sync.uid import uid_of
from tests.bodies import calendar, card, event

PROPERTIES = {
    DISPLAYNAME.name: xml.text_element(DISPLAYNAME.name, "Work, Play"),
    CALENDAR_COLOR.name: xml.text_element(CALENDAR_COLOR.name, "#112233"),
}


def opened(path: Path) -> CollectionSide:
    side = SingleFileSide(path)
    [info] = side.collections()
    return side.open(info.href)


def uids(side: CollectionSide) -> set[str | None]:
    return {uid_of(item.body) for item in side.fetch(list(side.changes(None).entries))}


def test_a_new_file_keeps_name_and_colour(tmp_path: Path) -> None:
    side = SingleFileSide(tmp_path / "work.ics")
    assert side.collections() == []
    made = side.make("calendar", "work", PROPERTIES, ("VEVENT",))
    assert (made.info.displayname, made.info.color) == ("Work, Play", "#112233")
    made.create("a.ics", event("a"))
    assert opened(tmp_path / "work.ics").info == made.info
    with pytest.raises(Exists):
        side.make("calendar", "work", PROPERTIES, ())
    with pytest.raises(Rejected):
        side.make("addressbook", "work", {}, ())


@pytest.mark.parametrize("extension", [".ics", ".vcf"])
def test_objects_come_and_go(tmp_path: Path, extension: str) -> None:
    calendars = extension == ".ics"
    body = event if calendars else card
    side = SingleFileSide(tmp_path / f"all{extension}").make(
        "calendar" if calendars else "addressbook", "all", {}, ()
    )
    assert side.changes(None).cursor is None
    hrefs = {uid: side.create("x", body(uid)).href for uid in "abc"}
    listing = side.changes(None)
    assert set(listing.entries) == set(hrefs.values())
    assert side.changes(listing.cursor).entries == {}
    with pytest.raises(Exists):
        side.create("y", body("a"))
    etag = listing.entries[hrefs["b"]]
    written = side.update(hrefs["b"], body("b", "New"), etag)
    assert written.etag == side.changes(None).entries[hrefs["b"]] != etag
    for stale in (
        lambda: side.update(hrefs["b"], body("b"), etag),
        lambda: side.delete(hrefs["b"], etag),
    ):
        with pytest.raises(Stale):
            stale()
    side.delete(hrefs["a"], listing.entries[hrefs["a"]])
    side.delete(hrefs["a"], listing.entries[hrefs["a"]])
    assert side.exists(hrefs["a"]) is False
    assert side.exists(hrefs["b"]) is True
    assert side.find_uid("c") == hrefs["c"]
    assert uids(side) == {"b", "c"}
    assert listing.entries[hrefs["c"]] == side.changes(None).entries[hrefs["c"]]


def test_what_cannot_be_read_stops_writing_and_deleting(tmp_path: Path) -> None:
    path = tmp_path / "odd.ics"
    broken = event("a") + b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:cut\r\n"
    path.write_bytes(broken)
    side = opened(path)
    listing = side.changes(None)
    assert not listing.complete
    assert listing.cursor is None
    with pytest.raises(ReadOnly):
        side.create("b", event("b"))
    assert side.exists("nowhere.ics") is None
    assert path.read_bytes() == broken


def test_what_was_written_meanwhile_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "busy.ics"
    path.write_bytes(event("a"))
    side = opened(path)
    other = calendar("BEGIN:VEVENT", "UID:theirs", "END:VEVENT")
    write = files.write

    def late(at: Path, body: bytes, check) -> str:
        path.write_bytes(other)
        return write(at, body, check)

    monkeypatch.setattr(files, "write", late)
    with pytest.raises(Stale):
        side.create("b", event("b"))
    assert path.read_bytes() == other
    assert [one.name for one in tmp_path.iterdir()] == ["busy.ics"]


def test_a_missing_file_is_not_an_empty_one(tmp_path: Path) -> None:
    path = tmp_path / "a.ics"
    path.write_bytes(event("a"))
    side = opened(path)
    path.unlink()
    with pytest.raises(CollectionMissing):
        side.changes(None)
    assert side.exists("x") is None
    with pytest.raises(SideError):
        SingleFileSide(tmp_path / "a.txt")
