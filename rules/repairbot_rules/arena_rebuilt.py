"""An arena is taken down and built again where it could be reset.

**What is wrong.** `arena.deinit()` gives every block back to the allocator behind the arena, and the `init` in the
next line begins with nothing: each round asks for the same memory again, piece by piece. Where an error comes
between the two lines the arena is left without a value at all.

**Evidence.** Both statements stand next to each other and name the same arena.

**Repair.** `_ = arena.reset(.retain_capacity)`: what was made is gone all the same, the memory stays for the next
round.

**Quiet** when the arena ends there, or gets another allocator behind it some lines later.
"""

from __future__ import annotations

from collections.abc import Iterator

from repairbot.analyses.facts import Facts
from repairbot.model import Settings
from repairbot.rule import Quiet, Repair, Report, Rule
from repairbot_rules._registered import idioms


class ArenaRebuilt(Rule):
    """An arena that is rebuilt and not reset."""

    severity = "low"
    languages = ("zig",)
    practice = "Reset an arena between two rounds of work: `_ = arena.reset(.retain_capacity)`."
    examples = (
        Repair(
            before="""\
const std = @import("std");

pub const Frame = struct {
    arena: std.heap.ArenaAllocator,

    pub fn begin(self: *Frame) void {
        const child = self.arena.child_allocator;
        self.arena.deinit();
        self.arena = std.heap.ArenaAllocator.init(child);
    }
};

test "a frame begins again" {
    var frame: Frame = .{ .arena = .init(std.testing.allocator) };
    defer frame.arena.deinit();
    _ = try frame.arena.allocator().create(u64);
    frame.begin();
}
""",
            after="""\
const std = @import("std");

pub const Frame = struct {
    arena: std.heap.ArenaAllocator,

    pub fn begin(self: *Frame) void {
        _ = self.arena.reset(.retain_capacity);
    }
};

test "a frame begins again" {
    var frame: Frame = .{ .arena = .init(std.testing.allocator) };
    defer frame.arena.deinit();
    _ = try frame.arena.allocator().create(u64);
    frame.begin();
}
""",
            language="zig",
            line=9,
        ),
        Quiet(
            code="""\
const std = @import("std");

pub fn render(gpa: std.mem.Allocator, frames: usize) !void {
    var arena = std.heap.ArenaAllocator.init(gpa);
    defer arena.deinit();
    for (0..frames) |frame| {
        defer _ = arena.reset(.retain_capacity);
        const name = try std.fmt.allocPrint(arena.allocator(), "frame {d}", .{frame});
        std.debug.print("{s}\\n", .{name});
    }
}
""",
            why="it is reset, and ends once",
            language="zig",
        ),
    )

    def check(self, facts: Facts, settings: Settings) -> Iterator[Report]:
        """One report for each arena that is rebuilt."""
        yield from idioms(facts, "arena-rebuilt")
