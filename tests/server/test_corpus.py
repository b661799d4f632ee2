"""Every object of the corpus by PUT into the server, and what it does to its collection.

The corpus holds other projects' files and is not part of a clone: its place is DAVENPORT_CORPUS
(default: `../shared/corpus` beside the project). With DAVENPORT_WRITE_CONFORMANCE=1 the counts in
docs/conformance.md are written anew instead of compared.
"""

import csv
import io
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

import pytest

from davenport.objects.split import split_calendar, split_cards
from tests.accounts import stage
from tests.server.conformance import Outcome, replaced, section
from tests.wire import CALDAV, CARDDAV, DAV, Answer, Wire, multiget_body, propfind, sync

ROOT = Path(__file__).resolve().parents[2]
CORPUS = Path(os.environ.get("DAVENPORT_CORPUS", ROOT.parent / "shared" / "corpus"))
CONFORMANCE = ROOT / "docs" / "conformance.md"
SLOWEST = 10.0  # seconds for one request; an ordinary one takes a thousandth of that
MUST_ACCEPT = 0.85  # of what may be accepted or refused
# The manifest would have these accepted or refused, but RFC 4791 §4.1, §5.3.2.1 and RFC 6352 §5.1
# forbid METHOD, no UID and other formats. An import mends them and stores what they hold.
UNFIT = {"method", "no-uid", "vcal1.0", "vcard2.1", "non-utf8"}
# The classes whose files an import splits or mends, and the class under which that is counted.
IMPORTED = {"whole": "split", "unfit": "mended"}

pytestmark = pytest.mark.skipif(
    not (CORPUS / "manifest.tsv").is_file(), reason=f"no corpus at {CORPUS} (DAVENPORT_CORPUS)"
)


@dataclass(frozen=True, slots=True)
class Case:
    """A file of the corpus: what it is and what a PUT of it as a whole should bring."""

    path: str
    source: str
    kind: str
    put: str
    flags: frozenset[str]

    @property
    def body(self) -> bytes:
        return (CORPUS / self.path).read_bytes()

    @property
    def row(self) -> str:
        """The class under which its PUT is counted."""
        if self.put == "split":
            return "whole"
        return "unfit" if self.put == "either" and self.flags & UNFIT else self.put


def cases() -> list[Case]:
    """The manifest; files that are neither iCalendar nor vCard are put as calendar data."""
    with (CORPUS / "manifest.tsv").open(newline="", encoding="utf-8") as manifest:
        return [
            Case(
                row["path"],
                row["source"],
                "vcf" if row["kind"] == "vcf" else "ics",
                row["put"],
                frozenset(filter(None, row["flags"].split(","))),
            )
            for row in csv.DictReader(manifest, delimiter="\t", quoting=csv.QUOTE_NONE)
        ]


def pieces(case: Case) -> list[bytes]:
    """What an importer would store of a file with several objects."""
    split = split_cards if case.kind == "vcf" else split_calendar
    return [piece.body for piece in split(io.BytesIO(case.body)) if piece.problem is None]


class Collections:
    """Makes a collection for each file, puts objects into it and looks whether it still works."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.slowest = (0.0, "")
        self.broken: list[str] = []
        self.altered: list[str] = []
        self.empty: set[str] = set()

    def ask(
        self, method: str, path: str, body: bytes | str = b"", depth: str | None = None
    ) -> Answer:
        """One request, its time noted."""
        began = time.perf_counter()
        headers = {} if depth is None else {"Depth": depth}
        answer = self.wire.request(method, path, body, headers)
        self.slowest = max(self.slowest, (time.perf_counter() - began, f"{method} {body[:200]!r}"))
        return answer

    def put(self, case: Case, put: str, bodies: list[bytes]) -> Iterator[Outcome]:
        """PUT the bodies into an empty collection, and drop it if any of them went in."""
        cards = case.kind == "vcf"
        folder = "/dav/addressbooks/ann/corpus/" if cards else "/dav/calendars/ann/corpus/"
        if folder not in self.empty:
            made = self.ask(
                *(("MKCOL", folder, _BOOK) if cards else ("MKCALENDAR", folder, _CALENDAR))
            )
            assert made.status == 201, made.body
            self.empty.add(folder)
        kept: dict[str, bytes] = {}
        for number, body in enumerate(bodies):
            name = f"{folder}{number}.{case.kind}"
            answer = self.ask("PUT", name, body)
            if answer.status in {201, 204}:
                kept[name] = body
                got = self.ask("GET", name)
                if (got.status, got.body, got.header("ETag")) != (200, body, answer.etag):
                    self.altered.append(f"{case.path} [{number}]")
            yield Outcome.of(case.path, case.source, case.kind, put, answer)
        self.look(case, folder, kept)
        if kept:
            assert self.ask("DELETE", folder).status == 204
            self.empty.remove(folder)

    def look(self, case: Case, folder: str, kept: dict[str, bytes]) -> None:
        """PROPFIND, sync, multiget and queries of the collection: each answers, and for all
        members."""
        expected = sorted(kept)
        listed = propfind(self.wire, folder, f"{DAV}getetag", depth="1").hrefs
        if sorted(unquote(href) for href in listed if href != folder) != expected:
            self.broken.append(f"{case.path}: PROPFIND lists {listed}")
        if sorted(sync(self.wire, folder).hrefs) != expected:
            self.broken.append(f"{case.path}: sync-collection")
        if not kept:
            return
        cards = case.kind == "vcf"
        self.multiget(case, folder, kept)
        for query in _CARD_QUERIES if cards else _CALENDAR_QUERIES:
            answer = self.ask("REPORT", folder, query, "1")
            if answer.status != 207 or not set(answer.multistatus().hrefs) <= set(kept):
                self.broken.append(f"{case.path}: {answer.status} {answer.body[:200]!r} to {query}")

    def multiget(self, case: Case, folder: str, kept: dict[str, bytes]) -> None:
        """Every object comes back in a multiget, its line ends aside as it was put."""
        cards = case.kind == "vcf"
        name = f"{CARDDAV}address-data" if cards else f"{CALDAV}calendar-data"
        answer = self.ask("REPORT", folder, multiget_body(sorted(kept), cards=cards))
        for member in answer.multistatus():
            sent = kept[unquote(member.href)].decode("utf-8")
            if _lines(member.text(name)) != _lines(sent.translate(_NOT_IN_XML)):
                self.altered.append(f"{case.path} in multiget")


# XML 1.0 has no form for these two: only GET can give them back.
_NOT_IN_XML = {0xFFFE: "\ufffd", 0xFFFF: "\ufffd"}


def _lines(text: str) -> list[str]:
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


_BOOK = (
    '<d:mkcol xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:carddav"><d:set><d:prop>'
    "<d:resourcetype><d:collection/><c:addressbook/></d:resourcetype></d:prop></d:set></d:mkcol>"
)
_CALENDAR = (
    '<c:mkcalendar xmlns:c="urn:ietf:params:xml:ns:caldav" xmlns:d="DAV:"><d:set><d:prop>'
    "<c:supported-calendar-component-set>"
    '<c:comp name="VEVENT"/><c:comp name="VTODO"/><c:comp name="VJOURNAL"/>'
    '<c:comp name="VFREEBUSY"/><c:comp name="VAVAILABILITY"/>'
    "</c:supported-calendar-component-set></d:prop></d:set></c:mkcalendar>"
)


def _calendar_query(inside: str) -> str:
    return (
        '<c:calendar-query xmlns:c="urn:ietf:params:xml:ns:caldav" xmlns:d="DAV:"><d:prop>'
        "<d:getetag/>"
        f'</d:prop><c:filter><c:comp-filter name="VCALENDAR">{inside}</c:comp-filter></c:filter>'
        "</c:calendar-query>"
    )


def _card_query(inside: str) -> str:
    return (
        '<c:addressbook-query xmlns:c="urn:ietf:params:xml:ns:carddav" xmlns:d="DAV:"><d:prop>'
        f'<d:getetag/></d:prop><c:filter test="anyof">{inside}</c:filter></c:addressbook-query>'
    )


_RANGE = '<c:time-range start="19970101T000000Z" end="20300101T000000Z"/>'
_CALENDAR_QUERIES = (
    _calendar_query(f'<c:comp-filter name="VEVENT">{_RANGE}</c:comp-filter>'),
    _calendar_query(f'<c:comp-filter name="VTODO">{_RANGE}</c:comp-filter>'),
    _calendar_query(
        '<c:comp-filter name="VEVENT"><c:time-range start="20400101T000000Z" '
        'end="20400201T000000Z"/>'
        "</c:comp-filter>"
    ),
    _calendar_query(
        '<c:comp-filter name="VEVENT"><c:prop-filter name="UID"><c:text-match>a</c:text-match>'
        "</c:prop-filter></c:comp-filter>"
    ),
)
_CARD_QUERIES = (
    _card_query('<c:prop-filter name="FN"/>'),
    _card_query(
        '<c:prop-filter name="FN"><c:text-match>a</c:text-match></c:prop-filter>'
        '<c:prop-filter name="EMAIL"><c:text-match>a</c:text-match></c:prop-filter>'
    ),
)


@dataclass(frozen=True, slots=True)
class Run:
    """What one run over the corpus brought."""

    outcomes: tuple[Outcome, ...]
    collections: Collections

    def of(self, put: str) -> list[Outcome]:
        """The outcomes of one class."""
        return [outcome for outcome in self.outcomes if outcome.put == put]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Put every file as it is."""
    with stage(tmp_path_factory.mktemp("corpus"), ("ann",)) as running:
        collections = Collections(running.alice)
        outcomes = [
            outcome for case in cases() for outcome in collections.put(case, case.row, [case.body])
        ]
    return Run(tuple(outcomes), collections)


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Put the objects that an import makes of the files that cannot be put as they are."""
    with stage(tmp_path_factory.mktemp("imported"), ("ann",)) as running:
        collections = Collections(running.alice)
        outcomes = [
            outcome
            for case in cases()
            if case.row in IMPORTED
            for outcome in collections.put(case, IMPORTED[case.row], pieces(case))
        ]
    return Run(tuple(outcomes), collections)


def assert_unharmed(run: Run) -> None:
    """No fault, no wait, nothing altered, no collection broken, every refusal explained."""
    assert [outcome for outcome in run.outcomes if outcome.status >= 500] == []
    assert run.collections.slowest[0] < SLOWEST, run.collections.slowest
    assert run.collections.altered == []
    assert run.collections.broken == []
    refusals = [outcome for outcome in run.outcomes if not outcome.accepted]
    assert [outcome for outcome in refusals if not outcome.refused_well] == []


def accepted_share(outcomes: list[Outcome]) -> float:
    """How much of these was accepted, from 0 to 1."""
    return sum(outcome.accepted for outcome in outcomes) / len(outcomes)


def test_no_file_does_harm(run: Run) -> None:
    assert_unharmed(run)


def test_valid_objects_are_accepted(run: Run) -> None:
    assert len(run.of("accept")) > 300
    assert [outcome for outcome in run.of("accept") if not outcome.accepted] == []


@pytest.mark.parametrize("row", ["refuse", "whole", "unfit"])
def test_what_must_not_be_stored_is_refused(run: Run, row: str) -> None:
    assert len(run.of(row)) > 100
    assert [outcome for outcome in run.of(row) if not outcome.refused_well] == []


def test_most_sloppy_objects_are_accepted(run: Run) -> None:
    assert accepted_share(run.of("either")) >= MUST_ACCEPT


@pytest.mark.slow
def test_no_imported_object_does_harm(imported: Run) -> None:
    assert len(imported.outcomes) > 5000
    assert_unharmed(imported)


@pytest.mark.slow
@pytest.mark.parametrize("row", ["split", "mended"])
def test_most_imported_objects_are_accepted(imported: Run, row: str) -> None:
    assert accepted_share(imported.of(row)) >= MUST_ACCEPT


@pytest.mark.slow
def test_the_counts_in_the_documentation_are_current(run: Run, imported: Run) -> None:
    text = CONFORMANCE.read_text(encoding="utf-8")
    current = replaced(text, section(run.outcomes + imported.outcomes))
    if os.environ.get("DAVENPORT_WRITE_CONFORMANCE"):
        CONFORMANCE.write_text(current, encoding="utf-8")
    else:
        assert current == text, "run this module with DAVENPORT_WRITE_CONFORMANCE=1 and look"
