"""A client that knows a collection by sync-collection reports alone (RFC 6578), and what to hold
it to."""

from dataclasses import dataclass, field
from urllib.parse import unquote

from tests.wire import CALDAV, DAV, Wire, multiget_body, propfind, sync_body

COLLECTION = "(collection)"


class TokenRefusedError(Exception):
    """The server cannot answer this token and says so: begin anew."""


@dataclass(slots=True)
class Mirror:
    """What a client has learnt: ETags by href. `limit` asks for pages of that size."""

    folder: str
    limit: int | None = None
    level: str = "1"
    token: str = ""
    etags: dict[str, str] = field(default_factory=dict)

    def step(self, wire: Wire) -> bool:
        """Ask one page and apply it; True when the server says there is more.

        Raises TokenRefusedError, and forgets everything, as RFC 6578 §3.2 has a client do.
        """
        body = sync_body(
            self.token,
            limit=self.limit,
            level=self.level,
            names=(f"{DAV}getetag", f"{DAV}resourcetype"),
        )
        answer = wire.request("REPORT", self.folder, body, {"Depth": "0"})
        if self.token and answer.preconditions() == {f"{DAV}valid-sync-token"}:
            self.token = ""
            self.etags.clear()
            raise TokenRefusedError
        page = answer.multistatus()
        initial, more, seen = self.token == "", False, set[str]()
        for member in page:
            href = unquote(member.href)
            assert href not in seen, f"{href} twice in one report"
            seen.add(href)
            if member.status == 507:
                assert href == self.folder, href
                more = True
            elif member.status == 404:
                assert not initial, f"a first report tells of {href} as removed"
                self.forget(href)
            else:
                assert member.status is None, member
                self.etags[href] = (
                    member.found[f"{DAV}getetag"].text or ""
                    if (f"{DAV}getetag" in member.found)
                    else COLLECTION
                )
        if self.limit is not None:
            assert len(seen) - more <= self.limit
        assert page.sync_token, "no sync-token in the report"
        self.token = page.sync_token
        return more

    def forget(self, href: str) -> None:
        """Drop a member; of a removed collection, all below it."""
        self.etags.pop(href, None)
        if href.endswith("/"):
            for below in [known for known in self.etags if known.startswith(href)]:
                del self.etags[below]

    def catch_up(self, wire: Wire) -> None:
        """Ask pages until the server has no more; each but the last must bring something on."""
        while self.step(wire):
            pass

    def bodies(self, wire: Wire) -> dict[str, bytes]:
        """The bodies of all members, by multiget, as a client fetches them (line ends as LF)."""
        bodies: dict[str, bytes] = {}
        hrefs = sorted(self.etags)
        for start in range(0, len(hrefs), 100):
            body = multiget_body(hrefs[start : start + 100])
            for member in wire.request("REPORT", self.folder, body).multistatus():
                href = unquote(member.href)
                assert member.text(f"{DAV}getetag") == self.etags[href]
                text = member.text(f"{CALDAV}calendar-data")
                bodies[href] = text.replace("\r\n", "\n").encode()
        return bodies


def listing(wire: Wire, folder: str) -> dict[str, str]:
    """ETags by href as PROPFIND Depth 1 tells them, the collection itself left out."""
    listed = propfind(wire, folder, f"{DAV}getetag", depth="1")
    return {
        unquote(member.href): member.text(f"{DAV}getetag")
        for member in listed
        if unquote(member.href) != folder
    }


def fetched(wire: Wire, etags: dict[str, str]) -> dict[str, bytes]:
    """The bodies by GET (line ends as LF), whose ETags must be those listed."""
    bodies = {}
    for href, etag in etags.items():
        answer = wire.request("GET", href)
        assert (answer.status, answer.etag) == (200, etag)
        bodies[href] = answer.body.replace(b"\r\n", b"\n")
    return bodies
