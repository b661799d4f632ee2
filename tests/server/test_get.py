"""GET and HEAD: objects, whole collections, pages, health."""

from pathlib import Path

import icalendar
import pytest
import vobject

from tests.accounts import Stage, stage
from tests.bodies import CALENDAR, CONTACTS, TASKS, card, event, proppatch
from tests.in_process import InProcess


def test_an_object_with_its_headers(alice: InProcess) -> None:
    put = alice.request("PUT", CALENDAR + "a.ics", event("a"))
    got = alice.request("GET", CALENDAR + "a.ics")
    assert (got.status, got.body, got.etag) == (200, event("a"), put.etag)
    assert got.header("Content-Type") == "text/calendar; charset=utf-8; component=vevent"
    assert got.header("Last-Modified")
    assert got.header("X-Content-Type-Options") == "nosniff"
    assert "sandbox" in (got.header("Content-Security-Policy") or "")
    head = alice.request("HEAD", CALENDAR + "a.ics")
    assert (head.status, head.body) == (200, b"")
    assert head.header("Content-Length") == str(len(event("a")))
    assert head.etag == got.etag


def test_a_client_that_has_it_already_gets_304(alice: InProcess) -> None:
    etag = alice.request("PUT", CALENDAR + "a.ics", event("a")).etag
    modified = alice.request("GET", CALENDAR + "a.ics").header("Last-Modified") or ""
    for condition in (
        {"If-None-Match": etag},
        {"If-None-Match": f"W/{etag}"},
        {"If-None-Match": f'"x", {etag}'},
        {"If-None-Match": "*"},
        {"If-Modified-Since": modified},
    ):
        answer = alice.request("GET", CALENDAR + "a.ics", headers=condition)
        assert (answer.status, answer.body, answer.etag) == (304, b"", etag)
    for condition in (
        {"If-None-Match": '"x"'},
        {"If-None-Match": '"x"', "If-Modified-Since": modified},
        {"If-Modified-Since": "Thu, 01 Jan 1970 00:00:10 GMT"},
    ):
        assert alice.request("GET", CALENDAR + "a.ics", headers=condition).status == 200
    assert alice.request("GET", CALENDAR + "a.ics", headers={"If-Match": '"x"'}).status == 412


def test_a_calendar_as_one_file(alice: InProcess) -> None:
    for number in range(700):
        alice.request("PUT", f"{CALENDAR}{number}.ics", event(str(number), f"Nº {number}"))
    answer = alice.request("GET", CALENDAR)
    assert answer.header("Content-Type") == "text/calendar; charset=utf-8"
    assert "Calendar.ics" in (answer.header("Content-Disposition") or "")
    whole = icalendar.Calendar.from_ical(answer.body.decode())
    assert {str(one["UID"]) for one in whole.walk("VEVENT")} == {str(n) for n in range(700)}
    assert alice.request("HEAD", CALENDAR).body == b""


def test_an_address_book_as_one_file(alice: InProcess) -> None:
    for name in ("Ada", "Émilie"):
        alice.request("PUT", f"{CONTACTS}{name[0]}.vcf", card(name, name))
    answer = alice.request("GET", CONTACTS)
    assert answer.header("Content-Type") == "text/vcard; charset=utf-8"
    cards = list(vobject.readComponents(answer.body.decode()))
    assert {one.fn.value for one in cards} == {"Ada", "Émilie"}


def test_an_empty_calendar_is_a_file_too(alice: InProcess) -> None:
    assert (
        icalendar.Calendar.from_ical(alice.request("GET", TASKS).body.decode()).walk("VTODO") == []
    )


def test_a_name_of_any_letters_is_safe_in_the_header(alice: InProcess) -> None:
    name = '<D:displayname>a"b\n日本;c</D:displayname>'
    alice.request("PROPPATCH", CALENDAR, proppatch(name))
    disposition = alice.request("GET", CALENDAR).header("Content-Disposition") or ""
    assert disposition.isascii()
    assert "%E6%97%A5" in disposition


def test_a_browser_is_told_the_address(running: Stage) -> None:
    answer = running.anonymous.request("GET", "/", headers={"Host": "dav.example.org"})
    assert answer.status == 200
    assert b"http://dav.example.org/" in answer.body
    script = running.anonymous.request("GET", "/", headers={"Host": "<script>x"})
    assert b"<script>" not in script.body


def test_health(running: Stage) -> None:
    assert running.anonymous.request("GET", "/healthz").status == 200
    assert running.anonymous.request("GET", "/readyz").status == 200


@pytest.mark.parametrize("strips", [True, False], ids=["stripped", "kept"])
def test_a_path_prefix_of_a_proxy(strips: bool, tmp_path: Path) -> None:
    with stage(tmp_path, path_prefix="/cal") as running:
        prefix = "" if strips else "/cal"
        put = running.alice.request("PUT", f"{prefix}{CALENDAR}a.ics", event("a"))
        assert put.status == 201
        listed = running.alice.request("PROPFIND", f"{prefix}{CALENDAR}", b"", {"Depth": "1"})
        assert listed.multistatus().hrefs == [f"/cal{CALENDAR}", f"/cal{CALENDAR}a.ics"]
        well_known = running.anonymous.request("GET", f"{prefix}/.well-known/caldav")
        assert well_known.header("Location") == "/cal/dav/"


@pytest.mark.parametrize("strips", [True, False], ids=["stripped", "kept"])
def test_a_prefix_that_is_named_as_the_context(strips: bool, tmp_path: Path) -> None:
    with stage(tmp_path, path_prefix="/dav") as running:
        prefix = "" if strips else "/dav"
        for path in ("/dav/principals/alice/", CALENDAR):
            found = running.alice.request("PROPFIND", prefix + path, b"", {"Depth": "0"})
            assert found.multistatus().hrefs == ["/dav" + path]


def test_a_long_displayname_makes_no_endless_header(alice: InProcess) -> None:
    name = "日" * 10_000
    alice.request("PROPPATCH", CALENDAR, proppatch(f"<D:displayname>{name}</D:displayname>"))
    disposition = alice.request("GET", CALENDAR).header("Content-Disposition") or ""
    assert len(disposition) < 2_000
