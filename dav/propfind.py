"""Bodies of PROPFIND (RFC 4918 §14.20), PROPPATCH (§14.19), MKCALENDAR and extended MKCOL."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from davenport.dav import xml
from davenport.dav.name import CALDAV, DAV
from davenport.dav.precondition import StatusError

MKCOL = DAV("mkcol")  # RFC 5689 §5.1
MKCALENDAR = CALDAV("mkcalendar")  # RFC 4791 §9.2


@dataclass(frozen=True, slots=True)
class DataRequest:
    """What calendar-data or address-data asks for (RFC 4791 §9.6, RFC 6352 §10.4).

    `selects` tells that a part, an expansion or a limit of the object is asked for.
    """

    name: str
    content_type: str | None
    version: str | None
    selects: bool


@dataclass(frozen=True, slots=True)
class PropertyRequest:
    """Which properties an answer is to hold; `names` are those of DAV:prop, or of DAV:include."""

    kind: Literal["prop", "allprop", "propname"]
    names: tuple[str, ...] = ()
    data: DataRequest | None = None


@dataclass(frozen=True, slots=True)
class Instruction:
    """One property to set (`element`) or to remove (None), in document order."""

    name: str
    element: xml.Element | None


ALLPROP = PropertyRequest("allprop")
# The most characters in the names of all properties together. Every resource of an answer repeats
# the names, with their namespaces, so a body's size alone does not bound it.
MOST_IN_NAMES = 32_768
_DATA = {
    "{urn:ietf:params:xml:ns:caldav}calendar-data",
    "{urn:ietf:params:xml:ns:carddav}address-data",
}


def read_property_request(parent: xml.Element) -> PropertyRequest:
    """Read the DAV:prop, DAV:allprop or DAV:propname child of a PROPFIND or REPORT body.

    None of them asks for nothing in a report. Raises StatusError 400 where more than one is given,
    413 for more names than any client has use for.
    """
    included: tuple[str, ...] = ()
    found: PropertyRequest | None = None
    for child in xml.children(parent):
        name = xml.tag(child)
        if name == DAV("include"):
            included = _read_names(xml.children(child))
            continue
        if name not in {DAV("prop"), DAV("allprop"), DAV("propname")}:
            continue
        if found is not None:
            raise StatusError(400, "only one of prop, allprop and propname may be given")
        found = _read_choice(child, name)
    if found is None:
        return PropertyRequest("prop")
    return PropertyRequest("allprop", included) if found.kind == "allprop" else found


def _read_choice(child: xml.Element, name: str) -> PropertyRequest:
    if name == DAV("allprop"):
        return ALLPROP
    if name == DAV("propname"):
        return PropertyRequest("propname")
    asked = xml.children(child)
    data = next((_read_data(item) for item in asked if xml.tag(item) in _DATA), None)
    return PropertyRequest("prop", _read_names(asked), data)


def _read_names(elements: list[xml.Element]) -> tuple[str, ...]:
    """The names of properties, each once."""
    names = tuple(dict.fromkeys(xml.tag(element) for element in elements))
    _require_few(names)
    return names


def _require_few(names: Collection[str]) -> None:
    if sum(map(len, names)) > MOST_IN_NAMES:
        raise StatusError(413, f"the names of the properties have over {MOST_IN_NAMES} characters")


def _read_data(item: xml.Element) -> DataRequest:
    return DataRequest(
        xml.tag(item), item.get("content-type"), item.get("version"), bool(xml.children(item))
    )


def read_propfind(root: xml.Element) -> PropertyRequest:
    """Read a DAV:propfind body; raises StatusError 400 for another element or an empty one."""
    if xml.tag(root) != DAV("propfind"):
        raise StatusError(400, "the body of PROPFIND is not DAV:propfind")
    asked = {DAV("prop"), DAV("allprop"), DAV("propname")}
    if not any(xml.tag(child) in asked for child in xml.children(root)):
        raise StatusError(400, "DAV:propfind holds none of prop, allprop and propname")
    return read_property_request(root)


def read_instructions(root: xml.Element, names: tuple[str, ...]) -> list[Instruction]:
    """Read the DAV:set and DAV:remove instructions of a body whose root is one of `names`."""
    if xml.tag(root) not in names:
        raise StatusError(400, f"the body's root is not {' or '.join(names)}")
    instructions = []
    for action in xml.children(root):
        if xml.tag(action) not in {DAV("set"), DAV("remove")}:
            continue
        setting = xml.tag(action) == DAV("set")
        for prop in xml.children(action):
            if xml.tag(prop) != DAV("prop"):
                raise StatusError(400, "set and remove hold DAV:prop only")
            instructions += [
                Instruction(xml.tag(item), item if setting else None) for item in xml.children(prop)
            ]
    _require_few({instruction.name for instruction in instructions})
    return instructions


PROPERTYUPDATE = (DAV("propertyupdate"),)


def read_propertyupdate(root: xml.Element) -> list[Instruction]:
    """Read a DAV:propertyupdate body; raises StatusError 400 for another root or no instruction."""
    instructions = read_instructions(root, PROPERTYUPDATE)
    if not instructions:
        raise StatusError(400, "DAV:propertyupdate changes nothing")
    return instructions
