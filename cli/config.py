"""`davenport config`: the configuration that is in force."""

import json

import click

from davenport.cli.session import Session, json_option, print_json
from davenport.server.config import known_keys


@click.command(
    epilog="""\b
Examples:
  davenport config
  DAVENPORT_LISTEN=[::1]:80 davenport config --json
"""
)
@json_option
@click.pass_obj
def config(session: Session, as_json: bool) -> None:  # noqa: FBT001
    """Print the effective configuration.

    The output is TOML and can be saved as a configuration file, but passwords are masked.
    """
    values = session.configuration().masked()
    if as_json:
        print_json(values)
        return
    limits = values.pop("limits")
    keys = known_keys()
    for name, value in values.items():
        click.echo(f"# {keys[name][0]}; takes {keys[name][1]}")
        # An empty text is how TOML, which has no null, says "none".
        click.echo(f"{name} = {_toml('' if value is None else value)}")
    click.echo("\n[limits]")
    for name, value in limits.items():
        click.echo(f"{name} = {_toml(value)}  # {keys[f'limits.{name}'][0]}")


def _toml(value: object) -> str:
    # JSON's texts, numbers and lists of texts are TOML's too, save for the control character DEL.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
