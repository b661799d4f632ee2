"""The vocabulary of RFC 4918, 3744, 4331, 5397 and 6578, and CalendarServer's getctag."""

from collections.abc import Sequence

from davenport.dav import property as write
from davenport.dav import xml
from davenport.dav.name import CALENDARSERVER, DAV
from davenport.dav.property import Property

CREATIONDATE: Property[int] = Property(
    DAV("creationdate"), write.write_timestamp, allprop=True
)  # 4918 §15.1
DISPLAYNAME: Property[str] = Property(
    DAV("displayname"), xml.escape, protected=False, allprop=True
)  # §15.2
GETCONTENTLENGTH: Property[int] = Property(
    DAV("getcontentlength"), write.write_integer, allprop=True
)
GETCONTENTTYPE: Property[str] = Property(DAV("getcontenttype"), xml.escape, allprop=True)  # §15.5
GETETAG: Property[str] = Property(DAV("getetag"), xml.escape, allprop=True)  # §15.6
GETLASTMODIFIED: Property[int] = Property(
    DAV("getlastmodified"), write.write_http_date, allprop=True
)
RESOURCETYPE: Property[Sequence[str]] = Property(
    DAV("resourcetype"), write.write_names, allprop=True
)  # §15.9

OWNER: Property[str] = Property(DAV("owner"), write.write_href)  # RFC 3744 §5.1
PRINCIPAL_URL: Property[str] = Property(DAV("principal-URL"), write.write_href)  # RFC 3744 §4.2
PRINCIPAL_COLLECTION_SET: Property[str] = Property(
    DAV("principal-collection-set"), write.write_href
)  # RFC 3744 §5.8
GROUP_MEMBERSHIP: Property[Sequence[str]] = Property(
    DAV("group-membership"), xml.hrefs
)  # RFC 3744 §4.4
CURRENT_USER_PRIVILEGE_SET: Property[Sequence[str]] = Property(
    DAV("current-user-privilege-set"), write.write_privileges
)  # RFC 3744 §5.4
CURRENT_USER_PRINCIPAL: Property[str] = Property(
    DAV("current-user-principal"), write.write_href
)  # RFC 5397
SUPPORTED_REPORT_SET: Property[Sequence[str]] = Property(
    DAV("supported-report-set"), write.write_reports
)  # RFC 3253 §3.1.5
SYNC_TOKEN: Property[str] = Property(DAV("sync-token"), xml.escape)  # RFC 6578 §4
QUOTA_USED_BYTES: Property[int] = Property(
    DAV("quota-used-bytes"), write.write_integer
)  # RFC 4331 §4

GETCTAG: Property[str] = Property(CALENDARSERVER("getctag"), xml.escape)
EMAIL_ADDRESS_SET: Property[Sequence[str]] = Property(
    CALENDARSERVER("email-address-set"),
    lambda values: "".join(xml.element(CALENDARSERVER("email-address"), v) for v in values),
)
