"""Property definitions: the Clark name of each, how its value is written, and who may set it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Generic, TypeVar

from davenport.dav import xml
from davenport.dav.condition import http_date

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Property(Generic[T]):
    """A live property (RFC 4918 §4): `write` turns a value into the element's inner XML.

    `protected` properties cannot be set by PROPPATCH; `allprop` ones answer a DAV:allprop request.
    """

    name: str
    write: Callable[[T], str]
    protected: bool = True
    allprop: bool = False


def write_integer(value: int) -> str:
    """A decimal integer."""
    return str(value)


def write_raw(value: str) -> str:
    """Inner XML that is written as it is."""
    return value


def write_http_date(value: int) -> str:
    """UTC seconds as an HTTP date (RFC 4918 §15.7)."""
    return http_date(value)


def write_timestamp(value: int) -> str:
    """UTC seconds as an RFC 3339 date-time (RFC 4918 §15.1)."""
    return datetime.fromtimestamp(value, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def write_href(value: str) -> str:
    """One DAV:href."""
    return xml.hrefs((value,))


def write_names(names: Sequence[str]) -> str:
    """Empty elements by Clark name, as in DAV:resourcetype."""
    return "".join([xml.element(name) for name in names])


def write_privileges(names: Sequence[str]) -> str:
    """DAV:privilege elements (RFC 3744 §5.3)."""
    return "".join([f"<D:privilege>{xml.element(name)}</D:privilege>" for name in names])


def write_reports(names: Sequence[str]) -> str:
    """DAV:supported-report elements (RFC 3253 §3.1.5)."""
    return "".join(
        [
            f"<D:supported-report><D:report>{xml.element(name)}</D:report></D:supported-report>"
            for name in names
        ]
    )
