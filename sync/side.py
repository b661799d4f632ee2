"""A side of a sync: an account or a folder with collections, and the errors that it raises.

Every answer is evidence, not truth: an absent member is a candidate deletion, an ETag from a
write proves nothing, and a write without an answer may have landed.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

Kind = Literal["calendar", "addressbook"]


@dataclass(frozen=True, slots=True)
class CollectionInfo:
    """What a side says of one collection; `properties` maps Clark names to element text."""

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
    """Members of a collection: all of them if `whole`, else those that changed since a cursor.

    `entries` maps an href to its ETag, "" where the side gave none. `absent` holds candidate
    deletions. `cursor` is where the next listing may go on. A listing that is not `complete` may
    lack members and changes.
    """

    entries: Mapping[str, str]
    absent: frozenset[str]
    cursor: str | None
    whole: bool
    complete: bool


@dataclass(frozen=True, slots=True)
class Item:
    """A member's body with the ETag that came with it, "" where the side gave none."""

    href: str
    etag: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Written:
    """Where a write landed; `etag` is None where the side gave none worth trusting."""

    href: str
    etag: str | None


class SideError(Exception):
    """A side did not do what was asked."""


class Exists(SideError):  # noqa: N818
    """The name or the UID is taken, by the member at `href` where the side says so."""

    def __init__(self, href: str | None = None) -> None:
        super().__init__("taken" if href is None else f"taken by {href}")
        self.href = href


class Stale(SideError):  # noqa: N818
    """The member is not as the ETag says: read it again and decide anew."""


class Rejected(SideError):  # noqa: N818
    """The side will not take this body; another body, or another item, it may."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(f"{status}: {reason}")
        self.status = status
        self.reason = reason


class ReadOnly(SideError):  # noqa: N818
    """The collection cannot be written with these credentials."""


class OutcomeUnknown(SideError):  # noqa: N818
    """The request may or may not have landed; only a read can tell."""


class RateLimited(SideError):  # noqa: N818
    """The side asks to be left alone until `until`, in seconds since the epoch."""

    def __init__(self, until: float) -> None:
        super().__init__(f"rate limited until {until:.0f}")
        self.until = until


class AuthenticationFailed(SideError):  # noqa: N818
    """The credentials are refused."""


class CollectionMissing(SideError):  # noqa: N818
    """The collection itself is not there; its members are not thereby deleted."""


class CollectionSide(Protocol):
    """One collection of a side. Every method raises SideError."""

    info: CollectionInfo

    def identity(self) -> str:
        """A stable id of account and collection."""

    def changes(self, cursor: str | None) -> Listing:
        """What changed since `cursor`; None asks for a baseline of all members."""

    def fetch(self, hrefs: Sequence[str]) -> Iterator[Item]:
        """The members at `hrefs`; one that is missing is not yielded."""

    def exists(self, href: str) -> bool | None:
        """Ask for the member itself: False only for 404 or 410, None where unknown."""

    def find_uid(self, uid: str) -> str | None:
        """The href of the member that holds `uid`."""

    def create(self, name: str, body: bytes) -> Written:
        """Write a new member, never over an old one. Raises Exists, Rejected, OutcomeUnknown."""

    def update(self, href: str, body: bytes, etag: str) -> Written:
        """Overwrite the member if it still has `etag`. Raises Stale, Rejected, OutcomeUnknown."""

    def delete(self, href: str, etag: str) -> None:
        """Delete the member if it still has `etag`; success where it is gone. Raises Stale."""


class Side(Protocol):
    """An account or a folder. Every method raises SideError."""

    def collections(self) -> Sequence[CollectionInfo]:
        """The collections there are."""

    def open(self, href: str) -> CollectionSide:
        """The collection at `href`. Raises CollectionMissing."""

    def make(
        self,
        kind: Kind,
        name: str,
        properties: Mapping[str, str],
        components: tuple[str, ...],
    ) -> CollectionSide:
        """Create a collection; its URL is the one that the side then lists."""
