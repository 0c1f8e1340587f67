"""One return, continue or break forgets the release that the others have.

**What is wrong.** The function closes the resource at its end, and a `return` in the middle leaves without
it.

**Evidence.** Some normal way out releases the value (or gives it to another owner), and this one does not,
although the value is held there.

**Repair.** One cleanup for all ways out where the function is the only owner; a release before that exit
where another path hands the value on.

**Quiet** when a branch asks whether the value is there, when a flag says who owns it, and when an unknown
callee may have taken it on the way.
"""

from __future__ import annotations

from collections.abc import Iterator

from repairbot.analyses.facts import Facts
from repairbot.model import Settings
from repairbot.rule import Quiet, Repair, Report, Rule
from repairbot_rules._held import before_exits, done, on_exit, owned_elsewhere, report


class EarlyExitLeak(Rule):
    """An exit without the release that the others have."""

    languages = ("python", "zig", "typescript", "javascript", "rust")
    in_tests = "low"
    practice = "Release in one place for all ways out, not before each `return`."
    examples = (
        Repair(
            before="""\
def header(path):
    source = open(path, "rb")
    magic = source.read(4)
    if magic != b"RIFF":
        return None
    size = source.read(4)
    source.close()
    return size
""",
            after="""\
def header(path):
    with open(path, "rb") as source:
        magic = source.read(4)
        if magic != b"RIFF":
            return None
        size = source.read(4)
    return size
""",
            line=2,
        ),
        Quiet(
            code="""\
def header(path):
    source = None
    try:
        source = open(path, "rb")
        return source.read(4)
    finally:
        if source:
            source.close()
""",
            why="released wherever it is held",
        ),
        Quiet(
            code="""\
def header(source):
    own = False
    if isinstance(source, str):
        source = open(source, "rb")
        own = True
    try:
        return source.read(4)
    finally:
        if own:
            source.close()
""",
            why="a flag says who owns it",
        ),
        Repair(
            before="""\
const std = @import("std");

fn sum(allocator: std.mem.Allocator, numbers: []const u32, limit: u32) !?u32 {
    const sorted = try allocator.dupe(u32, numbers);
    std.mem.sort(u32, sorted, {}, std.sort.asc(u32));
    var total: u32 = 0;
    for (sorted) |number| {
        if (number > limit) return null;
        total += number;
    }
    allocator.free(sorted);
    return total;
}

test sum {
    try std.testing.expectEqual(null, try sum(std.testing.allocator, &.{ 1, 9 }, 5));
}
""",
            after="""\
const std = @import("std");

fn sum(allocator: std.mem.Allocator, numbers: []const u32, limit: u32) !?u32 {
    const sorted = try allocator.dupe(u32, numbers);
    defer allocator.free(sorted);
    std.mem.sort(u32, sorted, {}, std.sort.asc(u32));
    var total: u32 = 0;
    for (sorted) |number| {
        if (number > limit) return null;
        total += number;
    }
    return total;
}

test sum {
    try std.testing.expectEqual(null, try sum(std.testing.allocator, &.{ 1, 9 }, 5));
}
""",
            language="zig",
            line=4,
        ),
        Quiet(
            code="""\
const std = @import("std");

fn attach(allocator: std.mem.Allocator, list: *std.ArrayList([]u8), text: []const u8) !bool {
    const copy = try allocator.dupe(u8, text);
    var consumed = false;
    defer if (!consumed) allocator.free(copy);
    if (copy.len == 0) return false;
    try list.append(allocator, copy);
    consumed = true;
    return true;
}
""",
            why="a flag says whether it was handed on",
            language="zig",
        ),
        Repair(
            before="""import * as fs from 'fs';

export function isScript(path: string): boolean {
  const descriptor = fs.openSync(path, 'r');
  const bytes = Buffer.alloc(2);
  if (fs.readSync(descriptor, bytes, 0, 2, 0) < 2) {
    return false;
  }
  fs.closeSync(descriptor);
  return bytes.toString() === '#!';
}
""",
            after="""import * as fs from 'fs';

export function isScript(path: string): boolean {
  const descriptor = fs.openSync(path, 'r');
  try {
    const bytes = Buffer.alloc(2);
    if (fs.readSync(descriptor, bytes, 0, 2, 0) < 2) {
      return false;
    }
    return bytes.toString() === '#!';
  } finally {
    fs.closeSync(descriptor);
  }
}
""",
            language="typescript",
        ),
        Repair(
            before="""export class Frames {
  async next(crop: boolean) {
    const image = tf.browser.fromPixels(this.video);
    if (crop) {
      return { value: this.cropped(image.dataSync()), done: false };
    }
    return { value: image, done: false };
  }
}
""",
            after="""export class Frames {
  async next(crop: boolean) {
    const image = tf.browser.fromPixels(this.video);
    if (crop) {
      try {
        return { value: this.cropped(image.dataSync()), done: false };
      } finally {
        image.dispose();
      }
    }
    return { value: image, done: false };
  }
}
""",
            language="typescript",
        ),
        Quiet(
            """import * as fs from 'fs';

export function isScript(path: string): boolean {
  const descriptor = fs.openSync(path, 'r');
  try {
    return fs.readSync(descriptor, Buffer.alloc(2), 0, 2, 0) === 2;
  } finally {
    fs.closeSync(descriptor);
  }
}
""",
            "`finally` runs before every return",
            language="typescript",
        ),
        Repair(
            before="""\
use std::ffi::CStr;
use std::io::{Error, Result};

pub fn flags(path: &CStr, wanted: i32) -> Result<i32> {
    let fd = unsafe { libc::open(path.as_ptr(), libc::O_RDONLY) };
    if fd == -1 {
        return Err(Error::last_os_error());
    }
    if wanted == 0 {
        return Ok(0);
    }
    let flags = unsafe { libc::fcntl(fd, libc::F_GETFL, 0) };
    unsafe { libc::close(fd) };
    check(flags & wanted)
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
    assert_eq!(flags(&path, 0).unwrap(), 0);
    assert_eq!(libc::open_descriptors(), 0);
}
""",
            after="""\
use std::ffi::CStr;
use std::io::{Error, Result};
use std::os::unix::io::{FromRawFd, OwnedFd};

pub fn flags(path: &CStr, wanted: i32) -> Result<i32> {
    let fd = unsafe { libc::open(path.as_ptr(), libc::O_RDONLY) };
    if fd == -1 {
        return Err(Error::last_os_error());
    }
    let _owner = unsafe { OwnedFd::from_raw_fd(fd) };
    if wanted == 0 {
        return Ok(0);
    }
    let flags = unsafe { libc::fcntl(fd, libc::F_GETFL, 0) };
    check(flags & wanted)
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
    assert_eq!(flags(&path, 0).unwrap(), 0);
    assert_eq!(libc::open_descriptors(), 0);
}
""",
            language="rust",
        ),
    )

    def check(self, facts: Facts, settings: Settings) -> Iterator[Report]:
        """One report for each acquisition that some normal exits forget."""
        for leak in facts.pairing.leaks:
            if leak.shape != "early-exit":
                continue
            way = next(way for way in leak.ways if way.kind == "return")
            verb = done(leak.resource)
            message = f"{leak.place} is not {verb} when it leaves at line {way.at_line}"
            intents = before_exits(leak) if owned_elsewhere(leak) else (on_exit(leak), *before_exits(leak))
            yield report(leak, message, way, intents)
