"""XML: a bounded parser that refuses DTDs (RFC 4918 §20.6), and fragments for answers."""

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from xml.sax.saxutils import escape as _escape
from xml.sax.saxutils import quoteattr

from lxml import etree

from davenport.dav.name import (
    APPLE_ICAL,
    CALDAV,
    CALENDARSERVER,
    CARDDAV,
    DAV,
    XML_LANG,
    split_name,
)
from davenport.dav.precondition import StatusError

Element = etree._Element  # lxml gives its element type no public name

# One prefix per namespace, declared once on the root of every answer.
PREFIXES = {
    DAV.uri: "D",
    CALDAV.uri: "C",
    CARDDAV.uri: "CR",
    CALENDARSERVER.uri: "CS",
    APPLE_ICAL.uri: "A",
}
DECLARATION = '<?xml version="1.0" encoding="utf-8"?>\n'
NAMESPACES = "".join(f' xmlns:{prefix}="{uri}"' for uri, prefix in PREFIXES.items())

_parsers = threading.local()


@dataclass(frozen=True, slots=True)
class XmlLimits:
    """Bounds of a request body: nesting depth, number of elements, characters of a Clark name."""

    depth: int = 64
    elements: int = 50_000
    name: int = 1_024


def _parser() -> etree.XMLParser:
    parser: etree.XMLParser | None = getattr(_parsers, "parser", None)
    if parser is None:
        parser = etree.XMLParser(
            resolve_entities=False,
            no_network=True,
            load_dtd=False,
            dtd_validation=False,
            huge_tree=False,
            remove_comments=True,
            remove_pis=True,
        )
        _parsers.parser = parser
    return parser


def parse(body: bytes, limits: XmlLimits) -> Element:
    """Parse a request body.

    Raises StatusError 400 for malformed XML, a DTD or entities, too deep nesting or too long a
    name, and 413 for too many elements; their number is bounded before a tree is built.
    """
    if b"<!DOCTYPE" in body or b"<!ENTITY" in body:
        raise StatusError(400, "a DTD or entity declaration is not allowed in a request body")
    # Every element holds a '<' byte in any encoding, and an end tag at most doubles them.
    if body.count(b"<") > 2 * limits.elements:
        raise StatusError(413, f"the XML body has more than {limits.elements} elements")
    try:
        root = etree.fromstring(body.removeprefix(b"\xef\xbb\xbf"), _parser())
    except (etree.XMLSyntaxError, ValueError, LookupError) as error:
        raise StatusError(400, f"the XML body is malformed: {error}") from None
    declared = root.getroottree().docinfo.internalDTD
    if declared is not None:
        raise StatusError(400, "a DTD is not allowed in a request body")
    _require_limits(root, limits)
    return root


def _require_limits(root: Element, limits: XmlLimits) -> None:
    level: list[Element] = [root]
    depth = 1
    while level:
        if depth > limits.depth:
            raise StatusError(400, f"the XML body is nested deeper than {limits.depth} elements")
        # An unresolved entity reference has no name of its own.
        if any(len(one.tag) > limits.name for one in level if isinstance(one.tag, str)):
            raise StatusError(400, f"an element's name is longer than {limits.name} characters")
        level = [child for element in level for child in element]
        depth += 1


def children(element: Element) -> list[Element]:
    """The child elements of `element`, without entity references that were left unresolved."""
    return [child for child in element if isinstance(child.tag, str)]


def tag(element: Element) -> str:
    """The Clark name of `element`."""
    return str(element.tag)


def text(element: Element) -> str:
    """The character data directly in `element`."""
    pieces = [element.text or "", *(child.tail or "" for child in element)]
    return "".join(pieces)


def escape(value: str) -> str:
    """Escape character data; a carriage return is kept by a reference (XML 1.0 §2.11)."""
    escaped = _escape(value)
    return escaped.replace("\r", "&#13;") if "\r" in escaped else escaped


@lru_cache(maxsize=4096)
def tags(name: str) -> tuple[str, str]:
    """The (start tag without '>', end tag) of a Clark name in an answer."""
    namespace, local = split_name(name)
    if not namespace:
        return f"<{local}", f"</{local}>"
    prefix = PREFIXES.get(namespace)
    if prefix is None:
        return f"<X:{local} xmlns:X={quoteattr(namespace)}", f"</X:{local}>"
    return f"<{prefix}:{local}", f"</{prefix}:{local}>"


def element(name: str, content: str = "", attributes: str = "") -> str:
    """An element around `content`, which is XML already; `attributes` begins with a space."""
    start, end = tags(name)
    return f"{start}{attributes}>{content}{end}" if content else f"{start}{attributes}/>"


def document(name: str, content: str) -> bytes:
    """A whole answer body whose root declares the vocabulary's namespaces."""
    return (DECLARATION + element(name, content, NAMESPACES)).encode()


def hrefs(values: Iterable[str]) -> str:
    """DAV:href elements (RFC 4918 §14.7)."""
    return "".join(f"<D:href>{escape(value)}</D:href>" for value in values)


def text_element(name: str, value: str) -> str:
    """A property element with character data, complete in itself, as the store keeps properties."""
    namespace, local = split_name(name)
    return f"<{local} xmlns={quoteattr(namespace)}>{escape(value)}</{local}>"


def element_text(source: str) -> str:
    """The character data of a stored property element."""
    return text(etree.fromstring(source, _parser()))


def stored_element(property_element: Element) -> str:
    """Serialise a property element so that it stands alone, xml:lang of its ancestors included."""
    if property_element.get(XML_LANG) is None:
        inherited = property_element.xpath("ancestor::*[@xml:lang][1]/@xml:lang")
        if isinstance(inherited, list) and inherited:
            property_element.set(XML_LANG, str(inherited[0]))
    serialised = etree.tostring(property_element, encoding="unicode", with_tail=False)
    # A bare carriage return would be read back as a line feed by the next parser.
    return serialised.replace("\r", "&#13;")


def stored_root(source: str) -> Element:
    """Parse a stored property element."""
    return etree.fromstring(source, _parser())
