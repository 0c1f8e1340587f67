"""Repairs of several findings of one Zig file: each is what it would be if it were the only one."""

from __future__ import annotations

import re
from collections import Counter

import pytest

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


INSIDE = """
fn collect(gpa: std.mem.Allocator, names: []const []const u8) !usize {
    var list: std.ArrayList([]u8) = .empty;
    const first = try gpa.dupe(u8, names[0]);
    try list.append(gpa, first);
    try list.append(gpa, try gpa.dupe(u8, names[1]));
    var other: std.ArrayList([]u8) = .empty;
    try other.append(gpa, try gpa.dupe(u8, names[2]));
    defer other.deinit(gpa);
    return list.items.len + other.items.len;
}
"""
ONE_LINE = """
fn show(gpa: std.mem.Allocator, writer: anytype) !void {
    try writer.print("{s}{s}", .{ try gpa.dupe(u8, "a"), try gpa.dupe(u8, "b") });
    const text = try gpa.dupe(u8, "c");
    try writer.writeAll(text);
}
"""
RECURSIVE = """
fn walk(gpa: std.mem.Allocator, given: []u8, depth: usize) !usize {
    const one = try gpa.alloc(u8, depth);
    const two = try gpa.alloc(u8, depth);
    gpa.free(given);
    if (depth == 0) return two.len;
    return try walk(gpa, one, depth - 1);
}
"""
SAME_NAME = """
fn twice(gpa: std.mem.Allocator, flag: bool, out: *std.ArrayList([]u8)) !void {
    if (flag) {
        const text = try gpa.dupe(u8, "a");
        try out.append(gpa, text);
    } else {
        const text = try gpa.dupe(u8, "b");
        if (text.len > 1) return;
        gpa.free(text);
    }
    const text = try gpa.dupe(u8, "c");
    try out.append(gpa, text);
    try out.append(gpa, try gpa.dupe(u8, "d"));
    try out.append(gpa, try gpa.dupe(u8, "e"));
}
"""
HANDED_ON = """
fn chain(gpa: std.mem.Allocator) !usize {
    const first = try gpa.alloc(u8, 1);
    const second = first;
    const third = try gpa.alloc(u8, 2);
    var fourth = try gpa.alloc(u8, 3);
    fourth = try gpa.realloc(fourth, third.len);
    if (second.len > 1) return error.Long;
    gpa.free(second);
    return fourth.len;
}
"""


WHOLE = """
fn build(gpa: std.mem.Allocator, turn: u32) !std.StringHashMap([]const u8) {
    var map = std.StringHashMap([]const u8).init(gpa);
    try map.put("kind", "decision");
    try map.put("turn", try std.fmt.allocPrint(gpa, "{d}", .{turn}));
    try map.put("next", try std.fmt.allocPrint(gpa, "{d}", .{turn + 1}));
    return map;
}
"""

FORGOTTEN = """
const Server = struct {
    gpa: std.mem.Allocator,
    name: []u8,
    title: []u8,
    lines: std.ArrayList([]u8),

    fn init(gpa: std.mem.Allocator, name: []const u8) !Server {
        const owned = try gpa.dupe(u8, name);
        errdefer gpa.free(owned);
        return .{ .gpa = gpa, .name = owned, .title = try gpa.dupe(u8, name), .lines = .empty };
    }

    fn rename(self: *Server, name: []const u8) !void {
        self.name = try self.gpa.dupe(u8, name);
    }

    fn entitle(self: *Server, title: []const u8) !void {
        self.gpa.free(self.title);
        self.title = try self.gpa.dupe(u8, title);
        try self.lines.append(self.gpa, self.title);
    }

    fn deinit(self: *Server) void {
        self.gpa.free(self.name);
    }
};

fn serve(gpa: std.mem.Allocator) !void {
    var server = try Server.init(gpa, "a");
    defer server.deinit();
    const extra = try gpa.dupe(u8, "b");
    try server.rename(extra);
    try server.entitle(extra);
}
"""
OVERWRITTEN = """
const Status = struct {
    gpa: std.mem.Allocator,
    ahead: []u8 = &.{},
    behind: []u8 = &.{},

    fn process(self: *Status, ahead: []const u8, behind: []const u8) !void {
        self.ahead = try self.gpa.dupe(u8, ahead);
        self.behind = try self.gpa.dupe(u8, behind);
    }

    fn deinit(self: *Status) void {
        self.gpa.free(self.ahead);
        self.gpa.free(self.behind);
    }
};
"""


@pytest.mark.parametrize(
    "code",
    [
        FORGOTTEN,
        OVERWRITTEN,
        SECOND,
        WHOLE,
        INSIDE,
        ONE_LINE,
        RECURSIVE,
        SAME_NAME,
        HANDED_ON,
        FALLING + SECOND,
    ],
)
def test_each_repair_of_one_function_takes_its_finding_alone(code: str) -> None:
    source, findings = (HEAD + code).encode(), found(code)
    assert any(each.fix for each in findings)
    said = Counter((each.rule, each.variable) for each in findings)
    for finding in findings:
        if finding.fix is None:
            continue
        after = apply(source, finding.fix.edits)
        left = examine(after, "a.zig", languages.walk()["zig"], Settings()).result.findings
        now = Counter((each.rule, each.variable) for each in left)
        assert now == said - Counter([(finding.rule, finding.variable)])


BELOW = """
fn walk(gpa: std.mem.Allocator, given: []u8, depth: usize) !usize {
    const zero = try gpa.alloc(u8, depth);
    const one = try gpa.alloc(u8, depth);
    const two = try gpa.alloc(u8, depth);
    gpa.free(given);
    if (depth == 0) return two.len + zero.len;
    return try walk(gpa, one, depth - 1);
}
"""


def test_a_reason_names_the_line_that_the_repair_alone_leads_to() -> None:
    zero, one, two = found(BELOW)
    assert zero.fix is not None
    assert two.fix is not None
    assert one.refusals[0].endswith("nothing new: error-path-leak is reported in line 5 afterwards")
