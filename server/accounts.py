"""User names and new accounts: the one way in which an account and its collections come to be."""

import time
import unicodedata
from typing import NamedTuple

from davenport.dav import xml
from davenport.dav.name import DAV
from davenport.storage import collections, principals
from davenport.storage.database import Store, Transaction
from davenport.storage.model import CollectionKind, Principal

MAX_NAME_LENGTH = 64
_MAX_NAME_BYTES = 255
_MAX_EMAIL_BYTES = 254
_MARKS = frozenset("._-@+")


class _Initial(NamedTuple):
    home: CollectionKind
    kind: CollectionKind
    name: str
    display_name: str
    components: tuple[str, ...]


# Apple's Reminders take only a calendar that holds nothing but tasks.
_INITIAL_COLLECTIONS = (
    _Initial(
        CollectionKind.CALENDAR_HOME, CollectionKind.CALENDAR, "calendar", "Calendar", ("VEVENT",)
    ),
    _Initial(CollectionKind.CALENDAR_HOME, CollectionKind.CALENDAR, "tasks", "Tasks", ("VTODO",)),
    _Initial(
        CollectionKind.ADDRESSBOOK_HOME, CollectionKind.ADDRESSBOOK, "contacts", "Contacts", ()
    ),
)


class UserNameError(ValueError):
    """The name cannot be a user's; the message says why."""


def canonical_name(text: str) -> str:
    """The form in which a user name is stored and compared: compatibility forms and case folded.

    So "Ann", "ann" and full-width spellings are one account. Raises UserNameError.
    """
    name = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    if not name:
        raise UserNameError("a user name cannot be empty")
    if len(name) > MAX_NAME_LENGTH or len(name.encode("utf-8", "replace")) > _MAX_NAME_BYTES:
        raise UserNameError(f"a user name has at most {MAX_NAME_LENGTH} characters")
    wrong = sorted({sign for sign in name if not _may_stand(sign)})
    if wrong:
        shown = " ".join(f"U+{ord(s):04X}" if not s.isprintable() else s for s in wrong[:5])
        raise UserNameError(
            f"a user name has letters, digits and . _ - @ + only, not: {shown or 'spaces'}"
        )
    if not (name[0].isalnum() or name[0] == "_"):
        raise UserNameError("a user name begins with a letter, a digit or _")
    return name


def check_email(text: str) -> str:
    """A mail address fit to be stored; raises ValueError."""
    local, at, domain = text.rpartition("@")
    wrong = not at or not local or not domain or len(text.encode()) > _MAX_EMAIL_BYTES
    if wrong or not text.isprintable() or any(sign in text for sign in " <>,;:/\\"):
        raise ValueError(f"{text!r} is not a mail address")
    return text


def create_account(
    store: Store,
    name: str,
    *,
    password_hash: str | None,
    display_name: str = "",
    email: str | None = None,
) -> Principal:
    """Create the account `name` with a calendar, a task list and an address book.

    Without `password_hash` it has no password of its own. Raises UserNameError, and NameConflict
    when the name (in its canonical form) is taken.
    """
    canonical = canonical_name(name)
    now = int(time.time())

    def work(tx: Transaction) -> Principal:
        principal = principals.create(
            tx,
            canonical,
            display_name=display_name or unicodedata.normalize("NFC", name),
            email=email,
            password_hash=password_hash,
            now=now,
        )
        for initial in _INITIAL_COLLECTIONS:
            home = collections.home(tx, principal.id, initial.home)
            assert home is not None
            source = xml.text_element(DAV("displayname"), initial.display_name)
            collections.create(
                tx,
                home,
                initial.name,
                initial.kind,
                initial.components,
                {DAV("displayname"): source},
                now,
            )
        return principal

    return store.write(work)


def _may_stand(sign: str) -> bool:
    return sign in _MARKS or unicodedata.category(sign)[0] in "LM" or sign.isdecimal()
