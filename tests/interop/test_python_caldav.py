"""The `caldav` library against the served program: discovery, events, searches, tasks, sync by
token."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from caldav.davclient import DAVClient
from caldav.lib.error import NotFoundError

from tests.clients import seed
from tests.served import PASSWORD, Served, serve


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serve(tmp_path_factory.mktemp("caldav") / "data", ("ann", "pat@example.org")) as running:
        yield running


def connected(served: Served, path: str, user: str = "ann") -> Any:
    """The library's client, given the URL a person may type.

    Its types tell that every call may give a coroutine, too; here none does.
    """
    return DAVClient(url=served.origin + path, username=user, password=PASSWORD)


@pytest.fixture
def principal(served: Served) -> Iterator[Any]:
    with connected(served, "/dav/") as client:
        yield client.principal()


@pytest.fixture
def calendar(principal: Any) -> Iterator[Any]:
    made = principal.make_calendar(name="Travel", cal_id="travel")
    yield made
    made.delete()


@pytest.mark.parametrize("user", ["ann", "pat@example.org"])
@pytest.mark.parametrize(
    "path", ["/", "/dav", "/dav/", "/dav/principals/{user}/", "/dav/calendars/{user}/"]
)
def test_finds_the_calendars_from_any_url(served: Served, path: str, user: str) -> None:
    with connected(served, path.format(user=user), user) as client:
        calendars = client.principal().calendars()
        assert {str(found.url).rstrip("/").rsplit("/", 1)[1] for found in calendars} >= {
            "calendar",
            "tasks",
        }
        assert all(found.get_display_name() for found in calendars)


def test_makes_and_deletes_a_calendar(principal: Any) -> None:
    made = principal.make_calendar(name="Reisen & mehr", cal_id="reisen")
    assert made.get_display_name() == "Reisen & mehr"
    assert str(made.url) in {str(found.url) for found in principal.calendars()}
    made.delete()
    assert str(made.url) not in {str(found.url) for found in principal.calendars()}


def test_saves_and_loads_an_event_as_it_is(calendar: Any) -> None:
    saved = calendar.save_event(seed.event("tea"))
    loaded = calendar.event_by_uid("tea")
    assert loaded.url == saved.url
    assert loaded.data == saved.data


def test_changes_and_deletes_an_event(calendar: Any) -> None:
    saved = calendar.save_event(seed.event("tea"))
    saved.data = seed.event("tea", summary="Coffee")
    saved.save()
    again = calendar.event_by_uid("tea")
    assert "SUMMARY:Coffee" in again.data
    again.delete()
    with pytest.raises(NotFoundError):
        calendar.event_by_uid("tea")


def test_searches_a_range_with_and_without_expansion(calendar: Any) -> None:
    calendar.save_event(seed.event("single"))
    calendar.save_event(seed.WEEKLY)
    calendar.save_event(seed.ALL_DAY)
    start, end = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 29, tzinfo=UTC)
    found = calendar.search(start=start, end=end, event=True, expand=False)
    assert {event.icalendar_component["UID"] for event in found} == {"single", "weekly"}
    instances = calendar.search(start=start, end=end, event=True, expand=True)
    uids = sorted(event.icalendar_component["UID"] for event in instances)
    assert uids == ["single", "weekly", "weekly", "weekly", "weekly"]


def test_searches_by_text(calendar: Any) -> None:
    calendar.save_event(seed.event("a", summary="Train to Vienna"))
    calendar.save_event(seed.event("b", summary="Flight to Oslo"))
    found = calendar.search(event=True, summary="Vienna")
    assert [event.icalendar_component["UID"] for event in found] == ["a"]


def test_keeps_and_completes_tasks(principal: Any) -> None:
    tasks = principal.make_calendar(
        name="Chores", cal_id="chores", supported_calendar_component_set=["VTODO"]
    )
    saved = tasks.save_todo(seed.task("sweep", "Sweep"))
    assert [task.icalendar_component["UID"] for task in tasks.todos()] == ["sweep"]
    saved.complete()
    assert tasks.todos() == []
    assert len(tasks.todos(include_completed=True)) == 1
    tasks.delete()


def test_follows_by_sync_token(calendar: Any) -> None:
    first = calendar.save_event(seed.event("one"))
    calendar.save_event(seed.event("two"))
    seen = calendar.objects_by_sync_token()
    assert len(list(seen)) == 2
    assert list(calendar.objects_by_sync_token(seen.sync_token)) == []
    calendar.save_event(seed.event("three"))
    first.data = seed.event("one", summary="Changed")
    first.save()
    calendar.event_by_uid("two").delete()
    changes = calendar.objects_by_sync_token(seen.sync_token, load_objects=False)
    names = {str(changed.url).rsplit("/", 1)[1].split(".")[0] for changed in changes}
    assert names == {"one", "two", "three"}
    assert list(calendar.objects_by_sync_token(changes.sync_token)) == []


def test_synchronises_a_collection_it_holds(calendar: Any) -> None:
    calendar.save_event(seed.event("one"))
    held = calendar.objects(load_objects=True)
    calendar.save_event(seed.event("two"))
    calendar.event_by_uid("one").delete()
    updated, deleted = held.sync()
    assert [found.icalendar_component["UID"] for found in updated] == ["two"]
    assert len(deleted) == 1
