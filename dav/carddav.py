"""The vocabulary of CardDAV (RFC 6352)."""

from collections.abc import Sequence

from davenport.dav import property as write
from davenport.dav import xml
from davenport.dav.name import CARDDAV
from davenport.dav.property import Property

ADDRESSBOOK = CARDDAV("addressbook")


def _collations(names: Sequence[str]) -> str:
    return "".join([f"<CR:supported-collation>{n}</CR:supported-collation>" for n in names])


ADDRESSBOOK_HOME_SET: Property[str] = Property(
    CARDDAV("addressbook-home-set"), write.write_href
)  # §7.1.1
ADDRESSBOOK_DESCRIPTION: Property[str] = Property(
    CARDDAV("addressbook-description"), xml.escape, protected=False
)  # §6.2.1
SUPPORTED_ADDRESS_DATA: Property[str] = Property(
    CARDDAV("supported-address-data"), write.write_raw
)  # §6.2.2
MAX_RESOURCE_SIZE: Property[int] = Property(
    CARDDAV("max-resource-size"), write.write_integer
)  # §6.2.3
SUPPORTED_COLLATION_SET: Property[Sequence[str]] = Property(
    CARDDAV("supported-collation-set"), _collations
)  # §8.3.1

ADDRESS_DATA = CARDDAV("address-data")  # §10.4
ADDRESSBOOK_QUERY = CARDDAV("addressbook-query")  # §8.6
ADDRESSBOOK_MULTIGET = CARDDAV("addressbook-multiget")  # §8.7

# What every address book takes (§6.2.2)
ADDRESS_DATA_TYPES = (
    '<CR:address-data-type content-type="text/vcard" version="3.0"/>'
    '<CR:address-data-type content-type="text/vcard" version="4.0"/>'
)
