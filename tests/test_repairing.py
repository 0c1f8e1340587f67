"""Many fixes of one file: those that do not hold together are found in few rounds, and left out with a reason."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repairbot import wire
from repairbot.model import Edit, FileResult, Finding, Fix, Outcome
from repairbot.pool import Answer, Task
from repairbot.repairing import Work, repair

Pair = tuple[int, int]
KEPT = ("line 100", "line 101")


class Clerk:
    """Examines files of numbered lines: each line is a leak, and two that are gone together may leave another one."""

    def __init__(self, entangled: frozenset[Pair]) -> None:
        self.entangled, self.rounds = entangled, 0

    def result(self, source: bytes) -> FileResult:
        lines = [int(line) for line in source.split() if line.isdigit()]
        gone = {number for number in range(64) if number not in lines}
        left = [f"line {number}" for number in lines]
        left += [f"pair {pair}" for pair in sorted(self.entangled) if gone.issuperset(pair)]
        found = [_finding(name, _fix(source, name)) for name in left]
        return FileResult(
            "a.py", "python", Outcome.REPORTED if found else Outcome.CLEAN, findings=tuple(found)
        )

    def run(self, tasks: Iterable[Task], expected: int = 1, ahead: int = 1) -> Iterator[Answer]:
        for task in tasks:
            self.rounds += 1
            yield Answer(task.tag, wire.encode(self.result(task.source)) + b"\n{}\n{}")


def _finding(name: str, fix: Fix | None) -> Finding:
    return Finding(
        "never-released",
        "a.py",
        1,
        1,
        1,
        "f",
        name,
        "high",
        "high",
        name,
        witness=(),
        fingerprint=name,
        fix=fix,
    )


def _fix(source: bytes, name: str) -> Fix | None:
    number = name.removeprefix("line ")
    start = f"\n{source.decode()}".find(f"\n{number}\n")
    return Fix("safe", "remove it", (Edit(start, start + len(number), ""),), "", ()) if start >= 0 else None


def _repaired(count: int, entangled: Iterable[Pair]) -> tuple[Work, int]:
    clerk = Clerk(frozenset(entangled))
    source = "".join(f"{number}\n" for number in range(count)).encode()
    source += "".join(f"{number}\n" for number in range(100, 102)).encode()  # which nobody repairs
    found = clerk.result(source)
    work = Work(found, found, source, {})
    repair([work], clerk, lambda finding: finding.variable not in KEPT)
    return work, clerk.rounds


def test_what_holds_together_goes_in_at_once() -> None:
    work, rounds = _repaired(31, [])
    assert (rounds, work.now.split(), work.refused) == (1, [b"100", b"101"], {})


def test_what_does_not_is_found_in_few_rounds() -> None:
    work, rounds = _repaired(31, [(3, 20)])
    assert work.now.split() == [b"20", b"100", b"101"]
    assert work.refused == {
        "line 20": "together with the file's other repairs it leaves never-released in line 1"
    }
    assert rounds < 15


class Namer(Clerk):
    """Every repair of its declares the same name."""

    def result(self, source: bytes) -> FileResult:
        found = super().result(source)
        return replace(
            found,
            language=self.language,
            findings=tuple(
                replace(each, fix=each.fix and replace(each.fix, edits=_naming(each.fix.edits)))
                for each in found.findings
            ),
        )

    def __init__(self, language: str) -> None:
        super().__init__(frozenset())
        self.language = language


def _naming(edits: tuple[Edit, ...]) -> tuple[Edit, ...]:
    return tuple(edit._replace(text="const name = 1;") for edit in edits)


@pytest.mark.parametrize(("language", "rounds"), [("zig", 1), ("typescript", 5)])
def test_one_name_is_declared_once_a_round_where_no_printer_sees_to_that(language: str, rounds: int) -> None:
    clerk, source = Namer(language), b"".join(b"%d\n" % number for number in range(5))
    found = clerk.result(source)
    work = Work(found, found, source, {})
    repair([work], clerk, lambda _: True)
    assert work.now == b"const name = 1;\n" * 5
    assert clerk.rounds == rounds


@given(st.integers(1, 12), st.sets(st.tuples(st.integers(0, 11), st.integers(0, 11)), max_size=6))
def test_as_many_go_in_as_one_by_one(count: int, entangled: set[Pair]) -> None:
    entangled = {pair for pair in entangled if len(set(pair)) == 2 and max(pair) < count}
    work, _ = _repaired(count, entangled)
    applied: set[int] = set()
    for number in range(count):
        if not any(set(pair) <= applied | {number} for pair in entangled):
            applied.add(number)
    assert {int(line) for line in work.now.split()} == {*range(count), 100, 101} - applied
    assert work.trouble == ""
