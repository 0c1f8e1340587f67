"""A resource is made inside an expression and never named.

**What is wrong.** `open(path).read()` opens a file that no name reaches: nobody can close it.

**Evidence.** A known resource is acquired inside an expression, used there, and the value of the expression
is not the resource itself.

**Repair.** It gets a name and a `with` statement (or `closing`, or `try` and `finally`).

**Quiet** when the expression returns the resource, stores it, or passes it to a callee that may own it, and
when it stands in a place where a statement cannot be put before it (then it is reported without a repair).
"""

from __future__ import annotations

from collections.abc import Iterator

from repairbot.analyses.facts import Facts, Leak
from repairbot.model import Confidence, Settings
from repairbot.rule import Quiet, Repair, Report, Rule
from repairbot_rules._held import done, named, report, worst
from repairbot_rules._registered import idioms


def _confidence(leak: Leak) -> Confidence:
    """Low where nothing but another argument of the same call can fail."""
    beside = all(way.failing is not None and way.failing.at == leak.acquired.at for way in leak.ways)
    return "low" if beside else leak.confidence


class NamelessResource(Rule):
    """A resource without a name."""

    languages = ("python", "zig", "typescript", "javascript", "rust")
    practice = "Give what you open a name, so that something can close it."
    in_tests = "low"
    examples = (
        Repair(
            before="""\
import json


def settings(path):
    return json.loads(open(path).read())
""",
            after="""\
import json


def settings(path):
    with open(path) as file:
        return json.loads(file.read())
""",
            line=5,
        ),
        Repair(
            before="""\
def words(path):
    text = open(path).read()
    return text.split()
""",
            after="""\
def words(path):
    with open(path) as file:
        text = file.read()
    return text.split()
""",
            line=2,
        ),
        Repair(
            before="""\
import aiohttp


async def ping(url):
    async with aiohttp.ClientSession() as session:
        await session.post(url)  # the answer does not matter
""",
            after="""\
import aiohttp


async def ping(url):
    async with aiohttp.ClientSession() as session:
        async with session.post(url):  # the answer does not matter
            pass
""",
            line=6,
        ),
        Quiet(
            code="""\
from pathlib import Path


def words(path):
    return Path(path).read_text().split()
""",
            why="read_text() closes what it opens",
        ),
        Quiet(
            code="""\
from typing import BinaryIO, cast


class Journal:
    def __init__(self, path):
        self.file = cast(BinaryIO, open(path, "ab"))
""",
            why="cast() gives back the file itself, and the object keeps it",
        ),
        Quiet(
            code="""\
class Journals:
    def reopen(self, paths):
        for path in paths:
            self.files.append(open(path))
""",
            why="the list keeps it",
        ),
        Quiet(
            code="""\
def source(path):
    return Reader(open(path))
""",
            why="the reader may own it",
        ),
        Quiet(
            code="""\
import socket


class Link:
    def __init__(self, address):
        self.sock = socket.create_connection(address)
""",
            why="it has a name: the member",
        ),
        Repair(
            before="""\
const std = @import("std");

fn greet(allocator: std.mem.Allocator, writer: *std.Io.Writer, name: []const u8) !void {
    try writer.print("{s}!\\n", .{try std.fmt.allocPrint(allocator, "Hello, {s}", .{name})});
}

fn run(allocator: std.mem.Allocator) !void {
    var buffer: [64]u8 = undefined;
    var writer = std.Io.Writer.fixed(&buffer);
    try greet(allocator, &writer, "Ada");
}

test greet {
    try std.testing.checkAllAllocationFailures(std.testing.allocator, run, .{});
}
""",
            after="""\
const std = @import("std");

fn greet(allocator: std.mem.Allocator, writer: *std.Io.Writer, name: []const u8) !void {
    const text = try std.fmt.allocPrint(allocator, "Hello, {s}", .{name});
    defer allocator.free(text);
    try writer.print("{s}!\\n", .{text});
}

fn run(allocator: std.mem.Allocator) !void {
    var buffer: [64]u8 = undefined;
    var writer = std.Io.Writer.fixed(&buffer);
    try greet(allocator, &writer, "Ada");
}

test greet {
    try std.testing.checkAllAllocationFailures(std.testing.allocator, run, .{});
}
""",
            language="zig",
            line=4,
        ),
        Repair(
            before="""\
const std = @import("std");

fn list(allocator: std.mem.Allocator, writer: *std.Io.Writer, names: []const []const u8) !void {
    for (names) |name|
        try writer.writeAll(try std.ascii.allocUpperString(allocator, name));
}

fn run(allocator: std.mem.Allocator) !void {
    var buffer: [64]u8 = undefined;
    var writer = std.Io.Writer.fixed(&buffer);
    try list(allocator, &writer, &.{ "ant", "bee" });
}

test list {
    try std.testing.checkAllAllocationFailures(std.testing.allocator, run, .{});
}
""",
            after="""\
const std = @import("std");

fn list(allocator: std.mem.Allocator, writer: *std.Io.Writer, names: []const []const u8) !void {
    for (names) |name| {
        const upper_string = try std.ascii.allocUpperString(allocator, name);
        defer allocator.free(upper_string);
        try writer.writeAll(upper_string);
    }
}

fn run(allocator: std.mem.Allocator) !void {
    var buffer: [64]u8 = undefined;
    var writer = std.Io.Writer.fixed(&buffer);
    try list(allocator, &writer, &.{ "ant", "bee" });
}

test list {
    try std.testing.checkAllAllocationFailures(std.testing.allocator, run, .{});
}
""",
            language="zig",
            line=4,
        ),
        Quiet(
            code="""\
const std = @import("std");

const Page = struct { title: []const u8 };

fn page(allocator: std.mem.Allocator, title: []const u8) !Page {
    return .{ .title = try allocator.dupe(u8, title) };
}
""",
            why="the literal keeps it, and the caller gets the literal",
            language="zig",
        ),
        Repair(
            before="""import * as tf from '@tensorflow/tfjs';

export function total(values: number[]): number {
  const sums = tf.tensor1d(values).dataSync();
  return sums[0];
}
""",
            after="""import * as tf from '@tensorflow/tfjs';

export function total(values: number[]): number {
  const tensor = tf.tensor1d(values);
  try {
    const sums = tensor.dataSync();
    return sums[0];
  } finally {
    tensor.dispose();
  }
}
""",
            language="typescript",
        ),
        Quiet(
            """export function page(): string {
  return URL.createObjectURL(new Blob(['<p>']));
}
""",
            "the caller gets the address and revokes it",
            language="typescript",
        ),
        Quiet(
            code="""\
export async function brightest(image: Tensor): Promise<number> {
  const top = image.max();
  const [value] = await top.data();
  top.dispose();
  return value;
}
""",
            why="it has a name, and is disposed of by it",
            language="typescript",
        ),
        Repair(
            before="""\
use std::ffi::CStr;

pub fn flags(path: &CStr) -> i32 {
    unsafe { libc::fcntl(libc::open(path.as_ptr(), libc::O_RDONLY), libc::F_GETFL, 0) }
}
""",
            after=None,
            language="rust",
            why="whether it was opened at all is not looked at, so no owner can take it",
        ),
        Quiet(
            code="""\
use std::ffi::CStr;
use std::fs::File;
use std::os::unix::io::FromRawFd;

pub fn opened(path: &CStr) -> File {
    unsafe { File::from_raw_fd(libc::open(path.as_ptr(), libc::O_RDONLY)) }
}
""",
            why="the file owns it",
            language="rust",
        ),
    )

    def check(self, facts: Facts, settings: Settings) -> Iterator[Report]:
        """One report for each acquisition that never gets a name."""
        for leak in facts.pairing.leaks:
            if leak.shape != "nameless":
                continue
            intent = named(leak)
            message = f"this {leak.resource.what} has no name and is never {done(leak.resource)}"
            yield report(leak, message, worst(leak), (intent,), _confidence(leak))
        yield from idioms(facts, self.id)
