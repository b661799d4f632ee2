"""Runs of the engine over two sides in memory: each rule by an example of its own."""

from pathlib import Path
from random import Random

import pytest

from davenport.sync.engine import Engine, Outcome, Outdated, Status
from davenport.sync.ledger import Ledger
from davenport.sync.plan import Kind, Mode, Rules
from davenport.sync.state import State
from davenport.sync.work import Options
from tests.sync.faulty import FaultySide, Quirks
from tests.sync.meaning import SEMANTICS, body_of, values_of


class Pair:
    """Two sides with the state between them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.state = State.open(path)
        self.a = FaultySide("a", Random(1))
        self.b = FaultySide("b", Random(2))
        self.collection = self.state.open_collection(
            self.state.pair("pair", "a", "b", "sync"), "calendar"
        )

    def engine(self, mode: Mode = "sync", **options: object) -> Engine:
        rules = Rules(mode=mode)
        return Engine(self.state, SEMANTICS, Options(rules=rules, **options), clock=lambda: 1e9)

    def run(self, mode: Mode = "sync", **options: object) -> Outcome:
        return self.engine(mode, **options).run(self.collection, self.a, self.b)

    def uids(self) -> tuple[list[str], list[str]]:
        a, b = (
            sorted(values_of(body)["UID"] for body in side.members.values())
            for side in (self.a, self.b)
        )
        return a, b

    def b_of(self, uid: str) -> dict[str, str]:
        (href,) = self.b.by_uid(uid)
        return values_of(self.b.members[href])

    def trash(self) -> list[bytes]:
        ledger = Ledger(self.state, self.collection, SEMANTICS)
        return [ledger.load(sha) for (sha,) in self.state.all("SELECT sha FROM trash")]


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    return Pair(tmp_path / "state")


def event(uid: str, **values: str) -> bytes:
    return body_of({"UID": uid, "SUMMARY": f"Meeting {uid}", **values})


def fill(side: FaultySide, count: int, first: int = 0) -> None:
    for number in range(first, first + count):
        side.put(f"/{side.name}/{number}.ics", event(f"u{number}", P="1"))


def both_filled(pair: Pair, count: int) -> None:
    fill(pair.a, count)
    assert pair.run().status is Status.DONE


def test_both_sides_get_what_they_lack_in_the_very_bytes(pair: Pair) -> None:
    pair.a.put("/a/1.ics", event("one"))
    pair.b.put("/b/2.ics", event("two"))
    assert pair.run().status is Status.BLOCKED  # G4: nothing in common
    assert pair.run(allow=frozenset({"G4"})).status is Status.DONE
    assert pair.uids() == (["one", "two"], ["one", "two"])
    assert set(pair.a.members.values()) == set(pair.b.members.values())


def test_a_run_with_nothing_new_writes_and_reads_nothing(pair: Pair) -> None:
    both_filled(pair, 40)
    # The first run of an empty side stores no cursor for it, and its own writes come back once.
    pair.run()
    before = (pair.a.writes, pair.b.writes, pair.a.fetched, pair.b.fetched)
    outcome = pair.run()
    assert outcome.status is Status.DONE
    assert outcome.plans[0].actions == ()
    assert (pair.a.writes, pair.b.writes, pair.a.fetched, pair.b.fetched) == before


def test_edits_of_different_properties_are_merged(pair: Pair) -> None:
    both_filled(pair, 3)
    (b_href,) = pair.b.by_uid("u1")
    pair.a.put("/a/1.ics", event("u1", P="2"))
    pair.b.put(b_href, event("u1", P="1", Q="new"))
    assert pair.run().status is Status.DONE
    assert pair.b_of("u1") == {"UID": "u1", "SUMMARY": "Meeting u1", "P": "2", "Q": "new"}
    assert values_of(pair.a.members["/a/1.ics"]) == pair.b_of("u1")


def test_edits_of_one_property_stand_still_on_both_sides_until_they_agree(pair: Pair) -> None:
    both_filled(pair, 3)
    (b_href,) = pair.b.by_uid("u1")
    pair.a.put("/a/1.ics", event("u1", P="2"))
    pair.b.put(b_href, event("u1", P="3"))
    pair.a.put("/a/0.ics", event("u0", P="other"))
    outcome = pair.run()
    assert outcome.status is Status.HELD
    assert set(outcome.parked or ()) == {"u1"}
    assert values_of(pair.a.members["/a/1.ics"])["P"] == "2"
    assert pair.b_of("u1")["P"] == "3"
    assert pair.b_of("u0")["P"] == "other"  # the rest goes on
    pair.b.put(b_href, event("u1", P="2"))
    assert pair.run().status is Status.DONE
    assert pair.state.all("SELECT key FROM held") == []


def test_a_deletion_is_confirmed_carried_over_and_kept_in_the_trash(pair: Pair) -> None:
    both_filled(pair, 3)
    (b_href,) = pair.b.by_uid("u1")
    body = pair.b.members[b_href]
    pair.a.remove("/a/1.ics")
    assert pair.run().status is Status.DONE
    assert pair.uids() == (["u0", "u2"], ["u0", "u2"])
    assert pair.trash() == [body]


def test_an_edit_wins_over_a_deletion(pair: Pair) -> None:
    both_filled(pair, 3)
    pair.a.remove("/a/1.ics")
    (b_href,) = pair.b.by_uid("u1")
    pair.b.put(b_href, event("u1", P="edited"))
    assert pair.run().status is Status.DONE
    assert pair.uids() == (["u0", "u1", "u2"], ["u0", "u1", "u2"])


def test_a_truncated_listing_deletes_nothing(pair: Pair) -> None:
    both_filled(pair, 50)
    pair.a.remove("/a/7.ics")
    pair.a.quirks = Quirks(truncated_listing=1.0)
    outcome = pair.run(audit_seconds=0.0)
    assert outcome.status is Status.INCOMPLETE
    assert len(pair.b.members) == 50
    pair.a.quirks = Quirks()
    assert pair.run().status is Status.DONE
    assert len(pair.b.members) == 49


def test_a_side_that_says_404_to_everything_has_deleted_nothing(pair: Pair) -> None:
    both_filled(pair, 5)
    pair.a.exists = lambda href: False  # type: ignore[method-assign]
    pair.a.remove("/a/1.ics")
    outcome = pair.run()
    assert outcome.status is Status.INCOMPLETE
    assert len(pair.b.members) == 5


def test_a_rewriting_side_is_no_editor(pair: Pair) -> None:
    pair.b.quirks = Quirks(rewrites=True)
    pair.a.put("/a/1.ics", event("u1", P="1", STRIPPED="precious"))
    assert pair.run().status is Status.DONE
    assert pair.run().status is Status.DONE
    assert values_of(pair.a.members["/a/1.ics"])["STRIPPED"] == "precious"
    (b_href,) = pair.b.by_uid("u1")
    pair.b.put(b_href, body_of(pair.b_of("u1") | {"P": "2"}))
    assert pair.run().status is Status.DONE
    edited = values_of(pair.a.members["/a/1.ics"])
    assert (edited["P"], edited["STRIPPED"], "X-NOISE" in edited) == ("2", "precious", False)


@pytest.mark.parametrize("rewrites", [False, True], ids=["faithful", "rewriting"])
def test_an_upload_whose_answers_are_lost_is_neither_doubled_nor_in_conflict(
    pair: Pair, rewrites: bool
) -> None:
    fill(pair.a, 5)
    pair.b.quirks = Quirks(lost_answer=1.0, rewrites=rewrites, takes_duplicates=True)
    assert pair.run().status is Status.DONE
    assert pair.b.writes == 5
    assert pair.uids()[1] == ["u0", "u1", "u2", "u3", "u4"]
    pair.b.quirks = Quirks(rewrites=rewrites)
    assert pair.run().plans[0].writes() == 0


def test_a_refused_item_is_parked_and_tried_again_when_it_changes(pair: Pair) -> None:
    fill(pair.a, 3)
    pair.b.quirks = Quirks(rejects=frozenset({"u1"}))
    assert set(pair.run().parked or ()) == {"u1"}
    assert pair.uids()[1] == ["u0", "u2"]
    writes = pair.b.writes
    assert pair.run().status is Status.HELD
    assert pair.b.writes == writes
    pair.b.quirks = Quirks()
    pair.a.put("/a/1.ics", event("u1", P="2"))
    assert pair.run().status is Status.DONE
    assert pair.uids()[1] == ["u0", "u1", "u2"]


def test_an_unreadable_body_blocks_only_itself_and_is_tried_in_every_run(pair: Pair) -> None:
    fill(pair.a, 2)
    pair.a.put("/a/bad.ics", b"UID:bad\r\nBROKEN\r\n")
    pair.run()
    assert len(pair.b.members) == 2
    # It becomes readable without any change that the listing would tell.
    pair.a.members["/a/bad.ics"] = event("bad")
    pair.run()
    assert pair.uids()[1] == ["bad", "u0", "u1"]


def test_copies_of_one_item_are_left_alone_and_different_bodies_park_the_uid(pair: Pair) -> None:
    fill(pair.a, 2)
    pair.a.put("/a/copy.ics", event("u1", P="1"))
    outcome = pair.run()
    assert [action.kind for action in outcome.plans[0].actions][-1] is Kind.SHADOW
    assert len(pair.b.members) == 2
    pair.a.put("/a/copy.ics", event("u1", P="other"))
    outcome = pair.run()
    assert set(outcome.parked or ()) == {"u1"}
    assert len(pair.a.members) == 3


def test_a_member_that_moves_is_the_same_item(pair: Pair) -> None:
    both_filled(pair, 3)
    pair.a.rename("/a/1.ics", "/a/moved.ics")
    outcome = pair.run()
    assert outcome.status is Status.DONE
    assert outcome.plans[0].writes() == 0
    pair.a.put("/a/moved.ics", event("u1", P="2"))
    pair.run()
    assert pair.b_of("u1")["P"] == "2"


def test_copy_never_deletes_and_never_overwrites_what_it_did_not_write(pair: Pair) -> None:
    fill(pair.a, 4)
    pair.b.put("/b/mine.ics", event("u0", P="mine"))
    assert pair.run("copy").status is Status.DONE
    assert pair.b_of("u0")["P"] == "mine"
    (edited,) = pair.b.by_uid("u1")
    pair.b.put(edited, event("u1", P="edited there"))
    pair.a.put("/a/1.ics", event("u1", P="2"))
    pair.a.put("/a/2.ics", event("u2", P="2"))
    pair.a.remove("/a/3.ics")
    before = dict(pair.a.members)
    assert pair.run("copy").status is Status.DONE
    assert pair.b_of("u1")["P"] == "edited there"
    assert pair.b_of("u2")["P"] == "2"
    assert pair.uids()[1] == ["u0", "u1", "u2", "u3"]
    assert pair.a.members == before
    assert pair.a.writes == 0


def test_mirror_lets_a_win_and_never_writes_it(pair: Pair) -> None:
    fill(pair.a, 4)
    pair.run("mirror")
    (edited,) = pair.b.by_uid("u1")
    pair.b.put(edited, event("u1", P="edited there"))
    pair.b.put("/b/extra.ics", event("extra"))
    pair.a.remove("/a/3.ics")
    assert pair.run("mirror").status is Status.DONE
    assert pair.b_of("u1")["P"] == "1"
    assert pair.uids()[1] == ["extra", "u0", "u1", "u2"]
    assert pair.a.writes == 0


def test_a_side_that_lists_nothing_any_more_stops_the_run(pair: Pair) -> None:
    both_filled(pair, 12)
    saved = dict(pair.a.members)
    for href in saved:
        pair.a.remove(href)
    outcome = pair.run()
    assert [gate.code for gate in outcome.gates] == ["G1"]
    assert len(pair.b.members) == 12
    # Only the user leads out of it, not the next run.
    pair.a.members.update(saved)
    pair.a.history += saved
    assert pair.run().status is Status.BLOCKED
    assert pair.run(allow=frozenset({"G1"})).status is Status.DONE
    assert len(pair.b.members) == 12


def test_a_side_that_was_emptied_on_purpose_empties_the_other(pair: Pair) -> None:
    both_filled(pair, 3)
    for href in list(pair.a.members):
        pair.a.remove(href)
    assert pair.run(allow=frozenset({"G1"})).status is Status.DONE
    assert pair.b.members == {}


def test_many_deletions_at_once_stop_the_run(pair: Pair) -> None:
    both_filled(pair, 40)
    for number in range(20):
        pair.a.remove(f"/a/{number}.ics")
    outcome = pair.run()
    (gate,) = outcome.gates
    assert (gate.code, gate.numbers) == ("G2", {"deletes": 20, "items": 40, "most": 10})
    assert gate.samples[0].startswith("Meeting u")
    assert pair.run(allow=frozenset({"G2"})).status is Status.DONE
    assert len(pair.b.members) == 20


def test_most_items_changing_at_once_stops_the_run(pair: Pair) -> None:
    both_filled(pair, 25)
    for number in range(25):
        pair.a.put(f"/a/{number}.ics", event(f"u{number}", P="2"))
    assert [gate.code for gate in pair.run().gates] == ["G3"]
    assert pair.run(allow=frozenset({"G3"})).status is Status.DONE


def test_changed_settings_delete_nothing_in_that_run(pair: Pair) -> None:
    both_filled(pair, 3)
    pair.a.remove("/a/1.ics")
    outcome = pair.run(config_hash="other")
    assert outcome.status is Status.INCOMPLETE
    assert len(pair.b.members) == 3
    assert pair.run(config_hash="other").status is Status.DONE
    assert len(pair.b.members) == 2


def test_another_account_behind_the_url_stops_the_run(pair: Pair) -> None:
    both_filled(pair, 3)
    pair.a.account = "another"
    assert [gate.code for gate in pair.run().gates] == ["G6"]
    assert pair.run(allow=frozenset({"G6"})).status is Status.INCOMPLETE
    assert pair.run().status is Status.DONE


def test_a_target_that_cannot_take_the_items_stops_the_run(pair: Pair) -> None:
    fill(pair.a, 2)
    pair.b.read_only = True
    (gate,) = pair.run().gates
    assert (gate.code, gate.message) == ("G7", "side b is read-only")
    outcome = pair.run(allow=frozenset({"G7"}))
    assert outcome.status is Status.HELD
    assert pair.b.writes == 0


def test_a_missing_collection_is_not_an_emptied_one(pair: Pair) -> None:
    both_filled(pair, 3)
    pair.a.missing = True
    assert pair.run().reason == "missing"
    assert len(pair.b.members) == 3


def test_a_rate_limit_suspends_the_collection_until_its_time(pair: Pair) -> None:
    both_filled(pair, 3)
    pair.a.quirks = Quirks(rate_limit=1.0)
    assert pair.run().status is Status.SUSPENDED


def test_the_first_listing_of_nothing_leaves_no_cursor(pair: Pair) -> None:
    pair.run()
    assert pair.state.reading(pair.collection, "a").cursor is None
    fill(pair.a, 1)
    pair.run()
    assert pair.state.reading(pair.collection, "a").cursor is not None


def test_a_plan_is_carried_out_as_printed_or_not_at_all(pair: Pair) -> None:
    fill(pair.a, 3)
    engine = pair.engine()
    prepared = engine.prepare(pair.collection, pair.a, pair.b)
    assert pair.b.writes == 0
    assert prepared.plan.as_json()["counts"] == {"create": 3}
    assert engine.apply(pair.collection, pair.a, pair.b, prepared).status is Status.DONE
    assert pair.b.writes == 3
    with pytest.raises(Outdated):
        engine.apply(pair.collection, pair.a, pair.b, prepared)


def test_lost_state_starts_over_without_a_deletion_or_a_double(pair: Pair) -> None:
    both_filled(pair, 5)
    pair.a.remove("/a/1.ics")
    pair.state.close()
    pair.path.unlink()
    again = Pair(pair.path)
    again.a, again.b = pair.a, pair.b
    assert again.run().status is Status.DONE
    assert again.uids() == (["u0", "u1", "u2", "u3", "u4"],) * 2
