"""What holds for every merge, on generated objects and on the corpus."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from davenport.dav.precondition import PreconditionError
from davenport.objects.calendar import KINDS, read_calendar_object
from davenport.objects.card import read_address_object
from davenport.objects.difference import differences
from davenport.objects.draft import escape_text
from davenport.objects.fingerprint import fingerprint
from davenport.objects.merge import MergePolicy, apply_changes, merge
from davenport.objects.merge_component import repeated_keys
from davenport.objects.normal import NormalComponent, read_normal
from tests.objects.expansion import needs_corpus
from tests.objects.merging import contact, event
from tests.objects.sample import wrapped
from tests.objects.test_corpus import files

COMMON = [
    "SUMMARY:one",
    "SUMMARY:two",
    "SUMMARY;LANGUAGE=en:two",
    "DESCRIPTION:a\\nb\\nc",
    "DESCRIPTION:a\\nB\\nc",
    "DESCRIPTION:a\\nb\\nc\\nd",
    "X-ALT-DESC:<p>a",
    "LOCATION:here",
    "CATEGORIES:a,b",
    "CATEGORIES:b,c\\,d",
    "CATEGORIES:a",
    "ATTENDEE:mailto:ann@x",
    "ATTENDEE;PARTSTAT=ACCEPTED:mailto:ann@x",
    'ATTENDEE;CN="Bob; B";ROLE=CHAIR:MAILTO:bob@x',
    "ORGANIZER:mailto:ann@x",
    "ORGANIZER;CN=Ann:mailto:ann@x",
    "RELATED-TO:1",
    "RELATED-TO;RELTYPE=CHILD:1",
    "ATTACH:http://x/1",
    "COMMENT:c",
    "X-FOO;X-P=1:1",
    "X-FOO:2",
    "X-BAR:1",
    "SEQUENCE:2",
    "SEQUENCE:3",
    "LAST-MODIFIED:20250103T000000Z",
    "LAST-MODIFIED:20250104T000000Z",
    "TRANSP:OPAQUE",
    "TRANSP:TRANSPARENT",
    "STATUS:CONFIRMED",
    "BEGIN:VALARM|ACTION:DISPLAY|TRIGGER:-PT5M|END:VALARM",
    "BEGIN:VALARM|ACTION:DISPLAY|TRIGGER:-PT5M|DESCRIPTION:d|END:VALARM",
    "BEGIN:VALARM|UID:q|ACTION:DISPLAY|TRIGGER:-PT5M|END:VALARM",
    "BEGIN:VALARM|UID:q|ACTION:DISPLAY|TRIGGER:-PT9M|REPEAT:2|DURATION:PT1M|END:VALARM",
    "BEGIN:X-PART|X-A:1|END:X-PART",
]
TIMES = [
    ("DTSTART:20250106T090000Z", "DTEND:20250106T100000Z"),
    ("DTSTART:20250106T090000Z", "RRULE:FREQ=DAILY"),
    ("DTSTART:20250106T090000Z", "RRULE:FREQ=DAILY", "EXDATE:20250107T090000Z"),
    ("DTSTART:20250106T090000Z", "RRULE:FREQ=DAILY", "EXDATE:20250107T090000Z,20250108T090000Z"),
    ("DTSTART;TZID=Europe/Berlin:20250106T090000", "RRULE:FREQ=WEEKLY;COUNT=3"),
]
OVERRIDES = [
    ("RECURRENCE-ID:20250108T090000Z", "SUMMARY:other"),
    ("RECURRENCE-ID;TZID=Europe/Berlin:20250108T100000", "SUMMARY:third"),
    ("RECURRENCE-ID:20250109T090000Z", "SUMMARY:other", "STATUS:CANCELLED"),
]
CARD = [
    "FN:Ann",
    "FN:Anne",
    "N:B;Ann",
    "TEL:+49 1",
    "TEL;TYPE=HOME:+491",
    "TEL;TYPE=home,pref:+491",
    "TEL;TYPE=cell:2",
    "item1.TEL:3|item1.X-ABLabel:Boat",
    "item1.TEL:4|item1.X-ABLabel:Boat",
    "item2.EMAIL;TYPE=internet:a@x|item2.X-ABLabel:Boat",
    "EMAIL:a@x",
    "EMAIL;TYPE=work:A@x",
    "ADR;TYPE=home:;;Street 1;Town;;1;",
    "NOTE:a\\nb\\nc",
    "NOTE:a\\nb\\nd",
    "NOTE:z\\na\\nb\\nc",
    "PHOTO;ENCODING=b;TYPE=PNG:aGVsbG8=",
    "BDAY:--0412",
    "BDAY:1985-04-12",
    "NICKNAME:x,y",
    "NICKNAME:y",
    "CATEGORIES:q",
    "ORG:Firm;Part",
    "REV:20250103T000000Z",
    "TITLE;ALTID=1:boss",
    "TITLE;ALTID=1:chef",
    "X-SOCIALPROFILE;TYPE=x:http://x",
    "X-SOCIALPROFILE;TYPE=y:http://y",
    "URL:http://x/",
    "IMPP;PID=1.1:xmpp:a",
]


def day(override: tuple[str, ...]) -> str:
    """The day of an override: two of one day would be the same instance."""
    return override[0].partition(":")[2][:8]


def subsets(lines: list[str]) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(lines), max_size=12, unique=True)


@st.composite
def events(draw: st.DrawFn) -> bytes:
    lines = [part for line in draw(subsets(COMMON)) for part in line.split("|")]
    # Clients write properties before components; alarms may be anywhere among them.
    parts = ["BEGIN:VEVENT", "UID:u", *draw(st.sampled_from(TIMES)), *lines, "END:VEVENT"]
    for override in draw(st.lists(st.sampled_from(OVERRIDES), max_size=2, unique_by=day)):
        parts += ["BEGIN:VEVENT", "UID:u", *override, "END:VEVENT"]
    return wrapped(*parts)


@st.composite
def cards(draw: st.DrawFn) -> bytes:
    version = "3.0"
    lines = [part for line in draw(subsets(CARD)) for part in line.split("|")]
    return contact(*lines, version=version)


def triples(objects: st.SearchStrategy[bytes]) -> st.SearchStrategy[tuple[bytes, bytes, bytes]]:
    return st.tuples(objects, objects, objects)


each = st.one_of(triples(events()), triples(cards()))
pairs = st.one_of(st.tuples(events(), events()), st.tuples(cards(), cards()))


def read(body: bytes) -> None:
    if body.startswith(b"BEGIN:VCARD"):
        read_address_object(body)
    else:
        read_calendar_object(body)


def values(body: bytes) -> Counter[tuple[str, ...]]:
    """Every property that counts, by the way to it: without lists' lines and spellings."""
    found: Counter[tuple[str, ...]] = Counter()

    def walk(component: NormalComponent, way: tuple[str, ...]) -> None:
        place = (*way, component.name, component.key[-1])
        for one in component.properties:
            if not one.silent and one.name not in ("SEQUENCE", "RECURRENCE-ID"):
                found[(*place, one.name, one.value)] += 1
        for part in component.components:
            walk(part, place)

    for root in read_normal(body)[1]:
        walk(root, ())
    return found


@given(pairs)
def test_an_unchanged_side_leaves_the_other_byte_for_byte(pair: tuple[bytes, bytes]):
    x, y = pair
    assert merge(x, x, y).body == y
    assert merge(x, y, x).body == y
    assert merge(x, y, y).body == y
    assert merge(x, y, y).conflicts == ()


@given(each)
def test_the_result_can_be_read_and_does_not_depend_on_the_order(three: tuple[bytes, bytes, bytes]):
    base, a, b = three
    one, other = merge(base, a, b), merge(base, b, a)
    read(one.body)
    read(other.body)
    assert bool(one.conflicts) == bool(other.conflicts)
    if not one.conflicts:
        assert differences(one.body, other.body) == ()


@given(each)
def test_nothing_new_is_lost_or_made_up_without_a_conflict(three: tuple[bytes, bytes, bytes]):
    base, a, b = three
    result = merge(base, a, b)
    if result.conflicts:
        return
    old, ours, theirs, new = values(base), values(a), values(b), values(result.body)
    texts = ("DESCRIPTION", "NOTE")  # merged by lines
    cancelled = {way[:-2] for way in [*ours, *theirs] if way[-2:] == ("STATUS", "CANCELLED")}
    for way in ours | theirs:
        if way[-2] in texts or way[:-2] in cancelled:
            continue
        if not old[way]:
            assert new[way], f"{way} is lost"
        elif ours[way] and theirs[way]:
            assert new[way], f"{way} was on both sides"
    for way in new:
        if way[-2] not in texts:
            assert ours[way] or theirs[way], f"{way} is made up"


@given(each, st.sampled_from([MergePolicy.A, MergePolicy.B]))
def test_a_side_as_policy_leaves_no_conflict(
    three: tuple[bytes, bytes, bytes], policy: MergePolicy
):
    result = merge(*three, policy)
    read(result.body)
    assert result.unresolved == ()
    assert {found.taken for found in result.conflicts} <= {policy.value}


@given(each, st.sampled_from(list(MergePolicy)))
def test_every_policy_gives_something_to_store(
    three: tuple[bytes, bytes, bytes], policy: MergePolicy
):
    read(merge(*three, policy).body)


@given(each)
def test_merging_again_changes_nothing(three: tuple[bytes, bytes, bytes]):
    """After a crash between the two writes one side holds the result, the other its edit."""
    base, a, b = three
    first = merge(base, a, b)
    if first.conflicts:
        return
    again = merge(base, first.body, b)
    if not again.conflicts:
        assert differences(again.body, first.body) == ()


@given(each)
def test_changes_win_over_what_is_there(three: tuple[bytes, bytes, bytes]):
    base, changed, current = three
    result = apply_changes(base, changed, current)
    read(result.body)
    assert result.unresolved == ()
    assert apply_changes(base, base, current).body == current
    assert apply_changes(base, changed, base).body == changed


@given(pairs)
def test_fingerprints_are_equal_exactly_where_there_is_no_difference(pair: tuple[bytes, bytes]):
    a, b = pair
    found = differences(a, b)
    assert (fingerprint(a) == fingerprint(b)) is (found == ())
    back = differences(b, a)
    assert len(back) == len(found)
    opposite = {"added": "removed", "removed": "added", "changed": "changed"}
    assert Counter(opposite[one.kind] for one in found) == Counter(one.kind for one in back)


TEXT = st.text(st.characters(exclude_categories=("Cc", "Cs")) | st.just("\n"), max_size=8)


@given(TEXT, TEXT, st.sampled_from(["SUMMARY", "X-ANY", "LOCATION;LANGUAGE=de", "COMMENT;X-P=1"]))
def test_texts_have_one_fingerprint_exactly_where_they_are_equal(one: str, other: str, name: str):
    bodies = [event(f"{name}:{escape_text(text)}") for text in (one, other)]
    assert (fingerprint(bodies[0]) == fingerprint(bodies[1])) is (one == other)
    folded = bodies[0].replace(name.encode() + b":", name.encode() + b"\r\n :")
    assert fingerprint(folded) == fingerprint(bodies[0])


@given(st.one_of(events(), cards()), st.data())
def test_a_line_more_or_less_is_another_fingerprint_or_says_nothing(
    body: bytes, data: st.DataObject
):
    lines = body.splitlines(keepends=True)
    inner = [n for n, line in enumerate(lines) if line.startswith((b"SUMMARY", b"X-", b"TEL"))]
    if inner:
        number = data.draw(st.sampled_from(inner))
        less = b"".join(lines[:number] + lines[number + 1 :])
        if len(lines) == len({*lines}):
            assert fingerprint(less) != fingerprint(body)


def fresh(base: bytes, lines: list[str]) -> bytes:
    mark = b"END:VCARD" if base.startswith(b"BEGIN:VCARD") else b"END:VEVENT"
    return base.replace(mark, "".join(f"{line}\r\n" for line in lines).encode() + mark, 1)


@given(
    st.one_of(events(), cards()),
    st.lists(st.sampled_from(["X-A1:1", "X-A2;P=x:2", "X-A3:3"]), unique=True),
    st.lists(st.sampled_from(["X-B1:1", "X-B2;P=x:2", "X-B3:3"]), unique=True),
)
def test_edits_of_different_things_both_survive(base: bytes, ours: list[str], theirs: list[str]):
    result = merge(base, fresh(base, ours), fresh(base, theirs))
    assert result.conflicts == ()
    assert fingerprint(result.body) == fingerprint(fresh(fresh(base, ours), theirs))


@needs_corpus
def test_the_corpus_merged_with_itself_stays_byte_for_byte():
    seen = 0
    for file in files():
        try:
            same = merge(file.body, file.body, file.body)
        except PreconditionError:
            assert file.put != "accept", file.path
            continue
        seen += 1
        assert same.body == file.body
    assert seen > 600


@needs_corpus
def test_the_corpus_takes_an_edit_on_each_side():
    """The lines that neither touched are there byte for byte, whatever the object."""
    seen = 0
    for file in files():
        if file.put != "accept" or len(file.body) > 100_000:
            continue
        lines = file.body.splitlines(keepends=True)
        begins = {f"BEGIN:{name}".encode() for name in ("VCARD", *KINDS)}
        start = 1 + next(
            number for number, line in enumerate(lines) if line.strip().upper() in begins
        )
        if lines[start][:1].isspace():
            continue
        if b"THISANDFUTURE" in file.body or repeated_keys(read_normal(file.body)[1][0]):
            continue  # never merged
        seen += 1
        a = b"".join([*lines[:start], b"X-OURS:1\r\n", *lines[start:]])
        b = b"".join([*lines[:start], b"X-THEIRS:2\r\n", *lines[start:]])
        result = merge(file.body, a, b)
        assert result.conflicts == (), file.path
        assert (
            result.body.replace(b"X-OURS:1\r\n", b"").replace(b"X-THEIRS:2\r\n", b"") == file.body
        )
        assert [found.property for found in differences(file.body, result.body)] in (
            ["X-OURS", "X-THEIRS"], ["X-THEIRS", "X-OURS"])  # fmt: skip
    assert seen > 350


@needs_corpus
@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(st.data())
def test_the_corpus_against_itself(data: st.DataObject):
    """Any three objects: something to store, or an error that says what cannot be read."""
    three = [data.draw(st.sampled_from(files())).body for _ in range(3)]
    try:
        result = merge(three[0], three[1], three[2])
    except PreconditionError:
        return
    read(result.body)
