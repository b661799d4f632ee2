"""Passwords: prepared as RFC 8265's OpaqueString, hashed with argon2id (RFC 9106), generated."""

import re
import secrets
import unicodedata
from dataclasses import dataclass

import bcrypt
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.profiles import RFC_9106_LOW_MEMORY

HASHER = PasswordHasher.from_parameters(RFC_9106_LOW_MEMORY)
MAX_PASSWORD_BYTES = 1024
"""Longer ones are refused before they are hashed."""

_BCRYPT_MAX_BYTES = 72
_BCRYPT = re.compile(r"\$2[aby]\$(?:0[4-9]|1\d|2[0-4])\$[./A-Za-z0-9]{53}")
_ARGON2 = re.compile(r"\$argon2(?:id|i|d)\$v=\d+\$m=\d{1,7},t=\d{1,3},p=\d{1,3}\$[^$]+\$[^$]+")
# Crockford's alphabet without what is misread: 32 signs, five bits each.
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_MISREAD = str.maketrans("ilo", "110")
_GROUP = 5
_APP_PASSWORD = re.compile(rf"[{_ALPHABET}]{{{5 * _GROUP}}}")


class PasswordError(Exception):
    """The password cannot be used; the message says why and never holds it."""


@dataclass(frozen=True, slots=True)
class NewAppPassword:
    """An app password, once: `text` to show its owner, `secret_hash` to store."""

    text: str
    secret_hash: str


def prepare_password(text: str) -> str:
    """The form that is hashed: NFC, every space a plain one.

    Raises PasswordError when it is empty, too long or holds control characters.
    """
    spaced = "".join(" " if unicodedata.category(sign) == "Zs" else sign for sign in text)
    prepared = unicodedata.normalize("NFC", spaced)
    if not prepared:
        raise PasswordError("a password cannot be empty")
    if len(prepared.encode("utf-8", "surrogatepass")) > MAX_PASSWORD_BYTES:
        raise PasswordError(f"a password has at most {MAX_PASSWORD_BYTES} bytes")
    if any(unicodedata.category(sign) in {"Cc", "Cs"} for sign in prepared):
        raise PasswordError("a password has no control characters")
    return prepared


def hash_password(text: str, hasher: PasswordHasher = HASHER) -> str:
    """The argon2id hash to store; raises PasswordError. Takes tens of milliseconds and 64 MiB."""
    return hasher.hash(prepare_password(text))


def verify_password(stored: str, text: str) -> bool:
    """Whether `text` is the password of an argon2 or bcrypt hash. Takes tens of milliseconds.

    bcrypt sees 72 bytes only: a longer password never matches, rather than its beginning.
    """
    try:
        prepared = prepare_password(text)
    except PasswordError:
        return False
    if stored.startswith("$argon2"):
        try:
            return HASHER.verify(stored, prepared)
        except (VerificationError, InvalidHashError):
            return False
    encoded = prepared.encode()
    if len(encoded) > _BCRYPT_MAX_BYTES:
        return False
    return bcrypt.checkpw(encoded, stored.encode("ascii"))


def is_supported_hash(text: str) -> bool:
    """Whether `verify_password` can be given this hash: argon2, or bcrypt of cost 4 to 24."""
    return bool(_BCRYPT.fullmatch(text) or _ARGON2.fullmatch(text))


def generate_password() -> str:
    """A password to type once: four groups of five signs, 100 random bits."""
    return _grouped("".join(secrets.choice(_ALPHABET) for _ in range(4 * _GROUP)))


def generate_app_password(hasher: PasswordHasher = HASHER) -> NewAppPassword:
    """A password for one device: five groups, of which the first only finds it among others.

    The other four hold 100 random bits. The first is kept before the hash, so that a login
    computes one hash however many app passwords the account has.
    """
    signs = "".join(secrets.choice(_ALPHABET) for _ in range(5 * _GROUP))
    return NewAppPassword(_grouped(signs), signs[:_GROUP] + hasher.hash(signs))


def read_app_password(text: str) -> str | None:
    """The signs of a text that has the form of an app password; case, dashes and spaces vary."""
    signs = text.replace("-", "").replace(" ", "").lower().translate(_MISREAD)
    return signs if _APP_PASSWORD.fullmatch(signs) else None


def app_password_selector(signs_or_hash: str) -> str:
    """What finds an app password: the start of its signs (`read_app_password`) and of its hash."""
    return signs_or_hash[:_GROUP]


def app_password_hash(secret_hash: str) -> str:
    """The argon2 hash within a stored `secret_hash`."""
    return secret_hash[_GROUP:]


def _grouped(signs: str) -> str:
    return "-".join(signs[at : at + _GROUP] for at in range(0, len(signs), _GROUP))
