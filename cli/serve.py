"""`davenport serve`: prepares the store and the first account, then runs the worker processes."""

import errno
import getpass
import multiprocessing
import os
import socket
import stat
import sys
from dataclasses import dataclass
from importlib.metadata import version
from ipaddress import ip_address
from pathlib import Path

import click
from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels

from davenport.cli.session import Session, open_configured
from davenport.server.accounts import UserNameError, canonical_name, create_account
from davenport.server.config import Configuration
from davenport.server.hrefs import Hrefs
from davenport.server.htpasswd import read_htpasswd
from davenport.server.log import standard_logging
from davenport.server.password import generate_password, hash_password
from davenport.server.process import load_worker
from davenport.storage import principals
from davenport.storage.database import Store
from davenport.storage.model import CollectionKind, Principal

_BACKLOG = 1024
# Requests that one worker has in hand; more wait in the kernel's queue.
_BACKPRESSURE = 512
_READ_BUFFER = 64 * 1024


@dataclass(frozen=True, slots=True)
class _FirstAccount:
    principal: Principal
    password: str


@click.command(
    short_help="Run the server.",
    epilog="""\b
Examples:
  davenport serve
  davenport --data /srv/dav serve --listen 127.0.0.1:8080 --workers 2
  DAVENPORT_LISTEN=[::1]:5232 davenport serve
""",
)
@click.option(
    "--listen",
    metavar="HOST:PORT",
    help="The address to listen on (or DAVENPORT_LISTEN). The default is 127.0.0.1:5232.",
)
@click.option("--workers", metavar="N", help="Worker processes; 0, the default, is one per core.")
@click.pass_obj
def serve(session: Session, listen: str | None, workers: str | None) -> None:
    """Run the server until it is stopped with Ctrl+C or SIGTERM.

    The first start makes an account and shows its password, once. Requests in flight are finished
    when the server stops. Plain HTTP only: put a proxy with TLS before it for other machines.
    """
    configuration = session.configuration({"listen": listen, "workers": workers})
    address = _free_address(configuration)
    if configuration.htpasswd is not None:
        read_htpasswd(configuration.htpasswd)
    with open_configured(configuration) as store:
        first = _make_first_account(store, configuration)
        with store.read() as tx:
            names = [principal.name for principal in principals.all(tx)]
    _announce(configuration, names)
    if first is not None:
        _show_first_account(first, configuration)
    _warn_of_clear_text(address)
    click.echo("Stop with Ctrl+C.\n")
    sys.stdout.flush()
    _run(configuration, address)


def _run(configuration: Configuration, address: str) -> None:
    os.environ.update(configuration.to_environment())
    # A fork of this process would copy threads' locks in whatever state they are.
    multiprocessing.set_start_method("spawn", force=True)
    server = Granian(
        "davenport.server.app:create_worker_app",
        address=address,
        port=configuration.port,
        interface=Interfaces.ASGI,
        workers=configuration.worker_count,
        http=HTTPModes.http1,
        websockets=False,
        backlog=_BACKLOG,
        backpressure=_BACKPRESSURE,
        http1_settings=HTTP1Settings(
            header_read_timeout=int(configuration.limits.header_timeout * 1000),
            max_buffer_size=_READ_BUFFER,
        ),
        log_level=LogLevels.warning,
        log_dictconfig=standard_logging(configuration),
        log_access=False,
        respawn_failed_workers=True,
        workers_kill_timeout=configuration.shutdown_timeout,
    )
    server.serve(target_loader=load_worker, wrap_loader=False)


def _free_address(configuration: Configuration) -> str:
    """The IP address to listen on, found free; raises ClickException.

    The workers share the port by SO_REUSEPORT, with which a second server would steal a part of
    the first one's connections instead of failing: hence the trial without it.
    """
    try:
        found = socket.getaddrinfo(
            configuration.host, configuration.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except socket.gaierror as error:
        raise click.ClickException(
            f"listen = {configuration.listen}: the host is not known ({error.strerror})."
        ) from None
    # A name with addresses of both kinds (localhost) is taken as IPv4, which every client tries.
    found.sort(key=lambda entry: entry[0] != socket.AF_INET)
    family, kind, protocol, _, place = found[0]
    with socket.socket(family, kind, protocol) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind(place)
            trial.listen()
        except OSError as error:
            raise click.ClickException(_explain_bind(configuration, error)) from None
    return str(place[0])


def _explain_bind(configuration: Configuration, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"Something listens on {configuration.listen} already; "
            "stop it or choose another port with --listen."
        )
    if error.errno == errno.EACCES:
        return (
            f"Listening on {configuration.listen} is not allowed: ports below 1024 need "
            "privileges; choose another with --listen."
        )
    if error.errno == errno.EADDRNOTAVAIL:
        return f"This machine has no address {configuration.host}; choose another with --listen."
    return f"Listening on {configuration.listen} is not possible: {error.strerror}."


def _make_first_account(store: Store, configuration: Configuration) -> _FirstAccount | None:
    """An account where there is none and no file that names users."""
    if configuration.htpasswd is not None:
        return None
    with store.read() as tx:
        if principals.all(tx):
            return None
    password = generate_password()
    principal = create_account(store, _login_name(), password_hash=hash_password(password))
    return _FirstAccount(principal, password)


def _login_name() -> str:
    try:
        name = getpass.getuser()
        canonical_name(name)
    except (OSError, KeyError, UserNameError):
        return "admin"
    return name


def base_url(configuration: Configuration) -> str:
    """The URL to type into a client, ending in a slash."""
    if configuration.public_url:
        return f"{configuration.public_url}/"
    host = configuration.host
    if host in {"0.0.0.0", "::"}:  # noqa: S104 - every interface: name the machine
        host = socket.gethostname()
    shown = f"[{host}]" if ":" in host else host
    port = "" if configuration.port == 80 else f":{configuration.port}"
    return f"http://{shown}{port}{configuration.path_prefix}/"


def _announce(configuration: Configuration, names: list[str]) -> None:
    base = base_url(configuration)
    hrefs = Hrefs()
    user = names[0] if len(names) == 1 else "USER"
    calendars = hrefs.home_parent(CollectionKind.CALENDAR_HOME).lstrip("/")
    books = hrefs.home_parent(CollectionKind.ADDRESSBOOK_HOME).lstrip("/")
    where = "PostgreSQL" if configuration.store.get_secret_value() else configuration.data
    click.echo(
        f"""davenport {version("davenport")} on {configuration.listen}, data in {where}

Type this into a calendar or contacts program:

    {base}

  Thunderbird     New Calendar, On the Network (and New Address Book, CardDAV):
                  the user name and this URL
  Android         DAVx5: Login with URL and user name
  iPhone, Mac     Add Account, Other, CalDAV and CardDAV: this URL as the server
  Evolution, KDE  a CalDAV or WebDAV account with this URL
  others          that cannot look for themselves:
                  {base}{calendars}{user}/
                  {base}{books}{user}/
"""
    )


def _show_first_account(first: _FirstAccount, configuration: Configuration) -> None:
    """Show the password on standard output, but never to a log that keeps it."""
    name = first.principal.name
    click.echo(
        f"This is the first start: the account {name} was made, with a calendar, a task list and\n"
        "an address book.\n"
    )
    if not _is_journal():
        click.echo(
            f"    user name   {name}\n    password    {first.password}\n\n"
            f"The password is shown only now; `davenport user passwd {name}` changes it.\n"
        )
        return
    path = configuration.data / "first-password"
    _write_secret(path, first.password)
    click.echo(f"Its password is in {path}: read it and delete the file.\n")


def _is_journal() -> bool:
    """Whether standard output goes into systemd's journal (systemd.exec(5), JOURNAL_STREAM)."""
    try:
        status = os.fstat(sys.stdout.fileno())
    except (OSError, ValueError):
        return False
    return os.environ.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}"


def _write_secret(path: Path, text: str) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, stat.S_IRUSR | stat.S_IWUSR)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(f"{text}\n")


def _warn_of_clear_text(address: str) -> None:
    if not ip_address(address.partition("%")[0]).is_loopback:
        click.echo(
            f"Warning: {address} can be reached from other machines, and davenport speaks plain\n"
            "HTTP: passwords and data cross the network readable, unless a proxy adds TLS.\n",
            err=True,
        )
