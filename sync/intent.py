"""Write-ahead intents: each request that changes a side is on record before it is sent."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from davenport.sync.plan import Action, End
from davenport.sync.state import State


class Stage(StrEnum):
    """How far a request is; the last three end it, `done` with its item's bases moved."""

    PLANNED = "planned"
    SENT = "sent"
    UNKNOWN = "unknown"
    ACKED = "acked"
    VERIFIED = "verified"
    DONE = "done"
    STALE = "stale"
    FAILED = "failed"


OPEN = (Stage.PLANNED, Stage.SENT, Stage.UNKNOWN, Stage.ACKED, Stage.VERIFIED)


@dataclass(frozen=True, slots=True)
class Intent:
    """One request. `other_*` is what the other side held when it was decided: what both sides
    agree on once this one has landed, unless that side is written by the same action."""

    id: int
    run: int
    action: int
    key: str
    end: End
    op: str
    href: str
    precondition: str
    old_sha: str | None
    payload: str | None
    item: int | None
    other_href: str | None
    other_sha: str | None
    stage: Stage
    tries: int
    written_href: str | None
    written_etag: str | None
    answered: bool


_COLUMNS = (
    "id, run, action, key, side, op, href, precondition, old_sha, payload, item, other_href,"
    " other_sha, state, tries, written_href, written_etag, note"
)


def record(state: State, collection: int, run: int, number: int, action: Action) -> None:
    """Record the writes of an action as planned."""
    for write in action.writes:
        own, other = (action.a, action.b) if write.end == "a" else (action.b, action.a)
        old = own.version.sha if own is not None and write.op != "create" else None
        state.insert(
            "intent",
            collection=collection,
            run=run,
            action=number,
            key=action.key,
            side=write.end,
            op=write.op,
            href=write.href,
            precondition=write.etag,
            old_sha=old,
            payload=write.payload,
            item=action.item,
            other_href=other.href if other else None,
            other_sha=other.version.sha if other else None,
            state=Stage.PLANNED.value,
        )


def unfinished(state: State, collection: int) -> list[Intent]:
    """The intents of a collection that are not at an end, oldest first."""
    marks = ", ".join(f"'{stage.value}'" for stage in OPEN)
    rows = state.all(
        f"SELECT {_COLUMNS} FROM intent"  # noqa: S608 - constants
        f" WHERE collection = :collection AND state IN ({marks}) ORDER BY id",
        collection=collection,
    )
    return [_intent(row) for row in rows]


def next_action(state: State, run: int) -> int:
    """A number that no action of the run has."""
    row = state.one("SELECT coalesce(max(action), 0) + 1 FROM intent WHERE run = :run", run=run)
    return int(row[0])


def whole(state: State, intent: Intent) -> bool:
    """Whether no write of the intent's action was given up."""
    row = state.one(
        "SELECT count(*) FROM intent"
        " WHERE run = :run AND action = :action AND state IN ('stale', 'failed')",
        run=intent.run,
        action=intent.action,
    )
    return int(row[0]) == 0


def advance(state: State, intent: Intent, stage: Stage, note: str | None = None) -> None:
    """Record how far an intent is, and why where it failed."""
    state.execute(
        "UPDATE intent SET state = :stage, tries = tries + (:stage = 'sent'),"
        " note = coalesce(:note, note) WHERE id = :id",
        id=intent.id,
        stage=stage.value,
        note=note,
    )


def acknowledge(
    state: State, intent: Intent, href: str, etag: str | None, *, answered: bool
) -> None:
    """Record where a write landed; `answered` by the side itself, not found out by reading."""
    state.execute(
        "UPDATE intent SET state = 'acked', written_href = :href, written_etag = :etag,"
        " note = :note WHERE id = :id",
        id=intent.id,
        href=href,
        etag=etag,
        note="answered" if answered else "found by reading",
    )


def _intent(row: tuple[Any, ...]) -> Intent:
    *before, stage, tries, href, etag, note = row
    return Intent(*(*before, Stage(stage), tries, href, etag, note == "answered"))
