"""A CalDAV and CardDAV account as a Side: its homes, its collections, making new ones."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from davenport.dav.message import Response
from davenport.dav.precondition import Precondition
from davenport.sync.answer import conditions, content, header, refusal
from davenport.sync.flow import Flow, Send, drive
from davenport.sync.href import canonical, resolve
from davenport.sync.properties import (
    CollectionState,
    child_href,
    make_request,
    read_home,
    read_state,
    set_property,
)
from davenport.sync.remote_collection import RemoteCollection
from davenport.sync.side import CollectionInfo, Exists, Kind, Rejected
from davenport.sync.uid import safe_name


@dataclass(frozen=True, slots=True)
class Home:
    """A collection that holds collections (RFC 4791 §6.2.1, RFC 6352 §7.1.1): a path, or a URL
    where it is not on the host that the transport was made for."""

    kind: Kind
    href: str


@dataclass(frozen=True, slots=True)
class Traits:
    """What is known of a server beforehand and decides how it is asked.

    `look_before_create`: it ignores If-None-Match. `distrust_tokens`: its sync-tokens miss changes.
    """

    look_before_create: bool = False
    distrust_tokens: bool = False


class RemoteSide:
    """An account on a server; `account` names it for `identity`, such as its principal's URL, for
    each kind its own where they differ.

    `singles` are collections that are known by themselves, outside of any home.
    """

    def __init__(
        self,
        send: Send,
        homes: Sequence[Home],
        account: str | Mapping[Kind, str],
        traits: Traits | None = None,
        singles: Sequence[str] = (),
    ) -> None:
        self._send = send
        self._homes = tuple(homes)
        self._accounts: Mapping[Kind, str] = (
            {"calendar": account, "addressbook": account} if isinstance(account, str) else account
        )
        self._traits = traits or Traits()
        self._singles = tuple(singles)

    def collections(self) -> Sequence[CollectionInfo]:
        """The calendars and address books of all homes, each once, and the single ones."""
        found: dict[str, CollectionInfo] = {}
        for home in dict.fromkeys(home.href for home in self._homes):
            for state in drive(read_home(home), self._send):
                found.setdefault(_key(state.info.href), state.info)
        for href in self._singles:
            if _key(href) not in found:
                found[_key(href)] = drive(read_state(href), self._send).info
        return list(found.values())

    def open(self, href: str) -> RemoteCollection:
        """The collection at `href`; raises CollectionMissing."""
        return self._opened(drive(read_state(href), self._send))

    def _opened(self, state: CollectionState) -> RemoteCollection:
        traits = self._traits
        return RemoteCollection(
            self._send,
            state,
            self._accounts.get(state.info.kind) or next(iter(self._accounts.values()), ""),
            look_before_create=traits.look_before_create,
            distrust_tokens=traits.distrust_tokens,
        )

    def make(
        self,
        kind: Kind,
        name: str,
        properties: Mapping[str, str],
        components: tuple[str, ...],
    ) -> RemoteCollection:
        """A new collection in the first home of its kind; where the server gives it another URL,
        that one. Properties that the server refuses are left out: compare `info.properties`.

        Raises Exists, Rejected and ReadOnly.
        """
        home = next((home.href for home in self._homes if home.kind == kind), None)
        if home is None:
            raise Rejected(404, f"the account has no home for a new {kind}")
        before = {_key(state.info.href) for state in drive(read_home(home), self._send)}
        href = child_href(home, safe_name(name))
        if _key(href) in before:
            raise Exists(href)
        location = drive(_make(href, kind, properties, components), self._send)
        return self._adopt(home, before, [href, *([location] if location else [])])

    def _adopt(self, home: str, before: set[str], expected: list[str]) -> RemoteCollection:
        """The collection that is in the home since: some servers choose the URL themselves."""
        states = {_key(s.info.href): s for s in drive(read_home(home), self._send)}
        for href in expected:
            state = states.get(_key(href))
            if state is not None:
                return self._opened(state)
        new = states.keys() - before
        if len(new) == 1:
            return self._opened(states[new.pop()])
        return self.open(expected[0])


def _key(href: str) -> str:
    return canonical(href).rstrip("/")


def _make(
    href: str, kind: Kind, properties: Mapping[str, str], components: tuple[str, ...]
) -> Flow[str | None]:
    """Make the collection at `href`; its Location where the server gives one."""
    response = yield make_request(href, kind, properties, components)
    one_by_one: Mapping[str, str] = {}
    if properties and not _is_made(response) and response.status < 500:
        content(response)
        # Perhaps a property only: RFC 5689 §3 refuses all where one fails.
        response = yield make_request(href, kind, {}, components)
        one_by_one = properties
    if not _is_made(response):
        _raise_refusal(response, href)
    for element in one_by_one.values():
        yield from set_property(href, element)
    location = header(response, "location")
    return resolve(href, location) if location else None


def _is_made(response: Response) -> bool:
    return response.status in {200, 201, 204}


def _raise_refusal(response: Response, href: str) -> None:
    body = content(response)
    if response.status == 405 or Precondition.RESOURCE_MUST_BE_NULL.element in conditions(body):
        # RFC 4918 §9.3.1: something is at this URL already.
        raise Exists(href)
    if response.status == 207:
        raise Rejected(207, "the server refuses to make the collection with these properties")
    raise refusal(response, body)
