"""ETags and conditional requests, evaluated in the order of RFC 9110 §13.2.2."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from enum import Enum
from hashlib import blake2b

_ENTITY_TAG = re.compile(r'(W/)?\\?"((?:[^"\\]|\\(?!"))*)\\?"')


def etag_of(body: bytes) -> str:
    """A strong entity tag, quotes included: equal exactly where the bytes are (RFC 9110 §8.8.3)."""
    return f'"{blake2b(body, digest_size=16).hexdigest()}"'


class Outcome(Enum):
    """What the conditions say about the request."""

    PROCEED = "proceed"
    NOT_MODIFIED = "not modified"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class EntityTags:
    """An If-Match or If-None-Match value: `any` for "*", else the listed tags."""

    any: bool
    strong: frozenset[str]
    weak: frozenset[str]

    def match_strongly(self, etag: str | None) -> bool:
        """Strong comparison (RFC 9110 §8.8.3.2); None is a resource that does not exist."""
        return etag is not None and (self.any or etag in self.strong)

    def match_weakly(self, etag: str | None) -> bool:
        """Weak comparison."""
        return etag is not None and (self.any or etag in self.strong or etag in self.weak)


@dataclass(frozen=True, slots=True)
class Conditions:
    """The conditional headers of one request."""

    if_match: EntityTags | None
    if_none_match: EntityTags | None
    if_modified_since: int | None
    if_unmodified_since: int | None

    def check(self, method: str, etag: str | None, modified: int | None) -> Outcome:
        """Evaluate against the current `etag` and time (UTC seconds), None where absent."""
        reading = method in {"GET", "HEAD"}
        if self.if_match is not None:
            if not self.if_match.match_strongly(etag):
                return Outcome.FAILED
        elif self.if_unmodified_since is not None and (
            modified is None or modified > self.if_unmodified_since
        ):
            return Outcome.FAILED
        if self.if_none_match is not None:
            if self.if_none_match.match_weakly(etag):
                return Outcome.NOT_MODIFIED if reading else Outcome.FAILED
        elif (
            reading
            and self.if_modified_since is not None
            and modified is not None
            and modified <= self.if_modified_since
        ):
            return Outcome.NOT_MODIFIED
        return Outcome.PROCEED


NO_CONDITIONS = Conditions(None, None, None, None)


def conditions(headers: Mapping[str, str]) -> Conditions:
    """Read the conditional headers; an entity tag list that cannot be read matches nothing."""
    if not any(name.startswith("if-") for name in headers):
        return NO_CONDITIONS
    return Conditions(
        if_match=_entity_tags(headers.get("if-match")),
        if_none_match=_entity_tags(headers.get("if-none-match")),
        if_modified_since=_seconds(headers.get("if-modified-since")),
        if_unmodified_since=_seconds(headers.get("if-unmodified-since")),
    )


def _entity_tags(value: str | None) -> EntityTags | None:
    if value is None:
        return None
    if value.strip() == "*":
        return EntityTags(any=True, strong=frozenset(), weak=frozenset())
    found = _ENTITY_TAG.findall(value)
    return EntityTags(
        any=False,
        strong=frozenset(f'"{opaque}"' for weak, opaque in found if not weak),
        weak=frozenset(f'"{opaque}"' for weak, opaque in found if weak),
    )


def _seconds(value: str | None) -> int | None:
    """An HTTP date as UTC seconds; an invalid one is ignored (RFC 9110 §13.1.3)."""
    if value is None:
        return None
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


def http_date(seconds: int) -> str:
    """UTC seconds as an HTTP date (RFC 9110 §5.6.7)."""
    return format_datetime(datetime.fromtimestamp(seconds, UTC), usegmt=True)
