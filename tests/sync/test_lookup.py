"""DNS lookups against a name server in this process."""

import socket
import threading
from collections.abc import Iterator

import dns.message
import dns.rcode
import dns.resolver
import dns.rrset
import pytest

from davenport.sync.lookup import DnsResolver, LookupFailedError, Service

NAME = "_caldavs._tcp.example.org."
ZONE = {
    (NAME, "SRV"): [
        "10 1 443 b.example.org.",
        "0 5 8443 a.example.org.",
        "10 9 443 c.example.org.",
    ],
    (NAME, "TXT"): ['"path=/d" "av/"', '"other"'],
    ("_caldavs._tcp.none.example.", "SRV"): ["0 0 0 ."],
}


@pytest.fixture(scope="module")
def resolver() -> Iterator[DnsResolver]:
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            question, sender = server.recvfrom(4096)
            if question == b"end":
                return
            asked = dns.message.from_wire(question)
            answer = dns.message.make_response(asked)
            name, kind = str(asked.question[0].name), asked.question[0].rdtype.name
            if name.startswith("_broken"):
                answer.set_rcode(dns.rcode.SERVFAIL)
            elif (name, kind) in ZONE:
                answer.answer.append(dns.rrset.from_text(name, 60, "IN", kind, *ZONE[name, kind]))
            elif name not in {known for known, _ in ZONE}:
                answer.set_rcode(dns.rcode.NXDOMAIN)
            server.sendto(answer.to_wire(), sender)

    thread = threading.Thread(target=serve)
    thread.start()
    asking = dns.resolver.Resolver(configure=False)
    asking.nameservers = ["127.0.0.1"]
    asking.port = server.getsockname()[1]
    yield DnsResolver(asking)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ending:
        ending.sendto(b"end", server.getsockname())
    thread.join()
    server.close()


def test_records_come_in_the_order_to_try_them(resolver: DnsResolver) -> None:
    found = resolver.services("_caldavs._tcp.example.org")
    assert [one.target for one in found] == ["a.example.org", "c.example.org", "b.example.org"]
    assert found[0] == Service("a.example.org", 8443, 0, 5)


def test_a_text_of_several_strings_is_one(resolver: DnsResolver) -> None:
    assert "path=/dav/" in resolver.texts("_caldavs._tcp.example.org")


def test_a_service_that_is_not_offered_has_no_target(resolver: DnsResolver) -> None:
    assert resolver.services("_caldavs._tcp.none.example")[0].target == ""
    assert resolver.texts("_caldavs._tcp.none.example") == []


def test_no_records_are_no_failure_and_no_answer_is_one(resolver: DnsResolver) -> None:
    assert resolver.services("_caldavs._tcp.nowhere.example") == []
    for name in ("_broken._tcp.example.org", "x" * 64 + ".example", "a..b"):
        with pytest.raises(LookupFailedError):
            resolver.services(name)
