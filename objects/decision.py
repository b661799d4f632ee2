"""What a merge decides about a unit, and what it looks at when it does."""

from collections.abc import Mapping
from dataclasses import dataclass

from davenport.objects.conflict import Choice, FieldConflict, SideName


@dataclass(frozen=True, slots=True)
class Decision:
    """The lines of `side` stand in the result.

    `written` is a new line, with its break, in place of the one of `side`; its labels are those
    of `labels`. `also` is a second side whose lines follow.
    """

    side: SideName
    written: str | None = None
    labels: SideName = "a"
    also: SideName | None = None
    conflicts: tuple[FieldConflict, ...] = ()


@dataclass(frozen=True, slots=True)
class Scene:
    """The texts of the three versions, the policy, and the component that is being merged:
    `place` is its name for people, `version` that of a vCard."""

    texts: Mapping[SideName, str]
    choice: Choice
    line_break: str
    place: str = ""
    version: str = ""
