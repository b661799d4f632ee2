"""The decision table of each mode, and what a plan looks like to its readers."""

import json

import pytest

from davenport.sync.plan import (
    Change,
    Decision,
    Entry,
    Kind,
    Means,
    Mode,
    Rules,
    Seen,
    Version,
    decide,
    digest,
    label_of,
    name_of,
)
from davenport.sync.planning import build
from tests.sync.meaning import SEMANTICS, body_of, fingerprint, values_of

S, C, G, N, A = Change.SAME, Change.CHANGED, Change.GONE, Change.NEW, Change.ABSENT
TABLE: dict[tuple[Change, Change], tuple[str, str, str]] = {
    # (A, B): sync, copy, mirror
    (S, S): ("nothing", "nothing", "nothing"),
    (S, C): ("write a", "keep", "write b"),
    (S, G): ("delete a", "keep", "create b"),
    (C, S): ("write b", "write b", "write b"),
    (C, C): ("reconcile", "reconcile", "reconcile"),
    (C, G): ("create b", "create b", "create b"),
    (G, S): ("delete b", "keep", "delete b"),
    (G, C): ("create a", "keep", "delete b"),
    (G, G): ("forget", "forget", "forget"),
    (N, N): ("reconcile", "reconcile", "reconcile"),
    (N, A): ("create b", "create b", "create b"),
    (A, N): ("create a", "keep", "keep"),
}


@pytest.mark.parametrize("place, mode", list(enumerate(("sync", "copy", "mirror"))))
@pytest.mark.parametrize("changes", TABLE, ids=lambda pair: f"{pair[0]}-{pair[1]}")
def test_the_table_decides(changes: tuple[Change, Change], place: int, mode: Mode) -> None:
    assert decide(*changes, Rules(mode)) == TABLE[changes][place]


@pytest.mark.parametrize(
    "rules, changes, decision",
    [
        (Rules("sync", edit_wins=False), (C, G), Decision.DELETE_A),
        (Rules("sync", edit_wins=False), (G, C), Decision.DELETE_B),
        (Rules("mirror", prune=True), (A, N), Decision.DELETE_B),
        (Rules("copy", prune=True), (A, N), Decision.KEEP),
    ],
    ids=["deletion-wins-a", "deletion-wins-b", "prune", "copy-never-prunes"],
)
def test_rules_flip_what_they_name(
    rules: Rules, changes: tuple[Change, Change], decision: Decision
) -> None:
    assert decide(*changes, rules) is decision


class Bodies:
    """Stored bodies, and entries made of them."""

    def __init__(self) -> None:
        self.stored: dict[str, bytes] = {}

    def version(self, body: bytes | None) -> Version | None:
        if body is None:
            return None
        self.stored[digest(body)] = body
        return Version(digest(body), fingerprint(body))

    def entry(self, a: bytes | None, b: bytes | None, base_a: bytes, base_b: bytes) -> Entry:
        seen = [
            Seen(f"/{end}/1", '"1"', version) if (version := self.version(body)) else None
            for end, body in (("a", a), ("b", b))
        ]
        return Entry("u", *seen, 1, self.version(base_a), self.version(base_b))

    def means(self, rules: Rules, **more: object) -> Means:
        return Means(
            rules, SEMANTICS, self.stored.__getitem__, lambda _end, body: body, ".ics", **more
        )


OLD = {"UID": "u", "SUMMARY": "Lunch", "P": "1"}


def test_a_merge_gives_each_side_the_others_edit_in_its_own_terms() -> None:
    bodies = Bodies()
    base_a, base_b = OLD | {"OWN": "kept by a"}, OLD | {"X-EXTRA": "added by b"}
    entry = bodies.entry(
        body_of(base_a | {"P": "2"}),
        body_of(base_b | {"Q": "new"}),
        body_of(base_a),
        body_of(base_b),
    )
    plan = build(1, [entry], bodies.means(Rules("sync")))
    written = {
        write.end: values_of(plan.bodies[write.payload or ""]) for write in plan.actions[0].writes
    }
    assert written == {
        "a": base_a | {"P": "2", "Q": "new"},
        "b": base_b | {"P": "2", "Q": "new"},
    }


def test_half_a_merge_asks_only_for_the_other_half() -> None:
    bodies = Bodies()
    merged = body_of(OLD | {"P": "2", "Q": "new"})
    old = body_of(OLD)
    entry = bodies.entry(merged, body_of(OLD | {"Q": "new"}), old, old)
    plan = build(1, [entry], bodies.means(Rules("sync")))
    assert [write.end for write in plan.actions[0].writes] == ["b"]


def test_one_way_changes_travel_as_the_very_bytes() -> None:
    bodies = Bodies()
    changed = b"P:2\r\nSUMMARY:Lunch\r\nUID:u\r\nX-NOISE:odd order\r\n"
    old = body_of(OLD)
    plan = build(1, [bodies.entry(changed, old, old, old)], bodies.means(Rules("sync")))
    assert plan.actions[0].writes[0].payload == digest(changed)


def test_deletions_withheld_say_why() -> None:
    bodies = Bodies()
    old = body_of(OLD)
    means = bodies.means(Rules("sync"), no_deletes="the listing was short")
    (action,) = build(1, [bodies.entry(None, old, old, old)], means).actions
    assert (action.kind, action.writes) == (Kind.KEEP, ())
    assert "the listing was short" in action.reason


def test_a_plan_is_json_and_names_items_by_their_summary() -> None:
    bodies = Bodies()
    old = body_of(OLD)
    plan = build(7, [bodies.entry(None, old, old, old)], bodies.means(Rules("sync")))
    value = json.loads(json.dumps(plan.as_json()))
    assert value["revision"] == 7
    assert value["counts"] == {"delete": 1}
    assert value["actions"][0]["label"] == "Lunch"


def test_a_label_takes_the_events_start_not_its_time_zones() -> None:
    body = (
        b"BEGIN:VTIMEZONE\r\nDTSTART:19700101T000000\r\nEND:VTIMEZONE\r\n"
        b"DTSTART;TZID=Europe/Berlin:20261122T120000\r\nSUMMARY:Lunch\r\n"
    )
    assert label_of(body) == "Lunch (20261122T120000)"


def test_names_are_the_same_in_every_run_and_safe_in_a_url() -> None:
    assert name_of("a/b ?", ".ics") == name_of("a/b ?", ".ics")
    assert len(name_of("a/b ?", ".ics")) == 36
    assert name_of("a/b ?", ".ics")[:32].isalnum()
