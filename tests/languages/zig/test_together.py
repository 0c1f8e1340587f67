"""Several repairs of one Zig file, put in together: what each chose alone must hold with the others."""

from __future__ import annotations

import subprocess
from pathlib import Path

from repairbot.edits import apply, declared
from repairbot.examine import examine
from repairbot.languages.zig import LANGUAGE
from repairbot.languages.zig.compiler import compiler
from repairbot.model import Edit, Settings
from tests.commandline import repairbot

SOURCE = """\
const std = @import("std");

fn show(gpa: std.mem.Allocator, writer: *std.Io.Writer, number: u32) !void {
    try writer.writeAll(try std.fmt.allocPrint(gpa, "{d}", .{number}));
    try writer.writeAll(try std.fmt.allocPrint(gpa, "{x}", .{number}));
    try writer.writeAll(try std.fmt.allocPrint(gpa, "{b}", .{number}));
}
"""


def test_repairs_that_chose_the_same_name_get_names_of_their_own(tmp_path: Path) -> None:
    file = tmp_path / "show.zig"
    file.write_text(SOURCE, encoding="utf-8")
    repairbot(tmp_path, "fix", "--no-cache")
    after = file.read_text(encoding="utf-8")
    assert after.count("defer gpa.free(") == 3
    done = subprocess.run([compiler(), "ast-check"], input=after.encode(), capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()


def _repairs(source: str) -> list[tuple[Edit, ...]]:
    """The repairs that an audit offers, in the order of the source."""
    findings = examine(source.encode(), "show.zig", LANGUAGE, Settings()).result.findings
    return [finding.fix.edits for finding in findings if finding.fix is not None]


def test_repairs_of_one_function_can_all_be_taken_from_one_audit() -> None:
    repairs = _repairs(SOURCE)
    assert len(repairs) == 3
    assert len({name for repair in repairs for name in declared(repair)}) == 3
    after = apply(SOURCE.encode(), [edit for repair in repairs for edit in repair])
    done = subprocess.run([compiler(), "ast-check"], input=after, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()


APART = """\
const std = @import("std");

fn show(gpa: std.mem.Allocator, writer: *std.Io.Writer, number: ?u32) !void {
    if (number) |known| {
        try writer.writeAll(try std.fmt.allocPrint(gpa, "{d}", .{known}));
    } else {
        try writer.writeAll(try std.fmt.allocPrint(gpa, "{s}", .{"-"}));
    }
}
"""


def test_names_that_are_not_in_each_others_sight_stay_the_plain_ones() -> None:
    first, second = (declared(repair) for repair in _repairs(APART))
    assert first == second


TWICE = """\
const std = @import("std");

const Pair = struct { name: []const u8, text: []const u8 };

fn parse(gpa: std.mem.Allocator, lines: []const []const u8) !Pair {
    var name: ?[]const u8 = null;
    var text: ?[]const u8 = null;
    for (lines) |line| {
        if (line[0] == 'n') {
            name = try gpa.dupe(u8, line[1..]);
        } else if (line[0] == 't') {
            text = try gpa.dupe(u8, line[1..]);
        }
    }
    if (name == null) return error.NoName;
    if (text == null) return error.NoText;
    return .{ .name = name.?, .text = text.? };
}

fn once(gpa: std.mem.Allocator, lines: []const []const u8) !void {
    const pair = parse(gpa, lines) catch |err| switch (err) {
        error.OutOfMemory => return err,
        else => return,
    };
    gpa.free(pair.name);
    gpa.free(pair.text);
}

test parse {
    for ([_][]const []const u8{ &.{"na"}, &.{ "na", "nb", "tc" }, &.{"tc"} }) |lines| {
        try std.testing.checkAllAllocationFailures(std.testing.allocator, once, .{lines});
    }
}
"""


def test_a_value_that_is_replaced_and_forgotten_when_a_later_step_fails_is_repaired_for_both(
    tmp_path: Path,
) -> None:
    file = tmp_path / "parse.zig"
    file.write_text(TWICE, encoding="utf-8")
    command = [compiler(), "test", file.name, "--cache-dir", str(tmp_path / "cache")]
    before = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "MemoryLeakDetected" in before.stderr
    repairbot(tmp_path, "fix", "--no-cache")
    after = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert after.returncode == 0, after.stderr
