"""Sync-tokens (RFC 6578 §3.2) as values with one text form each; the text is opaque to clients."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Self

_NUMBER = r"(?:0|[1-9][0-9]{0,18})"
_EPOCH = r"[0-9a-f]{16}"
_SYNC = re.compile(
    rf"urn:davenport:sync:({_EPOCH}):({_NUMBER}):({_NUMBER})(?::({_NUMBER}))?", re.ASCII
)
_HOME_SYNC = re.compile(
    rf"urn:davenport:home-sync:({_EPOCH}):({_NUMBER}):([A-Za-z0-9_-]{{1,65536}})", re.ASCII
)
_LARGEST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class SyncToken:
    """What a client knows of one collection: every change up to `revision`.

    `base` is not 0 only while an initial listing is paged, and then above `revision`: the
    collection's revision at the first page. Tombstones up to it are older than the listing.
    """

    epoch: str
    collection_id: int
    revision: int
    base: int = 0

    def __str__(self) -> str:
        text = f"urn:davenport:sync:{self.epoch}:{self.collection_id}:{self.revision}"
        return f"{text}:{self.base}" if self.base else text

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the text form; ValueError on everything this class does not write."""
        match = _SYNC.fullmatch(text)
        if match is None:
            raise ValueError("not a sync-token of this server")
        token = cls(match[1], int(match[2]), int(match[3]), int(match[4] or 0))
        out_of_range = max(token.collection_id, token.revision, token.base) > _LARGEST
        if out_of_range or 0 < token.base <= token.revision or str(token) != text:
            raise ValueError("a sync-token out of range")
        return token


@dataclass(frozen=True, slots=True)
class HomeSyncToken:
    """What a client knows of a home: the state of each child collection.

    `revisions` maps a collection's id to (revision, base) as in `SyncToken`. `members` tells
    sync-level infinite, whose client knows the objects, from sync-level 1, whose client does not.
    """

    epoch: str
    home_id: int
    revisions: Mapping[int, tuple[int, int]] = field(default_factory=dict)
    members: bool = False

    def __str__(self) -> str:
        numbers = [int(self.members)]
        before = 0
        for collection_id, (revision, base) in sorted(self.revisions.items()):
            numbers += (collection_id - before, revision, base)
            before = collection_id
        payload = b"".join(map(_varint, numbers))
        text = urlsafe_b64encode(payload).rstrip(b"=").decode("ascii")
        return f"urn:davenport:home-sync:{self.epoch}:{self.home_id}:{text}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the text form; ValueError on everything this class does not write."""
        match = _HOME_SYNC.fullmatch(text)
        if match is None:
            raise ValueError("not a sync-token of a home of this server")
        payload = urlsafe_b64decode(match[3] + "=" * (-len(match[3]) % 4))
        level, *numbers = _varints(payload)
        if level > 1 or len(numbers) % 3:
            raise ValueError("a home's sync-token with a malformed state")
        revisions: dict[int, tuple[int, int]] = {}
        collection_id = 0
        for step, revision, base in zip(numbers[::3], numbers[1::3], numbers[2::3], strict=True):
            collection_id += step
            if step == 0 or collection_id > _LARGEST or 0 < base <= revision:
                raise ValueError("a home's sync-token out of range")
            revisions[collection_id] = (revision, base)
        token = cls(match[1], int(match[2]), revisions, members=bool(level))
        if token.home_id > _LARGEST or str(token) != text:
            raise ValueError("a home's sync-token that is not canonical")
        return token


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _varints(payload: bytes) -> Iterator[int]:
    """The numbers of `payload`, seven bits a byte, least significant first."""
    number = shift = 0
    for byte in payload:
        number |= (byte & 0x7F) << shift
        if number > _LARGEST:
            raise ValueError("a number out of range")
        if byte & 0x80:
            shift += 7
            if shift > 63:
                raise ValueError("a number out of range")
        else:
            yield number
            number = shift = 0
    if shift:
        raise ValueError("a truncated number")
