"""From a mail address or a URL to the services, homes and collections behind it (RFC 6764, 5397,
RFC 4791 §6.2.1, RFC 6352 §7.1.1), with a report of every step."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import quote, urlsplit

from davenport.dav import xml
from davenport.dav.caldav import CALENDAR_HOME_SET, CALENDAR_USER_ADDRESS_SET
from davenport.dav.carddav import ADDRESSBOOK_HOME_SET
from davenport.dav.message import Request, Response
from davenport.dav.multistatus_xml import ResponseElement
from davenport.dav.webdav import CURRENT_USER_PRINCIPAL, RESOURCETYPE
from davenport.sync.answer import header, multistatus
from davenport.sync.flow import Flow, Send
from davenport.sync.href import HrefError, canonical, origin, resolve
from davenport.sync.lookup import LookupFailedError, Resolver
from davenport.sync.presets import GENERIC_PATHS, Preset, covers, preset_for
from davenport.sync.properties import CollectionState, collection_state, propfind, read_home
from davenport.sync.remote import Home, RemoteSide, Traits
from davenport.sync.side import AuthenticationFailed, Kind, RateLimited, SideError

SERVICES: dict[Kind, str] = {"calendar": "caldav", "addressbook": "carddav"}
_HOME_SETS: dict[Kind, str] = {
    "calendar": CALENDAR_HOME_SET.name,
    "addressbook": ADDRESSBOOK_HOME_SET.name,
}
_ASKED = (
    CURRENT_USER_PRINCIPAL.name,
    RESOURCETYPE.name,
    *_HOME_SETS.values(),
    CALENDAR_USER_ADDRESS_SET.name,
)
_REDIRECTS = {301, 302, 303, 307, 308}
_MOST_REDIRECTS = 5


class TargetError(ValueError):
    """What was given is neither a mail address nor a host nor a URL."""


@dataclass(frozen=True, slots=True)
class Target:
    """What a person gave: `mail` where it is an address, `url` where the search starts."""

    mail: str | None
    url: str
    preset: Preset | None

    @property
    def host(self) -> str:
        """The host of the URL, or the domain of the address."""
        return origin(self.url)[1]


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was tried, for the report; `url` may be a name in DNS."""

    what: str
    url: str
    succeeded: bool
    detail: str


@dataclass(frozen=True, slots=True)
class Account:
    """What was found of one kind: its principal, its homes, and all that is in them.

    `schedules` tells whether the server sends messages of its own accord (RFC 6638 §2), None where
    it did not say; `addresses` are the calendar addresses of the account.
    """

    kind: Kind
    principal: str
    homes: tuple[Home, ...]
    collections: tuple[CollectionState, ...]
    addresses: tuple[str, ...] = ()
    schedules: bool | None = None


@dataclass(frozen=True, slots=True)
class Discovery:
    """The result: what was found, by which steps, and the provider where it is a known one."""

    accounts: tuple[Account, ...]
    steps: tuple[Step, ...]
    preset: Preset | None

    def account(self, kind: Kind) -> Account | None:
        """The account of this kind."""
        return next((one for one in self.accounts if one.kind == kind), None)


def open_discovered(discovery: Discovery, send: Send, traits: Traits | None = None) -> RemoteSide:
    """What was found, as a Side; `send` is a transport with the base that discovery had."""
    homes = [home for account in discovery.accounts for home in account.homes]
    names = {account.kind: account.principal for account in discovery.accounts}
    singles = [
        state.info.href
        for account in discovery.accounts
        if not account.homes
        for state in account.collections
    ]
    return RemoteSide(send, homes, names, traits, singles)


@dataclass(slots=True)
class _Search:
    """A discovery under way."""

    target: Target
    resolver: Resolver
    steps: list[Step] = field(default_factory=list)
    # Origins that refused the login: to try again would only lock the account.
    refused: set[tuple[str, str, int | None]] = field(default_factory=set)
    tried: dict[str, "_Answered | None"] = field(default_factory=dict)

    def note(self, what: str, url: str, detail: str, *, succeeded: bool) -> None:
        self.steps.append(Step(what, url, succeeded, detail))


@dataclass(frozen=True, slots=True)
class _Answered:
    """What a resource says of the account, and where it was after redirects."""

    url: str
    element: ResponseElement

    def hrefs(self, name: str) -> list[str]:
        """The hrefs inside a property, resolved."""
        found = self.element.found.get(name)
        if found is None:
            return []
        hrefs: list[str] = []
        for child in xml.children(found):
            try:
                url = resolve(self.url, xml.text(child).strip() or self.url)
                canonical(url)
            except HrefError:
                continue
            hrefs.append(url)
        return hrefs


def read_target(text: str) -> Target:
    """A mail address, a host or an http(s) URL; raises TargetError, for a URL with a password in
    it too."""
    given = text.strip()
    if "://" not in given:
        local, at, domain = given.rpartition("@")
        if not domain or any(c in domain for c in "/ \\?#") or (at and not local):
            raise TargetError(f"{text!r} is neither a mail address nor a URL")
        host = domain.lower().rstrip(".")
        return Target(given if at else None, f"https://{host}/", preset_for(host))
    try:
        scheme, host, _ = origin(given)
    except HrefError:
        raise TargetError("the URL cannot be read") from None
    if scheme not in {"http", "https"} or not host:
        raise TargetError("the URL is none of http and https")
    if "@" in urlsplit(given).netloc:
        raise TargetError("the URL has a login in it: give user and password apart from it")
    return Target(None, given.partition("#")[0], preset_for(host))


def permits(target: Target, ask: Callable[[str], bool] | None = None) -> Callable[[str], bool]:
    """Where the login of `target` may go beside its own origin: over https to hosts beneath its
    domain and to those of its provider, elsewhere as `ask` says of the URL (RFC 6764 §8)."""

    def decide(url: str) -> bool:
        scheme, host, _ = origin(url)
        if scheme != "https":
            return False
        if host == target.host or host.endswith(f".{target.host}"):
            return True
        if target.preset is not None and covers(target.preset, host):
            return True
        return ask is not None and ask(url)

    return decide


def discover(
    target: Target, resolver: Resolver, kinds: Sequence[Kind] = ("calendar", "addressbook")
) -> Flow[Discovery]:
    """Find the accounts of `target`. Send the requests with a transport whose base is `target.url`,
    which permits what `permits` does and leaves redirects to this flow (`redirects=0`).

    Failures are steps of the report, never raised, but for AuthenticationFailed where the login
    was refused and nothing was found, and RateLimited.
    """
    search = _Search(target, resolver)
    found: list[Account] = []
    for kind in kinds:
        for what, url in _candidates(search, kind):
            account = yield from _try(search, kind, what, url)
            if account is not None:
                found.append(account)
                break
    if not found and search.refused:
        hosts = ", ".join(sorted(host for _, host, _ in search.refused))
        raise AuthenticationFailed(f"the login was refused by {hosts}")
    return Discovery(tuple(found), tuple(search.steps), target.preset)


def _candidates(search: _Search, kind: Kind) -> Iterator[tuple[str, str]]:
    """Where to look, best first; names are looked up only when it is their turn."""
    target = search.target
    service = SERVICES[kind]
    parts = urlsplit(target.url)
    if target.mail is None and parts.path not in {"", "/"}:
        yield "the given URL", target.url
    fixed = target.preset.service(kind) if target.preset else None
    if fixed is not None and (target.mail is not None or "{mail}" not in fixed):
        yield (
            f"the address known for {target.preset.name if target.preset else ''}",
            fixed.replace("{mail}", quote(target.mail or "", safe="@")),
        )
    if target.mail is not None:
        yield from _announced(search, service)
    root = f"{parts.scheme}://{parts.netloc}"
    yield "the well-known URL", f"{root}/.well-known/{service}"
    for path in GENERIC_PATHS:
        yield "a usual place", root + path


def _announced(search: _Search, service: str) -> Iterator[tuple[str, str]]:
    """SRV and TXT records of the mail domain (RFC 6764 §6)."""
    name = f"_{service}s._tcp.{search.target.host}"
    try:
        records = search.resolver.services(name)
        texts = search.resolver.texts(name) if records else []
    except LookupFailedError as error:
        search.note("SRV records", name, str(error), succeeded=False)
        return
    offered = [record for record in records if record.target]
    if not offered:
        search.note("SRV records", name, "none", succeeded=False)
        return
    path = next((text[5:] for text in texts if text.lower().startswith("path=/")), None)
    targets = ", ".join(f"{record.target}:{record.port}" for record in offered)
    search.note("SRV records", name, targets, succeeded=True)
    for record in offered:
        port = "" if record.port == 443 else f":{record.port}"
        root = f"https://{record.target.lower()}{port}"
        if path is not None:
            yield "the announced path", root + path
        yield "the announced host", f"{root}/.well-known/{service}"


def _try(search: _Search, kind: Kind, what: str, url: str) -> Flow[Account | None]:
    """The account at a candidate, or None with the reason in the report."""
    answered = yield from _ask(search, what, url)
    if answered is None:
        return None
    principal = answered
    for href in answered.hrefs(CURRENT_USER_PRINCIPAL.name)[:1]:
        if canonical(href) != canonical(answered.url):
            asked = yield from _ask(search, "the principal", href)
            principal = asked or answered
    homes = principal.hrefs(_HOME_SETS[kind]) or answered.hrefs(_HOME_SETS[kind])
    given = collection_state(answered.url, answered.element)
    if not homes and (given is None or given.info.kind != kind):
        search.note(what, url, f"leads to no home of {SERVICES[kind]}", succeeded=False)
        return None
    collections: dict[str, CollectionState] = {}
    for home in homes:
        states = yield from _list(search, home)
        collections |= {canonical(state.info.href): state for state in states}
    if given is not None:
        collections.setdefault(canonical(given.info.href), given)
    search.note(what, url, f"{len(collections)} collections", succeeded=True)
    return Account(
        kind,
        principal.url,
        tuple(Home(kind, home) for home in homes),
        tuple(state for state in collections.values() if state.info.kind == kind),
        tuple(principal.hrefs(CALENDAR_USER_ADDRESS_SET.name)),
        (yield from _schedules(homes)) if kind == "calendar" else None,
    )


def _ask(search: _Search, what: str, url: str) -> Flow[_Answered | None]:
    """What the resource at `url` says; None with the reason in the report. Each is asked once."""
    if url in search.tried:
        return search.tried[url]
    if origin(url) in search.refused:
        return None
    search.tried[url] = None
    place = url
    try:
        response, place = yield from _followed(propfind(url, "0", _ASKED))
        elements = multistatus(response).responses
    except RateLimited:
        raise
    except AuthenticationFailed as error:
        search.refused.add(origin(place))
        search.note(what, url, f"{error}, at {origin(place)[1]}", succeeded=False)
        return None
    except SideError as error:
        search.note(what, url, str(error), succeeded=False)
        return None
    if not elements:
        search.note(what, url, "the answer is empty", succeeded=False)
        return None
    search.tried[url] = _Answered(place, elements[0])
    return search.tried[url]


def _followed(request: Request) -> Flow[tuple[Response, str]]:
    """A request with its redirects, and the URL that answered; never from https to http."""
    url = request.path
    for _ in range(_MOST_REDIRECTS):
        response = yield replace(request, path=url)
        location = header(response, "location")
        if response.status not in _REDIRECTS or not location:
            return response, url
        following = resolve(url, location).partition("#")[0]
        secure = origin(following)[0] == "https" or origin(url)[0] == origin(following)[0]
        if not secure or "@" in urlsplit(following).netloc:
            raise SideError(f"redirects to {following}, where this login does not go")
        url = following
    raise SideError(f"more than {_MOST_REDIRECTS} redirects, the last to {url}")


def _list(search: _Search, home: str) -> Flow[list[CollectionState]]:
    try:
        return (yield from read_home(home))
    except (AuthenticationFailed, RateLimited):
        raise
    except SideError as error:
        search.note("listing the home", home, str(error), succeeded=False)
        return []


def _schedules(homes: Sequence[str]) -> Flow[bool | None]:
    """Whether the DAV header names calendar-auto-schedule (RFC 6638 §2)."""
    for home in homes:
        try:
            response = yield Request("OPTIONS", home, {})
        except SideError:
            return None
        features = header(response, "dav")
        if response.status < 300 and features is not None:
            return "calendar-auto-schedule" in {one.strip() for one in features.split(",")}
    return None
