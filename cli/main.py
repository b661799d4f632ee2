"""The program `davenport`: finds the command asked for and turns errors into sentences."""

import importlib
from collections.abc import Sequence
from pathlib import Path

import click

from davenport.cli.session import Session
from davenport.server.config_layers import ConfigurationError
from davenport.server.htpasswd import HtpasswdError
from davenport.server.password import PasswordError
from davenport.storage.error import Refusal, StoreError

# Command names and where they are; a module is imported when its command is asked for.
_COMMANDS = {
    "app-password": "davenport.cli.app_password:app_password",
    "config": "davenport.cli.config:config",
    "export": "davenport.cli.export:export",
    "import": "davenport.cli.import_files:import_files",
    "merge": "davenport.cli.merge:merge_files",
    "serve": "davenport.cli.serve:serve",
    "store": "davenport.cli.store:store",
    "user": "davenport.cli.user:user",
}


class _ConfigurationFault(click.ClickException):
    exit_code = 2


class _Program(click.Group):
    """The commands, imported late; what they raise becomes one sentence and an exit code."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        place = _COMMANDS.get(cmd_name)
        if place is None:
            return None
        module, _, attribute = place.partition(":")
        command = getattr(importlib.import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise
        except Exception as error:
            # The edge of the program: people get a sentence, --debug the traceback.
            if ctx.params.get("debug"):
                raise
            raise _explain(error) from None


def _explain(error: Exception) -> click.ClickException:
    if isinstance(error, ConfigurationError):
        return _ConfigurationFault(str(error))
    if isinstance(error, HtpasswdError | PasswordError | Refusal | StoreError):
        return click.ClickException(f"{error}.")
    if isinstance(error, OSError) and error.strerror:
        place = f"{error.filename}: " if error.filename else ""
        return click.ClickException(f"{place}{error.strerror}.")
    kind = type(error).__name__
    return click.ClickException(
        f"This should not have happened ({kind}: {error}). "
        "Please report it with the output of the same command under davenport --debug."
    )


_EPILOG = """\b
Exit codes: 0 done; 1 not done, or not all of it; 2 wrong usage or configuration.

\b
Examples:
  davenport serve
  davenport --data /srv/dav user add ann --email ann@example.org
  davenport import old.ics --into ann/calendar

\b
Shell completion:
  eval "$(_DAVENPORT_COMPLETE=bash_source davenport)"   (or zsh_source, fish_source)
"""


@click.group(
    cls=_Program,
    epilog=_EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="davenport", message="%(prog)s %(version)s")
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    help="The folder that holds the data (or DAVENPORT_DATA). The default is the platform's.",
)
@click.option(
    "--config",
    "config_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The configuration file, instead of davenport.toml in the data folder.",
)
@click.option(
    "--debug", is_flag=True, envvar="DAVENPORT_DEBUG", help="Show tracebacks (or DAVENPORT_DEBUG)."
)
@click.pass_context
def davenport(
    context: click.Context,
    data: Path | None,
    config_file: Path | None,
    debug: bool,  # noqa: FBT001
) -> None:
    """A calendar and contact server (CalDAV and CardDAV)."""
    del debug  # Read by the group where errors are caught.
    context.obj = Session(data, config_file)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the program and exit."""
    davenport(args=arguments, prog_name="davenport")
