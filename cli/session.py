"""What every command starts from: the options of the program, the configuration and the store."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import click

from davenport.server.accounts import UserNameError, canonical_name
from davenport.server.config import Configuration
from davenport.server.config_layers import load
from davenport.storage import principals
from davenport.storage.database import Store, Transaction
from davenport.storage.model import Principal
from davenport.storage.open import open_store


@dataclass(frozen=True, slots=True)
class Session:
    """The options given before the command."""

    data: Path | None
    config_file: Path | None

    def configuration(self, given: Mapping[str, object] | None = None) -> Configuration:
        """The effective configuration; `given` are keys from the command's own options."""
        options = {"data": self.data, **(given or {})}
        present = {name: value for name, value in options.items() if value is not None}
        return load(present, self.config_file)

    @contextmanager
    def store(self) -> Iterator[Store]:
        """The existing store; a mistyped folder gives an error, not a new empty store."""
        configuration = self.configuration()
        if not configuration.store.get_secret_value():
            path = Path(configuration.store_location)
            if not path.exists():
                raise click.ClickException(
                    f"There is no davenport data in {configuration.data}: give --data, "
                    "or make a first account with `davenport user add` or `davenport serve`."
                )
        with open_configured(configuration) as store:
            yield store


@contextmanager
def open_configured(configuration: Configuration) -> Iterator[Store]:
    """The configured store, made when it is not there yet."""
    if not configuration.store.get_secret_value():
        _prepare_folder(configuration.data)
    store = open_store(configuration.store_location)
    try:
        yield store
    finally:
        store.close()


def _prepare_folder(data: Path) -> None:
    """Make the data folder, for its owner only; raises ClickException if it cannot be written."""
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe = data / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        reason = error.strerror or str(error)
        raise click.ClickException(
            f"The data folder {data} cannot be written: {reason}. Choose another with --data."
        ) from None


def find_account(tx: Transaction, name: str) -> Principal:
    """The account called `name` in any spelling; raises ClickException."""
    try:
        found = principals.by_name(tx, canonical_name(name))
    except UserNameError as error:
        raise click.ClickException(f"{name!r} is no user: {error}.") from None
    if found is None:
        raise click.ClickException(
            f"There is no user {name}; `davenport user list` shows who there is."
        )
    return found


def print_json(value: object) -> None:
    """Print one JSON value for a program to read."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def print_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows in columns as wide as their widest value, never cut."""
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    for row in (heads, *rows):
        line = "  ".join(value.ljust(width) for value, width in zip(row, widths, strict=True))
        click.echo(line.rstrip())


def show_time(seconds: int | None) -> str | None:
    """A time as ISO 8601 in UTC; None for none."""
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")
