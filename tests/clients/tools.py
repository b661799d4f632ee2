"""curl, cadaver, davfs2, calcurse-caldav and the odd proxy: HTTP in every shape, WebDAV by hand."""

import socket

from tests.clients import seed
from tests.clients.row import (
    XML,
    Stage,
    answered,
    ask,
    every,
    exactly,
    has,
    lists,
    rows,
    scene,
    some_text,
    strong,
)
from tests.served import PASSWORD
from tests.wire import DAV, Answer, basic, multiget_body, sync_body

NAMESPACES = 'xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"'


def heading(stage: Stage, first: str, *headers: str) -> bytes:
    """The head of a request written by hand."""
    login = basic(stage.user, PASSWORD)
    lines = (first, f"Host: 127.0.0.1:{stage.served.port}", f"Authorization: {login}", *headers)
    return "".join(f"{line}\r\n" for line in lines).encode() + b"\r\n"


def expect_continue(stage: Stage) -> None:
    """curl -T: the body is sent after 100 Continue."""
    folder = stage.new_calendar()
    body = seed.event("expect").encode()
    interim = []

    def send_body(stream: socket.socket) -> None:
        interim.append(stream.recv(4096))
        stream.sendall(body)

    head = heading(
        stage,
        f"PUT {folder}expect.ics HTTP/1.1",
        *(f"Content-Length: {len(body)}", "Expect: 100-continue", "Connection: close"),
    )
    answer = stage.wire.raw(head, send_body)
    assert interim[0].startswith(b"HTTP/1.1 100")
    assert answer.status == 201
    assert stage.wire.request("GET", folder + "expect.ics").body == body


def chunked(stage: Stage) -> None:
    """curl -T -: a body of unknown length, in chunks."""
    folder = stage.new_calendar()
    body = seed.event("chunked").encode()
    head = heading(
        stage, f"PUT {folder}c.ics HTTP/1.1", "Transfer-Encoding: chunked", "Connection: close"
    )
    parts = [body[start : start + 37] for start in range(0, len(body), 37)]
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"
    answer = stage.wire.raw(head + chunks)
    assert answer.status == 201
    assert answer.etag == stage.wire.request("GET", folder + "c.ics").etag
    assert stage.wire.request("GET", folder + "c.ics").body == body


def http_1_0(stage: Stage) -> None:
    """An HTTP/1.0 client gets whole answers, without chunks."""
    for method, path, code in (
        ("GET", stage.calendar + "single.ics", 200),
        ("OPTIONS", stage.principal, 200),
        ("PROPFIND", stage.calendar, 207),
        ("GET", stage.calendar, 200),
    ):
        answer = stage.wire.raw(heading(stage, f"{method} {path} HTTP/1.0", "Depth: 1"))
        assert answer.status == code, (method, answer)
        assert answer.header("Transfer-Encoding") is None
        if code == 207:
            assert len(answer.multistatus().members) == 5
        elif method == "GET":
            assert answer.body.rstrip().endswith(b"END:VCALENDAR")


def head_as_get(stage: Stage) -> None:
    """HEAD has GET's headers and no body, on members and collections."""
    for path in (stage.calendar + "single.ics", stage.book + "ada.vcf", stage.calendar, stage.book):
        got, head = stage.wire.request("GET", path), stage.wire.request("HEAD", path)
        assert head.status == got.status == 200
        assert head.body == b""
        for name in ("ETag", "Content-Type"):
            assert head.header(name) == got.header(name)
    assert stage.wire.request("HEAD", stage.calendar + "gone.ics").status == 404


def odd_content_types(stage: Stage) -> None:
    """XML as text/plain, octets or nothing at all; calendar data likewise."""
    body = f"{XML}<D:propfind {NAMESPACES}><D:prop><D:resourcetype/></D:prop></D:propfind>"
    for kind in ("text/plain", "application/octet-stream", "text/xml", "", "application/xml;;"):
        headers = {"Content-Type": kind, "Depth": "0"}
        assert stage.wire.request("PROPFIND", stage.calendar, body, headers).status == 207, kind
    folder = stage.new_calendar()
    kinds = ("text/calendar", 'text/calendar; charset="utf-8"; component=vevent', "", "text/plain")
    for number, kind in enumerate((*kinds, "application/octet-stream")):
        content = seed.event(f"kind-{number}")
        answer = stage.wire.request("PUT", f"{folder}{number}.ics", content, {"Content-Type": kind})
        assert answer.status == 201, (kind, answer, answer.body)
        assert stage.wire.request("GET", f"{folder}{number}.ics").body == content.encode()


def no_body(answer: Answer, stage: Stage) -> None:
    """PROPFIND without a body is allprop: the live properties of RFC 4918."""
    found = answer.multistatus().at(stage.calendar).found
    assert {f"{DAV}resourcetype", f"{DAV}displayname"} <= set(found)


def names_only(answer: Answer, stage: Stage) -> None:
    """propname: names without values."""
    found = answer.multistatus().at(stage.calendar).found
    assert f"{DAV}resourcetype" in found
    assert all(not len(element) and not element.text for element in found.values())


def moved(stage: Stage) -> None:
    """MOVE to another calendar: done, or refused as a method not there; nothing is lost either
    way."""
    here, there = stage.new_calendar(), stage.new_calendar()
    assert stage.wire.request("PUT", here + "m.ics", seed.event("m")).status == 201
    headers = {"Destination": stage.served.origin + there + "m.ics", "Overwrite": "F"}
    answer = stage.wire.request("MOVE", here + "m.ics", headers=headers)
    assert answer.status in {201, 405, 501}, answer
    kept = there if answer.status == 201 else here
    assert stage.wire.request("GET", kept + "m.ics").body == seed.event("m").encode()
    allowed = stage.wire.request("OPTIONS", here + "m.ics").tokens("Allow")
    assert ("MOVE" in allowed) == (answer.status == 201)


def calcurse(stage: Stage) -> None:
    """PUT without a precondition, a multiget for its ETag only, DELETE with If-Match."""
    folder = stage.new_calendar()
    name = folder + "c.ics"
    assert stage.wire.request("PUT", name, seed.event("c")).status == 201
    body = (
        f"{XML}<C:calendar-multiget {NAMESPACES}><D:prop><D:getetag/></D:prop><D:href>"
        f"{name}</D:href>"
        "</C:calendar-multiget>"
    )
    member = stage.wire.request("REPORT", folder, body).multistatus().at(name)
    assert list(member.found) == [f"{DAV}getetag"]
    etag = member.text(f"{DAV}getetag")
    assert stage.wire.request("DELETE", name, headers={"If-Match": etag}).status == 204


def one_realm(stage: Stage) -> None:
    """Every method on every path, without a login: 401 with one realm (OPTIONS: 200)."""
    challenges = set()
    for path in (
        *("/dav/", "/dav/principals/", "/dav/calendars/", "/dav/nothing/here", "/dav/files/"),
        *(stage.principal, stage.home, stage.calendar, stage.book, stage.calendar + "single.ics"),
        *("/dav/calendars/nobody/calendar/", stage.calendar + "gone.ics", stage.home.rstrip("/")),
    ):
        for method in (
            "PROPFIND",
            "GET",
            "HEAD",
            "PUT",
            "DELETE",
            "REPORT",
            "PROPPATCH",
            "MKCALENDAR",
        ):
            answer = stage.anonymous.request(method, path, headers={"Depth": "0"})
            assert answer.status == 401, (method, path, answer)
            challenges.add(answer.header("WWW-Authenticate"))
        options = stage.anonymous.request("OPTIONS", path)
        assert options.status == 200
        assert "calendar-access" in options.tokens("DAV")
    challenges.add(stage.anonymous.request("PROPFIND", "/").header("WWW-Authenticate"))
    assert len(challenges) == 1
    challenge = (challenges.pop() or "").lower()
    assert challenge.startswith("basic ")
    assert 'realm="' in challenge
    assert 'charset="utf-8"' in challenge


def missing_slash(stage: Stage) -> None:
    """No collection is redirected, whatever the method and however it is spelled."""
    for path in ("/dav/", stage.principal, stage.home, stage.calendar, stage.book_home, stage.book):
        for spelling in (path, path.rstrip("/")):
            for method in ("PROPFIND", "GET", "HEAD", "OPTIONS"):
                answer = stage.wire.request(method, spelling, headers={"Depth": "0"})
                assert answer.status // 100 == 2 or answer.status in {404, 405}, (
                    method,
                    spelling,
                    answer,
                )
            found = stage.wire.request("PROPFIND", spelling, headers={"Depth": "0"}).multistatus()
            assert found.at(path).found


def slashless_work(stage: Stage) -> None:
    """A collection named without its closing slash is made, changed, synchronised and removed."""
    folder = stage.unused(stage.home, suffix="")
    assert stage.wire.request("MKCALENDAR", folder).status == 201
    assert stage.wire.request("PUT", folder + "/a.ics", seed.event("a")).status == 201
    body = (
        f"{XML}<D:propertyupdate {NAMESPACES}><D:set><D:prop><D:displayname>A</D:displayname>"
        "</D:prop></D:set></D:propertyupdate>"
    )
    assert stage.wire.request("PROPPATCH", folder, body).status == 207
    exactly(folder + "/a.ics")(stage.wire.request("REPORT", folder, sync_body()), stage)
    got = multiget_body([folder + "/a.ics"])
    exactly(folder + "/a.ics")(stage.wire.request("REPORT", folder, got), stage)
    assert stage.wire.request("DELETE", folder).status == 204
    assert stage.wire.request("PROPFIND", folder + "/", headers={"Depth": "0"}).status == 404


def other_accounts(stage: Stage) -> None:
    """Another account's things are neither shown nor told of."""
    other = "/dav/calendars/someone/calendar/"
    for method, path in (
        ("PROPFIND", other),
        ("GET", other + "x.ics"),
        ("PUT", other + "x.ics"),
        ("REPORT", other),
        ("DELETE", other),
        ("PROPPATCH", other),
        ("MKCALENDAR", "/dav/calendars/someone/mine/"),
    ):
        body = "" if method in {"PROPFIND", "GET", "DELETE", "MKCALENDAR"} else seed.event("x")
        if method == "REPORT":
            body = multiget_body([other + "x.ics"])
        answer = stage.wire.request(method, path, body, {"Depth": "0"})
        missing = stage.wire.request(
            method,
            path.replace("someone", "nobody"),
            body.replace("someone", "nobody"),
            {"Depth": "0"},
        )
        assert answer.status in {400, 403, 404}, (method, answer)
        assert answer.status == missing.status, (method, answer, missing)


ROWS = rows(
    "tools",
    scene("curl: Expect", "expect-continue", expect_continue),
    scene("curl: chunked", "chunked-put strong-etag", chunked),
    scene("HTTP/1.0", "http-1.0", http_1_0),
    scene("HEAD", "head", head_as_get),
    scene("odd content types", "odd-content-type", odd_content_types),
    ask(
        "PROPFIND without a body",
        "propfind-no-body",
        ("PROPFIND", "{calendar}"),
        no_body,
        headers={"Depth": "0"},
    ),
    ask(
        "cadaver: propname",
        "propfind-propname",
        ("PROPFIND", "{calendar}"),
        names_only,
        body=f"{XML}<D:propfind {NAMESPACES}><D:propname/></D:propfind>",
        headers={"Depth": "1"},
    ),
    ask(
        "davfs2: sizes and dates",
        "acl-dates-executable apple-extras",
        ("PROPFIND", "{calendar}"),
        every(
            lists("{calendar}", "{calendar}single.ics"),
            answered("{calendar}single.ics", "d_quota_used_bytes", "d_creationdate"),
            has(
                "{calendar}single.ics",
                d_getcontentlength=some_text,
                d_getlastmodified=some_text,
                d_getetag=strong,
            ),
        ),
        body=f"{XML}<D:propfind {NAMESPACES}><D:prop><D:getetag/><D:getcontentlength/>"
        "<D:creationdate/>"
        "<D:getlastmodified/><D:resourcetype/><x:executable "
        'xmlns:x="http://apache.org/dav/props/"/>'
        "<D:quota-used-bytes/><D:quota-available-bytes/></D:prop></D:propfind>",
        headers={"Depth": "1"},
    ),
    ask(
        "calcurse: everything in the calendar",
        "bare-vcalendar-filter",
        ("REPORT", "{calendar}"),
        exactly(
            *("{calendar}single.ics", "{calendar}weekly.ics", "{calendar}allday.ics"),
            "{calendar}" + seed.ODD_NAME,
        ),
        body=f"{XML}<C:calendar-query {NAMESPACES}><D:prop><D:getetag/></D:prop><C:filter>"
        '<C:comp-filter name="VCALENDAR"/></C:filter></C:calendar-query>',
        headers={"Depth": "1"},
    ),
    scene("calcurse: edit", "etag-only-multiget overwrite", calcurse),
    scene("MOVE", "move", moved),
    scene("one realm", "anonymous-401 options-anonymous", one_realm),
    scene("missing slashes", "no-redirect principal-without-slash", missing_slash),
    scene("work without slashes", "no-redirect", slashless_work),
    scene("other accounts", "current-user-privilege-set", other_accounts),
)
