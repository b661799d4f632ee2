"""The vocabulary of CalDAV (RFC 4791, 6638 §9) and Apple's calendar properties."""

from collections.abc import Sequence

from davenport.dav import property as write
from davenport.dav import xml
from davenport.dav.name import APPLE_ICAL, CALDAV
from davenport.dav.property import Property

CALENDAR = CALDAV("calendar")
COMPONENTS = ("VEVENT", "VTODO", "VJOURNAL", "VFREEBUSY", "VAVAILABILITY")
COLLATIONS = ("i;ascii-casemap", "i;octet", "i;unicode-casemap")


def _components(names: Sequence[str]) -> str:
    return "".join([f'<C:comp name="{name}"/>' for name in names])


def _collations(names: Sequence[str]) -> str:
    return "".join([f"<C:supported-collation>{n}</C:supported-collation>" for n in names])


CALENDAR_HOME_SET: Property[str] = Property(CALDAV("calendar-home-set"), write.write_href)  # §6.2.1
CALENDAR_USER_ADDRESS_SET: Property[Sequence[str]] = Property(
    CALDAV("calendar-user-address-set"), xml.hrefs
)  # RFC 6638 §2.4.1
CALENDAR_DESCRIPTION: Property[str] = Property(
    CALDAV("calendar-description"), xml.escape, protected=False
)  # §5.2.1
CALENDAR_TIMEZONE: Property[str] = Property(
    CALDAV("calendar-timezone"), xml.escape, protected=False
)  # §5.2.2
SUPPORTED_CALENDAR_COMPONENT_SET: Property[Sequence[str]] = Property(
    CALDAV("supported-calendar-component-set"), _components
)  # §5.2.3
SUPPORTED_CALENDAR_DATA: Property[str] = Property(
    CALDAV("supported-calendar-data"), write.write_raw
)  # §5.2.4
MAX_RESOURCE_SIZE: Property[int] = Property(
    CALDAV("max-resource-size"), write.write_integer
)  # §5.2.5
MAX_ATTENDEES_PER_INSTANCE: Property[int] = Property(
    CALDAV("max-attendees-per-instance"), write.write_integer
)  # §5.2.9
SUPPORTED_COLLATION_SET: Property[Sequence[str]] = Property(
    CALDAV("supported-collation-set"), _collations
)  # §7.5.1
SCHEDULE_CALENDAR_TRANSP: Property[str] = Property(
    CALDAV("schedule-calendar-transp"), write.write_raw, protected=False
)  # RFC 6638 §9.1
CALENDAR_COLOR: Property[str] = Property(APPLE_ICAL("calendar-color"), xml.escape, protected=False)
CALENDAR_ORDER: Property[str] = Property(APPLE_ICAL("calendar-order"), xml.escape, protected=False)

# Reports and the element that carries bodies in them
CALENDAR_DATA = CALDAV("calendar-data")  # §9.6
CALENDAR_QUERY = CALDAV("calendar-query")  # §7.8
CALENDAR_MULTIGET = CALDAV("calendar-multiget")  # §7.9

# What every calendar collection takes (§5.2.4)
CALENDAR_DATA_TYPES = '<C:calendar-data content-type="text/calendar" version="2.0"/>'
