"""Address object resources: reading and checking one (RFC 6352 §5.1, RFC 2426, RFC 6350)."""

from dataclasses import dataclass

from davenport.dav.precondition import Precondition, PreconditionError
from davenport.objects.contentline import (
    Component,
    ContentLineError,
    decode,
    line_number,
    read_components,
    unescape_text,
)
from davenport.objects.limits import Limits

VERSIONS = ("3.0", "4.0")

_DEFAULT_LIMITS = Limits()
_DATA = Precondition.VALID_ADDRESS_DATA


@dataclass(frozen=True, slots=True)
class AddressObject:
    """An address object resource: its UID, its vCard version, VCARD, and the text whose offsets
    the card holds."""

    uid: str
    version: str
    card: Component
    text: str


def read_address_object(body: bytes, limits: Limits = _DEFAULT_LIMITS) -> AddressObject:
    """Read and check `body`.

    A missing FN, N or VERSION (then taken as 3.0, RFC 6352 §5.1) is accepted: clients show such
    a card by its other properties. Raises
    PreconditionError with VALID_ADDRESS_DATA or SUPPORTED_ADDRESS_DATA and a readable reason.
    """
    try:
        text = decode(body)
        roots = read_components(text, limits)
    except ContentLineError as error:
        raise PreconditionError(_unread(body), str(error)) from None
    if len(roots) != 1 or roots[0].name != "VCARD":
        found = ", ".join(root.name for root in roots[:3]) or "nothing"
        raise PreconditionError(_DATA, f"one VCARD was expected, found {found}")
    card = roots[0]
    version = card.first("VERSION")
    number = version.value.strip() if version is not None else "3.0"
    if version is not None and number not in VERSIONS:
        raise _refusal(
            Precondition.SUPPORTED_ADDRESS_DATA,
            text,
            version.start,
            f"VERSION is {number[:20]!r}, only vCard 3.0 and 4.0 are supported",
        )
    return AddressObject(_uid(card, text, limits), number, card, text)


def _uid(card: Component, text: str, limits: Limits) -> str:
    lines = card.all("UID")
    if len(lines) != 1 or not lines[0].value.strip():
        reason = f"VCARD has {'no' if len(lines) < 2 else 'more than one'} UID"
        raise _refusal(_DATA, text, card.start, reason)
    uid = unescape_text(lines[0].value.strip())
    if len(uid.encode()) > limits.max_uid_length:
        reason = f"the UID is longer than {limits.max_uid_length} bytes"
        raise _refusal(_DATA, text, lines[0].start, reason)
    return uid


def _unread(body: bytes) -> Precondition:
    """vCard 2.1 wraps quoted-printable in a way that is no content line; say what it is."""
    head = body[:512].upper().replace(b" ", b"")
    return Precondition.SUPPORTED_ADDRESS_DATA if b"VERSION:2.1" in head else _DATA


def _refusal(precondition: Precondition, text: str, offset: int, reason: str) -> PreconditionError:
    return PreconditionError(precondition, f"line {line_number(text, offset)}: {reason}")
