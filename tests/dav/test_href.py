"""Hrefs: one spelling written, every spelling read, nothing odd let through."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from davenport.dav.href import path_of, quote_segment, split_path
from davenport.dav.precondition import StatusError

# Whatever may be a segment: no controls, slash or surrogates, not a dot segment.
SEGMENTS = st.text(
    st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="/\ufffe\uffff"),
    min_size=1,
    max_size=60,
).filter(lambda text: text not in {".", ".."} and len(text.encode()) <= 255)


@given(st.lists(SEGMENTS, max_size=4))
@example(["%41", "a b", "?", "#", "é", "e\u0301", "%2F"])
def test_what_is_written_is_read_back(segments: list[str]) -> None:
    path = "/" + "/".join(quote_segment(segment) for segment in segments)
    assert path.isascii()
    assert split_path(path) == (tuple(segments), path == "/")


@given(SEGMENTS)
def test_every_spelling_is_the_same_segment(segment: str) -> None:
    escaped = "".join(f"%{byte:02x}" for byte in segment.encode())
    assert split_path(f"/{escaped}/") == ((segment,), True)
    assert split_path(f"/{escaped.upper()}") == ((segment,), False)


@given(st.text(max_size=80))
def test_anything_is_read_or_refused(text: str) -> None:
    try:
        segments, _ = split_path("/" + text)
    except StatusError as refusal:
        status = refusal.status
        segments = ()
    else:
        status = None
    assert status in {None, 400}
    assert not {"", ".", ".."} & set(segments)


@pytest.mark.parametrize(
    ("href", "path"),
    [
        ("/a/b", "/a/b"),
        ("http://host:80/a%20b", "/a%20b"),
        ("HTTPS://u@h/x?q", "/x"),
        ("//host/x", "/x"),
        ("x", "x"),
    ],
)
def test_the_path_of_an_href(href: str, path: str) -> None:
    assert path_of(href) == path


def test_a_segment_over_the_limit_is_refused() -> None:
    assert split_path("/" + "é" * 127, 255)[0] == ("é" * 127,)
    with pytest.raises(StatusError):
        split_path("/" + "é" * 128, 255)
