"""davenport import and export: splitting, refusals, doing it twice, and coming back unaltered."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from davenport.cli.import_objects import object_name
from davenport.cli.main import davenport
from davenport.storage import collections, object_resources, principals
from davenport.storage.database import Store
from davenport.storage.model import HOME_KINDS, CollectionKind
from davenport.storage.open import open_store


def event(uid: str, summary: str = "Meeting", extra: str = "") -> str:
    return (
        f"BEGIN:VEVENT\r\nUID:{uid}\r\nDTSTAMP:20260101T000000Z\r\nDTSTART:20260102T100000Z\r\n"
        f"SUMMARY:{summary}\r\n{extra}END:VEVENT\r\n"
    )


def calendar(*components: str) -> bytes:
    head = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//y\r\n"
    return (head + "".join(components) + "END:VCALENDAR\r\n").encode()


def card(uid: str, name: str = "Ann") -> bytes:
    return f"BEGIN:VCARD\r\nVERSION:3.0\r\nUID:{uid}\r\nFN:{name}\r\nEND:VCARD\r\n".encode()


TODO = "BEGIN:VTODO\r\nUID:t1\r\nDTSTAMP:20260101T000000Z\r\nSUMMARY:Buy milk\r\nEND:VTODO\r\n"
BACKWARDS = event("bad", "Backwards", "DTEND:20250101T000000Z\r\n")


class Place:
    """A data folder with the account ann, and a folder for files."""

    def __init__(self, folder: Path) -> None:
        self.data = folder / "data"
        self.files = folder / "files"
        self.files.mkdir()
        result = self.run("user", "add", "ann", "--password-stdin", stdin="x\n")
        assert result.exit_code == 0, result.output

    def run(self, *arguments: object, stdin: str | None = None) -> Result:
        words = ["--data", str(self.data), *map(str, arguments)]
        return CliRunner().invoke(davenport, words, input=stdin)

    def write(self, name: str, content: bytes) -> Path:
        path = self.files / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    def load(self, *arguments: object, into: str = "ann/calendar", code: int = 0) -> dict:
        """Import with --json; the answer."""
        result = self.run("import", *arguments, "--into", into, "--json")
        assert result.exit_code == code, result.output
        return json.loads(result.stdout)

    def objects(self, name: str = "calendar") -> dict[str, bytes]:
        """Names and bytes of a collection."""
        with self.opened() as store, store.read() as tx:
            ann = principals.by_name(tx, "ann")
            homes = [collections.home(tx, ann.id, kind) for kind in HOME_KINDS]
            found = [collections.child(tx, home.id, name) for home in homes]
            (collection,) = [one for one in found if one]
            rows = object_resources.list_page(tx, collection.id, None, 10_000)
            return {row.name: object_resources.body(tx, row) for row in rows}

    def revision(self) -> int:
        with self.opened() as store, store.read() as tx:
            ann = principals.by_name(tx, "ann")
            home = collections.home(tx, ann.id, CollectionKind.CALENDAR_HOME)
            return collections.child(tx, home.id, "calendar").revision

    @contextmanager
    def opened(self) -> Iterator[Store]:
        store = open_store(self.data / "davenport.sqlite3")
        try:
            yield store
        finally:
            store.close()


@pytest.fixture
def place(tmp_path, monkeypatch) -> Place:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("DAVENPORT_DATA", raising=False)
    return Place(tmp_path)


COUNTS = ("added", "replaced", "unchanged", "differs", "refused")


def counts(answer: dict) -> tuple[int, ...]:
    return tuple(answer[name] for name in COUNTS)


def test_a_file_is_split_by_uid_and_importing_twice_changes_nothing(place):
    override = event("u7", "x", "RECURRENCE-ID:20260102T100000Z\r\n")
    path = place.write("old.ics", calendar(*(event(f"u{n}") for n in range(450)), override))
    assert counts(place.load(path)) == (450, 0, 0, 0, 0)
    stored = place.objects()
    assert len(stored) == 450
    assert stored["u7.ics"].count(b"BEGIN:VEVENT") == 2
    before = place.revision()
    assert counts(place.load(path)) == (0, 0, 450, 0, 0)
    assert place.revision() == before


def test_a_single_object_is_stored_byte_for_byte(place):
    body = calendar(event("one")).replace(b"\r\n", b"\n") + b"\n"
    place.load(place.write("one.ics", body))
    assert place.objects() == {"one.ics": body}


def test_what_is_refused_is_named_with_its_place_and_the_exit_code_is_1(place):
    path = place.write("mixed.ics", calendar(event("good"), TODO, BACKWARDS))
    answer = place.load(path, code=1)
    assert counts(answer) == (1, 0, 0, 0, 2)
    todo, backwards = answer["refused_objects"]
    assert (todo["summary"], todo["line"], todo["file"]) == ("Buy milk", 10, str(path))
    assert todo["reason"] == "this calendar takes VEVENT, not VTODO"
    assert "DTEND lies before DTSTART" in backwards["reason"]
    result = place.run("import", path, "--into", "ann/calendar")
    assert result.exit_code == 1
    assert "0 replaced, 1 unchanged, 0 differ, 2 refused" in result.stdout
    assert f"{path}, line 10 'Buy milk': this calendar takes VEVENT, not VTODO" in result.stdout


def test_an_object_with_other_bytes_is_told_and_replaced_only_on_request(place):
    place.load(place.write("a.ics", calendar(event("u1", "Old"))))
    path = place.write("b.ics", calendar(event("u1", "New")))
    answer = place.load(path)
    assert counts(answer) == (0, 0, 0, 1, 0)
    assert answer["differing_objects"][0]["uid"] == "u1"
    assert b"Old" in place.objects()["u1.ics"]
    assert counts(place.load(path, "--replace")) == (0, 1, 0, 0, 0)
    assert b"New" in place.objects()["u1.ics"]


@pytest.mark.parametrize("replace", [[], ["--replace"]])
def test_a_dry_run_tells_what_an_import_does_and_stores_nothing(place, replace):
    place.load(place.write("there.ics", calendar(event("u1"))))
    paths = [
        place.write("a.ics", calendar(event("u1"), event("u2", "first"), TODO)),
        place.write("b.ics", calendar(event("u2", "second"), event("u3"))),
        place.write("c.ics", calendar(event("u3"))),
    ]
    before = place.objects()
    planned = place.load(*paths, "--dry-run", *replace, code=1)
    assert place.objects() == before
    done = place.load(*paths, *replace, code=1)
    assert counts(planned) == counts(done)
    assert (planned["dry_run"], done["dry_run"]) == (True, False)


def test_a_folder_gives_the_files_that_fit_the_collection(place):
    place.write("sub/a.ics", calendar(event("a")))
    place.write("sub/deep/B.ICS", calendar(event("b")))
    place.write("sub/c.vcf", card("c"))
    place.write("sub/.hidden/d.ics", calendar(event("d")))
    place.write("sub/notes.txt", b"x")
    assert counts(place.load(place.files / "sub")) == (2, 0, 0, 0, 0)
    assert counts(place.load(place.files / "sub", into="ann/contacts")) == (1, 0, 0, 0, 0)
    assert place.objects("contacts") == {"c.vcf": card("c")}


def test_cards_are_split(place):
    path = place.write("all.vcf", b"".join(card(f"c{n}", f"Name {n}") for n in range(5)))
    assert counts(place.load(path, into="ann/contacts")) == (5, 0, 0, 0, 0)
    assert place.objects("contacts")["c3.vcf"] == card("c3", "Name 3")


def test_tasks_go_into_the_task_list(place):
    assert counts(place.load(place.write("t.ics", calendar(TODO)), into="Ann/tasks"))[0] == 1


def test_the_size_limit_of_put_holds(place):
    (place.data / "davenport.toml").write_text("limits.calendar_object = 300\n")
    path = place.write("a.ics", calendar(event("small"), event("large", "x" * 400)))
    answer = place.load(path, code=1)
    assert counts(answer) == (1, 0, 0, 0, 1)
    assert answer["refused_objects"][0]["reason"] == "the object is larger than 300 bytes"


def test_a_uid_too_long_for_the_index_is_refused(place):
    path = place.write("a.ics", calendar(event("é" * 513), event("fine")))
    answer = place.load(path, code=1)
    assert counts(answer) == (1, 0, 0, 0, 1)
    assert "the UID is longer than 1024 bytes" in answer["refused_objects"][0]["reason"]


@pytest.mark.parametrize("content", [b"", b"hello\n", b"\x00\xff" * 50, card("c")])
def test_a_file_without_objects_is_refused(place, content):
    answer = place.load(place.write("a.ics", content), code=1)
    assert answer["added"] == 0
    assert answer["refused"] >= 1


def test_text_of_a_file_cannot_steer_the_terminal(place):
    path = place.write("a.ics", calendar(TODO.replace("Buy milk", "\x9b31mred")))
    result = place.run("import", path, "--into", "ann/calendar")
    assert result.exit_code == 1
    assert "\x9b" not in result.output


def test_names_come_from_uids_where_these_are_plain_and_never_clash(place):
    uids = ["plain-1@x.org", "a/b", "..", "ä", "x" * 300]
    place.load(place.write("a.ics", calendar(*map(event, uids))))
    names = set(place.objects())
    assert "plain-1@x.org.ics" in names
    assert len(names) == len(uids)
    # A client's own object already bears the name that a UID would get.
    taken = place.write("b.ics", calendar(event("other")))
    place.load(taken)
    with place.opened() as store:
        move_uid(store, "other.ics", "renamed")
    place.load(taken)
    assert len(place.objects()) == len(uids) + 2


def move_uid(store, name: str, uid: str) -> None:
    def work(tx):
        tx.execute("UPDATE object SET uid = :uid WHERE name = :name", {"uid": uid, "name": name})

    store.write(work)


@given(uid=st.text(min_size=1))
def test_a_name_made_of_a_uid_is_a_plain_file_name(uid):
    name = object_name(uid, ".ics")
    assert name.isascii()
    assert len(name) <= 255
    assert name.endswith(".ics")
    assert not set(name) & set('/\\:*?"<>|\0\n%')
    assert not name.startswith((".", "-"))


@pytest.mark.parametrize(
    "arguments, code, reason",
    [
        (("import", "FILE", "--into", "ann"), 2, "USER/COLLECTION"),
        (("import", "FILE", "--into", "ann/none"), 1, "there are: calendar, tasks, contacts"),
        (("import", "FILE", "--into", "bob/calendar"), 1, "There is no user bob"),
        (("import", "FILE", "--into", "a/b/c"), 2, "USER/COLLECTION"),
        (("import", "missing.ics", "--into", "ann/calendar"), 2, "does not exist"),
        (("import", "EMPTY", "--into", "ann/calendar"), 1, "There is no .ics"),
        (("export", "ann", "-o", "all.ics"), 2, "One file holds one collection"),
        (("export", "ann/none", "-o", "none.ics"), 1, "has no collection 'none'"),
        (("export", "ann/calendar", "-o", "x.vcf"), 2, "calendar is a calendar"),
        (("export", "ann/contacts", "-o", "x.ics"), 2, "contacts is an address book"),
    ],
)
def test_what_cannot_be_done_is_told(place, monkeypatch, arguments, code, reason):
    monkeypatch.chdir(place.files)
    (place.files / "empty").mkdir()
    words = {"FILE": place.write("a.ics", calendar(event("a"))), "EMPTY": place.files / "empty"}
    result = place.run(*(words.get(word, word) for word in arguments))
    assert result.exit_code == code, result.output
    assert reason in result.stderr


# Export


def fill(place: Place) -> None:
    for uid in ("a", "b"):
        place.load(place.write(f"in/{uid}.ics", calendar(event(uid))))
    place.load(place.write("in/c.vcf", card("c")), into="ann/contacts")


def test_a_collection_is_exported_into_a_folder_byte_for_byte(place):
    fill(place)
    out = place.files / "new" / "out"
    result = place.run("export", "ann/calendar", "-o", out)
    assert (result.exit_code, result.stdout) == (0, f"Exported 2 objects to {out}.\n")
    assert {path.name: path.read_bytes() for path in out.iterdir()} == place.objects()
    assert [path.name for path in out.parent.iterdir()] == ["out"], "nothing temporary is left"


def test_all_of_a_user_is_exported_into_a_folder_for_each_collection(place):
    fill(place)
    out = place.files / "out"
    answer = json.loads(place.run("export", "ann", "-o", out, "--json").stdout)
    assert answer == {"path": str(out), "objects": 3, "left_out": 0}
    files = sorted(str(p.relative_to(out)) for p in out.rglob("*"))
    assert files == [
        "addressbooks", "addressbooks/contacts", "addressbooks/contacts/c.vcf",
        "calendars", "calendars/calendar", "calendars/calendar/a.ics",
        "calendars/calendar/b.ics", "calendars/tasks",
    ]  # fmt: skip


def test_one_file_holds_the_collection_and_comes_back(place):
    fill(place)
    out = place.files / "all.ics"
    assert place.run("export", "ann/calendar", "-o", out).exit_code == 0
    text = out.read_bytes()
    assert text.count(b"BEGIN:VCALENDAR") == 1
    assert b"X-WR-CALNAME:Calendar\r\n" in text
    place.run("user", "add", "bob", "--password-stdin", stdin="x\n")
    assert counts(place.load(out, into="bob/calendar")) == (2, 0, 0, 0, 0)
    cards = place.files / "all.vcf"
    place.run("export", "ann/contacts", "-o", cards)
    assert cards.read_bytes() == card("c")


def test_nothing_is_overwritten_without_force(place):
    fill(place)
    file, folder = place.write("all.ics", b"mine"), place.write("out/mine.txt", b"mine").parent
    place.write("out/a.ics", b"old")
    for out in (file, folder):
        result = place.run("export", "ann/calendar", "-o", out)
        assert (result.exit_code, "--force" in result.stderr) == (1, True)
    assert (file.read_bytes(), (folder / "a.ics").read_bytes()) == (b"mine", b"old")
    for out in (file, folder):
        assert place.run("export", "ann/calendar", "-o", out, "--force").exit_code == 0
    assert file.read_bytes().startswith(b"BEGIN:VCALENDAR")
    assert (folder / "a.ics").read_bytes() == place.objects()["a.ics"]
    assert (folder / "mine.txt").read_bytes() == b"mine", "other files stay"


def test_an_empty_folder_needs_no_force(place):
    fill(place)
    (place.files / "out").mkdir()
    assert place.run("export", "ann/calendar", "-o", place.files / "out").exit_code == 0
    assert len(list((place.files / "out").iterdir())) == 2


def test_names_that_are_no_file_names_become_safe_ones(place):
    names = ["..", "../../x", "a/b", "A.ics", "a.ics", ".hidden", "CON\\x", "no extension", "ü.ics"]

    def rename(tx):
        rows = tx.all("SELECT id FROM object ORDER BY id", {})
        for (id_,), name in zip(rows, names, strict=True):
            tx.execute("UPDATE object SET name = :name WHERE id = :id", {"name": name, "id": id_})

    place.load(place.write("in.ics", calendar(*(event(f"u{n}") for n in range(len(names))))))
    with place.opened() as store:
        store.write(rename)
    out = place.files / "out"
    assert place.run("export", "ann/calendar", "-o", out).exit_code == 0
    written = [path.name for path in out.iterdir()]
    assert len({name.casefold() for name in written}) == len(names)
    assert all(name.endswith(".ics") and not name.startswith(".") for name in written)
    assert {"no extension.ics", "ü.ics"} <= set(written)


def test_what_cannot_be_read_is_left_out_of_one_file_but_not_in_silence(place):
    fill(place)
    with place.opened() as store:
        spoil = "UPDATE version SET body = :body WHERE object_id = 1"
        store.write(lambda tx: tx.execute(spoil, {"body": b"\xff"}))
    result = place.run("export", "ann/calendar", "-o", place.files / "all.ics")
    assert result.exit_code == 1
    assert "1 objects that cannot be read were left out" in result.stderr
    result = place.run("export", "ann/calendar", "-o", place.files / "out")
    assert (result.exit_code, len(list((place.files / "out").iterdir()))) == (0, 2)
