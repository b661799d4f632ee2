"""DAVx5: capability checks on the principal, MKCALENDAR with a resourcetype, strong ETags, vCard
4 when offered."""

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
    every,
    exactly,
    has,
    href,
    kinds,
    number,
    reports,
    rows,
    scene,
    some_text,
    text,
    writable,
)
from tests.wire import CALDAV, CARDDAV, DAV, Answer, sync_body

NAMESPACES = (
    'xmlns="DAV:" xmlns:CAL="urn:ietf:params:xml:ns:caldav" '
    'xmlns:CARD="urn:ietf:params:xml:ns:carddav"'
    ' xmlns:CS="http://calendarserver.org/ns/" xmlns:IC="http://apple.com/ns/ical/"'
    ' xmlns:P="https://bitfire.at/webdav-push"'
)
COLLECTION = (
    f"{XML}<propfind {NAMESPACES}><prop><resourcetype/><displayname/><owner/>"
    "<current-user-privilege-set/><CARD:addressbook-description/><IC:calendar-color/>"
    "<CAL:calendar-description/><CAL:calendar-timezone/><CAL:calendar-timezone-id/>"
    "<CAL:supported-calendar-component-set/><CS:source/><P:transports/><P:topic/>"
    "<supported-report-set/><CS:getctag/><sync-token/><CAL:max-resource-size/>"
    "<CARD:max-resource-size/><CARD:supported-address-data/></prop></propfind>"
)
PRINCIPAL = (
    f"{XML}<propfind {NAMESPACES}><prop><resourcetype/><displayname/><current-user-principal/>"
    "<CAL:calendar-home-set/><CARD:addressbook-home-set/><CAL:calendar-user-address-set/>"
    "<CAL:schedule-inbox-URL/><group-membership/><CS:calendar-proxy-read-for/>"
    "<CS:calendar-proxy-write-for/></prop></propfind>"
)
TIME_ZONE = seed.calendar(
    "BEGIN:VTIMEZONE",
    "TZID:Europe/Vienna",
    "BEGIN:STANDARD",
    "DTSTART:19961027T030000",
    "TZOFFSETFROM:+0200",
    "TZOFFSETTO:+0100",
    "END:STANDARD",
    "END:VTIMEZONE",
)


def capabilities(stage: Stage) -> None:
    """OPTIONS on the principal tells both kinds of data."""
    answer = stage.wire.request("OPTIONS", stage.principal)
    assert answer.status == 200
    assert {"addressbook", "calendar-access"} <= answer.tokens("DAV")


def made_with_resourcetype(stage: Stage) -> None:
    """MKCALENDAR whose properties hold a resourcetype and a time zone by id and by value."""
    folder = stage.unused(stage.home)
    body = (
        f"{XML}<CAL:mkcalendar {NAMESPACES}><set><prop><resourcetype><collection/><CAL:calendar/>"
        "</resourcetype><displayname>Familie</displayname><IC:calendar-color>"
        "#8bc34aff</IC:calendar-color>"
        "<CAL:calendar-description>für alle</CAL:calendar-description>"
        "<CAL:calendar-timezone-id>Europe/Vienna</CAL:calendar-timezone-id>"
        f"<CAL:calendar-timezone><![CDATA[{TIME_ZONE}]]></CAL:calendar-timezone>"
        '<CAL:supported-calendar-component-set><CAL:comp name="VEVENT"/><CAL:comp name="VJOURNAL"/>'
        "</CAL:supported-calendar-component-set></prop></set></CAL:mkcalendar>"
    )
    assert stage.wire.request("MKCALENDAR", folder, body).status == 201
    answer = stage.wire.request("PROPFIND", folder, COLLECTION, {"Depth": "0"})
    has(
        folder,
        d_resourcetype=kinds("d_collection", "c_calendar"),
        d_displayname=text("Familie"),
        c_calendar_description=text("für alle"),
        c_calendar_timezone_id=text("Europe/Vienna"),
        c_calendar_timezone=some_text,
        c_supported_calendar_component_set=components("VEVENT", "VJOURNAL"),
        i_calendar_color=text("#8bc34aff"),
    )(answer, stage)


def book_made(stage: Stage) -> None:
    """Extended MKCOL for an address book."""
    folder = stage.unused(stage.book_home)
    body = (
        f"{XML}<mkcol {NAMESPACES}><set><prop><resourcetype><collection/><CARD:addressbook/>"
        "</resourcetype>"
        "<displayname>Freunde</displayname><CARD:addressbook-description>nah und fern"
        "</CARD:addressbook-description></prop></set></mkcol>"
    )
    assert stage.wire.request("MKCOL", folder, body).status == 201
    answer = stage.wire.request("PROPFIND", folder, COLLECTION, {"Depth": "0"})
    has(
        folder,
        d_resourcetype=kinds("d_collection", "r_addressbook"),
        d_displayname=text("Freunde"),
        r_addressbook_description=text("nah und fern"),
        d_supported_report_set=reports("d_sync_collection", "r_addressbook_multiget"),
    )(answer, stage)


def upload(stage: Stage) -> None:
    """The ETag of the PUT is strong and that of sync and multiget; 412 when stale; 404 or 410
    when gone."""
    folder = stage.new_calendar()
    name = folder + "4f2c%20(1).ics"
    headers = {"Content-Type": "text/calendar; charset=utf-8", "If-None-Match": "*"}
    first = stage.wire.request("PUT", name, seed.event("4f2c"), headers)
    assert first.status == 201
    synced = stage.wire.request("REPORT", folder, sync_body(), {"Depth": "0"}).multistatus()
    assert synced.at(name).text(f"{DAV}getetag") == first.etag
    again = stage.wire.request("PUT", name, seed.event("4f2c"), headers)
    assert again.status == 412
    headers = {"Content-Type": "text/calendar; charset=utf-8", "If-Match": first.etag}
    second = stage.wire.request("PUT", name, seed.event("4f2c", summary="Later"), headers)
    assert second.status == 204
    assert second.etag != first.etag
    stale = stage.wire.request("DELETE", name, headers={"If-Match": first.etag})
    assert stale.status == 412
    assert stage.wire.request("DELETE", name, headers={"If-Match": second.etag}).status == 204
    gone = stage.wire.request("DELETE", name, headers={"If-Match": second.etag})
    assert gone.status in {404, 410}
    body = sync_body(synced.sync_token or "")
    removed = stage.wire.request("REPORT", folder, body, {"Depth": "0"}).multistatus()
    assert removed.at(name).status == 404


def cards(version: str) -> str:
    """Its addressbook-multiget, with the attributes it sends."""
    attributes = f' version="{version}"' if version else ""
    return (
        f"{XML}<CARD:addressbook-multiget {NAMESPACES}><prop><getcontenttype/><getetag/>"
        f'<CARD:address-data content-type="text/vcard"{attributes}/></prop>'
        "<href>{book}ada.vcf</href><href>{book}grace.vcf</href><href>{book}gone.vcf</href>"
        "</CARD:addressbook-multiget>"
    )


def two_cards(answer: Answer, stage: Stage) -> None:
    """Both cards and a 404 for what is not there."""
    multistatus = answer.multistatus()
    for name, full_name in (("ada.vcf", "FN:Ada Lovelace"), ("grace.vcf", "FN:Grace Hopper")):
        member = multistatus.at(stage.book + name)
        assert full_name in member.text(f"{CARDDAV}address-data")
        assert member.text(f"{DAV}getcontenttype").startswith("text/vcard")
    assert multistatus.at(stage.book + "gone.vcf").status == 404


def spellings(stage: Stage) -> None:
    """A member asked for in several spellings is the same member."""
    plain = stage.calendar + seed.ODD_NAME
    asked = [stage.calendar + quote(seed.ODD_NAME), stage.calendar + quote(seed.ODD_NAME, safe="@")]
    for spelling in asked:
        assert stage.wire.request("GET", spelling).body == seed.ODD.encode()
        body = (
            f"{XML}<CAL:calendar-multiget {NAMESPACES}><prop><getetag/><CAL:calendar-data/></prop>"
            f"<href>{spelling}</href></CAL:calendar-multiget>"
        )
        member = stage.wire.request("REPORT", stage.calendar, body).multistatus().at(plain)
        assert f"{CALDAV}calendar-data" in member.found


ROWS = rows(
    "DAVx5",
    scene("capabilities", "dav-on-principal", capabilities),
    ask(
        "principal",
        "home-sets calendar-user-address-set displayname scheduling-urls current-user-principal",
        ("PROPFIND", "{principal}"),
        every(
            answered("{principal}", "d_group_membership", "s_calendar_proxy_read_for"),
            has(
                "{principal}",
                d_resourcetype=among_kinds("d_principal"),
                c_calendar_home_set=href("{home}"),
                r_addressbook_home_set=href("{book_home}"),
                c_calendar_user_address_set=addresses("mailto:{address}"),
            ),
        ),
        body=PRINCIPAL,
        headers={"Depth": "0"},
    ),
    ask(
        "calendars",
        "owner calendar-timezone-id descriptions-timezone supported-report-set sync-token "
        "apple-extras"
        " size-limits-address-data",
        ("PROPFIND", "{home}"),
        every(
            answered("{calendar}", "c_calendar_timezone_id", "s_source", "c_calendar_description"),
            has(
                "{calendar}",
                d_owner=href("{principal}"),
                d_current_user_privilege_set=writable,
                c_max_resource_size=number,
                d_supported_report_set=reports("d_sync_collection", "c_calendar_multiget"),
                d_sync_token=some_text,
            ),
        ),
        body=COLLECTION,
        headers={"Depth": "1"},
    ),
    ask(
        "address books",
        "size-limits-address-data displayname",
        ("PROPFIND", "{book_home}"),
        has(
            "{book}",
            d_displayname=some_text,
            d_owner=href("{principal}"),
            r_supported_address_data=among_kinds("r_address_data_type"),
        ),
        body=COLLECTION,
        headers={"Depth": "1"},
    ),
    ask(
        "sync with Depth 0",
        "sync-collection",
        ("REPORT", "{tasks}"),
        exactly("{tasks}buy.ics"),
        body=sync_body(),
        headers={"Depth": "0"},
    ),
    ask(
        "cards as vCard",
        "addressbook-multiget",
        ("REPORT", "{book}"),
        two_cards,
        body=cards(""),
        headers={"Depth": "0"},
    ),
    ask(
        "cards as vCard 4",
        "addressbook-multiget",
        ("REPORT", "{book}"),
        two_cards,
        body=cards("4.0"),
        headers={"Depth": "0"},
    ),
    ask(
        "events from a date on",
        "calendar-query",
        ("REPORT", "{calendar}"),
        exactly("{calendar}weekly.ics", "{calendar}allday.ics", "{calendar}" + seed.ODD_NAME),
        body=f"{XML}<CAL:calendar-query {NAMESPACES}><prop><getetag/></prop><CAL:filter>"
        '<CAL:comp-filter name="VCALENDAR"><CAL:comp-filter name="VEVENT">'
        '<CAL:time-range start="20260325T000000Z"/></CAL:comp-filter></CAL:comp-filter>'
        "</CAL:filter>"
        "</CAL:calendar-query>",
        headers={"Depth": "1"},
    ),
    scene(
        "a new calendar",
        "mkcalendar calendar-timezone-id descriptions-timezone",
        made_with_resourcetype,
    ),
    scene("a new address book", "extended-mkcol", book_made),
    scene("upload", "strong-etag conditional-put delete-stale-gone", upload),
    scene("spellings of a member", "percent-encoding calendar-multiget", spellings),
)
