"""The shape of a test row: one client's request, the stage it plays on, and what must come back."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from urllib.parse import unquote
from xml.etree import ElementTree as ET

from tests.served import Served
from tests.wire import CALDAV, CARDDAV, DAV, Answer, Connection, Multistatus, propfind

XML = '<?xml version="1.0" encoding="utf-8"?>'
_numbers = count(1)


@dataclass(frozen=True, slots=True)
class Stage:
    """A seeded account as a client meets it: hrefs in their plain spelling, and connections."""

    served: Served
    wire: Connection
    anonymous: Connection
    user: str

    @property
    def principal(self) -> str:
        return f"/dav/principals/{self.user}/"

    @property
    def home(self) -> str:
        return f"/dav/calendars/{self.user}/"

    @property
    def calendar(self) -> str:
        return f"{self.home}calendar/"

    @property
    def tasks(self) -> str:
        return f"{self.home}tasks/"

    @property
    def book_home(self) -> str:
        return f"/dav/addressbooks/{self.user}/"

    @property
    def book(self) -> str:
        return f"{self.book_home}contacts/"

    @property
    def address(self) -> str:
        return self.user if "@" in self.user else f"{self.user}@example.org"

    def fill(self, text: str) -> str:
        """`text` with {principal}, {home}, {calendar}, {tasks}, {book_home}, {book}, {user},
        {address} put in."""
        for name in (
            "principal",
            "home",
            "calendar",
            "tasks",
            "book_home",
            "book",
            "user",
            "address",
        ):
            text = text.replace("{" + name + "}", str(getattr(self, name)))
        return text

    def unused(self, folder: str, suffix: str = "/") -> str:
        """An href inside `folder` that nothing has."""
        return f"{folder}new-{next(_numbers)}{suffix}"

    def new_calendar(self) -> str:
        """The href of a fresh calendar."""
        href = self.unused(self.home)
        assert self.wire.request("MKCALENDAR", href).status == 201
        return href

    def new_book(self) -> str:
        """The href of a fresh address book."""
        href = self.unused(self.book_home)
        body = (
            '<d:mkcol xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:carddav"><d:set><d:prop>'
            "<d:resourcetype><d:collection/><c:addressbook/></d:resourcetype>"
            "</d:prop></d:set></d:mkcol>"
        )
        assert self.wire.request("MKCOL", href, body).status == 201
        return href


Play = Callable[[Stage], None]
Check = Callable[[Answer, Stage], None]
Shape = Callable[[ET.Element, Stage], None]


@dataclass(frozen=True, slots=True)
class Row:
    """One request, or a short exchange, of one client."""

    client: str
    name: str
    covers: tuple[str, ...]
    play: Play

    @property
    def id(self) -> str:
        return f"{self.client}: {self.name}"


def ask(
    name: str,
    covers: str,
    request: tuple[str, str],
    check: Check,
    *,
    body: str = "",
    headers: dict[str, str] | None = None,
    login: bool = True,
) -> Callable[[str], Row]:
    """A row of one request; `request` is method and path, texts may hold Stage's places."""

    def play(stage: Stage) -> None:
        wire = stage.wire if login else stage.anonymous
        method, path = request
        answer = wire.request(method, stage.fill(path), stage.fill(body), headers)
        assert answer.status < 500, (answer, answer.body[:2000])
        check(answer, stage)

    return lambda client: Row(client, name, tuple(covers.split()), play)


def scene(name: str, covers: str, play: Play) -> Callable[[str], Row]:
    """A row of several requests."""
    return lambda client: Row(client, name, tuple(covers.split()), play)


def rows(client: str, *makers: Callable[[str], Row]) -> tuple[Row, ...]:
    """The rows of one client."""
    return tuple(make(client) for make in makers)


def status(*codes: int) -> Check:
    """One of these statuses."""

    def check(answer: Answer, stage: Stage) -> None:
        assert answer.status in codes, (answer, answer.body[:2000])

    return check


def every(*checks: Check) -> Check:
    """All of these."""

    def check(answer: Answer, stage: Stage) -> None:
        for one in checks:
            one(answer, stage)

    return check


def refused(code: int, precondition: str) -> Check:
    """An error with exactly this precondition in its DAV:error body."""

    def check(answer: Answer, stage: Stage) -> None:
        assert answer.status == code, (answer, answer.body[:2000])
        assert answer.preconditions() == {precondition}

    return check


def offered(place: str, report: str, check: Check) -> Check:
    """`check` where supported-report-set offers the report; else it must be refused as not
    supported."""

    def checked(answer: Answer, stage: Stage) -> None:
        path = stage.fill(place)
        name = f"{DAV}supported-report-set"
        listed = propfind(stage.wire, path, name).at(path).found[name]
        if clark(report) in {child.tag for one in listed.iter(f"{DAV}report") for child in one}:
            check(answer, stage)
        else:
            refused(403, f"{DAV}supported-report")(answer, stage)

    return checked


def has(place: str, **shapes: Shape) -> Check:
    """The response for `place` holds each property in this shape.

    A keyword is the local name with `_` for `-` and the namespace's letter before it:
    d_ DAV, c_ CalDAV, r_ CardDAV, s_ CalendarServer, i_ Apple.
    """

    def check(answer: Answer, stage: Stage) -> None:
        found = answer.multistatus().at(stage.fill(place)).found
        for keyword, shape in shapes.items():
            name = clark(keyword)
            assert name in found, f"no {name} for {place}: {sorted(found)}"
            shape(found[name], stage)

    return check


def clark(keyword: str) -> str:
    """The Clark name of a keyword of `has`."""
    letter, _, local = keyword.partition("_")
    namespaces = {
        "d": DAV,
        "c": CALDAV,
        "r": CARDDAV,
        "s": "{http://calendarserver.org/ns/}",
        "i": "{http://apple.com/ns/ical/}",
    }
    return namespaces[letter] + local.replace("_", "-")


def answered(place: str, *names: str) -> Check:
    """Each of these properties of `place` is in some propstat, found or not."""

    def check(answer: Answer, stage: Stage) -> None:
        member = answer.multistatus().at(stage.fill(place))
        told = {name for properties in member.properties.values() for name in properties}
        assert {clark(name) for name in names} <= told, told
        assert set(member.properties) <= {200, 403, 404}, member.properties

    return check


def lists(*places: str) -> Check:
    """There is a response for each of these places (perhaps for others, too)."""

    def check(answer: Answer, stage: Stage) -> None:
        hrefs = {unquote(href) for href in answer.multistatus().hrefs}
        assert {stage.fill(place) for place in places} <= hrefs, hrefs

    return check


def exactly(*places: str) -> Check:
    """There is one response for each of these places and no other."""

    def check(answer: Answer, stage: Stage) -> None:
        hrefs = sorted(unquote(href) for href in answer.multistatus().hrefs)
        assert hrefs == sorted(stage.fill(place) for place in places)

    return check


def href(place: str) -> Shape:
    """One DAV:href to `place`, its closing slash included."""

    def shape(element: ET.Element, stage: Stage) -> None:
        hrefs = [unquote(child.text or "") for child in element.iter(f"{DAV}href")]
        assert hrefs == [stage.fill(place)], hrefs

    return shape


def kinds(*names: str) -> Shape:
    """The element has exactly these children."""

    def shape(element: ET.Element, stage: Stage) -> None:
        assert {child.tag for child in element} == {clark(name) for name in names}

    return shape


def among_kinds(*names: str) -> Shape:
    """The element has at least these children."""

    def shape(element: ET.Element, stage: Stage) -> None:
        assert {clark(name) for name in names} <= {child.tag for child in element}

    return shape


def text(expected: str) -> Shape:
    """Exactly this text."""

    def shape(element: ET.Element, stage: Stage) -> None:
        assert element.text == stage.fill(expected)

    return shape


def some_text(element: ET.Element, stage: Stage) -> None:
    """Any text but none."""
    assert (element.text or "").strip()


def number(element: ET.Element, stage: Stage) -> None:
    """A number above zero."""
    assert int(element.text or "") > 0


def strong(element: ET.Element, stage: Stage) -> None:
    """A strong ETag."""
    value = element.text or ""
    assert len(value) > 2
    assert value[0] == value[-1] == '"'


def writable(element: ET.Element, stage: Stage) -> None:
    """Every privilege by which some client decides that a collection can be written."""
    granted = {child.tag for privilege in element for child in privilege}
    wanted = ("read", "write", "write-content", "write-properties", "bind", "unbind")
    assert {f"{DAV}{name}" for name in wanted} <= granted, granted


def reports(*names: str) -> Shape:
    """supported-report-set lists at least these."""

    def shape(element: ET.Element, stage: Stage) -> None:
        listed = {child.tag for report in element.iter(f"{DAV}report") for child in report}
        assert {clark(name) for name in names} <= listed, listed

    return shape


def components(*names: str) -> Shape:
    """supported-calendar-component-set names exactly these."""

    def shape(element: ET.Element, stage: Stage) -> None:
        assert {child.get("name") for child in element} == set(names)

    return shape


def addresses(*expected: str) -> Shape:
    """calendar-user-address-set holds at least these."""

    def shape(element: ET.Element, stage: Stage) -> None:
        listed = {child.text for child in element.iter(f"{DAV}href")}
        assert {stage.fill(address) for address in expected} <= listed, listed

    return shape


def data(answer: Answer | Multistatus, place: str, *, cards: bool = False) -> str:
    """The calendar-data or address-data of the response for `place`, its line ends as LF."""
    multistatus = answer.multistatus() if isinstance(answer, Answer) else answer
    name = f"{CARDDAV}address-data" if cards else f"{CALDAV}calendar-data"
    return multistatus.at(place).text(name).replace("\r\n", "\n")
