"""The ladder: each rung lets fall what it should, on candidates made by hand."""

from __future__ import annotations

from collections import Counter

import pytest

from repairbot.languages.python.printer import PRINTER
from repairbot.lifetimes.intents import Refusal
from repairbot.lifetimes.ops import Intent
from repairbot.model import Check, Edit, Span
from repairbot.rule import Report
from repairbot.verify import Candidate, Climb, Ladder, Reported

BEFORE = b"import os\nx = 1  # one\nprint(x, os)\n"
REPORT = Report(Span(10, 15, 2, 2, 1), "f", "x", "a leak", ())
BASE = Reported((("never-released", REPORT),))


def attempt(*edits: Edit, again: Reported | None = None) -> Climb:
    found = Reported() if again is None else again
    ladder = Ladder(BEFORE, BASE, lambda _data, _symbols: found, PRINTER)
    (climb,) = ladder.climb([Candidate("never-released", REPORT, edits)])
    return climb


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


def test_a_finding_that_is_only_not_looked_for_any_more() -> None:
    """A function that became too large to follow, or a value with too many paths: nothing is said of it then."""
    unread = Counter({"f is too large to follow": 1})
    fell = "finding gone: what is there afterwards is not followed: f is too large to follow"
    assert attempt(Edit(14, 15, "2"), again=Reported(unread=unread)).fell == fell
    ladder = Ladder(
        BEFORE, Reported(BASE.reports, unread=unread), lambda *_: Reported(unread=unread), PRINTER
    )
    (climb,) = ladder.climb([Candidate("never-released", REPORT, (Edit(14, 15, "2"),))])
    assert climb.fell == ""


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


class Several:
    """Three functions of one line each; a version "leaks" a function's name as long as its line says so."""

    BEFORE = b"f leak\ng leak\nh leak\n"

    def __init__(self) -> None:
        self.inspected: list[bytes] = []

    @classmethod
    def said(cls, data: bytes) -> Reported:
        lines = data.decode().splitlines()
        return Reported(tuple((word, cls.report(line[0])) for line in lines for word in line[1:].split()))

    @staticmethod
    def report(name: str) -> Report:
        return Report(Span(0, 1, 1, 1, 1), name, "x", "a leak", ())

    def analyse(self, data: bytes, symbols: frozenset[str] | None) -> Reported:
        return self.said(data).within(symbols)

    def write(self, source: bytes, intent: Intent) -> Refusal:
        return Refusal("nothing to write")

    def inspect(self, before: bytes, after: bytes, edits: tuple[Edit, ...]) -> tuple[Check, ...]:
        self.inspected.append(after)
        return (
            Check("parses", "failed" if b"(" in after else "passed", "a bracket" if b"(" in after else ""),
        )

    def climb(self, *words: str) -> list[str]:
        """Why each repair fell that puts these words in the place of "leak" in its line."""
        candidates = [
            Candidate("leak", self.report(name), (Edit(at, at + 4, word),), frozenset(name))
            for (name, at), word in zip((("f", 2), ("g", 9), ("h", 16)), words, strict=True)
        ]
        ladder = Ladder(self.BEFORE, self.said(self.BEFORE), self.analyse, self)
        return [climb.fell for climb in ladder.climb(candidates)]


def test_candidates_of_several_functions_climb_in_one_version() -> None:
    several = Several()
    assert several.climb("", "", "") == ["", "", ""]
    assert several.inspected.count(b"f \ng \nh \n") == 1
    assert len(set(several.inspected)) == 2, "the file as it is, and one version"


def test_a_candidate_that_does_not_hold_takes_no_other_with_it() -> None:
    several = Several()
    gone, new = (
        "finding gone: x is still reported afterwards",
        "nothing new: late is reported in line 1 afterwards",
    )
    assert several.climb("", "leak ", "late") == ["", gone, new]
    assert len(set(several.inspected)) == 2, "what is told of each is what would be told of it alone"


def test_a_candidate_that_breaks_the_whole_version_is_found() -> None:
    assert Several().climb("", "(", "") == ["", "parses: a bracket", ""]
    assert Several().climb("(", "", "leak ")[0] == "parses: a bracket"


def test_a_candidate_that_changes_nothing_is_found_among_others() -> None:
    assert Several().climb("", "leak", "") == ["", "the repair changes nothing", ""]
