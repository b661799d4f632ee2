"""Collections as PROPFIND shows them (RFC 4791 §5.2, RFC 6352 §6.2, RFC 3744 §5.4): what a client
needs to know of one, and how it makes one and sets its properties."""

import posixpath
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from davenport.dav import xml
from davenport.dav.caldav import (
    CALENDAR,
    CALENDAR_COLOR,
    CALENDAR_DESCRIPTION,
    CALENDAR_ORDER,
    CALENDAR_TIMEZONE,
    SCHEDULE_CALENDAR_TRANSP,
    SUPPORTED_CALENDAR_COMPONENT_SET,
)
from davenport.dav.caldav import MAX_RESOURCE_SIZE as CALENDAR_MAX_SIZE
from davenport.dav.carddav import ADDRESSBOOK, ADDRESSBOOK_DESCRIPTION, SUPPORTED_ADDRESS_DATA
from davenport.dav.carddav import MAX_RESOURCE_SIZE as ADDRESSBOOK_MAX_SIZE
from davenport.dav.message import XML, Request
from davenport.dav.multistatus_xml import ResponseElement
from davenport.dav.name import CALDAV, CALENDARSERVER, DAV
from davenport.dav.webdav import (
    CURRENT_USER_PRIVILEGE_SET,
    DISPLAYNAME,
    GETCTAG,
    RESOURCETYPE,
    SUPPORTED_REPORT_SET,
    SYNC_TOKEN,
)
from davenport.sync.answer import content, multistatus, require_collection
from davenport.sync.flow import Flow
from davenport.sync.href import HrefError, canonical, last_segment, resolve
from davenport.sync.side import CollectionInfo, CollectionMissing, Kind

ADDRESSBOOK_COLOR = "{http://inf-it.com/ns/ab/}addressbook-color"
RESOURCE_ID = DAV("resource-id")  # RFC 5842 §3.1
# What a person set and wants to find again elsewhere.
CARRIED = frozenset(
    {
        DISPLAYNAME.name,
        CALENDAR_COLOR.name,
        CALENDAR_ORDER.name,
        CALENDAR_DESCRIPTION.name,
        CALENDAR_TIMEZONE.name,
        SCHEDULE_CALENDAR_TRANSP.name,
        ADDRESSBOOK_DESCRIPTION.name,
        ADDRESSBOOK_COLOR,
    }
)
ASKED = (
    RESOURCETYPE.name,
    CURRENT_USER_PRIVILEGE_SET.name,
    SUPPORTED_REPORT_SET.name,
    SUPPORTED_CALENDAR_COMPONENT_SET.name,
    SUPPORTED_ADDRESS_DATA.name,
    CALENDAR_MAX_SIZE.name,
    ADDRESSBOOK_MAX_SIZE.name,
    SYNC_TOKEN.name,
    GETCTAG.name,
    RESOURCE_ID,
    *sorted(CARRIED),
)
_WRITING = {DAV("write"), DAV("all"), DAV("write-content"), DAV("bind")}
_KINDS: dict[str, Kind] = {CALENDAR: "calendar", ADDRESSBOOK: "addressbook"}
# Collections of these types hold no objects of their own to keep in step.
_LEFT_OUT = {
    CALDAV("schedule-inbox"),
    CALDAV("schedule-outbox"),
    CALENDARSERVER("notification"),
    CALENDARSERVER("dropbox-home"),
}


@dataclass(frozen=True, slots=True)
class CollectionState:
    """A collection with what decides how to read it.

    `reports` are the Clark names of its reports, empty where the server lists none; `token` and
    `ctag` are those of now; `size_limit` is the most bytes an object may have.
    """

    info: CollectionInfo
    reports: frozenset[str]
    token: str | None
    ctag: str | None
    size_limit: int | None
    resource_id: str | None

    @property
    def has_sync(self) -> bool:
        """Whether RFC 6578 is offered."""
        return DAV("sync-collection") in self.reports


def propfind(href: str, depth: str, names: Iterable[str]) -> Request:
    """A PROPFIND for these properties."""
    body = xml.document(
        DAV("propfind"), xml.element(DAV("prop"), "".join(xml.element(name) for name in names))
    )
    return Request("PROPFIND", href, {"depth": depth, "content-type": XML}, body)


def read_state(href: str) -> Flow[CollectionState]:
    """The collection at `href`; raises CollectionMissing and SyncError."""
    response = yield propfind(href, "0", ASKED)
    body = content(response)
    require_collection(response.status, response.headers, body)
    for element in multistatus(replace(response, body=body)).responses:
        state = collection_state(href, element)
        if state is not None:
            return state
    raise CollectionMissing(f"{href} is neither a calendar nor an address book")


def read_home(href: str) -> Flow[list[CollectionState]]:
    """The calendars and address books inside the home at `href`, itself included if it is one."""
    answer = multistatus((yield propfind(href, "1", ASKED)))
    found = (collection_state(href, element) for element in answer.responses)
    return [state for state in found if state is not None]


def collection_state(base: str, element: ResponseElement) -> CollectionState | None:
    """A collection out of an answer from `base`; None for anything else."""
    found = element.found
    types = _names(found.get(RESOURCETYPE.name))
    kind = next((_KINDS[name] for name in types if name in _KINDS), None)
    if kind is None or _LEFT_OUT & set(types):
        return None
    # The request goes to the origin that was asked, or to the absolute href's own.
    try:
        href = resolve(base, element.href)
        name = last_segment(href)
    except HrefError:
        return None
    color = found.get(CALENDAR_COLOR.name if kind == "calendar" else ADDRESSBOOK_COLOR)
    info = CollectionInfo(
        href=href if href.endswith("/") else href + "/",
        kind=kind,
        name=name,
        displayname=_text(found.get(DISPLAYNAME.name)),
        color=_text(color),
        components=_components(found.get(SUPPORTED_CALENDAR_COMPONENT_SET.name)),
        read_only=_is_read_only(found.get(CURRENT_USER_PRIVILEGE_SET.name)),
        properties={
            name: xml.stored_element(value) for name, value in found.items() if name in CARRIED
        },
    )
    limit = CALENDAR_MAX_SIZE if kind == "calendar" else ADDRESSBOOK_MAX_SIZE
    return CollectionState(
        info,
        frozenset(_reports(found.get(SUPPORTED_REPORT_SET.name))),
        _text(found.get(SYNC_TOKEN.name)),
        _text(found.get(GETCTAG.name)),
        _number(found.get(limit.name)),
        _href(found.get(RESOURCE_ID)),
    )


def _names(element: xml.Element | None) -> list[str]:
    return [] if element is None else [xml.tag(child) for child in xml.children(element)]


def _text(element: xml.Element | None) -> str | None:
    return None if element is None else xml.text(element).strip() or None


def _number(element: xml.Element | None) -> int | None:
    text = _text(element) or ""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def _href(element: xml.Element | None) -> str | None:
    if element is None:
        return None
    return next((xml.text(child).strip() for child in xml.children(element)), None)


def _components(element: xml.Element | None) -> tuple[str, ...]:
    if element is None:
        return ()
    names = (child.get("name") for child in xml.children(element))
    return tuple(name.upper() for name in names if name)


def _reports(element: xml.Element | None) -> Iterable[str]:
    """The names in DAV:supported-report-set (RFC 3253 §3.1.5)."""
    if element is None:
        return
    for supported in xml.children(element):
        for report in xml.children(supported):
            yield from _names(report)


def _is_read_only(element: xml.Element | None) -> bool:
    """Whether the privileges shown leave writing out; none shown says nothing."""
    if element is None:
        return False
    privileges = {name for privilege in xml.children(element) for name in _names(privilege)}
    return bool(privileges) and not privileges & _WRITING


def make_request(
    href: str, kind: Kind, properties: Mapping[str, str], components: tuple[str, ...]
) -> Request:
    """MKCALENDAR (RFC 4791 §5.3.1) for a calendar, extended MKCOL (RFC 5689) for an address book.

    Properties are whole elements, as `CollectionInfo.properties` has them.
    """
    inside = "".join(properties.values())
    if kind == "addressbook":
        types = xml.element(DAV("resourcetype"), "<D:collection/><CR:addressbook/>")
        body = xml.document(DAV("mkcol"), _set(types + inside))
        return Request("MKCOL", href, {"content-type": XML}, body)
    if components:
        comps = "".join(f'<C:comp name="{xml.escape(name)}"/>' for name in components)
        inside += xml.element(SUPPORTED_CALENDAR_COMPONENT_SET.name, comps)
    body = xml.document(CALDAV("mkcalendar"), _set(inside) if inside else "")
    return Request("MKCALENDAR", href, {"content-type": XML}, body)


def set_property(href: str, element: str) -> Flow[bool]:
    """PROPPATCH one property, given as a whole element; whether the server took it."""
    body = xml.document(DAV("propertyupdate"), _set(element))
    response = yield Request("PROPPATCH", href, {"content-type": XML}, body)
    if response.status != 207:
        return 200 <= response.status < 300
    return all(
        (answer.status or 200) < 300 and all(status < 300 for status in answer.properties)
        for answer in multistatus(response).responses
    )


def _set(inside: str) -> str:
    return xml.element(DAV("set"), xml.element(DAV("prop"), inside))


def child_href(home: str, name: str) -> str:
    """The href of a collection to be made in a home."""
    return posixpath.join(home, canonical(f"/{name}".replace("%", "%25"))[1:], "")
