"""Reading stored bodies back: one that cannot be interpreted is left out, never an error."""

from collections.abc import Callable
from typing import TypeVar

from davenport.dav.precondition import PreconditionError
from davenport.objects.limits import Limits

T = TypeVar("T")


def interpret(read: Callable[[bytes, Limits], T], body: bytes, limits: Limits) -> T | None:
    """The parsed object, or None where this version cannot read what an earlier one stored."""
    try:
        return read(body, limits)
    except PreconditionError:
        return None
