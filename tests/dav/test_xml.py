"""XML in: bounded and without DTDs. XML out: what went in comes out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from davenport.dav import xml
from davenport.dav.name import split_name
from davenport.dav.precondition import Precondition, StatusError

LIMITS = xml.XmlLimits(depth=10, elements=100)
# Characters that XML 1.0 §2.2 can carry.
TEXT = st.text(
    st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff")
    | st.sampled_from("\t\r\n")
)


@given(TEXT)
def test_text_survives(text: str) -> None:
    body = xml.document("{DAV:}displayname", xml.escape(text))
    assert xml.text(xml.parse(body, LIMITS)) == text


@given(TEXT)
def test_a_stored_property_survives(text: str) -> None:
    source = xml.text_element("{urn:x}y", text)
    assert xml.element_text(source) == text
    again = xml.stored_element(xml.stored_root(source))
    assert xml.element_text(again) == text


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    try:
        xml.parse(body, LIMITS)
        status = 200
    except StatusError as refusal:
        status = refusal.status
    assert status in {200, 400, 413}


@pytest.mark.parametrize("depth", [10, 11])
def test_depth_is_bounded(depth: int) -> None:
    body = b"<a>" * depth + b"</a>" * depth
    if depth <= LIMITS.depth:
        assert xml.parse(body, LIMITS).tag == "a"
    else:
        with pytest.raises(StatusError) as caught:
            xml.parse(body, LIMITS)
        assert caught.value.status == 400


def test_a_namespace_in_content_is_kept_with_the_property() -> None:
    body = b'<p xmlns="DAV:" xmlns:q="urn:q"><x a="q:b"><q:z/></x></p>'
    prop = xml.children(xml.parse(body, LIMITS))[0]
    kept = etree.fromstring(xml.stored_element(prop))
    assert kept.nsmap["q"] == "urn:q"
    assert kept[0].tag == "{urn:q}z"


@pytest.mark.parametrize("name", ["{DAV:}a", "{urn:x}a", "{urn:x&'}a", "a"])
def test_an_element_of_any_namespace(name: str) -> None:
    root = xml.parse(xml.document("{DAV:}prop", xml.element(name, "x")), LIMITS)
    assert xml.tag(root[0]) == name


def test_every_precondition_has_an_error_status_and_a_name_of_its_own() -> None:
    elements = [precondition.element for precondition in Precondition]
    assert len(elements) == len(set(elements))
    for precondition in Precondition:
        assert precondition.status in {403, 409, 507}
        assert split_name(precondition.element)[0]
