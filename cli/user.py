"""`davenport user`: the accounts. Every change holds at once in a running server."""

import sys

import click

from davenport.cli.session import (
    Session,
    find_account,
    json_option,
    open_configured,
    print_json,
    print_table,
    show_time,
)
from davenport.server.accounts import UserNameError, check_email, create_account
from davenport.server.config import Configuration
from davenport.server.htpasswd import read_htpasswd
from davenport.server.password import generate_password, hash_password
from davenport.storage import object_resources, principals
from davenport.storage.error import NameConflict

_password_option = click.option(
    "--password-stdin", is_flag=True, help="Read the password from standard input."
)


@click.group(
    short_help="Add, list, change and remove accounts.",
    epilog="""\b
Examples:
  davenport user add ann --email ann@example.org
  davenport user list --json
  davenport user passwd ann
""",
)
def user() -> None:
    """Add, list, change and remove accounts; works while the server runs."""


@user.command(
    epilog="""\b
Examples:
  davenport user add ann
  pass show dav/ann | davenport user add ann --password-stdin --email ann@example.org
"""
)
@click.argument("name")
@_password_option
@click.option("--email", metavar="ADDRESS", help="The mail address; also accepted at the login.")
@click.option("--display-name", metavar="TEXT", help="The name that clients show.")
@json_option
@click.pass_obj
def add(
    session: Session,
    name: str,
    password_stdin: bool,  # noqa: FBT001
    email: str | None,
    display_name: str | None,
    as_json: bool,  # noqa: FBT001
) -> None:
    """Add the account NAME with a calendar, a task list and an address book.

    The password is asked for on a terminal (an empty answer generates one) and generated
    elsewhere; a generated password is shown once.
    """
    if email is not None:
        _require_email(email, "--email")
    password, generated = _choose_password(read_stdin=password_stdin)
    with open_configured(session.configuration()) as store:
        try:
            principal = create_account(
                store,
                name,
                password_hash=hash_password(password),
                display_name=display_name or "",
                email=email,
            )
        except UserNameError as error:
            raise click.BadParameter(f"{error}.", param_hint="NAME") from None
        except NameConflict as conflict:
            raise click.ClickException(f"There is a user {conflict.name} already.") from None
    if as_json:
        print_json({"name": principal.name} | ({"password": password} if generated else {}))
        return
    click.echo(f"Added {principal.name}.")
    if generated:
        click.echo(f"The password, shown only now: {password}")


@user.command(name="list", epilog="Example: davenport user list --json")
@json_option
@click.pass_obj
def list_users(session: Session, as_json: bool) -> None:  # noqa: FBT001
    """List the accounts."""
    with session.store() as store, store.read() as tx:
        found = principals.all(tx)
    if as_json:
        print_json(
            [
                {
                    "name": one.name,
                    "display_name": one.display_name,
                    "email": one.email,
                    "disabled": one.disabled,
                    "has_password": one.password_hash is not None,
                    "created": show_time(one.created),
                }
                for one in found
            ]
        )
        return
    rows = [
        (
            one.name,
            one.display_name,
            one.email or "-",
            "disabled" if one.disabled else "enabled",
            show_time(one.created) or "",
        )
        for one in found
    ]
    print_table(("NAME", "DISPLAY NAME", "EMAIL", "STATE", "CREATED"), rows)


@user.command(
    epilog="""\b
Examples:
  davenport user passwd ann
  pass show dav/ann | davenport user passwd ann --password-stdin
"""
)
@click.argument("name")
@_password_option
@click.pass_obj
def passwd(session: Session, name: str, password_stdin: bool) -> None:  # noqa: FBT001
    """Change the password of NAME.

    Clients that use the old one are asked for the new one at once; app passwords stay valid.
    """
    with session.store() as store:
        with store.read() as tx:
            principal = find_account(tx, name)
        password, generated = _choose_password(read_stdin=password_stdin)
        hashed = hash_password(password)
        store.write(lambda tx: principals.set_password(tx, principal.id, hashed))
    click.echo(f"Changed the password of {principal.name}.")
    if generated:
        click.echo(f"The password, shown only now: {password}")
    _warn_of_file(session.configuration(), principal.name)


@user.command(
    epilog="""\b
Examples:
  davenport user email ann ann@example.org
  davenport user email ann
"""
)
@click.argument("name")
@click.argument("address", required=False)
@click.pass_obj
def email(session: Session, name: str, address: str | None) -> None:
    """Set the mail address of NAME, or remove it.

    Clients learn it as the account's calendar address; it is accepted at the login too.
    """
    if address is not None:
        _require_email(address, "ADDRESS")
    with session.store() as store:
        with store.read() as tx:
            principal = find_account(tx, name)
        store.write(lambda tx: principals.set_email(tx, principal.id, address))
    if address is None:
        click.echo(f"{principal.name} has no mail address now.")
    else:
        click.echo(f"The mail address of {principal.name} is {address}.")


@user.command(epilog="Example: davenport user disable ann")
@click.argument("name")
@click.pass_obj
def disable(session: Session, name: str) -> None:
    """Lock NAME out; the data stays."""
    _set_disabled(session, name, disabled=True)


@user.command(epilog="Example: davenport user enable ann")
@click.argument("name")
@click.pass_obj
def enable(session: Session, name: str) -> None:
    """Let NAME in again."""
    _set_disabled(session, name, disabled=False)


@user.command(
    epilog="""\b
Examples:
  davenport export ann -o ann-backup
  davenport user remove ann
"""
)
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def remove(session: Session, name: str, yes: bool) -> None:  # noqa: FBT001
    """Delete NAME and everything it owns, for good.

    `davenport export` keeps a copy, `davenport user disable` only locks the account.
    """
    with session.store() as store:
        with store.read() as tx:
            principal = find_account(tx, name)
            count, _ = object_resources.owner_count_and_size(tx, principal.id)
        if not yes:
            what = f"Delete {principal.name} and {count} events, tasks and contacts for good?"
            click.confirm(what, abort=True)
        store.write(lambda tx: principals.remove(tx, principal.id))
    click.echo(f"Removed {principal.name}.")


def _require_email(text: str, parameter: str) -> None:
    """Raise BadParameter for what is no mail address."""
    try:
        check_email(text)
    except ValueError as error:
        raise click.BadParameter(f"{error}.", param_hint=parameter) from None


def _set_disabled(session: Session, name: str, *, disabled: bool) -> None:
    with session.store() as store:
        with store.read() as tx:
            principal = find_account(tx, name)
        store.write(lambda tx: principals.set_disabled(tx, principal.id, disabled=disabled))
    click.echo(f"{'Disabled' if disabled else 'Enabled'} {principal.name}.")


def _choose_password(*, read_stdin: bool) -> tuple[str, bool]:
    """The password, and whether it was generated and must be shown."""
    if read_stdin:
        try:
            line = sys.stdin.buffer.readline().decode("utf-8")
        except UnicodeDecodeError:
            raise click.ClickException("The password on standard input is not UTF-8.") from None
        return line.removesuffix("\n").removesuffix("\r"), False
    if sys.stdin.isatty():
        asked = _ask("Password (empty to generate one)")
        if asked and _ask("The same again") != asked:
            raise click.ClickException("The two passwords differ; nothing was changed.")
        if asked:
            return asked, False
    return generate_password(), True


def _ask(question: str) -> str:
    answer: str = click.prompt(question, default="", show_default=False, hide_input=True)
    return answer


def _warn_of_file(configuration: Configuration, name: str) -> None:
    if configuration.htpasswd is not None and name in read_htpasswd(configuration.htpasswd):
        click.echo(
            f"But {name} is in {configuration.htpasswd}, and the password there is what counts.",
            err=True,
        )
