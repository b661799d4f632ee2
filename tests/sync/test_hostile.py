"""Servers that do not do as the RFCs say: nothing is lost by it, nothing concluded from it."""

import pytest

from davenport.dav.message import Request, Response
from davenport.sync.answer import NotDavError, RefusedError, SyncError
from davenport.sync.flow import drive
from davenport.sync.properties import read_state
from davenport.sync.remote import Home, RemoteSide, Traits
from davenport.sync.remote_collection import RemoteCollection
from davenport.sync.side import (
    AuthenticationFailed,
    CollectionMissing,
    Exists,
    OutcomeUnknown,
    RateLimited,
    ReadOnly,
    Rejected,
    SideError,
    Stale,
)
from tests.bodies import event
from tests.sync.sides import (
    Scripted,
    calendar_properties,
    etag,
    found,
    multistatus,
    status,
)

CALENDAR = "/c/"


def collection(server: Scripted, **traits: bool) -> RemoteCollection:
    shown = multistatus(found(CALENDAR, calendar_properties()))
    state = drive(read_state(CALENDAR), lambda _: shown)
    return RemoteCollection(server, state, "https://p7-dav.example/ann/", **traits)


def error(*inside: str) -> bytes:
    spaces = 'xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"'
    return f"<D:error {spaces}>{''.join(inside)}</D:error>".encode()


def members(*names: str) -> list[str]:
    return [found(f"{CALENDAR}{name}", etag(name)) for name in names]


class Calendar:
    """A calendar with sync-collection whose parts a test replaces."""

    def __init__(self) -> None:
        self.listing = multistatus(found(CALENDAR, calendar_properties()), *members("a", "b"))
        self.state = multistatus(found(CALENDAR, calendar_properties()))
        self.foreign = Response(403, {}, error("<D:valid-sync-token/>"))
        self.report: Response = multistatus(token="t2")
        self.initial: Response = multistatus(*members("a", "b"), token="t1")

    def __call__(self, request: Request) -> Response:
        if request.method == "PROPFIND":
            return self.listing if request.headers["depth"] == "1" else self.state
        if b"never-issued" in request.body:
            return self.foreign
        return self.initial if b"<D:sync-token/>" in empty_token(request) else self.report


def empty_token(request: Request) -> bytes:
    return request.body.replace(b"<D:sync-token></D:sync-token>", b"<D:sync-token/>")


def test_the_cursor_is_read_before_the_listing() -> None:
    server = Scripted(Calendar())
    assert collection(server).changes(None).cursor == "token t1"
    depths = [r.headers["depth"] for r in server.asked if r.method == "PROPFIND"]
    assert depths == ["0", "1"]


def test_tokens_of_a_server_that_takes_any_are_not_used() -> None:
    calendar = Calendar()
    calendar.foreign = multistatus(token="t9")
    server = Scripted(calendar)
    side = collection(server)
    listing = side.changes(None)
    assert listing.cursor == "ctag c1"
    assert side.changes("ctag c1").entries == {}
    calendar.state = multistatus(found(CALENDAR, calendar_properties(ctag="c2")))
    again = side.changes("ctag c1")
    assert (again.whole, again.cursor) == (True, "ctag c2")


def test_no_report_asks_for_pages() -> None:
    server = Scripted(Calendar())
    collection(server).changes("token t1")
    assert all(b"limit" not in request.body for request in server.asked)


ODD = {
    "404": "404 Not Found",
    "410": "410 Gone",
    "418": "418 I'm a teapot",
    "403": "403 Forbidden",
    "500": "500 Oh",
}


@pytest.mark.parametrize("line", ODD.values(), ids=ODD.keys())
def test_a_member_with_an_odd_status_is_a_candidate(line: str) -> None:
    calendar = Calendar()
    calendar.report = multistatus(status(f"{CALENDAR}a", line), *members("b"), token="t2")
    listing = collection(Scripted(calendar)).changes("token t1")
    assert listing.absent == {f"{CALENDAR}a"}
    assert dict(listing.entries) == {f"{CALENDAR}b": '"b"'}
    assert listing.cursor == "token t2"


@pytest.mark.parametrize("code", [403, 409, 412, 500])
def test_an_invalid_token_is_known_by_its_element(code: int) -> None:
    calendar = Calendar()
    calendar.report = Response(code, {}, error("<D:valid-sync-token/>"))
    listing = collection(Scripted(calendar)).changes("token old")
    assert listing.whole
    assert set(listing.entries) == {f"{CALENDAR}a", f"{CALENDAR}b"}


@pytest.mark.parametrize("code", [400, 403, 412, 500])
def test_a_refusal_without_a_reason_is_the_tokens_fault_if_none_is_answered(code: int) -> None:
    calendar = Calendar()
    calendar.report = Response(code, {}, b"")
    assert collection(Scripted(calendar)).changes("token old").whole
    calendar.initial = Response(code, {}, b"")
    with pytest.raises(RefusedError):
        collection(Scripted(calendar)).changes("token old")


def test_a_server_that_lists_the_collection_itself_began_anew() -> None:
    calendar = Calendar()
    calendar.report = multistatus(found(CALENDAR, etag("x")), *members("b"), token="t2")
    listing = collection(Scripted(calendar)).changes("token t1")
    assert listing.whole
    assert set(listing.entries) == {f"{CALENDAR}a", f"{CALENDAR}b"}


def test_a_depth_of_one_is_tried_where_zero_is_refused() -> None:
    def answer(request: Request) -> Response:
        if request.headers["depth"] == "0":
            return Response(400, {}, b"Depth")
        return multistatus(*members("a"), token="t2")

    assert collection(Scripted(answer)).changes("token t1").cursor == "token t2"


def test_paging_that_does_not_end_is_ended() -> None:
    count = iter(range(10_000))

    def answer(_request: Request) -> Response:
        return multistatus(status(CALENDAR, "507 More"), token=f"t{next(count)}")

    server = Scripted(answer)
    with pytest.raises(SyncError):
        collection(server).changes("token t")
    assert len(server.asked) <= 1001


OUTSIDE = ["/else/x.ics", "/c/../x.ics", "/c/%2e%2e/x.ics", "https://evil.example/c/x", "//e/c/x"]


@pytest.mark.parametrize("href", OUTSIDE)
def test_members_outside_the_collection_are_not_believed(href: str) -> None:
    calendar = Calendar()
    calendar.report = multistatus(found(href, etag("x")), token="t2")
    calendar.listing = multistatus(found(href, etag("x")), *members("a"))
    calendar.state = multistatus(
        found("https://dav.example/c/", calendar_properties().replace("t1", "t1"))
    )
    side = collection(Scripted(calendar))
    side.info = drive(read_state("https://dav.example/c/"), lambda _: calendar.state).info
    with pytest.raises(SyncError):
        side.changes("token t1")
    listing = side.changes(None)
    assert list(listing.entries) == [f"{CALENDAR}a"]
    assert (listing.complete, listing.cursor) == (False, None)


def test_a_listing_that_was_cut_is_not_complete() -> None:
    calendar = Calendar()
    calendar.listing = multistatus(*members("a"), status(CALENDAR, "507 Cut"))
    listing = collection(Scripted(calendar)).changes(None)
    assert (listing.complete, listing.cursor) == (False, None)


def test_a_listing_of_a_suspect_length_is_held_against_a_second() -> None:
    names = [f"m{n:04}" for n in range(1500)]
    calendar = Calendar()
    calendar.listing = multistatus(*members(*names[:1000]))
    calendar.initial = multistatus(*members(*names), token="t1")
    listing = collection(Scripted(calendar)).changes(None)
    assert len(listing.entries) == 1500
    assert not listing.complete
    calendar.initial = multistatus(*members(*names[:1000]), token="t1")
    assert collection(Scripted(calendar)).changes(None).complete


PAGE = Response(200, {"content-type": "text/html"}, b"<!DOCTYPE html><html>Sign in</html>")
UNUSABLE: dict[str, tuple[Response, type[SideError]]] = {
    "a web page": (PAGE, NotDavError),
    "a page as multistatus": (Response(207, {}, PAGE.body), SyncError),
    "nothing": (Response(207, {}, b""), SyncError),
    "a redirect": (Response(302, {"location": "/login"}, b""), NotDavError),
    "cut off": (Response(207, {}, b'<D:multistatus xmlns:D="DAV:"><D:resp'), SyncError),
    "a bomb": (
        Response(207, {}, b'<!DOCTYPE x [<!ENTITY a "b">]><D:multistatus xmlns:D="DAV:"/>'),
        SyncError,
    ),
    "unauthorised": (Response(401, {}, b""), AuthenticationFailed),
    "too many": (Response(429, {"retry-after": "120"}, b""), RateLimited),
    "an empty error": (Response(403, {}, error()), RateLimited),
    "not there": (Response(404, {}, b""), CollectionMissing),
    "forbidden": (Response(403, {}, b"no"), CollectionMissing),
    "an error": (Response(500, {}, b"oh"), RefusedError),
    "not a calendar": (
        multistatus(found(CALENDAR, "<D:resourcetype><D:collection/></D:resourcetype>")),
        CollectionMissing,
    ),
}


@pytest.mark.parametrize("answer, kind", UNUSABLE.values(), ids=UNUSABLE.keys())
def test_an_answer_that_is_no_listing_is_an_error(answer: Response, kind: type[SideError]) -> None:
    side = collection(Scripted(lambda _: answer))
    for cursor in (None, "ctag c1"):
        with pytest.raises(kind):
            side.changes(cursor)
    with pytest.raises(SideError):
        side.changes("token t1")


def test_a_body_is_asked_for_again_where_it_was_left_out() -> None:
    """A server that stops at 20 of a report without a word."""
    asked: list[int] = []

    def answer(request: Request) -> Response:
        if request.method == "GET":
            name = request.path.rpartition("/")[2]
            return Response(200, {"etag": f'"{name}"'}, event(name))
        hrefs = [p.split(b"<")[0].decode() for p in request.body.split(b"<D:href>")[1:]]
        asked.append(len(hrefs))
        data = [
            found(h, etag(h) + f"<C:calendar-data>{event(h).decode()}</C:calendar-data>")
            for h in hrefs[:20]
        ]
        return multistatus(*data, found("/c/unasked", "<C:calendar-data>x</C:calendar-data>"))

    server = Scripted(answer)
    hrefs = [f"{CALENDAR}m{n}" for n in range(100)]
    items = list(collection(server).fetch(hrefs))
    assert sorted(item.href for item in items) == sorted(hrefs)
    assert asked == [30, 20, 20, 20, 10]
    assert all(b"\r\n" in item.body for item in items)


def test_a_batch_that_is_too_much_is_halved() -> None:
    sizes: list[int] = []

    def answer(request: Request) -> Response:
        if request.method == "GET":
            return Response(404, {}, b"")
        hrefs = [p.split(b"<")[0].decode() for p in request.body.split(b"<D:href>")[1:]]
        sizes.append(len(hrefs))
        if len(hrefs) > 4:
            return Response(504, {}, b"")
        data = event("x").decode()
        return multistatus(
            *(found(h, etag("x") + f"<C:calendar-data>{data}</C:calendar-data>") for h in hrefs)
        )

    items = list(collection(Scripted(answer)).fetch([f"{CALENDAR}m{n}" for n in range(16)]))
    assert len({item.href for item in items}) == 16
    assert sizes[:3] == [16, 15, 7]


WRITES: dict[str, tuple[Response, type[SideError]]] = {
    "taken": (Response(412, {}, b""), Exists),
    "UID in use": (
        Response(
            409, {}, error("<C:no-uid-conflict><D:href>/c/o.ics</D:href></C:no-uid-conflict>")
        ),
        Exists,
    ),
    "UID in use elsewhere": (
        Response(403, {}, error("<C:unique-scheduling-object-resource/>")),
        Exists,
    ),
    "UID in the trash": (Response(400, {}, b"Calendar object with uid already exists"), Exists),
    "read-only": (Response(403, {}, error("<D:need-privileges/>")), ReadOnly),
    "quota of requests": (Response(403, {}, b'{"domain": "usageLimits"}'), RateLimited),
    "too many": (Response(429, {}, b""), RateLimited),
    "login": (Response(401, {}, b""), AuthenticationFailed),
    "not liked": (Response(400, {}, b"Bad CREATED"), Rejected),
    "too large": (Response(413, {}, b""), Rejected),
    "quota": (Response(507, {}, b""), Rejected),
    "no data": (Response(403, {}, error("<C:valid-calendar-data/>")), Rejected),
    "an error": (Response(500, {}, b"oh"), OutcomeUnknown),
    "a gateway's": (Response(504, {}, b""), OutcomeUnknown),
    "in a multistatus": (multistatus(status("/c/a.ics", "403 No")), Rejected),
}


@pytest.mark.parametrize("answer, kind", WRITES.values(), ids=WRITES.keys())
def test_a_refused_write_says_why(answer: Response, kind: type[SideError]) -> None:
    server = Scripted(lambda _: answer)
    with pytest.raises(kind) as caught:
        collection(server).create("a.ics", event("a"))
    assert server.methods() == ["PUT"]
    assert server.asked[0].headers["if-none-match"] == "*"
    if isinstance(caught.value, Exists):
        assert caught.value.href in {None, "/c/o.ics", "/c/a.ics"}


def test_if_match_is_never_a_star() -> None:
    server = Scripted(lambda r: Response(200, {"etag": '"now"'}, event("a")))
    side = collection(server)
    side.update("/c/a.ics", event("a"), '"now"')
    side.delete("/c/a.ics", '"now"')
    side.update("/c/a.ics", event("a"), 'W/"now"')
    changing = [r for r in server.asked if r.method != "GET"]
    assert [r.headers["if-match"] for r in changing] == ['"now"'] * 3
    assert changing[1].headers["schedule-reply"] == "F"


def test_a_weak_or_missing_etag_is_compared_before_the_write() -> None:
    server = Scripted(lambda r: Response(200, {}, event("a")))
    side = collection(server)
    [item] = side.fetch(["/c/a.ics"])
    side.update("/c/a.ics", event("a", "new"), item.etag)
    for stale in ("", 'W/"x"', "content:0"):
        with pytest.raises(Stale):
            side.update("/c/a.ics", event("a"), stale)
        with pytest.raises(Stale):
            side.delete("/c/a.ics", stale)
    assert server.methods().count("PUT") == 1
    assert "DELETE" not in server.methods()


def test_what_is_gone_already_needs_no_deleting() -> None:
    for code in (403, 404, 409, 410, 412):
        answer = {"DELETE": Response(code, {}, b""), "GET": Response(404, {}, b"")}
        collection(Scripted(lambda r, a=answer: a[r.method])).delete("/c/a.ics", '"x"')


def test_if_none_match_that_is_ignored_is_replaced_by_looking() -> None:
    def answer(request: Request) -> Response:
        return Response(200 if request.method == "GET" else 204, {}, event("a"))

    server = Scripted(answer)
    with pytest.raises(Exists):
        collection(server, look_before_create=True).create("a.ics", event("a"))
    assert "PUT" not in server.methods()


READS: dict[str, tuple[int, Response, bool | None]] = {
    "there": (200, multistatus(), True),
    "gone": (404, multistatus(), False),
    "gone for good": (410, multistatus(), False),
    "an error": (500, multistatus(), None),
    "forbidden, gone inside": (403, multistatus(status("/c/a@b.ics", "404 No")), False),
    "forbidden, there inside": (403, multistatus(found("/c/a%40b.ics", etag("x"))), True),
    "forbidden, nothing inside": (403, multistatus(), None),
    "forbidden twice": (403, Response(403, {}, b"no"), None),
}


@pytest.mark.parametrize("code, report, expected", READS.values(), ids=READS.keys())
def test_existence_is_read_directly(code: int, report: Response, expected: bool | None) -> None:
    def answer(request: Request) -> Response:
        return Response(code, {}, b"x") if request.method == "GET" else report

    assert collection(Scripted(answer)).exists("/c/a@b.ics") is expected


@pytest.mark.parametrize("spelling", ["/c/a@b.ics", "/c/a%40b.ics"])
def test_a_member_is_found_in_the_spelling_that_the_server_knows(spelling: str) -> None:
    def answer(request: Request) -> Response:
        if request.method == "PROPFIND":
            return multistatus(found("/c/a%40b.ics", etag("x")))
        if request.method in {"GET", "PUT"} and request.path == spelling:
            return Response(200, {"etag": '"x"'}, event("a"))
        return Response(404, {}, b"")

    side = collection(Scripted(answer))
    assert side.exists("/c/a@b.ics") is True
    [item] = side.fetch(["/c/a@b.ics"])
    assert item.href == "/c/a@b.ics"
    assert side.update(item.href, event("a"), item.etag).href == item.href


def test_an_account_that_moves_between_hosts_is_the_same() -> None:
    one = collection(Scripted(lambda _: PAGE))
    state = one.state
    other = RemoteCollection(lambda _: PAGE, state, "https://p42-dav.example/ann/")
    third = RemoteCollection(lambda _: PAGE, state, "https://p42-dav.example/bob/")
    assert one.identity() == other.identity()
    assert one.identity() != third.identity()


def test_a_collection_that_the_server_put_elsewhere_is_adopted() -> None:
    made: list[str] = []

    def answer(request: Request) -> Response:
        if request.method == "MKCALENDAR":
            made.append(request.path)
            return Response(201, {}, b"")
        shown = [found("/ann/4711/", calendar_properties())] if made else []
        return multistatus(found("/ann/old/", calendar_properties()), *shown)

    side = RemoteSide(Scripted(answer), [Home("calendar", "/ann/")], "/", Traits())
    assert side.make("calendar", "work", {}, ()).info.href == "/ann/4711/"
    assert made == ["/ann/work/"]


@pytest.mark.parametrize("line, taken", [("200 OK", True), ("403 Forbidden", False)])
def test_a_refused_property_is_known_inside_the_multistatus(line: str, taken: bool) -> None:
    answer = multistatus(found(CALENDAR, "<D:displayname/>").replace("200 OK", line))
    assert collection(Scripted(lambda _: answer)).set_property("<x xmlns='DAV:'/>") is taken
