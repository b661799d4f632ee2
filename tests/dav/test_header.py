"""Depth and Prefer as clients write them."""

import time

import pytest

from davenport.dav.header import Depth, depth, preferences
from davenport.dav.precondition import StatusError

PREFERENCES = {
    "none": ("", {}),
    "one": ("return=minimal", {"return": "minimal"}),
    "quoted": ('return = "minimal"', {"return": "minimal"}),
    "without value": ("depth-noroot", {"depth-noroot": ""}),
    "several": (
        "respond-async, Return=Minimal; x=1 ,wait=10",
        {"respond-async": "", "return": "minimal", "wait": "10"},
    ),
    "the first counts": ("return=minimal, return=representation", {"return": "minimal"}),
    "noise": (",, =, ;a,", {}),
}


@pytest.mark.parametrize("case", PREFERENCES.values(), ids=PREFERENCES.keys())
def test_preferences(case: tuple[str, dict[str, str]]) -> None:
    header, expected = case
    assert preferences({"prefer": header}) == expected


def test_brief_is_return_minimal() -> None:
    assert preferences({"brief": "T"}) == {"return": "minimal"}
    assert preferences({"brief": "f"}) == {}


@pytest.mark.parametrize("filling", [" ", "a", '"', "=", ";", ", "])
def test_a_long_header_costs_no_more_than_its_length(filling: str) -> None:
    started = time.process_time()
    preferences({"prefer": f",{filling * 60_000},return=minimal"})
    assert time.process_time() - started < 1


@pytest.mark.parametrize(
    "value", ["0", "1", "infinity", "Infinity", " 1 ", "1,noroot"], ids=lambda value: value.strip()
)
def test_depth(value: str) -> None:
    expected = {"0": Depth.ZERO, "1": Depth.ONE, "i": Depth.INFINITY}[value.strip()[0].lower()]
    assert depth({"depth": value}, Depth.ZERO) is expected
    assert depth({}, Depth.ONE) is Depth.ONE


@pytest.mark.parametrize("value", ["", "2", "x"])
def test_another_depth_is_refused(value: str) -> None:
    with pytest.raises(StatusError) as caught:
        depth({"depth": value}, Depth.ZERO)
    assert caught.value.status == 400
