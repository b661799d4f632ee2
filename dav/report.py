"""The bodies of REPORT requests as values."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from davenport.dav import caldav, carddav, xml
from davenport.dav.filter import AddressbookFilter, CompFilter
from davenport.dav.filter_xml import read_addressbook_filter, read_calendar_filter
from davenport.dav.name import CALDAV, CARDDAV, DAV
from davenport.dav.precondition import StatusError
from davenport.dav.propfind import PropertyRequest, read_property_request


@dataclass(frozen=True, slots=True)
class SyncCollection:
    """DAV:sync-collection (RFC 6578 §6.1); an empty token asks for the initial state."""

    token: str
    level: Literal["1", "infinite"]
    limit: int | None
    properties: PropertyRequest


@dataclass(frozen=True, slots=True)
class Multiget:
    """calendar-multiget (RFC 4791 §9.10) or addressbook-multiget (RFC 6352 §10.7)."""

    hrefs: tuple[str, ...]
    properties: PropertyRequest


@dataclass(frozen=True, slots=True)
class CalendarQuery:
    """calendar-query (RFC 4791 §9.5); `timezone` is iCalendar text or None."""

    filter: CompFilter
    timezone: str | None
    properties: PropertyRequest


@dataclass(frozen=True, slots=True)
class AddressbookQuery:
    """addressbook-query (RFC 6352 §10.3)."""

    filter: AddressbookFilter
    limit: int | None
    properties: PropertyRequest


Report = SyncCollection | Multiget | CalendarQuery | AddressbookQuery


def _child(root: xml.Element, name: str) -> xml.Element | None:
    return next((child for child in xml.children(root) if xml.tag(child) == name), None)


def _limit(root: xml.Element, namespace_limit: str, namespace_nresults: str) -> int | None:
    limit = _child(root, namespace_limit)
    if limit is None:
        return None
    nresults = _child(limit, namespace_nresults)
    value = xml.text(nresults).strip() if nresults is not None else ""
    if not (value.isascii() and value.isdigit() and len(value) < 10 and int(value) > 0):
        raise StatusError(400, "the limit's nresults is not a positive number")
    return int(value)


def read_sync_collection(root: xml.Element) -> SyncCollection:
    """Read DAV:sync-collection; old clients leave sync-level out and mean 1 (RFC 6578 app. A)."""
    token = _child(root, DAV("sync-token"))
    level = _child(root, DAV("sync-level"))
    value = "1" if level is None else xml.text(level).strip()
    if value not in {"1", "infinite"}:
        raise StatusError(400, "the sync-level is neither 1 nor infinite")
    return SyncCollection(
        token="" if token is None else xml.text(token).strip(),
        level="1" if value == "1" else "infinite",
        limit=_limit(root, DAV("limit"), DAV("nresults")),
        properties=read_property_request(root),
    )


def read_multiget(root: xml.Element) -> Multiget:
    """Read a multiget; a repeated href is answered once."""
    hrefs = (
        xml.text(child).strip() for child in xml.children(root) if xml.tag(child) == DAV("href")
    )
    return Multiget(tuple(dict.fromkeys(hrefs)), read_property_request(root))


def read_calendar_query(root: xml.Element) -> CalendarQuery:
    """Read CALDAV:calendar-query; a missing filter is refused with valid-filter."""
    timezone = _child(root, CALDAV("timezone"))
    return CalendarQuery(
        read_calendar_filter(_child(root, CALDAV("filter"))),
        None if timezone is None else xml.text(timezone),
        read_property_request(root),
    )


def read_addressbook_query(root: xml.Element) -> AddressbookQuery:
    """Read CARDDAV:addressbook-query; KDE sends none or an empty filter and means all."""
    return AddressbookQuery(
        read_addressbook_filter(_child(root, CARDDAV("filter"))),
        _limit(root, CARDDAV("limit"), CARDDAV("nresults")),
        read_property_request(root),
    )


SYNC_COLLECTION = DAV("sync-collection")

READERS: Mapping[str, Callable[[xml.Element], Report]] = {
    SYNC_COLLECTION: read_sync_collection,
    caldav.CALENDAR_MULTIGET: read_multiget,
    caldav.CALENDAR_QUERY: read_calendar_query,
    carddav.ADDRESSBOOK_MULTIGET: read_multiget,
    carddav.ADDRESSBOOK_QUERY: read_addressbook_query,
}
