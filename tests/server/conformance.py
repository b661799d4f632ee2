"""The corpus counts of docs/conformance.md, made from what each PUT was answered."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self
from xml.sax.saxutils import unescape

from tests.wire import Answer

BEGIN = "<!-- corpus: written by tests/server/test_corpus.py -->"
END = "<!-- end of corpus -->"
CLASSES = ("accept", "either", "unfit", "mended", "whole", "split", "refuse")


@dataclass(frozen=True, slots=True)
class Outcome:
    """One PUT: what was sent, and the status, precondition and reason it was answered with."""

    path: str
    source: str
    kind: str
    put: str
    status: int
    precondition: str
    reason: str

    @classmethod
    def of(cls, path: str, source: str, kind: str, put: str, answer: Answer) -> Self:
        """Read an answer; the reason is the comment beside the precondition."""
        names = sorted(name.rpartition("}")[2] for name in answer.preconditions())
        comment = re.search(rb"<!--(.*?)-->", answer.body, re.DOTALL)
        reason = comment.group(1).decode().strip() if comment and names else ""
        return cls(path, source, kind, put, answer.status, ", ".join(names), reason)

    @property
    def accepted(self) -> bool:
        return self.status in {201, 204}

    @property
    def refused_well(self) -> bool:
        return 400 <= self.status < 500 and bool(self.precondition)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; all columns but the first are numbers."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def share(outcomes: Sequence[Outcome]) -> str:
    """How many of these were accepted."""
    if not outcomes:
        return ""
    return f"{sum(outcome.accepted for outcome in outcomes)} of {len(outcomes)}"


def by_source(outcomes: Sequence[Outcome]) -> str:
    """Accepted objects of each source and class."""
    rows = []
    for source in (*sorted({outcome.source for outcome in outcomes}), ""):
        mine = [outcome for outcome in outcomes if source in {"", outcome.source}]
        rows.append(
            [source or "**all**"]
            + [share([outcome for outcome in mine if outcome.put == put]) for put in CLASSES]
        )
    return table(("source", *CLASSES), rows)


def by_precondition(outcomes: Sequence[Outcome]) -> str:
    """Refused objects of each precondition and class."""
    counts = Counter(
        (outcome.precondition, outcome.put) for outcome in outcomes if not outcome.accepted
    )
    names = sorted({name for name, _ in counts})
    rows = [[f"`{name}`", *(str(counts[name, put] or "") for put in CLASSES)] for name in names]
    return table(("refused with", *CLASSES), rows)


def by_reason(outcomes: Sequence[Outcome]) -> str:
    """Refused objects of each reason, what is particular to one object left out."""
    counts = Counter(
        (general(outcome.reason), outcome.put) for outcome in outcomes if not outcome.accepted
    )
    total = Counter[str]()
    for (reason, _), number in counts.items():
        total[reason] += number
    ordered = sorted(total, key=lambda reason: (-total[reason], reason))
    rows = [[reason, *(str(counts[reason, put] or "") for put in CLASSES)] for reason in ordered]
    return table(("reason", *CLASSES), rows)


_PARTICULAR = (
    (r"\".*\"|'.*'", "…"),
    (r"expected, found .*", "expected, found …"),
    (r"END:\S* where END:\S* was", "END:… where END:… was"),
    (r"BEGIN:\S* has no END", "BEGIN:… has no END"),
    (r"\(got .*\)|BYDAY=\S+", "…"),
    (r"\S+ holds the UID", "… holds the UID"),
    (r"U\+[0-9A-F]+", "…"),
    (r"line \d+: ", ""),
    (r"\|", r"\\|"),
)


def general(reason: str) -> str:
    """A reason without the lines, names and values of one object."""
    text = unescape(reason, {"&quot;": '"'})
    for pattern, replacement in _PARTICULAR:
        text = re.sub(pattern, replacement, text)
    return text


def section(outcomes: Sequence[Outcome]) -> str:
    """The whole section between its two marks."""
    return "\n\n".join(
        (
            BEGIN,
            "Accepted objects by source and class:",
            by_source(outcomes),
            "Refused objects by precondition:",
            by_precondition(outcomes),
            "Refused objects by reason (`…` stands for what differs from object to object):",
            by_reason(outcomes),
            END,
        )
    )


def replaced(text: str, current: str) -> str:
    """A page with its section put in anew; raises ValueError when the marks are missing."""
    start, end = text.index(BEGIN), text.index(END) + len(END)
    return text[:start] + current + text[end:]
