"""Conditional requests against RFC 9110 §13."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from davenport.dav.condition import Outcome, conditions, etag_of, http_date

A, B = '"a"', '"b"'
TAGS = st.lists(st.sampled_from([A, B, f"W/{A}", '"c,d"', '""']), min_size=1, max_size=3)


def _check(
    method: str, headers: dict[str, str], etag: str | None, modified: int | None = 100
) -> Outcome:
    return conditions(headers).check(method, etag, modified if etag else None)


@given(TAGS, st.sampled_from([A, B, '"c,d"', None]))
def test_if_match_is_strong(tags: list[str], etag: str | None) -> None:
    held = etag is not None and etag in tags
    expected = Outcome.PROCEED if held else Outcome.FAILED
    for separator in (", ", ",", " ,\t"):
        assert _check("PUT", {"if-match": separator.join(tags)}, etag) is expected


@given(TAGS, st.sampled_from([A, B, None]))
def test_if_none_match_is_weak(tags: list[str], etag: str | None) -> None:
    met = etag is not None and etag in {tag.removeprefix("W/") for tag in tags}
    header = {"if-none-match": ", ".join(tags)}
    assert _check("PUT", header, etag) is (Outcome.FAILED if met else Outcome.PROCEED)
    assert _check("GET", header, etag) is (Outcome.NOT_MODIFIED if met else Outcome.PROCEED)


def test_tags_go_before_dates() -> None:
    stale = {"if-unmodified-since": http_date(50)}
    assert _check("PUT", stale, A) is Outcome.FAILED
    assert _check("PUT", {**stale, "if-match": A}, A) is Outcome.PROCEED
    fresh = {"if-modified-since": http_date(100)}
    assert _check("GET", fresh, A) is Outcome.NOT_MODIFIED
    assert _check("GET", {**fresh, "if-none-match": B}, A) is Outcome.PROCEED
    assert _check("PUT", fresh, A) is Outcome.PROCEED


@given(st.text(max_size=30), st.text(max_size=30))
def test_any_header_text_is_decided(match: str, date: str) -> None:
    headers = {"if-match": match, "if-none-match": match, "if-modified-since": date}
    assert _check("PUT", headers, A) in Outcome


@pytest.mark.parametrize(
    "date",
    [
        "Thu, 99999999999999999999 Jan 2020 00:00:00 GMT",
        "Thu, 01 Jan 99999999999999999999 00:00:00 GMT",
        "Thu, 01 Jan 2020 00:00:00 +99999999999999",
        "yesterday",
    ],
)
def test_a_date_that_is_none_is_ignored(date: str) -> None:
    assert _check("GET", {"if-modified-since": date}, A) is Outcome.PROCEED


@given(st.binary(max_size=100), st.binary(max_size=100))
def test_etags_are_equal_exactly_where_the_bytes_are(one: bytes, other: bytes) -> None:
    assert (etag_of(one) == etag_of(other)) == (one == other)
