"""vdirsyncer's own command against the served program: both ways, calendars and contacts, edits
and deletes."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.clients import seed
from tests.served import PASSWORD, Served, serve
from tests.wire import Connection, propfind

VDIRSYNCER = Path(sys.executable).with_name("vdirsyncer")
CONFIGURATION = """
[general]
status_path = "{folder}/status/"

[pair mine]
a = "local"
b = "remote"
collections = ["from a", "from b"]
metadata = {metadata}
conflict_resolution = "a wins"

[storage local]
type = "filesystem"
path = "{folder}/local/"
fileext = "{suffix}"

[storage remote]
type = "{kind}"
url = "{url}"
username = "ann"
password = "{password}"
"""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of data and where it is on both sides."""

    storage: str
    suffix: str
    home: str
    collection: str
    metadata: str

    def body(self, uid: str, title: str) -> str:
        """An object."""
        return seed.event(uid, summary=title) if self.suffix == ".ics" else seed.card(uid, title)


KINDS = (
    Kind("caldav", ".ics", "/dav/calendars/ann/", "calendar", '["color", "displayname"]'),
    Kind("carddav", ".vcf", "/dav/addressbooks/ann/", "contacts", '["displayname"]'),
)


@dataclass(frozen=True, slots=True)
class Pair:
    """vdirsyncer's folder on one side, the server on the other."""

    kind: Kind
    folder: Path
    wire: Connection

    def run(self, *arguments: str) -> str:
        """Run the command; it must succeed. It is told yes wherever it asks."""
        done = subprocess.run(
            [VDIRSYNCER, "-c", self.folder / "config", *arguments],
            input="y\n" * 20,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        output = done.stdout + done.stderr
        assert done.returncode == 0, output
        return output

    def sync(self) -> None:
        """Synchronise, and again: the second run must find nothing to do."""
        self.run("sync")
        assert "Copying" not in self.run("sync")

    def local(self, name: str = "") -> Path:
        """The folder of the collection, or a file in it."""
        return self.folder / "local" / self.kind.collection / name

    def href(self, uid: str) -> str:
        """Where an object of ours is on the server."""
        return f"{self.kind.home}{self.kind.collection}/{uid}{self.kind.suffix}"

    def put(self, uid: str, title: str) -> None:
        """Store on the server."""
        assert self.wire.request("PUT", self.href(uid), self.kind.body(uid, title)).status < 300

    def texts(self) -> tuple[set[str], set[str]]:
        """The objects' texts here and there."""
        here = {path.read_text() for path in self.local().glob(f"*{self.kind.suffix}")}
        folder = self.href("").removesuffix(self.kind.suffix)
        listed = propfind(self.wire, folder, "{DAV:}getetag", depth="1").members
        there = {
            self.wire.request("GET", member.href).body.decode()
            for member in listed
            if member.href.endswith(self.kind.suffix)
        }
        return ({same_ends(text) for text in here}, {same_ends(text) for text in there})


def same_ends(text: str) -> str:
    """vdirsyncer writes LF files; line ends aside, nothing may differ."""
    return text.replace("\r\n", "\n").strip()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serve(tmp_path_factory.mktemp("vdirsyncer") / "data") as running:
        yield running


@pytest.fixture(params=["/", "/dav/"], ids=["host", "context path"])
def url(request: pytest.FixtureRequest, served: Served) -> str:
    return served.origin + str(request.param)


@pytest.fixture
def wire(served: Served) -> Iterator[Connection]:
    with served.connect("ann") as connection:
        yield connection


def paired(kind: Kind, folder: Path, url: str, wire: Connection) -> Pair:
    """A pair with its configuration written and its collections discovered."""
    configuration = CONFIGURATION.format(
        folder=folder,
        suffix=kind.suffix,
        kind=kind.storage,
        url=url,
        password=PASSWORD,
        metadata=kind.metadata,
    )
    (folder / "config").write_text(configuration)
    (folder / "local").mkdir()
    pair = Pair(kind, folder, wire)
    pair.run("discover")
    return pair


@pytest.mark.parametrize("kind", KINDS, ids=[kind.storage for kind in KINDS])
def test_discovers_from_any_url(kind: Kind, tmp_path: Path, url: str, wire: Connection) -> None:
    assert paired(kind, tmp_path, url, wire).local().is_dir()


@pytest.mark.parametrize("kind", KINDS, ids=[kind.storage for kind in KINDS])
def test_both_sides_change_and_meet(
    kind: Kind, tmp_path: Path, served: Served, wire: Connection
) -> None:
    pair = paired(kind, tmp_path, served.origin + "/dav/", wire)
    for uid in ("one", "two", "three"):
        pair.put(uid, f"{uid.title()} There")
    for uid in ("four", "five", "six"):
        pair.local(f"{uid}{kind.suffix}").write_text(kind.body(uid, f"{uid.title()} Here"))
    pair.sync()
    here, there = pair.texts()
    assert here == there
    assert len(here) == 6

    pair.put("one", "One Changed-There")
    pair.local(f"four{kind.suffix}").write_text(kind.body("four", "Four Changed-Here"))
    pair.sync()
    here, there = pair.texts()
    assert here == there
    assert len([text for text in here if "Changed-" in text]) == 2

    assert wire.request("DELETE", pair.href("two")).status == 204
    pair.local(f"five{kind.suffix}").unlink()
    pair.sync()
    here, there = pair.texts()
    assert here == there
    assert len(here) == 4
    assert not any("UID:two" in text or "UID:five" in text for text in here)


@pytest.mark.parametrize("kind", KINDS, ids=[kind.storage for kind in KINDS])
def test_makes_a_collection_that_is_only_here(
    kind: Kind, tmp_path: Path, served: Served, wire: Connection
) -> None:
    (tmp_path / "local" / "garden").mkdir(parents=True)
    (tmp_path / "local" / "garden" / f"x{kind.suffix}").write_text(kind.body("x", "Mr Rose"))
    configuration = CONFIGURATION.format(
        folder=tmp_path,
        suffix=kind.suffix,
        kind=kind.storage,
        url=served.origin + "/dav/",
        password=PASSWORD,
        metadata=kind.metadata,
    )
    (tmp_path / "config").write_text(configuration)
    (tmp_path / "local" / "garden" / "displayname").write_text("Garden")
    pair = Pair(kind, tmp_path, wire)
    pair.run("discover")
    pair.run("sync")
    pair.run("metasync")
    found = propfind(wire, kind.home + "garden/", "{DAV:}displayname").at(kind.home + "garden/")
    assert found.text("{DAV:}displayname") == "Garden"
    members = propfind(wire, kind.home + "garden/", "{DAV:}getetag", depth="1").members
    assert len(members) == 2
    assert wire.request("DELETE", kind.home + "garden/").status == 204
