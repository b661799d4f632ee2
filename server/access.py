"""The one place that decides what an identity may do (RFC 3744 §3): everything else is denied."""

from davenport.dav import xml
from davenport.dav.name import CALDAV, DAV
from davenport.dav.precondition import Precondition, PreconditionError
from davenport.server.auth import Identity
from davenport.server.node import OBJECTS, STRUCTURE, Kind

READ = DAV("read")
WRITE = DAV("write")
WRITE_CONTENT = DAV("write-content")
WRITE_PROPERTIES = DAV("write-properties")
BIND = DAV("bind")
UNBIND = DAV("unbind")
READ_PRIVILEGES = DAV("read-current-user-privilege-set")
READ_FREE_BUSY = CALDAV("read-free-busy")

_READING = (READ, READ_PRIVILEGES)
_READ_ONLY_KINDS = STRUCTURE | {Kind.PRINCIPAL}


def privileges(identity: Identity, kind: Kind) -> tuple[str, ...]:
    """The privileges of `identity` on a resource of `kind` in its own tree, by Clark name.

    Resources of other principals never get here: the tree answers 404 for them.
    """
    reading: tuple[str, ...] = _READING
    if kind in {Kind.CALENDAR_HOME, Kind.CALENDAR, Kind.CALENDAR_OBJECT}:
        reading = (*_READING, READ_FREE_BUSY)
    if identity.read_only or kind in _READ_ONLY_KINDS:
        return reading
    writing = (WRITE, WRITE_CONTENT, WRITE_PROPERTIES)
    return (*reading, *writing) if kind in OBJECTS else (*reading, *writing, BIND, UNBIND)


def require(identity: Identity, kind: Kind, privilege: str, href: str) -> None:
    """Raise PreconditionError need-privileges (RFC 3744 §7.1.1) where the privilege is missing."""
    if privilege in privileges(identity, kind):
        return
    content = (
        f"<D:resource>{xml.hrefs((href,))}"
        f"<D:privilege>{xml.element(privilege)}</D:privilege></D:resource>"
    )
    raise PreconditionError(
        Precondition.NEED_PRIVILEGES, f"{privilege} is not granted on {href}", content
    )
