"""A request and a response as values (RFC 9110)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

XML = "application/xml; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Request:
    """A request: `path` percent-encoded as received, header names lower-case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Response:
    """An answer; a body that grows with a collection is an iterator of chunks."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | Iterator[bytes] = b""
