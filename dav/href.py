"""Hrefs: one canonical spelling is written, every spelling is accepted (RFC 4918 §8.3)."""

import re
from functools import lru_cache
from urllib.parse import quote, unquote_to_bytes, urlsplit

from davenport.dav.precondition import StatusError

# Characters a path segment may carry unescaped (RFC 3986 §3.3), '@' and ':' among them.
_SEGMENT_SAFE = "!$&'()*+,;=:@-._~"
# An escaped slash, controls, and the two characters that no XML answer could carry (XML 1.0 §2.2).
_FORBIDDEN = re.compile("[/\x00-\x1f\x7f-\x9f\ufffe\uffff]")


@lru_cache(maxsize=16384)
def quote_segment(segment: str) -> str:
    """Percent-encode one path segment in its canonical spelling."""
    return quote(segment, safe=_SEGMENT_SAFE)


def split_path(raw_path: str, segment_limit: int = 255) -> tuple[tuple[str, ...], bool]:
    """Decode an encoded path into (segments, whether it ends in a slash).

    Raises StatusError 400 for non-UTF-8, control characters, NUL, an encoded slash, dot segments
    or a segment over `segment_limit` bytes.
    """
    path = raw_path.partition("?")[0]
    if not path.startswith("/"):
        raise StatusError(400, "the path does not start with a slash")
    parts = path[1:].split("/")
    ends_in_slash = parts[-1] == ""
    if ends_in_slash:
        parts.pop()
    return tuple(_decode(part, segment_limit) for part in parts), ends_in_slash


def _decode(part: str, limit: int) -> str:
    # Some clients send names unencoded; what was not UTF-8 stands there as lone surrogates.
    raw = part.encode("utf-8", "surrogateescape")
    if "%" in part:
        raw = unquote_to_bytes(raw)
    if len(raw) > limit:
        raise StatusError(400, f"a path segment is longer than {limit} bytes")
    try:
        segment = raw.decode()
    except UnicodeDecodeError:
        raise StatusError(400, "the path is not UTF-8") from None
    if segment in {"", ".", ".."}:
        raise StatusError(400, "the path has an empty or dot segment")
    if _FORBIDDEN.search(segment):
        raise StatusError(400, "the path has a slash or control character inside a segment")
    return segment


def path_of(href: str) -> str:
    """The path of an href, which may be absolute (RFC 4918 §8.3); scheme and host are dropped."""
    if href.startswith("/") and not href.startswith("//"):
        return href
    try:
        return urlsplit(href).path
    except ValueError:
        raise StatusError(400, "an href is not a URI") from None
