"""Principals, their homes and app passwords on every engine."""

import pytest

from davenport.storage import app_passwords, collections, principals
from davenport.storage.error import Gone, NameConflict
from davenport.storage.model import CollectionKind


def _create(tx, name="ann", **changes):
    values = {"display_name": "Ann", "email": "ann@example.com", "password_hash": "h", "now": 5}
    return principals.create(tx, name, **(values | changes))


def test_a_new_account_is_read_back_with_two_homes(store):
    created = store.write(_create)
    with store.read() as tx:
        assert principals.by_name(tx, "ann") == principals.by_id(tx, created.id) == created
        homes = [collections.home(tx, created.id, kind) for kind in list(CollectionKind)[:2]]
    assert (created.name, created.email, created.disabled, created.created) == (
        "ann",
        "ann@example.com",
        False,
        5,
    )
    assert [home.kind for home in homes] == ["calendar-home", "addressbook-home"]
    assert all(home.parent_id is None and home.owner_id == created.id for home in homes)


def test_a_taken_name_is_refused_and_names_differ_by_case(store):
    store.write(_create)
    with pytest.raises(NameConflict):
        store.write(_create)
    store.write(lambda tx: _create(tx, "Ann"))
    with store.read() as tx:
        assert [one.name for one in principals.all(tx)] == ["Ann", "ann"]
        assert principals.by_name(tx, "ANN") is None


def test_accounts_are_found_by_mail_address(store):
    for name in ("bob", "ann"):
        store.write(lambda tx, name=name: _create(tx, name))
    store.write(lambda tx: _create(tx, "cora", email=None))
    with store.read() as tx:
        assert [one.name for one in principals.by_email(tx, "Ann@EXAMPLE.com")] == ["bob", "ann"]
        assert principals.by_email(tx, "nobody@example.com") == []


@pytest.mark.parametrize(
    ("change", "field", "value", "bumps"),
    [
        (lambda tx, i: principals.set_password(tx, i, "new"), "password_hash", "new", 1),
        (lambda tx, i: principals.set_password(tx, i, None), "password_hash", None, 1),
        (lambda tx, i: principals.set_disabled(tx, i, disabled=True), "disabled", True, 1),
        (lambda tx, i: principals.set_email(tx, i, "b@example.com"), "email", "b@example.com", 0),
    ],
    ids=["password", "no password", "disabled", "email"],
)
def test_a_change_is_kept_and_moves_the_credential_revision(store, change, field, value, bumps):
    before = store.write(_create)
    after = store.write(lambda tx: change(tx, before.id))
    with store.read() as tx:
        assert principals.by_id(tx, before.id) == after
    assert getattr(after, field) == value
    assert after.credential_revision == before.credential_revision + bumps
    with pytest.raises(Gone):
        store.write(lambda tx: change(tx, before.id + 1000))


def test_removing_an_account_leaves_nothing_of_it_and_nothing_of_others_missing(store, new_account):
    ann, bob = new_account(store, "ann"), new_account(store, "bob")
    for account in (ann, bob):
        account.put("a.ics", "one")
        account.put("a.ics", "two")
        store.write(
            lambda tx, account=account: app_passwords.add(
                tx,
                account.home.owner_id,
                label="phone",
                secret_hash="h",
                read_only=False,
                expires=None,
                now=1,
            )
        )
    store.write(lambda tx: principals.remove(tx, ann.home.owner_id))
    with store.read() as tx:
        assert principals.by_name(tx, "ann") is None
        counts = [
            tx.one(f"SELECT COUNT(*) FROM {table}", {})[0]
            for table in ("principal", "collection", "object", "version", "app_password")
        ]
    assert counts == [1, 3, 1, 2, 1]
    assert bob.live() != {}
    with pytest.raises(Gone):
        ann.put("b.ics")


def test_ids_are_not_used_again(store, new_account):
    first = new_account(store, "ann")
    store.write(lambda tx: principals.remove(tx, first.home.owner_id))
    second = new_account(store, "ann")
    assert second.calendar.id > first.calendar.id
    assert second.home.owner_id > first.home.owner_id


def test_app_passwords_are_listed_touched_and_revoked(store):
    principal = store.write(_create)

    def add(tx, label, read_only, expires):
        return app_passwords.add(
            tx,
            principal.id,
            label=label,
            secret_hash=f"hash of {label}",
            read_only=read_only,
            expires=expires,
            now=7,
        )

    phone = store.write(lambda tx: add(tx, "phone", False, None))
    wall = store.write(lambda tx: add(tx, "wall display", True, 99))
    store.write(lambda tx: app_passwords.touch_last_used(tx, phone.id, 12))
    with store.read() as tx:
        listed = app_passwords.of_principal(tx, principal.id)
    assert [(one.label, one.read_only, one.expires, one.last_used) for one in listed] == [
        ("phone", False, None, 12),
        ("wall display", True, 99, None),
    ]
    assert store.write(lambda tx: app_passwords.revoke(tx, wall.id)) is True
    assert store.write(lambda tx: app_passwords.revoke(tx, wall.id)) is False
    with store.read() as tx:
        assert [one.id for one in app_passwords.of_principal(tx, principal.id)] == [phone.id]
        found = principals.by_id(tx, principal.id)
    assert found.credential_revision == principal.credential_revision + 1
    with pytest.raises(Gone):
        store.write(
            lambda tx: app_passwords.add(
                tx, 10**6, label="", secret_hash="", read_only=False, expires=None, now=1
            )
        )
