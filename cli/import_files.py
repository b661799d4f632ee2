"""`davenport import`: files and folders into a calendar or an address book."""

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress as Bar
from rich.progress import TaskID

from davenport.cli.import_objects import (
    SUFFIXES,
    Finding,
    Import,
    Outcome,
    Progress,
    Summary,
    import_into,
)
from davenport.cli.session import Session, json_option, print_json
from davenport.cli.target import find_collections, split_target
from davenport.storage.model import Collection, CollectionKind

_LINE_INTERVAL = 5.0


@click.command(
    name="import",
    short_help="Import .ics and .vcf files into a collection.",
    epilog="""\b
Examples:
  davenport import old.ics --into ann/calendar
  davenport import contacts.vcf more-contacts/ --into ann/contacts --dry-run
""",
)
@click.argument(
    "paths",
    metavar="FILE|FOLDER...",
    nargs=-1,
    required=True,
    type=click.Path(exists=True, path_type=Path),
)
@click.option(
    "--into", "target", metavar="USER/COLLECTION", required=True, help="Where the objects go."
)
@click.option("--dry-run", is_flag=True, help="Only tell what would happen.")
@click.option("--replace", is_flag=True, help="Overwrite objects that are there with the same UID.")
@json_option
@click.pass_obj
def import_files(
    session: Session,
    paths: tuple[Path, ...],
    target: str,
    dry_run: bool,  # noqa: FBT001
    replace: bool,  # noqa: FBT001
    as_json: bool,  # noqa: FBT001
) -> None:
    """Import .ics or .vcf files of any size, and the ones in folders, into a collection.

    Files are split into objects by UID, and each object is checked as if a client had stored it.
    An object that is there already in the same bytes is left alone, so running an import twice
    changes nothing; one that is there in other bytes is told and skipped, unless --replace is
    given. Works while the server runs. The exit code is 1 when any object was refused.
    """
    user, name = split_target(target)
    if name is None:
        raise click.BadParameter(f"{target!r} is not of the form USER/COLLECTION.")
    with session.store() as store:
        with store.read() as tx:
            owner, found = find_collections(tx, user, name)
        collection = _choose(found, paths)
        files = list(_files(paths, collection.kind))
        if not files:
            raise click.ClickException(
                f"There is no {' or '.join(SUFFIXES[collection.kind])} file to import."
            )
        limits = session.configuration().limits
        order = Import(store, collection, owner.name, limits, dry_run, replace)
        with _progress(files, quiet=as_json) as progress:
            summary = import_into(order, files, progress)
    if as_json:
        print_json(_as_json(summary, dry_run=dry_run))
    else:
        _print(summary, dry_run=dry_run)
    if summary.refused:
        raise click.exceptions.Exit(1)


def _choose(found: Sequence[Collection], paths: Sequence[Path]) -> Collection:
    """The collection meant, where a calendar and an address book have the same name."""
    if len(found) == 1:
        return found[0]
    for collection in found:
        if all(path.suffix.lower() in SUFFIXES[collection.kind] for path in paths):
            return collection
    raise click.ClickException(
        f"There are a calendar and an address book {found[0].name}: "
        "name files that are all .ics or all .vcf."
    )


def _files(paths: Sequence[Path], kind: CollectionKind) -> Iterator[Path]:
    """The files named, and those of folders that can belong into such a collection."""
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        for inner in sorted(path.rglob("*")):
            hidden = any(part.startswith(".") for part in inner.relative_to(path).parts)
            if not hidden and inner.suffix.lower() in SUFFIXES[kind] and inner.is_file():
                yield inner


class _LineProgress:
    """Now and then a line on standard error, for logs."""

    def __init__(self) -> None:
        self._count = 0
        self._told = time.monotonic()

    def advance(self, file: Path, size: int) -> None:
        del size
        self._count += 1
        if time.monotonic() - self._told >= _LINE_INTERVAL:
            self._told = time.monotonic()
            click.echo(f"{self._count} objects read, now in {file}", err=True)


class _BarProgress:
    """A bar over the bytes of all files."""

    def __init__(self, bar: Bar, task: TaskID) -> None:
        self._bar = bar
        self._task = task

    def advance(self, file: Path, size: int) -> None:
        self._bar.update(self._task, advance=size, description=file.name)


@contextmanager
def _progress(files: Sequence[Path], *, quiet: bool) -> Iterator[Progress]:
    if quiet or not sys.stderr.isatty():
        yield _LineProgress()
        return
    total = sum(file.stat().st_size for file in files)
    with Bar(console=Console(stderr=True), transient=True) as bar:
        yield _BarProgress(bar, bar.add_task("", total=total))


def _print(summary: Summary, *, dry_run: bool) -> None:
    counts = summary.counts
    click.echo(
        f"{'Would import' if dry_run else 'Imported'} {counts[Outcome.ADDED]} objects; "
        f"{counts[Outcome.REPLACED]} replaced, {counts[Outcome.UNCHANGED]} unchanged, "
        f"{counts[Outcome.DIFFERS]} differ, {len(summary.refused)} refused."
    )
    if summary.differing:
        click.echo("\nThere in other bytes, and skipped (--replace overwrites them):")
        _print_findings(summary.differing)
    if summary.refused:
        click.echo("\nRefused:")
        _print_findings(summary.refused)


def _print_findings(findings: Sequence[Finding]) -> None:
    for one in findings:
        shown = _printable(one.summary or one.uid or "")
        named = f" {shown!r}" if shown else ""
        click.echo(f"  {one.file}, line {one.line}{named}: {_printable(one.reason)}")


def _printable(text: str) -> str:
    """Text from a file, safe on a terminal and on one line."""
    return "".join(sign if sign.isprintable() else " " for sign in text)[:300]


def _as_json(summary: Summary, *, dry_run: bool) -> dict[str, object]:
    return {
        "dry_run": dry_run,
        **{outcome.value: count for outcome, count in summary.counts.items()},
        "refused": len(summary.refused),
        "differing_objects": [_finding_as_json(one) for one in summary.differing],
        "refused_objects": [_finding_as_json(one) for one in summary.refused],
    }


def _finding_as_json(finding: Finding) -> dict[str, object]:
    return {
        "file": str(finding.file),
        "line": finding.line,
        "uid": finding.uid,
        "summary": finding.summary,
        "reason": finding.reason,
    }
