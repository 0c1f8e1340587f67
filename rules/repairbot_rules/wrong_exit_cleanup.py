"""Released when an error comes, held on an early return.

**What is wrong.** The only release stands in an error handler, because the value is handed on at the end. A
successful return in the middle does neither: it leaves the value open and tells nobody.

**Evidence.** Every release of the value is on an error's way; a normal way out holds it, and another normal
way out gives it to an owner or there is none that does.

The mirror of it: `with open(path) as file: return file` closes what the caller gets. It is reported without a
repair, since only the caller knows how long it needs the value.

**Repair.** A release before that return; where no path hands the value on, one cleanup for all ways out.

**Quiet** when the value is returned, stored or passed on before that exit.
"""

from __future__ import annotations

from collections.abc import Iterator

from repairbot.analyses.facts import Facts
from repairbot.lifetimes.intents import ERRORS_ONLY
from repairbot.lifetimes.ops import Intent, Kind
from repairbot.model import Settings, Step
from repairbot.rule import Quiet, Repair, Report, Rule
from repairbot_rules._held import before_exits, done, on_exit, owned_elsewhere, report


class WrongExitCleanup(Rule):
    """A cleanup for the wrong kind of exit."""

    languages = ("python", "zig", "typescript", "javascript", "rust")
    practice = "A handler cleans up after errors alone: an early `return` needs its own release."
    examples = (
        Repair(
            before="""\
import socket


def greet(address):
    link = socket.socket()
    try:
        link.connect(address)
        if link.recv(1) == b"-":
            return None
    except BaseException:
        link.close()
        raise
    return link
""",
            after="""\
import socket


def greet(address):
    link = socket.socket()
    try:
        link.connect(address)
        if link.recv(1) == b"-":
            link.close()
            return None
    except BaseException:
        link.close()
        raise
    return link
""",
            line=5,
        ),
        Repair(
            before="""\
def opened(path):
    with open(path) as file:
        return file
""",
            after=None,
            why="only the caller knows how long it needs the file",
            line=3,
        ),
        Quiet(
            code="""\
from tempfile import SpooledTemporaryFile


def collect(parts, fields, make):
    for part in parts:
        spool = SpooledTemporaryFile()
        if part.large:
            spool.close()
            raise ValueError(part)
        fields.append(make(part.name, spool))
    return fields
""",
            why="who gets it when all is well owns it",
        ),
        Quiet(
            code="""\
import socket


def greet(address):
    link = socket.socket()
    try:
        link.connect(address)
    except BaseException:
        link.close()
        raise
    return link
""",
            why="every return hands it on",
        ),
        Repair(
            before="""\
const std = @import("std");

fn digits(allocator: std.mem.Allocator, text: []const u8) ![]u8 {
    var found: std.ArrayList(u8) = .empty;
    errdefer found.deinit(allocator);
    for (text) |letter| {
        if (std.ascii.isDigit(letter)) try found.append(allocator, letter);
        if (letter == '#') return try allocator.dupe(u8, "");
    }
    return found.toOwnedSlice(allocator);
}

test digits {
    std.testing.allocator.free(try digits(std.testing.allocator, "12#"));
}
""",
            after="""\
const std = @import("std");

fn digits(allocator: std.mem.Allocator, text: []const u8) ![]u8 {
    var found: std.ArrayList(u8) = .empty;
    defer found.deinit(allocator);
    for (text) |letter| {
        if (std.ascii.isDigit(letter)) try found.append(allocator, letter);
        if (letter == '#') return try allocator.dupe(u8, "");
    }
    return found.toOwnedSlice(allocator);
}

test digits {
    std.testing.allocator.free(try digits(std.testing.allocator, "12#"));
}
""",
            language="zig",
            line=4,
        ),
        Repair(
            before="""\
const std = @import("std");

fn load(allocator: std.mem.Allocator, text: []const u8) !?[]u8 {
    const copy = try allocator.dupe(u8, text);
    errdefer allocator.free(copy);
    const size = std.fmt.parseInt(usize, copy, 10) catch return null;
    if (size > 9) return error.TooLarge;
    return copy;
}

test load {
    try std.testing.expectEqual(null, try load(std.testing.allocator, "x"));
}
""",
            after="""\
const std = @import("std");

fn load(allocator: std.mem.Allocator, text: []const u8) !?[]u8 {
    const copy = try allocator.dupe(u8, text);
    errdefer allocator.free(copy);
    const size = std.fmt.parseInt(usize, copy, 10) catch {
        allocator.free(copy);
        return null;
    };
    if (size > 9) return error.TooLarge;
    return copy;
}

test load {
    try std.testing.expectEqual(null, try load(std.testing.allocator, "x"));
}
""",
            language="zig",
            line=4,
        ),
        Repair(
            before="""\
const std = @import("std");

fn quoted(allocator: std.mem.Allocator, text: []const u8) ![]u8 {
    const result = try std.fmt.allocPrint(allocator, "\\"{s}\\"", .{text});
    defer allocator.free(result);
    return result;
}
""",
            after="""\
const std = @import("std");

fn quoted(allocator: std.mem.Allocator, text: []const u8) ![]u8 {
    const result = try std.fmt.allocPrint(allocator, "\\"{s}\\"", .{text});
    errdefer allocator.free(result);
    return result;
}
""",
            language="zig",
            line=6,
        ),
        Quiet(
            code="""\
const std = @import("std");

fn digits(allocator: std.mem.Allocator, text: []const u8) ![]u8 {
    var found: std.ArrayList(u8) = .empty;
    errdefer found.deinit(allocator);
    for (text) |letter| {
        if (std.ascii.isDigit(letter)) try found.append(allocator, letter);
    }
    return found.toOwnedSlice(allocator);
}
""",
            why="every return hands it on",
            language="zig",
        ),
        Quiet(
            code="""\
const std = @import("std");

fn digits(allocator: std.mem.Allocator, text: []const u8) !?[]u8 {
    var found: std.ArrayList(u8) = .empty;
    errdefer found.deinit(allocator);
    for (text) |letter| {
        if (std.ascii.isDigit(letter)) try found.append(allocator, letter);
    }
    return if (found.items.len > 0) try found.toOwnedSlice(allocator) else null;
}
""",
            why="a list to which nothing was added has no memory",
            language="zig",
        ),
        Repair(
            before="""import { open, FileHandle } from 'fs/promises';

export async function opened(path: string, most: number): Promise<FileHandle | null> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    if (size > most) {
      return null;
    }
  } catch (error) {
    await file.close();
    throw error;
  }
  return file;
}
""",
            after="""import { open, FileHandle } from 'fs/promises';

export async function opened(path: string, most: number): Promise<FileHandle | null> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    if (size > most) {
      await file.close();
      return null;
    }
  } catch (error) {
    await file.close();
    throw error;
  }
  return file;
}
""",
            language="typescript",
        ),
        Quiet(
            """import { open, FileHandle } from 'fs/promises';

export async function opened(path: string): Promise<FileHandle> {
  const file = await open(path);
  try {
    await file.stat();
  } catch (error) {
    await file.close();
    throw error;
  }
  return file;
}
""",
            "the caller gets it on the other way out",
            language="typescript",
        ),
    )

    def check(self, facts: Facts, settings: Settings) -> Iterator[Report]:
        """One report for each value that only errors release."""
        for leak in facts.pairing.leaks:
            if leak.shape != "wrong-exit" or any(op.detail == "passed" for op in leak.escapes):
                continue  # released on errors, handed over otherwise: so it looks when ownership goes to another
            way = next(way for way in leak.ways if way.kind == "return")
            message = f"{leak.place} is {done(leak.resource)} on errors only and held at line {way.at_line}"
            intents = before_exits(leak) if owned_elsewhere(leak) else (on_exit(leak), *before_exits(leak))
            yield report(leak, message, way, intents)
        for misuse in facts.pairing.misuses:
            if misuse.second.kind is Kind.ESCAPE:
                first = misuse.first
                title = f"release {misuse.place} on errors alone"
                intent = Intent(ERRORS_ONLY, first.at, misuse.place, title, spans=(first.at,))
                yield Report(
                    misuse.second.at,
                    misuse.function,
                    misuse.place,
                    f"{misuse.place} is returned, and released before the caller gets it",
                    (
                        Step(misuse.second.at.line, "returned"),
                        Step(misuse.first.at.line, "released on the way out"),
                    ),
                    confidence="medium",
                    intents=(intent,) if misuse.first.detail != "scope" else (),
                    refusals=("only the caller knows how long it needs the value",),
                )
