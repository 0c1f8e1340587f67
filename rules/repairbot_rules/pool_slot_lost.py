"""Something is taken from a pool and not given back on every path.

**What is wrong.** A pool hands out what it made before and waits to get it back. A path that forgets to do so, an
error most often, leaves the pool one slot poorer each time: it grows for ever, or it runs dry and everybody waits.

**Evidence.** The value comes from something that is called a pool, this file shows the call that gives one back,
and a way out of the function holds the value without that call and without another owner.

**Repair.** The value goes back on every way out, right behind the line that takes it; on errors alone where the
function hands it on.

**Quiet** when the value is returned, stored or handed to somebody who may give it back, and when nothing in the file
gives anything back to that pool.
"""

from __future__ import annotations

from collections.abc import Iterator

from repairbot.analyses.facts import Facts
from repairbot.model import Settings
from repairbot.rule import Quiet, Repair, Report, Rule
from repairbot_rules._held import failing_step, on_error, on_exit, owned_elsewhere, report, worst


class PoolSlotLost(Rule):
    """A pool that does not get back what it gave."""

    languages = ("zig",)
    precedence = 1
    practice = "Give back what comes from a pool in a `defer` right behind the line that takes it."
    examples = (
        Repair(
            before="""\
const std = @import("std");

const Pool = struct {
    allocator: std.mem.Allocator,

    fn acquire(self: *Pool) ![]u8 {
        return self.allocator.alloc(u8, 16);
    }

    fn release(self: *Pool, buffer: []u8) void {
        self.allocator.free(buffer);
    }
};

fn answer(pool: *Pool, request: []const u8) !usize {
    const buffer = try pool.acquire();
    if (request.len > buffer.len) return error.TooLong;
    @memcpy(buffer[0..request.len], request);
    pool.release(buffer);
    return request.len;
}

test "a request that is too long" {
    var pool: Pool = .{ .allocator = std.testing.allocator };
    try std.testing.expectError(error.TooLong, answer(&pool, "far too long a request"));
}
""",
            after="""\
const std = @import("std");

const Pool = struct {
    allocator: std.mem.Allocator,

    fn acquire(self: *Pool) ![]u8 {
        return self.allocator.alloc(u8, 16);
    }

    fn release(self: *Pool, buffer: []u8) void {
        self.allocator.free(buffer);
    }
};

fn answer(pool: *Pool, request: []const u8) !usize {
    const buffer = try pool.acquire();
    defer pool.release(buffer);
    if (request.len > buffer.len) return error.TooLong;
    @memcpy(buffer[0..request.len], request);
    return request.len;
}

test "a request that is too long" {
    var pool: Pool = .{ .allocator = std.testing.allocator };
    try std.testing.expectError(error.TooLong, answer(&pool, "far too long a request"));
}
""",
            language="zig",
            line=16,
        ),
        Quiet(
            code="""\
const std = @import("std");

pub const Server = struct {
    pool: *BufferPool,

    pub fn answer(self: *Server, request: []const u8) !usize {
        const buffer = try self.pool.acquire();
        defer self.pool.release(buffer);
        return try render(buffer, request);
    }
};
""",
            why="it goes back on every way out",
            language="zig",
        ),
        Quiet(
            code="""\
pub const Server = struct {
    pool: *BufferPool,

    pub fn begin(self: *Server) !*Buffer {
        const buffer = try self.pool.acquire();
        return buffer;
    }

    pub fn end(self: *Server, buffer: *Buffer) void {
        self.pool.release(buffer);
    }
};
""",
            why="the caller gives it back",
            language="zig",
        ),
    )

    def check(self, facts: Facts, settings: Settings) -> Iterator[Report]:
        """One report for each slot that some way out keeps."""
        for leak in facts.pairing.leaks:
            if leak.resource.id != "slot":
                continue
            way = worst(leak)
            step = failing_step(way)
            when = f"when {step}" if way.kind == "error" and step else f"when it leaves at line {way.at_line}"
            message = f"{leak.place} does not go back to its pool {when}"
            intents = (on_error(leak),) if owned_elsewhere(leak) else (on_exit(leak),)
            yield report(leak, message, way, intents)
