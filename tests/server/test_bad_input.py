"""What no client should send: refused with the standard's error, never 5xx, nothing lost."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, unquote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from davenport.objects.recurrence import Budget
from tests.accounts import Stage, stage
from tests.bodies import CALENDAR, CONTACTS, TASKS, card, event, multiget, propfind, query, sync
from tests.in_process import InProcess
from tests.wire import CALDAV, CARDDAV, DAV

_DTD = '<!DOCTYPE x [<!ENTITY a "b">]>'
_BOMB = (
    '<!DOCTYPE l [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
    '<D:propfind xmlns:D="DAV:"><D:prop>&b;</D:prop></D:propfind>'
)
_FILE = (
    '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>'
    '<D:propfind xmlns:D="DAV:"><D:prop><a>&e;</a></D:prop></D:propfind>'
)

BAD_XML = {
    "no XML": b"hello",
    "unclosed": b"<a>",
    "a DTD": (_DTD + propfind("D:getetag")).encode(),
    "an entity bomb": _BOMB.encode(),
    "an external entity": _FILE.encode(),
    "a DTD in UTF-16": (_DTD + "<a/>").encode("utf-16"),
    "too deep": b"<a>" * 100 + b"</a>" * 100,
    "far too deep": b"<a>" * 100_000 + b"</a>" * 100_000,
    "unknown encoding": b'<?xml version="1.0" encoding="x-none"?><a/>',
    "undeclared prefix": b"<D:propfind><D:prop/></D:propfind>",
    "a NUL": b"<a>\x00</a>",
    "another root": b"<a/>",
    "an undefined entity": b"<a>&nbsp;</a>",
}


@pytest.mark.parametrize("method", ["PROPFIND", "PROPPATCH", "REPORT", "MKCALENDAR"])
@pytest.mark.parametrize("body", BAD_XML.values(), ids=BAD_XML.keys())
def test_bad_xml_is_refused(body: bytes, method: str, alice: InProcess) -> None:
    path = "/dav/calendars/alice/n/" if method == "MKCALENDAR" else CALENDAR
    answer = alice.request(method, path, body, {"Depth": "0"})
    if method == "REPORT" and body == b"<a/>":
        assert answer.preconditions() == {f"{DAV}supported-report"}
    else:
        assert answer.status in {400, 413}, answer.body
    assert b"root:" not in answer.body


ZERO = {"Depth": "0"}


def test_too_many_elements_are_refused_before_a_tree_is_built(alice: InProcess) -> None:
    answer = alice.request("PROPFIND", CALENDAR, b"<a>" + b"<b/>" * 200_000 + b"</a>", ZERO)
    assert answer.status == 413


def _long_names(root: str, count: int, length: int) -> str:
    """A body that names `count` properties of a namespace of `length` letters."""
    names = "".join(f"<x:p{number}/>" for number in range(count))
    inside = f"<D:set><D:prop>{names}</D:prop></D:set>"
    if root in {"D:propfind", "D:sync-collection"}:
        inside = f"<D:prop>{names}</D:prop>"
    return f'<{root} xmlns:D="DAV:" xmlns:x="urn:{"x" * length}">{inside}</{root}>'


@pytest.mark.parametrize(
    ("method", "root"),
    [
        ("PROPFIND", "D:propfind"),
        ("REPORT", "D:sync-collection"),
        ("PROPPATCH", "D:propertyupdate"),
    ],
)
def test_names_that_every_answer_would_repeat_are_bounded(
    method: str, root: str, alice: InProcess
) -> None:
    alice.request("PUT", CALENDAR + "a.ics", event("a"))
    for count, length, status in ((100, 200, 207), (10_000, 1, 413), (100, 900, 413)):
        answer = alice.request(method, CALENDAR, _long_names(root, count, length), {"Depth": "1"})
        assert answer.status == status, (count, length)
    endless = _long_names(root, 1, 2_000)
    assert alice.request(method, CALENDAR, endless, {"Depth": "1"}).status == 400


@pytest.mark.parametrize(("method", "size"), [("PUT", 11_000_000), ("PROPFIND", 2_200_000)])
def test_a_body_over_the_limit_is_413(method: str, size: int, alice: InProcess) -> None:
    assert alice.request(method, CALENDAR + "a.ics", b"x" * size).status == 413


def test_a_length_that_is_no_number_is_not_believed(alice: InProcess) -> None:
    for length in ("9" * 5_000, "-1", "x"):
        answer = alice.request("PROPFIND", CALENDAR, b"", {**ZERO, "Content-Length": length})
        assert answer.status == 207, length


def test_a_compressed_body_is_not_taken(alice: InProcess) -> None:
    answer = alice.request("PUT", CALENDAR + "a.ics", b"\x1f\x8b", {"Content-Encoding": "gzip"})
    assert answer.status == 415


def _book_query(inside: str) -> str:
    """An addressbook-query with what stands inside its filter."""
    return (
        '<CR:addressbook-query xmlns:D="DAV:" xmlns:CR="urn:ietf:params:xml:ns:carddav">'
        f"<D:prop><D:getetag/></D:prop><CR:filter>{inside}</CR:filter></CR:addressbook-query>"
    )


_EVENT = '<C:comp-filter name="VEVENT">{}</C:comp-filter>'
REPORTS = {
    "unknown report": (CALENDAR, "<x:r xmlns:x='urn:x'/>", f"{DAV}supported-report"),
    "query on a book": (CONTACTS, query(), f"{DAV}supported-report"),
    "sync on a principal": ("/dav/principals/alice/", sync(), f"{DAV}supported-report"),
    "unknown filter": (CALENDAR, query("<x:f xmlns:x='urn:x'/>"), f"{CALDAV}supported-filter"),
    "unknown filter of a property": (
        CALENDAR,
        query('<C:prop-filter name="X"><C:what/></C:prop-filter>'),
        f"{CALDAV}supported-filter",
    ),
    "unknown collation": (
        CALENDAR,
        query(
            '<C:comp-filter name="VEVENT"><C:prop-filter name="UID">'
            '<C:text-match collation="i;klingon">x</C:text-match></C:prop-filter></C:comp-filter>'
        ),
        f"{CALDAV}supported-collation",
    ),
    "a range that is none": (
        CALENDAR,
        query('<C:comp-filter name="VEVENT"><C:time-range/></C:comp-filter>'),
        f"{CALDAV}valid-filter",
    ),
    "a range backwards": (
        CALENDAR,
        query(
            '<C:comp-filter name="VEVENT"><C:time-range start="20260102T000000Z"'
            ' end="20260101T000000Z"/></C:comp-filter>'
        ),
        f"{CALDAV}valid-filter",
    ),
    "a zone that is none": (
        CALENDAR,
        query().replace("</C:filter>", "</C:filter><C:timezone>Europe/Paris</C:timezone>"),
        f"{CALDAV}valid-calendar-data",
    ),
    "a filter of a card without a name": (
        CONTACTS,
        _book_query("<CR:prop-filter/>"),
        f"{CARDDAV}supported-filter",
    ),
    "a parameter of a card without a name": (
        CONTACTS,
        _book_query('<CR:prop-filter name="TEL"><CR:param-filter/></CR:prop-filter>'),
        f"{CARDDAV}supported-filter",
    ),
    "an unknown filter of a card": (
        CONTACTS,
        _book_query("<CR:comp-filter/>"),
        f"{CARDDAV}supported-filter",
    ),
    "a local time": (
        CALENDAR,
        query(
            '<C:comp-filter name="VEVENT"><C:time-range start="20260101T000000"/></C:comp-filter>'
        ),
        f"{CALDAV}valid-filter",
    ),
    "a part of the data": (
        CALENDAR,
        query(prop='<C:calendar-data><C:expand start="20260101T000000Z"/></C:calendar-data>'),
        f"{CALDAV}supported-calendar-data",
    ),
    "jCard": (
        CONTACTS,
        multiget("CR:addressbook", CONTACTS + "x").replace(
            "<CR:address-data/>", '<CR:address-data content-type="application/vcard+json"/>'
        ),
        f"{CARDDAV}supported-address-data",
    ),
}


@pytest.mark.parametrize("case", REPORTS.values(), ids=REPORTS.keys())
def test_a_report_that_cannot_be_answered_says_which_part(
    case: tuple[str, str, str], alice: InProcess
) -> None:
    path, body, element = case
    answer = alice.request("REPORT", path, body, {"Depth": "1"})
    assert answer.status == 403
    assert answer.preconditions() == {element}


def test_a_filter_of_too_many_parts_is_not_tried(alice: InProcess) -> None:
    for parts, status in ((900, 207), (5_000, 413)):
        tried = '<C:prop-filter name="UID"/>' * parts
        calendar_body = query(f'<C:comp-filter name="VEVENT">{tried}</C:comp-filter>')
        assert alice.request("REPORT", CALENDAR, calendar_body).status == status
        book_body = _book_query('<CR:prop-filter name="UID"/>' * parts)
        assert alice.request("REPORT", CONTACTS, book_body).status == status


def test_the_work_of_a_query_is_bounded_for_all_objects_together(tmp_path: Path) -> None:
    """What a single object may cost is not allowed again for each of a collection."""
    dense = ",".join(str(number) for number in range(60))
    rule = f"RRULE:FREQ=DAILY;BYHOUR=1;BYMINUTE={dense};BYSECOND={dense};BYSETPOS=1"
    with stage(tmp_path, limits={"rule_steps": 500}) as running:
        alice = running.alice
        for number in range(200):
            body = event(str(number), "x", rule, "EXRULE:FREQ=DAILY")
            assert alice.request("PUT", f"{CALENDAR}{number}.ics", body).status == 201
        window = '<C:time-range start="20300101T000000Z" end="20300102T000000Z"/>'
        asked = query(f'<C:comp-filter name="VEVENT">{window}</C:comp-filter>')
        with pytest.MonkeyPatch.context() as patch:
            spent = []
            spend = Budget.spend

            def count(budget: Budget, steps: int = 1) -> None:
                spent.append(steps)
                spend(budget, steps)

            patch.setattr(Budget, "spend", count)
            answer = alice.request("REPORT", CALENDAR, asked)
        assert answer.status == 207
        assert sum(spent) < 60 * 500


PATHS = (
    "/dav/calendars/alice/calendar/%00.ics",
    "/dav/calendars/alice/calendar/a%2fb.ics",
    "/dav/calendars/alice/calendar/../../bob/calendar/a.ics",
    "/dav/calendars/alice/calendar/%2e%2e/a.ics",
    "/dav/calendars/alice/calendar/%ff.ics",
    "/dav/calendars/alice/calendar/%c0%ae%c0%ae.ics",
    "/dav/calendars/alice/calendar/a%0d%0aX:y.ics",
    "/dav/calendars/alice/calendar//a.ics",
    "/dav/calendars/alice/calendar/" + "x" * 300,
    "/dav/calendars/alice/calendar/%ed%a0%80.ics",
    "/dav//calendars/alice/",
)


@pytest.mark.parametrize("method", ["PUT", "GET", "PROPFIND", "DELETE", "OPTIONS", "REPORT"])
@pytest.mark.parametrize("path", PATHS)
def test_a_path_that_names_nothing_sane_is_400(path: str, method: str, alice: InProcess) -> None:
    body = event("a") if method == "PUT" else sync() if method == "REPORT" else b""
    assert alice.request(method, path, body, {"Depth": "0"}).status == 400


def test_a_uri_over_the_limit_is_414(alice: InProcess) -> None:
    assert alice.request("GET", CALENDAR + "a?" + "x" * 5_000).status == 414


@pytest.mark.parametrize(
    "name",
    [".git", ".well-known", "-journal", "a b", "é", "%", "?", "#", "a;b=c", "日本", "'\"<&>"],
)
def test_every_sane_name_is_just_a_name(name: str, alice: InProcess) -> None:
    path = CALENDAR + quote(name, safe="")
    assert alice.request("PUT", path, event("u")).status == 201
    listed = alice.request("PROPFIND", CALENDAR, headers={"Depth": "1"}).multistatus().hrefs
    assert unquote(listed[1]) == CALENDAR + name
    assert alice.request("GET", listed[1]).body == event("u")
    assert alice.request("REPORT", CALENDAR, multiget("C:calendar", path)).multistatus().at(path)


def test_a_multiget_answers_every_href(running: Stage) -> None:
    alice = running.alice
    alice.request("PUT", CALENDAR + "a@b.ics", event("a"))
    running.as_user("bob").request("PUT", "/dav/calendars/bob/calendar/x.ics", event("SECRET"))
    hrefs = (
        CALENDAR + "a%40b.ics",
        "http://other.example" + CALENDAR + "a@b.ics",
        CALENDAR + "none.ics",
        "/dav/calendars/bob/calendar/x.ics",
        CONTACTS + "x.vcf",
        "relative",
        "%zz",
        "",
        "http://[",
    )
    body = multiget("C:calendar", *hrefs)
    answer = alice.request("REPORT", CALENDAR, body)
    statuses = [member.status for member in answer.multistatus()]
    assert len(statuses) == len(hrefs)
    assert statuses[:2] == [None, None]
    assert set(statuses[2:]) == {404}
    assert b"SECRET" not in answer.body


def test_a_multiget_is_of_what_is_within(alice: InProcess) -> None:
    """RFC 4791 §7.9: of a collection's members, or of the very object that is asked."""
    href, other = CALENDAR + "a.ics", CALENDAR + "a.icsx"
    for path, uid in ((href, "a"), (other, "b")):
        assert alice.request("PUT", path, event(uid)).status == 201
    for scope, found in (
        ("/dav/calendars/alice/", {href, other}),
        (CALENDAR, {href, other}),
        (href, {href}),
        (TASKS, set()),
    ):
        answer = alice.request("REPORT", scope, multiget("C:calendar", href, other)).multistatus()
        assert answer.hrefs == [href, other]
        assert {member.href for member in answer if member.status is None} == found, scope
        assert {member.status for member in answer} <= {None, 404}


def test_an_object_answers_a_query_for_itself(alice: InProcess) -> None:
    """RFC 4791 §7 and RFC 6352 §8 have objects answer the reports, too."""
    href, book_href = CALENDAR + "a.ics", CONTACTS + "a.vcf"
    alice.request("PUT", href, event("a"))
    alice.request("PUT", CALENDAR + "b.ics", event("b"))
    alice.request("PUT", book_href, card("a"))
    for path, body, found in (
        (href, query(), [href]),
        (href, query('<C:comp-filter name="VTODO"/>'), []),
        (book_href, _book_query('<CR:prop-filter name="TEL"/>'), []),
        (book_href, _book_query('<CR:prop-filter name="FN"/>'), [book_href]),
        (book_href, multiget("CR:addressbook", book_href), [book_href]),
    ):
        assert alice.request("REPORT", path, body).multistatus().hrefs == found
    for path, name in ((href, f"{CALDAV}calendar"), (book_href, f"{CARDDAV}addressbook")):
        asked = alice.request("PROPFIND", path, propfind("D:supported-report-set"), ZERO)
        reports = asked.xml().findall(f".//{DAV}supported-report/{DAV}report/*")
        assert {report.tag for report in reports} == {f"{name}-query", f"{name}-multiget"}


def test_a_large_multiget_is_whole_and_one_over_the_limit_refused(alice: InProcess) -> None:
    alice.request("PUT", CALENDAR + "7.ics", event("7"))
    hrefs = [f"{CALENDAR}{number}.ics" for number in range(5_000)]
    answer = alice.request("REPORT", CALENDAR, multiget("C:calendar", *hrefs)).multistatus()
    assert answer.hrefs == hrefs
    assert [member.href for member in answer if member.status is None] == [hrefs[7]]
    over = multiget("C:calendar", *hrefs, CALENDAR + "x.ics")
    assert alice.request("REPORT", CALENDAR, over).status == 413


def test_unknown_methods_are_405(alice: InProcess) -> None:
    for method in ("TRACE", "PATCH", "LOCK", "COPY", "POST", "FOO"):
        answer = alice.request(method, CALENDAR)
        assert answer.status == 405
        assert "PROPFIND" in answer.tokens("Allow")


@pytest.mark.parametrize("value", ["2", "x", ""])
def test_a_depth_that_is_none_is_400(value: str, alice: InProcess) -> None:
    assert alice.request("PROPFIND", CALENDAR, b"", {"Depth": value}).status == 400


METHODS = st.sampled_from(
    ["GET", "PUT", "DELETE", "PROPFIND", "PROPPATCH", "REPORT", "MKCALENDAR", "MKCOL", "OPTIONS"]
)
TEXT = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=40)
HEADERS = st.dictionaries(
    st.sampled_from(
        ["if-match", "if-none-match", "depth", "prefer", "content-type", "if-modified-since"]
    ),
    TEXT,
    max_size=3,
)
SEEDS = [
    event("a"),
    sync().encode(),
    query().encode(),
    propfind("D:getetag").encode(),
    multiget("C:calendar", CALENDAR + "a.ics").encode(),
]


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A sane body with some bytes cut out, doubled or replaced."""
    body = bytearray(draw(st.sampled_from(SEEDS)))
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(body)))
        end = min(len(body), start + draw(st.integers(0, 30)))
        body[start:end] = draw(
            st.one_of(st.binary(max_size=8), st.just(bytes(body[start:end]) * 2))
        )
    return bytes(body)


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcess]:
    with stage(tmp_path_factory.mktemp("fuzz")) as running:
        yield running.alice


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    method=METHODS,
    name=st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=12),
    body=mutated(),
    headers=HEADERS,
)
def test_no_request_is_answered_with_5xx(
    method: str, name: str, body: bytes, headers: dict[str, str], fuzzed: InProcess
) -> None:
    for collection in (CALENDAR, CONTACTS):
        path = collection + name.replace("?", "")
        assert fuzzed.request(method, path, body, headers).status < 500


def test_a_small_limit_holds_everywhere(tmp_path: Path) -> None:
    limits = {"calendar_object": 500, "uri": 200, "segment": 40, "collections_per_home": 3}
    with stage(tmp_path, limits=limits) as running:
        alice = running.alice
        assert alice.request("PUT", CALENDAR + "a.ics", event("a", "x" * 600)).status == 403
        assert alice.request("PUT", CALENDAR + "a" * 41, event("a")).status == 400
        assert alice.request("MKCALENDAR", "/dav/calendars/alice/1/").status == 201
        refused = alice.request("MKCALENDAR", "/dav/calendars/alice/2/")
        assert refused.preconditions() == {f"{DAV}quota-not-exceeded"}
