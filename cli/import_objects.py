"""Brings the objects of files into a collection, as PUT would: checked, and byte for byte."""

import hashlib
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Protocol

from davenport.cli.target import EXTENSIONS
from davenport.dav.condition import etag_of
from davenport.dav.precondition import PreconditionError
from davenport.objects.index import Index
from davenport.objects.split import SplitObject, split_calendar, split_cards
from davenport.server.config import RequestLimits
from davenport.server.methods.put import check_body
from davenport.storage import collections, object_resources
from davenport.storage.database import Store, Transaction
from davenport.storage.model import Collection, CollectionKind, ObjectResource

SUFFIXES = {
    CollectionKind.CALENDAR: (".ics", ".ical", ".ifb", ".icalendar"),
    CollectionKind.ADDRESSBOOK: (".vcf", ".vcard"),
}
"""The files of a folder that are read for each kind of collection."""

_BATCH_OBJECTS = 200
_BATCH_BYTES = 4 * 1024 * 1024
_DEVICE = "import"
_PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+=-]{0,199}")


class Outcome(Enum):
    """What becomes of an object that can be stored."""

    ADDED = "added"
    REPLACED = "replaced"
    UNCHANGED = "unchanged"
    DIFFERS = "differs"


@dataclass(frozen=True, slots=True)
class Finding:
    """An object that was not stored: where it is and why."""

    file: Path
    line: int
    uid: str | None
    summary: str | None
    reason: str


@dataclass(slots=True)
class Summary:
    """What an import did, or would do."""

    counts: dict[Outcome, int] = field(default_factory=lambda: dict.fromkeys(Outcome, 0))
    differing: list[Finding] = field(default_factory=list)
    refused: list[Finding] = field(default_factory=list)


class Progress(Protocol):
    """Is told how many bytes of a file have been dealt with."""

    def advance(self, file: Path, size: int) -> None: ...


@dataclass(frozen=True, slots=True)
class Import:
    """Where to and how: `dry_run` stores nothing, `replace` overwrites objects that differ."""

    store: Store
    collection: Collection
    actor: str
    limits: RequestLimits
    dry_run: bool
    replace: bool


@dataclass(frozen=True, slots=True)
class _Checked:
    file: Path
    found: SplitObject
    index: Index
    etag: str


def import_into(order: Import, files: Sequence[Path], progress: Progress) -> Summary:
    """Import files in the given order; memory holds one batch, however large they are."""
    summary = Summary()
    # A dry run sees no writes, so it must know itself what came before in the same run.
    planned: dict[str, str] = {}
    batch: list[_Checked] = []
    size = 0
    for file in files:
        for checked in _read(order, file, summary, progress):
            batch.append(checked)
            size += len(checked.found.body)
            if len(batch) >= _BATCH_OBJECTS or size >= _BATCH_BYTES:
                _settle(order, batch, planned, summary)
                batch, size = [], 0
    _settle(order, batch, planned, summary)
    return summary


def object_name(uid: str, extension: str) -> str:
    """A resource name for a UID: the UID itself if it is a plain file name, else a hash of it."""
    if _PLAIN_NAME.fullmatch(uid):
        return uid + extension
    return hashlib.sha256(uid.encode("utf-8", "surrogatepass")).hexdigest()[:32] + extension


def _read(order: Import, file: Path, summary: Summary, progress: Progress) -> Iterator[_Checked]:
    """The acceptable objects of a file; the others go to the summary."""
    split = split_calendar
    if order.collection.kind is CollectionKind.ADDRESSBOOK:
        split = split_cards
    count = 0
    try:
        with file.open("rb") as opened:
            for found in split(opened):
                count += 1
                progress.advance(file, len(found.body))
                if found.problem is not None:
                    summary.refused.append(_finding(file, found, found.problem))
                    continue
                try:
                    index = check_body(found.body, order.collection, order.limits)
                except PreconditionError as error:
                    summary.refused.append(_finding(file, found, error.reason))
                    continue
                yield _Checked(file, found, index, etag_of(found.body))
    except OSError as error:
        reason = f"the file cannot be read: {error.strerror}"
        summary.refused.append(Finding(file, 1, None, None, reason))
        return
    if count == 0:
        kind = "iCalendar" if order.collection.kind is CollectionKind.CALENDAR else "vCard"
        summary.refused.append(Finding(file, 1, None, None, f"the file holds no {kind} object"))


def _finding(file: Path, found: SplitObject, reason: str) -> Finding:
    return Finding(file, found.line, found.uid, found.summary, reason)


def _settle(
    order: Import, batch: Sequence[_Checked], planned: dict[str, str], summary: Summary
) -> None:
    if not batch:
        return
    if order.dry_run:
        with order.store.read() as tx:
            outcomes = [_plan(tx, order, checked, planned) for checked in batch]
    else:
        outcomes = order.store.write(lambda tx: _write_all(tx, order, batch))
    for checked, outcome in zip(batch, outcomes, strict=True):
        summary.counts[outcome] += 1
        if outcome is Outcome.DIFFERS:
            reason = "another object with this UID is there already"
            summary.differing.append(_finding(checked.file, checked.found, reason))


def _compare(order: Import, etag: str | None, checked: _Checked) -> Outcome:
    if etag is None:
        return Outcome.ADDED
    if etag == checked.etag:
        return Outcome.UNCHANGED
    return Outcome.REPLACED if order.replace else Outcome.DIFFERS


def _plan(tx: Transaction, order: Import, checked: _Checked, planned: dict[str, str]) -> Outcome:
    uid = checked.index.uid
    etag = planned.get(uid)
    if etag is None:
        there = object_resources.by_uid(tx, order.collection.id, uid)
        etag = there.etag if there else None
    outcome = _compare(order, etag, checked)
    if outcome in {Outcome.ADDED, Outcome.REPLACED}:
        planned[uid] = checked.etag
    return outcome


def _write_all(tx: Transaction, order: Import, batch: Sequence[_Checked]) -> list[Outcome]:
    collections.lock(tx, order.collection.id)
    return [_write(tx, order, checked) for checked in batch]


def _write(tx: Transaction, order: Import, checked: _Checked) -> Outcome:
    there = object_resources.by_uid(tx, order.collection.id, checked.index.uid)
    outcome = _compare(order, there.etag if there else None, checked)
    if outcome in {Outcome.ADDED, Outcome.REPLACED}:
        object_resources.put(
            tx,
            order.collection.id,
            _free_name(tx, order, checked.index.uid, there),
            checked.index,
            checked.found.body,
            checked.etag,
            actor=order.actor,
            device=_DEVICE,
            now=int(time.time()),
        )
    return outcome


def _free_name(tx: Transaction, order: Import, uid: str, there: ObjectResource | None) -> str:
    """The name that the UID has, or one that no object of another UID has."""
    if there is not None:
        return there.name
    extension = EXTENSIONS[order.collection.kind]
    name = object_name(uid, extension)
    number = 1
    while object_resources.get(tx, order.collection.id, name) is not None:
        number += 1
        name = object_name(f"{uid} {number}", extension)
    return name
