"""What SQL may narrow on: an index row is a superset of the truth, widened for floating times."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Index:
    """The index of one object resource.

    `component` is VEVENT, VTODO, VJOURNAL, VFREEBUSY, VAVAILABILITY … or VCARD. `starts` and
    `ends` bound every instance in UTC seconds (start inclusive, end exclusive); None means
    unbounded on that side.
    """

    uid: str
    component: str
    starts: int | None = None
    ends: int | None = None
