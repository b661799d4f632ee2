"""One collection on a server as a CollectionSide: changes by sync-token, by ctag and listing, or by
listing alone; bodies in batches; conditional writes."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from urllib.parse import urlsplit

from davenport.sync.answer import GONE, RefusedError, SyncError
from davenport.sync.collection import (
    Changes,
    InvalidSyncTokenError,
    changes_or_restart,
    refuses_foreign_token,
)
from davenport.sync.flow import Send, drive
from davenport.sync.href import alternate, canonical, resolve
from davenport.sync.listing import Members, cross_checked, is_suspect, list_members
from davenport.sync.multiget import BatchSize, get, inner_status, multiget, query_uid
from davenport.sync.properties import CollectionState, read_state, set_property
from davenport.sync.side import (
    AuthenticationFailed,
    CollectionInfo,
    Exists,
    Item,
    Listing,
    OutcomeUnknown,
    RateLimited,
    SideError,
    Written,
)
from davenport.sync.uid import safe_name, uid_of
from davenport.sync.write import create, delete, read_status, update

# What a cursor holds.
_TOKEN = "token "  # noqa: S105 - no secret
_CTAG = "ctag "
# Hosts that one large provider moves accounts between.
_PARTITION = re.compile(r"^p\d+-")
_STOPPING = (AuthenticationFailed, RateLimited, OutcomeUnknown)


class RemoteCollection:
    """A calendar or address book on a server."""

    def __init__(
        self,
        send: Send,
        state: CollectionState,
        account: str,
        *,
        look_before_create: bool = False,
        distrust_tokens: bool = False,
    ) -> None:
        self.info: CollectionInfo = state.info
        self.state = state
        self.batch = BatchSize()
        self._send = send
        self._account = account
        self._look_before_create = look_before_create
        self._distrust_tokens = distrust_tokens
        # How the server wrote the hrefs whose spelling is not the canonical one.
        self._spelled: dict[str, str] = {}

    @property
    def _href(self) -> str:
        return self.info.href

    def identity(self) -> str:
        """A digest of account, host and collection; hosts that rotate count as one."""
        parts = [_stable(self._account), self.state.resource_id or _stable(self._href)]
        return sha256("\n".join(parts).encode()).hexdigest()[:32]

    # Reading

    def changes(self, cursor: str | None) -> Listing:
        """What is new since `cursor`, or the baseline; raises CollectionMissing and SyncError."""
        if cursor is None:
            return self._baseline()
        if cursor.startswith(_TOKEN):
            return self._since_token(cursor.removeprefix(_TOKEN))
        state = drive(read_state(self._href), self._send)
        if state.ctag is not None and cursor == _CTAG + state.ctag:
            return Listing({}, frozenset(), cursor, whole=False, complete=True)
        return self._listed(state, trusted=False)

    def _since_token(self, token: str) -> Listing:
        try:
            found: Changes = drive(changes_or_restart(self._href, token), self._send)
        except InvalidSyncTokenError:
            return self._baseline()
        except RefusedError as refused:
            if refused.status in GONE or refused.status == 403:
                drive(read_state(self._href), self._send)  # CollectionMissing, where it is gone
            raise
        if found.restarted:
            # It lists the collection as a member: the server began anew instead of refusing.
            return self._baseline()
        self._remember(found.spelled)
        return Listing(
            found.changed, found.removed, _TOKEN + found.token, whole=False, complete=True
        )

    def _baseline(self) -> Listing:
        """All members. The cursor is read before they are, so nothing falls in between."""
        state = drive(read_state(self._href), self._send)
        trusted = (
            state.has_sync
            and bool(state.token)
            and not self._distrust_tokens
            and drive(refuses_foreign_token(self._href), self._send)
        )
        return self._listed(state, trusted=trusted)

    def _listed(self, state: CollectionState, *, trusted: bool) -> Listing:
        members: Members = drive(list_members(self._href), self._send)
        if is_suspect(members) and state.has_sync:
            members = drive(cross_checked(self._href, members), self._send)
        self._remember(members.spelled)
        cursor = None
        # A first answer with nothing in it is not believed for longer than this once.
        if members.etags and members.complete:
            if trusted and state.token:
                cursor = _TOKEN + state.token
            elif state.ctag:
                cursor = _CTAG + state.ctag
        return Listing(members.etags, frozenset(), cursor, whole=True, complete=members.complete)

    def fetch(self, hrefs: Sequence[str]) -> Iterator[Item]:
        """Bodies, a batch at a time; a batch that fails is halved, what an answer leaves out is
        asked for singly. Raises SyncError where a single member cannot be read."""
        pending = list(dict.fromkeys(hrefs))[::-1]
        while pending:
            batch = [pending.pop() for _ in range(min(self.batch.next(), len(pending)))]
            if len(batch) == 1:
                yield from self._fetch_singly(batch)
                continue
            try:
                wanted = {href: self._asked(href) for href in batch}
                items = drive(multiget(self._href, self.info.kind, wanted), self._send)
            except _STOPPING:
                raise
            except SideError:
                # Down to one by one, where the error is the member's own.
                self.batch.failed()
                pending += reversed(batch)
                continue
            yield from items
            octets = sum(len(item.body) for item in items)
            self.batch.answered(len(items), octets)
            yield from self._fetch_missing(batch, items)

    def _fetch_missing(self, batch: Sequence[str], items: Sequence[Item]) -> Iterator[Item]:
        answered = {item.href for item in items}
        missing = [href for href in batch if href not in answered]
        present = False
        for item in self._fetch_singly(missing):
            present = True
            yield item
        if present and items:
            self.batch.cut(len(items))

    def _fetch_singly(self, hrefs: Iterable[str]) -> Iterator[Item]:
        for href in hrefs:
            item = drive(get(self._url(href), href, self.info.kind), self._send)
            other = alternate(self._asked(href)) if item is None else None
            if other is not None:
                item = drive(get(resolve(self._href, other), href, self.info.kind), self._send)
                if item is not None:
                    self._spelled[href] = other
            if item is not None:
                yield item

    def exists(self, href: str) -> bool | None:
        """A GET, in both spellings where there are two; where the server forbids it, what a
        multiget says of the member."""
        spellings = [self._asked(href)]
        other = alternate(spellings[0])
        if other is not None:
            spellings.append(other)
        statuses = [drive(read_status(resolve(self._href, one)), self._send) for one in spellings]
        if any(status < 300 for status in statuses):
            return True
        if all(status in GONE for status in statuses):
            return False
        if 403 not in statuses:
            return None
        try:
            inner = drive(inner_status(self._href, self.info.kind, spellings[0]), self._send)
        except _STOPPING:
            raise
        except SyncError:
            return None
        if inner is None:
            return None
        return False if inner in GONE else True if inner < 300 else None

    def find_uid(self, uid: str) -> str | None:
        """By query, then by reading what it found: filters are not to be relied on."""
        found = drive(query_uid(self._href, self.info.kind, uid), self._send)
        self._remember(dict(found))
        for item in self.fetch([href for href, _ in found]):
            if uid_of(item.body) == uid:
                return item.href
        return None

    # Writing

    def create(self, name: str, body: bytes) -> Written:
        """PUT with If-None-Match; where that is known to be ignored, look first."""
        segment = canonical(f"/{safe_name(name)}")[1:]
        if self._look_before_create:
            href = canonical(f"{self._href}{segment}")
            if self.exists(href) is not False:
                raise Exists(href)
            uid = uid_of(body)
            holder = self.find_uid(uid) if uid else None
            if holder is not None:
                raise Exists(holder)
        return drive(create(self._href, self.info.kind, segment, body), self._send)

    def update(self, href: str, body: bytes, etag: str) -> Written:
        """PUT with If-Match."""
        flow = update(self._href, self.info.kind, self._url(href), body, etag)
        return drive(flow, self._send)

    def delete(self, href: str, etag: str) -> None:
        """DELETE with If-Match and Schedule-Reply: F."""
        drive(delete(self._url(href), self.info.kind, etag), self._send)

    def set_property(self, element: str) -> bool:
        """Set one of the collection's properties, given as a whole element; whether the server
        took it."""
        return drive(set_property(self._href, element), self._send)

    # Spellings

    def _remember(self, spelled: Mapping[str, str]) -> None:
        for href, spelling in spelled.items():
            path = urlsplit(resolve(self._href, spelling)).path
            if path != href:
                self._spelled[href] = path
            else:
                self._spelled.pop(href, None)

    def _asked(self, href: str) -> str:
        """The path of a member as the server wrote it."""
        return self._spelled.get(href, href)

    def _url(self, href: str) -> str:
        return resolve(self._href, self._asked(href))


def _stable(url: str) -> str:
    parts = urlsplit(url)
    host = _PARTITION.sub("", (parts.hostname or "").lower())
    return f"{host}{canonical(parts.path or '/').rstrip('/')}"
