"""Thunderbird 153: discovery with its .ics probe, calendar and address book sync, and a card's
life."""

from concurrent.futures import ThreadPoolExecutor
from urllib.parse import unquote, urlsplit

from tests.clients import seed
from tests.clients.row import (
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
    kinds,
    lists,
    reports,
    rows,
    scene,
    some_text,
    status,
    strong,
    writable,
)
from tests.wire import CARDDAV, DAV, multiget_body, sync_body

COLLECTION = (
    '<propfind xmlns="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav"'
    ' xmlns:s="http://calendarserver.org/ns/" xmlns:i="http://apple.com/ns/ical/"'
    ' xmlns:r="urn:ietf:params:xml:ns:carddav"><prop><resourcetype/><owner/><displayname/>'
    "<current-user-principal/><current-user-privilege-set/><supported-report-set/>"
    "<c:supported-calendar-component-set/><s:getctag/><sync-token/><i:calendar-color/>"
    "<c:calendar-home-set/><r:addressbook-home-set/></prop></propfind>"
)
PRINCIPAL = (
    '<propfind xmlns="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav"><prop><resourcetype/>'
    "<c:calendar-home-set/><c:calendar-user-address-set/><c:schedule-inbox-URL/>"
    "<c:schedule-outbox-URL/><principal-collection-set/></prop></propfind>"
)
SYNC_WITH_CARDS = sync_body(
    names=(f"{DAV}getetag", f"{DAV}displayname", f"{DAV}getcontenttype", f"{CARDDAV}address-data")
)


def icalendar_probe(stage: Stage) -> None:
    """HEAD, GET and PROPFIND of the base URL, then a PUT of nothing that must not say 412."""
    for base in (stage.calendar, stage.home, stage.calendar.rstrip("/"), "/dav/"):
        for method in ("HEAD", "GET"):
            answer = stage.wire.request(method, base)
            assert answer.status < 500
            assert answer.status // 100 != 3, (method, base)
        assert stage.wire.request("PROPFIND", base, COLLECTION, {"Depth": "0"}).status == 207
        probe = stage.wire.request("PUT", base, b"", {"If-Match": "nothing"})
        assert probe.status == 405, (base, probe)
        assert "PUT" not in probe.tokens("Allow")


def well_known_then_login(stage: Stage) -> None:
    """From the host alone: the redirect, the challenge, the principal, the home."""
    redirect = stage.anonymous.request("PROPFIND", "/.well-known/caldav", COLLECTION)
    assert redirect.status in {301, 302, 303, 307, 308}
    target = urlsplit(redirect.header("Location") or "").path
    assert stage.anonymous.request("PROPFIND", target, COLLECTION).status == 401
    found = stage.wire.request("PROPFIND", target, COLLECTION, {"Depth": "0"}).multistatus()
    principal = found.members[0].found[f"{DAV}current-user-principal"].findtext(f"{DAV}href")
    assert principal is not None
    assert unquote(principal) == stage.principal


def edit_and_sync(stage: Stage) -> None:
    """PUT, multiget of that href, then sync-collection: the own change is in it."""
    folder = stage.new_calendar()
    token = stage.wire.request("REPORT", folder, sync_body(), {"Depth": "1"})
    name = folder + "own.ics"
    put = stage.wire.request(
        "PUT",
        name,
        seed.event("own"),
        {"Content-Type": "text/calendar; charset=utf-8", "If-None-Match": "*"},
    )
    assert put.status == 201
    got = stage.wire.request("REPORT", folder, multiget_body([name]), {"Depth": "1"})
    assert got.multistatus().at(name).text(f"{DAV}getetag") == put.etag
    assert data(got, name) == seed.event("own").replace("\r\n", "\n")
    body = sync_body(token.multistatus().sync_token or "")
    changes = stage.wire.request("REPORT", folder, body, {"Depth": "1"}).multistatus()
    assert changes.at(name).text(f"{DAV}getetag") == put.etag
    again = stage.wire.request("PUT", name, seed.event("own"), {"If-None-Match": "*"})
    assert again.status == 412
    changed = seed.event("own", summary="Later tea")
    assert stage.wire.request("PUT", name, changed, {"If-Match": put.etag}).status == 204
    stale = stage.wire.request("PUT", name, seed.event("own"), {"If-Match": put.etag})
    assert stale.status == 412
    assert stage.wire.request("PUT", name, seed.event("own")).status == 204


def cards_without_preconditions(stage: Stage) -> None:
    """vCard 4.0 as `text/vcard`, put, overwritten and deleted with no precondition."""
    folder = stage.new_book()
    name = folder + "b7c5.vcf"
    for family, code in (("Lovelace", 201), ("King", 204)):
        body = seed.card("b7c5", f"Ada {family}", version="4.0")
        answer = stage.wire.request("PUT", name, body, {"Content-Type": "text/vcard"})
        assert answer.status == code
        assert stage.wire.request("GET", name).body == body.encode()
    assert stage.wire.request("DELETE", name).status == 204
    assert stage.wire.request("GET", name).status == 404


def fifteen_puts(stage: Stage) -> None:
    """Fifteen cards at once, each on its own connection."""
    folder = stage.new_book()

    def put(number: int) -> int:
        with stage.served.connect(stage.user) as wire:
            body = seed.card(f"card-{number}", version="4.0")
            path = f"{folder}{number}.vcf"
            return wire.request("PUT", path, body, {"Content-Type": "text/vcard"}).status

    with ThreadPoolExecutor(15) as pool:
        assert list(pool.map(put, range(15))) == [201] * 15
    listed = stage.wire.request("REPORT", folder, SYNC_WITH_CARDS, {"Depth": "1"}).multistatus()
    assert len(listed.members) == 15


def move_by_put_and_delete(stage: Stage) -> None:
    """The same UID is in two calendars for a moment."""
    here, there = stage.new_calendar(), stage.new_calendar()
    body = seed.event("moved")
    assert stage.wire.request("PUT", here + "moved.ics", body).status == 201
    assert (
        stage.wire.request("PUT", there + "moved.ics", body, {"If-None-Match": "*"}).status == 201
    )
    assert stage.wire.request("DELETE", here + "moved.ics").status == 204
    assert stage.wire.request("GET", there + "moved.ics").status == 200


ROWS = rows(
    "Thunderbird",
    scene("probe for an .ics file", "put-on-collection no-redirect head", icalendar_probe),
    scene(
        "from the host to the principal",
        "well-known anonymous-401 current-user-principal",
        well_known_then_login,
    ),
    ask(
        "calendar properties",
        "current-user-principal resourcetype displayname owner current-user-privilege-set"
        " supported-report-set sync-token getctag supported-calendar-component-set",
        ("PROPFIND", "{calendar}"),
        every(
            answered("{calendar}", "i_calendar_color", "c_calendar_home_set"),
            has(
                "{calendar}",
                d_resourcetype=kinds("d_collection", "c_calendar"),
                d_owner=href("{principal}"),
                d_displayname=some_text,
                d_current_user_principal=href("{principal}"),
                d_current_user_privilege_set=writable,
                d_supported_report_set=reports(
                    "d_sync_collection", "c_calendar_multiget", "c_calendar_query"
                ),
                c_supported_calendar_component_set=components("VEVENT"),
                s_getctag=some_text,
                d_sync_token=some_text,
            ),
        ),
        body=COLLECTION,
        headers={"Depth": "0", "Content-Type": "text/xml; charset=utf-8"},
    ),
    ask(
        "calendars of the home",
        "resourcetype current-user-privilege-set home-sets supported-calendar-component-set",
        ("PROPFIND", "{home}"),
        every(
            lists("{home}", "{calendar}", "{tasks}"),
            has("{home}", d_current_user_privilege_set=writable),
            has(
                "{tasks}",
                d_resourcetype=kinds("d_collection", "c_calendar"),
                c_supported_calendar_component_set=components("VTODO"),
            ),
        ),
        body=COLLECTION,
        headers={"Depth": "1"},
    ),
    ask(
        "address books of the home",
        "resourcetype supported-report-set sync-token getctag",
        ("PROPFIND", "{book_home}"),
        every(
            lists("{book_home}", "{book}"),
            has(
                "{book}",
                d_resourcetype=kinds("d_collection", "r_addressbook"),
                d_supported_report_set=reports(
                    "d_sync_collection", "r_addressbook_multiget", "r_addressbook_query"
                ),
                d_current_user_privilege_set=writable,
                s_getctag=some_text,
                d_sync_token=some_text,
            ),
        ),
        body=COLLECTION,
        headers={"Depth": "1"},
    ),
    ask(
        "principal and scheduling",
        "home-sets calendar-user-address-set scheduling-urls",
        ("PROPFIND", "{principal}"),
        every(
            has(
                "{principal}",
                d_resourcetype=among_kinds("d_principal"),
                c_calendar_home_set=href("{home}"),
                c_calendar_user_address_set=addresses("mailto:{address}"),
            ),
            answered("{principal}", "c_schedule_inbox_URL", "d_principal_collection_set"),
        ),
        body=PRINCIPAL,
        headers={"Depth": "0"},
    ),
    ask(
        "first card listing",
        "getetag-getcontenttype",
        ("PROPFIND", "{book}"),
        every(
            exactly("{book}", "{book}ada.vcf", "{book}grace.vcf"),
            has(
                "{book}ada.vcf",
                d_getetag=strong,
                d_getcontenttype=some_text,
                d_resourcetype=kinds(),
            ),
        ),
        body='<propfind xmlns="DAV:"><prop><resourcetype/><getetag/><getcontenttype/></prop>'
        "</propfind>",
        headers={"Depth": "1"},
    ),
    ask(
        "sync with the cards inside",
        "sync-collection",
        ("REPORT", "{book}"),
        every(
            exactly("{book}ada.vcf", "{book}grace.vcf"),
            has("{book}grace.vcf", d_getetag=strong, r_address_data=some_text),
        ),
        body=SYNC_WITH_CARDS,
        headers={"Depth": "1"},
    ),
    ask(
        "unknown token",
        "sync-collection",
        ("REPORT", "{calendar}"),
        status(403),
        body=sync_body("https://other.example/sync/17"),
        headers={"Depth": "1"},
    ),
    scene(
        "edit and sync",
        "own-change-syncs conditional-put strong-etag overwrite calendar-multiget",
        edit_and_sync,
    ),
    scene("a card's life", "card-4 overwrite bytes-kept", cards_without_preconditions),
    scene("fifteen cards at once", "parallel-puts", fifteen_puts),
    scene("move by PUT and DELETE", "uid-per-collection move", move_by_put_and_delete),
)
