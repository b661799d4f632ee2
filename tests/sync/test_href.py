"""One spelling for every href, and none that leads elsewhere."""

from urllib.parse import quote_from_bytes, unquote_to_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from davenport.sync.href import HrefError, alternate, canonical, last_segment, member_of, resolve

SPELLED = {
    "/c/a.ics": "/c/a.ics",
    "/c/%61.ics": "/c/a.ics",
    "/c/a%40b.ics": "/c/a@b.ics",
    "/c/a b.ics": "/c/a%20b.ics",
    "/c/ü.ics": "/c/%C3%BC.ics",
    "/c/%c3%bc.ics": "/c/%C3%BC.ics",
    "/c/%fc.ics": "/c/%FC.ics",
    "/c/a%2Fb": "/c/a%2Fb",
    "/c/...": "/c/...",
    "https://h:8443/c/a%3Ab?x#y": "/c/a:b",
    "/c/a?x": "/c/a",
    "/c/100%": "/c/100%25",
}


@pytest.mark.parametrize("href, expected", SPELLED.items(), ids=SPELLED.keys())
def test_one_spelling(href: str, expected: str) -> None:
    assert canonical(href) == expected
    assert canonical(expected) == expected


@pytest.mark.parametrize("href", ["/c/../x", "/c/%2e%2E/x", "/./x", "/c/..", "https://[/x", "//[/"])
def test_no_way_up(href: str) -> None:
    with pytest.raises(HrefError):
        canonical(href)


@given(st.lists(st.binary(min_size=1), min_size=1), st.randoms())
def test_every_spelling_of_a_path_is_the_same(segments: list[bytes], random) -> None:
    def spell(segment: bytes) -> str:
        if random.random() < 0.5:
            return "".join(f"%{octet:02x}" for octet in segment)
        return quote_from_bytes(segment, safe="")

    plain = [segment for segment in segments if segment not in {b".", b".."}]
    paths = ["/" + "/".join(map(spell, plain)) for _ in range(2)]
    one, other = map(canonical, paths)
    assert one == other == canonical(one)
    assert [unquote_to_bytes(part) for part in one.split("/")[1:]] == (plain or [b""])


MEMBERS = {
    ("/c/", "/c/a.ics"): "/c/a.ics",
    ("/c/", "https://any.example/c/a.ics"): "/c/a.ics",
    ("https://h/c/", "http://h:80/c/a.ics"): "/c/a.ics",
    ("https://h/c/", "https://other/c/a.ics"): None,
    ("https://h/c/", "//h/c/a.ics"): None,
    ("https://h/c/", "a.ics"): "/c/a.ics",
    ("/c/", "/c"): "",
    ("/c/", "/c/"): "",
    ("/c/", "/c/sub/"): "/c/sub/",
    ("/c/", "/c/sub/a.ics"): None,
    ("/c/", "/c/../d/a.ics"): None,
    ("/c/", "/cc/a.ics"): None,
    ("/c/", "mailto:ann@example.org"): None,
    ("/c/", ""): "",
}


@pytest.mark.parametrize("given_, expected", MEMBERS.items(), ids=map(str, MEMBERS))
def test_members_are_directly_inside(given_: tuple[str, str], expected: str | None) -> None:
    assert member_of(*given_) == expected


def test_hrefs_are_asked_for_where_they_belong() -> None:
    assert resolve("https://h:8443/c/", "/d/x") == "https://h:8443/d/x"
    assert resolve("/c/", "/d/x") == "/d/x"
    assert resolve("https://h/c/", "https://e/x") == "https://e/x"
    assert last_segment("https://h/c/caf%C3%A9/") == "café"
    assert [alternate(h) for h in ("/a@b", "/a%40b", "/ab")] == ["/a%40b", "/a@b", None]
