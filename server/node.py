"""What an href leads to: one frozen type for each sort of resource."""

from dataclasses import dataclass
from enum import Enum

from davenport.storage.model import Collection, CollectionKind, ObjectResource, Principal


class Kind(Enum):
    """The sorts of resources that properties, reports and methods are declared for."""

    ROOT = "root"
    PRINCIPAL_SET = "principal set"
    HOME_PARENT = "parent of homes"
    PRINCIPAL = "principal"
    CALENDAR_HOME = "calendar home"
    ADDRESSBOOK_HOME = "address book home"
    CALENDAR = "calendar"
    ADDRESSBOOK = "address book"
    CALENDAR_OBJECT = "calendar object"
    ADDRESS_OBJECT = "address object"
    # Nothing is there: a collection or an object could be made, or not even its parent exists.
    UNMAPPED_COLLECTION = "unmapped collection"
    UNMAPPED_OBJECT = "unmapped object"
    ORPHAN = "without parent"


HOMES = frozenset({Kind.CALENDAR_HOME, Kind.ADDRESSBOOK_HOME})
COLLECTIONS = frozenset({Kind.CALENDAR, Kind.ADDRESSBOOK})
OBJECTS = frozenset({Kind.CALENDAR_OBJECT, Kind.ADDRESS_OBJECT})
STRUCTURE = frozenset({Kind.ROOT, Kind.PRINCIPAL_SET, Kind.HOME_PARENT})
UNMAPPED = frozenset({Kind.UNMAPPED_COLLECTION, Kind.UNMAPPED_OBJECT, Kind.ORPHAN})
MAPPED = STRUCTURE | {Kind.PRINCIPAL} | HOMES | COLLECTIONS | OBJECTS

_KINDS = {
    CollectionKind.CALENDAR_HOME: Kind.CALENDAR_HOME,
    CollectionKind.ADDRESSBOOK_HOME: Kind.ADDRESSBOOK_HOME,
    CollectionKind.CALENDAR: Kind.CALENDAR,
    CollectionKind.ADDRESSBOOK: Kind.ADDRESSBOOK,
}
_OBJECT_KINDS = {
    CollectionKind.CALENDAR: Kind.CALENDAR_OBJECT,
    CollectionKind.ADDRESSBOOK: Kind.ADDRESS_OBJECT,
}


@dataclass(frozen=True, slots=True)
class StructureNode:
    """A fixed collection above the homes: `/`, `/dav/`, the principals, the parents of homes."""

    kind: Kind
    href: str
    children: tuple["StructureNode | PrincipalNode | HomeNode", ...] = ()


@dataclass(frozen=True, slots=True)
class PrincipalNode:
    """A principal resource (RFC 3744 §2)."""

    href: str
    principal: Principal

    @property
    def kind(self) -> Kind:
        return Kind.PRINCIPAL


@dataclass(frozen=True, slots=True)
class HomeNode:
    """A calendar home (RFC 4791 §6.2.1) or address book home (RFC 6352 §7.1.1)."""

    href: str
    owner: Principal
    home: Collection

    @property
    def kind(self) -> Kind:
        return _KINDS[self.home.kind]


@dataclass(frozen=True, slots=True)
class CollectionNode:
    """A calendar or an address book."""

    href: str
    owner: Principal
    collection: Collection

    @property
    def kind(self) -> Kind:
        return _KINDS[self.collection.kind]

    @property
    def object_kind(self) -> Kind:
        return _OBJECT_KINDS[self.collection.kind]


@dataclass(frozen=True, slots=True)
class ObjectNode:
    """A calendar object resource or an address object resource."""

    href: str
    owner: Principal
    collection: Collection
    resource: ObjectResource

    @property
    def kind(self) -> Kind:
        return _OBJECT_KINDS[self.collection.kind]


@dataclass(frozen=True, slots=True)
class UnmappedNode:
    """An href under the caller's own tree where nothing is; `parent` would hold it."""

    kind: Kind
    href: str
    name: str
    parent: HomeNode | CollectionNode | None


Node = StructureNode | PrincipalNode | HomeNode | CollectionNode | ObjectNode | UnmappedNode
