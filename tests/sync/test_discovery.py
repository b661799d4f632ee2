"""Discovery against davenport, Radicale and Xandikos, and against DNS and servers that mislead."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from davenport.dav.message import Request, Response
from davenport.sync.credentials import Password, Secret
from davenport.sync.discovery import (
    Discovery,
    Target,
    TargetError,
    discover,
    open_discovered,
    permits,
    read_target,
)
from davenport.sync.flow import Send, drive
from davenport.sync.lookup import LookupFailedError, Service
from davenport.sync.presets import PRESETS, preset_for
from davenport.sync.side import AuthenticationFailed
from davenport.sync.transport import Transport, TransportOptions
from tests.accounts import stage
from tests.bodies import CALENDAR, CONTACTS, event
from tests.sync.sides import (
    Scripted,
    calendar_properties,
    found,
    multistatus,
    radicale_served,
    stage_send,
    xandikos,
)

OPTIONS = TransportOptions(redirects=0, longest_wait=0.02)


@dataclass
class Names:
    """DNS out of a table."""

    srv: Mapping[str, list[Service]] = field(default_factory=dict)
    txt: Mapping[str, list[str]] = field(default_factory=dict)
    broken: bool = False

    def services(self, name: str) -> list[Service]:
        if self.broken:
            raise LookupFailedError("no answer")
        return self.srv.get(name, [])

    def texts(self, name: str) -> list[str]:
        return self.txt.get(name, [])


def by_path(send: Send) -> Send:
    """Requests to any host of the only server there is."""
    return lambda request: send(replace(request, path=urlsplit(request.path).path))


TARGETS = {
    "ann@example.org": ("ann@example.org", "https://example.org/", None),
    " Ann@Fastmail.com ": ("Ann@Fastmail.com", "https://fastmail.com/", "Fastmail"),
    "dav.example.org": (None, "https://dav.example.org/", None),
    "https://p12-caldav.icloud.com/1/": (None, "https://p12-caldav.icloud.com/1/", "iCloud"),
    "http://localhost:5232/ann/": (None, "http://localhost:5232/ann/", None),
}


@pytest.mark.parametrize("text, expected", TARGETS.items(), ids=TARGETS.keys())
def test_a_target_is_read(text: str, expected: tuple[str | None, str, str | None]) -> None:
    target = read_target(text)
    preset = target.preset.name if target.preset else None
    assert (target.mail, target.url, preset) == expected


@pytest.mark.parametrize(
    "text", ["", "@", "@x", "ann@", "ftp://x/", "https://ann:pw@x/", "https://[", "a b@c d", "x/y"]
)
def test_what_is_no_target_is_refused(text: str) -> None:
    with pytest.raises(TargetError) as caught:
        read_target(text)
    assert "pw" not in str(caught.value)


def test_every_preset_is_found_by_its_domains_and_hosts() -> None:
    for preset in PRESETS:
        urls = [url for url in (preset.calendar, preset.addressbook) if url]
        for name in [*preset.domains, *(urlsplit(url).hostname or "" for url in urls)]:
            assert preset_for(name) == preset, name
        assert all(url.startswith("https://") for url in urls)


def test_davenport_is_found_from_its_host(tmp_path: Path) -> None:
    with stage(tmp_path) as running:
        target = read_target("alice@example.org")
        result = drive(discover(target, Names()), by_path(stage_send(running)))
    calendars, books = result.account("calendar"), result.account("addressbook")
    assert calendars is not None
    assert books is not None
    assert CALENDAR in {urlsplit(one.info.href).path for one in calendars.collections}
    assert [urlsplit(one.info.href).path for one in books.collections] == [CONTACTS]
    assert calendars.schedules is False
    assert all(one.has_sync for one in calendars.collections)
    assert any(step.succeeded and step.what == "the well-known URL" for step in result.steps)


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    folder = tmp_path_factory.mktemp("servers")
    with ExitStack() as stack:
        radicale = stack.enter_context(radicale_served(folder / "radicale"))
        login = Password("ann", Secret("secret"))
        with Transport(radicale, login) as send:
            assert send(Request("MKCALENDAR", "/ann/work/", {})).status == 201
        yield {
            "radicale": radicale,
            "xandikos": stack.enter_context(xandikos(folder / "xandikos")),
        }


def discovered(url: str, password: str = "secret") -> Discovery:
    target = read_target(url)
    login = Password("ann", Secret(password))
    with Transport(target.url, login, permits(target), OPTIONS) as send:
        return drive(discover(target, Names()), send)


@pytest.mark.parametrize("name, calendar", [("radicale", "work"), ("xandikos", "calendar")])
def test_a_real_server_is_found(servers: dict[str, str], name: str, calendar: str) -> None:
    account = discovered(servers[name]).account("calendar")
    assert account is not None
    assert calendar in {one.info.name for one in account.collections}
    assert account.homes


def test_a_collection_is_found_by_its_own_url(servers: dict[str, str]) -> None:
    account = discovered(servers["radicale"] + "ann/work/").account("calendar")
    assert account is not None
    assert [one.info.name for one in account.collections] == ["work"]


@pytest.mark.parametrize("path", ["", "ann/work/"])
def test_what_was_discovered_is_opened(servers: dict[str, str], path: str) -> None:
    target = read_target(servers["radicale"] + path)
    with Transport(target.url, Password("ann", Secret("secret")), options=OPTIONS) as send:
        result = drive(discover(target, Names()), send)
        side = open_discovered(result, send)
        [work] = [info for info in side.collections() if info.name == "work"]
        calendar = side.open(work.href)
        name = f"x{len(path)}"
        href = calendar.create(f"{name}.ics", event(name)).href
        assert href in calendar.changes(None).entries
        assert side.open(work.href).identity() == calendar.identity()


def test_a_single_collection_is_opened_without_a_home() -> None:
    server = Scripted(lambda _: multistatus(found("/c/", calendar_properties())))
    target = read_target("https://example.org/c/")
    result = drive(discover(target, Names(), ("calendar",)), server)
    side = open_discovered(result, server)
    assert [info.href for info in side.collections()] == ["https://example.org/c/"]
    assert server.asked[-1].headers["depth"] == "0"


def test_a_wrong_password_is_tried_once(servers: dict[str, str]) -> None:
    with pytest.raises(AuthenticationFailed):
        discovered(servers["radicale"], "wrong")

    server = Scripted(lambda _: Response(401, {}, b""))
    with pytest.raises(AuthenticationFailed):
        drive(discover(read_target("ann@example.org"), Names()), server)
    assert len(server.asked) == 1


ACCOUNT = found(
    "/p/",
    "<D:current-user-principal><D:href>/p/</D:href></D:current-user-principal>"
    "<C:calendar-home-set><D:href>/h/</D:href></C:calendar-home-set>",
)


def host_of(good: str) -> Scripted:
    """A server at one host; web pages everywhere else."""

    def answer(request: Request) -> Response:
        if not request.path.startswith(good):
            return Response(200, {"content-type": "text/html"}, b"<html>Welcome</html>")
        if request.method == "OPTIONS":
            return Response(200, {"dav": "1, calendar-access, calendar-auto-schedule"}, b"")
        if request.headers["depth"] == "1":
            return multistatus(found("/h/work/", calendar_properties()))
        return multistatus(ACCOUNT)

    return Scripted(answer)


def found_at(target: str, good: str, names: Names) -> tuple[Discovery, Scripted]:
    server = host_of(good)
    return drive(discover(read_target(target), names, ("calendar",)), server), server


SRV = "_caldavs._tcp.example.org"


def test_records_lead_to_the_service() -> None:
    names = Names(
        {SRV: [Service("dav.example.org", 8443, 0, 1), Service("dav2.example.org", 443, 1, 1)]},
        {SRV: ["path=/there/"]},
    )
    result, server = found_at("ann@example.org", "https://dav.example.org:8443/", names)
    account = result.account("calendar")
    assert account is not None
    assert account.principal == "https://dav.example.org:8443/p/"
    assert [home.href for home in account.homes] == ["https://dav.example.org:8443/h/"]
    assert [one.info.href for one in account.collections] == [
        "https://dav.example.org:8443/h/work/"
    ]
    assert account.schedules is True
    assert server.asked[0].path == "https://dav.example.org:8443/there/"


@pytest.mark.parametrize(
    "names",
    [Names(), Names(broken=True), Names({SRV: [Service("", 0, 0, 0)]})],
    ids=["no records", "no answer", "not offered"],
)
def test_without_records_the_domain_itself_is_asked(names: Names) -> None:
    result, _ = found_at("ann@example.org", "https://example.org/remote.php/dav/", names)
    assert result.account("calendar") is not None
    failed = [step.what for step in result.steps if not step.succeeded]
    assert failed[:4] == ["SRV records", "the well-known URL", "a usual place", "a usual place"]
    [succeeded] = [step for step in result.steps if step.succeeded]
    assert succeeded.url == "https://example.org/remote.php/dav/"
    result, _ = found_at("ann@example.org", "https://nowhere.example.org/", names)
    assert result.accounts == ()


def test_a_known_provider_is_asked_first() -> None:
    result, server = found_at("ann@fastmail.com", "https://caldav.fastmail.com/", Names())
    assert result.account("calendar") is not None
    assert server.asked[0].path == (
        "https://caldav.fastmail.com/dav/principals/user/ann@fastmail.com/"
    )


REDIRECTS = {
    "unencrypted": "http://example.org/dav/",
    "a login": "https://ann:x@example.org/",
    "no URL": "https://[",
    "round and round": "/.well-known/caldav",
}


@pytest.mark.parametrize("location", REDIRECTS.values(), ids=REDIRECTS.keys())
def test_a_misleading_redirect_is_a_failed_step(location: str) -> None:
    server = Scripted(lambda _: Response(301, {"location": location}, b""))
    result = drive(discover(read_target("ann@example.org"), Names()), server)
    assert result.accounts == ()
    assert not any(step.succeeded for step in result.steps)
    assert {urlsplit(request.path).scheme for request in server.asked} == {"https"}
    assert len(server.asked) < 60


def test_a_redirect_is_followed_and_hrefs_are_those_of_where_it_led() -> None:
    good = host_of("https://cloud.example.org/")

    def answer(request: Request) -> Response:
        if request.path == "https://example.org/.well-known/caldav":
            return Response(301, {"location": "https://cloud.example.org/dav/"}, b"")
        return good(request)

    target = read_target("ann@example.org")
    result = drive(discover(target, Names(), ("calendar",)), Scripted(answer))
    account = result.account("calendar")
    assert account is not None
    assert [home.href for home in account.homes] == ["https://cloud.example.org/h/"]
    assert account.principal == "https://cloud.example.org/p/"


def test_a_login_refused_after_a_redirect_is_not_blamed_on_the_domain() -> None:
    def answer(request: Request) -> Response:
        if request.path == "https://example.org/.well-known/caldav":
            return Response(301, {"location": "https://elsewhere.example/"}, b"")
        return Response(401 if "elsewhere" in request.path else 404, {}, b"")

    server = Scripted(answer)
    with pytest.raises(AuthenticationFailed, match=r"elsewhere\.example"):
        drive(discover(read_target("ann@example.org"), Names(), ("calendar",)), server)
    assert sum("elsewhere" in request.path for request in server.asked) == 1
    assert "https://example.org/remote.php/dav/" in {request.path for request in server.asked}


PERMITTED = {
    "https://dav.example.org/": True,
    "https://example.org:8443/": True,
    "https://notexample.org/": False,
    "https://example.org.evil.example/": False,
    "http://dav.example.org/": False,
    "https://caldav.icloud.com/": False,
}


@pytest.mark.parametrize("url, expected", PERMITTED.items(), ids=PERMITTED.keys())
def test_where_a_login_may_go(url: str, expected: bool) -> None:
    target = read_target("ann@example.org")
    assert permits(target)(url) is expected
    assert permits(target, lambda _: True)(url) is url.startswith("https:")


def test_a_login_may_go_to_the_hosts_of_its_provider() -> None:
    target: Target = read_target("ann@me.com")
    assert permits(target)("https://p42-caldav.icloud.com/1/")
    assert not permits(target)("https://icloud.com.evil.example/")
