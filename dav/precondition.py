"""Preconditions and postconditions: the element and status each RFC gives, as errors."""

from enum import Enum

from davenport.dav.name import CALDAV, CARDDAV, DAV


class Precondition(Enum):
    """A condition code (RFC 4918 §16 and extensions): its element's Clark name and status."""

    # RFC 4918 §16
    CANNOT_MODIFY_PROTECTED_PROPERTY = DAV("cannot-modify-protected-property"), 403
    PROPFIND_FINITE_DEPTH = DAV("propfind-finite-depth"), 403
    # RFC 3253 §1.6, §3.1.5
    RESOURCE_MUST_BE_NULL = DAV("resource-must-be-null"), 403
    SUPPORTED_REPORT = DAV("supported-report"), 403
    # RFC 3744 §7.1.1, §8.1.1
    NEED_PRIVILEGES = DAV("need-privileges"), 403
    NUMBER_OF_MATCHES_WITHIN_LIMITS = DAV("number-of-matches-within-limits"), 507
    # RFC 4331 §6
    QUOTA_NOT_EXCEEDED = DAV("quota-not-exceeded"), 507
    SUFFICIENT_DISK_SPACE = DAV("sufficient-disk-space"), 507
    # RFC 5689 §3.3
    VALID_RESOURCETYPE = DAV("valid-resourcetype"), 403
    # RFC 6578 §3.2
    VALID_SYNC_TOKEN = DAV("valid-sync-token"), 403
    # RFC 4791 §5.3.1.1, §5.3.2.1, §7.8, §7.5
    CALENDAR_COLLECTION_LOCATION_OK = CALDAV("calendar-collection-location-ok"), 403
    CALENDAR_MAX_RESOURCE_SIZE = CALDAV("max-resource-size"), 403
    CALENDAR_SUPPORTED_FILTER = CALDAV("supported-filter"), 403
    CALENDAR_SUPPORTED_COLLATION = CALDAV("supported-collation"), 403
    CALENDAR_VALID_FILTER = CALDAV("valid-filter"), 403
    MAX_ATTENDEES_PER_INSTANCE = CALDAV("max-attendees-per-instance"), 403
    CALENDAR_NO_UID_CONFLICT = CALDAV("no-uid-conflict"), 409
    SUPPORTED_CALENDAR_COMPONENT = CALDAV("supported-calendar-component"), 403
    SUPPORTED_CALENDAR_DATA = CALDAV("supported-calendar-data"), 403
    VALID_CALENDAR_DATA = CALDAV("valid-calendar-data"), 403
    VALID_CALENDAR_OBJECT_RESOURCE = CALDAV("valid-calendar-object-resource"), 403
    # RFC 6352 §6.3.2.1, §8.6
    ADDRESSBOOK_COLLECTION_LOCATION_OK = CARDDAV("addressbook-collection-location-ok"), 403
    ADDRESSBOOK_MAX_RESOURCE_SIZE = CARDDAV("max-resource-size"), 403
    ADDRESSBOOK_NO_UID_CONFLICT = CARDDAV("no-uid-conflict"), 409
    ADDRESSBOOK_SUPPORTED_FILTER = CARDDAV("supported-filter"), 403
    ADDRESSBOOK_SUPPORTED_COLLATION = CARDDAV("supported-collation"), 403
    SUPPORTED_ADDRESS_DATA = CARDDAV("supported-address-data"), 403
    VALID_ADDRESS_DATA = CARDDAV("valid-address-data"), 403

    @property
    def element(self) -> str:
        """The Clark name of the child of DAV:error."""
        return self.value[0]

    @property
    def status(self) -> int:
        """The HTTP status the RFC gives."""
        return self.value[1]


class StatusError(Exception):
    """A request ends with `status`; `reason` is plain text for the log and a short body."""

    def __init__(self, status: int, reason: str, headers: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.headers = headers


class PreconditionError(StatusError):
    """A precondition does not hold.

    `content` is the inner XML of its element (already escaped), such as the DAV:href of
    no-uid-conflict; `reason` tells a person what was wrong with what was sent.
    """

    def __init__(self, precondition: Precondition, reason: str, content: str = "") -> None:
        super().__init__(precondition.status, reason)
        self.precondition = precondition
        self.content = content
