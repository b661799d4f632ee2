"""Reading multistatus answers (RFC 4918 §13), as a client meets them."""

from collections.abc import Mapping
from dataclasses import dataclass

from davenport.dav import xml
from davenport.dav.name import DAV


@dataclass(frozen=True, slots=True)
class ResponseElement:
    """One DAV:response: its status where it stands for the whole resource, else its properties.

    `properties` maps a status to the property elements by Clark name.
    """

    href: str
    status: int | None
    properties: Mapping[int, Mapping[str, xml.Element]]

    @property
    def found(self) -> Mapping[str, xml.Element]:
        """The properties answered with 200."""
        return self.properties.get(200, {})


@dataclass(frozen=True, slots=True)
class MultiStatus:
    """A DAV:multistatus; `sync_token` is None where there is none (RFC 6578 §6.4)."""

    responses: tuple[ResponseElement, ...]
    sync_token: str | None


def read_multistatus(root: xml.Element) -> MultiStatus:
    """Read a DAV:multistatus element; raises ValueError for anything else."""
    if xml.tag(root) != DAV("multistatus"):
        raise ValueError(f"the answer is {xml.tag(root)}, not a multistatus")
    responses: list[ResponseElement] = []
    token: str | None = None
    for child in xml.children(root):
        if xml.tag(child) == DAV("response"):
            responses += _read_response(child)
        elif xml.tag(child) == DAV("sync-token"):
            token = xml.text(child).strip()
    return MultiStatus(tuple(responses), token)


def _read_response(element: xml.Element) -> list[ResponseElement]:
    """A response; with a status it may name several hrefs (RFC 4918 §14.24)."""
    hrefs: list[str] = []
    status: int | None = None
    properties: dict[int, dict[str, xml.Element]] = {}
    for child in xml.children(element):
        match xml.tag(child):
            case "{DAV:}href":
                hrefs.append(xml.text(child).strip())
            case "{DAV:}status":
                status = _read_status(child)
            case "{DAV:}propstat":
                code, elements = _read_propstat(child)
                properties.setdefault(code, {}).update(elements)
    if not hrefs:
        raise ValueError("a response without an href")
    return [ResponseElement(href, status, properties) for href in hrefs]


def _read_propstat(element: xml.Element) -> tuple[int, dict[str, xml.Element]]:
    code = 200
    found: dict[str, xml.Element] = {}
    for child in xml.children(element):
        if xml.tag(child) == DAV("status"):
            code = _read_status(child)
        elif xml.tag(child) == DAV("prop"):
            found.update({xml.tag(prop): prop for prop in xml.children(child)})
    return code, found


def _read_status(element: xml.Element) -> int:
    """The code of an HTTP status line such as `HTTP/1.1 200 OK`."""
    parts = xml.text(element).split()
    if len(parts) < 2 or not (parts[1].isascii() and parts[1].isdigit()):
        raise ValueError(f"{xml.text(element)!r} is not a status line")
    return int(parts[1])
