"""RFC 6578 on a home, sync-level 1 and infinite, on every engine."""

import random

import pytest

from davenport.objects.index import Index
from davenport.storage import collections, home_changes, object_resources, principals
from davenport.storage.error import Gone, InvalidSyncToken, NameConflict
from davenport.storage.model import CollectionKind
from davenport.storage.token import HomeSyncToken


class Home:
    """Short ways to use an account's calendar home."""

    def __init__(self, ann):
        self.ann, self.store, self.id, self.bodies = ann, ann.store, ann.home.id, 0

    def make(self, name):
        return self.store.write(
            lambda tx: collections.create(
                tx, self.ann.home, name, CollectionKind.CALENDAR, ("VEVENT",), {}, 1
            )
        )

    def drop(self, collection):
        self.store.write(lambda tx: collections.delete(tx, collection.id, 2))

    def put(self, collection, name):
        self.bodies += 1
        body = f"body {self.bodies}"
        return self.store.write(
            lambda tx: object_resources.put(
                tx,
                collection.id,
                name,
                Index(name, "VEVENT"),
                body.encode(),
                f'"{body}"',
                actor="ann",
                device=None,
                now=3,
            )
        )[0]

    def remove(self, collection, name):
        def work(tx):
            found = object_resources.get(tx, collection.id, name)
            if found is not None:
                object_resources.delete(tx, found, actor="ann", device=None, now=4)

        self.store.write(work)

    def level_1(self, token, limit=100):
        with self.store.read() as tx:
            home = collections.get(tx, self.id)
            return home_changes.home_page(tx, home, token, limit)

    def infinite(self, token, limit=100):
        with self.store.read() as tx:
            home = collections.get(tx, self.id)
            return home_changes.home_members_page(tx, home, token, limit)

    def live(self):
        """Collection names, each with its members' etags."""
        found = {}
        with self.store.read() as tx:
            for child in collections.children(tx, self.id):
                members = object_resources.list_page(tx, child.id, None, 1000)
                found[child.name] = {one.name: one.etag for one in members}
        return found


@pytest.fixture
def home(ann):
    return Home(ann)


def _names(page):
    return [one.name for one in page.changed], [one.name for one in page.removed]


def test_level_1_lists_what_was_made_changed_and_removed(home):
    first = home.level_1(None)
    assert _names(first) == (["work"], [])
    made = home.make("made")
    short_lived = home.make("short-lived")
    home.drop(short_lived)
    second = home.level_1(first.next)
    assert _names(second) == (["made"], [])
    home.put(made, "a")
    home.drop(home.ann.calendar)
    third = home.level_1(second.next)
    assert _names(third) == (["made"], ["work"])
    assert _names(home.level_1(third.next)) == ([], [])


def test_level_1_lists_a_collection_made_again_once_and_as_changed(home):
    token = home.level_1(None).next
    home.drop(home.ann.calendar)
    again = home.make("work")
    page = home.level_1(token)
    assert (_names(page), page.changed[0].id) == ((["work"], []), again.id)
    assert _names(home.level_1(page.next)) == ([], [])


def test_the_token_of_the_property_is_that_of_a_finished_sync(home):
    home.make("other")
    with home.store.read() as tx:
        state = home_changes.state(tx, collections.get(tx, home.id))
        members = home_changes.state(tx, collections.get(tx, home.id), members=True)
    assert home.level_1(None).next == state
    assert home.infinite(None).next == members


@pytest.mark.parametrize("limit", [1, 2, 5])
def test_level_1_is_paged_by_limit(home, limit):
    collections_ = [home.make(f"c{number}") for number in range(4)]
    token, seen = home.level_1(None).next, []
    home.drop(collections_[0])
    home.drop(collections_[2])
    home.put(collections_[1], "a")
    home.make("new")
    while True:
        page = home.level_1(token, limit)
        seen += _names(page)[0] + _names(page)[1]
        assert len(page.changed) + len(page.removed) <= limit
        token = page.next
        if not page.more:
            break
    assert sorted(seen) == ["c0", "c1", "c2", "new"]


def test_infinite_lists_members_with_their_collection(home):
    kept = home.put(home.ann.calendar, "a")
    token = home.infinite(None).next
    assert home.infinite(token).changed == []
    home.remove(home.ann.calendar, "a")
    added = home.put(home.ann.calendar, "b")
    (change,) = home.infinite(token).changed
    assert change.collection.id == home.ann.calendar.id
    assert [(one.name, one.deleted) for one in change.objects] == [
        (kept.name, True),
        (added.name, False),
    ]


def test_infinite_refuses_when_a_collection_with_known_members_was_made_again(home):
    empty = home.make("empty")
    home.put(home.ann.calendar, "a")
    token = home.infinite(None).next
    home.drop(empty)
    again = home.make("empty")
    assert [one.collection.id for one in home.infinite(token).changed] == [again.id]
    home.drop(home.ann.calendar)
    home.make("work")
    with pytest.raises(InvalidSyncToken):
        home.infinite(token)


def test_tokens_that_cannot_be_answered_are_refused(home, store, new_account):
    home.put(home.ann.calendar, "a")
    token = home.level_1(None).next
    other = Home(new_account(store, "bob"))
    work = home.ann.calendar.id
    refused = (
        (other, token),
        (home, HomeSyncToken(token.epoch, home.id, token.revisions, members=True)),
        (home, HomeSyncToken(token.epoch, home.id, {work: (2, 0)})),
        (home, HomeSyncToken(token.epoch, home.id, {work: (1, 2)})),
        (home, HomeSyncToken(token.epoch, home.id, {work: (1, 0), 10**9: (0, 0)})),
        (home, HomeSyncToken(token.epoch, home.id, {other.ann.calendar.id: (0, 0)})),
    )
    for asked, bad in refused:
        with pytest.raises(InvalidSyncToken):
            (asked.infinite if bad.members and asked is other else asked.level_1)(bad)
    with pytest.raises(InvalidSyncToken):
        home.infinite(token)
    with pytest.raises(InvalidSyncToken), store.read() as tx:
        home_changes.check(token, collections.get(tx, home.id), "f" * 16)


def test_a_page_without_room_is_a_mistake_of_the_caller(home):
    with pytest.raises(ValueError):
        home.level_1(None, 0)
    with pytest.raises(ValueError):
        home.infinite(None, 1)


def _change(home, chance):
    """One random change of the home or of a member."""
    with home.store.read() as tx:
        children = {one.name: one for one in collections.children(tx, home.id)}
    name = chance.choice(("work", "x", "y", "z"))
    roll = chance.random()
    if name not in children:
        home.make(name)
    elif roll < 0.1:
        home.drop(children[name])
    elif roll < 0.7:
        home.put(children[name], chance.choice("abcde"))
    else:
        home.remove(children[name], chance.choice("abcde"))


class Follower:
    """A client of a home at sync-level infinite that knows only what pages told it."""

    def __init__(self, home):
        self.home, self.token, self.mirror = home, None, {}

    def turn(self, limit):
        """One page into the mirror; whether there is more."""
        try:
            page = self.home.infinite(self.token, limit)
        except InvalidSyncToken:
            self.token, self.mirror = None, {}
            return True
        assert len(page.removed) + sum(1 + len(one.objects) for one in page.changed) <= limit
        for tombstone in page.removed:
            self.mirror.pop(tombstone.name, None)
        for one in page.changed:
            members = self.mirror.setdefault(one.collection.name, {})
            for resource in one.objects:
                if resource.deleted:
                    members.pop(resource.name, None)
                else:
                    members[resource.name] = resource.etag
        self.token = HomeSyncToken.parse(str(page.next))
        return page.more


@pytest.mark.parametrize("seed", range(12))
def test_infinite_pages_compose_to_the_home(home, seed):
    chance = random.Random(seed)
    follower = Follower(home)
    for _ in range(40):
        for _ in range(chance.randint(0, 5)):
            _change(home, chance)
        follower.turn(chance.randint(2, 5))
    while follower.turn(chance.randint(2, 5)):
        pass
    assert follower.mirror == home.live()


def test_collections_are_not_made_in_a_removed_home(home, store):
    with pytest.raises(NameConflict):
        home.make("work")
    store.write(lambda tx: principals.remove(tx, home.ann.home.owner_id))
    with pytest.raises(Gone):
        home.make("late")
