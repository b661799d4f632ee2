"""What a folder of files owes to those who use it beside the sync: whole files, no surprises."""

from pathlib import Path

import pytest

from davenport.sync.side import Rejected, SideError, Stale
from davenport.sync.vdir import VdirCollection, VdirSide
from tests.bodies import card, event


@pytest.fixture
def folder(tmp_path: Path) -> VdirCollection:
    return VdirSide(tmp_path / "root").make("calendar", "work", {}, ())


def place(tmp_path: Path) -> Path:
    return tmp_path / "root" / "work"


def test_only_visible_objects_are_members(tmp_path: Path, folder: VdirCollection) -> None:
    work = place(tmp_path)
    (work / "a.ics").write_bytes(event("a"))
    (work / ".hidden.ics").write_bytes(event("h"))
    (work / "a.ics.tmp").write_bytes(event("t"))
    (work / "notes.txt").write_text("x")
    (work / "sub.ics").mkdir()
    (tmp_path / "outside.ics").write_bytes(event("o"))
    (work / "link.ics").symlink_to(tmp_path / "outside.ics")
    (work / "a b ü.ics").write_bytes(event("u"))
    assert set(folder.changes(None).entries) == {"a.ics", "a b ü.ics"}
    assert list(folder.fetch(["link.ics", "../../outside.ics", "sub.ics", ".hidden.ics"])) == []
    assert folder.exists("link.ics") is False


@pytest.mark.parametrize("href", ["../../x.ics", "/x.ics", "", ".x.ics", "a/b.ics", "x\0.ics"])
def test_no_href_leads_out_of_the_folder(tmp_path: Path, folder: VdirCollection, href: str) -> None:
    with pytest.raises((Rejected, Stale)):
        folder.update(href, event("a"), '"x"')
    folder.delete(href, '"x"')
    assert folder.exists(href) is False
    assert sorted(p.name for p in tmp_path.rglob("*")) == [".collection", "root", "work"]


def test_a_failed_write_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, folder: VdirCollection
) -> None:
    written = folder.create("a.ics", event("a"))
    before = (place(tmp_path) / "a.ics").read_bytes()
    with pytest.raises(Stale):
        folder.update(written.href, event("a", "new"), '"other"')
    assert (place(tmp_path) / "a.ics").read_bytes() == before
    assert sorted(p.name for p in place(tmp_path).iterdir()) == [".collection", "a.ics"]


def test_an_edit_of_equal_length_is_seen(tmp_path: Path, folder: VdirCollection) -> None:
    written = folder.create("a.ics", event("a", "one"))
    (place(tmp_path) / "a.ics").write_bytes(event("a", "two"))
    assert folder.changes(None).entries[written.href] != written.etag
    with pytest.raises(Stale):
        folder.delete(written.href, written.etag or "")


def test_a_foreign_folder_is_known_by_its_files(tmp_path: Path) -> None:
    (tmp_path / "people").mkdir()
    (tmp_path / "people" / "ada.vcf").write_bytes(card("ada"))
    (tmp_path / "people" / "displayname").write_text("People\n")
    (tmp_path / "empty").mkdir()
    (tmp_path / ".git").mkdir()
    (tmp_path / "loose.ics").write_bytes(event("a"))
    found = {one.href: (one.kind, one.displayname) for one in VdirSide(tmp_path).collections()}
    assert found == {
        ".": ("calendar", None),
        "empty": ("calendar", None),
        "people": ("addressbook", "People"),
    }


def test_a_missing_root_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SideError):
        VdirSide(tmp_path / "nowhere").collections()
