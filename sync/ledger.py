"""What each side was seen to hold and what both agreed on: members, items, bodies, trash."""

import time
import zlib
from collections.abc import Iterable
from dataclasses import dataclass

from davenport.sync.identity import Member, Pairing
from davenport.sync.plan import End, Held, Semantics, Version, digest
from davenport.sync.state import ENDS, State

# `candidate` is absent without confirmation; `stale` has a body that was not read yet.
LIVE, STALE, CANDIDATE, GONE, QUARANTINED = "live", "stale", "candidate", "gone", "quarantined"


@dataclass(frozen=True, slots=True)
class Ledger:
    """The members, items and bodies of one collection; writes need an open transaction."""

    state: State
    collection: int
    semantics: Semantics

    # -- bodies ---------------------------------------------------------------------------------

    def keep(self, body: bytes) -> Version:
        """Store a body. Raises ValueError for one that cannot be read."""
        sha = digest(body)
        row = self.state.one("SELECT fingerprint FROM blob WHERE sha = :sha", sha=sha)
        if row is not None:
            return Version(sha, row[0])
        fingerprint = self.semantics.fingerprint(body)
        self.state.execute(
            "INSERT INTO blob (sha, body, fingerprint, uid) VALUES (:sha, :body, :print, :uid)",
            sha=sha,
            body=zlib.compress(body),
            print=fingerprint,
            uid=self.semantics.uid_of(body),
        )
        return Version(sha, fingerprint)

    def load(self, sha: str) -> bytes:
        """The bytes of a stored body."""
        row = self.state.one("SELECT body FROM blob WHERE sha = :sha", sha=sha)
        return zlib.decompress(row[0])

    def version(self, sha: str) -> Version:
        """A stored body by its digest."""
        row = self.state.one("SELECT fingerprint FROM blob WHERE sha = :sha", sha=sha)
        return Version(sha, row[0])

    def uid(self, sha: str) -> str:
        """The UID of a stored body, "" for none."""
        return str(self.state.one("SELECT uid FROM blob WHERE sha = :sha", sha=sha)[0])

    # -- members --------------------------------------------------------------------------------

    def etags(self, end: End) -> dict[str, tuple[str, str]]:
        """Every member that is not known to be gone: href to (etag, state)."""
        rows = self.state.all(
            "SELECT href, etag, state FROM member"
            " WHERE collection = :collection AND side = :end AND state <> 'gone'",
            collection=self.collection,
            end=end,
        )
        return {href: (etag, state) for href, etag, state in rows}

    def known(self, end: End, href: str) -> tuple[str, str] | None:
        """One member's etag and state, None where it is unknown or gone."""
        row = self.state.one(
            "SELECT etag, state FROM member WHERE collection = :collection"
            " AND side = :end AND href = :href AND state <> 'gone'",
            collection=self.collection,
            end=end,
            href=href,
        )
        return None if row is None else (row[0], row[1])

    def in_state(self, end: End, *states: str) -> list[str]:
        """The hrefs of members in these states, in order."""
        found: list[str] = []
        for state in states:
            rows = self.state.all(
                "SELECT href FROM member WHERE collection = :collection"
                " AND side = :end AND state = :state ORDER BY href",
                collection=self.collection,
                end=end,
                state=state,
            )
            found += (row[0] for row in rows)
        return found

    def count(self, end: End) -> int:
        """How many members the side has, as far as is known."""
        row = self.state.one(
            "SELECT count(*) FROM member"
            " WHERE collection = :collection AND side = :end AND state <> 'gone'",
            collection=self.collection,
            end=end,
        )
        return int(row[0])

    def count_items(self) -> int:
        """How many items both sides agreed on."""
        sql = "SELECT count(*) FROM item WHERE collection = :collection"
        return int(self.state.one(sql, collection=self.collection)[0])

    def mark(self, end: End, hrefs: Iterable[str], state: str) -> None:
        """Move known members to a state."""
        for href in hrefs:
            self.state.execute(
                "UPDATE member SET state = :state"
                " WHERE collection = :collection AND side = :end AND href = :href",
                collection=self.collection,
                end=end,
                href=href,
                state=state,
            )

    def expect(self, end: End, href: str, etag: str) -> None:
        """A member is listed whose body is to be read."""
        self.state.execute(
            "INSERT INTO member (collection, side, href, etag, sha, state)"
            " VALUES (:collection, :end, :href, :etag, NULL, 'stale')"
            " ON CONFLICT (collection, side, href) DO UPDATE SET etag = :etag, state = 'stale'",
            collection=self.collection,
            end=end,
            href=href,
            etag=etag,
        )

    def saw(self, end: End, href: str, etag: str, version: Version) -> None:
        """A member's body was read."""
        self.state.execute(
            "INSERT INTO member (collection, side, href, etag, sha, state)"
            " VALUES (:collection, :end, :href, :etag, :sha, 'live')"
            " ON CONFLICT (collection, side, href)"
            " DO UPDATE SET etag = :etag, sha = :sha, state = 'live'",
            collection=self.collection,
            end=end,
            href=href,
            etag=etag,
            sha=version.sha,
        )
        self._release(end, href)

    def quarantine(self, end: End, href: str, etag: str, reason: str) -> None:
        """A member's body cannot be read; it is tried again in every run."""
        self.expect(end, href, etag)
        self.mark(end, [href], QUARANTINED)
        self.state.execute(
            "INSERT INTO quarantine (collection, side, href, etag, reason, first_seen)"
            " VALUES (:collection, :end, :href, :etag, :reason, :now)"
            " ON CONFLICT (collection, side, href) DO UPDATE SET etag = :etag, reason = :reason",
            collection=self.collection,
            end=end,
            href=href,
            etag=etag,
            reason=reason,
            now=time.time(),
        )

    def drop(self, end: End, href: str) -> None:
        """Forget a member."""
        self.state.execute(
            "DELETE FROM member WHERE collection = :collection AND side = :end AND href = :href",
            collection=self.collection,
            end=end,
            href=href,
        )
        self._release(end, href)

    def _release(self, end: End, href: str) -> None:
        self.state.execute(
            "DELETE FROM quarantine"
            " WHERE collection = :collection AND side = :end AND href = :href",
            collection=self.collection,
            end=end,
            href=href,
        )

    # -- items ----------------------------------------------------------------------------------

    def agree(
        self, item: int | None, hrefs: dict[End, str], bases: dict[End, Version], *, ours: bool
    ) -> None:
        """Move both bases of an item together, or make the item."""
        values = {
            "uid_a": self.uid(bases["a"].sha),
            "uid_b": self.uid(bases["b"].sha),
            "href_a": hrefs["a"],
            "href_b": hrefs["b"],
            "base_a": bases["a"].sha,
            "base_b": bases["b"].sha,
        }
        for end in ENDS:
            # Whatever else was last at this href, it is this item that was verified there.
            self.state.execute(
                f"DELETE FROM item WHERE collection = :collection AND href_{end} = :href"  # noqa: S608
                " AND id IS NOT :id",
                collection=self.collection,
                href=hrefs[end],
                id=item,
            )
        if item is None:
            self.state.insert("item", collection=self.collection, written_b=int(ours), **values)
            return
        old = self.state.one("SELECT href_a, href_b FROM item WHERE id = :id", id=item)
        sets = ", ".join(f"{name} = :{name}" for name in values)
        self.state.execute(
            f"UPDATE item SET {sets}, written_b = max(written_b, :ours) WHERE id = :id",  # noqa: S608
            id=item,
            ours=int(ours),
            **values,
        )
        for end, before in zip(ENDS, old, strict=True):
            if before != hrefs[end]:
                self.drop(end, before)

    def forget(self, item: int) -> None:
        """Forget an item and its members."""
        row = self.state.one("SELECT href_a, href_b FROM item WHERE id = :id", id=item)
        self.state.execute("DELETE FROM item WHERE id = :id", id=item)
        for end, href in zip(ENDS, row, strict=True):
            self.drop(end, href)

    def forget_unpaired(self) -> None:
        """Forget members that are gone and belong to no item."""
        for end in ENDS:
            self.state.execute(
                "DELETE FROM member WHERE collection = :collection AND side = :end"  # noqa: S608
                f" AND state = 'gone' AND {_UNPAIRED[end]}",
                collection=self.collection,
                end=end,
            )

    def loose(self, end: End) -> list[Member]:
        """Members that belong to no item."""
        rows = self.state.all(
            "SELECT href, etag, state, member.sha, fingerprint, uid FROM member"  # noqa: S608
            " LEFT JOIN blob ON blob.sha = member.sha"
            f" WHERE collection = :collection AND side = :end AND {_UNPAIRED[end]}",
            collection=self.collection,
            end=end,
        )
        return [_member(*row) for row in rows]

    def pairings(self, loose_uids: dict[End, set[str]]) -> list[Pairing]:
        """Items that are not as agreed, and those that hold one of these UIDs."""
        found = {pairing.id: pairing for pairing in self._select(_UNSETTLED)}
        for end, uids in loose_uids.items():
            for uid in sorted(uids - {""}):
                for pairing in self._select(f"i.uid_{end} = :uid", uid=uid):
                    found[pairing.id] = pairing
        return [found[id_] for id_ in sorted(found)]

    def _select(self, condition: str, **parameters: str) -> list[Pairing]:
        rows = self.state.all(
            _PAIRINGS + f" AND ({condition})", collection=self.collection, **parameters
        )
        return [_pairing(row) for row in rows]

    # -- trash, and what is held ----------------------------------------------------------------

    def throw_away(self, run: int, end: End, href: str, sha: str) -> None:
        """Keep the body that is about to be overwritten or deleted."""
        self.state.insert(
            "trash",
            collection=self.collection,
            run=run,
            side=end,
            href=href,
            sha=sha,
            at=time.time(),
        )

    def held(self, kind: str) -> dict[str, Held]:
        """What is `parked` or in `conflict`, by key."""
        rows = self.state.all(
            "SELECT key, sha_a, sha_b, reason FROM held"
            " WHERE collection = :collection AND kind = :kind",
            collection=self.collection,
            kind=kind,
        )
        return {key: Held(sha_a, sha_b, reason) for key, sha_a, sha_b, reason in rows}

    def hold(self, key: str, kind: str, held: Held, bases: tuple[str | None, str | None]) -> None:
        """Let an item stand still until one of these versions changes."""
        self.state.execute(
            "INSERT INTO held (collection, key, kind, sha_a, sha_b, base_a, base_b, reason, since)"
            " VALUES (:collection, :key, :kind, :sha_a, :sha_b, :base_a, :base_b, :reason, :now)"
            " ON CONFLICT (collection, key) DO UPDATE SET kind = :kind, sha_a = :sha_a,"
            " sha_b = :sha_b, base_a = :base_a, base_b = :base_b, reason = :reason,"
            " shown = shown + 1",
            collection=self.collection,
            key=key,
            kind=kind,
            sha_a=held.sha_a,
            sha_b=held.sha_b,
            base_a=bases[0],
            base_b=bases[1],
            reason=held.reason,
            now=time.time(),
        )

    def let_go(self, key: str) -> None:
        """An item no longer stands still."""
        self.state.execute(
            "DELETE FROM held WHERE collection = :collection AND key = :key",
            collection=self.collection,
            key=key,
        )


_UNPAIRED: dict[End, str] = {
    end: "NOT EXISTS (SELECT 1 FROM item"  # noqa: S608
    f" WHERE item.collection = member.collection AND item.href_{end} = member.href)"
    for end in ENDS
}
_PAIRINGS = """
SELECT i.id, i.uid_a, i.uid_b, i.href_a, i.href_b, i.written_b,
  i.base_a, ba.fingerprint, i.base_b, bb.fingerprint,
  ma.etag, ma.state, ma.sha, va.fingerprint, va.uid,
  mb.etag, mb.state, mb.sha, vb.fingerprint, vb.uid
FROM item i JOIN blob ba ON ba.sha = i.base_a JOIN blob bb ON bb.sha = i.base_b
LEFT JOIN member ma
  ON ma.collection = i.collection AND ma.side = 'a' AND ma.href = i.href_a
LEFT JOIN member mb
  ON mb.collection = i.collection AND mb.side = 'b' AND mb.href = i.href_b
LEFT JOIN blob va ON va.sha = ma.sha LEFT JOIN blob vb ON vb.sha = mb.sha
WHERE i.collection = :collection"""
_UNSETTLED = (
    "ma.state IS NOT 'live' OR mb.state IS NOT 'live'"
    " OR ma.sha IS NOT i.base_a OR mb.sha IS NOT i.base_b"
)


def _member(
    href: str, etag: str, state: str, sha: str | None, fingerprint: str | None, uid: str | None
) -> Member:
    version = None if sha is None or fingerprint is None else Version(sha, fingerprint)
    return Member(href, etag, state, version, uid or "")


def _pairing(row: tuple[str, ...]) -> Pairing:
    (id_, uid_a, uid_b, href_a, href_b, ours, base_a, print_a, base_b, print_b) = row[:10]
    found: dict[End, Member | None] = {
        "a": _member(href_a, *row[10:15]) if row[11] is not None else None,
        "b": _member(href_b, *row[15:20]) if row[16] is not None else None,
    }
    return Pairing(
        id=int(id_),
        key=uid_a or uid_b or f"item:{id_}",
        uids={"a": uid_a, "b": uid_b},
        bases={"a": Version(base_a, print_a), "b": Version(base_b, print_b)},
        members=found,
        ours=bool(ours),
    )
