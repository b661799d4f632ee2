"""`davenport app-password`: a password of its own for each device, revocable without the others."""

import time
from datetime import datetime, timedelta

import click

from davenport.cli.session import (
    Session,
    find_account,
    json_option,
    print_json,
    print_table,
    show_time,
)
from davenport.server.password import generate_app_password
from davenport.storage import app_passwords, principals
from davenport.storage.model import AppPassword

_MAX_LABEL_LENGTH = 64
_DAY = 86_400
_MAX_DAYS = 36_500


@click.group(
    name="app-password",
    short_help="Give single devices passwords of their own.",
    epilog="""\b
Examples:
  davenport app-password add ann --label phone
  davenport app-password list ann
  davenport app-password revoke ann phone
""",
)
def app_password() -> None:
    """Give single devices passwords of their own; works while the server runs."""


@app_password.command(
    epilog="""\b
Examples:
  davenport app-password add ann --label phone
  davenport app-password add ann --label kiosk --read-only --expires 30
  davenport app-password add ann --label guest --expires 2030-12-31
"""
)
@click.argument("user")
@click.option("--label", required=True, metavar="TEXT", help="What the password is for.")
@click.option("--read-only", is_flag=True, help="The device may change nothing.")
@click.option(
    "--expires",
    metavar="DATE|DAYS",
    help="The last day on which it is valid (YYYY-MM-DD), or for how many days it is.",
)
@json_option
@click.pass_obj
def add(
    session: Session,
    user: str,
    label: str,
    read_only: bool,  # noqa: FBT001
    expires: str | None,
    as_json: bool,  # noqa: FBT001
) -> None:
    """Add a password for one device of USER and show it, once.

    The device logs in with the account's name and this password.
    """
    _check_label(label)
    until = None if expires is None else _read_expiry(expires)
    with session.store() as store:
        with store.read() as tx:
            principal = find_account(tx, user)
            if any(row.label == label for row in app_passwords.of_principal(tx, principal.id)):
                raise click.ClickException(
                    f"{principal.name} has an app password {label} already; revoke it first."
                )
        new = generate_app_password()
        row = store.write(
            lambda tx: app_passwords.add(
                tx,
                principal.id,
                label=label,
                secret_hash=new.secret_hash,
                read_only=read_only,
                expires=until,
                now=int(time.time()),
            )
        )
    if as_json:
        print_json({"user": principal.name, "password": new.text} | _as_json(row))
        return
    click.echo(f"Added the app password {label} of {principal.name}.")
    click.echo(f"The password, shown only now: {new.text}")


@app_password.command(name="list", epilog="Example: davenport app-password list ann --json")
@click.argument("user", required=False)
@json_option
@click.pass_obj
def list_app_passwords(session: Session, user: str | None, as_json: bool) -> None:  # noqa: FBT001
    """List the app passwords of USER, or of everyone."""
    with session.store() as store, store.read() as tx:
        owners = principals.all(tx) if user is None else [find_account(tx, user)]
        found = [
            (owner.name, row)
            for owner in owners
            for row in app_passwords.of_principal(tx, owner.id)
        ]
    if as_json:
        print_json([{"user": owner} | _as_json(row) for owner, row in found])
        return
    rows = [
        (
            owner,
            str(row.id),
            row.label,
            "read only" if row.read_only else "full",
            show_time(row.expires) or "never",
            show_time(row.last_used) or "never",
        )
        for owner, row in found
    ]
    print_table(("USER", "ID", "LABEL", "ACCESS", "EXPIRES", "LAST USED"), rows)


@app_password.command(epilog="Example: davenport app-password revoke ann phone")
@click.argument("user")
@click.argument("label_or_id")
@click.pass_obj
def revoke(session: Session, user: str, label_or_id: str) -> None:
    """Make an app password of USER invalid, at once."""
    with session.store() as store:
        with store.read() as tx:
            principal = find_account(tx, user)
            rows = app_passwords.of_principal(tx, principal.id)
        found = [row for row in rows if row.label == label_or_id]
        found = found or [row for row in rows if str(row.id) == label_or_id]
        if not found:
            raise click.ClickException(
                f"{principal.name} has no app password {label_or_id}; "
                f"`davenport app-password list {principal.name}` shows them."
            )
        store.write(lambda tx: [app_passwords.revoke(tx, row.id) for row in found])
    click.echo(f"Revoked the app password {found[0].label} of {principal.name}.")


def _as_json(row: AppPassword) -> dict[str, object]:
    return {
        "id": row.id,
        "label": row.label,
        "read_only": row.read_only,
        "expires": show_time(row.expires),
        "last_used": show_time(row.last_used),
        "created": show_time(row.created),
    }


def _check_label(label: str) -> None:
    if not label.strip() or len(label) > _MAX_LABEL_LENGTH or not label.isprintable():
        raise click.BadParameter(
            f"a label has 1 to {_MAX_LABEL_LENGTH} printable characters.", param_hint="--label"
        )


def _read_expiry(text: str) -> int:
    """UTC seconds from a number of days, or the end of a day here."""
    if text.isascii() and text.isdigit():
        days = int(text) if len(text) <= len(str(_MAX_DAYS)) else 0
        if not 1 <= days <= _MAX_DAYS:
            raise click.BadParameter(f"give 1 to {_MAX_DAYS} days.", param_hint="--expires")
        return int(time.time()) + days * _DAY
    try:
        day = datetime.strptime(text, "%Y-%m-%d").astimezone()
        end = int((day + timedelta(days=1)).timestamp())
    except (ValueError, OverflowError):
        raise click.BadParameter(
            f"{text!r} is neither a date YYYY-MM-DD nor a number of days.", param_hint="--expires"
        ) from None
    if end <= time.time():
        raise click.BadParameter(f"{text} is over.", param_hint="--expires")
    return end
