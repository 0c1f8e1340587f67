"""A constructor fails half way and the first half stays.

**What is wrong.** `__init__` opens something, stores it in the object, and then a later step raises. The
caller never gets the object, so nobody can close what it already holds.

**Evidence.** A known resource is acquired in a constructor or initialiser; a later step of it can fail, and
no handler releases what was made. In Zig: an initialiser in place (`try self.prepare();`) that stores memory in a
member, and whoever calls it has just made the object and lets it go when that fails.

**Repair.** The failing steps move into a `try`; its handler releases what was made and raises again. In Zig an
`errdefer` releases the member and leaves it empty, so that a teardown afterwards does no harm.

**Quiet** when nothing after the acquisition can fail, when a handler releases it, and (low confidence) when
the later step is not one that meets the outside world. In Zig where the object lives on: its teardown releases the
member then; and where its maker has an `errdefer` for it.
"""

from __future__ import annotations

from collections.abc import Iterator

from repairbot.analyses.facts import Facts, Halfway
from repairbot.lifetimes.intents import RESET_ON_ERROR
from repairbot.lifetimes.ops import Intent
from repairbot.model import Settings
from repairbot.rule import Quiet, Repair, Report, Rule
from repairbot_rules._held import done, release_line
from repairbot_rules._registered import idioms


def _intent(fact: Halfway) -> Intent:
    lines = [release_line(op.resource, op.place) for op in reversed(fact.made) if op.resource is not None]
    return Intent(
        RESET_ON_ERROR,
        fact.made[0].at,
        fact.made[0].place,
        "release what was made when a later step fails",
        {"statements": "\n".join(lines)},
        (fact.fails.at,),
    )


class PartialInitialization(Rule):
    """A constructor that fails half way."""

    languages = ("python", "zig", "typescript", "javascript")
    in_tests = "low"
    practice = "A constructor that can fail releases what it has made so far."
    examples = (
        Repair(
            before="""\
import os
import subprocess


class Child:
    def __init__(self, command):
        self.read, self.write = os.pipe()
        self.process = subprocess.Popen(command, stdout=self.write)

    def close(self):
        os.close(self.read)
        os.close(self.write)
        self.process.wait()
""",
            after="""\
import os
import subprocess


class Child:
    def __init__(self, command):
        self.read, self.write = os.pipe()
        try:
            self.process = subprocess.Popen(command, stdout=self.write)
        except BaseException:
            os.close(self.write)
            os.close(self.read)
            raise

    def close(self):
        os.close(self.read)
        os.close(self.write)
        self.process.wait()
""",
            line=7,
        ),
        Quiet(
            code="""\
import os
import subprocess


class Child:
    def __init__(self, command):
        self.read, self.write = os.pipe()
        try:
            self.process = subprocess.Popen(command, stdout=self.write)
        except BaseException:
            os.close(self.write)
            os.close(self.read)
            raise
""",
            why="the handler releases both",
        ),
        Quiet(
            code="""\
import socket


class Link:
    def __init__(self, address):
        self.sock = socket.create_connection(address)
        self.address = address
        self.lines = []
""",
            why="nothing after it can fail",
        ),
        Repair(
            before="""\
const std = @import("std");

const Table = struct {
    gpa: std.mem.Allocator,
    rows: []u32 = &.{},

    fn init(gpa: std.mem.Allocator, size: usize) !Table {
        var self = Table{ .gpa = gpa };
        try self.prepare(size);
        return self;
    }

    fn prepare(self: *Table, size: usize) !void {
        self.rows = try self.gpa.alloc(u32, size);
        const order = try self.gpa.alloc(u32, size);
        defer self.gpa.free(order);
        for (order, 0..) |*at, i| at.* = @intCast(i);
        self.rows[0] = order[size - 1];
    }

    fn deinit(self: *Table) void {
        self.gpa.free(self.rows);
    }
};

fn run(gpa: std.mem.Allocator) !void {
    var table = try Table.init(gpa, 4);
    table.deinit();
}

test Table {
    try std.testing.checkAllAllocationFailures(std.testing.allocator, run, .{});
}
""",
            after="""\
const std = @import("std");

const Table = struct {
    gpa: std.mem.Allocator,
    rows: []u32 = &.{},

    fn init(gpa: std.mem.Allocator, size: usize) !Table {
        var self = Table{ .gpa = gpa };
        try self.prepare(size);
        return self;
    }

    fn prepare(self: *Table, size: usize) !void {
        self.rows = try self.gpa.alloc(u32, size);
        errdefer {
            self.gpa.free(self.rows);
            self.rows = &.{};
        }
        const order = try self.gpa.alloc(u32, size);
        defer self.gpa.free(order);
        for (order, 0..) |*at, i| at.* = @intCast(i);
        self.rows[0] = order[size - 1];
    }

    fn deinit(self: *Table) void {
        self.gpa.free(self.rows);
    }
};

fn run(gpa: std.mem.Allocator) !void {
    var table = try Table.init(gpa, 4);
    table.deinit();
}

test Table {
    try std.testing.checkAllAllocationFailures(std.testing.allocator, run, .{});
}
""",
            language="zig",
            line=14,
        ),
        Quiet(
            code="""\
const std = @import("std");

const Table = struct {
    gpa: std.mem.Allocator,
    rows: []u32 = &.{},

    fn init(gpa: std.mem.Allocator, size: usize) !Table {
        var self = Table{ .gpa = gpa };
        errdefer self.deinit();
        try self.prepare(size);
        return self;
    }

    fn prepare(self: *Table, size: usize) !void {
        self.rows = try self.gpa.alloc(u32, size);
        const order = try self.gpa.alloc(u32, size);
        defer self.gpa.free(order);
        for (order, 0..) |*at, i| at.* = @intCast(i);
        self.rows[0] = order[size - 1];
    }

    fn deinit(self: *Table) void {
        self.gpa.free(self.rows);
    }
};

fn run(gpa: std.mem.Allocator) !void {
    var table = try Table.init(gpa, 4);
    table.deinit();
}

test Table {
    try std.testing.checkAllAllocationFailures(std.testing.allocator, run, .{});
}
""",
            why="who makes it takes it down when that fails",
            language="zig",
        ),
        Quiet(
            code="""\
const std = @import("std");

const Table = struct {
    gpa: std.mem.Allocator,
    rows: []u32 = &.{},

    fn prepare(self: *Table, size: usize) !void {
        self.rows = try self.gpa.alloc(u32, size);
        const order = try self.gpa.alloc(u32, size);
        defer self.gpa.free(order);
        self.rows[0] = order[size - 1];
    }

    fn deinit(self: *Table) void {
        self.gpa.free(self.rows);
    }
};

fn run(gpa: std.mem.Allocator) !void {
    var table = Table{ .gpa = gpa };
    defer table.deinit();
    try table.prepare(4);
}

test Table {
    try std.testing.checkAllAllocationFailures(std.testing.allocator, run, .{});
}
""",
            why="the object lives on, and its teardown releases the member",
            language="zig",
        ),
        Repair(
            before="""import * as fs from 'fs';

export class Journal {
  private readonly descriptor: number;
  private readonly size: number;

  constructor(path: string) {
    this.descriptor = fs.openSync(path, 'a');
    this.size = fs.statSync(path).size;
  }

  close(): void {
    fs.closeSync(this.descriptor);
  }
}
""",
            after="""import * as fs from 'fs';

export class Journal {
  private readonly descriptor: number;
  private readonly size: number;

  constructor(path: string) {
    this.descriptor = fs.openSync(path, 'a');
    try {
      this.size = fs.statSync(path).size;
    } catch (error) {
      fs.closeSync(this.descriptor);
      throw error;
    }
  }

  close(): void {
    fs.closeSync(this.descriptor);
  }
}
""",
            language="typescript",
        ),
        Quiet(
            """import * as fs from 'fs';

export class Journal {
  private readonly descriptor: number;
  private lines = 0;

  constructor(path: string) {
    this.descriptor = fs.openSync(path, 'a');
    this.lines = 1;
  }

  close(): void {
    fs.closeSync(this.descriptor);
  }
}
""",
            "nothing behind the acquisition can fail",
            language="typescript",
        ),
        Repair(
            before="""export class Engine {
  private model: Model | null = null;
  private loading: Promise<void> | null = null;

  async initialize(): Promise<void> {
    if (this.model) return;
    this.loading = this.load();
    try {
      await this.loading;
    } catch (error) {
      this.loading = null;
      throw error;
    }
  }

  dispose(): void {
    this.model = null;
  }

  private async load(): Promise<void> {
    this.model = await loadModel();
    await this.model.warmUp();
  }
}
""",
            after="""export class Engine {
  private model: Model | null = null;
  private loading: Promise<void> | null = null;

  async initialize(): Promise<void> {
    if (this.model) return;
    this.loading = this.load();
    try {
      await this.loading;
    } catch (error) {
      this.loading = null;
      this.model = null;
      throw error;
    }
  }

  dispose(): void {
    this.model = null;
  }

  private async load(): Promise<void> {
    this.model = await loadModel();
    await this.model.warmUp();
  }
}
""",
            language="typescript",
        ),
    )

    def check(self, facts: Facts, settings: Settings) -> Iterator[Report]:
        """One report for each constructor that keeps a first half."""
        for fact in facts.setup:
            first = fact.made[0]
            if first.resource is None:
                continue
            names = " and ".join(dict.fromkeys(op.place for op in fact.made))
            verb = "is" if len(fact.made) == 1 else "are"
            note = (
                fact.steps[len(fact.made)].note if len(fact.steps) > len(fact.made) else "a later step fails"
            )
            note = note.replace(" can raise", " raises").replace(" can fail", " fails")
            yield Report(
                first.at,
                fact.function,
                first.place,
                f"{names} {verb} not {done(first.resource)} when {note}",
                fact.steps,
                confidence=fact.confidence,
                severity=first.resource.severity,
                intents=(_intent(fact),),
            )
        yield from idioms(facts, self.id)
