"""Hrefs as a client meets them: one spelling to compare by, the server's own to ask with.

Hrefs are percent-encoded paths (RFC 3986 §6.2.2); servers spell one member in several ways.
"""

import re
from urllib.parse import SplitResult, quote, unquote_to_bytes, urljoin, urlsplit

from davenport.sync.side import SideError


class HrefError(SideError, ValueError):
    """An href that is no URI, or one that no server may ask a client to use."""


# What a segment may carry unescaped (RFC 3986 §3.3); "@" and "%40" are thereby the same.
_SAFE = "!$&'()*+,;=:@-._~"
# A path that is canonical as it stands.
_CANONICAL = re.compile(r"(?:/(?!\.{1,2}(?:/|\Z))[A-Za-z0-9!$&'()*+,;=:@._~-]*+)++")
_PORTS = {"http": 80, "https": 443}


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port  # read for its error
    except ValueError as error:
        raise HrefError(f"{url[:200]!r} is no URI: {error}") from None
    return parts


def canonical(href: str) -> str:
    """The path of an href in one spelling; scheme, host and query are left out.

    Raises HrefError for an href that is no URI or has a dot segment.
    """
    # Two slashes at the start would be read as a host.
    rooted = href.startswith("/") and not href.startswith("//")
    path = href.partition("#")[0].partition("?")[0] if rooted else _split(href).path
    if _CANONICAL.fullmatch(path):
        return path
    segments = [unquote_to_bytes(segment) for segment in path.split("/")]
    if b".." in segments or b"." in segments:
        raise HrefError(f"the href {href!r} has a dot segment")
    return "/".join(quote(segment, safe=_SAFE) for segment in segments)


def alternate(href: str) -> str | None:
    """The other spelling of an href with "@", which some servers hold for another resource."""
    if "@" in href:
        return href.replace("@", "%40")
    return href.replace("%40", "@") if "%40" in href else None


def origin(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port of an absolute URL; ("", "", None) for a path. Raises HrefError."""
    parts = _split(url)
    scheme = parts.scheme.lower()
    return scheme, (parts.hostname or "").lower(), parts.port or _PORTS.get(scheme)


def resolve(base: str, href: str) -> str:
    """An href of an answer from `base` as something to request (RFC 4918 §8.3).

    Raises HrefError.
    """
    if href.startswith("/") and not href.startswith("//"):
        parts = _split(base)
        return f"{parts.scheme}://{parts.netloc}{href}" if parts.netloc else href
    _split(href)
    return urljoin(base, href)


def member_of(collection: str, href: str) -> str | None:
    """The canonical href of a member named in an answer from `collection`, "" for the collection
    itself, None for anything that is not directly inside it or is on another host.

    Scheme and port may differ, as they do behind many a proxy: only the path is ever requested.
    """
    try:
        host = _split(href).hostname if "//" in href else None
        if host is not None and host != (origin(collection)[1] or host):
            return None
        if href.startswith("//"):
            return None
        path = canonical(href if host or href.startswith("/") else resolve(collection, href))
        root = canonical(collection).rstrip("/") + "/"
    except HrefError:
        return None
    if path.rstrip("/") + "/" == root:
        return ""
    name = path.removeprefix(root)
    # Deeper ones are members of a collection inside; a slash at the end is a collection's.
    return path if path.startswith(root) and "/" not in name.rstrip("/") else None


def last_segment(href: str) -> str:
    """The decoded name of a resource."""
    segment = canonical(href).rstrip("/").rpartition("/")[2]
    return unquote_to_bytes(segment).decode("utf-8", "replace")
