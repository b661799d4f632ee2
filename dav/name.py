"""XML namespaces and Clark names (`{namespace}local`) of the protocol's vocabulary."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Namespace:
    """A namespace; called with a local name it gives the Clark name."""

    uri: str

    def __call__(self, local: str) -> str:
        return f"{{{self.uri}}}{local}"


DAV = Namespace("DAV:")  # RFC 4918
CALDAV = Namespace("urn:ietf:params:xml:ns:caldav")  # RFC 4791
CARDDAV = Namespace("urn:ietf:params:xml:ns:carddav")  # RFC 6352
CALENDARSERVER = Namespace("http://calendarserver.org/ns/")
APPLE_ICAL = Namespace("http://apple.com/ns/ical/")

XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"


def split_name(name: str) -> tuple[str, str]:
    """Split a Clark name into (namespace, local name); no namespace gives ""."""
    if name.startswith("{"):
        namespace, _, local = name[1:].partition("}")
        return namespace, local
    return "", name
