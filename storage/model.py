"""The rows of the store as frozen values. Times are UTC seconds."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class CollectionKind(StrEnum):
    """What a collection is; a home is a collection without a parent."""

    CALENDAR_HOME = "calendar-home"
    ADDRESSBOOK_HOME = "addressbook-home"
    CALENDAR = "calendar"
    ADDRESSBOOK = "addressbook"


HOME_KINDS = (CollectionKind.CALENDAR_HOME, CollectionKind.ADDRESSBOOK_HOME)


@dataclass(frozen=True, slots=True)
class Principal:
    """An account. `credential_revision` moves whenever a cached verification must be forgotten."""

    id: int
    name: str
    display_name: str
    email: str | None
    password_hash: str | None
    credential_revision: int
    disabled: bool
    created: int


@dataclass(frozen=True, slots=True)
class AppPassword:
    """A password of its own for one device."""

    id: int
    principal_id: int
    label: str
    secret_hash: str
    read_only: bool
    expires: int | None
    last_used: int | None
    created: int


@dataclass(frozen=True, slots=True)
class Collection:
    """A collection. `revision` counts its changes; tombstones up to `floor` may have been pruned.

    `properties` maps Clark names to XML text. A deleted collection keeps its row and its name.
    """

    id: int
    owner_id: int
    parent_id: int | None
    name: str
    kind: CollectionKind
    components: tuple[str, ...]
    revision: int
    floor: int
    properties: Mapping[str, str]
    created: int
    modified: int
    deleted: bool


@dataclass(frozen=True, slots=True)
class ObjectResource:
    """A calendar or address object, or its tombstone.

    `revision` is the collection's at the last change, `created_revision` at the first one under
    this name (kept when a deleted name is used again), `body_revision` at the last change of the
    bytes. `starts` and `ends` bound its instances; None is unbounded. `etag` carries its quotes.
    """

    id: int
    collection_id: int
    name: str
    uid: str
    component: str
    revision: int
    created_revision: int
    deleted: bool
    etag: str
    size: int
    starts: int | None
    ends: int | None
    created: int
    modified: int
    properties: Mapping[str, str]
    body_revision: int


@dataclass(frozen=True, slots=True)
class Version:
    """One state of an object's bytes; an empty `etag` and body record a deletion."""

    object_id: int
    revision: int
    body: bytes
    etag: str
    actor: str
    device: str | None
    at: int
