"""A local resource is released on no path.

**What is wrong.** A function opens a file, a socket or a connection, gives it a name, and ends. Nothing
closes it: the descriptor stays until the collector comes by, and on another interpreter, or when a
traceback keeps the frame alive, that is much later.

**Evidence.** The function acquires a known resource, releases it nowhere, and hands it to nobody: it is not
returned, stored, yielded, captured, nor passed to a callee that may own it.

**Repair.** A `with` statement where the resource has one that releases it, `contextlib.closing` where it
has only a `close`, otherwise `try` and `finally`.

**Quiet** when the value leaves the function in any way, or when it is not known who owns it.
"""

from __future__ import annotations

from collections.abc import Iterator

from repairbot.analyses.facts import Facts
from repairbot.model import Settings
from repairbot.rule import Quiet, Repair, Report, Rule
from repairbot_rules._held import done, on_exit, report, worst
from repairbot_rules._registered import idioms


class NeverReleased(Rule):
    """A local that is acquired and forgotten."""

    languages = ("python", "zig", "typescript", "javascript", "rust")
    practice = "Open in a `with` statement: then no path can forget to close."
    in_tests = "low"
    examples = (
        Repair(
            before="""\
def first_line(path):
    source = open(path)
    line = source.readline()
    return line.strip()
""",
            after="""\
def first_line(path):
    with open(path) as source:
        line = source.readline()
    return line.strip()
""",
            line=2,
        ),
        Repair(
            before="""\
import socket


def ping(host):
    probe = socket.create_connection((host, 7))
    probe.sendall(b"ping")
    return probe.recv(4)
""",
            after="""\
import socket


def ping(host):
    with socket.create_connection((host, 7)) as probe:
        probe.sendall(b"ping")
        return probe.recv(4)
""",
            line=5,
        ),
        Repair(
            before="""\
import tempfile


def scratch(write):
    _, path = tempfile.mkstemp(".txt")
    write(path)
    return path
""",
            after="""\
import os
import tempfile


def scratch(write):
    fd, path = tempfile.mkstemp(".txt")
    os.close(fd)
    write(path)
    return path
""",
            line=5,
        ),
        Repair(
            before="""\
import urllib2


def fetch(url):
    response = urllib2.urlopen(url)
    return response.read()
""",
            after="""\
from contextlib import closing

import urllib2


def fetch(url):
    with closing(urllib2.urlopen(url)) as response:
        return response.read()
""",
            line=5,
        ),
        Quiet(
            code="""\
import socket


def reach(address):
    link = socket.create_connection(address)
    return link.close, address
""",
            why="its release is handed on",
        ),
        Quiet(
            code="""\
import aiohttp


async def later(url):
    async with aiohttp.ClientSession() as session:
        asked = session.get(url)
        async with asked as response:
            return await response.text()
""",
            why="what is not waited for has acquired nothing yet",
        ),
        Quiet(
            code="""\
from tornado.httpserver import HTTPServer


def begin(app, port):
    server = HTTPServer(app)
    server.listen(port)
""",
            why="the event loop holds a server that listens, and it is meant to go on",
        ),
        Quiet(
            code="""\
import http.client


def ask(host, path):
    connection = http.client.HTTPSConnection(host)
    connection.request("GET", path)
    response = connection.getresponse()
    return response
""",
            why="the response is read through the connection",
        ),
        Quiet(
            code="""\
import gzip
import io
import zipfile


def unpack(data, buffer):
    inner = gzip.GzipFile(fileobj=buffer)
    archive = zipfile.ZipFile(io.BytesIO(data))
    return inner.read(), archive.namelist()
""",
            why="they read from memory, or from a file of somebody else",
        ),
        Quiet(
            code="""\
import matplotlib.pyplot as plt


def draw(points):
    figure = plt.figure()
    figure.gca().plot(points)
    plt.close("all")
""",
            why="all figures are closed",
        ),
        Quiet(
            code="""\
import socket

import pytest


def test_refused(address):
    with pytest.raises(OSError):
        link = socket.create_connection(address)
""",
            why="it is meant to fail",
        ),
        Quiet(
            code="""\
from tornado.httpserver import HTTPServer


def check(app, options):
    server = HTTPServer(app, ssl_options=options)
    assert server.ssl_options
""",
            why="a server that does not listen holds nothing",
        ),
        Quiet(
            code="""\
def sources(paths):
    found = []
    for path in paths:
        file = open(path)
        found.append(file)
    return found
""",
            why="what is put into a list lives on there",
        ),
        Quiet(
            code="""\
def opened(path):
    source = open(path)
    return source
""",
            why="the caller owns it",
        ),
        Quiet(
            code="""\
class Log:
    def __init__(self, path):
        sink = open(path, "a")
        self.sink = sink
""",
            why="the object owns it",
        ),
        Quiet(
            code="""\
def feed(path, parser):
    source = open(path)
    parser.attach(source)
""",
            why="the parser may own it: nothing here tells",
        ),
        Quiet(
            code="""\
import socket
import threading


def flood(address):
    def stop():
        peer.close()

    peer = socket.create_connection(address)
    threading.Timer(1.0, stop).start()
    while True:
        peer.send(b"x")
""",
            why="a nested function that was written before it closes it",
        ),
        Quiet(
            code="""\
import os


def silence(fd):
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, fd)
""",
            why="where fd was closed before, open() gives its number again, and both are one",
        ),
        Quiet(
            code="""\
import tempfile


def scratch(data):
    file = tempfile.NamedTemporaryFile(delete=False)
    with file:
        file.write(data)
    return file.name
""",
            why="released by the `with` below",
        ),
        Repair(
            before="""\
const std = @import("std");

fn vowels(allocator: std.mem.Allocator, word: []const u8) !usize {
    const lower = try std.ascii.allocLowerString(allocator, word);
    var count: usize = 0;
    for (lower) |letter| {
        if (std.mem.indexOfScalar(u8, "aeiou", letter) != null) count += 1;
    }
    return count;
}

fn run(allocator: std.mem.Allocator) !void {
    try std.testing.expectEqual(2, try vowels(allocator, "Oboe"[0..3]));
}

test vowels {
    try std.testing.checkAllAllocationFailures(std.testing.allocator, run, .{});
}
""",
            after="""\
const std = @import("std");

fn vowels(allocator: std.mem.Allocator, word: []const u8) !usize {
    const lower = try std.ascii.allocLowerString(allocator, word);
    defer allocator.free(lower);
    var count: usize = 0;
    for (lower) |letter| {
        if (std.mem.indexOfScalar(u8, "aeiou", letter) != null) count += 1;
    }
    return count;
}

fn run(allocator: std.mem.Allocator) !void {
    try std.testing.expectEqual(2, try vowels(allocator, "Oboe"[0..3]));
}

test vowels {
    try std.testing.checkAllAllocationFailures(std.testing.allocator, run, .{});
}
""",
            language="zig",
            line=4,
        ),
        Repair(
            before="""\
const std = @import("std");

const Table = struct {
    allocator: std.mem.Allocator,
    squares: []u32,

    fn init(allocator: std.mem.Allocator, size: usize) !Table {
        const squares = try allocator.alloc(u32, size);
        for (squares, 0..) |*square, number| square.* = @intCast(number * number);
        return .{ .allocator = allocator, .squares = squares };
    }

    fn deinit(self: *Table) void {
        self.allocator.free(self.squares);
    }
};

fn total(allocator: std.mem.Allocator, size: usize) !u32 {
    const table = try Table.init(allocator, size);
    var sum: u32 = 0;
    for (table.squares) |square| sum += square;
    return sum;
}

test total {
    try std.testing.expectEqual(5, try total(std.testing.allocator, 3));
}
""",
            after="""\
const std = @import("std");

const Table = struct {
    allocator: std.mem.Allocator,
    squares: []u32,

    fn init(allocator: std.mem.Allocator, size: usize) !Table {
        const squares = try allocator.alloc(u32, size);
        for (squares, 0..) |*square, number| square.* = @intCast(number * number);
        return .{ .allocator = allocator, .squares = squares };
    }

    fn deinit(self: *Table) void {
        self.allocator.free(self.squares);
    }
};

fn total(allocator: std.mem.Allocator, size: usize) !u32 {
    var table = try Table.init(allocator, size);
    defer table.deinit();
    var sum: u32 = 0;
    for (table.squares) |square| sum += square;
    return sum;
}

test total {
    try std.testing.expectEqual(5, try total(std.testing.allocator, 3));
}
""",
            language="zig",
            line=19,
        ),
        Quiet(
            code="""\
const std = @import("std");

fn words(allocator: std.mem.Allocator, text: []const u8) ![][]const u8 {
    var list: std.ArrayList([]const u8) = .empty;
    defer list.deinit(allocator);
    var parts = std.mem.tokenizeScalar(u8, text, ' ');
    while (parts.next()) |part| try list.append(allocator, part);
    return list.toOwnedSlice(allocator);
}
""",
            why="the list is empty when its memory was given away",
            language="zig",
        ),
        Quiet(
            code="""\
const std = @import("std");

fn slug(allocator: std.mem.Allocator, title: []const u8) !u64 {
    var arena = std.heap.ArenaAllocator.init(allocator);
    defer arena.deinit();
    const aa = arena.allocator();
    const lower = try std.ascii.allocLowerString(aa, title);
    return std.hash.Wyhash.hash(0, try std.mem.replaceOwned(u8, aa, lower, " ", "-"));
}
""",
            why="an arena releases what was made from it",
            language="zig",
        ),
        Quiet(
            code="""\
const std = @import("std");

const Store = struct {
    allocator: std.mem.Allocator,
    text: []const u8 = "",

    /// Takes ownership of `text`.
    fn adopt(self: *Store, text: []const u8) void {
        self.text = text;
    }
};

fn fill(store: *Store, text: []const u8) !void {
    const copy = try store.allocator.dupe(u8, text);
    store.adopt(copy);
}
""",
            why="a comment says who owns it from then on",
            language="zig",
        ),
        Quiet(
            code="""\
const std = @import("std");

fn echo(allocator: std.mem.Allocator, text: ?[]const u8) !void {
    const copy: ?[]u8 = if (text) |some| try allocator.dupe(u8, some) else null;
    if (copy) |some| {
        defer allocator.free(some);
        std.debug.print("{s}\\n", .{some});
    }
}
""",
            why="a defer behind a capture frees at the end of that block",
            language="zig",
        ),
        Repair(
            before="""import * as fs from 'fs';

export function firstBytes(path: string): Buffer {
  const descriptor = fs.openSync(path, 'r');
  const bytes = Buffer.alloc(16);
  fs.readSync(descriptor, bytes, 0, 16, 0);
  return bytes;
}
""",
            after="""import * as fs from 'fs';

export function firstBytes(path: string): Buffer {
  const descriptor = fs.openSync(path, 'r');
  try {
    const bytes = Buffer.alloc(16);
    fs.readSync(descriptor, bytes, 0, 16, 0);
    return bytes;
  } finally {
    fs.closeSync(descriptor);
  }
}
""",
            language="typescript",
        ),
        Repair(
            before="""import * as tf from '@tensorflow/tfjs'

export async function norm(values: number[]): Promise<number> {
  const vector = tf.tensor1d(values)
  const [length] = await vector.data()
  return length
}
""",
            after="""import * as tf from '@tensorflow/tfjs'

export async function norm(values: number[]): Promise<number> {
  const vector = tf.tensor1d(values)
  try {
    const [length] = await vector.data()
    return length
  } finally {
    vector.dispose()
  }
}
""",
            language="typescript",
        ),
        Quiet(
            """import { createReadStream } from 'fs';

export function lines(path: string) {
  return createReadStream(path);
}
""",
            "the caller owns what is returned",
            language="typescript",
        ),
        Quiet(
            """import * as tf from '@tensorflow/tfjs';

export function norm(values: number[]): tf.Tensor {
  return tf.tidy(() => {
    const vector = tf.tensor1d(values);
    return vector.norm();
  });
}
""",
            "`tidy` disposes what is made inside",
            language="typescript",
        ),
        Quiet(
            """import { open } from 'fs/promises';

export async function head(path: string): Promise<string> {
  await using file = await open(path);
  const { buffer } = await file.read();
  return buffer.toString();
}
""",
            "`await using` closes it",
            language="typescript",
        ),
        Quiet(
            """export function later(work: () => void): void {
  setTimeout(work, 1000);
}
""",
            "a timer that fires once ends by itself",
            language="typescript",
        ),
        Quiet(
            code="""\
const std = @import("std");

test "nothing is made by what always fails" {
    try nothing();
}

fn nothing() !void {
    var names = std.array_list.Managed([]const u8).init(std.testing.failing_allocator);
    names.append("one") catch return;
}
""",
            why="an allocator that always fails gives nothing to release",
            language="zig",
        ),
        Quiet(
            code="""\
const std = @import("std");

const Job = struct {
    allocator: std.mem.Allocator,
    node: std.SinglyLinkedList.Node = .{},

    fn fromNode(node: *std.SinglyLinkedList.Node) *Job {
        return @fieldParentPtr("node", node);
    }

    fn stop(self: *Job) void {
        self.deinit();
    }

    fn deinit(self: *Job) void {
        self.allocator.destroy(self);
    }
};

fn stopAll(jobs: *std.SinglyLinkedList) void {
    while (jobs.popFirst()) |node| {
        const job = Job.fromNode(node);
        job.stop();
    }
}
""",
            why="a function that makes nothing hands out what was there",
            language="zig",
        ),
        Quiet(
            code="""\
const std = @import("std");

fn work(editor: *Editor, allocator: std.mem.Allocator, key: u8) !void {
    if (key == 'q') {
        const answer = try editor.handle(key);
        std.debug.print("{any}\\n", .{answer});
    } else {
        const answer = try editor.ask(allocator);
        defer answer.deinit();
    }
}
""",
            why="another value of that name is released, in another block",
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
    check(unsafe { libc::fcntl(fd, libc::F_GETFL, 0) })
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
    check(unsafe { libc::fcntl(fd, libc::F_GETFL, 0) })
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
mod libc {
    extern "C" {
        pub fn open(path: *const u8, flags: i32) -> i32;
        pub fn close(fd: i32) -> i32;
    }
}

pub fn exists(path: &[u8]) -> bool {
    let fd = unsafe { libc::open(path.as_ptr(), 0) };
    if fd < 0 {
        return false;
    }
    unsafe { libc::close(fd) };
    true
}
""",
            why="closed where it was opened",
            language="rust",
        ),
        Quiet(
            code="""\
import * as tf from "@tensorflow/tfjs";

export function scaled(image: tf.Tensor): tf.Tensor {
  return tf.tidy(() => {
    const factor = tf.scalar(255);
    return image.div(factor);
  });
}

export async function pinned(values: number[]): Promise<void> {
  const weights = tf.keep(tf.tensor(values));
  await publish(weights);
}

declare function publish(weights: tf.Tensor): Promise<void>;
""",
            why="a scope frees the first, and the second is kept on purpose",
            language="typescript",
        ),
        Quiet(
            code="""\
import { opendir } from "node:fs/promises";
import { createReadStream } from "node:fs";

export async function names(path: string): Promise<string[]> {
  await using folder = await opendir(path);
  const found: string[] = [];
  for await (const entry of folder) {
    found.push(entry.name);
  }
  return found;
}

export async function count(path: string): Promise<number> {
  const file = createReadStream(path);
  let bytes = 0;
  for await (const chunk of file) {
    bytes += chunk.length;
  }
  return bytes;
}
""",
            why="`using` closes the folder, and the loop closes the file",
            language="typescript",
        ),
    )

    def check(self, facts: Facts, settings: Settings) -> Iterator[Report]:
        """One report for each acquisition without any release."""
        for leak in facts.pairing.leaks:
            if leak.shape == "never":
                message = f"{leak.place} is never {done(leak.resource)}"
                yield report(leak, message, worst(leak), (on_exit(leak),))
        yield from idioms(facts, self.id)
