"""DNS as discovery needs it: SRV and TXT records (RFC 2782, RFC 6764 §3, §4)."""

from dataclasses import dataclass
from typing import Protocol

import dns.exception
import dns.resolver
from dns.rdtypes.ANY.TXT import TXT
from dns.rdtypes.IN.SRV import SRV

_SECONDS = 5.0


class LookupFailedError(Exception):
    """The name server gave no answer; this says nothing about the records."""


@dataclass(frozen=True, slots=True)
class Service:
    """An SRV record; a `target` of "" says that the service is not offered (RFC 2782)."""

    target: str
    port: int
    priority: int
    weight: int


class Resolver(Protocol):
    """Answers about names; both give an empty list where there are no records and raise
    LookupFailedError."""

    def services(self, name: str) -> list[Service]:
        """SRV records, the preferred first."""
        ...

    def texts(self, name: str) -> list[str]:
        """TXT records."""
        ...


class DnsResolver:
    """Asks the name servers of this machine, or those of `resolver`."""

    def __init__(self, resolver: dns.resolver.Resolver | None = None) -> None:
        self._resolver = resolver

    def services(self, name: str) -> list[Service]:
        """SRV records, the preferred first."""
        found = [
            Service(str(one.target).rstrip("."), one.port, one.priority, one.weight)
            for one in self._records(name, "SRV")
            if isinstance(one, SRV)
        ]
        return sorted(found, key=lambda one: (one.priority, -one.weight, one.target))

    def texts(self, name: str) -> list[str]:
        """TXT records, each as one string."""
        return [
            b"".join(one.strings).decode("utf-8", "replace")
            for one in self._records(name, "TXT")
            if isinstance(one, TXT)
        ]

    def _records(self, name: str, kind: str) -> list[object]:
        try:
            # Built when it is needed: without a usable resolv.conf it cannot be.
            resolver = self._resolver or dns.resolver.get_default_resolver()
            return list(resolver.resolve(name, kind, lifetime=_SECONDS, search=False))
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return []
        except dns.exception.DNSException as error:
            raise LookupFailedError(f"{kind} of {name}: {error}") from error
        except OSError as error:
            raise LookupFailedError(f"{kind} of {name}: {error.strerror}") from error
