"""HTTP Basic: who gets in, at what cost, and how soon a change holds."""

import base64
import os
import threading
import unicodedata
from concurrent.futures import ThreadPoolExecutor

import bcrypt
import pytest
from argon2 import PasswordHasher

from davenport.dav.name import DAV
from davenport.dav.precondition import StatusError
from davenport.dav.xml import element_text
from davenport.server import auth
from davenport.server.accounts import UserNameError, canonical_name, check_email, create_account
from davenport.server.auth import Authenticator
from davenport.server.config import Configuration
from davenport.server.htpasswd import HtpasswdError, read_htpasswd
from davenport.server.password import (
    HASHER,
    PasswordError,
    app_password_hash,
    generate_app_password,
    generate_password,
    hash_password,
    is_supported_hash,
    read_app_password,
    verify_password,
)
from davenport.storage import app_passwords, collections, principals
from davenport.storage.error import NameConflict
from davenport.storage.model import CollectionKind
from davenport.storage.open import open_store

CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


class Clock:
    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def store(tmp_path):
    opened = open_store(tmp_path / "davenport.sqlite3")
    yield opened
    opened.close()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def make(store, clock, tmp_path):
    made = []

    def make_authenticator(**keys):
        authenticator = Authenticator(store, Configuration(data=tmp_path, **keys), clock)
        made.append(authenticator)
        return authenticator

    yield make_authenticator
    for authenticator in made:
        authenticator.close()


@pytest.fixture
def hashes(monkeypatch):
    """The stored hashes that were compared, in order."""
    seen = []

    def spy(stored, text):
        seen.append(stored)
        return verify_password(stored, text)

    monkeypatch.setattr(auth, "verify_password", spy)
    return seen


def basic(user: str, password: str, encoding: str = "utf-8") -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode(encoding)).decode()


def add(store, name="alice", password="secret", **keys):
    return create_account(store, name, password_hash=hash_password(password, CHEAP), **keys)


def add_app_password(store, principal, label="phone", read_only=False, expires=None):
    new = generate_app_password(CHEAP)
    row = store.write(
        lambda tx: app_passwords.add(
            tx, principal.id, label=label, secret_hash=new.secret_hash, read_only=read_only,
            expires=expires, now=0,
        )
    )  # fmt: skip
    return row, new.text


def refused(call) -> StatusError:
    with pytest.raises(StatusError) as caught:
        call()
    return caught.value


def test_the_right_password_gets_in_and_is_remembered(store, make, hashes):
    principal = add(store)
    authenticator = make()
    header = basic("alice", "secret")
    assert authenticator.lookup(header) is None
    identity = authenticator.verify(header, "::1")
    assert (identity.principal, identity.read_only, identity.device) == (principal, False, None)
    assert authenticator.lookup(header) == identity
    assert authenticator.verify(header, "::1") == identity
    assert len(hashes) == 1


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Basic",
        "Basic ",
        "Basic !!!!",
        "Basic YWxpY2U",
        "Basic " + base64.b64encode(b"no colon").decode(),
        "Bearer abc",
        "Basic " + "A" * 100_000,
        "\udce9",
    ],
)
def test_a_missing_or_malformed_login_is_401_at_once(make, hashes, header):
    authenticator = make(realm="my place")
    error = refused(lambda: authenticator.verify(header, "::1"))
    assert error.status == 401
    assert error.headers == (("WWW-Authenticate", 'Basic realm="my place", charset="UTF-8"'),)
    assert hashes == []


def test_lookup_without_a_login_is_401(make):
    error = refused(lambda: make().lookup(None))
    assert (error.status, error.headers[0][0]) == (401, "WWW-Authenticate")


@pytest.mark.parametrize(
    "user, password",
    [
        ("alice", "wrong"),
        ("alice", ""),
        ("alice", "secret\0"),
        ("alice", "x" * 2000),
        ("nobody", "secret"),
        ("", "secret"),
        ("../alice", "secret"),
        ("alice\n", "secret"),
    ],
)
def test_a_wrong_login_is_401_with_the_same_text(store, make, hashes, user, password):
    add(store)
    authenticator = make()
    error = refused(lambda: authenticator.verify(basic(user, password), "::1"))
    assert (error.status, str(error)) == (401, "the user name or the password is wrong")
    assert len(hashes) == 1, "whoever is asked for, one hash is computed"


def test_an_unknown_user_costs_a_hash_of_the_default_kind(make, hashes):
    refused(lambda: make().verify(basic("nobody", "x"), "::1"))
    assert hashes[0].startswith("$argon2id$v=19$m=65536,t=3,p=4$")


def test_a_wrong_login_is_remembered_until_the_account_changes(store, make, hashes):
    principal = add(store)
    authenticator = make()
    header = basic("alice", "next")
    refused(lambda: authenticator.verify(header, "::1"))
    assert refused(lambda: authenticator.lookup(header)).status == 401
    refused(lambda: authenticator.verify(header, "::1"))
    assert len(hashes) == 1
    new = hash_password("next", CHEAP)
    store.write(lambda tx: principals.set_password(tx, principal.id, new))
    assert authenticator.lookup(header) is None
    assert authenticator.verify(header, "::1").principal.name == "alice"


def test_a_user_created_after_a_refusal_gets_in(store, make):
    authenticator = make()
    header = basic("alice", "secret")
    refused(lambda: authenticator.verify(header, "::1"))
    add(store)
    assert authenticator.lookup(header) is None
    assert authenticator.verify(header, "::1").principal.name == "alice"


@pytest.mark.parametrize(
    "change",
    [
        lambda tx, id_: principals.set_password(tx, id_, hash_password("other", CHEAP)),
        lambda tx, id_: principals.set_password(tx, id_, None),
        lambda tx, id_: principals.set_disabled(tx, id_, disabled=True),
        principals.remove,
    ],
    ids=["password changed", "password taken", "disabled", "removed"],
)
def test_a_change_holds_at_once_in_every_worker(store, make, change):
    principal = add(store)
    workers = [make(), make()]
    header = basic("alice", "secret")
    for worker in workers:
        worker.verify(header, "::1")
    store.write(lambda tx: change(tx, principal.id))
    for worker in workers:
        assert worker.lookup(header) is None
        assert refused(lambda w=worker: w.verify(header, "::1")).status == 401


def test_an_account_enabled_again_gets_in(store, make):
    principal = add(store)
    authenticator = make()
    header = basic("alice", "secret")
    store.write(lambda tx: principals.set_disabled(tx, principal.id, disabled=True))
    refused(lambda: authenticator.verify(header, "::1"))
    store.write(lambda tx: principals.set_disabled(tx, principal.id, disabled=False))
    assert authenticator.verify(header, "::1").principal.name == "alice"


def test_a_password_changed_while_its_hash_is_computed_does_not_get_in(store, make, monkeypatch):
    principal = add(store)

    def slow(stored, text):
        store.write(lambda tx: principals.set_password(tx, principal.id, None))
        return verify_password(stored, text)

    monkeypatch.setattr(auth, "verify_password", slow)
    authenticator = make()
    assert refused(lambda: authenticator.verify(basic("alice", "secret"), "::1")).status == 401


@pytest.mark.parametrize(
    "login",
    [
        "ann@example.org",
        "Ann@Example.ORG",
        "ann%40example.org",
        "ann%40EXAMPLE.org",
        "\uff41nn@example.org",
    ],
)
def test_every_spelling_of_a_name_is_one_account(store, make, login):
    principal = add(store, "Ann@Example.org")
    assert principal.name == "ann@example.org"
    assert make().verify(basic(login, "secret"), "::1").principal == principal


def test_a_mail_address_logs_in_when_it_is_one_account_only(store, make):
    alice = add(store, "alice", email="us@example.org")
    authenticator = make()
    assert authenticator.verify(basic("US@example.org", "secret"), "::1").principal == alice
    add(store, "bob", "other", email="us@example.org")
    refused(lambda: authenticator.verify(basic("us@example.org", "secret"), "::1"))


def test_a_name_goes_before_a_mail_address(store, make):
    add(store, "alice", email="bob@example.org")
    bob = add(store, "bob@example.org", "other")
    authenticator = make()
    assert authenticator.verify(basic("bob@example.org", "other"), "::1").principal == bob
    refused(lambda: authenticator.verify(basic("bob@example.org", "secret"), "::1"))


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_a_password_beyond_ascii_works_however_it_is_sent(store, make, encoding, form):
    add(store, "zoé", "pässwörd")
    password = unicodedata.normalize(form, "pässwörd")
    if encoding == "latin-1" and form == "NFD":
        pytest.skip("Latin-1 has no combining marks")
    assert make().verify(basic("zoé", password, encoding), "::1").principal.name == "zoé"


def test_passwords_that_differ_after_72_bytes_differ(store, make):
    add(store, "alice", "x" * 72 + "a")
    authenticator = make()
    authenticator.verify(basic("alice", "x" * 72 + "a"), "::1")
    refused(lambda: authenticator.verify(basic("alice", "x" * 72 + "b"), "::1"))


def test_an_app_password_gives_its_device_and_right(store, make, hashes):
    principal = add(store)
    _, writing = add_app_password(store, principal, "phone")
    _, reading = add_app_password(store, principal, "kiosk", read_only=True)
    authenticator = make()
    identity = authenticator.verify(basic("alice", writing), "::1")
    assert (identity.device, identity.read_only) == ("phone", False)
    loose = reading.upper().replace("-", " ")
    identity = authenticator.verify(basic("alice", loose), "::1")
    assert (identity.device, identity.read_only) == ("kiosk", True)
    assert authenticator.lookup(basic("alice", loose)) == identity
    assert len(hashes) == 2, "one hash each, however many app passwords there are"


def test_an_app_password_opens_no_other_account(store, make):
    _, text = add_app_password(store, add(store))
    add(store, "bob")
    authenticator = make()
    refused(lambda: authenticator.verify(basic("bob", text), "::1"))


def test_revoking_an_app_password_holds_at_once_and_leaves_the_others(store, make):
    principal = add(store)
    row, text = add_app_password(store, principal)
    _, other = add_app_password(store, principal, "tablet")
    authenticator = make()
    for password in (text, other, "secret"):
        authenticator.verify(basic("alice", password), "::1")
    store.write(lambda tx: app_passwords.revoke(tx, row.id))
    refused(lambda: authenticator.verify(basic("alice", text), "::1"))
    authenticator.verify(basic("alice", other), "::1")
    authenticator.verify(basic("alice", "secret"), "::1")


def test_an_app_password_ends_at_its_expiry(store, make, clock):
    _, text = add_app_password(store, add(store), expires=int(clock.now) + 10)
    authenticator = make()
    header = basic("alice", text)
    authenticator.verify(header, "::1")
    clock.now += 9
    assert authenticator.lookup(header) is not None
    clock.now += 1
    assert authenticator.lookup(header) is None
    assert refused(lambda: authenticator.verify(header, "::1")).status == 401


def test_last_use_is_noted_at_most_once_a_minute(store, make, clock):
    principal = add(store)
    _, text = add_app_password(store, principal)
    header = basic("alice", text)
    start = int(clock.now)

    def last_used_after(wait: int) -> int | None:
        clock.now += wait
        authenticator = make()
        authenticator.verify(header, "::1")
        authenticator.close()
        with store.read() as tx:
            return app_passwords.of_principal(tx, principal.id)[0].last_used

    assert last_used_after(0) == start
    assert last_used_after(59) == start
    assert last_used_after(1) == start + 60


def test_many_connections_with_one_login_compute_one_hash(store, make, hashes):
    add(store)
    authenticator = make(limits={"hash_concurrency": 1})
    with ThreadPoolExecutor(8) as pool:
        headers = [basic("alice", "secret")] * 16
        found = list(pool.map(lambda header: authenticator.verify(header, "::1"), headers))
    assert len(found) == 16
    assert len(hashes) == 1


def test_no_more_hashes_at_once_than_configured(store, make, monkeypatch):
    running, most, lock = 0, 0, threading.Lock()

    def slow(stored, text):
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        threading.Event().wait(0.01)
        with lock:
            running -= 1
        return False

    monkeypatch.setattr(auth, "verify_password", slow)
    add(store)
    authenticator = make(limits={"hash_concurrency": 2})

    def attempt(number: int) -> int:
        return refused(lambda: authenticator.verify(basic("alice", f"wrong{number}"), "::1")).status

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(attempt, range(20))) == {401}
    assert most == 2


def test_too_many_waiting_logins_are_503_and_never_401(store, make, monkeypatch):
    monkeypatch.setattr(auth, "_MAX_HASH_WAIT", 0.01)
    release, entered = threading.Event(), threading.Event()

    def stuck(stored, text):
        entered.set()
        release.wait(10)
        return True

    monkeypatch.setattr(auth, "verify_password", stuck)
    add(store)
    authenticator = make(limits={"hash_concurrency": 1})
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(authenticator.verify, basic("alice", "secret"), "::1")
        assert entered.wait(10)
        error = refused(lambda: authenticator.verify(basic("alice", "other"), "::1"))
        release.set()
        assert first.result().principal.name == "alice"
    assert (error.status, error.headers) == (503, (("Retry-After", "5"),))


# The htpasswd file


def bcrypt_hash(password: str, prefix: str = "$2y$") -> str:
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode().replace("$2b$", prefix)


def write_users(path, *lines: str):
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    # As a write of a while ago, so that the stamp alone must tell the next one.
    os.utime(path, ns=(1, path.stat().st_mtime_ns - 10_000_000_000))
    return path


@pytest.mark.parametrize(
    "stored",
    [bcrypt_hash("secret"), bcrypt_hash("secret", "$2b$"), hash_password("secret", CHEAP)],
    ids=["bcrypt 2y", "bcrypt 2b", "argon2id"],
)
def test_a_user_of_the_file_gets_an_account_at_the_first_login(store, make, tmp_path, stored):
    users = write_users(tmp_path / "users", "# people", "", f"Carol:{stored}")
    authenticator = make(htpasswd=users)
    refused(lambda: authenticator.verify(basic("carol", "wrong"), "::1"))
    with store.read() as tx:
        assert principals.all(tx) == []
    identity = authenticator.verify(basic("carol", "secret"), "::1")
    assert identity.principal.name == "carol"
    assert authenticator.lookup(basic("carol", "secret")) == identity
    with store.read() as tx:
        home = collections.home(tx, identity.principal.id, CollectionKind.CALENDAR_HOME)
        assert [child.name for child in collections.children(tx, home.id)] == ["calendar", "tasks"]


def test_for_a_user_of_the_file_the_file_counts(store, make, tmp_path):
    add(store, "alice", "own")
    users = write_users(tmp_path / "users", f"alice:{bcrypt_hash('file')}")
    authenticator = make(htpasswd=users)
    authenticator.verify(basic("alice", "file"), "::1")
    refused(lambda: authenticator.verify(basic("alice", "own"), "::1"))


def test_bcrypt_never_matches_on_the_beginning_of_a_password(make, tmp_path):
    users = write_users(tmp_path / "users", f"alice:{bcrypt_hash('x' * 72)}")
    authenticator = make(htpasswd=users)
    authenticator.verify(basic("alice", "x" * 72), "::1")
    refused(lambda: authenticator.verify(basic("alice", "x" * 73), "::1"))


def test_a_changed_file_holds_within_a_second(store, make, tmp_path):
    users = write_users(
        tmp_path / "users", f"alice:{bcrypt_hash('one')}", f"bob:{bcrypt_hash('bob')}"
    )
    authenticator = make(htpasswd=users)
    for header in (basic("alice", "one"), basic("bob", "bob")):
        authenticator.verify(header, "::1")
    _, app = add_app_password(store, authenticator.verify(basic("bob", "bob"), "").principal)
    authenticator.verify(basic("bob", app), "::1")
    write_users(users, f"alice:{bcrypt_hash('two')}")
    threading.Event().wait(0.6)
    refused(lambda: authenticator.verify(basic("alice", "one"), "::1"))
    authenticator.verify(basic("alice", "two"), "::1")
    refused(lambda: authenticator.verify(basic("bob", "bob"), "::1"))
    refused(lambda: authenticator.verify(basic("bob", app), "::1"))


def test_a_file_that_breaks_while_running_keeps_everyone_in(make, tmp_path):
    users = write_users(tmp_path / "users", f"alice:{bcrypt_hash('one')}")
    authenticator = make(htpasswd=users)
    users.write_text("alice:plain\n")
    threading.Event().wait(0.6)
    authenticator.verify(basic("alice", "one"), "::1")
    users.unlink()
    threading.Event().wait(0.6)
    assert authenticator.lookup(basic("alice", "one")) is not None


@pytest.mark.parametrize(
    "line, reason",
    [
        ("alice:secret", "line 2: it is neither a bcrypt nor an argon2 hash"),
        ("alice:$apr1$aaaaaaaa$bbbbbbbbbbbbbbbbbbbbbb", "line 2: MD5 is not safe"),
        ("alice:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=", "line 2: SHA-1 is not safe"),
        ("alice:$6$rounds=5000$x$y", "line 2: SHA-512 crypt is not safe"),
        ("alice", "line 2: it is not USER:HASH"),
        ("al/ice:$2y$", "line 2: a user name has"),
        (f"Bob:{bcrypt_hash('x')}", "line 2: the user bob is there twice"),
    ],
)
def test_a_file_with_a_bad_line_is_refused_at_start_naming_it(make, tmp_path, line, reason):
    users = write_users(tmp_path / "users", f"bob:{bcrypt_hash('x')}", line)
    with pytest.raises(HtpasswdError) as caught:
        make(htpasswd=users)
    assert f"{users}, {reason}" in str(caught.value)


@pytest.mark.parametrize("content, reason", [(None, "No such file"), (b"a:\xff", "not UTF-8")])
def test_a_file_that_cannot_be_read_is_refused(tmp_path, content, reason):
    if content is not None:
        (tmp_path / "users").write_bytes(content)
    with pytest.raises(HtpasswdError, match=reason):
        read_htpasswd(tmp_path / "users")


# Names, passwords and new accounts


@pytest.mark.parametrize(
    "name, canonical",
    [
        ("Alice", "alice"),
        ("ann.b+c@example.org", "ann.b+c@example.org"),
        ("ZOE\u0301", "zoé"),
        ("STRAßE", "strasse"),
        ("x" * 64, "x" * 64),
        ("_svc", "_svc"),
        ("अनु", "अनु"),
    ],
)
def test_a_name_has_one_form(name, canonical):
    assert canonical_name(name) == canonical
    assert canonical_name(canonical) == canonical


@pytest.mark.parametrize(
    "name",
    [
        "", "a b", "a/b", "a:b", "a\\b", "a\0", "a\n", "..", ".", "-x", "@x", "x" * 65, "a%40b",
        "a\u200bb", "a\u202eb", "\u0301a", "a*", "a\ud800", "\u1100" * 64 + "x", "😀",
    ],
)  # fmt: skip
def test_a_name_that_would_be_trouble_is_refused(name):
    with pytest.raises(UserNameError):
        canonical_name(name)


@pytest.mark.parametrize("text", ["", "a", "@b", "a@", "a b@c", "a@b\n", "x" * 250 + "@a.org"])
def test_what_is_no_mail_address_is_refused(text):
    with pytest.raises(ValueError, match="not a mail address"):
        check_email(text)


def test_a_new_account_has_a_calendar_a_task_list_and_an_address_book(store):
    principal = add(store, "Alice", email="a@example.org")
    assert (principal.name, principal.display_name) == ("alice", "Alice")
    with store.read() as tx:
        calendars = collections.home(tx, principal.id, CollectionKind.CALENDAR_HOME)
        books = collections.home(tx, principal.id, CollectionKind.ADDRESSBOOK_HOME)
        found = collections.children(tx, calendars.id) + collections.children(tx, books.id)
    names = [element_text(c.properties[DAV("displayname")]) for c in found]
    assert names == ["Calendar", "Tasks", "Contacts"]
    assert [(c.name, c.kind, c.components) for c in found] == [
        ("calendar", CollectionKind.CALENDAR, ("VEVENT",)),
        ("tasks", CollectionKind.CALENDAR, ("VTODO",)),
        ("contacts", CollectionKind.ADDRESSBOOK, ()),
    ]


def test_two_accounts_cannot_differ_in_case_only(store):
    add(store, "alice")
    with pytest.raises(NameConflict):
        add(store, "ALICE")


def test_the_default_hash_is_argon2id_by_rfc_9106():
    assert hash_password("x").startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert (HASHER.hash_len, HASHER.salt_len) == (32, 16)


@pytest.mark.parametrize("text", ["", "a\0b", "a\nb", "x" * 1025, "é" * 513, "\ud800"])
def test_a_password_that_clients_cannot_send_is_refused(text):
    with pytest.raises(PasswordError):
        hash_password(text, CHEAP)


def test_generated_passwords_differ_and_have_the_promised_bits():
    passwords = {generate_password() for _ in range(200)}
    assert len(passwords) == 200
    assert all(len(p.replace("-", "")) * 5 >= 100 for p in passwords)
    assert all(read_app_password(p) is None for p in passwords)


def test_an_app_password_is_read_back_as_people_type_it():
    new = generate_app_password(CHEAP)
    signs = read_app_password(new.text)
    assert len(signs[5:]) * 5 >= 100
    assert is_supported_hash(app_password_hash(new.secret_hash))
    typed = new.text.upper().replace("-", " ").replace("1", "I").replace("0", "O")
    assert read_app_password(typed) == signs
    assert new.text not in repr(new.secret_hash)


def test_a_nul_in_the_login_is_401_also_on_postgresql(postgres_url, clock, tmp_path):
    store = open_store(postgres_url)
    authenticator = Authenticator(store, Configuration(data=tmp_path), clock)
    try:
        for user in ("al\0ice", "al%00ice", "a\0@example.com"):
            header = basic(user, "secret")
            assert refused(lambda: authenticator.verify(header, "::1")).status == 401  # noqa: B023
    finally:
        authenticator.close()
        store.close()
