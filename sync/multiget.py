"""Bodies of many members in one report (RFC 4791 §7.9, RFC 6352 §8.7), and of one by GET."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b

from davenport.dav import xml
from davenport.dav.caldav import CALENDAR_DATA, CALENDAR_MULTIGET, CALENDAR_QUERY
from davenport.dav.carddav import ADDRESS_DATA, ADDRESSBOOK_MULTIGET, ADDRESSBOOK_QUERY
from davenport.dav.message import XML, Request
from davenport.dav.webdav import GETETAG
from davenport.sync.answer import GONE, content, header, multistatus, require_read
from davenport.sync.flow import Flow
from davenport.sync.href import canonical, member_of
from davenport.sync.side import Item, Kind

MULTIGET = {"calendar": CALENDAR_MULTIGET, "addressbook": ADDRESSBOOK_MULTIGET}
_DATA = {"calendar": CALENDAR_DATA, "addressbook": ADDRESS_DATA}
_MEDIA = {"calendar": "text/calendar", "addressbook": "text/vcard"}
_KINDS_OF_OBJECT = ("VEVENT", "VTODO", "VJOURNAL")
# Stands in for the ETag of a server that gives none: what was read is known by its content.
CONTENT_TAG = "content:"
_FIRST_BATCH = 30
_MOST_IN_A_BATCH = 100
_BYTES_IN_A_BATCH = 4 * 1024 * 1024


@dataclass(slots=True)
class BatchSize:
    """How many hrefs to ask for at once: grows while answers are whole, halves when one fails.

    `cap` is what the server was seen to stop at.
    """

    size: int = _FIRST_BATCH
    cap: int = _MOST_IN_A_BATCH
    average: float = field(default=4096.0)

    def next(self) -> int:
        """The size of the next batch."""
        by_bytes = int(_BYTES_IN_A_BATCH / max(1.0, self.average))
        return max(1, min(self.size, self.cap, by_bytes))

    def answered(self, count: int, octets: int) -> None:
        """A batch came back whole with so many bodies and bytes."""
        if count:
            self.average = (self.average + octets / count) / 2
            self.size = min(self.size * 2, _MOST_IN_A_BATCH)

    def failed(self) -> None:
        """A batch was too much for the server."""
        self.size = max(1, self.next() // 2)

    def cut(self, count: int) -> None:
        """The server left out members that are there: it stops at `count`."""
        self.cap = max(1, min(self.cap, count))


def content_tag(body: bytes) -> str:
    """A tag for a body that came without a usable ETag."""
    return CONTENT_TAG + blake2b(body, digest_size=16).hexdigest()


def multiget(href: str, kind: Kind, wanted: Mapping[str, str]) -> Flow[list[Item]]:
    """Those of `wanted` (canonical href to the server's spelling) that the server answers with a
    body. What it answers unasked is left out. Raises SyncError."""
    inside = f"<D:prop><D:getetag/>{xml.element(_DATA[kind])}</D:prop>{xml.hrefs(wanted.values())}"
    body = xml.document(MULTIGET[kind], inside)
    answer = multistatus((yield Request("REPORT", href, {"depth": "0", "content-type": XML}, body)))
    items: dict[str, Item] = {}
    for response in answer.responses:
        path = member_of(href, response.href)
        data = response.found.get(_DATA[kind])
        if path is None or path not in wanted or data is None:
            continue
        if (response.status or 200) == 200:
            text = xml.text(data)
            if text.strip():
                tag = response.found.get(GETETAG.name)
                raw = _object_bytes(text)
                etag = xml.text(tag).strip() if tag is not None else ""
                items[path] = Item(path, etag or content_tag(raw), raw)
    return list(items.values())


def _object_bytes(text: str) -> bytes:
    """A body out of XML, whose parsers turn CRLF into LF (XML 1.0 §2.11): both formats have CRLF
    (RFC 5545 §3.1, RFC 6350 §3.2)."""
    return (text if "\r" in text else text.replace("\n", "\r\n")).encode()


def inner_status(href: str, kind: Kind, spelled: str) -> Flow[int | None]:
    """The status a multiget gives for one member, None where it gives none.

    Some servers answer 403 to a GET of what is gone, and tell the truth here.
    """
    body = xml.document(MULTIGET[kind], f"<D:prop><D:getetag/></D:prop>{xml.hrefs([spelled])}")
    answer = multistatus((yield Request("REPORT", href, {"depth": "0", "content-type": XML}, body)))
    for response in answer.responses:
        if member_of(href, response.href) == canonical(spelled):
            return response.status or (200 if response.found else None)
    return None


def get(url: str, href: str, kind: Kind) -> Flow[Item | None]:
    """One member by GET at `url`, as `href`; None where it is gone. Raises SyncError."""
    response = yield Request("GET", url, {"accept": f"{_MEDIA[kind]}, */*;q=0.1"})
    body = content(response)
    if response.status in GONE:
        return None
    require_read(response.status, response.headers, body)
    return Item(href, header(response, "etag") or content_tag(body), body)


def query_uid(href: str, kind: Kind, uid: str) -> Flow[list[tuple[str, str]]]:
    """Members that may have this UID as (canonical href, spelling): the server's filter is not to
    be relied on. Raises SyncError."""
    found: dict[str, str] = {}
    for body in _uid_queries(kind, uid):
        sent = Request("REPORT", href, {"depth": "1", "content-type": XML}, body)
        answer = multistatus((yield sent))
        for response in answer.responses:
            path = member_of(href, response.href)
            if path and not path.endswith("/") and (response.status or 200) == 200:
                found.setdefault(path, response.href)
        if found:
            break
    return list(found.items())


def _uid_queries(kind: Kind, uid: str) -> Iterable[bytes]:
    prop = "<D:prop><D:getetag/></D:prop>"
    text = xml.escape(uid)
    if kind == "addressbook":
        match = f'<CR:text-match collation="i;octet" match-type="equals">{text}</CR:text-match>'
        filters = f'<CR:filter><CR:prop-filter name="UID">{match}</CR:prop-filter></CR:filter>'
        yield xml.document(ADDRESSBOOK_QUERY, prop + filters)
        return
    match = f'<C:text-match collation="i;octet">{text}</C:text-match>'
    for component in _KINDS_OF_OBJECT:
        inside = f'<C:prop-filter name="UID">{match}</C:prop-filter>'
        comp = f'<C:comp-filter name="{component}">{inside}</C:comp-filter>'
        filters = f'<C:filter><C:comp-filter name="VCALENDAR">{comp}</C:comp-filter></C:filter>'
        yield xml.document(CALENDAR_QUERY, prop + filters)


def media_type(kind: Kind) -> str:
    """The Content-Type of an object that is sent."""
    return f"{_MEDIA[kind]}; charset=utf-8"
