"""Address object resources: where the line between refusing and accepting lies."""

import pytest

from davenport.dav.precondition import Precondition, PreconditionError
from davenport.objects.card import read_address_object
from tests.objects.sample import calendar, card

DATA = Precondition.VALID_ADDRESS_DATA


@pytest.mark.parametrize(
    "body, precondition",
    [
        (b"", DATA),
        (calendar("DTSTART:20240101T100000Z"), DATA),
        (card("UID:u", "FN:f") * 2, DATA),
        (card("FN:f"), DATA),
        (card("UID:", "FN:f"), DATA),
        (card("UID:u", "UID:v", "FN:f"), DATA),
        (card("UID:u", "FN:\x01"), DATA),
        (card("UID:u", "no colon"), DATA),
        (card("UID:u", "FN:f", version="2.1"), Precondition.SUPPORTED_ADDRESS_DATA),
        (
            card("UID:u", "ADR;ENCODING=QUOTED-PRINTABLE:=0D=", "x", version="2.1"),
            Precondition.SUPPORTED_ADDRESS_DATA,
        ),
    ],
    ids=[
        "empty", "calendar", "two", "no-uid", "blank-uid", "two-uids", "control", "line", "2.1",
        "quoted-printable",
    ],
)  # fmt: skip
def test_what_would_break_others_is_refused_with_its_precondition(body, precondition):
    with pytest.raises(PreconditionError) as caught:
        read_address_object(body)
    assert caught.value.precondition is precondition


@pytest.mark.parametrize(
    "body, version",
    [
        (card("UID:u", "FN:f"), "4.0"),
        (card("UID:u", "N:a;b", version="3.0"), "3.0"),
        (card("UID:u", "item1.EMAIL;type=pref:a@b", "item1.X-ABLabel:_$!<Work>!$_"), "4.0"),
        (card("UID:u", "BDAY;X-APPLE-OMIT-YEAR=1604:1604-02-29", version="3.0"), "3.0"),
        (card("UID:u", "PHOTO:data:image/png;base64,AAAA"), "4.0"),
        (card("UID:u", "TEL;PREF=1;TYPE=cell:1", version="3.0"), "3.0"),
        (card("UID:u", "FN:f").replace(b"VERSION:4.0\r\n", b""), "3.0"),
    ],
    ids=["plain", "no-fn", "group", "1604", "data-uri", "4-in-3", "no-version"],
)
def test_what_is_only_untidy_is_accepted(body, version):
    found = read_address_object(body)
    assert (found.uid, found.version) == ("u", version)
