"""USER/COLLECTION on the command line: the collections that it names."""

import click

from davenport.cli.session import find_account
from davenport.storage import collections
from davenport.storage.database import Transaction
from davenport.storage.model import HOME_KINDS, Collection, CollectionKind, Principal

EXTENSIONS = {CollectionKind.CALENDAR: ".ics", CollectionKind.ADDRESSBOOK: ".vcf"}
"""The extension of an object's file name in each kind of collection."""


def split_target(text: str) -> tuple[str, str | None]:
    """USER and COLLECTION of USER[/COLLECTION]; raises BadParameter."""
    user, slash, name = text.partition("/")
    name = name.removesuffix("/")
    if not user or (slash and not name) or "/" in name:
        raise click.BadParameter(f"{text!r} is not of the form USER/COLLECTION.")
    return user, name or None


def find_collections(
    tx: Transaction, user: str, name: str | None
) -> tuple[Principal, list[Collection]]:
    """The account and its collections, or those called `name`; raises ClickException for none."""
    owner = find_account(tx, user)
    homes = [collections.home(tx, owner.id, kind) for kind in HOME_KINDS]
    every = [one for home in homes if home for one in collections.children(tx, home.id)]
    found = [one for one in every if name in {None, one.name}]
    if name is not None and not found:
        names = ", ".join(one.name for one in every) or "none"
        raise click.ClickException(f"{owner.name} has no collection {name!r}; there are: {names}.")
    return owner, found
