"""The ladder: each rung lets fall what it should, on candidates made by hand."""

from __future__ import annotations

from collections import Counter

import pytest

from repairbot.languages.python.printer import PRINTER
from repairbot.model import Edit, Span
from repairbot.rule import Report
from repairbot.verify import Climb, Reported, climb

BEFORE = b"import os\nx = 1  # one\nprint(x, os)\n"
REPORT = Report(Span(10, 15, 2, 2, 1), "f", "x", "a leak", ())
BASE = Reported((("never-released", REPORT),))


def attempt(*edits: Edit, again: Reported | None = None) -> Climb:
    found = Reported() if again is None else again
    return climb(BEFORE, edits, "never-released", REPORT, BASE, lambda _: found, PRINTER)


def test_a_candidate_that_holds() -> None:
    result = attempt(Edit(14, 15, "2"))
    assert result.fell == ""
    assert result.after == BEFORE.replace(b"x = 1", b"x = 2")
    assert {check.result for check in result.checks} == {"passed"}


@pytest.mark.parametrize(
    ("edits", "rung"),
    [
        ((Edit(14, 15, "("),), "parses: "),
        ((Edit(14, 22, "1"),), "comments kept: lost: # one"),
        ((Edit(0, 9, ""),), "names bound: nothing binds os"),
        ((Edit(10, 12, "z "),), "names bound: nothing binds x"),
        ((Edit(10, 14, ""), Edit(12, 15, "")), "two edits overlap"),
        ((Edit(10, 900, ""),), "an edit of 10 to 900 leaves the source"),
        ((), "the repair changes nothing"),
        ((Edit(14, 15, "1"),), "the repair changes nothing"),
    ],
)
def test_a_candidate_that_falls(edits: tuple[Edit, ...], rung: str) -> None:
    assert attempt(*edits).fell.startswith(rung)


def test_a_finding_that_stays() -> None:
    assert attempt(Edit(14, 15, "2"), again=BASE).fell == "finding gone: x is still reported afterwards"


def test_a_finding_that_is_new() -> None:
    other = Report(Span(10, 15, 2, 2, 1), "f", "y", "another", ())
    found = attempt(Edit(14, 15, "2"), again=Reported((("late-cleanup", other),)))
    assert found.fell == "nothing new: late-cleanup is reported in line 2 afterwards"


def test_a_value_that_is_released_twice() -> None:
    twice = Reported((), Counter({("double-release", "f", "x"): 1}))
    assert (
        attempt(Edit(14, 15, "2"), again=twice).fell == "released once: x is released twice in f afterwards"
    )


def test_a_file_that_cannot_be_read_again() -> None:
    assert attempt(Edit(14, 15, "2"), again=Reported(wrong="it broke")).fell == "finding gone: it broke"
