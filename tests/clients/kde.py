"""KDE's KDAV 5.103: everything twice (challenge, login), one query a component, a GET after each
PUT."""

from tests.clients import seed
from tests.clients.row import (
    XML,
    Stage,
    ask,
    components,
    every,
    exactly,
    has,
    href,
    lists,
    offered,
    rows,
    scene,
    some_text,
    status,
    writable,
)
from tests.wire import CALENDARSERVER, propfind

NAMESPACES = (
    'xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" '
    'xmlns:A="urn:ietf:params:xml:ns:carddav"'
    ' xmlns:S="http://calendarserver.org/ns/" xmlns:I="http://apple.com/ns/ical/"'
)
PRINCIPAL = (
    f"{XML}<D:propfind {NAMESPACES}><D:prop><D:current-user-principal/><D:principal-URL/>"
    "<C:calendar-home-set/><A:addressbook-home-set/></D:prop></D:propfind>"
)
COLLECTIONS = (
    f"{XML}<D:propfind {NAMESPACES}><D:prop><D:displayname/><D:resourcetype/><S:getctag/>"
    "<C:supported-calendar-component-set/><D:current-user-privilege-set/><I:calendar-color/>"
    "</D:prop></D:propfind>"
)


def of_kind(component: str) -> str:
    """Its calendar-query for one kind of component."""
    return (
        f"{XML}<C:calendar-query {NAMESPACES}><D:prop><D:getetag/><D:resourcetype/></D:prop>"
        "<C:filter>"
        f'<C:comp-filter name="VCALENDAR"><C:comp-filter name="{component}"/></C:comp-filter>'
        "</C:filter></C:calendar-query>"
    )


def every_request_twice(stage: Stage) -> None:
    """The challenge comes at once and is the same for many in a row; the login then works."""
    realms = set()
    for _ in range(20):
        challenge = stage.anonymous.request("PROPFIND", stage.home, COLLECTIONS, {"Depth": "1"})
        assert challenge.status == 401
        realms.add(challenge.header("WWW-Authenticate"))
        answer = stage.wire.request("PROPFIND", stage.home, COLLECTIONS, {"Depth": "1"})
        assert answer.status == 207
    assert len(realms) == 1


def put_then_get(stage: Stage) -> None:
    """PUT, GET, multiget with Depth 0, a refused second creation with a short body, a new
    colour."""
    folder = stage.new_calendar()
    name = folder + "k.ics"
    headers = {"Content-Type": "text/calendar", "If-None-Match": "*"}
    put = stage.wire.request("PUT", name, seed.event("k"), headers)
    assert put.status == 201
    got = stage.wire.request("GET", name)
    assert (got.body, got.etag) == (seed.event("k").encode(), put.etag)
    body = (
        f"{XML}<C:calendar-multiget {NAMESPACES}><D:prop><D:getetag/><C:calendar-data/></D:prop>"
        f"<D:href>{name}</D:href></C:calendar-multiget>"
    )
    answer = stage.wire.request("REPORT", folder, body, {"Depth": "0"}).multistatus()
    assert answer.at(name).found
    refused = stage.wire.request("PUT", name, seed.event("k"), headers)
    assert refused.status == 412
    assert 0 < len(refused.body) < 2000
    body = (
        f"{XML}<D:propertyupdate {NAMESPACES}><D:set><D:prop><I:calendar-color>"
        "#aabbcc</I:calendar-color>"
        "</D:prop></D:set></D:propertyupdate>"
    )
    assert set(
        stage.wire.request("PROPPATCH", folder, body).multistatus().at(folder).properties
    ) == {200}


def without_end(stage: Stage) -> None:
    """An event that has neither DTEND nor DURATION is stored as it is."""
    folder = stage.new_calendar()
    for name, start in (("a", "DTSTART:20260314T150000Z"), ("b", "DTSTART;VALUE=DATE:20260314")):
        body = seed.event(name, start)
        assert stage.wire.request("PUT", f"{folder}{name}.ics", body).status == 201
        assert stage.wire.request("GET", f"{folder}{name}.ics").body == body.encode()


def poll(stage: Stage) -> None:
    """getctag is the same while nothing changes, on calendars and address books."""
    ctag = f"{CALENDARSERVER}getctag"
    for folder in (stage.calendar, stage.book):
        seen = {propfind(stage.wire, folder, ctag).at(folder).text(ctag) for _ in range(3)}
        assert len(seen) == 1


ROWS = rows(
    "KDE",
    ask(
        "principal from the base URL",
        "current-user-principal principal-URL home-sets",
        ("PROPFIND", "/dav/"),
        has(
            "/dav/",
            d_current_user_principal=href("{principal}"),
            c_calendar_home_set=href("{home}"),
            r_addressbook_home_set=href("{book_home}"),
        ),
        body=PRINCIPAL,
        headers={"Depth": "0"},
    ),
    ask(
        "principal",
        "principal-URL home-sets",
        ("PROPFIND", "{principal}"),
        has("{principal}", d_principal_URL=href("{principal}"), c_calendar_home_set=href("{home}")),
        body=PRINCIPAL,
        headers={"Depth": "0"},
    ),
    ask(
        "calendars",
        "displayname resourcetype getctag supported-calendar-component-set "
        "current-user-privilege-set",
        ("PROPFIND", "{home}"),
        every(
            lists("{calendar}", "{tasks}"),
            has(
                "{calendar}",
                s_getctag=some_text,
                d_current_user_privilege_set=writable,
                c_supported_calendar_component_set=components("VEVENT"),
            ),
        ),
        body=COLLECTIONS,
        headers={"Depth": "1"},
    ),
    ask(
        "events",
        "calendar-query",
        ("REPORT", "{calendar}"),
        exactly(
            *("{calendar}single.ics", "{calendar}weekly.ics", "{calendar}allday.ics"),
            "{calendar}" + seed.ODD_NAME,
        ),
        body=of_kind("VEVENT"),
        headers={"Depth": "1"},
    ),
    ask(
        "tasks",
        "calendar-query",
        ("REPORT", "{tasks}"),
        exactly("{tasks}buy.ics"),
        body=of_kind("VTODO"),
        headers={"Depth": "1"},
    ),
    ask(
        "journals",
        "calendar-query",
        ("REPORT", "{calendar}"),
        exactly(),
        body=of_kind("VJOURNAL"),
        headers={"Depth": "1"},
    ),
    ask(
        "all cards, by a query without a filter",
        "addressbook-query",
        ("REPORT", "{book}"),
        exactly("{book}ada.vcf", "{book}grace.vcf"),
        body=f"{XML}<A:addressbook-query {NAMESPACES}><D:prop><D:getetag/></D:prop>"
        "</A:addressbook-query>",
        headers={"Depth": "1"},
    ),
    ask(
        "search of people at the base",
        "principal-property-search",
        ("REPORT", "/dav/"),
        offered("/dav/", "d_principal_property_search", status(207)),
        body=f'{XML}<D:principal-property-search {NAMESPACES} test="anyof"><D:property-search>'
        "<D:prop>"
        "<D:displayname/></D:prop><D:match>nobody of that name</D:match></D:property-search>"
        "<D:prop><D:displayname/></D:prop></D:principal-property-search>",
        headers={"Depth": "1"},
    ),
    scene("every request twice", "anonymous-401", every_request_twice),
    scene(
        "put, then get", "calendar-multiget short-412-body proppatch conditional-put", put_then_get
    ),
    scene("an event without an end", "event-without-end", without_end),
    scene("poll", "getctag", poll),
)
