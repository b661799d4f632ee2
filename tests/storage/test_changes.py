"""RFC 6578 pages of a collection on every engine: each interleaving that a token must survive."""

import pytest

from davenport.storage import changes, collections
from davenport.storage.error import InvalidSyncToken


def _names(page):
    return [(one.name, "404" if one.deleted else "200") for one in page.objects]


def _refused(ann, token):
    with pytest.raises(InvalidSyncToken):
        ann.page(token)


def test_an_initial_sync_lists_live_members_only(ann):
    for name in "abc":
        ann.put(name)
    ann.delete("b")
    page = ann.page(None)
    assert _names(page) == [("a", "200"), ("c", "200")]
    assert (page.next.revision, page.next.base, page.more) == (4, 0, False)


def test_an_empty_collection_has_a_token_that_works(ann):
    page = ann.page(None)
    assert (page.objects, page.more) == ([], False)
    ann.put("a")
    assert _names(ann.page(page.next)) == [("a", "200")]


def test_an_incremental_sync_lists_each_name_once_with_its_last_state(ann):
    for name in "abc":
        ann.put(name)
    token = ann.page(None).next
    ann.put("a", "new")
    ann.delete("b")
    ann.put("d")
    ann.delete("d")
    ann.delete("c")
    ann.put("c", "again")
    ann.put("a", "newer")
    page = ann.page(token)
    assert _names(page) == [("b", "404"), ("c", "200"), ("a", "200")]
    assert page.next.revision == ann.state().revision
    assert ann.page(page.next).objects == []


def test_deleted_made_again_and_deleted_is_still_reported(ann):
    """The case that a created_revision renewed at the second creation would lose."""
    ann.put("a")
    token = ann.page(None).next
    ann.delete("a")
    ann.put("a", "again")
    ann.delete("a")
    assert _names(ann.page(token)) == [("a", "404")]


@pytest.mark.parametrize("again", [False, True], ids=["deleted", "deleted, made and deleted again"])
def test_a_member_of_the_first_page_that_goes_before_the_second_is_reported(ann, again):
    for name in "abcd":
        ann.put(name)
    first = ann.page(None, limit=2)
    assert (_names(first), first.more) == ([("a", "200"), ("b", "200")], True)
    ann.delete("a")
    if again:
        ann.put("a", "again")
        ann.delete("a")
    second = ann.page(first.next, limit=10)
    assert _names(second) == [("c", "200"), ("d", "200"), ("a", "404")]
    assert second.next.base == 0


def test_old_tombstones_stay_out_of_the_later_pages_of_an_initial_sync(ann):
    for name in "abcdef":
        ann.put(name)
    ann.delete("d")
    ann.delete("e")
    first = ann.page(None, limit=2)
    ann.delete("f")
    rest = ann.page(first.next)
    # f was above the first page, so this client never had it: reported, to be safe, or not.
    assert [name for name in _names(rest) if name != ("f", "404")] == [("c", "200")]


def test_a_change_between_pages_moves_the_member_to_a_later_page(ann):
    for name in "abc":
        ann.put(name)
    first = ann.page(None, limit=2)
    ann.put("a", "new")
    assert _names(ann.page(first.next)) == [("c", "200"), ("a", "200")]


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 100])
def test_every_limit_reaches_the_same_end(ann, limit):
    for number in range(9):
        ann.put(f"{number}")
    for number in (1, 4, 8):
        ann.delete(f"{number}")
    mirror, token, pages = {}, None, 0
    while True:
        page = ann.page(token, limit)
        assert len(page.objects) <= limit
        mirror |= {one.name: one.etag for one in page.objects}
        token, pages = page.next, pages + 1
        if not page.more:
            break
    assert mirror == ann.live()
    assert pages == max(1, -(-6 // limit))


def test_a_page_without_room_is_a_mistake_of_the_caller(ann):
    with pytest.raises(ValueError):
        ann.page(None, limit=0)


def test_a_listing_in_several_snapshots_ends_at_the_first(ann):
    for name in "abcd":
        ann.put(name)
    until = ann.state().revision
    first = ann.page(None, 2, until)
    ann.put("c", "new")
    ann.put("e")
    ann.delete("a")
    rest = ann.page(first.next, 100, until)
    assert (_names(rest), rest.more) == ([("d", "200")], False)
    assert rest.next.revision == until
    assert _names(ann.page(rest.next)) == [("c", "200"), ("e", "200"), ("a", "404")]


def test_a_sync_without_changes_asks_the_database_nothing(ann):
    ann.put("a")
    token = ann.page(None).next

    class Silent:
        def __getattr__(self, name):
            raise AssertionError(name)

    page = changes.page(Silent(), ann.state(), token, 10)
    assert (page.objects, page.next, page.more) == ([], token, False)


def test_tokens_of_others_and_of_the_future_are_refused(ann, store, new_account):
    other = new_account(store, "bob")
    for account in (ann, other):
        account.put("a")
        account.put("b")
    token = ann.page(None).next
    _refused(other, token)
    _refused(ann, changes.SyncToken(token.epoch, token.collection_id, token.revision + 1))
    _refused(ann, changes.SyncToken(token.epoch, token.collection_id, 1, token.revision + 1))
    _refused(ann, changes.SyncToken(token.epoch, token.collection_id, 2, 1))
    assert ann.page(changes.SyncToken(token.epoch, token.collection_id, 1, 2)).objects


def test_a_token_of_a_collection_made_again_under_the_same_name_is_refused(ann, store):
    ann.put("a")
    token = ann.page(None).next
    store.write(lambda tx: collections.delete(tx, ann.calendar.id, 9))
    ann.calendar = store.write(
        lambda tx: collections.create(
            tx, ann.home, "work", ann.calendar.kind, ann.calendar.components, {}, 9
        )
    )
    _refused(ann, token)


def test_a_renewed_epoch_refuses_every_earlier_token(ann, store):
    ann.put("a")
    token = ann.page(None).next
    assert token.epoch == store.epoch
    changes.check(token, ann.state(), store.epoch)
    renewed = store.renew_epoch()
    assert renewed == store.epoch != token.epoch
    with pytest.raises(InvalidSyncToken):
        changes.check(token, ann.state(), store.epoch)
    assert ann.page(None).next.epoch == renewed


def test_pruning_refuses_exactly_the_tokens_that_miss_a_deletion(ann, store):
    for name in "abcd":
        ann.put(name)
    tokens = [ann.page(None).next]
    for name in "ab":
        ann.delete(name)
        tokens.append(ann.page(tokens[-1]).next)
    before = ann.clock  # the second deletion's time: it stays
    assert store.write(lambda tx: changes.prune(tx, ann.calendar.id, before)) == 1
    assert ann.state().floor == 5
    _refused(ann, tokens[0])
    assert _names(ann.page(tokens[1])) == [("b", "404")]
    assert ann.page(tokens[2]).objects == []
    assert _names(ann.page(None)) == [("c", "200"), ("d", "200")]


def test_an_initial_sync_can_be_paged_below_the_floor(ann, store):
    """Its first pages have revisions under the floor, and no pruned tombstone concerns them."""
    for name in "abcd":
        ann.put(name)
    ann.delete("a")
    store.write(lambda tx: changes.prune(tx, ann.calendar.id, ann.clock + 1))
    assert ann.state().floor == 5
    first = ann.page(None, limit=1)
    assert first.next.revision < 5
    second = ann.page(first.next, limit=1)
    assert _names(second) == [("c", "200")]
    ann.delete("b")
    store.write(lambda tx: changes.prune(tx, ann.calendar.id, ann.clock + 1))
    _refused(ann, second.next)


def test_pruning_keeps_the_bytes_of_live_objects_and_versions_still_in_time(ann, store):
    for body in ("one", "two", "three"):
        ann.put("a", body)
    since = ann.clock
    ann.put("a", "four")
    ann.put("old", "kept")
    ann.clock += 1000
    ann.put("b")
    ann.delete("b")
    store.write(lambda tx: changes.prune(tx, ann.calendar.id, since))
    with store.read() as tx:
        bodies = tx.all("SELECT body FROM version ORDER BY revision", {})
    assert [bytes(row[0]) for row in bodies] == [b"two", b"three", b"four", b"kept", b"body", b""]
    store.write(lambda tx: changes.prune(tx, ann.calendar.id, ann.clock + 1))
    with store.read() as tx:
        bodies = tx.all("SELECT body FROM version ORDER BY revision", {})
    assert [bytes(row[0]) for row in bodies] == [b"four", b"kept"]


def test_a_pruned_name_used_again_is_a_new_object(ann, store):
    first, _ = ann.put("a")
    token = ann.page(None).next
    ann.delete("a")
    store.write(lambda tx: changes.prune(tx, ann.calendar.id, ann.clock + 1))
    again, created = ann.put("a")
    assert created
    assert again.id > first.id
    _refused(ann, token)
    assert _names(ann.page(None)) == [("a", "200")]
