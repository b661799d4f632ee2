"""Two faulty sides, people who edit them, and an engine that is killed: all from one seed.

`Simulation` holds the engine to its invariants while it runs. Each value that a person writes is
unique, so that it is known of each whether a later edit or a deletion took its place; a value
that nothing took the place of must be on both sides in the end, or in a conflict.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from davenport.sync.engine import Engine, Outcome, Status
from davenport.sync.ledger import Ledger
from davenport.sync.plan import End, Mode, Rules, digest
from davenport.sync.state import ENDS, State
from davenport.sync.work import Options
from tests.sync.faulty import FaultySide, Quirks, calm
from tests.sync.meaning import SEMANTICS, body_of, fingerprint, values_of

PROPERTIES = ("P", "Q", "R")
ALL_GATES = frozenset({"G1", "G2", "G3", "G4", "G5", "G6", "missing"})


class Crash(BaseException):
    """The process is gone."""


class Violation(AssertionError):  # noqa: N818 - of an invariant
    """An invariant does not hold."""


@dataclass
class History:
    """Which values people wrote, and what took their place."""

    written: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    edited: dict[str, set[str]] = field(default_factory=dict)
    deleted: set[str] = field(default_factory=set)
    removed: set[tuple[End, str]] = field(default_factory=set)

    def write(self, uid: str, name: str, old: str | None, new: str) -> None:
        self.written.setdefault((uid, name), set()).add(new)
        if old is not None:
            self.edited.setdefault(old, set()).add(new)

    def delete(self, end: End, body: bytes) -> None:
        values = values_of(body)
        self.removed.add((end, values["UID"]))
        self.deleted.update(values[name] for name in PROPERTIES if name in values)
        # A side that strips it deletes it with the item all the same.
        self.deleted |= self.written.get((values["UID"], "STRIPPED"), set())

    def wanted(self, uid: str, name: str) -> set[str]:
        """Values that must not be lost."""
        return self.written.get((uid, name), set()) - self.edited.keys() - self.deleted

    def possible(self, uid: str, name: str) -> set[str]:
        """Values that may stand in the end."""
        return {v for v in self.written.get((uid, name), set()) if not self._replaced(v)}

    def _replaced(self, value: str) -> bool:
        """An edit that was deleted with its item brings no value down with it."""
        return any(self._stands(new) for new in self.edited.get(value, ()))

    def _stands(self, value: str) -> bool:
        if value in self.edited:
            return self._replaced(value)
        return value not in self.deleted


class Simulation:
    """One run of the world; `go` makes it happen and raises Violation."""

    def __init__(self, path: Path, seed: int, mode: Mode = "sync") -> None:
        self.random = Random(seed)
        self.path = path
        self.mode: Mode = mode
        self.history = History()
        self.count = 0
        self.fuse = 0
        self.now = 1e9
        self.lost = False
        self.doubted: set[str] = set()
        self.running = False
        self.crashes = 0
        self.conflicts = 0
        self.sides: dict[End, FaultySide] = {}
        self.wild: dict[End, Quirks] = {}
        for end in ENDS:
            self.wild[end] = self._quirks(end)
            side = FaultySide(end, self.random, self.wild[end])
            side.watch = self._watcher(end)
            side.point = self._point
            self.sides[end] = side
        self._open()

    # -- the world -------------------------------------------------------------------------------

    def go(self, operations: int) -> None:
        """So many edits, runs, crashes and meetings of both sides."""
        for number in range(operations):
            what = self.random.random()
            if what < 0.70:
                self._edit()
            elif what < 0.95 or number < 5:
                self._run_wildly()
            else:
                self._converge()
        self._converge()
        self.state.close()

    def _quirks(self, end: End) -> Quirks:
        def sometimes(value: float) -> float:
            return value if self.random.random() < 0.4 else 0.0

        rewrites = end == "b" and self.random.random() < 0.3
        return Quirks(
            truncated_listing=sometimes(0.5),
            admits_truncation=0.3,
            short_fetch=sometimes(0.2),
            failing_read=sometimes(0.03),
            unknown_existence=sometimes(0.2),
            lost_answer=sometimes(0.2),
            lost_request=sometimes(0.2),
            rate_limit=sometimes(0.03),
            forgotten_history=sometimes(0.2),
            never_reports_deletes=self.random.random() < 0.2,
            rewrites=rewrites,
            names_itself=self.random.random() < 0.2,
            takes_duplicates=self.random.random() < 0.3,
            trusts_its_etags=self.random.random() < 0.7,
            etags=self.random.choice(("strong", "strong", "weak", "none")),
        )

    def _exact(self) -> bool:
        """Whether an edit beside a write can be told from a server's rewriting."""
        return all(
            q.etags == "strong" and q.trusts_its_etags and not q.rewrites and not q.lost_answer
            for q in self.wild.values()
        )

    def _unique(self) -> str:
        self.count += 1
        return f"v{self.count}"

    def _edit(self) -> None:
        """Someone changes something on one side."""
        end = self.random.choice(ENDS)
        side = self.sides[end]
        what = self.random.random()
        href = self.random.choice(sorted(side.members)) if side.members else None
        if href is None or what < 0.3:
            self._create(end)
        elif what < 0.7:
            self._change(end, href)
        elif what < 0.85:
            self.history.delete(end, side.members[href])
            side.remove(href)
        elif what < 0.93:
            self.count += 1
            side.rename(href, f"/{end}/moved-{self.count}.ics")
        else:
            side.put(href, side.members[href])

    def _create(self, end: End) -> None:
        side, other = self.sides[end], self.sides["b" if end == "a" else "a"]
        uid = f"u{self._unique()}"
        duplicates = side.quirks.takes_duplicates or other.quirks.takes_duplicates
        lonely = [
            values_of(body)["UID"]
            for _, body in sorted(other.members.items())
            if not side.by_uid(values_of(body)["UID"])
        ]
        if lonely and not duplicates and not self.running and self.random.random() < 0.2:
            uid = self.random.choice(lonely)
        values = {"UID": uid}
        for name in PROPERTIES[: self.random.randrange(1, 4)]:
            values[name] = self._unique()
            self.history.write(uid, name, None, values[name])
        if end == "a":
            values["STRIPPED"] = self._unique()
            self.history.write(uid, "STRIPPED", None, values["STRIPPED"])
        side.put(f"/{end}/{uid}-{self._unique()}.ics", body_of(values))

    def _change(self, end: End, href: str) -> None:
        side = self.sides[end]
        values = values_of(side.members[href])
        if self._in_doubt(end, values["UID"]):
            return
        name = self.random.choice(PROPERTIES)
        new = self._unique()
        self.history.write(values["UID"], name, values.get(name), new)
        side.put(href, body_of(values | {name: new}))

    def _in_doubt(self, end: End, uid: str) -> bool:
        """Whether an edit now could not be told from what the side makes of a new item."""
        unfinished = "state IN ('sent', 'unknown', 'acked', 'verified')"
        sql = f"SELECT side, op FROM intent WHERE key = :uid AND {unfinished}"
        rows = self.state.all(sql, uid=uid)
        if rows:
            # An edit beside a write in doubt may end in a conflict, but not unseen.
            self.doubted.add(uid)
        reading = self.state.reading(self.collection, end)
        return (end, "create") in rows and (not reading.faithful or self.wild[end].rewrites)

    # -- the engine ------------------------------------------------------------------------------

    def _open(self) -> None:
        self.state = State.open(self.path)
        self.state.execute("PRAGMA synchronous = OFF")
        pair = self.state.pair("pair", "a", "b", self.mode)
        self.collection = self.state.open_collection(pair, "calendar")

    def _reopen(self) -> None:
        self.state.close()
        self._open()

    def _lose_state(self) -> None:
        self.lost = True
        self.state.close()
        for path in self.path.parent.glob(self.path.name + "*"):
            path.unlink()
        self._open()

    def _engine(self, **options: object) -> Engine:
        rules = Rules(mode=self.mode)
        look = frozenset(end for end in ENDS if self.wild[end].takes_duplicates)
        return Engine(
            self.state,
            SEMANTICS,
            Options(rules=rules, batch=3, look_before_create=look, **options),  # type: ignore[arg-type]
            progress=lambda _progress: self._point(),
            clock=lambda: self.now,
        )

    def _run(self, **options: object) -> Outcome:
        outcome = self._engine(**options).run(self.collection, self.sides["a"], self.sides["b"])
        self._check_nothing_doubled()
        return outcome

    def _run_wildly(self) -> None:
        """A run with faults, perhaps with people at work, perhaps to its death."""
        allow = ALL_GATES if self.random.random() < 0.7 else frozenset()
        audit = 0.0 if self.random.random() < 0.3 else 1e8
        self.fuse = self.random.randrange(1, 60) if self.random.random() < 0.5 else 0
        # The clock jumps; nothing but the audit looks at it.
        self.now += self.random.choice((0.0, 0.0, 60.0, 1e7, -1e7))
        self.running = True
        try:
            self._run(allow=allow, audit_seconds=audit)
        except Crash:
            self.crashes += 1
            self._reopen()
        finally:
            self.fuse = 0
            self.running = False
        if self.random.random() < 0.02:
            self._lose_state()

    def _point(self) -> None:
        """Somewhere in a run."""
        if not self.running:
            return
        if self.fuse:
            self.fuse -= 1
            if not self.fuse:
                raise Crash
        elif self.random.random() < 0.02 and self._exact():
            self._edit()

    # -- invariants ------------------------------------------------------------------------------

    def _watcher(self, end: End) -> Callable[[str, str, bytes | None], None]:
        def watch(op: str, href: str, body: bytes | None) -> None:
            side = self.sides[end]
            if op.startswith("landed"):
                self._check_landing(end, href, body)
                return
            self._must(self.mode == "sync" or end == "b", f"{op} on the source of a {self.mode}")
            self._must(self.mode != "copy" or op != "delete", "a copy deletes")
            sent = self.state.all(
                "SELECT op FROM intent WHERE state = 'sent' AND side = :end", end=end
            )
            self._must([row[0] for row in sent] == [op], f"{op} without its intent (I5)")
            if op == "create" and body is not None and side.quirks.takes_duplicates:
                held = side.by_uid(values_of(body)["UID"])
                told = f"{held} would be doubled by {href}"
                self._must(not held or href in side.members, told)

        return watch

    def _check_landing(self, end: End, href: str, body: bytes | None) -> None:
        side, other = self.sides[end], self.sides["b" if end == "a" else "a"]
        old = side.members.get(href)
        if old is None:
            return
        kept = self.state.one("SELECT 1 FROM trash WHERE sha = :sha", sha=digest(old))
        self._must(kept is not None, f"{href} is destroyed without a copy in the trash (I7)")
        if body is None:
            uid = values_of(old)["UID"]
            self._must(not other.by_uid(uid), f"{uid} is deleted though the other has it (I3)")
        else:
            same = fingerprint(old) == fingerprint(body)
            self._must(not same, f"{href} is written though it holds this (I6)")

    def _check_nothing_doubled(self) -> None:
        for end, side in self.sides.items():
            uids = [values_of(body)["UID"] for body in side.members.values()]
            doubled = sorted({uid for uid in uids if uids.count(uid) > 1})
            self._must(not doubled, f"{doubled} doubled on {end}")

    def _converge(self) -> None:
        """The faults end for a while: after enough runs all must be as people left it (I10)."""
        for end in ENDS:
            self.sides[end].quirks = calm(self.wild[end])
            self.sides[end].forgotten = 0
        for _ in range(8):
            outcome = self._run(allow=ALL_GATES, audit_seconds=0.0)
            quiet = not sum(plan.writes() for plan in outcome.plans)
            if quiet and outcome.status in {Status.DONE, Status.HELD}:
                break
        else:
            raise Violation(f"no end of it: {outcome}")
        conflicts = self._held()
        self._check_values(conflicts)
        if not self.lost:
            self._check_conflicts(conflicts - self.doubted)
        self.lost = False
        self.doubted.clear()
        self._check_idle()
        self._settle_conflicts(conflicts)
        self._run(allow=ALL_GATES)
        self._must(not self._held(), "a conflict that people settled goes on")
        for end in ENDS:
            self.sides[end].quirks = self.wild[end]

    def _held(self) -> set[str]:
        ledger = Ledger(self.state, self.collection, SEMANTICS)
        parked = ledger.held("parked")
        self._must(not parked, f"parked: {parked}")
        return set(ledger.held("conflict"))

    def _check_idle(self) -> None:
        """Another run with nothing new neither writes nor reads a body (I9)."""
        self._run(allow=ALL_GATES)
        sides = self.sides.values()
        before = [(side.writes, side.fetched) for side in sides]
        outcome = self._run(allow=ALL_GATES)
        self._must(not sum(plan.writes() for plan in outcome.plans), f"it writes again: {outcome}")
        self._must(before == [(s.writes, s.fetched) for s in sides], f"it is not idle: {before}")

    def _check_values(self, conflicts: set[str]) -> None:
        held = {
            end: {values_of(body)["UID"]: values_of(body) for body in side.members.values()}
            for end, side in self.sides.items()
        }
        for uid, name in sorted(self.history.written):
            a, b = held["a"].get(uid), held["b"].get(uid)
            if self.mode == "sync":
                self._check_value(uid, name, (a, b), conflicts)
            elif a is not None and self.mode == "mirror":
                lossy = self.wild["b"].rewrites and name == "STRIPPED"
                same = b is not None and (lossy or b.get(name) == a.get(name))
                self._must(same, f"{uid} {name}: {a} is mirrored as {b}")
            elif a is not None:
                # What the target's people deleted is not put back.
                kept = b is not None or ("b", uid) in self.history.removed
                self._must(kept, f"{uid} was not copied")

    def _check_conflicts(self, conflicts: set[str]) -> None:
        """People disagree; no server's doing is a conflict."""
        if any(quirks.rewrites and quirks.names_itself for quirks in self.wild.values()):
            # A new item without an answer is then known by its UID alone, as anybody's would be.
            return
        for uid in conflicts:
            rivals = {name: self.history.possible(uid, name) for name in PROPERTIES}
            disagree = any(len(values) > 1 for values in rivals.values())
            self._must(disagree, f"nobody disagrees on {uid}: {rivals}")

    def _check_value(
        self,
        uid: str,
        name: str,
        sides: tuple[dict[str, str] | None, dict[str, str] | None],
        conflicts: set[str],
    ) -> None:
        a, b = sides
        wanted, possible = self.history.wanted(uid, name), self.history.possible(uid, name)
        told = f"{uid} {name}: a {a}, b {b}, wanted {wanted}, possible {possible}"
        if a is None or b is None:
            self._must(a is b, f"only on one side: {told}")
            self._must(not wanted, f"lost with its item: {told}")
            return
        lossy = self.wild["b"].rewrites and name == "STRIPPED"
        if uid in conflicts:
            ends = {a.get(name)} if lossy else {a.get(name), b.get(name)}
            self._must(wanted <= ends, f"lost in a conflict: {told}")
            return
        self._must(lossy or a.get(name) == b.get(name), f"different: {told}")
        self._must(len(wanted) < 2, f"a conflict that is none: {told}")
        self._must(not wanted or a.get(name) in wanted, f"lost: {told}")
        self._must(a.get(name) is None or a.get(name) in possible, f"from the dead: {told}")

    def _settle_conflicts(self, conflicts: set[str]) -> None:
        """People agree; both sides are then as they say."""
        self.conflicts += len(conflicts)
        for uid in sorted(conflicts):
            hrefs = {end: self.sides[end].by_uid(uid)[0] for end in ENDS}
            both = [values_of(self.sides[end].members[hrefs[end]]) for end in ENDS]
            agreed = {"UID": uid}
            for name in (*PROPERTIES, "STRIPPED"):
                olds = {values.get(name) for values in both} - {None}
                if olds:
                    agreed[name] = self._unique()
                    for old in olds:
                        self.history.write(uid, name, old, agreed[name])
            for end in ENDS:
                self.sides[end].put(hrefs[end], body_of(agreed))

    def _must(self, holds: bool, message: str) -> None:
        if not holds:
            raise Violation(message)
