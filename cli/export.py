"""`davenport export`: calendars and address books as one file, or as a folder of objects."""

import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import click

from davenport.cli.session import Session, json_option, print_json
from davenport.cli.target import EXTENSIONS, find_collections, split_target
from davenport.dav import caldav, webdav, xml
from davenport.objects.contentline import ContentLineError, decode, read_components
from davenport.objects.join import join_calendars, join_cards
from davenport.objects.limits import UNLIMITED
from davenport.server.data import batches
from davenport.storage import object_resources
from davenport.storage.database import Store
from davenport.storage.model import Collection, CollectionKind, ObjectResource

_PAGE = 500
_PLAIN_NAME = re.compile(r"[\w@+=(),~-][\w@+=(),~. -]{0,198}[\w@+=(),~-]|[\w@+=(),~-]")
_FOLDERS = {CollectionKind.CALENDAR: "calendars", CollectionKind.ADDRESSBOOK: "addressbooks"}


@dataclass(slots=True)
class _Report:
    objects: int = 0
    left_out: int = 0


@click.command(
    short_help="Export collections into a file or a folder.",
    epilog="""\b
Examples:
  davenport export ann/calendar -o calendar.ics
  davenport export ann/contacts -o contacts/
  davenport export ann -o ann-backup/
""",
)
@click.argument("target", metavar="USER[/COLLECTION]")
@click.option(
    "-o",
    "--output",
    "path",
    required=True,
    type=click.Path(path_type=Path),
    help="A file ending in .ics or .vcf for one collection in one file, or else a folder.",
)
@click.option("--force", is_flag=True, help="Overwrite files that are there.")
@json_option
@click.pass_obj
def export(session: Session, target: str, path: Path, force: bool, as_json: bool) -> None:  # noqa: FBT001
    """Export a collection, or all of USER's, into one file or a folder of one file per object.

    A folder holds the objects byte for byte; of a USER it has a folder for each collection. One
    file holds a whole collection, its objects joined. Nothing is seen at PATH before it is
    complete, and nothing there is overwritten without --force.
    """
    user, name = split_target(target)
    as_file = path.suffix.lower() in EXTENSIONS.values() or path.is_file()
    if as_file and name is None:
        raise click.UsageError("One file holds one collection: name it, or give a folder.")
    with session.store() as store:
        with store.read() as tx:
            _, found = find_collections(tx, user, name)
        if as_file:
            report = _export_file(store, _of_file(found, path), path, force=force)
        elif name is None:
            report = _export_folder(store, found, _folders(found), path, force=force)
        else:
            if len(found) > 1:
                raise click.UsageError(
                    f"There are a calendar and an address book {name}: give a .ics or .vcf file, "
                    f"or export all of {user}."
                )
            report = _export_folder(store, found, [Path()], path, force=force)
    if as_json:
        print_json({"path": str(path), "objects": report.objects, "left_out": report.left_out})
    else:
        click.echo(f"Exported {report.objects} objects to {path}.")
        if report.left_out:
            click.echo(
                f"{report.left_out} objects that cannot be read were left out; "
                "a folder as output keeps them.",
                err=True,
            )
    if report.left_out:
        raise click.exceptions.Exit(1)


def _of_file(found: Sequence[Collection], path: Path) -> Collection:
    """The collection for a file of this extension."""
    suffix = path.suffix.lower()
    fitting = [one for one in found if EXTENSIONS[one.kind] == suffix]
    if fitting:
        return fitting[0]
    if suffix in EXTENSIONS.values() or len(found) > 1:
        kind = "a calendar" if found[0].kind is CollectionKind.CALENDAR else "an address book"
        raise click.UsageError(
            f"{found[0].name} is {kind}: its file ends in {EXTENSIONS[found[0].kind]}."
        )
    return found[0]


def _export_file(store: Store, collection: Collection, path: Path, *, force: bool) -> _Report:
    if path.is_dir():
        raise click.UsageError(f"{path} is a folder.")
    if path.exists() and not force:
        raise click.ClickException(f"{path} is there already; --force overwrites it.")
    report = _Report()
    bodies = _readable(store, collection, report)
    if collection.kind is CollectionKind.CALENDAR:
        name = _property(collection, webdav.DISPLAYNAME.name) or collection.name
        color = _property(collection, caldav.CALENDAR_COLOR.name)
        pieces = join_calendars(bodies, name, color)
    else:
        pieces = join_cards(bodies)
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.writelines(pieces)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(temporary).unlink()
        raise
    return report


def _property(collection: Collection, name: str) -> str | None:
    source = collection.properties.get(name)
    return None if source is None else xml.element_text(source)


def _readable(store: Store, collection: Collection, report: _Report) -> Iterator[bytes]:
    """The bodies that can be joined; the others are counted, never dropped in silence."""
    for _, body in _bodies(store, collection):
        try:
            read_components(decode(body), UNLIMITED)
        except ContentLineError:
            report.left_out += 1
            continue
        report.objects += 1
        yield body


def _bodies(store: Store, collection: Collection) -> Iterator[tuple[ObjectResource, bytes]]:
    """Every object with its bytes, by name, in short snapshots."""
    after: str | None = None
    while True:
        with store.read() as tx:
            rows = object_resources.list_page(tx, collection.id, after, _PAGE)
        for batch in batches(rows):
            with store.read() as tx:
                found = object_resources.bodies(tx, batch)
            yield from ((row, found[row.id]) for row in batch if row.id in found)
        if len(rows) < _PAGE:
            return
        after = rows[-1].name


def _export_folder(
    store: Store, found: Sequence[Collection], folders: Sequence[Path], path: Path, *, force: bool
) -> _Report:
    """Write everything into a folder beside `path`, then put it in its place."""
    if path.is_dir() and any(path.iterdir()) and not force:
        raise click.ClickException(
            f"{path} is there and not empty; --force writes into it all the same."
        )
    report = _Report()
    path.absolute().parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.absolute().parent))
    try:
        for collection, folder in zip(found, folders, strict=True):
            _write_objects(store, collection, temporary / folder, report)
        _put_in_place(temporary, path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return report


def _folders(found: Sequence[Collection]) -> list[Path]:
    """A folder for each collection, by home and name."""
    taken: set[str] = set()
    return [Path(_FOLDERS[one.kind]) / _free_name(one.name, "", taken) for one in found]


def _write_objects(store: Store, collection: Collection, folder: Path, report: _Report) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    extension = EXTENSIONS[collection.kind]
    taken: set[str] = set()
    for row, body in _bodies(store, collection):
        (folder / _free_name(row.name, extension, taken)).write_bytes(body)
        report.objects += 1


def _free_name(name: str, extension: str, taken: set[str]) -> str:
    """A file name that none of `taken` is the same as where file names ignore case; adds it."""
    free = _file_name(name, extension)
    if free.casefold() in taken:
        free = _hashed(name, extension)
    taken.add(free.casefold())
    return free


def _file_name(name: str, extension: str) -> str:
    """A resource's name as a file name: itself where that is safe everywhere, else a hash."""
    if not _PLAIN_NAME.fullmatch(name) or len(name.encode()) > 240:
        return _hashed(name, extension)
    return name if name.lower().endswith(extension) else name + extension


def _hashed(name: str, extension: str) -> str:
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:32] + extension


def _put_in_place(temporary: Path, path: Path) -> None:
    if not path.exists() or not any(path.iterdir()):
        temporary.replace(path)  # An empty folder is replaced at once (rename(2)).
        return
    for source in sorted(temporary.rglob("*")):
        place = path / source.relative_to(temporary)
        if source.is_dir():
            place.mkdir(mode=0o700, exist_ok=True)
        else:
            source.replace(place)
