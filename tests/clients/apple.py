"""iOS and macOS: account set-up, the big listing of the home, Reminders, Contacts, and its odd
requests."""

from urllib.parse import quote

from tests.clients import seed
from tests.clients.row import (
    XML,
    Stage,
    addresses,
    among_kinds,
    answered,
    ask,
    components,
    data,
    every,
    exactly,
    has,
    href,
    lists,
    number,
    offered,
    reports,
    rows,
    scene,
    some_text,
    status,
    writable,
)
from tests.wire import CALDAV, DAV, Answer, propfind, sync_body

TERSE = {"Brief": "t", "Prefer": "return=minimal"}
NAMESPACES = (
    'xmlns="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav" xmlns:r="urn:ietf:params:xml:ns:carddav"'
    ' xmlns:s="http://calendarserver.org/ns/" xmlns:i="http://apple.com/ns/ical/"'
    ' xmlns:m="http://me.com/_namespace/"'
)


def asking(*names: str) -> str:
    """A PROPFIND body for prefixed names."""
    inside = "".join(f"<{name}/>" for name in names)
    return f"{XML}<propfind {NAMESPACES}><prop>{inside}</prop></propfind>"


FIRST = asking("current-user-principal", "principal-URL", "resourcetype")
PRINCIPAL = asking(
    *("c:calendar-home-set", "c:calendar-user-address-set", "r:addressbook-home-set"),
    *("c:schedule-inbox-URL", "c:schedule-outbox-URL", "s:dropbox-home-URL"),
    *("s:email-address-set", "s:notification-URL", "s:calendar-proxy-read-for"),
    *("s:calendar-proxy-write-for", "displayname", "group-membership"),
    *("principal-collection-set", "principal-URL", "resource-id", "supported-report-set"),
)
HOME = asking(
    *("add-member", "s:allowed-sharing-modes", "i:autoprovisioned", "m:bulk-requests"),
    *("i:calendar-color", "c:calendar-description", "c:calendar-free-busy-set"),
    *("i:calendar-order", "c:calendar-timezone", "current-user-privilege-set"),
    *("c:default-alarm-vevent-date", "c:default-alarm-vevent-datetime", "displayname"),
    *("s:getctag", "s:invite", "i:language-code", "i:location-code", "owner"),
    *("s:pre-publish-url", "s:publish-url", "s:push-transports", "s:pushkey"),
    *("quota-available-bytes", "quota-used-bytes", "i:refreshrate", "resource-id"),
    *("resourcetype", "c:schedule-calendar-transp", "c:schedule-default-calendar-URL"),
    *("s:source", "s:subscribed-strip-alarms", "s:subscribed-strip-attachments"),
    *("c:supported-calendar-component-set", "supported-report-set", "sync-token"),
    *("c:max-resource-size", "s:xmpp-server", "s:xmpp-uri"),
)
BOOKS = asking(
    *("add-member", "m:bulk-requests", "current-user-privilege-set", "displayname"),
    *("r:max-image-size", "r:max-resource-size", "r:supported-address-data", "owner"),
    *("s:push-transports", "s:pushkey", "quota-available-bytes", "resource-id"),
    *("resourcetype", "supported-report-set", "sync-token", "s:getctag"),
)
TIME_ZONE = (
    "BEGIN:VCALENDAR&#13;\nVERSION:2.0&#13;\nPRODID:-//davenport//tests//EN&#13;\n"
    "BEGIN:VTIMEZONE&#13;\nTZID:Europe/Berlin&#13;\nBEGIN:STANDARD&#13;\nDTSTART:19961027T030000&#13;\n"
    "TZOFFSETFROM:+0200&#13;\nTZOFFSETTO:+0100&#13;\nEND:STANDARD&#13;\nEND:VTIMEZONE&#13;\n"
    "END:VCALENDAR&#13;\n"
)


def creation(component: str) -> str:
    """Its MKCALENDAR body: one component, a colour with an attribute, a time zone with &#13;."""
    return (
        f"{XML}<c:mkcalendar {NAMESPACES}><set><prop><displayname>Trips &amp; more</displayname>"
        '<i:calendar-color symbolic-color="blue">#1BADF8FF</i:calendar-color>'
        "<i:calendar-order>7</i:calendar-order>"
        "<c:schedule-calendar-transp><c:opaque/></c:schedule-calendar-transp>"
        f'<c:supported-calendar-component-set><c:comp name="{component}"/>'
        "</c:supported-calendar-component-set>"
        f"<c:calendar-timezone>{TIME_ZONE}</c:calendar-timezone></prop></set></c:mkcalendar>"
    )


def set_property(content: str) -> str:
    """A PROPPATCH body that sets one property."""
    return f"{XML}<propertyupdate {NAMESPACES}><set><prop>{content}</prop></set></propertyupdate>"


def verifying(stage: Stage) -> None:
    """Set-up: OPTIONS on the principal, without and with a login, and 200 with the DAV header."""
    for wire in (stage.anonymous, stage.wire):
        for path in (stage.principal, stage.principal.rstrip("/"), stage.home, stage.calendar):
            answer = wire.request("OPTIONS", path)
            assert answer.status == 200, (path, answer)
            assert {"1", "calendar-access", "addressbook"} <= answer.tokens("DAV")
    for path in (stage.principal.rstrip("/"), stage.home.rstrip("/"), stage.calendar.rstrip("/")):
        answer = stage.wire.request("PROPFIND", path, FIRST, {"Depth": "0"})
        member = answer.multistatus().members[0]
        assert f"{DAV}current-user-principal" in member.found


def made(stage: Stage, component: str) -> str:
    """A calendar made by its MKCALENDAR; every property it set must be as it was sent."""
    folder = stage.unused(stage.home)
    answer = stage.wire.request("MKCALENDAR", folder, creation(component))
    assert answer.status == 201, (answer, answer.body)
    names = ("i:calendar-color", "i:calendar-order", "c:calendar-timezone", "displayname")
    answer = stage.wire.request(
        "PROPFIND",
        folder,
        asking(*names, "c:supported-calendar-component-set", "c:schedule-calendar-transp"),
        {"Depth": "0"},
    )
    found = answer.multistatus().at(folder).found
    assert found["{http://apple.com/ns/ical/}calendar-color"].text == "#1BADF8FF"
    assert found["{http://apple.com/ns/ical/}calendar-order"].text == "7"
    assert found[f"{DAV}displayname"].text == "Trips & more"
    assert found[f"{CALDAV}calendar-timezone"].text == TIME_ZONE.replace("&#13;", "\r")
    listed = found[f"{CALDAV}supported-calendar-component-set"]
    assert [child.get("name") for child in listed] == [component]
    transp = found[f"{CALDAV}schedule-calendar-transp"]
    assert [child.tag for child in transp] == [f"{CALDAV}opaque"]
    return folder


def calendar_made(stage: Stage) -> None:
    """MKCALENDAR for events; colour and order change one at a time and stay."""
    folder = made(stage, "VEVENT")
    for content, name in (
        ("<i:calendar-color>#FF2968FF</i:calendar-color>", "calendar-color"),
        ("<i:calendar-order>1</i:calendar-order>", "calendar-order"),
    ):
        answer = stage.wire.request("PROPPATCH", folder, set_property(content))
        assert set(answer.multistatus().at(folder).properties) == {200}
        clark = "{http://apple.com/ns/ical/}" + name
        kept = propfind(stage.wire, folder, clark).at(folder).text(clark)
        assert f">{kept}<" in content


def reminders_made(stage: Stage) -> None:
    """A list for tasks only takes a task and refuses an event."""
    folder = made(stage, "VTODO")
    answer = stage.wire.request("PUT", folder + "t.ics", seed.task("t"))
    assert answer.status == 201
    answer = stage.wire.request("PUT", folder + "e.ics", seed.event("e"))
    assert answer.status == 403
    assert answer.preconditions() == {f"{CALDAV}supported-calendar-component"}


def default_alarms(stage: Stage) -> None:
    """PROPPATCH of default alarms on the home: stored or refused inside a 207, never a fault."""
    for name in ("default-alarm-vevent-date", "default-alarm-vevent-datetime"):
        body = set_property(f"<c:{name}>BEGIN:VALARM&#13;\nEND:VALARM&#13;\n</c:{name}>")
        answer = stage.wire.request("PROPPATCH", stage.home, body)
        assert set(answer.multistatus().at(stage.home).properties) <= {200, 403}


def group_card(stage: Stage) -> None:
    """A group, its labels, item groups and odd parameters come back byte for byte."""
    folder = stage.new_book()
    body = seed.lines(
        "BEGIN:VCARD",
        "VERSION:3.0",
        "PRODID:-//davenport//tests//EN",
        "N:Team;;;;",
        "FN:Team",
        "BDAY;value=date;X-APPLE-OMIT-YEAR=1604:1604-05-09",
        "item1.TEL;type=CELL;type=VOICE;type=pref:+44 20 7946 0000",
        "item1.X-ABLabel:_$!<HomePage>!$_",
        "X-ADDRESSBOOKSERVER-KIND:group",
        "X-ADDRESSBOOKSERVER-MEMBER:urn:uuid:ada",
        "UID:team",
        "END:VCARD",
    )
    name = folder + "team.vcf"
    put = stage.wire.request(
        "PUT", name, body, {"Content-Type": "text/vcard", "If-None-Match": "*"}
    )
    assert put.status == 201
    got = stage.wire.request("GET", name)
    assert got.body == body.encode()
    assert got.etag == put.etag


def empty_schedule_tag(stage: Stage) -> None:
    """An object that has no schedule-tag is put with an empty If-Schedule-Tag-Match."""
    name = stage.new_calendar() + "e.ics"
    first = stage.wire.request("PUT", name, seed.event("e"), {"If-Schedule-Tag-Match": ""})
    assert first.status == 201
    headers = {"If-Match": first.etag, "If-Schedule-Tag-Match": ""}
    again = stage.wire.request("PUT", name, seed.event("e", summary="Later"), headers)
    assert again.status == 204


def subscription(stage: Stage) -> None:
    """A subscribed calendar: kept as one, or refused whole with valid-resourcetype."""
    folder = stage.unused(stage.home)
    body = (
        f"{XML}<c:mkcalendar {NAMESPACES}><set><prop><resourcetype><collection/><s:subscribed/>"
        "</resourcetype><displayname>Holidays</displayname>"
        "<s:source><href>https://example.org/holidays.ics</href></s:source>"
        "</prop></set></c:mkcalendar>"
    )
    answer = stage.wire.request("MKCALENDAR", folder, body)
    assert answer.status in {201, 207, 403}, (answer, answer.body)
    if answer.status == 403:
        assert answer.preconditions() == {f"{DAV}valid-resourcetype"}
    there = stage.wire.request("PROPFIND", folder, FIRST, {"Depth": "0"}).status
    assert there == (207 if answer.status == 201 else 404)


def minimal(stage: Stage) -> None:
    """`return=minimal` may leave the 404s out; each resource still has a response with a
    propstat."""
    answer = stage.wire.request("PROPFIND", stage.home, HOME, {"Depth": "1", **TERSE})
    members = answer.multistatus()
    places = (stage.home, stage.calendar, stage.tasks)
    assert all(members.at(place).properties for place in places)
    body = asking("s:nothing-has-this")
    answer = stage.wire.request("PROPFIND", stage.calendar, body, {"Depth": "0", **TERSE})
    member = answer.multistatus().at(stage.calendar)
    assert member.properties or member.status == 200


def last_resorts(stage: Stage) -> None:
    """The paths it tries at the end answer cleanly, and /principals/ is challenged first."""
    for path in ("/", "/principals/", f"/calendar/dav/{quote(stage.user)}/user/"):
        answer = stage.anonymous.request("PROPFIND", path, FIRST, {"Depth": "0"})
        assert answer.status == 401, (path, answer)
        answer = stage.wire.request("PROPFIND", path, FIRST, {"Depth": "0"})
        assert answer.status in {207, 404}, (path, answer)
    root = stage.wire.request("PROPFIND", "/", FIRST, {"Depth": "0"}).multistatus().members[0]
    href("{principal}")(root.found[f"{DAV}current-user-principal"], stage)


def at_sign(stage: Stage) -> None:
    """Since iOS 18.4 it sends %40 for @; earlier it sent names as they are."""
    for spelling in (
        stage.user.replace("@", "%40"),
        stage.user,
        f"%{ord(stage.user[0]):x}{stage.user[1:]}",
    ):
        path = f"/dav/principals/{spelling}/"
        answer = stage.wire.request("PROPFIND", path, FIRST, {"Depth": "0"})
        assert answer.multistatus().members[0].found
        body = sync_body()
        path = f"/dav/calendars/{spelling}/calendar/"
        assert stage.wire.request("REPORT", path, body, {"Depth": "1"}).status == 207


def data_with_extras(stage: Stage) -> None:
    """Multiget that asks created-by, updated-by and schedule-tag beside the data."""
    place = stage.calendar + "single.ics"
    body = (
        f"{XML}<c:calendar-multiget {NAMESPACES}><prop><getetag/><c:calendar-data/>"
        "<c:schedule-tag/><s:created-by/><s:updated-by/></prop>"
        f"<href>{place}</href><href>{stage.calendar}gone.ics</href></c:calendar-multiget>"
    )
    answer = stage.wire.request("REPORT", stage.calendar, body, {"Depth": "1", **TERSE})
    assert data(answer, place) == seed.SINGLE.replace("\r\n", "\n")
    gone = answer.multistatus().at(stage.calendar + "gone.ics")
    assert gone.status == 404


def sync_without_level(answer: Answer, stage: Stage) -> None:
    """OS X 10.7 leaves sync-level out: its Depth header stands for it."""
    exactly("{calendar}single.ics", "{calendar}weekly.ics", "{calendar}allday.ics", ODD)(
        answer, stage
    )
    assert answer.multistatus().sync_token


ODD = "{calendar}" + seed.ODD_NAME
ROWS = rows(
    "Apple",
    scene(
        "verifying the account",
        "options-anonymous dav-on-principal principal-without-slash no-redirect",
        verifying,
    ),
    ask(
        "principal",
        "principal-URL displayname home-sets calendar-user-address-set scheduling-urls"
        " supported-report-set",
        ("PROPFIND", "{principal}"),
        has(
            "{principal}",
            d_principal_URL=href("{principal}"),
            d_displayname=some_text,
            c_calendar_home_set=href("{home}"),
            r_addressbook_home_set=href("{book_home}"),
            c_calendar_user_address_set=addresses("mailto:{address}"),
            d_principal_collection_set=among_kinds("d_href"),
            d_supported_report_set=reports(),
        ),
        body=PRINCIPAL,
        headers={"Depth": "0", **TERSE},
    ),
    ask(
        "everything about the calendars",
        "apple-extras calendar-color-order schedule-calendar-transp default-alarms sync-token"
        " size-limits-address-data descriptions-timezone",
        ("PROPFIND", "{home}"),
        every(
            lists("{home}", "{calendar}", "{tasks}"),
            answered("{calendar}", "i_calendar_color", "i_calendar_order", "s_push_transports"),
            has(
                "{calendar}",
                c_max_resource_size=number,
                d_owner=href("{principal}"),
                s_getctag=some_text,
                d_sync_token=some_text,
            ),
            has("{tasks}", c_supported_calendar_component_set=components("VTODO")),
            has(
                "{home}",
                d_supported_report_set=reports("d_sync_collection"),
                d_sync_token=some_text,
            ),
        ),
        body=HOME,
        headers={"Depth": "1"},
    ),
    ask(
        "address books",
        "size-limits-address-data getctag apple-extras",
        ("PROPFIND", "{book_home}"),
        has(
            "{book}",
            r_max_resource_size=number,
            r_supported_address_data=among_kinds("r_address_data_type"),
            s_getctag=some_text,
            d_current_user_privilege_set=writable,
        ),
        body=BOOKS,
        headers={"Depth": "1", **TERSE},
    ),
    scene("return=minimal", "prefer-minimal", minimal),
    scene("a new calendar", "mkcalendar calendar-color-order colour-kept proppatch", calendar_made),
    scene("a new list of reminders", "mkcalendar tasks-only-list", reminders_made),
    scene("default alarms", "default-alarms", default_alarms),
    scene("a group card", "bytes-kept", group_card),
    scene("an empty schedule-tag", "empty-schedule-tag-match", empty_schedule_tag),
    scene("a subscription", "subscription", subscription),
    scene("last resorts", "apple-last-resorts anonymous-401", last_resorts),
    scene("@ in every spelling", "percent-encoding", at_sign),
    scene("multiget with extras", "calendar-multiget schedule-tag", data_with_extras),
    ask(
        "getetag and getcontenttype",
        "getetag-getcontenttype",
        ("PROPFIND", "{calendar}"),
        has("{calendar}single.ics", d_getetag=some_text, d_getcontenttype=some_text),
        body=asking("getetag", "getcontenttype"),
        headers={"Depth": "1", **TERSE},
    ),
    ask(
        "sync without sync-level",
        "sync-collection",
        ("REPORT", "{calendar}"),
        sync_without_level,
        body=f"{XML}<sync-collection {NAMESPACES}><sync-token/><prop><getetag/></prop>"
        "</sync-collection>",
        headers={"Depth": "1"},
    ),
    ask(
        "sync without Depth",
        "sync-collection",
        ("REPORT", "{calendar}"),
        sync_without_level,
        body=sync_body(),
    ),
    ask(
        "events from a date on",
        "calendar-query",
        ("REPORT", "{calendar}"),
        exactly("{calendar}weekly.ics", "{calendar}allday.ics", ODD),
        body=f"{XML}<c:calendar-query {NAMESPACES}><prop><getetag/></prop><c:filter>"
        '<c:comp-filter name="VCALENDAR">'
        '<c:comp-filter name="VEVENT"><c:time-range start="20260325T000000Z"/></c:comp-filter>'
        "</c:comp-filter></c:filter></c:calendar-query>",
        headers={"Depth": "1", **TERSE},
    ),
    ask(
        "macOS search of cards",
        "addressbook-query",
        ("REPORT", "{book}"),
        exactly("{book}grace.vcf"),
        body=f"{XML}<r:addressbook-query {NAMESPACES}><prop><getetag/><r:address-data/></prop>"
        '<r:filter test="anyof"><r:prop-filter name="FN">'
        '<r:text-match collation="i;unicode-casemap" match-type="contains">hOPP</r:text-match>'
        '</r:prop-filter><r:prop-filter name="EMAIL">'
        '<r:text-match collation="i;unicode-casemap" match-type="starts-with">grace@</r:text-match>'
        "</r:prop-filter></r:filter><r:limit><r:nresults>50</r:nresults></r:limit>"
        "</r:addressbook-query>",
        headers={"Depth": "1"},
    ),
    ask(
        "principal-search-property-set",
        "apple-principal-reports",
        ("REPORT", "{principal}"),
        offered("{principal}", "d_principal_search_property_set", status(200)),
        body=f"{XML}<principal-search-property-set {NAMESPACES}/>",
        headers={"Depth": "0"},
    ),
    ask(
        "expand-property",
        "apple-principal-reports",
        ("REPORT", "{principal}"),
        offered("{principal}", "d_expand_property", exactly("{principal}")),
        body=f'{XML}<expand-property {NAMESPACES}><property name="calendar-proxy-read-for" '
        'namespace="http://calendarserver.org/ns/"><property name="displayname"/></property>'
        "</expand-property>",
        headers={"Depth": "0"},
    ),
    ask(
        "calendarserver-principal-search",
        "apple-principal-reports",
        ("REPORT", "/dav/principals/"),
        offered("/dav/principals/", "s_calendarserver_principal_search", status(207)),
        body=f"{XML}<s:calendarserver-principal-search {NAMESPACES}><s:search-token>"
        "ada</s:search-token>"
        "<s:limit><s:nresults>50</s:nresults></s:limit><prop><displayname/></prop>"
        "</s:calendarserver-principal-search>",
        headers={"Depth": "0"},
    ),
    ask(
        "wrong login",
        "anonymous-401",
        ("PROPFIND", "{principal}"),
        status(401),
        body=FIRST,
        headers={"Depth": "0", "Authorization": "Basic bm9ib2R5Om5vdGhpbmc="},
    ),
)
