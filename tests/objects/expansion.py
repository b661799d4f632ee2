"""The published recurrence cases of other projects: rules with the instances they expect."""

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
CORPUS = Path(os.environ.get("DAVENPORT_CORPUS", PROJECT.parent / "shared" / "corpus"))

needs_corpus = pytest.mark.skipif(
    not CORPUS.is_dir(), reason="the corpus (DAVENPORT_CORPUS) is not on this machine"
)


@dataclass(frozen=True)
class Case:
    """A rule with what a source expects of it; `complete` False: only the first ones are listed."""

    source: str
    rule: str
    dtstart: str
    expected: tuple[str, ...]
    complete: bool = True
    refused: bool = False


def cases() -> Iterator[Case]:
    """All cases of libical, ical.net, ical.js and dateutil that are one rule."""
    folder = CORPUS / "expansion"
    yield from _blocks("libical", folder / "libical-icalrecur.txt")
    yield from _blocks("ical.net", folder / "icalnet-recurrence-cases.txt")
    yield from _listed("ical.js", folder / "icaljs-recur.json")
    yield from _listed("dateutil", folder / "dateutil-rrule.json")


def _blocks(source: str, path: Path) -> Iterator[Case]:
    for block in re.split(r"\n\s*\n", path.read_text("utf-8-sig")):
        found = dict(re.findall(r"^([A-Z-]+):(.*)$", block, re.MULTILINE))
        if "RRULE" not in found or "START-AT" in found:
            continue
        refused = "EXCEPTION" in found
        expected = tuple(part for part in found.get("INSTANCES", "").split(",") if part)
        if refused or expected or "INSTANCES" in found:
            # libical cuts unbounded rules off
            bounded = "COUNT" in found["RRULE"] or "UNTIL" in found["RRULE"]
            yield Case(source, found["RRULE"], found.get("DTSTART", ""), expected, bounded, refused)


def _listed(source: str, path: Path) -> Iterator[Case]:
    for entry in json.loads(path.read_text()):
        if "rrule" in entry and entry.get("dtstart"):
            yield Case(
                source,
                entry["rrule"],
                entry["dtstart"],
                tuple(entry["expected"]),
                entry.get("complete", True),
            )
