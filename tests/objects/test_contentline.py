"""Content lines: what is read, what is refused, offsets, and shapes that are meant to be slow."""

import re
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from davenport.objects.contentline import (
    Component,
    ContentLineError,
    decode,
    read_components,
    unescape_text,
)
from davenport.objects.limits import Limits


def read(text: str) -> Component:
    (component,) = read_components(text, Limits())
    return component


@pytest.mark.parametrize(
    "line, name, parameters, value",
    [
        ("SUMMARY:a:b;c", "SUMMARY", (), "a:b;c"),
        ("summary:a", "SUMMARY", (), "a"),
        ("X-A_B:1", "X-A_B", (), "1"),
        ('ATTENDEE;CN="a:b;c,d":x', "ATTENDEE", (("CN", ("a:b;c,d",)),), "x"),
        ('X;A="1","2,3",4:v', "X", (("A", ("1", "2,3", "4")),), "v"),
        ("X;A=1;A=2:v", "X", (("A", ("1",)), ("A", ("2",))), "v"),
        ("X;a=^n^^^':v", "X", (("A", ('\n^"',)),), "v"),
        ("TEL;HOME;VOICE:1", "TEL", (("HOME", ()), ("VOICE", ())), "1"),
        ("X;A=:v", "X", (("A", ("",)),), "v"),
        ('X;A=5" disk:v', "X", (("A", ('5" disk',)),), "v"),
        ("DESCRIPTION:a\r\n b\r\n\tc", "DESCRIPTION", (), "abc"),
        ("DESC\r\n RIPTION;A=\r\n b:\r\n c", "DESCRIPTION", (("A", ("b",)),), "c"),
        ("X:", "X", (), ""),
    ],
)
def test_a_line_is_read(line, name, parameters, value):
    (read_line,) = read(f"BEGIN:A\r\n\r\n{line}\r\nEND:A\r\n").properties
    assert (read_line.name, read_line.parameters, read_line.value) == (name, parameters, value)


def test_a_group_is_told_apart_from_the_name():
    line = read("BEGIN:VCARD\nitem1.X-ABLabel:_$!<Home>!$_\nEND:VCARD").properties[0]
    assert (line.group, line.name, line.value) == ("item1", "X-ABLABEL", "_$!<Home>!$_")


@pytest.mark.parametrize("newline", ["\r\n", "\n", "\r"])
@pytest.mark.parametrize("final", [True, False])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_line_breaks_and_a_byte_order_mark_do_not_matter(newline, final, mark):
    text = mark + newline.join(["begin:A ", "", "X:1", " 2", " \t", "End:a"]) + newline * final
    assert read(text).properties[0].value in ("12", "12\t")


@pytest.mark.parametrize(
    "text, line",
    [
        ("BEGIN:A\nX\nEND:A", 2),
        ("BEGIN:A\nX:1\n", 3),
        ("BEGIN:A\nEND:B", 2),
        ("END:A", 1),
        ("X:1\nBEGIN:A\nEND:A", 1),
        ("BEGIN:A\nBEGIN:B\nEND:A\nEND:B", 3),
        ("BEGIN:A\n:v\nEND:A", 2),
    ],
)
def test_what_is_not_balanced_or_no_line_is_refused_with_its_number(text, line):
    with pytest.raises(ContentLineError) as caught:
        read_components(text, Limits())
    assert caught.value.line_number == line


@pytest.mark.parametrize(
    "body",
    [
        b"BEGIN:A\nX:\x00",
        b"X:\x08",
        b"X:\x1b",
        b"X:\xff",
        b"X:\xed\xa0\x80",
        "X:ä".encode("latin-1"),
    ],
)
def test_what_is_not_clean_utf_8_is_refused(body):
    with pytest.raises(ContentLineError):
        decode(body)


def test_limits_hold():
    deep = "".join(f"BEGIN:A{n}\n" for n in range(50_000))
    with pytest.raises(ContentLineError, match="8 deep"):
        read_components(deep, Limits())
    with pytest.raises(ContentLineError, match="20000 properties"):
        read_components("BEGIN:A\n" + "X:1\n" * 200_000 + "END:A", Limits())
    with pytest.raises(ContentLineError, match="1000 components"):
        read_components("BEGIN:A\n" + "BEGIN:B\nEND:B\n" * 2000 + "END:A", Limits())


@pytest.mark.parametrize(
    "text",
    [
        "BEGIN:A\nX:" + "a" * 10_000_000 + "\nEND:A",
        "BEGIN:A\nX:a\n" + " b\n" * 1_000_000 + "END:A",
        "BEGIN:A\nX\n" + " b\n" * 1_000_000 + " :c\nEND:A",
        "BEGIN:A\nX" + ';P="v",w' * 200_000 + ":c\nEND:A",
        'BEGIN:A\nX;P="' + '"' * 1_000_001 + ":c\nEND:A",
        "BEGIN:A\nX" + " " * 1_000_000 + "y:c\nEND:A",
        'BEGIN:A\nX;P="' + " " * 1_000_000 + "y:c\nEND:A",
    ],
    ids=[
        "one-line",
        "folds-in-value",
        "folds-in-name",
        "parameters",
        "quotes",
        "blanks-before-no-parameter",
        "blanks-in-an-open-quote",
    ],
)
def test_a_large_shape_is_one_property(text):
    assert len(read(text).properties) == 1


def test_an_indented_first_line_is_not_a_fold():
    assert read(" BEGIN:A\nX:1\nEND:A").name == "A"


def test_text_escapes():
    assert unescape_text(r"a\nb\N\,\;\\n\x") == "a\nb\n,;\\nx"


NAMES = st.from_regex(re.compile(r"[A-Z][A-Z0-9-]{0,8}", re.ASCII), fullmatch=True).filter(
    lambda name: name not in ("BEGIN", "END")
)
VALUES = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufeff"), max_size=40
)


@given(
    st.lists(st.tuples(NAMES, VALUES, st.integers(0, 40)), max_size=8),
    st.sampled_from(["\r\n", "\n", "\r"]),
)
def test_offsets_rebuild_the_text_and_folds_vanish(properties, newline):
    lines = []
    for name, value, fold in properties:
        raw = f"{name}:{value}"
        cut = min(fold, len(raw))
        lines.append(raw if cut == 0 else f"{raw[:cut]}{newline} {raw[cut:]}")
    text = newline.join(["BEGIN:A", *lines, "END:A", ""])
    component = read(text)
    begin, end = f"BEGIN:A{newline}", f"END:A{newline}"
    pieces = [text[line.start : line.end] for line in component.properties]
    assert begin + "".join(pieces) + end == text
    assert (component.start, component.end) == (0, len(text))
    assert [(line.name, line.value) for line in component.properties] == [
        (name, value) for name, value, _ in properties
    ]


@given(st.text(st.sampled_from('AB:;=",\\ \t\r\n.-^\ufeff'), max_size=60))
def test_any_text_is_read_or_refused(text):
    with suppress(ContentLineError):
        assert read_components("BEGIN:A\n" + text, Limits())[0].name == "A"
