"""Every href the server writes, in its canonical spelling, below the configured path prefix."""

from dataclasses import dataclass

from davenport.dav.href import quote_segment
from davenport.storage.model import Collection, CollectionKind, Principal

CONTEXT = "dav"
PRINCIPALS = "principals"
# The segment under the context path of each sort of home.
HOME_SEGMENTS = {
    "calendars": CollectionKind.CALENDAR_HOME,
    "addressbooks": CollectionKind.ADDRESSBOOK_HOME,
}
_SEGMENT_OF = {kind: segment for segment, kind in HOME_SEGMENTS.items()} | {
    CollectionKind.CALENDAR: "calendars",
    CollectionKind.ADDRESSBOOK: "addressbooks",
}


@dataclass(frozen=True, slots=True)
class Hrefs:
    """Builds hrefs below `prefix`, which is empty or begins with a slash and ends without one."""

    prefix: str = ""

    @property
    def root(self) -> str:
        return f"{self.prefix}/"

    @property
    def context(self) -> str:
        return f"{self.prefix}/{CONTEXT}/"

    @property
    def principals(self) -> str:
        return f"{self.prefix}/{CONTEXT}/{PRINCIPALS}/"

    def principal(self, principal: Principal) -> str:
        return f"{self.principals}{quote_segment(principal.name)}/"

    def home_parent(self, kind: CollectionKind) -> str:
        return f"{self.prefix}/{CONTEXT}/{_SEGMENT_OF[kind]}/"

    def home(self, owner: Principal, kind: CollectionKind) -> str:
        return f"{self.home_parent(kind)}{quote_segment(owner.name)}/"

    def collection(self, owner: Principal, collection: Collection) -> str:
        return f"{self.home(owner, collection.kind)}{quote_segment(collection.name)}/"
