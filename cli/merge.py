"""`davenport merge`: three versions of an object into one, or a table of what to decide."""

import os
import tempfile
from contextlib import suppress
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from davenport.cli.session import json_option, print_json
from davenport.dav.precondition import PreconditionError
from davenport.objects.merge import FieldConflict, Merged, MergePolicy, merge

CONFLICTS_REMAIN = 3

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command(
    name="merge",
    short_help="Merge two versions of an event, task or contact.",
    epilog="""\b
Exit codes: 0 merged; 1 a file cannot be read or written; 2 wrong usage; 3 conflicts remain.

\b
Examples:
  davenport merge base.ics mine.ics theirs.ics -o merged.ics
  davenport merge base.vcf mine.vcf theirs.vcf --policy newest --json
""",
)
@click.argument("base", type=_FILE)
@click.argument("a", type=_FILE)
@click.argument("b", type=_FILE)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where the result goes; overwritten if it is there. The default is standard output.",
)
@click.option(
    "--policy",
    type=click.Choice([policy.value for policy in MergePolicy]),
    default=MergePolicy.MERGE.value,
    show_default=True,
    help="What becomes of a field that both changed: leave it to you, take A's, B's, the newer "
    "object's, or both values where it may stand twice.",
)
@json_option
def merge_files(
    base: Path,
    a: Path,
    b: Path,
    output: Path | None,
    policy: str,
    as_json: bool,  # noqa: FBT001
) -> None:
    """Merge A and B, which both come from BASE: .ics or .vcf files with one object each.

    Changes to different fields are both taken, and what nobody touched stays byte for byte. An
    empty BASE means that there is none. Where both changed a field to different values, a table
    shows it in all three, nothing is written, and the exit code is 3.
    """
    versions = base.read_bytes(), a.read_bytes(), b.read_bytes()
    try:
        merged = merge(versions[0], versions[1], versions[2], MergePolicy(policy))
    except PreconditionError as error:
        path = _unreadable((base, a, b), versions)
        raise click.ClickException(f"{path}: {error.reason or error}.") from None
    done = not merged.unresolved
    if done and output is not None:
        _write(output, merged.body)
    if as_json:
        print_json(_as_json(merged))
    elif not done:
        _print_conflicts(merged.unresolved)
    elif output is None:
        click.echo(merged.body, nl=False)
    if not done:
        raise click.exceptions.Exit(CONFLICTS_REMAIN)


def _unreadable(paths: tuple[Path, ...], versions: tuple[bytes, ...]) -> Path:
    """The first of the files that cannot be merged with itself."""
    for path, body in zip(paths, versions, strict=True):
        try:
            merge(b"", body, body)
        except PreconditionError:
            if body or path is not paths[0]:
                return path
    return paths[0]


def _write(path: Path, body: bytes) -> None:
    """The whole file or what was there before."""
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(path.stat().st_mode & 0o777 if path.exists() else _new_mode())
        Path(temporary).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(temporary).unlink()
        raise


def _new_mode() -> int:
    """The permissions that a new file gets."""
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


def _print_conflicts(conflicts: tuple[FieldConflict, ...]) -> None:
    click.echo(_count(len(conflicts)))
    table = Table(show_lines=True)
    for head in ("Field", "Base", "A", "B"):
        table.add_column(head, overflow="fold", ratio=1)
    for found in conflicts:
        field = "\n".join(part for part in (found.component, found.property) if part)
        table.add_row(Text(field), *(_cell(text) for text in (found.base, found.a, found.b)))
    Console(highlight=False).print(table)


def _count(number: int) -> str:
    fields = "1 field was" if number == 1 else f"{number} fields were"
    return f"{fields} changed on both sides. Nothing was written; --policy decides."


def _cell(text: str | None) -> Text:
    return Text("(none)", style="dim") if text is None else Text(text)


def _as_json(merged: Merged) -> dict[str, object]:
    return {
        "merged": not merged.unresolved,
        "body": merged.body.decode(),
        "conflicts": [
            {
                "component": found.component,
                "property": found.property,
                "base": found.base,
                "a": found.a,
                "b": found.b,
                "taken": found.taken,
            }
            for found in merged.conflicts
        ],
    }
