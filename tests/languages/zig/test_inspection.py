"""Zig's rungs of the ladder, with the real compiler: what it lets pass, what it stops, what it does not judge."""

from __future__ import annotations

import os

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
