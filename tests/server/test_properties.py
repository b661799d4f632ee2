"""PROPFIND, PROPPATCH, MKCALENDAR and extended MKCOL."""

import time
from pathlib import Path

import pytest

from tests.accounts import stage
from tests.bodies import CALENDAR, CONTACTS, event, make, propfind, proppatch
from tests.in_process import InProcess
from tests.wire import APPLE, CALDAV, CARDDAV, DAV, Member

ZERO = {"Depth": "0"}
HOME = "/dav/calendars/alice/"


def _find(wire: InProcess, path: str, *names: str) -> Member:
    return wire.request("PROPFIND", path, propfind(*names), ZERO).multistatus().members[0]


@pytest.mark.parametrize("path", ["/", "/dav/", HOME, CALENDAR, "/dav/principals/alice/"])
def test_infinite_depth_is_refused(path: str, alice: InProcess) -> None:
    for headers in ({"Depth": "infinity"}, {}):
        answer = alice.request("PROPFIND", path, propfind("D:displayname"), headers)
        assert answer.status == 403
        assert answer.preconditions() == {f"{DAV}propfind-finite-depth"}


def test_an_empty_body_asks_for_allprop(alice: InProcess) -> None:
    alice.request("PROPPATCH", CALENDAR, proppatch('<x:y xmlns:x="urn:x">1</x:y>'))
    member = alice.request("PROPFIND", CALENDAR, headers=ZERO).multistatus().at(CALENDAR)
    assert {f"{DAV}resourcetype", f"{DAV}displayname", "{urn:x}y"} <= set(member.found)
    assert f"{DAV}sync-token" not in member.found  # RFC 6578 §4: not in allprop


def test_include_adds_to_allprop(alice: InProcess) -> None:
    body = (
        "<D:propfind xmlns:D='DAV:'><D:allprop/><D:include><D:sync-token/></D:include></D:propfind>"
    )
    member = alice.request("PROPFIND", CALENDAR, body, ZERO).multistatus().at(CALENDAR)
    assert f"{DAV}sync-token" in member.found
    assert f"{DAV}resourcetype" in member.found


def test_a_property_is_answered_once_and_in_allprop_only_if_it_belongs_there(
    alice: InProcess,
) -> None:
    setting = (
        '<x:y xmlns:x="urn:x">1</x:y><C:calendar-description>Plans</C:calendar-description>'
        '<A:calendar-color xmlns:A="http://apple.com/ns/ical/">#00ff00</A:calendar-color>'
    )
    alice.request("PROPPATCH", CALENDAR, proppatch(setting))
    include = '<D:include><y xmlns="urn:x"/><y xmlns="urn:x"/><D:displayname/></D:include>'
    body = f"<D:propfind xmlns:D='DAV:'><D:allprop/>{include}</D:propfind>"
    answer = alice.request("PROPFIND", CALENDAR, body, ZERO)
    names = [element.tag for prop in answer.xml().iter(f"{DAV}prop") for element in prop]
    assert len(names) == len(set(names))
    assert {"{urn:x}y", f"{DAV}displayname", f"{APPLE}calendar-color"} <= set(names)
    assert f"{CALDAV}calendar-description" not in names  # RFC 4791 §5.2.1
    asked = "<D:propfind xmlns:D='DAV:'><D:propname/></D:propfind>"
    named = alice.request("PROPFIND", CALENDAR, asked, ZERO).multistatus().at(CALENDAR).found
    assert f"{CALDAV}calendar-description" in named
    assert _find(alice, CALENDAR, "C:calendar-description").text(
        f"{CALDAV}calendar-description"
    ) == ("Plans")


def test_propname_gives_names_without_values(alice: InProcess) -> None:
    alice.request("PUT", CALENDAR + "a.ics", event("a"))
    body = "<D:propfind xmlns:D='DAV:'><D:propname/></D:propfind>"
    answer = alice.request("PROPFIND", CALENDAR, body, {"Depth": "1"}).multistatus()
    found = answer.at(CALENDAR + "a.ics").found
    assert f"{DAV}getetag" in found
    assert all(not element.text and not len(element) for element in found.values())


def test_unknown_properties_are_404_and_left_out_when_minimal(alice: InProcess) -> None:
    body = propfind("D:displayname", "D:nonsense")
    full = alice.request("PROPFIND", CALENDAR, body, ZERO).multistatus().at(CALENDAR)
    assert set(full.properties[404]) == {f"{DAV}nonsense"}
    for preference in ({"Prefer": "return=minimal"}, {"Brief": "t"}):
        brief = alice.request("PROPFIND", CALENDAR, body, {**ZERO, **preference})
        assert set(brief.multistatus().at(CALENDAR).properties) == {200}


DEAD = (
    '<x:note xmlns:x="urn:x" xml:lang="de" x:kind="a">Äpfel &amp; <x:b><y xmlns="urn:y"/></x:b>'
    "tail</x:note>"
)


@pytest.mark.parametrize("path", [HOME, CALENDAR, CALENDAR + "a.ics"])
def test_a_dead_property_keeps_all_its_xml(path: str, alice: InProcess) -> None:
    alice.request("PUT", CALENDAR + "a.ics", event("a"))
    etag = alice.request("GET", CALENDAR + "a.ics").etag
    assert alice.request("PROPPATCH", path, proppatch(DEAD)).status == 207
    body = "<D:propfind xmlns:D='DAV:'><D:prop><note xmlns='urn:x'/></D:prop></D:propfind>"
    note = alice.request("PROPFIND", path, body, ZERO).multistatus().at(path).found["{urn:x}note"]
    assert note.text == "Äpfel & "
    assert note.get("{http://www.w3.org/XML/1998/namespace}lang") == "de"
    assert note.get("{urn:x}kind") == "a"
    assert note[0].tag == "{urn:x}b"
    assert note[0][0].tag == "{urn:y}y"
    assert note[0].tail == "tail"
    assert alice.request("GET", CALENDAR + "a.ics").etag == etag
    removal = proppatch(removing='<note xmlns="urn:x"/>')
    assert alice.request("PROPPATCH", path, removal).status == 207
    assert alice.request("PROPPATCH", path, removal).status == 207  # absent already: no error
    assert 404 in alice.request("PROPFIND", path, body, ZERO).multistatus().at(path).properties


def test_language_is_taken_over_from_around_the_property(alice: InProcess) -> None:
    body = proppatch('<x:n xmlns:x="urn:x">hej</x:n>').replace("<D:prop>", '<D:prop xml:lang="da">')
    alice.request("PROPPATCH", CALENDAR, body)
    asked = "<D:propfind xmlns:D='DAV:'><D:prop><n xmlns='urn:x'/></D:prop></D:propfind>"
    found = alice.request("PROPFIND", CALENDAR, asked, ZERO).multistatus().at(CALENDAR).found
    assert found["{urn:x}n"].get("{http://www.w3.org/XML/1998/namespace}lang") == "da"


def test_one_refused_property_undoes_all(alice: InProcess) -> None:
    setting = "<D:displayname>New</D:displayname><D:resourcetype/><D:getetag>x</D:getetag>"
    answer = alice.request("PROPPATCH", CALENDAR, proppatch(setting)).multistatus().at(CALENDAR)
    assert set(answer.properties[403]) == {f"{DAV}resourcetype", f"{DAV}getetag"}
    assert set(answer.properties[424]) == {f"{DAV}displayname"}
    assert _find(alice, CALENDAR, "D:displayname").text(f"{DAV}displayname") == "Calendar"


@pytest.mark.parametrize("name", ["supportedlock", "quota-available-bytes", "acl", "made-up"])
def test_what_the_server_does_not_say_no_client_can_make_it_say(
    name: str, alice: InProcess
) -> None:
    for body in (proppatch(f"<D:{name}>x</D:{name}>"), proppatch(removing=f"<D:{name}/>")):
        answer = alice.request("PROPPATCH", CALENDAR, body)
        assert set(answer.multistatus().at(CALENDAR).properties) == {403}
        assert answer.xml().find(f".//{DAV}cannot-modify-protected-property") is not None
    assert f"{DAV}{name}" not in _find(alice, CALENDAR, f"D:{name}").found


def test_instructions_apply_in_document_order(alice: InProcess) -> None:
    body = (
        "<D:propertyupdate xmlns:D='DAV:'><D:set><D:prop><D:displayname>1</D:displayname></D:prop>"
        "</D:set><D:remove><D:prop><D:displayname/></D:prop></D:remove>"
        "<D:set><D:prop><D:displayname>2</D:displayname></D:prop></D:set></D:propertyupdate>"
    )
    assert alice.request("PROPPATCH", CALENDAR, body).status == 207
    assert _find(alice, CALENDAR, "D:displayname").text(f"{DAV}displayname") == "2"


def test_a_time_zone_that_is_none_is_refused(alice: InProcess) -> None:
    setting = "<C:calendar-timezone>Europe/Paris</C:calendar-timezone>"
    answer = alice.request("PROPPATCH", CALENDAR, proppatch(setting)).multistatus().at(CALENDAR)
    assert set(answer.properties[403]) == {f"{CALDAV}calendar-timezone"}


def test_a_property_that_is_too_large_is_refused(alice: InProcess) -> None:
    setting = f'<x xmlns="urn:x">{"y" * 70_000}</x>'
    answer = alice.request("PROPPATCH", CALENDAR, proppatch(setting)).multistatus().at(CALENDAR)
    assert set(answer.properties) == {507}


def test_namespaces_that_every_property_repeats_do_not_multiply_the_work(
    alice: InProcess,
) -> None:
    """Each stored element carries the declarations in scope: 1,500 times 30 KB in all."""
    declarations = " ".join(f'xmlns:a{number}="urn:{number}"' for number in range(1_500))
    setting = "".join(f"<a1:b{number}/>" for number in range(1_500))
    body = proppatch(setting).replace("<D:propertyupdate", f"<D:propertyupdate {declarations}")
    started = time.process_time()
    answer = alice.request("PROPPATCH", CALENDAR, body).multistatus().at(CALENDAR)
    assert time.process_time() - started < 3
    assert set(answer.properties) == {424, 507}
    few = proppatch("<a1:b>x</a1:b>").replace(
        "<D:propertyupdate", f"<D:propertyupdate {declarations}"
    )
    assert set(alice.request("PROPPATCH", CALENDAR, few).multistatus().at(CALENDAR).properties) == {
        200
    }


def test_all_properties_of_a_resource_together_are_bounded(tmp_path: Path) -> None:
    with stage(tmp_path, limits={"resource_property_bytes": 1_000}) as running:
        alice = running.alice
        for name, status in (("a", 200), ("b", 507), ("a", 200)):
            setting = f'<{name} xmlns="urn:x">{"é" * 300}</{name}>'
            answer = alice.request("PROPPATCH", CALENDAR, proppatch(setting))
            assert set(answer.multistatus().at(CALENDAR).properties) == {status}, name
        body = make(
            "C:mkcalendar", "".join(f'<p{n} xmlns="urn:x">{"x" * 400}</p{n}>' for n in "12")
        )
        assert alice.request("MKCALENDAR", HOME + "big/", body).status == 403
        assert alice.request("PROPFIND", HOME + "big/", headers=ZERO).status == 404


_COMPONENTS = (
    '<C:supported-calendar-component-set><C:comp name="{}"/></C:supported-calendar-component-set>'
)


def test_an_object_takes_few_properties_a_collection_more(alice: InProcess) -> None:
    alice.request("PUT", CALENDAR + "a.ics", event("a"))
    for path, room in ((CALENDAR + "a.ics", 1), (CALENDAR, 8)):
        for number in range(room + 1):
            setting = f'<x{number} xmlns="urn:x">{"y" * 62_000}</x{number}>'
            answer = alice.request("PROPPATCH", path, proppatch(setting)).multistatus()
            assert set(answer.at(path).properties) == ({200} if number < room else {507})


def test_a_calendar_is_made_with_its_properties(alice: InProcess) -> None:
    setting = (
        "<D:displayname>Réunions</D:displayname>"
        '<A:calendar-color xmlns:A="http://apple.com/ns/ical/" symbolic-color="blue">#0000FFFF'
        "</A:calendar-color>" + _COMPONENTS.format("VTODO")
    )
    assert alice.request("MKCALENDAR", HOME + "r/", make("C:mkcalendar", setting)).status == 201
    member = _find(
        alice, HOME + "r/", "D:displayname", "D:resourcetype", "C:supported-calendar-component-set"
    )
    assert member.text(f"{DAV}displayname") == "Réunions"
    assert member.found[f"{DAV}resourcetype"].find(f"{CALDAV}calendar") is not None
    components = member.found[f"{CALDAV}supported-calendar-component-set"]
    assert [component.get("name") for component in components] == ["VTODO"]
    color = (
        "<D:propfind xmlns:D='DAV:'><D:prop>"
        "<calendar-color xmlns='http://apple.com/ns/ical/'/></D:prop></D:propfind>"
    )
    found = alice.request("PROPFIND", HOME + "r/", color, ZERO).multistatus().at(HOME + "r/").found
    assert found[f"{APPLE}calendar-color"].get("symbolic-color") == "blue"


def test_one_refused_property_makes_no_collection(alice: InProcess) -> None:
    setting = "<D:displayname>x</D:displayname><D:getetag>y</D:getetag>"
    for method, root in (("MKCALENDAR", "C:mkcalendar"), ("MKCOL", "D:mkcol")):
        kind = "" if method == "MKCALENDAR" else f"<D:resourcetype>{_CALENDAR}</D:resourcetype>"
        answer = alice.request(method, HOME + "x/", make(root, kind + setting))
        assert answer.status == 403
        assert answer.xml().tag == f"{root}-response".replace("C:", CALDAV).replace("D:", DAV)
        statuses = [status.text or "" for status in answer.xml().iter(f"{DAV}status")]
        assert sorted(status.split()[1] for status in statuses) == ["403", "424"]
        assert alice.request("PROPFIND", HOME + "x/", headers=ZERO).status == 404


_CALENDAR = "<D:collection/><C:calendar/>"
_ADDRESSBOOK = "<D:collection/><CR:addressbook/>"
BOOKS = "/dav/addressbooks/alice/"

PLACES = {
    "calendar": ("MKCOL", HOME + "n/", _CALENDAR, 201, None),
    "book": ("MKCOL", BOOKS + "n/", _ADDRESSBOOK, 201, None),
    "no slash": ("MKCOL", BOOKS + "n", _ADDRESSBOOK, 201, None),
    "book among calendars": (
        "MKCOL",
        HOME + "n/",
        _ADDRESSBOOK,
        403,
        f"{CARDDAV}addressbook-collection-location-ok",
    ),
    "calendar among books": (
        "MKCOL",
        BOOKS + "n/",
        _CALENDAR,
        403,
        f"{CALDAV}calendar-collection-location-ok",
    ),
    "calendar in a calendar": (
        "MKCALENDAR",
        CALENDAR + "n/",
        None,
        403,
        f"{CALDAV}calendar-collection-location-ok",
    ),
    "below nothing": ("MKCALENDAR", HOME + "x/n/", None, 409, None),
    "on a calendar": ("MKCALENDAR", CALENDAR, None, 403, f"{DAV}resource-must-be-null"),
    "on a book": ("MKCOL", CONTACTS, _ADDRESSBOOK, 405, None),
    "plain": ("MKCOL", HOME + "n/", None, 403, f"{DAV}valid-resourcetype"),
    "a book by MKCALENDAR": (
        "MKCALENDAR",
        BOOKS + "n/",
        _ADDRESSBOOK,
        403,
        f"{DAV}valid-resourcetype",
    ),
    "a subscription": (
        "MKCOL",
        HOME + "n/",
        "<D:collection/><C:calendar/><CS:subscribed/>",
        403,
        f"{DAV}valid-resourcetype",
    ),
    "beside the homes": ("MKCALENDAR", "/dav/n/", None, 404, None),
}


@pytest.mark.parametrize("case", PLACES.values(), ids=PLACES.keys())
def test_collections_stand_where_they_belong(
    case: tuple[str, str, str | None, int, str | None], alice: InProcess
) -> None:
    method, path, kind, status, element = case
    root = "C:mkcalendar" if method == "MKCALENDAR" else "D:mkcol"
    body = make(root, f"<D:resourcetype>{kind}</D:resourcetype>") if kind else ""
    answer = alice.request(method, path, body)
    assert answer.status == status, answer.body
    assert answer.preconditions() == ({element} if element else set())


def test_an_unknown_component_set_is_refused(alice: InProcess) -> None:
    setting = _COMPONENTS.format("VFOO")
    answer = alice.request("MKCALENDAR", HOME + "n/", make("C:mkcalendar", setting))
    assert answer.preconditions() == {f"{CALDAV}supported-calendar-component"}


def test_what_a_principal_may_is_what_it_is_told(alice: InProcess) -> None:
    privileges = _find(alice, CALENDAR, "D:current-user-privilege-set").found
    names = {child.tag for one in privileges[f"{DAV}current-user-privilege-set"] for child in one}
    assert {f"{DAV}read", f"{DAV}write", f"{DAV}write-content", f"{DAV}bind"} <= names


def test_used_quota_counts_live_bytes(alice: InProcess) -> None:
    def used() -> int:
        return int(_find(alice, CALENDAR, "D:quota-used-bytes").text(f"{DAV}quota-used-bytes"))

    assert used() == 0
    alice.request("PUT", CALENDAR + "a.ics", event("a"))
    assert used() == len(event("a"))
    alice.request("DELETE", CALENDAR + "a.ics")
    assert used() == 0
