"""Listing the members of a collection by PROPFIND (RFC 4918 §9.1), and what a listing is worth."""

from collections.abc import Mapping
from dataclasses import dataclass

from davenport.dav import xml
from davenport.dav.caldav import CALENDAR
from davenport.dav.carddav import ADDRESSBOOK
from davenport.dav.name import DAV
from davenport.dav.webdav import GETETAG, RESOURCETYPE
from davenport.sync.answer import multistatus
from davenport.sync.collection import changes
from davenport.sync.flow import Flow
from davenport.sync.href import member_of
from davenport.sync.properties import propfind

_COLLECTIONS = {DAV("collection"), CALENDAR, ADDRESSBOOK}
# A server that cuts its listings without a word cuts them at a round number; a listing of such a
# length is held against a second one.
_SUSPECT_FROM = 500
_SUSPECT_STEP = 100


@dataclass(frozen=True, slots=True)
class Members:
    """All members: canonical href to ETag, and to the server's spelling; `complete` where nothing
    speaks against it."""

    etags: Mapping[str, str]
    spelled: Mapping[str, str]
    complete: bool


def list_members(href: str) -> Flow[Members]:
    """The members of the collection at `href`. Raises SyncError."""
    answer = multistatus((yield propfind(href, "1", (GETETAG.name, RESOURCETYPE.name))))
    etags: dict[str, str] = {}
    spelled: dict[str, str] = {}
    complete = True
    for response in answer.responses:
        path = member_of(href, response.href)
        kind = response.found.get(RESOURCETYPE.name)
        types = set() if kind is None else {xml.tag(child) for child in xml.children(kind)}
        if path is None or (response.status or 200) >= 300:
            # Something else than members, a cut (507), or a member that could not be shown.
            complete = False
        elif path and not path.endswith("/") and not types & _COLLECTIONS:
            etag = response.found.get(GETETAG.name)
            etags[path] = "" if etag is None else xml.text(etag).strip()
            spelled[path] = response.href
    return Members(etags, spelled, complete)


def is_suspect(members: Members) -> bool:
    """Whether the length of a listing is one that a silent limit would give it."""
    count = len(members.etags)
    return count >= _SUSPECT_FROM and count % _SUSPECT_STEP in {0, _SUSPECT_STEP - 1}


def cross_checked(href: str, members: Members) -> Flow[Members]:
    """`members` held against a sync-collection with an empty token: where that one knows more, both
    together, and not complete."""
    second = yield from changes(href)
    if second.changed.keys() <= members.etags.keys():
        return members
    return Members(
        {**second.changed, **members.etags}, {**second.spelled, **members.spelled}, complete=False
    )
