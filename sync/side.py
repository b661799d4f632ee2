"""What the sync engine asks of an endpoint: an account, a folder, a file, a feed.

Hrefs are the endpoint's own names of its members, in one spelling for each; etags are compared,
never read. Every method may raise a SideError; what it names decides how far the failure reaches.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

Kind = Literal["calendar", "addressbook"]


@dataclass(frozen=True, slots=True)
class CollectionInfo:
    """A calendar or address book as it is listed.

    `name` is the last segment of its href; `components` are the kinds of calendar objects it
    takes, () for all; `properties` maps Clark names to whole property elements as XML text.
    """

    href: str
    kind: Kind
    name: str
    displayname: str | None
    color: str | None
    components: tuple[str, ...]
    read_only: bool
    properties: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Listing:
    """Members since a cursor, or all of them where `whole`.

    `entries` maps the href of each new or changed member to its etag ("" where unknown).
    `absent` are candidates for deletion only, and so is what a whole listing leaves out; nothing
    may be taken for deleted where the listing is not `complete`. `cursor` is None where the
    endpoint has none to give: the next listing will be a whole one again.
    """

    entries: Mapping[str, str]
    absent: frozenset[str]
    cursor: str | None
    whole: bool
    complete: bool


@dataclass(frozen=True, slots=True)
class Item:
    """A member's body with the etag that came with it."""

    href: str
    etag: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Written:
    """Where an object was stored; `etag` is None where the side gave none worth trusting."""

    href: str
    etag: str | None


class SideError(Exception):
    """An endpoint could not do what was asked of it."""


class Exists(SideError):  # noqa: N818 - named for what was found
    """The name or the UID is taken; `href` is the member that holds it, where that is known."""

    def __init__(self, href: str | None = None) -> None:
        super().__init__(f"{href or 'another member'} is there already")
        self.href = href


class Stale(SideError):  # noqa: N818
    """The member is no longer at the etag that was given, or is gone: read it again."""


class Rejected(SideError):  # noqa: N818
    """The endpoint does not take this object; `reason` is for people."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(f"refused with status {status}: {reason}")
        self.status = status
        self.reason = reason


class ReadOnly(SideError):  # noqa: N818
    """This collection may not be written."""


class OutcomeUnknown(SideError):  # noqa: N818
    """A write was sent and no answer tells whether it took effect: read before writing again."""


class RateLimited(SideError):  # noqa: N818
    """The endpoint wants no more requests before `until` (UTC seconds; None: it did not say)."""

    def __init__(self, until: float | None = None) -> None:
        super().__init__("the server limits the rate of requests")
        self.until = until


class AuthenticationFailed(SideError):  # noqa: N818
    """The endpoint does not take the credentials."""


class CollectionMissing(SideError):  # noqa: N818
    """The collection is not there; this says nothing about its members."""


class CollectionSide(Protocol):
    """One collection of an endpoint."""

    info: CollectionInfo

    def identity(self) -> str:
        """A name of account and collection that stays the same as long as they do."""
        ...

    def changes(self, cursor: str | None) -> Listing:
        """What is new since `cursor`; None asks for the baseline listing of all members."""
        ...

    def fetch(self, hrefs: Sequence[str]) -> Iterator[Item]:
        """The bodies of members, in any order; what is missing is simply not yielded."""
        ...

    def exists(self, href: str) -> bool | None:
        """A direct read: True, False where the endpoint says it is gone, None where it does not
        say."""
        ...

    def find_uid(self, uid: str) -> str | None:
        """The href of the member with this UID."""
        ...

    def create(self, name: str, body: bytes) -> Written:
        """Store a new member; raises Exists, Rejected, ReadOnly, OutcomeUnknown, RateLimited."""
        ...

    def update(self, href: str, body: bytes, etag: str) -> Written:
        """Replace a member that is still at `etag`; raises Stale and what `create` raises."""
        ...

    def delete(self, href: str, etag: str) -> None:
        """Delete a member that is still at `etag`; one that is gone already is a success."""
        ...


class Side(Protocol):
    """An endpoint with its collections."""

    def collections(self) -> Sequence[CollectionInfo]:
        """All collections of the endpoint."""
        ...

    def open(self, href: str) -> CollectionSide:
        """One collection; raises CollectionMissing."""
        ...

    def make(
        self,
        kind: Kind,
        name: str,
        properties: Mapping[str, str],
        components: tuple[str, ...],
    ) -> CollectionSide:
        """A new collection; its href and properties are those that the endpoint gave it."""
        ...
