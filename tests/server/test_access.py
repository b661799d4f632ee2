"""Who may do what: no data crosses accounts, and nothing is said of what one may not know."""

import pytest

from davenport.server.password import generate_app_password
from davenport.storage import app_passwords, principals
from davenport.storage.database import Transaction
from tests.accounts import QUICK, Stage
from tests.bodies import (
    CALENDAR,
    CONTACTS,
    card,
    event,
    make,
    multiget,
    propfind,
    proppatch,
    query,
    sync,
)
from tests.in_process import InProcess
from tests.wire import DAV, Answer

CANARY = "CANARY-7f3a"
REALM = 'Basic realm="davenport", charset="UTF-8"'

# Alice's resources, and the requests that bob, nobody and a read-only login try on them.
RESOURCES = {
    "root": "/",
    "context": "/dav/",
    "principal": "/dav/principals/alice/",
    "calendar home": "/dav/calendars/alice/",
    "book home": "/dav/addressbooks/alice/",
    "calendar": CALENDAR,
    "book": CONTACTS,
    "event": CALENDAR + "a.ics",
    "card": CONTACTS + "a.vcf",
    "new event": CALENDAR + "new.ics",
    "new calendar": "/dav/calendars/alice/new/",
    "absent": "/dav/calendars/alice/absent/x.ics",
}
REQUESTS: dict[str, tuple[str, bytes | str, dict[str, str]]] = {
    "GET": ("GET", b"", {}),
    "HEAD": ("HEAD", b"", {}),
    "PUT": ("PUT", event("b"), {}),
    "DELETE": ("DELETE", b"", {}),
    "PROPFIND 0": ("PROPFIND", b"", {"Depth": "0"}),
    "PROPFIND 1": ("PROPFIND", propfind("D:displayname", "D:getetag"), {"Depth": "1"}),
    "PROPPATCH": ("PROPPATCH", proppatch("<D:displayname>x</D:displayname>"), {}),
    "MKCALENDAR": ("MKCALENDAR", make("C:mkcalendar", "<D:displayname>x</D:displayname>"), {}),
    "MKCOL": ("MKCOL", "", {}),
    "sync": ("REPORT", sync("", None, "1", "C:calendar-data"), {}),
    "sync infinite": ("REPORT", sync("", None, "infinite"), {}),
    "multiget": ("REPORT", multiget("C:calendar", CALENDAR + "a.ics", CONTACTS + "a.vcf"), {}),
    "book multiget": ("REPORT", multiget("CR:addressbook", CONTACTS + "a.vcf"), {}),
    "query": ("REPORT", query(), {"Depth": "1"}),
}
WRITING = {"PUT", "DELETE", "PROPPATCH", "MKCALENDAR", "MKCOL"}
PUBLIC = {("root", "GET"), ("root", "HEAD")}

CELLS = [(where, what) for where in RESOURCES for what in REQUESTS]


def _fill(running: Stage) -> None:
    alice = running.alice
    alice.request("PUT", CALENDAR + "a.ics", event("a", CANARY))
    alice.request("PUT", CONTACTS + "a.vcf", card("a", CANARY))
    alice.request("PROPPATCH", CALENDAR, proppatch(f"<D:displayname>{CANARY}</D:displayname>"))


def _ask(wire: InProcess, where: str, what: str) -> Answer:
    method, body, headers = REQUESTS[what]
    return wire.request(method, RESOURCES[where], body, headers)


def _shown(answer: Answer) -> str:
    return repr(answer.headers) + answer.body.decode()


def test_another_account_learns_and_changes_nothing(running: Stage) -> None:
    _fill(running)
    bob = running.as_user("bob")
    before = running.alice.request("REPORT", CALENDAR, sync()).body
    for where, what in CELLS:
        answer = _ask(bob, where, what)
        assert CANARY not in _shown(answer), (where, what)
        if where in {"root", "context"}:
            continue  # bob's own view of the fixed collections
        assert answer.status == 404, (where, what)
    assert running.alice.request("REPORT", CALENDAR, sync()).body == before


def test_what_exists_and_what_does_not_look_the_same_to_another_account(running: Stage) -> None:
    _fill(running)
    bob = running.as_user("bob")
    for what, (method, body, headers) in REQUESTS.items():
        answers = [_ask(bob, where, what) for where in ("calendar", "event", "new event", "absent")]
        foreign = [*answers, bob.request(method, "/dav/calendars/carol/calendar/", body, headers)]
        assert len({(answer.status, answer.headers, answer.body) for answer in foreign}) == 1, what


def test_nobody_is_challenged_everywhere_with_one_realm(running: Stage) -> None:
    _fill(running)
    for where, what in CELLS:
        if (where, what) in PUBLIC:
            continue
        answer = _ask(running.anonymous, where, what)
        assert answer.status == 401, (where, what)
        assert answer.header("WWW-Authenticate") == REALM
        assert CANARY not in _shown(answer)


@pytest.mark.parametrize("path", [*RESOURCES.values(), "*", "/nothing", "/dav/nothing/"])
def test_options_needs_no_login(path: str, running: Stage) -> None:
    answer = running.anonymous.request("OPTIONS", path)
    assert answer.status == 200
    assert {"1", "3", "calendar-access", "addressbook"} <= answer.tokens("DAV")
    assert "2" not in answer.tokens("DAV")
    assert "OPTIONS" in answer.tokens("Allow")


@pytest.mark.parametrize("path", ["/.well-known/caldav", "/.well-known/carddav"])
@pytest.mark.parametrize("method", ["GET", "PROPFIND", "OPTIONS", "HEAD", "POST"])
def test_the_well_known_addresses_lead_to_the_context(
    path: str, method: str, running: Stage
) -> None:
    for wire in (running.anonymous, running.alice):
        answer = wire.request(method, path)
        assert (answer.status, answer.header("Location")) == (301, "/dav/")


def test_a_wrong_password_is_401_and_harms_nobody(running: Stage) -> None:
    for _ in range(5):
        answer = running.as_user("alice", "wrong").request("PROPFIND", "/dav/")
        assert answer.status == 401
    assert running.alice.request("PROPFIND", "/dav/", headers={"Depth": "0"}).status == 207


def test_the_dav_header_stands_on_every_answer(running: Stage) -> None:
    for where, what in CELLS:
        assert "calendar-access" in _ask(running.alice, where, what).tokens("DAV"), (where, what)


def test_a_principal_lists_itself_alone(running: Stage) -> None:
    listed = running.alice.request(
        "PROPFIND", "/dav/principals/", propfind("D:displayname"), {"Depth": "1"}
    ).multistatus()
    assert listed.hrefs == ["/dav/principals/", "/dav/principals/alice/"]
    for parent in ("/dav/calendars/", "/dav/addressbooks/"):
        found = running.alice.request("PROPFIND", parent, b"", {"Depth": "1"}).multistatus()
        assert found.hrefs == [parent, f"{parent}alice/"]


def test_a_read_only_app_password_reads_and_changes_nothing(running: Stage) -> None:
    _fill(running)
    made = generate_app_password(QUICK)

    def add(tx: Transaction) -> None:
        alice = principals.by_name(tx, "alice")
        assert alice is not None
        app_passwords.add(
            tx,
            alice.id,
            label="phone",
            secret_hash=made.secret_hash,
            read_only=True,
            expires=None,
            now=1,
        )

    running.store.write(add)
    reader = running.as_user("alice", made.text)
    before = running.alice.request("REPORT", CALENDAR, sync()).body
    for where, what in CELLS:
        answer = _ask(reader, where, what)
        if what not in WRITING:
            expected = _ask(running.alice, where, what)
            assert answer.status == expected.status, (where, what)
        elif answer.status == 403:
            assert f"{DAV}need-privileges" in answer.preconditions(), (where, what)
        else:
            assert answer.status in {404, 405}, (where, what)
    assert running.alice.request("REPORT", CALENDAR, sync()).body == before
    for method, path, granting in (
        ("DELETE", CALENDAR + "a.ics", CALENDAR),
        ("DELETE", CALENDAR, "/dav/calendars/alice/"),
        ("PUT", CALENDAR + "a.ics", CALENDAR + "a.ics"),
        ("PUT", CALENDAR + "new.ics", CALENDAR),
    ):
        refused = reader.request(method, path, event("a"))
        named = refused.xml().findtext(f"{DAV}need-privileges/{DAV}resource/{DAV}href")
        assert named == granting  # RFC 3744 §7.1.1: the resource that lacks the privilege
    told = reader.request("PROPFIND", CALENDAR, propfind("D:current-user-privilege-set"), _ZERO)
    assert b"write" not in told.body


_ZERO = {"Depth": "0"}
