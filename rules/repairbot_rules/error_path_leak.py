"""Nothing releases it when a later step fails.

**What is wrong.** The release stands at the end, and a call between the acquisition and the release can
raise: then the release is never reached. Or the function makes something for its caller and fails before it
can hand it over. Or a handler that cleans up is too narrow: `except Exception` sees neither a cancellation
nor Ctrl-C.

**Evidence.** The value is held, a call, an `await`, a `yield` or a `raise` follows before the release
(plain assignments cannot fail), and its error leaves the function.

**Repair.** A `with` statement or `try` and `finally` right behind the acquisition; where the value is
handed on in the end, a handler that releases it and raises again; where a handler is too narrow,
`BaseException`.

**Quiet** when the release is in cleanup code, when an owner has the value before the step that fails, and
when nothing between can fail.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from repairbot.analyses.facts import Facts, Leak, Way
from repairbot.lifetimes.intents import WIDEN_HANDLER
from repairbot.lifetimes.ops import Intent
from repairbot.model import Confidence, Settings
from repairbot.rule import Quiet, Repair, Report, Rule
from repairbot_rules._held import done, failing_step, named, on_error, on_exit, owned_elsewhere, report
from repairbot_rules._registered import idioms


def _intents(leak: Leak, way: Way) -> tuple[Intent, ...]:
    if leak.shape == "handler-misses" and way.passes is not None:
        title = "catch every error in the handler that cleans up"
        return (
            Intent(
                WIDEN_HANDLER, leak.acquired.at, leak.place, title, {"type": "BaseException"}, (way.passes,)
            ),
        )
    if leak.place.startswith("%"):
        return (named(leak, "error"),)
    if owned_elsewhere(leak) or "." in leak.place:
        return (on_error(leak),)
    handed = any(op.detail == "transferred" for op in leak.escapes) and not leak.releases
    return (on_error(leak), on_exit(leak)) if handed else (on_exit(leak),)


def _message(leak: Leak, way: Way) -> str:
    verb = done(leak.resource)
    if leak.shape == "handler-misses":
        what = "cancelled" if leak.asynchronous else "interrupted"
        return f"{leak.place} is not {verb} when {leak.function.rpartition('.')[2]}() is {what}"
    return f"{leak.place} is not {verb} when {failing_step(way) or 'a later step fails'}"


def _confidence(leak: Leak) -> Confidence:
    if leak.shape == "handler-misses":
        return "high" if leak.asynchronous else "low"  # only an interrupt gets by
    return leak.confidence


class ErrorPathLeak(Rule):
    """Released when all goes well, and not otherwise."""

    languages = ("python", "zig", "typescript", "javascript", "rust")
    in_tests = "low"
    practice = (
        "Put the release where an error reaches it too: `with`, or `finally` right behind the acquisition."
    )
    examples = (
        Repair(
            before="""\
def load(path, parse):
    source = open(path)
    tree = parse(source.read())
    source.close()
    return tree
""",
            after="""\
def load(path, parse):
    with open(path) as source:
        tree = parse(source.read())
    return tree
""",
            line=2,
        ),
        Repair(
            before="""\
import socket


def dial(address, timeout):
    link = socket.socket()
    link.settimeout(timeout)
    link.connect(address)
    return link
""",
            after="""\
import socket


def dial(address, timeout):
    link = socket.socket()
    link.settimeout(timeout)
    try:
        link.connect(address)
    except BaseException:
        link.close()
        raise
    return link
""",
            line=5,
        ),
        Repair(
            before="""\
async def fetch(client, request):
    response = await client.send(request)
    try:
        await response.aread()
    except Exception:
        await response.aclose()
        raise
    return response
""",
            after="""\
async def fetch(client, request):
    response = await client.send(request)
    try:
        await response.aread()
    except BaseException:
        await response.aclose()
        raise
    return response
""",
            line=5,
        ),
        Repair(
            before="""\
import os


def pipe(prepare):
    reader, writer = os.pipe()
    prepare(reader, writer)
    return os.fdopen(reader, "rb"), os.fdopen(writer, "wb")
""",
            after=None,
            why="the files own the descriptors from then on",
        ),
        Repair(
            before="""\
import asyncio


def stage(options, make):
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        loop = asyncio.new_event_loop()
    made = make(options)
    return made, loop
""",
            after=None,
            why="only one of the two is this function's to close",
        ),
        Quiet(
            code="""\
import httpx
import pytest


@pytest.fixture
def client():
    client = httpx.Client()
    yield client
    client.close()
""",
            why="the end of a fixture runs whatever the test does",
        ),
        Quiet(
            code="""\
import tempfile
from pathlib import Path


def scratch(words):
    file = tempfile.NamedTemporaryFile(suffix="-".join(words), delete=False)
    path = Path(file.name)
    label = "-".join(words)
    file.close()
    return path, label
""",
            why="no step between can fail",
        ),
        Quiet(
            code="""\
def load(path, parse):
    source = open(path)
    try:
        return parse(source.read())
    finally:
        source.close()
""",
            why="finally",
        ),
        Quiet(
            code="""\
def touch(path):
    source = open(path, "w")
    done = True
    source.close()
    return done
""",
            why="an assignment cannot fail",
        ),
        Quiet(
            code="""\
import socket


def dial(address):
    link = socket.socket()
    try:
        link.connect(address)
    except BaseException:
        link.close()
        raise
    return link
""",
            why="the handler releases it and raises again",
        ),
        Repair(
            before="""\
const std = @import("std");

const Pair = struct { key: []u8, value: []u8 };

fn pair(allocator: std.mem.Allocator, key: []const u8, value: []const u8) !Pair {
    return .{
        .key = try allocator.dupe(u8, key),
        .value = try allocator.dupe(u8, value),
    };
}

fn run(allocator: std.mem.Allocator) !void {
    const made = try pair(allocator, "colour", "red");
    allocator.free(made.key);
    allocator.free(made.value);
}

test pair {
    try std.testing.checkAllAllocationFailures(std.testing.allocator, run, .{});
}
""",
            after="""\
const std = @import("std");

const Pair = struct { key: []u8, value: []u8 };

fn pair(allocator: std.mem.Allocator, key: []const u8, value: []const u8) !Pair {
    const owned_key = try allocator.dupe(u8, key);
    errdefer allocator.free(owned_key);
    return .{
        .key = owned_key,
        .value = try allocator.dupe(u8, value),
    };
}

fn run(allocator: std.mem.Allocator) !void {
    const made = try pair(allocator, "colour", "red");
    allocator.free(made.key);
    allocator.free(made.value);
}

test pair {
    try std.testing.checkAllAllocationFailures(std.testing.allocator, run, .{});
}
""",
            language="zig",
            line=6,
        ),
        Repair(
            before="""\
const std = @import("std");

fn words(allocator: std.mem.Allocator, text: []const u8) ![][]const u8 {
    var list: std.ArrayList([]const u8) = .empty;
    errdefer list.deinit(allocator);
    errdefer for (list.items) |word| allocator.free(word);
    var parts = std.mem.splitScalar(u8, text, ' ');
    while (parts.next()) |part| {
        try list.append(allocator, try allocator.dupe(u8, part));
    }
    return list.toOwnedSlice(allocator);
}

fn run(allocator: std.mem.Allocator) !void {
    const list = try words(allocator, "one two three");
    for (list) |word| allocator.free(word);
    allocator.free(list);
}

test words {
    try std.testing.checkAllAllocationFailures(std.testing.allocator, run, .{});
}
""",
            after="""\
const std = @import("std");

fn words(allocator: std.mem.Allocator, text: []const u8) ![][]const u8 {
    var list: std.ArrayList([]const u8) = .empty;
    errdefer list.deinit(allocator);
    errdefer for (list.items) |word| allocator.free(word);
    var parts = std.mem.splitScalar(u8, text, ' ');
    while (parts.next()) |part| {
        const copy = try allocator.dupe(u8, part);
        errdefer allocator.free(copy);
        try list.append(allocator, copy);
    }
    return list.toOwnedSlice(allocator);
}

fn run(allocator: std.mem.Allocator) !void {
    const list = try words(allocator, "one two three");
    for (list) |word| allocator.free(word);
    allocator.free(list);
}

test words {
    try std.testing.checkAllAllocationFailures(std.testing.allocator, run, .{});
}
""",
            language="zig",
            line=9,
        ),
        Repair(
            before="""\
const std = @import("std");

const Buffer = struct {
    bytes: []u8,

    fn create(allocator: std.mem.Allocator, size: usize) !*Buffer {
        const buffer = try allocator.create(Buffer);
        buffer.bytes = try allocator.alloc(u8, size);
        return buffer;
    }
};

fn run(allocator: std.mem.Allocator) !void {
    const buffer = try Buffer.create(allocator, 8);
    allocator.free(buffer.bytes);
    allocator.destroy(buffer);
}

test "an allocation that fails" {
    try std.testing.checkAllAllocationFailures(std.testing.allocator, run, .{});
}
""",
            after="""\
const std = @import("std");

const Buffer = struct {
    bytes: []u8,

    fn create(allocator: std.mem.Allocator, size: usize) !*Buffer {
        const buffer = try allocator.create(Buffer);
        errdefer allocator.destroy(buffer);
        buffer.bytes = try allocator.alloc(u8, size);
        return buffer;
    }
};

fn run(allocator: std.mem.Allocator) !void {
    const buffer = try Buffer.create(allocator, 8);
    allocator.free(buffer.bytes);
    allocator.destroy(buffer);
}

test "an allocation that fails" {
    try std.testing.checkAllAllocationFailures(std.testing.allocator, run, .{});
}
""",
            language="zig",
            line=7,
        ),
        Repair(
            before="""\
const std = @import("std");

fn lines(allocator: std.mem.Allocator, text: []const u8) ![][]const u8 {
    var list: std.ArrayList([]const u8) = .empty;
    var parts = std.mem.splitScalar(u8, text, '\\n');
    while (parts.next()) |part| {
        const line = try allocator.dupe(u8, part);
        errdefer allocator.free(line);
        try list.append(allocator, line);
    }
    return list.toOwnedSlice(allocator);
}

fn run(allocator: std.mem.Allocator) !void {
    const list = try lines(allocator, "one\\ntwo\\nthree");
    for (list) |line| allocator.free(line);
    allocator.free(list);
}

test lines {
    try std.testing.checkAllAllocationFailures(std.testing.allocator, run, .{});
}
""",
            after="""\
const std = @import("std");

fn lines(allocator: std.mem.Allocator, text: []const u8) ![][]const u8 {
    var list: std.ArrayList([]const u8) = .empty;
    defer list.deinit(allocator);
    errdefer for (list.items) |item| allocator.free(item);
    var parts = std.mem.splitScalar(u8, text, '\\n');
    while (parts.next()) |part| {
        const line = try allocator.dupe(u8, part);
        errdefer allocator.free(line);
        try list.append(allocator, line);
    }
    return list.toOwnedSlice(allocator);
}

fn run(allocator: std.mem.Allocator) !void {
    const list = try lines(allocator, "one\\ntwo\\nthree");
    for (list) |line| allocator.free(line);
    allocator.free(list);
}

test lines {
    try std.testing.checkAllAllocationFailures(std.testing.allocator, run, .{});
}
""",
            language="zig",
            line=4,
        ),
        Repair(
            before="""\
const std = @import("std");

const Part = struct { title: []const u8, lines: []u32, note: ?[]u8 = null };

const Page = struct {
    gpa: std.mem.Allocator,
    parts: []Part,

    fn deinit(self: *Page) void {
        for (self.parts) |part| {
            self.gpa.free(part.title);
            if (part.note) |note| self.gpa.free(note);
            self.gpa.free(part.lines);
        }
        self.gpa.free(self.parts);
    }
};

fn sum(gpa: std.mem.Allocator) ![]u32 {
    return gpa.alloc(u32, 4);
}

fn collect(gpa: std.mem.Allocator, titles: []const []const u8) ![]Part {
    var parts: std.ArrayListUnmanaged(Part) = .empty;
    for (titles) |title| {
        const lines = try sum(gpa);
        errdefer gpa.free(lines);
        const copy = try gpa.dupe(u8, title);
        errdefer gpa.free(copy);
        try parts.append(gpa, .{ .title = copy, .lines = lines });
    }
    return parts.toOwnedSlice(gpa);
}

fn make(gpa: std.mem.Allocator) !void {
    var page: Page = .{ .gpa = gpa, .parts = try collect(gpa, &.{ "one", "two" }) };
    page.deinit();
}

test make {
    try std.testing.checkAllAllocationFailures(std.testing.allocator, make, .{});
}
""",
            after="""\
const std = @import("std");

const Part = struct { title: []const u8, lines: []u32, note: ?[]u8 = null };

const Page = struct {
    gpa: std.mem.Allocator,
    parts: []Part,

    fn deinit(self: *Page) void {
        for (self.parts) |part| {
            self.gpa.free(part.title);
            if (part.note) |note| self.gpa.free(note);
            self.gpa.free(part.lines);
        }
        self.gpa.free(self.parts);
    }
};

fn sum(gpa: std.mem.Allocator) ![]u32 {
    return gpa.alloc(u32, 4);
}

fn collect(gpa: std.mem.Allocator, titles: []const []const u8) ![]Part {
    var parts: std.ArrayListUnmanaged(Part) = .empty;
    defer parts.deinit(gpa);
    errdefer {
        for (parts.items) |part| {
            gpa.free(part.title);
            if (part.note) |note| gpa.free(note);
            gpa.free(part.lines);
        }
    }
    for (titles) |title| {
        const lines = try sum(gpa);
        errdefer gpa.free(lines);
        const copy = try gpa.dupe(u8, title);
        errdefer gpa.free(copy);
        try parts.append(gpa, .{ .title = copy, .lines = lines });
    }
    return parts.toOwnedSlice(gpa);
}

fn make(gpa: std.mem.Allocator) !void {
    var page: Page = .{ .gpa = gpa, .parts = try collect(gpa, &.{ "one", "two" }) };
    page.deinit();
}

test make {
    try std.testing.checkAllAllocationFailures(std.testing.allocator, make, .{});
}
""",
            language="zig",
            line=24,
        ),
        Repair(
            before="""\
const std = @import("std");

const Part = struct {
    title: []const u8,
    lines: []u32,

    fn deinit(self: *Part, gpa: std.mem.Allocator) void {
        gpa.free(self.title);
        gpa.free(self.lines);
    }
};

fn collect(gpa: std.mem.Allocator, titles: []const []const u8) ![]Part {
    var parts: std.ArrayListUnmanaged(Part) = .empty;
    for (titles) |title| {
        const lines = try gpa.alloc(u32, 4);
        errdefer gpa.free(lines);
        const copy = try gpa.dupe(u8, title);
        errdefer gpa.free(copy);
        try parts.append(gpa, .{ .title = copy, .lines = lines });
    }
    return parts.toOwnedSlice(gpa);
}

fn make(gpa: std.mem.Allocator) !void {
    const parts = try collect(gpa, &.{ "one", "two" });
    for (parts) |*part| part.deinit(gpa);
    gpa.free(parts);
}

test make {
    try std.testing.checkAllAllocationFailures(std.testing.allocator, make, .{});
}
""",
            after="""\
const std = @import("std");

const Part = struct {
    title: []const u8,
    lines: []u32,

    fn deinit(self: *Part, gpa: std.mem.Allocator) void {
        gpa.free(self.title);
        gpa.free(self.lines);
    }
};

fn collect(gpa: std.mem.Allocator, titles: []const []const u8) ![]Part {
    var parts: std.ArrayListUnmanaged(Part) = .empty;
    defer parts.deinit(gpa);
    errdefer for (parts.items) |*item| item.deinit(gpa);
    for (titles) |title| {
        const lines = try gpa.alloc(u32, 4);
        errdefer gpa.free(lines);
        const copy = try gpa.dupe(u8, title);
        errdefer gpa.free(copy);
        try parts.append(gpa, .{ .title = copy, .lines = lines });
    }
    return parts.toOwnedSlice(gpa);
}

fn make(gpa: std.mem.Allocator) !void {
    const parts = try collect(gpa, &.{ "one", "two" });
    for (parts) |*part| part.deinit(gpa);
    gpa.free(parts);
}

test make {
    try std.testing.checkAllAllocationFailures(std.testing.allocator, make, .{});
}
""",
            language="zig",
            line=14,
        ),
        Quiet(
            code="""\
const std = @import("std");

fn add(allocator: std.mem.Allocator, list: *std.ArrayList([]u8), text: []const u8) !void {
    const copy = try allocator.dupe(u8, text);
    list.append(allocator, copy) catch |err| {
        allocator.free(copy);
        return err;
    };
    if (list.items.len > 9) return error.TooMany;
}
""",
            why="the one step that can fail before the list owns it is caught",
            language="zig",
        ),
        Quiet(
            code="""\
const std = @import("std");

const Node = @import("node.zig").Node;

fn parse(allocator: std.mem.Allocator, text: []const u8) !*Node {
    const copy = try allocator.dupe(u8, text);
    return try Node.create(allocator, copy);
}
""",
            why="whether create() owns its argument when it fails is not known here",
            language="zig",
        ),
        Repair(
            before="""import { open } from 'fs/promises';

export async function header(path: string): Promise<string> {
  const file = await open(path);
  const { buffer } = await file.read(Buffer.alloc(64), 0, 64, 0);
  await file.close();
  return buffer.toString();
}
""",
            after="""import { open } from 'fs/promises';

export async function header(path: string): Promise<string> {
  const file = await open(path);
  try {
    const { buffer } = await file.read(Buffer.alloc(64), 0, 64, 0);
    return buffer.toString();
  } finally {
    await file.close();
  }
}
""",
            language="typescript",
        ),
        Repair(
            before="""import { connect, Socket } from 'net';

export function greet(host: string, name: string): Socket {
  const socket = connect(7, host);
  socket.write(encode(name));
  return socket;
}

function encode(name: string): string {
  if (!name) throw new Error('no name');
  return `hello ${name}`;
}
""",
            after="""import { connect, Socket } from 'net';

export function greet(host: string, name: string): Socket {
  const socket = connect(7, host);
  try {
    socket.write(encode(name));
  } catch (error) {
    socket.destroy();
    throw error;
  }
  return socket;
}

function encode(name: string): string {
  if (!name) throw new Error('no name');
  return `hello ${name}`;
}
""",
            language="typescript",
        ),
        Quiet(
            """import { open } from 'fs/promises';

export async function header(path: string): Promise<string> {
  const file = await open(path);
  try {
    const { buffer } = await file.read(Buffer.alloc(64), 0, 64, 0);
    return buffer.toString();
  } finally {
    await file.close();
  }
}
""",
            "`finally` closes it on every way",
            language="typescript",
        ),
        Quiet(
            code="""\
const std = @import("std");

const Client = struct {
    arena: *std.heap.ArenaAllocator,

    pub fn get(self: *Client, path: []const u8) ![]u8 {
        const allocator = self.arena.allocator();
        return target(allocator, path);
    }
};

fn target(allocator: std.mem.Allocator, path: []const u8) ![]u8 {
    const query = try encoded(allocator, path);
    return std.fmt.allocPrint(allocator, "/{s}", .{query});
}

fn encoded(allocator: std.mem.Allocator, text: []const u8) ![]u8 {
    const copy = try allocator.dupe(u8, text);
    if (text.len > 99) return error.TooLong;
    return copy;
}
""",
            why="private helpers, and every caller gives them an arena",
            language="zig",
        ),
        Repair(
            before="""\
use std::ffi::CStr;
use std::io::{Error, Result};

pub fn flags(path: &CStr) -> Result<i32> {
    let fd = unsafe { libc::open(path.as_ptr(), libc::O_RDONLY) };
    if fd == -1 {
        return Err(Error::last_os_error());
    }
    let flags = check(unsafe { libc::fcntl(fd, libc::F_GETFL, 0) })?;
    unsafe { libc::close(fd) };
    Ok(flags)
}

fn check(result: i32) -> Result<i32> {
    if result == -1 {
        return Err(Error::last_os_error());
    }
    Ok(result)
}

#[test]
fn the_descriptor_is_closed() {
    let path = std::ffi::CString::new("/dev/null").unwrap();
    assert!(flags(&path).is_err());
    assert_eq!(libc::open_descriptors(), 0);
}
""",
            after="""\
use std::ffi::CStr;
use std::io::{Error, Result};
use std::os::unix::io::{FromRawFd, OwnedFd};

pub fn flags(path: &CStr) -> Result<i32> {
    let fd = unsafe { libc::open(path.as_ptr(), libc::O_RDONLY) };
    if fd == -1 {
        return Err(Error::last_os_error());
    }
    let _owner = unsafe { OwnedFd::from_raw_fd(fd) };
    let flags = check(unsafe { libc::fcntl(fd, libc::F_GETFL, 0) })?;
    Ok(flags)
}

fn check(result: i32) -> Result<i32> {
    if result == -1 {
        return Err(Error::last_os_error());
    }
    Ok(result)
}

#[test]
fn the_descriptor_is_closed() {
    let path = std::ffi::CString::new("/dev/null").unwrap();
    assert!(flags(&path).is_err());
    assert_eq!(libc::open_descriptors(), 0);
}
""",
            language="rust",
        ),
        Quiet(
            code="""\
use std::io;
use std::process::{Child, Command};

pub fn start(name: &str) -> io::Result<Child> {
    let mut child = Command::new(name).spawn()?;
    if child.id() == 0 {
        child.kill()?;
        return Err(io::ErrorKind::Other.into());
    }
    Ok(child)
}
""",
            why="ended where it is not handed out",
            language="rust",
        ),
        Quiet(
            code="""\
import { open } from "node:fs/promises";

export async function head(path: string): Promise<Buffer> {
  const file = await open(path);
  try {
    const { buffer } = await file.read();
    return buffer;
  } finally {
    await file.close();
  }
}
""",
            why="the cleanup runs on every way out",
            language="typescript",
        ),
    )

    def check(self, facts: Facts, settings: Settings) -> Iterator[Report]:
        """One report for each acquisition that an error leaves behind."""
        for leak in facts.pairing.leaks:
            if leak.shape in ("error", "handler-misses"):
                way = leak.ways[0]
                found = report(leak, _message(leak, way), way, _intents(leak, way), _confidence(leak))
                # The handler is what has to change, so the comment belongs there.
                yield found if way.passes is None else replace(found, at=way.passes)
        yield from idioms(facts, self.id)
