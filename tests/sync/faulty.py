"""A collection in memory that misbehaves on demand, as servers were seen to."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Literal

from davenport.sync.plan import digest
from davenport.sync.side import (
    CollectionInfo,
    CollectionMissing,
    Exists,
    Item,
    Listing,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    SideError,
    Stale,
    Written,
)
from tests.sync.meaning import body_of, values_of


@dataclass(slots=True)
class Quirks:
    """Switches; a float is how probable the fault is in each request."""

    truncated_listing: float = 0.0
    admits_truncation: float = 0.0
    short_fetch: float = 0.0
    failing_read: float = 0.0
    unknown_existence: float = 0.0
    lost_answer: float = 0.0
    lost_request: float = 0.0
    rate_limit: float = 0.0
    forgotten_history: float = 0.0
    never_reports_deletes: bool = False
    rewrites: bool = False
    names_itself: bool = False
    takes_duplicates: bool = False
    trusts_its_etags: bool = True
    etags: Literal["strong", "weak", "none"] = "strong"
    rejects: frozenset[str] = frozenset()


def calm(quirks: Quirks) -> Quirks:
    """The same side without the faults that come and go."""
    return Quirks(
        never_reports_deletes=quirks.never_reports_deletes,
        rewrites=quirks.rewrites,
        names_itself=quirks.names_itself,
        takes_duplicates=quirks.takes_duplicates,
        trusts_its_etags=quirks.trusts_its_etags,
        etags=quirks.etags,
        rejects=quirks.rejects,
    )


@dataclass
class FaultySide:
    """Members, a history of changes, and switches. `watch(op, href, body)` is told of each write
    as it arrives; `point()` is called wherever a crash may happen."""

    name: str
    random: Random
    quirks: Quirks = field(default_factory=Quirks)
    members: dict[str, bytes] = field(default_factory=dict)
    history: list[str] = field(default_factory=list)
    forgotten: int = 0
    writes: int = 0
    fetched: int = 0
    lied: int = 0
    missing: bool = False
    account: str = "account"
    read_only: bool = False
    components: tuple[str, ...] = ()
    properties: dict[str, str] = field(default_factory=dict)
    watch: Callable[[str, str, bytes | None], None] = lambda op, href, body: None
    point: Callable[[], None] = lambda: None

    @property
    def info(self) -> CollectionInfo:
        return CollectionInfo(
            href=f"/{self.name}/",
            kind="calendar",
            name=self.name,
            displayname=None,
            color=None,
            components=self.components,
            read_only=self.read_only,
            properties=self.properties,
        )

    # -- what its owner does ---------------------------------------------------------------------

    def put(self, href: str, body: bytes) -> None:
        """Store as the server does, whoever wrote."""
        if self.quirks.rewrites:
            values = {k: v for k, v in values_of(body).items() if k != "STRIPPED"}
            body = body_of({"X-NOISE": self.name} | dict(sorted(values.items())))
        self.members[href] = body
        self.history.append(href)

    def remove(self, href: str) -> None:
        del self.members[href]
        self.history.append(href)

    def rename(self, href: str, new: str) -> None:
        self.members[new] = self.members.pop(href)
        self.history += [href, new]

    def etag(self, href: str) -> str:
        tag = f'"{digest(self.members[href])[:12]}"'
        return {"strong": tag, "weak": "W/" + tag, "none": ""}[self.quirks.etags]

    def by_uid(self, uid: str) -> list[str]:
        return [href for href, body in self.members.items() if f"UID:{uid}\r\n".encode() in body]

    # -- what a client sees ----------------------------------------------------------------------

    def identity(self) -> str:
        return self.account

    def changes(self, cursor: str | None) -> Listing:
        self._read()
        following = str(len(self.history))
        if self._happens(self.quirks.forgotten_history):
            self.forgotten = len(self.history)
        if cursor is not None:
            # What was pruned is not reported, and nobody says so.
            since = self.history[max(int(cursor), self.forgotten) :]
            entries = {h: self.etag(h) for h in since if h in self.members}
            absent = frozenset(h for h in since if h not in self.members)
            if self.quirks.never_reports_deletes:
                absent = frozenset()
            return Listing(entries, absent, following, whole=False, complete=True)
        entries = {href: self.etag(href) for href in self.members}
        complete = True
        if self._happens(self.quirks.truncated_listing):
            kept = self.random.randrange(len(entries) + 1)
            complete = not self._happens(self.quirks.admits_truncation)
            self.lied += kept < len(entries)
            entries = dict(sorted(entries.items())[: max(kept, min(1, len(entries)))])
        return Listing(entries, frozenset(), following, whole=True, complete=complete)

    def fetch(self, hrefs: Sequence[str]) -> Iterator[Item]:
        self._read()
        present = [href for href in hrefs if href in self.members]
        if len(present) > 1 and self._happens(self.quirks.short_fetch):
            present = present[: self.random.randrange(len(present))]
        for href in present:
            self.fetched += 1
            yield Item(href, self.etag(href), self.members[href])

    def exists(self, href: str) -> bool | None:
        self._read()
        if self._happens(self.quirks.unknown_existence):
            return None
        return href in self.members

    def find_uid(self, uid: str) -> str | None:
        self._read()
        return next(iter(self.by_uid(uid)), None)

    def create(self, name: str, body: bytes) -> Written:
        uid = values_of(body).get("UID", "")
        href = f"/{self.name}/{name}"
        if self.quirks.names_itself:
            href = f"/{self.name}/own-{len(self.history)}.ics"
        self._write("create", href, body)
        if uid in self.quirks.rejects:
            raise Rejected(403, "not this one")
        if href in self.members:
            raise Exists(href)
        held = self.by_uid(uid)
        if held and not self.quirks.takes_duplicates:
            raise Exists(held[0])
        return self._land(href, body)

    def update(self, href: str, body: bytes, etag: str) -> Written:
        self._write("update", href, body)
        self._check(href, etag)
        if values_of(body).get("UID", "") in self.quirks.rejects:
            raise Rejected(403, "not this one")
        return self._land(href, body)

    def delete(self, href: str, etag: str) -> None:
        self._write("delete", href, None)
        if href not in self.members:
            return
        self._check(href, etag)
        self.watch("landed delete", href, None)
        self.remove(href)
        self._answer()

    def _check(self, href: str, etag: str) -> None:
        if href not in self.members or etag != self.etag(href):
            raise Stale(href)

    def _land(self, href: str, body: bytes) -> Written:
        self.watch("landed", href, body)
        self.put(href, body)
        trusted = self.quirks.trusts_its_etags and self.quirks.etags == "strong"
        written = Written(href, self.etag(href) if trusted else None)
        self._answer()
        return written

    def _answer(self) -> None:
        self.point()
        if self._happens(self.quirks.lost_answer):
            raise OutcomeUnknown("the answer was lost")

    def _read(self) -> None:
        self.point()
        if self.missing:
            raise CollectionMissing(self.name)
        if self._happens(self.quirks.rate_limit):
            raise RateLimited(0.0)
        if self._happens(self.quirks.failing_read):
            raise SideError("503")

    def _write(self, op: str, href: str, body: bytes | None) -> None:
        self.watch(op, href, body)
        self.point()
        self.writes += 1
        if self._happens(self.quirks.rate_limit):
            raise RateLimited(0.0)
        if self._happens(self.quirks.lost_request):
            raise OutcomeUnknown("the request was lost")

    def _happens(self, probability: float) -> bool:
        return probability > 0 and self.random.random() < probability
