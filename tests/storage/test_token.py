"""The text forms of sync-tokens: exact both ways, everything else refused."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from davenport.storage.token import HomeSyncToken, SyncToken

EPOCH = "0123456789abcdef"
numbers = st.integers(0, 2**63 - 1)
epochs = st.text("0123456789abcdef", min_size=16, max_size=16)
positions = st.tuples(numbers, numbers).map(
    lambda pair: (min(pair), max(pair) if pair[0] != pair[1] else 0)
)
tokens = st.builds(
    lambda epoch, id_, position: SyncToken(epoch, id_, *position), epochs, numbers, positions
)
home_tokens = st.builds(
    HomeSyncToken,
    epochs,
    numbers,
    st.dictionaries(st.integers(1, 2**63 - 1), positions, max_size=20),
    st.booleans(),
)


@given(tokens)
def test_a_token_reads_back(token):
    assert SyncToken.parse(str(token)) == token


@given(home_tokens)
def test_a_home_token_reads_back(token):
    assert HomeSyncToken.parse(str(token)) == token


def test_the_text_is_a_uri_of_known_form():
    assert str(SyncToken(EPOCH, 3, 7)) == f"urn:davenport:sync:{EPOCH}:3:7"
    assert str(SyncToken(EPOCH, 3, 7, 9)) == f"urn:davenport:sync:{EPOCH}:3:7:9"
    assert str(HomeSyncToken(EPOCH, 1)) == f"urn:davenport:home-sync:{EPOCH}:1:AA"


GOOD = f"urn:davenport:sync:{EPOCH}:3:7"
MALFORMED = {
    "empty": "",
    "other": "http://example.com/ns/sync/12",
    "space": GOOD + " ",
    "newline": GOOD + "\n",
    "upper-case": GOOD.upper(),
    "leading zero": f"urn:davenport:sync:{EPOCH}:03:7",
    "plus": f"urn:davenport:sync:{EPOCH}:3:+7",
    "minus": f"urn:davenport:sync:{EPOCH}:3:-7",
    "other digits": f"urn:davenport:sync:{EPOCH}:3:\u0667",
    "short epoch": "urn:davenport:sync:0123:3:7",
    "no revision": f"urn:davenport:sync:{EPOCH}:3",
    "empty base": GOOD + ":",
    "zero base": GOOD + ":0",
    "base at the revision": GOOD + ":7",
    "fifth number": GOOD + ":9:1",
    "too large": f"urn:davenport:sync:{EPOCH}:3:9223372036854775808",
    "huge": f"urn:davenport:sync:{EPOCH}:3:" + "9" * 5000,
    "home's": f"urn:davenport:home-sync:{EPOCH}:1:AA",
}


@pytest.mark.parametrize("text", MALFORMED.values(), ids=MALFORMED.keys())
def test_a_malformed_token_is_refused(text):
    with pytest.raises(ValueError):
        SyncToken.parse(text)


HOME = f"urn:davenport:home-sync:{EPOCH}:1:"
MALFORMED_HOME = {
    "no state": HOME,
    "padding": HOME + "AA==",
    "bits left over": HOME + "AB",
    "one character": HOME + "A",
    "level 2": HOME + "Ag",
    "two numbers": HOME + "AAEC",
    "id 0": HOME + "AAABAA",
    "base at the revision": HOME + "AAEBAQ",
    "truncated number": HOME + "AIA",
    "number with a needless byte": HOME + "AIEAAQA",
    "number over 63 bits": HOME + "AP___________38BAA",
    "too long": HOME + "A" * 70000,
    "collection's": GOOD,
}


@pytest.mark.parametrize("text", MALFORMED_HOME.values(), ids=MALFORMED_HOME.keys())
def test_a_malformed_home_token_is_refused(text):
    with pytest.raises(ValueError):
        HomeSyncToken.parse(text)


@given(st.one_of(tokens, home_tokens), st.data())
def test_a_changed_text_is_another_token_or_refused(token, data):
    text = str(token)
    place = data.draw(st.integers(0, len(text) - 1))
    changed = text[:place] + data.draw(st.characters()) + text[place + 1 :]
    try:
        read = type(token).parse(changed)
    except ValueError:
        return
    assert str(read) == changed
    assert (read == token) == (changed == text)


@given(st.text(max_size=80))
def test_any_text_is_read_or_refused(text):
    for kind in (SyncToken, HomeSyncToken):
        with pytest.raises(ValueError):
            kind.parse(text)


def test_a_home_token_of_many_collections_stays_small():
    token = HomeSyncToken(EPOCH, 1, dict.fromkeys(range(70000, 70250), (90000, 0)))
    assert len(str(token)) < 2_000
    assert HomeSyncToken.parse(str(replace(token, members=True))).members
