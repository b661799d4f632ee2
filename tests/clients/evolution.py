"""evolution-data-server 3.46 (and SyncEvolution): getctag and calendar-query, no preconditions,
dead properties."""

from tests.clients import seed
from tests.clients.row import (
    XML,
    Stage,
    among_kinds,
    answered,
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
    rows,
    scene,
    some_text,
    status,
    strong,
    text,
    writable,
)
from tests.wire import CALENDARSERVER, propfind

NAMESPACES = (
    'xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" '
    'xmlns:A="urn:ietf:params:xml:ns:carddav"'
    ' xmlns:CS="http://calendarserver.org/ns/" xmlns:IC="http://apple.com/ns/ical/"'
)
COLLECTION = (
    f"{XML}<D:propfind {NAMESPACES}><D:prop><D:displayname/><D:resourcetype/><D:getetag/>"
    "<C:calendar-description/><C:supported-calendar-component-set/><CS:getctag/>"
    "<A:addressbook-description/><IC:calendar-color/><IC:calendar-order/><CS:source/>"
    "<D:current-user-privilege-set/><D:acl/><CS:publish-url/></D:prop></D:propfind>"
)
PRINCIPAL = (
    f"{XML}<D:propfind {NAMESPACES}><D:prop><D:current-user-principal/><D:principal-URL/>"
    "<D:resourcetype/><C:calendar-home-set/><A:addressbook-home-set/>"
    "<C:calendar-user-address-set/><C:schedule-outbox-URL/></D:prop></D:propfind>"
)


def queried(filters: str) -> str:
    """Its calendar-query: ETags only."""
    return (
        f"{XML}<C:calendar-query {NAMESPACES}><D:prop><D:getetag/></D:prop><C:filter>"
        f'<C:comp-filter name="VCALENDAR">{filters}</C:comp-filter></C:filter></C:calendar-query>'
    )


def change_without_match(stage: Stage) -> None:
    """The ctag moves with a PUT that has neither If-Match nor If-None-Match, and with the
    DELETE."""
    folder = stage.new_calendar()
    ctag = f"{CALENDARSERVER}getctag"
    seen = [propfind(stage.wire, folder, ctag).at(folder).text(ctag)]
    name = folder + "e.ics"
    for body in (seed.event("e"), seed.event("e", summary="Other")):
        headers = {"Prefer": "return=minimal", "Content-Type": 'text/calendar; charset="utf-8"'}
        answer = stage.wire.request("PUT", name, body, headers)
        assert answer.status in {201, 204}
        assert answer.etag == stage.wire.request("GET", name).etag
        seen.append(propfind(stage.wire, folder, ctag).at(folder).text(ctag))
    assert stage.wire.request("DELETE", name).status == 204
    seen.append(propfind(stage.wire, folder, ctag).at(folder).text(ctag))
    assert len(set(seen)) == len(seen), seen


def escaped_etag(stage: Stage) -> None:
    """If-Match with backslashes before the quotes still names the ETag."""
    name = stage.new_calendar() + "e.ics"
    put = stage.wire.request("PUT", name, seed.event("e"))
    headers = {"If-Match": put.etag.replace('"', '\\"')}
    changed = stage.wire.request("PUT", name, seed.event("e", summary="Later"), headers)
    assert changed.status == 204, (changed, changed.body)


def folders_made_and_removed(stage: Stage) -> None:
    """MKCALENDAR and MKCOL as it sends them, then DELETE of each with Depth: infinity."""
    calendar, book = stage.unused(stage.home), stage.unused(stage.book_home)
    body = (
        f"{XML}<C:mkcalendar {NAMESPACES}><D:set><D:prop><D:displayname>Work</D:displayname>"
        "<C:supported-calendar-component-set><C:comp name='VEVENT'/><C:comp name='VTODO'/>"
        "</C:supported-calendar-component-set><IC:calendar-color>#ff0000</IC:calendar-color>"
        "</D:prop></D:set></C:mkcalendar>"
    )
    assert stage.wire.request("MKCALENDAR", calendar, body).status == 201
    body = (
        f"{XML}<D:mkcol {NAMESPACES}><D:set><D:prop><D:resourcetype><D:collection/><A:addressbook/>"
        "</D:resourcetype><D:displayname>People</D:displayname>"
        "<A:addressbook-description>All I know</A:addressbook-description></D:prop></D:set>"
        "</D:mkcol>"
    )
    assert stage.wire.request("MKCOL", book, body).status == 201
    answer = stage.wire.request("PROPFIND", book, COLLECTION, {"Depth": "0"})
    has(
        book,
        d_resourcetype=kinds("d_collection", "r_addressbook"),
        d_displayname=text("People"),
        r_addressbook_description=text("All I know"),
    )(answer, stage)
    answer = stage.wire.request("PROPFIND", calendar, COLLECTION, {"Depth": "0"})
    has(
        calendar,
        c_supported_calendar_component_set=components("VEVENT", "VTODO"),
        i_calendar_color=text("#ff0000"),
    )(answer, stage)
    for folder, member in ((calendar, "a.ics"), (book, "a.vcf")):
        content = seed.card("a") if member.endswith("vcf") else seed.event("a")
        assert stage.wire.request("PUT", folder + member, content).status == 201
        assert stage.wire.request("DELETE", folder, headers={"Depth": "infinity"}).status == 204
        assert stage.wire.request("PROPFIND", folder, headers={"Depth": "0"}).status == 404
        assert stage.wire.request("GET", folder + member).status == 404


def dead_properties(stage: Stage) -> None:
    """A property nobody knows keeps its namespace, children, attributes and xml:lang, and can
    go."""
    folder = stage.new_calendar()
    name = "{http://example.org/ns/}settings"
    body = (
        f'{XML}<D:propertyupdate {NAMESPACES} xmlns:X="http://example.org/ns/"><D:set><D:prop '
        'xml:lang="de">'
        '<X:settings X:version="3">Farbe <X:shade>hell &amp; blau</X:shade> bleibt</X:settings>'
        "</D:prop></D:set></D:propertyupdate>"
    )
    answer = stage.wire.request("PROPPATCH", folder, body)
    assert set(answer.multistatus().at(folder).properties) == {200}
    kept = propfind(stage.wire, folder, name).at(folder).found[name]
    assert kept.get("{http://example.org/ns/}version") == "3"
    assert "".join(kept.itertext()) == "Farbe hell & blau bleibt"
    assert [child.tag for child in kept] == ["{http://example.org/ns/}shade"]
    assert kept.get("{http://www.w3.org/XML/1998/namespace}lang") == "de"
    removal = body.replace("<D:set>", "<D:remove>").replace("</D:set>", "</D:remove>")
    assert stage.wire.request("PROPPATCH", folder, removal).status == 207
    assert name in propfind(stage.wire, folder, name).at(folder).properties[404]


def multiget_without_depth(stage: Stage) -> None:
    """Events and cards by multiget, with no Depth header at all."""
    for folder, name, cards, content in (
        (stage.calendar, "weekly.ics", False, seed.WEEKLY),
        (stage.book, "ada.vcf", True, seed.ADA),
    ):
        space, kind, inner = (
            ("A", "addressbook", "address") if cards else ("C", "calendar", "calendar")
        )
        body = (
            f"{XML}<{space}:{kind}-multiget {NAMESPACES}><D:prop><D:getetag/>"
            f"<{space}:{inner}-data/>"
            f"</D:prop><D:href>{folder}{name}</D:href></{space}:{kind}-multiget>"
        )
        answer = stage.wire.request("REPORT", folder, body)
        assert data(answer, folder + name, cards=cards) == content.replace("\r\n", "\n")


ODD = "{calendar}" + seed.ODD_NAME
ROWS = rows(
    "Evolution",
    ask(
        "Notes probe",
        "notes-probe",
        ("PROPFIND", "/.well-known/webdav/Notes/"),
        status(404),
        headers={"Depth": "0"},
    ),
    ask(
        "first request without a login",
        "anonymous-401",
        ("PROPFIND", "{home}"),
        status(401),
        body=PRINCIPAL,
        headers={"Depth": "0"},
        login=False,
    ),
    ask(
        "OPTIONS without a login",
        "options-anonymous",
        ("OPTIONS", "{calendar}"),
        status(200),
        login=False,
    ),
    ask(
        "base URL",
        "current-user-principal principal-URL resourcetype home-sets",
        ("PROPFIND", "/dav/"),
        has(
            "/dav/",
            d_current_user_principal=href("{principal}"),
            d_resourcetype=among_kinds("d_collection"),
            c_calendar_home_set=href("{home}"),
            r_addressbook_home_set=href("{book_home}"),
        ),
        body=PRINCIPAL,
        headers={"Depth": "0"},
    ),
    ask(
        "the calendar itself as base URL",
        "current-user-principal home-sets",
        ("PROPFIND", "{calendar}"),
        has("{calendar}", d_current_user_principal=href("{principal}")),
        body=PRINCIPAL,
        headers={"Depth": "0"},
    ),
    ask(
        "home",
        "getctag resourcetype current-user-privilege-set supported-calendar-component-set"
        " calendar-color-order descriptions-timezone acl-dates-executable",
        ("PROPFIND", "{home}"),
        every(
            lists("{calendar}", "{tasks}"),
            answered("{calendar}", "d_acl", "c_calendar_description", "i_calendar_color"),
            has(
                "{calendar}",
                d_displayname=some_text,
                s_getctag=some_text,
                d_current_user_privilege_set=writable,
                c_supported_calendar_component_set=components("VEVENT"),
            ),
            has("{tasks}", c_supported_calendar_component_set=components("VTODO")),
        ),
        body=COLLECTION,
        headers={"Depth": "1"},
    ),
    ask(
        "events of March",
        "calendar-query",
        ("REPORT", "{calendar}"),
        every(
            exactly("{calendar}single.ics", "{calendar}weekly.ics"),
            has("{calendar}single.ics", d_getetag=strong),
        ),
        body=queried(
            '<C:comp-filter name="VEVENT">'
            '<C:time-range start="20260301T000000Z" end="20260401T000000Z"/></C:comp-filter>'
        ),
        headers={"Depth": "1"},
    ),
    ask(
        "all events",
        "calendar-query",
        ("REPORT", "{calendar}"),
        exactly("{calendar}single.ics", "{calendar}weekly.ics", "{calendar}allday.ics", ODD),
        body=queried('<C:comp-filter name="VEVENT"/>'),
        headers={"Depth": "1"},
    ),
    ask(
        "no tasks among events",
        "calendar-query",
        ("REPORT", "{calendar}"),
        exactly(),
        body=queried('<C:comp-filter name="VTODO"/>'),
        headers={"Depth": "1"},
    ),
    ask(
        "free-busy search of people",
        "principal-property-search",
        ("REPORT", "{home}"),
        offered("{home}", "d_principal_property_search", status(207)),
        body=f'{XML}<D:principal-property-search {NAMESPACES} test="anyof"><D:property-search>'
        "<D:prop>"
        "<C:calendar-user-address-set/></D:prop><D:match>mailto:nobody@example.org</D:match>"
        "</D:property-search><D:prop><D:displayname/><C:calendar-user-address-set/></D:prop>"
        "</D:principal-property-search>",
        headers={"Depth": "0"},
    ),
    scene(
        "multiget without Depth", "calendar-multiget addressbook-multiget", multiget_without_depth
    ),
    scene(
        "changes without If-Match",
        "overwrite getctag strong-etag prefer-minimal",
        change_without_match,
    ),
    scene(
        "collections made and removed",
        "mkcalendar extended-mkcol delete-collection descriptions-timezone",
        folders_made_and_removed,
    ),
    scene("an ETag in escaped quotes", "escaped-etag conditional-put", escaped_etag),
    scene("properties of its own", "proppatch", dead_properties),
)
