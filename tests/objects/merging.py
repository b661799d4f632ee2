"""Building the three versions of an object for the tests of merging."""

from davenport.objects.merge import MERGE, Merged, MergePolicy, merge
from tests.objects.sample import calendar, card, wrapped

Lines = tuple[str, ...]


def event(*lines: str, kind: str = "VEVENT") -> bytes:
    """A component of one UID with `lines`."""
    return calendar("DTSTAMP:20250101T000000Z", *lines, kind=kind)


def contact(*lines: str, version: str = "3.0") -> bytes:
    """A card of one UID with `lines`."""
    return card("UID:u", *lines, version=version)


def series(*parts: Lines) -> bytes:
    """Events of one UID: a master and its overrides."""
    lines = [line for part in parts for line in ("BEGIN:VEVENT", "UID:u", *part, "END:VEVENT")]
    return wrapped(*lines)


def lines_of(body: bytes) -> list[str]:
    """The unfolded lines of a body, sorted."""
    return sorted(body.decode().replace("\r\n ", "").splitlines())


def merged(
    base: bytes, a: bytes, b: bytes, policy: MergePolicy = MERGE, *, conflicts: int = 0
) -> list[str]:
    """The lines of the result, which has so many open conflicts."""
    result = merge(base, a, b, policy)
    assert len(result.unresolved) == conflicts, result.conflicts
    return lines_of(result.body)


def open_conflict(result: Merged) -> tuple[str, str, str | None, str | None, str | None]:
    """The only conflict, which is open."""
    (conflict,) = result.unresolved
    return conflict.component, conflict.property, conflict.base, conflict.a, conflict.b
