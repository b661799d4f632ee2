"""The corpus: every file is accepted, refused or split as its manifest demands."""

import csv
import io
from collections import Counter
from dataclasses import dataclass
from functools import cache
from typing import Any

from davenport.dav.filter import CompFilter, TimeRange
from davenport.dav.precondition import PreconditionError
from davenport.objects.calendar import CalendarObject, read_calendar_object
from davenport.objects.card import AddressObject, read_address_object
from davenport.objects.index import index_address_object, index_calendar_object
from davenport.objects.join import join_calendars, join_cards
from davenport.objects.match import matches_calendar
from davenport.objects.split import SplitObject, split_calendar, split_cards
from tests.objects.expansion import CORPUS, needs_corpus

pytestmark = needs_corpus

WINDOWS = [
    (1_262_304_000, 1_293_840_000),
    (1_700_000_000, 1_700_604_800),
    (4_000_000_000, None),
    (None, 0),
]


@dataclass(frozen=True)
class File:
    """A row of the manifest with its bytes."""

    path: str
    kind: str
    put: str
    body: bytes


@cache
def files() -> tuple[File, ...]:
    with (CORPUS / "manifest.tsv").open(newline="") as manifest:
        rows = list(csv.DictReader(manifest, delimiter="\t"))
    return tuple(
        File(row["path"], row["kind"], row["put"], (CORPUS / row["path"]).read_bytes())
        for row in rows
    )


def read(file: File, body: bytes) -> CalendarObject | AddressObject:
    return read_address_object(body) if file.kind == "vcf" else read_calendar_object(body)


def reason_of_refusal(file: File) -> PreconditionError | None:
    try:
        read(file, file.body)
    except PreconditionError as error:
        return error
    return None


def split(file: File) -> list[SplitObject]:
    source = io.BytesIO(file.body)
    return list(split_cards(source) if file.kind == "vcf" else split_calendar(source))


def test_what_a_server_should_accept_is_accepted():
    refused = {file.path: reason_of_refusal(file) for file in files() if file.put == "accept"}
    assert len(refused) > 380
    assert {path: error.reason for path, error in refused.items() if error} == {}


def test_what_a_server_should_refuse_or_split_is_refused():
    answers = {
        file.path: reason_of_refusal(file) for file in files() if file.put in ("refuse", "split")
    }
    assert len(answers) > 380
    assert [path for path, error in answers.items() if error is None] == []


def category(error: PreconditionError | None) -> str:
    """Why a single object is refused: by a rule that leaves no choice, or by our judgement."""
    if error is None:
        return "accepted"
    for rule in ("METHOD", "no UID", "supported"):
        if rule in error.reason or rule.upper() in error.precondition.name:
            return rule
    return "judged"


def test_of_what_leaves_a_choice_most_is_accepted():
    # RFC 4791 §4.1 and RFC 6352 §5.1 forbid METHOD and a missing UID, and only iCalendar 2.0,
    # vCard 3.0 and 4.0 are supported: these leave no choice and are counted apart.
    counts = Counter(category(reason_of_refusal(file)) for file in files() if file.put == "either")
    assert counts["METHOD"] < 180
    assert counts["no UID"] < 200
    assert counts["accepted"] / (counts["accepted"] + counts["judged"]) >= 0.90, counts


def test_an_importer_gets_nearly_everything_in():
    counts: Counter[Any] = Counter()
    for file in files():
        if file.put not in ("either", "split"):
            continue
        for found in split(file):
            if found.problem is not None:
                counts["problem"] += 1
                continue
            try:
                counts["accepted"] += read(file, found.body).uid == found.uid
            except PreconditionError:
                counts["refused"] += 1
    assert counts["accepted"] > 6_500
    assert counts["accepted"] / counts.total() >= 0.93, counts


def test_a_single_valid_object_is_imported_byte_for_byte_and_importing_is_repeatable():
    for file in files():
        if file.kind == "none":
            continue
        found = split(file)
        assert found == split(file)
        if file.put == "accept":
            assert [part.body for part in found] == [file.body], file.path


def test_index_and_match_hold_for_all_that_is_accepted():
    seen = 0
    for file in files():
        for found in split(file) if file.kind != "none" else []:
            if found.problem is not None:
                continue
            try:
                accepted = read(file, found.body)
            except PreconditionError:
                continue
            seen += 1
            if isinstance(accepted, AddressObject):
                assert index_address_object(accepted).uid == accepted.uid
                continue
            index = index_calendar_object(accepted)
            for start, end in WINDOWS:
                window = CompFilter(accepted.component, time_range=TimeRange(start, end))
                whole = CompFilter("VCALENDAR", comp_filters=(window,))
                if matches_calendar(accepted, whole, "Pacific/Kiritimati"):
                    assert index.starts is None or end is None or index.starts < end, file.path
                    assert index.ends is None or start is None or index.ends > start, file.path
    assert seen > 6_800


def test_everything_exported_is_imported_again():
    calendars, cards = [], []
    for file in files():
        if file.put == "accept":
            (cards if file.kind == "vcf" else calendars).append(file)
    joined = b"".join(join_calendars((file.body for file in calendars), "All", None))
    expected = {read(file, file.body).uid for file in calendars}
    parts = list(split_calendar(io.BytesIO(joined)))
    assert {found.uid for found in parts if found.problem is None} == expected
    problems = {found.problem for found in parts} - {None}
    assert problems == {"X-UNKNOWN is no calendar component"}  # belongs to no UID
    joined = b"".join(join_cards(file.body for file in cards))
    assert [found.uid for found in split_cards(io.BytesIO(joined))] == [
        read(file, file.body).uid for file in cards
    ]
