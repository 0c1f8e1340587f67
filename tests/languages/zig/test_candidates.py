"""Repairs of several findings of one Zig file: each is what it would be if it were the only one."""

from __future__ import annotations

import re

from repairbot import languages
from repairbot.edits import apply
from repairbot.examine import examine
from repairbot.model import Finding, Settings

HEAD = 'const std = @import("std");\n'
FIRST = """
fn first(gpa: std.mem.Allocator) !usize {
    const text = try gpa.alloc(u8, 10);
    return text.len;
}
"""
SECOND = """
fn second(gpa: std.mem.Allocator) !usize {
    const one = try gpa.alloc(u8, 10);
    const two = try gpa.alloc(u8, 20);
    const three = try gpa.alloc(u8, 30);
    return one.len + two.len + three.len;
}
"""
CALLING = """
fn third(gpa: std.mem.Allocator) !usize {
    const more = try gpa.alloc(u8, 10);
    return more.len + try first(gpa);
}
"""
FALLING = """
fn fourth(gpa: std.mem.Allocator) ![]u8 {
    var whole = try gpa.alloc(u8, 10);
    whole = try gpa.alloc(u8, 20);
    defer gpa.free(whole);
    return whole;
}
"""


def found(*functions: str) -> list[Finding]:
    source = (HEAD + "".join(functions)).encode()
    return list(examine(source, "a.zig", languages.walk()["zig"], Settings()).result.findings)


def told(findings: list[Finding]) -> list[tuple[str, str, list[str], list[str], list[str]]]:
    """What does not depend on where in the file a finding stands."""
    return [
        (
            each.rule,
            each.variable,
            [line for line in (each.fix.diff if each.fix else "").splitlines() if line[:1] in "+-"],
            [re.sub(r"line \d+", "line", why) for why in each.refusals],
            [f"{check.name} {check.result}" for check in (each.fix.checks if each.fix else ())],
        )
        for each in findings
    ]


def test_findings_of_several_functions_have_the_repairs_that_each_has_alone() -> None:
    alone = [*found(FIRST), *found(SECOND), *found(FIRST, CALLING)[1:], *found(FALLING)]
    together = found(FIRST, SECOND, CALLING, FALLING)
    assert told(together) == told(alone)
    assert (
        together[5]
        .refusals[0]
        .endswith("nothing new: overwritten-resource is reported in line 21 afterwards")
    )
    assert [each.variable for each in together if each.fix][:5] == ["text", "one", "two", "three", "more"]


def test_each_repair_holds_without_the_others() -> None:
    source = (HEAD + FIRST + SECOND).encode()
    for finding in found(FIRST, SECOND):
        assert finding.fix is not None
        after = apply(source, finding.fix.edits)
        left = examine(after, "a.zig", languages.walk()["zig"], Settings()).result.findings
        assert finding.variable not in {each.variable for each in left}
        assert len(left) == 3
