"""The columns that each row type is read from, in one order, and the rows built from them."""

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from davenport.storage.database import Row
from davenport.storage.model import (
    AppPassword,
    Collection,
    CollectionKind,
    ObjectResource,
    Principal,
)

# What stands in the index for "no start" and "no end": wider than any time, inside 64 bits.
NO_START = -(2**62)
NO_END = 2**62

_NO_PROPERTIES: Mapping[str, str] = MappingProxyType({})
_KINDS = {kind.value: kind for kind in CollectionKind}


# What a SELECT or RETURNING names for each row type.
PRINCIPAL_COLUMNS = (
    "id, name, display_name, email, password_hash, credential_revision, disabled, created"
)
COLLECTION_COLUMNS = (
    "id, owner_id, parent_id, name, kind, components, revision, floor, properties, created,"
    " modified, deleted"
)
OBJECT_COLUMNS = (
    "id, collection_id, name, uid, component, revision, created_revision, deleted, etag, size,"
    " starts, ends, created, modified, properties, body_revision"
)


def principal(row: Row) -> Principal:
    """The principal of a row of PRINCIPAL_COLUMNS."""
    id_, name, display_name, email, password_hash, revision, disabled, created = row
    return Principal(
        id_, name, display_name, email, password_hash, revision, bool(disabled), created
    )


def app_password(row: Row) -> AppPassword:
    """The app password of a row of `app_passwords`' columns."""
    id_, principal_id, label, secret_hash, read_only, expires, last_used, created = row
    return AppPassword(
        id_, principal_id, label, secret_hash, bool(read_only), expires, last_used, created
    )


def collection(row: Row) -> Collection:
    """The collection of a row of COLLECTION_COLUMNS."""
    (id_, owner_id, parent_id, name, kind, components, *numbers) = row
    revision, floor, properties, created, modified, deleted = numbers
    return Collection(
        id_,
        owner_id,
        parent_id,
        name,
        _KINDS[kind],
        tuple(components.split(",")) if components else (),
        revision,
        floor,
        _properties(properties),
        created,
        modified,
        bool(deleted),
    )


def object_resource(row: Row) -> ObjectResource:
    """The object of a row of OBJECT_COLUMNS."""
    return ObjectResource(
        row[0],
        row[1],
        row[2],
        row[3],
        row[4],
        row[5],
        row[6],
        bool(row[7]),
        row[8],
        row[9],
        None if row[10] == NO_START else row[10],
        None if row[11] == NO_END else row[11],
        row[12],
        row[13],
        _properties(row[14]),
        row[15],
    )


def properties_text(properties: Mapping[str, str]) -> str:
    """The stored form of a property map."""
    return json.dumps(dict(properties), ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def _properties(text: str) -> Mapping[str, str]:
    if text == "{}":
        return _NO_PROPERTIES
    loaded: Any = json.loads(text)
    return {str(name): str(value) for name, value in loaded.items()}
