"""One .ics or .vcf file with many objects as a Side: read object by object, written whole.

Every write replaces the file, so this is for files of hundreds of objects, not of many thousands.
"""

import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

from davenport.dav import xml
from davenport.dav.caldav import CALENDAR_COLOR
from davenport.dav.condition import etag_of
from davenport.dav.webdav import DISPLAYNAME
from davenport.objects.contentline import ContentLineError, read_line, unescape_text
from davenport.objects.join import join_calendars, join_cards
from davenport.objects.split import SplitObject, split_calendar, split_cards
from davenport.sync import files
from davenport.sync.side import (
    CollectionInfo,
    CollectionMissing,
    Exists,
    Item,
    Kind,
    Listing,
    ReadOnly,
    Rejected,
    SideError,
    Stale,
    Written,
)
from davenport.sync.uid import uid_of
from davenport.sync.vdir import EXTENSIONS

_NAMES = ("NAME", "X-WR-CALNAME")
_COLORS = ("X-APPLE-CALENDAR-COLOR", "COLOR")
# The name and the colour stand before the first component.
_HEADER_BYTES = 16 * 1024


class SingleFileSide:
    """The file at `path`, whose extension tells what it holds; raises SideError for another."""

    def __init__(self, path: Path) -> None:
        self._path = path.resolve()
        kinds: list[Kind] = [
            kind for kind, extension in EXTENSIONS.items() if path.suffix.lower() == extension
        ]
        if not kinds:
            raise SideError(f"{path} is neither an .ics nor a .vcf file")
        self._kind = kinds[0]

    def collections(self) -> Sequence[CollectionInfo]:
        """The one collection, none where there is no file yet."""
        return [self.open(self._path.name).info] if self._path.exists() else []

    def open(self, href: str) -> "FileCollection":
        """The collection; raises CollectionMissing."""
        if href != self._path.name or not self._path.is_file():
            raise CollectionMissing(f"the file {self._path} is not there")
        return FileCollection(self._path, self._kind)

    def make(
        self,
        kind: Kind,
        name: str,
        properties: Mapping[str, str],
        components: tuple[str, ...],  # noqa: ARG002 - as the Protocol has it
    ) -> "FileCollection":
        """An empty file; its name is the path's, `name` and `components` are not kept. Raises
        Exists and Rejected."""
        if kind != self._kind:
            raise Rejected(415, f"{self._path.name} cannot hold what {name} does")
        shown = {
            clark: xml.element_text(properties[clark]).strip()
            for clark in (DISPLAYNAME.name, CALENDAR_COLOR.name)
            if clark in properties
        }
        body = _joined(
            kind, [], shown.get(DISPLAYNAME.name) or name, shown.get(CALENDAR_COLOR.name)
        )
        with files.errors(f"the file {self._path}"):
            try:
                files.write_new(self._path, body)
            except FileExistsError:
                raise Exists(self._path.name) from None
        return self.open(self._path.name)


class FileCollection:
    """The objects of one file; hrefs are digests of their UIDs, etags digests of their bytes."""

    def __init__(self, path: Path, kind: Kind) -> None:
        self._path = path
        self._kind = kind
        self.info = _info(path, kind)

    def identity(self) -> str:
        """A digest of the file's place."""
        return sha256(str(self._path).encode("utf-8", "surrogatepass")).hexdigest()[:32]

    def changes(self, cursor: str | None) -> Listing:
        """All objects, or nothing where the file is as it was at `cursor`. A file with parts that
        cannot be read is not complete."""
        now = files.etag_at(self._path)
        if now is not None and now == cursor:
            return Listing({}, frozenset(), now, whole=False, complete=True)
        problems: list[SplitObject] = []
        with self._opened() as (file, etag):
            entries = {
                href: etag_of(one.body) for href, one in _objects(file, self._kind, problems)
            }
        complete = not problems
        known = etag if entries and complete else None
        return Listing(entries, frozenset(), known, whole=True, complete=complete)

    def fetch(self, hrefs: Sequence[str]) -> Iterator[Item]:
        """One pass over the file, the bodies in its order."""
        wanted = set(hrefs)
        with self._opened() as (file, _):
            for href, one in _objects(file, self._kind, []):
                if href in wanted:
                    yield Item(href, etag_of(one.body), one.body)

    def exists(self, href: str) -> bool | None:
        """Whether the file holds it; None where the file is gone or has parts that cannot be
        read."""
        problems: list[SplitObject] = []
        try:
            with self._opened() as (file, _):
                if any(one == href for one, _ in _objects(file, self._kind, problems)):
                    return True
        except CollectionMissing:
            return None
        return None if problems else False

    def find_uid(self, uid: str) -> str | None:
        """One pass over the file."""
        with self._opened() as (file, _):
            for href, one in _objects(file, self._kind, []):
                if one.uid == uid:
                    return href
        return None

    def create(self, name: str, body: bytes) -> Written:  # noqa: ARG002 - as the Protocol has it
        """Add an object; its href is made from its UID, whatever `name` is."""
        uid = uid_of(body)
        if uid is None:
            raise Rejected(415, "an object in a file needs a UID")
        added = _href(self._kind, uid, 0)

        def change(objects: dict[str, bytes]) -> None:
            if added in objects:
                raise Exists(added)
            objects[added] = body

        return self._rewrite(change, added)

    def update(self, href: str, body: bytes, etag: str) -> Written:
        """Replace an object; raises Stale."""

        def change(objects: dict[str, bytes]) -> None:
            if href not in objects or etag_of(objects[href]) != etag:
                raise Stale(f"the object {href} has changed or is gone")
            if uid_of(body) != uid_of(objects[href]):
                raise Rejected(409, "the UID of an object in a file stays the same")
            objects[href] = body

        return self._rewrite(change, href)

    def delete(self, href: str, etag: str) -> None:
        """Take an object out; raises Stale."""
        if self.exists(href) is False:
            return

        def change(objects: dict[str, bytes]) -> None:
            if href in objects and etag_of(objects[href]) != etag:
                raise Stale(f"the object {href} has changed")
            objects.pop(href, None)

        self._rewrite(change, href)

    def _rewrite(self, change: Callable[[dict[str, bytes]], None], href: str) -> Written:
        """Replace the file by what `change` makes of its objects, unless somebody else did so
        meanwhile. What is returned is the object as it will be read."""
        problems: list[SplitObject] = []
        with self._opened() as (file, before):
            objects = {at: one.body for at, one in _objects(file, self._kind, problems)}
        if problems:
            # They would be lost.
            first = problems[0]
            raise ReadOnly(f"{self._path}, line {first.line}, cannot be read: {first.problem}")
        change(objects)
        body = _joined(self._kind, objects.values(), self.info.displayname, self.info.color)

        def untouched() -> None:
            if files.etag_at(self._path) != before:
                raise Stale(f"the file {self._path} has changed meanwhile")

        # What cannot be read again must not take the place of what can.
        again = {at: one.body for at, one in _objects(io.BytesIO(body), self._kind, problems)}
        if problems or again.keys() != objects.keys():
            raise Rejected(422, "the object cannot be held in a file with others")
        with files.errors(f"the file {self._path}"):
            files.write(self._path, body, untouched)
        return Written(href, etag_of(again[href]) if href in again else None)

    @contextmanager
    def _opened(self) -> Iterator[tuple[BinaryIO, str]]:
        """The file and its etag; a file that changes while it is read is Stale."""
        before = files.etag_at(self._path)
        if before is None:
            raise CollectionMissing(f"the file {self._path} is not there")
        with files.errors(f"the file {self._path}"), self._path.open("rb") as file:
            yield file, before
            if files.etag_at(self._path) != before:
                raise Stale(f"the file {self._path} has changed meanwhile")


def _href(kind: Kind, uid: str, number: int) -> str:
    digest = sha256(uid.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    return f"{digest}{f'-{number}' if number else ''}{EXTENSIONS[kind]}"


def _objects(
    file: BinaryIO, kind: Kind, problems: list[SplitObject]
) -> Iterator[tuple[str, SplitObject]]:
    """The objects with their hrefs; those that cannot be read go to `problems`."""
    seen: dict[str, int] = {}
    for one in split_calendar(file) if kind == "calendar" else split_cards(file):
        if one.problem is not None or one.uid is None:
            problems.append(one)
            continue
        number = seen.get(one.uid, 0)
        seen[one.uid] = number + 1
        yield _href(kind, one.uid, number), one


def _joined(kind: Kind, bodies: Iterable[bytes], name: str | None, color: str | None) -> bytes:
    if kind == "calendar":
        return b"".join(join_calendars(bodies, name, color))
    return b"".join(join_cards(bodies))


def _info(path: Path, kind: Kind) -> CollectionInfo:
    name, color = _header(path) if kind == "calendar" else (None, None)
    properties: dict[str, str] = {}
    for clark, text in ((DISPLAYNAME.name, name), (CALENDAR_COLOR.name, color)):
        if text:
            properties[clark] = xml.text_element(clark, text)
    return CollectionInfo(
        href=path.name,
        kind=kind,
        name=path.stem,
        displayname=name,
        color=color,
        components=(),
        read_only=not files.is_writable(path.parent),
        properties=properties,
    )


def _header(path: Path) -> tuple[str | None, str | None]:
    """Name and colour of a calendar file (RFC 7986 §5.1, §5.9, and what stood for them before)."""
    with files.errors(f"the file {path}"), path.open("rb") as file:
        text = file.read(_HEADER_BYTES).decode("utf-8", "replace").removeprefix("\ufeff")
    found: dict[str, str] = {}
    position = 0
    began = False
    while position < len(text):
        try:
            line, position = read_line(text, position)
        except ContentLineError:
            break
        if line is None:
            continue
        if line.name == "BEGIN" and began:
            break
        began = began or line.name == "BEGIN"
        found.setdefault(line.name, unescape_text(line.value).strip())
    name = next((found[one] for one in _NAMES if found.get(one)), None)
    return name, next((found[one] for one in _COLORS if found.get(one)), None)
