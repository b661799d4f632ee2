"""Collations of text-match (RFC 4790 §9, RFC 5051)."""

import unicodedata
from collections.abc import Callable

from davenport.dav.filter import TextMatch

_ASCII_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}


def _octet(text: str) -> str:
    return text


def _ascii_casemap(text: str) -> str:
    return text.lower() if text.isascii() else text.translate(_ASCII_LOWER)


def _unicode_casemap(text: str) -> str:
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())


_KEYS: dict[str, Callable[[str], str]] = {
    "i;octet": _octet,
    "i;ascii-casemap": _ascii_casemap,
    "i;unicode-casemap": _unicode_casemap,
}

COLLATIONS = tuple(_KEYS)


class UnknownCollationError(Exception):
    """A text-match names a collation that is not one of COLLATIONS."""


def text_matches(text: str, match: TextMatch) -> bool:
    """Does `text` satisfy `match`, negation included? Raises UnknownCollationError."""
    key = _KEYS.get(match.collation)
    if key is None:
        raise UnknownCollationError(match.collation)
    value, sought = key(text), key(match.text)
    if match.match_type == "equals":
        found = value == sought
    elif match.match_type == "starts-with":
        found = value.startswith(sought)
    elif match.match_type == "ends-with":
        found = value.endswith(sought)
    else:
        found = sought in value
    return found != match.negate
