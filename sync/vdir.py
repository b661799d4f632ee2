"""A folder of files as a Side (vdir): a folder for each collection, a file for each object, with
`displayname` and `color` files beside them as khal, khard and others know them."""

from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path

from davenport.dav import xml
from davenport.dav.caldav import CALENDAR_COLOR, CALENDAR_DESCRIPTION, CALENDAR_ORDER
from davenport.dav.carddav import ADDRESSBOOK_DESCRIPTION
from davenport.dav.webdav import DISPLAYNAME
from davenport.sync import files
from davenport.sync.properties import ADDRESSBOOK_COLOR
from davenport.sync.side import (
    CollectionInfo,
    CollectionMissing,
    Exists,
    Item,
    Kind,
    Listing,
    Rejected,
    Stale,
    Written,
)
from davenport.sync.uid import safe_name, uid_of

EXTENSIONS: dict[Kind, str] = {"calendar": ".ics", "addressbook": ".vcf"}
# The file that holds a property, by the kind of collection.
_FILES: dict[Kind, dict[str, str]] = {
    "calendar": {
        DISPLAYNAME.name: "displayname",
        CALENDAR_COLOR.name: "color",
        CALENDAR_DESCRIPTION.name: "description",
        CALENDAR_ORDER.name: "order",
    },
    "addressbook": {
        DISPLAYNAME.name: "displayname",
        ADDRESSBOOK_COLOR: "color",
        ADDRESSBOOK_DESCRIPTION.name: "description",
    },
}
# Tells what an empty folder is meant to hold; other programs skip names that begin with a dot.
_KIND_FILE = ".collection"
# The root itself as a collection.
_ROOT = "."


class VdirSide:
    """The folders inside `root`, and `root` itself where it holds objects.

    An empty folder that nothing describes is taken for `default`.
    """

    def __init__(self, root: Path, default: Kind = "calendar") -> None:
        self._root = root
        self._default: Kind = default

    def collections(self) -> Sequence[CollectionInfo]:
        """All of them, by name; raises CollectionMissing where there is no such folder."""
        folders = files.subfolders(self._root)
        found = [] if _kind_of(self._root) is None else [self.open(_ROOT).info]
        return found + [self.open(folder.name).info for folder in folders]

    def open(self, href: str) -> "VdirCollection":
        """The folder of this name; raises CollectionMissing."""
        if href != _ROOT and not files.is_plain(href):
            raise CollectionMissing(f"{href!r} is no name of a folder")
        folder = self._root if href == _ROOT else self._root / href
        if not folder.is_dir() or (href != _ROOT and folder.is_symlink()):
            raise CollectionMissing(f"the folder {folder} is not there")
        return VdirCollection(folder, _info(folder, href, _kind_of(folder) or self._default))

    def make(
        self,
        kind: Kind,
        name: str,
        properties: Mapping[str, str],
        components: tuple[str, ...],
    ) -> "VdirCollection":
        """A new folder; raises Exists. Properties for which there is no file are left out."""
        href = safe_name(name)
        folder = self._root / href
        with files.errors(f"the folder {folder}"):
            self._root.mkdir(parents=True, exist_ok=True)
            try:
                folder.mkdir()
            except FileExistsError:
                raise Exists(href) from None
            kind_line = " ".join((kind, *components))
            files.write(folder / _KIND_FILE, f"{kind_line}\n".encode())
            for clark, file in _FILES[kind].items():
                if clark in properties:
                    text = xml.element_text(properties[clark]).strip()
                    files.write(folder / file, text.encode())
            files.sync_folder(self._root)
        return self.open(href)


class VdirCollection:
    """One folder; hrefs are the names of its files."""

    def __init__(self, folder: Path, info: CollectionInfo) -> None:
        self.info = info
        self._folder = folder
        # UIDs of files already read, with the etag they had then.
        self._uids: dict[str, tuple[str, str | None]] = {}

    def identity(self) -> str:
        """A digest of the folder's place."""
        return sha256(str(self._folder.resolve()).encode("utf-8", "surrogatepass")).hexdigest()[:32]

    def _entries(self) -> dict[str, str]:
        return files.listing(self._folder, EXTENSIONS[self.info.kind])

    def changes(self, cursor: str | None) -> Listing:
        """All files, or nothing where they are as they were at `cursor`."""
        entries = self._entries()
        state = "\n".join(f"{name} {etag}" for name, etag in sorted(entries.items()))
        now = sha256(state.encode()).hexdigest()[:32]
        if now == cursor:
            return Listing({}, frozenset(), now, whole=False, complete=True)
        return Listing(entries, frozenset(), now if entries else None, whole=True, complete=True)

    def fetch(self, hrefs: Sequence[str]) -> Iterator[Item]:
        """The files' contents, one at a time."""
        for href in hrefs:
            path = self._path(href)
            found = None if path is None else files.read(path)
            if found is not None:
                etag, body = found
                yield Item(href, etag, body)

    def exists(self, href: str) -> bool | None:
        """Whether there is such a file, in a folder that is there."""
        if not self._folder.is_dir():
            return None
        path = self._path(href)
        return path is not None and files.etag_at(path) is not None

    def find_uid(self, uid: str) -> str | None:
        """Reads every file that was not read before."""
        for name, etag in self._entries().items():
            known = self._uids.get(name)
            if known is None or known[0] != etag:
                found = files.read(self._folder / name)
                known = (etag, None if found is None else uid_of(found[1]))
                self._uids[name] = known
            if known[1] == uid:
                return name
        return None

    def create(self, name: str, body: bytes) -> Written:
        """A new file; a name that is not safe for files becomes a digest, and the extension is
        always that of the kind."""
        extension = EXTENSIONS[self.info.kind]
        href = safe_name(name if name.endswith(extension) else name + extension)
        with files.errors(f"the file {href}"):
            try:
                return Written(href, files.write_new(self._folder / href, body))
            except FileExistsError:
                raise Exists(href) from None

    def update(self, href: str, body: bytes, etag: str) -> Written:
        """Put a new file in the place of the old one, which stays whole until then."""
        path = self._path(href)
        if path is None:
            raise Rejected(404, f"{href!r} is no name of a file here")
        with files.errors(f"the file {href}"):

            def still_there() -> None:
                if files.etag_at(path) != etag:
                    raise Stale(f"the file {href} has changed or is gone")

            still_there()
            return Written(href, files.write(path, body, still_there))

    def delete(self, href: str, etag: str) -> None:
        """Remove the file."""
        path = self._path(href)
        now = None if path is None else files.etag_at(path)
        if path is None or now is None:
            if not self._folder.is_dir():
                raise CollectionMissing(f"the folder {self._folder} is not there")
            return
        if now != etag:
            raise Stale(f"the file {href} has changed")
        with files.errors(f"the file {href}"):
            path.unlink(missing_ok=True)
            files.sync_folder(self._folder)

    def set_property(self, element: str) -> bool:
        """Write the file of a property, given as a whole element; False where there is none."""
        file = _FILES[self.info.kind].get(xml.tag(xml.stored_root(element)))
        if file is None:
            return False
        with files.errors(f"the file {file}"):
            files.write(self._folder / file, xml.element_text(element).strip().encode())
        return True

    def _path(self, href: str) -> Path | None:
        return self._folder / href if files.is_plain(href) else None


def _kind_of(folder: Path) -> Kind | None:
    """What a folder holds, by its own word or by its files; None where nothing tells."""
    try:
        word = (folder / _KIND_FILE).read_text("utf-8", "replace").split()
    except OSError:
        word = []
    for kind, extension in EXTENSIONS.items():
        if word[:1] == [kind]:
            return kind
        if not word and files.has_any(folder, extension):
            return kind
    return None


def _info(folder: Path, href: str, kind: Kind) -> CollectionInfo:
    properties: dict[str, str] = {}
    for clark, file in _FILES[kind].items():
        text = files.read_text(folder / file)
        if text:
            properties[clark] = xml.text_element(clark, text)
    color = CALENDAR_COLOR.name if kind == "calendar" else ADDRESSBOOK_COLOR
    words = (files.read_text(folder / _KIND_FILE) or "").split()
    return CollectionInfo(
        href=href,
        kind=kind,
        name=folder.resolve().name if href == _ROOT else href,
        displayname=files.read_text(folder / _FILES[kind][DISPLAYNAME.name]),
        color=files.read_text(folder / _FILES[kind][color]),
        components=tuple(words[1:]),
        read_only=not files.is_writable(folder),
        properties=properties,
    )
