"""`davenport store`: care of the store itself."""

import click

from davenport.cli.session import Session


@click.group(epilog="Example: davenport store renew-epoch")
def store() -> None:
    """Look after the store."""


@store.command(
    name="renew-epoch",
    epilog="""\b
Example, with the server stopped:
  cp -a /backup/davenport/. /var/lib/davenport/
  davenport --data /var/lib/davenport store renew-epoch
""",
)
@click.pass_obj
def renew_epoch(session: Session) -> None:
    """Have every client compare its data with the server anew.

    Needed once after the data folder or the database was put back from a copy made by hand:
    clients may have seen later changes than the copy holds, and their sync-tokens would make them
    miss what comes next. Afterwards every token is refused and each client lists its collections
    again; no data changes.
    """
    with session.store() as opened:
        opened.renew_epoch()
    click.echo("Every sync-token given so far is invalid; clients list their collections again.")
