"""Applying the property instructions of PROPPATCH, MKCOL and MKCALENDAR to what is stored."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from davenport.dav import xml
from davenport.dav.precondition import Precondition, PreconditionError, StatusError
from davenport.dav.propfind import Instruction
from davenport.server.config import RequestLimits
from davenport.server.vocabulary import Vocabulary


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why one property cannot be set or removed."""

    status: int
    precondition: Precondition | None = None


@dataclass(frozen=True, slots=True)
class Update:
    """Instructions in document order."""

    instructions: Sequence[Instruction]
    limits: RequestLimits
    vocabulary: Vocabulary


def apply(
    update: Update, current: Mapping[str, str]
) -> tuple[Mapping[str, str], Mapping[str, Refusal]]:
    """The properties after the instructions, and what stands against them by Clark name."""
    changed = dict(current)
    refusals: dict[str, Refusal] = {}
    for instruction in update.instructions:
        refusal = _refusal(instruction, update)
        if refusal is not None:
            refusals[instruction.name] = refusal
        elif instruction.element is None:
            changed.pop(instruction.name, None)
        else:
            changed[instruction.name] = xml.stored_element(instruction.element)
            if len(changed[instruction.name].encode()) > update.limits.property_bytes:
                refusals[instruction.name] = Refusal(507)
    if sum(len(source) for source in changed.values()) > update.limits.resource_property_bytes:
        refusals.update((instruction.name, Refusal(507)) for instruction in update.instructions)
    return changed, refusals


def _refusal(instruction: Instruction, update: Update) -> Refusal | None:
    if instruction.name in update.vocabulary.protected:
        return Refusal(403, Precondition.CANNOT_MODIFY_PROTECTED_PROPERTY)
    validator = update.vocabulary.validators.get(instruction.name)
    if validator is None or instruction.element is None:
        return None
    try:
        validator(instruction.element)
    except PreconditionError as error:
        return Refusal(error.status, error.precondition)
    except StatusError as error:
        return Refusal(error.status)
    return None
