"""What a three-way merge leaves to decide, and the policies that decide it."""

from dataclasses import dataclass
from enum import Enum
from typing import Literal

SideName = Literal["base", "a", "b"]
Taken = Literal["a", "b", "both"]


class MergePolicy(Enum):
    """What becomes of a field that both sides changed to different values."""

    MERGE = "merge"  # the conflict stays, the body keeps the base's value
    A = "a"
    B = "b"
    NEWEST = "newest"  # the side with the later LAST-MODIFIED, DTSTAMP or REV
    BOTH = "both"  # both values where a property may stand twice; an edit beats a deletion


@dataclass(frozen=True, slots=True)
class FieldConflict:
    """A field that both sides changed, each to something else.

    An empty `property` is the whole component, an empty `component` the whole object. `base`, `a`
    and `b` are texts for people, None where there is nothing. `taken` is what the policy took,
    None where the conflict remains.
    """

    component: str
    property: str
    base: str | None
    a: str | None
    b: str | None
    taken: Taken | None = None


Texts = tuple[str | None, str | None, str | None]


def field_conflict(component: str, label: str, texts: Texts, taken: Taken | None) -> FieldConflict:
    """A conflict from the texts of base, A and B."""
    base, a, b = texts
    return FieldConflict(component, label, base, a, b, taken)


@dataclass(frozen=True, slots=True)
class Choice:
    """A policy with what it needs to know of the two objects: which is newer, if that is known."""

    policy: MergePolicy
    newest: Literal["a", "b"] | None = None

    def side(self) -> Literal["a", "b"] | None:
        """The side whose value is taken; None for neither."""
        if self.policy is MergePolicy.A:
            return "a"
        if self.policy is MergePolicy.B:
            return "b"
        return self.newest if self.policy is MergePolicy.NEWEST else None

    def side_of_deletion(self, *, deleted_by_a: bool) -> Literal["a", "b"] | None:
        """The same where one side edited what the other deleted."""
        if self.policy is MergePolicy.BOTH:
            return "b" if deleted_by_a else "a"
        return self.side()
