"""The cleanup stands too far below the acquisition.

**What is wrong.** There is a `try` with a `finally` that closes the resource, but it begins some lines
below the acquisition, and what stands between can raise.

**Evidence.** Every release of the value is cleanup code; a step before it begins can fail, and its error
leaves the function while the value is held.

**Repair.** The cleanup moves next to the acquisition.

**Quiet** when nothing that can fail stands between.
"""

from __future__ import annotations

from collections.abc import Iterator

from repairbot.analyses.facts import Facts
from repairbot.model import Settings
from repairbot.rule import Quiet, Repair, Report, Rule
from repairbot_rules._held import done, failing_step, on_error, on_exit, owned_elsewhere, report


class LateCleanup(Rule):
    """A cleanup that begins too late."""

    languages = ("python", "zig", "typescript", "javascript", "rust")
    in_tests = "low"
    practice = "Let nothing stand between the acquisition and the `try` that releases it."
    examples = (
        Repair(
            before="""\
def copy(source, target, describe):
    sink = open(target, "wb")
    print(describe(target))
    try:
        sink.write(source.read())
    finally:
        sink.close()
""",
            after="""\
def copy(source, target, describe):
    with open(target, "wb") as sink:
        print(describe(target))
        sink.write(source.read())
""",
            line=2,
        ),
        Quiet(
            code="""\
def copy(source, target):
    sink = open(target, "wb")
    count = 0
    try:
        count = sink.write(source.read())
    finally:
        sink.close()
    return count
""",
            why="nothing between can fail",
        ),
        Repair(
            before="""\
const std = @import("std");

fn shout(allocator: std.mem.Allocator, writer: *std.Io.Writer, words: []const []const u8) !void {
    const line = try std.mem.join(allocator, " ", words);
    const upper = try std.ascii.allocUpperString(allocator, line);
    defer allocator.free(line);
    defer allocator.free(upper);
    try writer.writeAll(upper);
}

fn run(allocator: std.mem.Allocator) !void {
    var buffer: [64]u8 = undefined;
    var writer = std.Io.Writer.fixed(&buffer);
    try shout(allocator, &writer, &.{ "to", "be" });
}

test shout {
    try std.testing.checkAllAllocationFailures(std.testing.allocator, run, .{});
}
""",
            after="""\
const std = @import("std");

fn shout(allocator: std.mem.Allocator, writer: *std.Io.Writer, words: []const []const u8) !void {
    const line = try std.mem.join(allocator, " ", words);
    defer allocator.free(line);
    const upper = try std.ascii.allocUpperString(allocator, line);
    defer allocator.free(upper);
    try writer.writeAll(upper);
}

fn run(allocator: std.mem.Allocator) !void {
    var buffer: [64]u8 = undefined;
    var writer = std.Io.Writer.fixed(&buffer);
    try shout(allocator, &writer, &.{ "to", "be" });
}

test shout {
    try std.testing.checkAllAllocationFailures(std.testing.allocator, run, .{});
}
""",
            language="zig",
            line=4,
        ),
        Repair(
            before="""\
const std = @import("std");

fn prompt(allocator: std.mem.Allocator, question: []const u8, context: ?[]const u8) ![]u8 {
    var note: ?[]u8 = null;
    if (context) |text| {
        note = try allocator.dupe(u8, text);
        try check(allocator, text);
    }
    defer if (note) |copy| allocator.free(copy);
    return std.fmt.allocPrint(allocator, "{s}{s}", .{ note orelse "", question });
}

fn check(allocator: std.mem.Allocator, text: []const u8) !void {
    const copy = try allocator.dupe(u8, text);
    defer allocator.free(copy);
    if (!std.unicode.utf8ValidateSlice(copy)) return error.InvalidUtf8;
}

fn run(allocator: std.mem.Allocator) !void {
    allocator.free(try prompt(allocator, "why?", "because"));
}

test prompt {
    try std.testing.checkAllAllocationFailures(std.testing.allocator, run, .{});
}
""",
            after="""\
const std = @import("std");

fn prompt(allocator: std.mem.Allocator, question: []const u8, context: ?[]const u8) ![]u8 {
    var note: ?[]u8 = null;
    defer if (note) |copy| allocator.free(copy);
    if (context) |text| {
        note = try allocator.dupe(u8, text);
        try check(allocator, text);
    }
    return std.fmt.allocPrint(allocator, "{s}{s}", .{ note orelse "", question });
}

fn check(allocator: std.mem.Allocator, text: []const u8) !void {
    const copy = try allocator.dupe(u8, text);
    defer allocator.free(copy);
    if (!std.unicode.utf8ValidateSlice(copy)) return error.InvalidUtf8;
}

fn run(allocator: std.mem.Allocator) !void {
    allocator.free(try prompt(allocator, "why?", "because"));
}

test prompt {
    try std.testing.checkAllAllocationFailures(std.testing.allocator, run, .{});
}
""",
            language="zig",
            line=6,
        ),
        Repair(
            before="""\
const std = @import("std");

const Place = struct { name: []const u8, line: u32 };
const Note = struct { name: []u8, line: u32 };

fn prompt(allocator: std.mem.Allocator, place: ?Place) ![]u8 {
    var note: ?Note = null;
    if (place) |where| {
        note = .{ .name = try allocator.dupe(u8, where.name), .line = where.line };
    }
    const header = try std.fmt.allocPrint(allocator, "{d}: ", .{if (note) |held| held.line else 0});
    defer allocator.free(header);
    defer if (note) |held| allocator.free(held.name);
    return std.mem.concat(allocator, u8, &.{ header, if (note) |held| held.name else "" });
}

fn run(allocator: std.mem.Allocator) !void {
    allocator.free(try prompt(allocator, .{ .name = "here", .line = 3 }));
}

test prompt {
    try std.testing.checkAllAllocationFailures(std.testing.allocator, run, .{});
}
""",
            after="""\
const std = @import("std");

const Place = struct { name: []const u8, line: u32 };
const Note = struct { name: []u8, line: u32 };

fn prompt(allocator: std.mem.Allocator, place: ?Place) ![]u8 {
    var note: ?Note = null;
    defer if (note) |held| allocator.free(held.name);
    if (place) |where| {
        const owned_name = try allocator.dupe(u8, where.name);
        note = .{ .name = owned_name, .line = where.line };
    }
    const header = try std.fmt.allocPrint(allocator, "{d}: ", .{if (note) |held| held.line else 0});
    defer allocator.free(header);
    return std.mem.concat(allocator, u8, &.{ header, if (note) |held| held.name else "" });
}

fn run(allocator: std.mem.Allocator) !void {
    allocator.free(try prompt(allocator, .{ .name = "here", .line = 3 }));
}

test prompt {
    try std.testing.checkAllAllocationFailures(std.testing.allocator, run, .{});
}
""",
            language="zig",
            line=9,
        ),
        Quiet(
            code="""\
const std = @import("std");

fn shout(allocator: std.mem.Allocator, words: []const []const u8) !u64 {
    const line = try std.mem.join(allocator, " ", words);
    const size = line.len * 2;
    defer allocator.free(line);
    return std.hash.Wyhash.hash(size, line);
}
""",
            why="nothing between can fail",
            language="zig",
        ),
        Repair(
            before="""import * as fs from 'fs';

export function save(path: string, values: number[]): void {
  const descriptor = fs.openSync(path, 'w');
  const text = format(values);
  try {
    fs.writeSync(descriptor, text);
  } finally {
    fs.closeSync(descriptor);
  }
}

function format(values: number[]): string {
  if (values.length === 0) throw new Error('nothing to save');
  return values.join(' ');
}
""",
            after="""import * as fs from 'fs';

export function save(path: string, values: number[]): void {
  const descriptor = fs.openSync(path, 'w');
  try {
    const text = format(values);
    fs.writeSync(descriptor, text);
  } finally {
    fs.closeSync(descriptor);
  }
}

function format(values: number[]): string {
  if (values.length === 0) throw new Error('nothing to save');
  return values.join(' ');
}
""",
            language="typescript",
        ),
        Quiet(
            """import * as fs from 'fs';

export function save(path: string, text: string): void {
  const descriptor = fs.openSync(path, 'w');
  let written = 0;
  try {
    written = fs.writeSync(descriptor, text);
  } finally {
    fs.closeSync(descriptor);
  }
  console.log(written);
}
""",
            "nothing between can fail",
            language="typescript",
        ),
    )

    def check(self, facts: Facts, settings: Settings) -> Iterator[Report]:
        """One report for each cleanup with fallible steps above it."""
        for leak in facts.pairing.leaks:
            if leak.shape != "late":
                continue
            way = leak.ways[0]
            step = failing_step(way) or "a step before its cleanup fails"
            intents = (on_error(leak),) if owned_elsewhere(leak) else (on_exit(leak), on_error(leak))
            yield report(leak, f"{leak.place} is not {done(leak.resource)} when {step}", way, intents)
