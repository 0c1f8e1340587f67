"""A name or member that owns something gets a new value.

**What is wrong.** `self.sock = connect()` in a method that runs again: the socket that stood there before
is dropped without being closed. The same with a local that is assigned twice, or in each round of a loop.

**Evidence.** The old value was acquired here, is released in another place (so this object does own it) or
nowhere, and the assignment runs again with no release, no check and no other use of the old value before
it.

**Repair.** The old value is kept, the new one assigned, then the old one released: releasing first would
leave a dead value behind when the new one fails.

**Quiet** when a branch asks whether the member is empty, when the method releases it, or reads it first.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from repairbot.analyses.facts import Facts, Leak, Owned
from repairbot.lifetimes.intents import INSERT_BEFORE, RELEASE_OLD
from repairbot.lifetimes.ops import Event, Intent
from repairbot.model import Settings, Span, Step
from repairbot.rule import Quiet, Repair, Report, Rule
from repairbot_rules._held import (
    done,
    on_error,
    on_exit,
    owned_elsewhere,
    owners,
    release_args,
    release_line,
    report,
    waits,
    worst,
)
from repairbot_rules._registered import idioms


def _member(owned: Owned, event: Event) -> Report:
    place, alone = event.target or f"self.{owned.member.name}", not owned.releases
    intent = Intent(
        RELEASE_OLD,
        event.statement or event.at,
        place,
        f"release the old {place} after the new one is there",
        release_args(event.resource or owned.resource),
        why=f"{owned.container.name} made it (line {owned.made.at.line}){' and nothing else releases it' * alone}",
    )
    if event.detail == "guessed":
        choice = f"{place} is taken to be an optional that is empty or owned, with the release that its maker suggests"
        intent = replace(intent, safety="unsafe", choice=choice)
    witness = [Step(owned.made.at.line, "made"), Step(event.at.line, "replaced, the old one still open")]
    if owned.made is event:
        witness = [Step(event.at.line, f"made again whenever {event.method}() runs, the old one still open")]
    return Report(
        event.at,
        f"{owned.container.name}.{event.method}",
        place,
        f"{place} is replaced in {event.method}() and the old one is not {done(owned.resource)}",
        tuple(witness),
        evidence=owned.evidence,
        confidence="low" if waits(owned.resource) else owned.confidence,
        severity=owned.resource.severity,
        intents=() if waits(owned.resource) else (intent,),
        refusals=(f"the old {place} may run on for ever, and would be waited for",)
        if waits(owned.resource)
        else (),
    )


def _old(leak: Leak, replaced: Span) -> Intent:
    """Release what the place holds when it gets another value, and see to the other ways as well."""
    lost = all(way.kind in ("overwritten", "loop") for way in leak.ways)
    also = "" if lost else "error" if owned_elsewhere(leak) else "exit"
    title = f"release the old {leak.place} after the new one is there"
    args = {**release_args(leak.resource), "also": also}
    return Intent(RELEASE_OLD, replaced, leak.place, title, args, (leak.acquired.at,), owners=owners(leak))


def _local(leak: Leak) -> Report:
    way = worst(leak)
    line = release_line(leak.resource, leak.place)
    intents: tuple[Intent, ...] = (on_exit(leak),)
    if owned_elsewhere(leak):
        intents = (on_error(leak),) if way.failing is not None else ()
    elif way.exit is not None:
        title = f"release {leak.place} before it is replaced"
        intents = (
            *intents,
            Intent(INSERT_BEFORE, leak.acquired.at, leak.place, title, {"lines": line}, (way.exit,)),
        )
    if way.replaced is not None:
        intents = (*intents, _old(leak, way.replaced))
    message = f"{leak.place} is replaced at line {way.at_line} and the old one is not {done(leak.resource)}"
    return report(leak, message, way, intents)


class OverwrittenResource(Rule):
    """An owner that is given something new."""

    languages = ("python", "zig", "typescript", "javascript", "rust")
    in_tests = "low"
    practice = "Release what stood there before you assign again."
    examples = (
        Repair(
            before="""\
import socket


class Link:
    def __init__(self, address):
        self.address = address
        self.sock = None

    def reconnect(self):
        self.sock = socket.create_connection(self.address)

    def close(self):
        if self.sock is not None:
            self.sock.close()
""",
            after="""\
import socket


class Link:
    def __init__(self, address):
        self.address = address
        self.sock = None

    def reconnect(self):
        old_sock = self.sock
        self.sock = socket.create_connection(self.address)
        if old_sock is not None:
            old_sock.close()

    def close(self):
        if self.sock is not None:
            self.sock.close()
""",
            line=10,
        ),
        Repair(
            before="""\
import subprocess


class Preview:
    def __init__(self, command):
        self.command = command
        self.process = None

    def restart(self):
        self.process = subprocess.Popen(self.command)

    def close(self):
        if self.process is not None:
            self.process.kill()
""",
            after=None,
            why="the old process still runs: to wait for it would hang",
        ),
        Quiet(
            code="""\
import asyncio


class Bridge:
    def __init__(self):
        self.loop = None

    def _setup_thread(self):
        self.loop = asyncio.new_event_loop()

    def close(self):
        self.loop.close()
""",
            why="a method that sets up runs once",
        ),
        Quiet(
            code="""\
import socket


class Watch:
    def __init__(self, address):
        self.address = address
        self.sock = None

    def start_listening(self):
        self.sock = socket.create_server(self.address)

    def stop_listening(self):
        self.sock.close()
""",
            why="starting and stopping come in turn",
        ),
        Quiet(
            code="""\
import socket


class Scope:
    def __init__(self, address):
        self.address = address

    def __enter__(self):
        self.sock = socket.create_connection(self.address)
        return self

    def __exit__(self, *error):
        print(self.sock)
""",
            why="__enter__ and __exit__ come in pairs",
        ),
        Quiet(
            code="""\
import socket


class Link:
    def __init__(self, address):
        self.address = address
        self.sock = None

    def connect(self):
        if self.sock is None:
            self.sock = socket.create_connection(self.address)

    def close(self):
        if self.sock is not None:
            self.sock.close()
""",
            why="assigned only when there is none",
        ),
        Quiet(
            code="""\
import socket


class Link:
    def __init__(self, address):
        self.address = address
        self.sock = socket.create_connection(address)

    def reconnect(self):
        self.sock.close()
        self.sock = socket.create_connection(self.address)

    def close(self):
        self.sock.close()
""",
            why="released before it is replaced",
        ),
        Repair(
            before="""\
const std = @import("std");

const Session = struct {
    allocator: std.mem.Allocator,
    title: ?[]u8 = null,

    fn rename(self: *Session, title: []const u8) !void {
        self.title = try self.allocator.dupe(u8, title);
    }

    fn deinit(self: *Session) void {
        if (self.title) |title| self.allocator.free(title);
    }
};

fn run(allocator: std.mem.Allocator) !void {
    var session: Session = .{ .allocator = allocator };
    defer session.deinit();
    try session.rename("first");
    try session.rename("second");
}

test "renamed twice" {
    try std.testing.checkAllAllocationFailures(std.testing.allocator, run, .{});
}
""",
            after="""\
const std = @import("std");

const Session = struct {
    allocator: std.mem.Allocator,
    title: ?[]u8 = null,

    fn rename(self: *Session, title: []const u8) !void {
        const old_title = self.title;
        self.title = try self.allocator.dupe(u8, title);
        if (old_title) |old| self.allocator.free(old);
    }

    fn deinit(self: *Session) void {
        if (self.title) |title| self.allocator.free(title);
    }
};

fn run(allocator: std.mem.Allocator) !void {
    var session: Session = .{ .allocator = allocator };
    defer session.deinit();
    try session.rename("first");
    try session.rename("second");
}

test "renamed twice" {
    try std.testing.checkAllAllocationFailures(std.testing.allocator, run, .{});
}
""",
            language="zig",
            line=8,
        ),
        Repair(
            before="""\
const std = @import("std");

fn indented(allocator: std.mem.Allocator, text: []const u8, depth: usize) ![]u8 {
    var line = try allocator.dupe(u8, text);
    for (0..depth) |_| {
        line = try std.mem.concat(allocator, u8, &.{ "  ", line });
    }
    return line;
}

fn run(allocator: std.mem.Allocator) !void {
    allocator.free(try indented(allocator, "x", 2));
}

test indented {
    try std.testing.checkAllAllocationFailures(std.testing.allocator, run, .{});
}
""",
            after="""\
const std = @import("std");

fn indented(allocator: std.mem.Allocator, text: []const u8, depth: usize) ![]u8 {
    var line = try allocator.dupe(u8, text);
    errdefer allocator.free(line);
    for (0..depth) |_| {
        const old_line = line;
        line = try std.mem.concat(allocator, u8, &.{ "  ", line });
        allocator.free(old_line);
    }
    return line;
}

fn run(allocator: std.mem.Allocator) !void {
    allocator.free(try indented(allocator, "x", 2));
}

test indented {
    try std.testing.checkAllAllocationFailures(std.testing.allocator, run, .{});
}
""",
            language="zig",
            line=4,
        ),
        Quiet(
            code="""\
const std = @import("std");

fn count(allocator: std.mem.Allocator, counts: *std.StringHashMapUnmanaged(u32), word: []const u8) !void {
    const key = try allocator.dupe(u8, word);
    errdefer allocator.free(key);
    const entry = try counts.getOrPut(allocator, key);
    if (entry.found_existing) allocator.free(key) else entry.value_ptr.* = 0;
    entry.value_ptr.* += 1;
}
""",
            why="the key is freed where the map had one already",
            language="zig",
        ),
        Quiet(
            code="""\
const std = @import("std");

const Session = struct {
    allocator: std.mem.Allocator,
    title: ?[]u8 = null,

    fn rename(self: *Session, title: []const u8) !void {
        const copy = try self.allocator.dupe(u8, title);
        if (self.title) |old| self.allocator.free(old);
        self.title = copy;
    }

    fn deinit(self: *Session) void {
        if (self.title) |title| self.allocator.free(title);
    }
};
""",
            why="the old one is released before it is replaced",
            language="zig",
        ),
        Quiet(
            code="""\
const std = @import("std");

const Client = struct {
    allocator: std.mem.Allocator,
    agent: ?[]u8 = null,

    fn setAgent(self: *Client, text: []const u8) !void {
        self.clearAgent();
        const agent = try self.allocator.dupe(u8, text);
        self.agent = agent;
    }

    fn clearAgent(self: *Client) void {
        const agent = self.agent orelse return;
        self.allocator.free(agent);
        self.agent = null;
    }
};
""",
            why="a method that is called first releases the old one",
            language="zig",
        ),
        Repair(
            before="""export class Follower {
  private socket?: WebSocket;

  follow(address: string): void {
    this.socket = new WebSocket(address);
  }

  dispose(): void {
    this.socket?.close();
  }
}
""",
            after="""export class Follower {
  private socket?: WebSocket;

  follow(address: string): void {
    this.socket?.close();
    this.socket = new WebSocket(address);
  }

  dispose(): void {
    this.socket?.close();
  }
}
""",
            language="typescript",
        ),
        Quiet(
            """export class Follower {
  private socket?: WebSocket;

  follow(address: string): void {
    this.socket?.close();
    this.socket = new WebSocket(address);
  }

  dispose(): void {
    this.socket?.close();
  }
}
""",
            "the old one is closed first",
            language="typescript",
        ),
        Repair(
            before="""\
use std::ffi::CStr;

pub fn reopened(first: &CStr, second: &CStr) {
    let mut fd = unsafe { libc::open(first.as_ptr(), libc::O_RDONLY) };
    unsafe { libc::fcntl(fd, libc::F_SETFL, libc::O_NONBLOCK) };
    fd = unsafe { libc::open(second.as_ptr(), libc::O_RDONLY) };
    unsafe { libc::close(fd) };
}
""",
            after=None,
            language="rust",
            why="whether it was opened at all is not looked at, so no owner can take it",
        ),
        Quiet(
            code="""\
use std::ffi::CStr;

pub fn reopened(first: &CStr, second: &CStr) {
    let mut fd = unsafe { libc::open(first.as_ptr(), libc::O_RDONLY) };
    unsafe { libc::close(fd) };
    fd = unsafe { libc::open(second.as_ptr(), libc::O_RDONLY) };
    unsafe { libc::close(fd) };
}
""",
            why="the first one is closed before",
            language="rust",
        ),
    )

    def check(self, facts: Facts, settings: Settings) -> Iterator[Report]:
        """One report for each assignment that drops what was owned."""
        for leak in facts.pairing.leaks:
            if leak.shape == "overwritten":
                yield _local(leak)
        yield from idioms(facts, "overwritten-resource")
        for owned in facts.pairing.members:
            for event in owned.overwritten:
                yield _member(owned, event)
