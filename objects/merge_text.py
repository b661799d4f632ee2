"""Three-way merge of a text by its lines."""

import itertools
from collections import Counter
from collections.abc import Sequence
from difflib import SequenceMatcher

# The comparison takes time by the product of the line counts: longer texts are left to people.
_MOST_LINES = 1_000
_MOST_PAIRS = 50_000

Change = tuple[int, int, list[str]]


def merge_text(base: str, a: str, b: str) -> str | None:
    """`base` with the changes of both, or None where they touch the same or adjoining lines.

    Also None for a change among more than 1,000 lines, without the equal beginning and end, or
    among lines that are mostly the same one.
    """
    lines, ours, theirs = base.split("\n"), _changes(base, a), _changes(base, b)
    if ours is None or theirs is None:
        return None
    both = sorted([*ours, *(change for change in theirs if change not in ours)], key=_place)
    for one, other in itertools.pairwise(both):
        if other[0] <= one[1]:
            return None
    for start, end, new in reversed(both):
        lines[start:end] = new
    return "\n".join(lines)


def _place(change: Change) -> tuple[int, int]:
    return change[0], change[1]


def _changes(base: str, other: str) -> list[Change] | None:
    """Which lines of `base` are replaced by which."""
    old, new = base.split("\n"), other.split("\n")
    begin = _common(old, new)
    end = _common(old[begin:][::-1], new[begin:][::-1])
    old, new = old[begin : len(old) - end], new[begin : len(new) - end]
    if max(len(old), len(new)) > _MOST_LINES:
        return None
    counts = Counter(new)
    if sum(counts[line] for line in old) > _MOST_PAIRS:
        return None
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    return [
        (begin + start, begin + stop, new[first:last])
        for tag, start, stop, first, last in matcher.get_opcodes()
        if tag != "equal"
    ]


def _common(one: Sequence[str], other: Sequence[str]) -> int:
    """How many lines both begin with."""
    count = 0
    for left, right in zip(one, other, strict=False):
        if left != right:
            break
        count += 1
    return count
