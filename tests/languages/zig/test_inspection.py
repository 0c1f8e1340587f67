"""Zig's rungs of the ladder, with the real compiler: what it lets pass, what it stops, what it does not judge."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from repairbot.edits import apply
from repairbot.languages.base import ALONE
from repairbot.languages.zig.foresight import foresee
from repairbot.languages.zig.inspection import inspect
from repairbot.model import Edit

GOOD = b"fn f() u32 {\n    const x = 1; // one\n    return x;\n}\n"


def edit(before: bytes, after: bytes) -> tuple[Edit, ...]:
    """The one edit that makes the second of the first."""
    start = len(os.path.commonprefix([before, after]))
    same = len(os.path.commonprefix([before[start:][::-1], after[start:][::-1]]))
    return (Edit(start, len(before) - same, after[start : len(after) - same].decode()),)


def results(before: bytes, after: bytes) -> dict[str, str]:
    """The result of every rung that was tried."""
    return {check.name: check.result for check in inspect(before, after, edit(before, after))}


def test_a_sound_repair_passes_every_rung() -> None:
    after = GOOD.replace(b"    return x;", b"    defer done();\n    return x;") + b"fn done() void {}\n"
    assert results(GOOD, after) == {
        "parses": "passed",
        "comments kept": "passed",
        "zig ast-check": "passed",
        "zig fmt": "passed",
    }


def test_the_compiler_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    after = GOOD.replace(b"    return x;", b"    defer gone();\n    return x;") + b"fn gone() void {}\n"
    assert results(GOOD, after)["zig fmt"] == "passed"
    assert results(GOOD, after.replace(b"    defer", b"  defer"))["zig fmt"] == "failed"
    assert not list(tmp_path.iterdir())  # a worker is killed when it is not needed any more


def test_a_repair_that_does_not_parse_is_stopped() -> None:
    assert results(GOOD, GOOD.replace(b"return x;", b"return x")) == {"parses": "failed"}


def test_a_lost_comment_is_noticed() -> None:
    assert results(GOOD, GOOD.replace(b" // one", b""))["comments kept"] == "failed"


def test_the_compiler_stops_a_name_that_nothing_declares() -> None:
    after = GOOD.replace(b"return x;", b"return y;")
    checks = inspect(GOOD, after, edit(GOOD, after))
    assert checks[-1].name == "zig ast-check"
    assert checks[-1].result == "failed"
    assert "undeclared identifier 'y'" in checks[-1].detail or "unused" in checks[-1].detail


def test_what_the_compiler_said_before_is_not_held_against_a_repair() -> None:
    before = GOOD + b"fn g() u32 {\n    return missing;\n}\n"
    after = before.replace(b"return x;", b"return x + 1;")
    assert results(before, after)["zig ast-check"] == "not run"
    worse = before.replace(b"return x;", b"return x + nothing;")
    assert results(before, worse)["zig ast-check"] == "failed"


def test_a_file_that_was_not_formatted_is_not_asked_to_be() -> None:
    before = GOOD.replace(b"    return", b"  return")
    assert results(before, before.replace(b"x;", b"x + 1;"))["zig fmt"] == "not run"
    assert results(GOOD, GOOD.replace(b"return x;", b"return  x;"))["zig fmt"] == "failed"


def test_a_file_that_the_compiler_cannot_read_is_not_called_formatted() -> None:
    before = GOOD + b"fn g() void {\n    _ = ;\n}\n"
    assert results(before, before.replace(b"x;", b"x + 1;")) == {
        "parses": "passed",
        "comments kept": "passed",
        "zig ast-check": "not run",
        "zig fmt": "not run",
    }


LENT = b"""\
fn f(gpa: anytype) !usize {
    const one = try gpa.alloc(u8, 1);
    const two = try gpa.alloc(u8, 2);
    gpa.touch(two);
    return one.len;
}
"""


def insert(behind: bytes, text: str) -> tuple[Edit, ...]:
    at = LENT.index(behind) + len(behind)
    return (Edit(at, at, text),)


def foreseen(*repairs: tuple[Edit, ...]) -> list[list[str]]:
    """The results of the compiler's rungs for each repair, all of which were foreseen; they are those of each alone."""

    def inspected() -> list[list[str]]:
        return [
            [str(check.result) for check in inspect(LENT, apply(LENT, each), each)][2:] for each in repairs
        ]

    foresee(LENT, ())
    alone = inspected()
    foresee(LENT, repairs)
    assert inspected() == alone
    return alone


ONE = insert(b"(u8, 1);", "\n    defer gpa.free(one);")
TWO = insert(b"(u8, 2);", "\n    defer gpa.free(two);")


def test_repairs_that_are_foreseen_pass_as_each_would_alone() -> None:
    assert foreseen(ONE, TWO) == [["passed", "passed"]] * 2


def test_a_repair_that_is_not_formatted_takes_nothing_with_it() -> None:
    odd = insert(b"one.len", " +  1")
    assert foreseen(ONE, odd, TWO) == [["passed", "passed"], ["passed", "failed"], ["passed", "passed"]]


def test_a_repair_that_the_compiler_stops_takes_nothing_with_it() -> None:
    assert foreseen(ONE, insert(b"one.len", " + none"), TWO)[1] == ["failed"]


def test_repairs_that_chose_the_same_name_do_not_stop_each_other() -> None:
    first = insert(b"(u8, 1);", "\n    const more = one;\n    _ = more;")
    second = insert(b"(u8, 2);", "\n    const more = one;\n    _ = more;")
    assert foreseen(first, second) == [["passed", "passed"]] * 2


def test_no_repair_lives_on_the_name_that_another_declares() -> None:
    declares = insert(b"(u8, 1);", "\n    const more = one;")  # nothing uses it
    uses = insert(b"(u8, 2);", "\n    _ = more;")
    assert foreseen(declares, uses) == [["failed"], ["failed"]]


def test_no_repair_lives_on_the_use_that_another_writes() -> None:
    start = LENT.index(b"    gpa.touch(two);")
    takes = (Edit(start, start + len(b"    gpa.touch(two);\n"), ""),)  # nothing uses it any more
    assert foreseen(takes, TWO) == [["failed"], ["passed", "passed"]]


def test_no_repair_is_laid_out_by_one_next_to_it() -> None:
    blank = insert(b"(u8, 1);", "\n\n")
    code = insert(b"(u8, 1);\n", "    defer gpa.free(one);")
    assert foreseen(blank, code)[0] == ["passed", "failed"]


def test_what_cannot_be_put_in_is_no_matter_of_the_others() -> None:
    numbers = foresee(LENT, [ONE, (Edit(4, 9, ""), Edit(6, 7, "")), TWO, (Edit(0, len(LENT) + 1, ""),)])
    assert numbers[0] == numbers[2] != ALONE
    assert numbers[1] == numbers[3] == ALONE


def test_repairs_at_the_ends_of_a_file_are_foreseen() -> None:
    top, end = (Edit(0, 0, "const a = 1;\n"),), (Edit(len(LENT), len(LENT), "const b = 2;\n"),)
    assert foreseen(top, end) == [["passed", "passed"]] * 2


def test_repairs_of_a_file_with_an_error_are_foreseen_as_well() -> None:
    wrong = LENT + b"fn g() u32 {\n    return missing;\n}\n"
    numbers = foresee(wrong, [ONE, TWO])
    assert numbers[0] == numbers[1] != ALONE
    results = [check.result for check in inspect(wrong, apply(wrong, ONE), ONE)]
    assert results == ["passed", "passed", "not run", "passed"]


def test_a_repair_that_mends_an_error_is_told_by_itself() -> None:
    wrong = LENT.replace(b"gpa.touch(two);", b"_ = 1;")  # nothing uses two
    use = (Edit(wrong.index(b"_ = 1;"), wrong.index(b"_ = 1;"), "gpa.touch(two);\n    "),)
    foresee(wrong, [ONE, use])
    assert [check.result for check in inspect(wrong, apply(wrong, ONE), ONE)][2] == "not run"
    assert [check.result for check in inspect(wrong, apply(wrong, use), use)][2] == "passed"
