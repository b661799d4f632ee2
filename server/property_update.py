"""Applying the property instructions of PROPPATCH, MKCOL and MKCALENDAR to what is stored."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from davenport.dav import xml
from davenport.dav.name import DAV
from davenport.dav.precondition import Precondition, PreconditionError, StatusError
from davenport.dav.propfind import Instruction
from davenport.server.config import RequestLimits
from davenport.server.vocabulary import Vocabulary


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why one property cannot be set or removed."""

    status: int
    precondition: Precondition | None = None


NO_ROOM = Refusal(507)
# Whatever else is in the DAV: namespace is the server's to say, or not to say: a client that could
# set DAV:supportedlock would be told of locks that are not there.
_SETTABLE = {DAV("displayname"), DAV("getcontentlanguage")}


@dataclass(frozen=True, slots=True)
class Change:
    """A property and the whole element it is to be, None to remove it."""

    name: str
    source: str | None


@dataclass(frozen=True, slots=True)
class Update:
    """What instructions come to without regard to what is stored: changes in document order."""

    changes: Sequence[Change]
    refusals: Mapping[str, Refusal]

    @property
    def names(self) -> list[str]:
        """Every property that is named, once."""
        return list(dict.fromkeys(change.name for change in self.changes))


def prepare(
    instructions: Sequence[Instruction], limits: RequestLimits, vocabulary: Vocabulary
) -> Update:
    """Check and serialise what a request sets, before a transaction is begun for it."""
    changes: list[Change] = []
    refusals: dict[str, Refusal] = {}
    # Each element repeats the namespaces in scope, so a body can grow by its own length many times.
    room: int = limits.resource_property_bytes
    for instruction in instructions:
        source: str | None = None
        refusal = _refusal(instruction, vocabulary)
        if refusal is None and instruction.element is not None:
            source = xml.stored_element(instruction.element) if room >= 0 else ""
            size = len(source.encode())
            room -= size
            if size > limits.property_bytes or room < 0:
                refusal, source = NO_ROOM, ""
        if refusal is not None:
            refusals[instruction.name] = refusal
        changes.append(Change(instruction.name, source))
    return Update(changes, refusals)


def apply(update: Update, current: Mapping[str, str]) -> Mapping[str, str]:
    """The properties after the changes."""
    changed = dict(current)
    for change in update.changes:
        if change.source is None:
            changed.pop(change.name, None)
        else:
            changed[change.name] = change.source
    return changed


def fits(properties: Mapping[str, str], most: int) -> bool:
    """Whether these properties have at most `most` bytes together."""
    return sum(len(source.encode()) for source in properties.values()) <= most


def _refusal(instruction: Instruction, vocabulary: Vocabulary) -> Refusal | None:
    reserved = instruction.name.startswith(DAV("")) and instruction.name not in _SETTABLE
    if reserved or instruction.name in vocabulary.protected:
        return Refusal(403, Precondition.CANNOT_MODIFY_PROTECTED_PROPERTY)
    validator = vocabulary.validators.get(instruction.name)
    if validator is None or instruction.element is None:
        return None
    try:
        validator(instruction.element)
    except PreconditionError as error:
        return Refusal(error.status, error.precondition)
    except StatusError as error:
        return Refusal(error.status)
    return None
