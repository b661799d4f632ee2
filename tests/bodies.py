"""Small request bodies and objects for the tests."""

from xml.sax.saxutils import escape

CALENDAR = "/dav/calendars/alice/calendar/"
TASKS = "/dav/calendars/alice/tasks/"
CONTACTS = "/dav/addressbooks/alice/contacts/"

_NAMESPACES = (
    'xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"'
    ' xmlns:CR="urn:ietf:params:xml:ns:carddav" xmlns:CS="http://calendarserver.org/ns/"'
)


def event(uid: str, summary: str = "Lunch", *lines: str) -> bytes:
    """A VEVENT of an hour on 2026-01-01, 10:00 UTC; `lines` are added to it."""
    inside = (
        "BEGIN:VEVENT",
        f"UID:{uid}",
        "DTSTAMP:20260101T000000Z",
        "DTSTART:20260101T100000Z",
        "DTEND:20260101T110000Z",
        f"SUMMARY:{summary}",
        *lines,
        "END:VEVENT",
    )
    return calendar(*inside)


def calendar(*inside: str) -> bytes:
    """A VCALENDAR around content lines."""
    lines = ("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//test//EN", *inside, "END:VCALENDAR")
    return "".join(f"{line}\r\n" for line in lines).encode()


def task(uid: str) -> bytes:
    """A VTODO without a date."""
    return calendar(
        "BEGIN:VTODO", f"UID:{uid}", "DTSTAMP:20260101T000000Z", "SUMMARY:Do", "END:VTODO"
    )


def card(uid: str, name: str = "Ada Lovelace", *lines: str) -> bytes:
    """A vCard 4.0."""
    inside = ("BEGIN:VCARD", "VERSION:4.0", f"UID:{uid}", f"FN:{name}", *lines, "END:VCARD")
    return "".join(f"{line}\r\n" for line in inside).encode()


def propfind(*names: str) -> str:
    """A PROPFIND for prefixed names such as `D:getetag`."""
    return f"<D:propfind {_NAMESPACES}><D:prop>{_elements(names)}</D:prop></D:propfind>"


def sync(token: str = "", limit: int | None = None, level: str = "1", *names: str) -> str:
    """A sync-collection report."""
    bound = "" if limit is None else f"<D:limit><D:nresults>{limit}</D:nresults></D:limit>"
    return (
        f"<D:sync-collection {_NAMESPACES}><D:sync-token>{escape(token)}</D:sync-token>"
        f"<D:sync-level>{level}</D:sync-level>{bound}"
        f"<D:prop>{_elements(names or ('D:getetag',))}</D:prop></D:sync-collection>"
    )


def multiget(kind: str, *hrefs: str) -> str:
    """A multiget; `kind` is `C:calendar` or `CR:addressbook`."""
    data = "C:calendar-data" if kind == "C:calendar" else "CR:address-data"
    asked = "".join(f"<D:href>{escape(href)}</D:href>" for href in hrefs)
    return (
        f"<{kind}-multiget {_NAMESPACES}><D:prop><D:getetag/><{data}/></D:prop>"
        f"{asked}</{kind}-multiget>"
    )


def query(inside: str = '<C:comp-filter name="VEVENT"/>', prop: str = "<D:getetag/>") -> str:
    """A calendar-query with what stands inside the VCALENDAR comp-filter."""
    return (
        f"<C:calendar-query {_NAMESPACES}><D:prop>{prop}</D:prop><C:filter>"
        f'<C:comp-filter name="VCALENDAR">{inside}</C:comp-filter></C:filter></C:calendar-query>'
    )


def proppatch(setting: str = "", removing: str = "") -> str:
    """A PROPPATCH that sets and removes elements."""
    set_part = f"<D:set><D:prop>{setting}</D:prop></D:set>" if setting else ""
    remove_part = f"<D:remove><D:prop>{removing}</D:prop></D:remove>" if removing else ""
    return f"<D:propertyupdate {_NAMESPACES}>{set_part}{remove_part}</D:propertyupdate>"


def make(root: str, setting: str) -> str:
    """The body of MKCALENDAR (`C:mkcalendar`) or extended MKCOL (`D:mkcol`)."""
    return f"<{root} {_NAMESPACES}><D:set><D:prop>{setting}</D:prop></D:set></{root}>"


def _elements(names: tuple[str, ...]) -> str:
    return "".join(f"<{name}/>" for name in names)
