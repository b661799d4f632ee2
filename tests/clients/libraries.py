"""vdirsyncer 0.21, python-caldav 3.6 and tsdav 2.3: libraries, each with its way of asking."""

from urllib.parse import urlsplit

from tests.clients import seed
from tests.clients.row import (
    XML,
    Stage,
    ask,
    components,
    data,
    every,
    exactly,
    has,
    href,
    kinds,
    lists,
    offered,
    refused,
    rows,
    scene,
    some_text,
    status,
    strong,
)
from tests.wire import APPLE, CALDAV, DAV, Answer, propfind, sync_body

NAMESPACES = (
    'xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" '
    'xmlns:A="urn:ietf:params:xml:ns:carddav"'
    ' xmlns:S="http://calendarserver.org/ns/" xmlns:I="http://apple.com/ns/ical/"'
)


def asking(*names: str) -> str:
    """A PROPFIND body for prefixed names."""
    inside = "".join(f"<{name}/>" for name in names)
    return f"{XML}<D:propfind {NAMESPACES}><D:prop>{inside}</D:prop></D:propfind>"


def query(filters: str, wanted: str = "<D:getetag/><C:calendar-data/>") -> str:
    """A calendar-query body."""
    return (
        f"{XML}<C:calendar-query {NAMESPACES}><D:prop>{wanted}</D:prop><C:filter>"
        f'<C:comp-filter name="VCALENDAR">{filters}</C:comp-filter></C:filter></C:calendar-query>'
    )


def in_events(inside: str) -> str:
    """A filter inside the event."""
    return f'<C:comp-filter name="VEVENT">{inside}</C:comp-filter>'


def matching(inside: str, name: str = "SUMMARY") -> str:
    """A property filter inside the event."""
    return in_events(f'<C:prop-filter name="{name}">{inside}</C:prop-filter>')


def mkcol(stage: Stage) -> None:
    """Extended MKCOL for a calendar and an address book; metasync's colour and name stay as set."""
    for home, kind, keyword in (
        (stage.home, "C:calendar", "c_calendar"),
        (stage.book_home, "A:addressbook", "r_addressbook"),
    ):
        folder = stage.unused(home)
        body = (
            f"{XML}<D:mkcol {NAMESPACES}><D:set><D:prop><D:resourcetype><D:collection/><{kind}/>"
            "</D:resourcetype></D:prop></D:set></D:mkcol>"
        )
        headers = {"Content-Type": "application/xml; charset=UTF-8"}
        assert stage.wire.request("MKCOL", folder, body, headers).status == 201
        answer = stage.wire.request("PROPFIND", folder, asking("D:resourcetype"), {"Depth": "0"})
        has(folder, d_resourcetype=kinds("d_collection", keyword))(answer, stage)
    folder = stage.new_calendar()
    for colour in ("#aabbcc", "#AABBCCFF"):
        body = (
            f"{XML}<D:propertyupdate {NAMESPACES}><D:set><D:prop><I:calendar-color>{colour}"
            "</I:calendar-color></D:prop></D:set></D:propertyupdate>"
        )
        assert stage.wire.request("PROPPATCH", folder, body).status == 207
        name = f"{APPLE}calendar-color"
        assert propfind(stage.wire, folder, name).at(folder).text(name) == colour


def save_without_precondition(stage: Stage) -> None:
    """python-caldav looks the UID up, puts without If-None-Match, then with If-Match."""
    folder = stage.new_calendar()
    lookup = query(matching('<C:text-match collation="i;octet">p1</C:text-match>', "UID"))
    answer = stage.wire.request("REPORT", folder, lookup, {"Depth": "1"})
    assert answer.multistatus().hrefs == []
    name = folder + "p1.ics"
    headers = {"Content-Type": 'text/calendar; charset="utf-8"'}
    put = stage.wire.request("PUT", name, seed.event("p1"), headers)
    assert put.status == 201
    answer = stage.wire.request("REPORT", folder, lookup, {"Depth": "1"})
    assert answer.multistatus().hrefs == [name.replace("@", "%40")] or answer.multistatus().at(name)
    changed = stage.wire.request(
        "PUT", name, seed.event("p1", summary="New"), headers | {"If-Match": put.etag}
    )
    assert changed.status == 204


def well_known(stage: Stage) -> None:
    """tsdav's first request has no Depth and wants the Location only."""
    for service in ("caldav", "carddav"):
        for method in ("PROPFIND", "GET", "HEAD", "OPTIONS", "REPORT", "POST"):
            for wire in (stage.anonymous, stage.wire):
                answer = wire.request(method, f"/.well-known/{service}")
                assert answer.status in {301, 302, 303, 307, 308}, (method, answer)
                target = urlsplit(answer.header("Location") or "")
                assert target.path == "/dav/"
                assert target.netloc in {"", f"127.0.0.1:{stage.served.port}"}


def expanded(answer: Answer, stage: Stage) -> None:
    """Five Mondays of March, each with a RECURRENCE-ID and none with the rule; or a clean
    refusal."""
    if answer.status != 207:
        refused(403, f"{CALDAV}supported-calendar-data")(answer, stage)
        return
    found = data(answer, stage.calendar + "weekly.ics")
    assert found.count("BEGIN:VEVENT") == 5
    assert found.count("RECURRENCE-ID") == 5
    assert "RRULE" not in found


def busy(answer: Answer, stage: Stage) -> None:
    """A VFREEBUSY; no events' names in it."""
    assert answer.status == 200, (answer, answer.body[:500])
    assert (answer.header("Content-Type") or "").startswith("text/calendar")
    assert b"BEGIN:VFREEBUSY" in answer.body
    assert b"Stand-up" not in answer.body


FREE_BUSY = (
    f"{XML}<C:free-busy-query {NAMESPACES}>"
    '<C:time-range start="20260301T000000Z" end="20260401T000000Z"/></C:free-busy-query>'
)
ODD = "{calendar}" + seed.ODD_NAME

VDIRSYNCER = rows(
    "vdirsyncer",
    ask(
        "principal from the well-known target",
        "current-user-principal",
        ("PROPFIND", "/dav/"),
        has("/dav/", d_current_user_principal=href("{principal}")),
        body=asking("D:current-user-principal"),
        headers={"Depth": "0"},
    ),
    ask(
        "home",
        "home-sets",
        ("PROPFIND", "{principal}"),
        has("{principal}", c_calendar_home_set=href("{home}")),
        body=asking("C:calendar-home-set"),
        headers={"Depth": "0"},
    ),
    ask(
        "collections",
        "resourcetype",
        ("PROPFIND", "{book_home}"),
        has("{book}", d_resourcetype=kinds("d_collection", "r_addressbook")),
        body=asking("D:resourcetype"),
        headers={"Depth": "1"},
    ),
    ask(
        "members",
        "getetag-getcontenttype",
        ("PROPFIND", "{calendar}"),
        every(
            lists("{calendar}single.ics", ODD),
            has("{calendar}single.ics", d_getetag=strong, d_getcontenttype=some_text),
        ),
        body=asking("D:resourcetype", "D:getcontenttype", "D:getetag"),
        headers={"Depth": "1"},
    ),
    scene("new collections and colours", "extended-mkcol colour-kept proppatch", mkcol),
)

PYTHON_CALDAV = rows(
    "python-caldav",
    ask(
        "principal",
        "home-sets calendar-user-address-set supported-calendar-component-set",
        ("PROPFIND", "{home}"),
        has(
            "{calendar}",
            d_displayname=some_text,
            c_supported_calendar_component_set=components("VEVENT"),
        ),
        body=asking("D:resourcetype", "D:displayname", "C:supported-calendar-component-set"),
        headers={"Depth": "1"},
    ),
    scene("save", "uid-query conditional-put overwrite", save_without_precondition),
    ask(
        "sync with the data inside",
        "sync-collection",
        ("REPORT", "{calendar}"),
        every(
            exactly("{calendar}single.ics", "{calendar}weekly.ics", "{calendar}allday.ics", ODD),
            has("{calendar}single.ics", c_calendar_data=some_text),
        ),
        body=sync_body(names=(f"{DAV}getetag", f"{CALDAV}calendar-data", f"{DAV}displayname")),
        headers={"Depth": "1"},
    ),
    ask(
        "free-busy",
        "free-busy-query",
        ("REPORT", "{calendar}"),
        offered("{calendar}", "c_free_busy_query", busy),
        body=FREE_BUSY,
        headers={"Depth": "1"},
    ),
    ask(
        "search by text",
        "calendar-query",
        ("REPORT", "{calendar}"),
        exactly("{calendar}weekly.ics"),
        body=query(matching('<C:text-match collation="i;ascii-casemap">STAND</C:text-match>')),
        headers={"Depth": "1"},
    ),
    ask(
        "search by exact text",
        "calendar-query",
        ("REPORT", "{calendar}"),
        exactly(),
        body=query(matching('<C:text-match collation="i;octet">STAND</C:text-match>')),
        headers={"Depth": "1"},
    ),
    ask(
        "search for what does not match",
        "calendar-query",
        ("REPORT", "{calendar}"),
        exactly("{calendar}single.ics", "{calendar}allday.ics", ODD),
        body=query(
            matching(
                '<C:text-match collation="i;ascii-casemap" negate-condition="yes">'
                "stand</C:text-match>"
            )
        ),
        headers={"Depth": "1"},
    ),
    ask(
        "search for what is not there",
        "calendar-query",
        ("REPORT", "{calendar}"),
        exactly("{calendar}single.ics", "{calendar}allday.ics", ODD),
        body=query(matching("<C:is-not-defined/>", "RRULE")),
        headers={"Depth": "1"},
    ),
    ask(
        "search by a parameter",
        "calendar-query",
        ("REPORT", "{calendar}"),
        exactly("{calendar}allday.ics"),
        body=query(
            matching(
                '<C:param-filter name="VALUE"><C:text-match>DATE</C:text-match></C:param-filter>',
                "DTSTART",
            )
        ),
        headers={"Depth": "1"},
    ),
    ask(
        "expanded",
        "calendar-query",
        ("REPORT", "{calendar}"),
        expanded,
        body=query(
            in_events('<C:time-range start="20260301T000000Z" end="20260401T000000Z"/>'),
            '<C:calendar-data><C:expand start="20260301T000000Z" end="20260401T000000Z"/>'
            "</C:calendar-data>",
        ),
        headers={"Depth": "1"},
    ),
    ask(
        "unknown collation",
        "calendar-query",
        ("REPORT", "{calendar}"),
        status(403),
        body=query(matching('<C:text-match collation="i;klingon">x</C:text-match>')),
        headers={"Depth": "1"},
    ),
)

TSDAV = rows(
    "tsdav",
    scene("well-known", "well-known", well_known),
    ask(
        "calendars",
        "supported-report-set sync-token getctag calendar-color-order descriptions-timezone",
        ("PROPFIND", "{home}"),
        has("{calendar}", s_getctag=some_text, d_sync_token=some_text, d_displayname=some_text),
        body=asking(
            *("C:calendar-description", "C:calendar-timezone", "D:displayname", "I:calendar-color"),
            *("S:getctag", "D:resourcetype", "C:supported-calendar-component-set", "D:sync-token"),
        ),
        headers={"Depth": "1"},
    ),
    ask(
        "sync without Depth",
        "sync-collection",
        ("REPORT", "{book}"),
        exactly("{book}ada.vcf", "{book}grace.vcf"),
        body=sync_body(),
    ),
    ask(
        "cards by an empty filter",
        "addressbook-query",
        ("REPORT", "{book}"),
        exactly("{book}ada.vcf", "{book}grace.vcf"),
        body=f"{XML}<A:addressbook-query {NAMESPACES}><D:prop><D:getetag/><A:address-data/>"
        "</D:prop>"
        '<A:filter><A:prop-filter name="FN"/></A:filter></A:addressbook-query>',
        headers={"Depth": "1"},
    ),
    ask(
        "free-busy without Depth",
        "free-busy-query",
        ("REPORT", "{calendar}"),
        offered("{calendar}", "c_free_busy_query", busy),
        body=FREE_BUSY,
    ),
    ask(
        "a card by multiget",
        "addressbook-multiget",
        ("REPORT", "{book}"),
        has("{book}ada.vcf", d_getetag=strong, r_address_data=some_text),
        body=f"{XML}<A:addressbook-multiget {NAMESPACES}><D:prop><D:getetag/><A:address-data/>"
        "</D:prop>"
        "<D:href>{book}ada.vcf</D:href></A:addressbook-multiget>",
        headers={"Depth": "1"},
    ),
)
ROWS = VDIRSYNCER + PYTHON_CALDAV + TSDAV
