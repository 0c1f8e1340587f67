"""What the lowering and the pairing analysis say together of small functions: each idiom once, held and quiet."""

from __future__ import annotations

import pytest

from repairbot.languages.base import Project
from repairbot.lifetimes.ops import Summary
from tests.languages.zig.reading import leaks, releases, unit

HELD = {
    "allocated and dropped": (
        """
        fn f(gpa: Allocator) !void {
            const a = try gpa.alloc(u8, 3);
            a[0] = 1;
        }
        """,
        ["f a never"],
    ),
    "freed after what can fail": (
        """
        fn f(gpa: Allocator) !void {
            const a = try gpa.alloc(u8, 3);
            try work();
            gpa.free(a);
        }
        """,
        ["f a error"],
    ),
    "one exit forgets": (
        """
        fn f(gpa: Allocator, n: usize) !void {
            const a = try gpa.dupe(u8, "x");
            if (n > 1) return;
            gpa.free(a);
        }
        """,
        ["f a early-exit"],
    ),
    "errdefer and a successful early return": (
        """
        fn f(gpa: Allocator, n: usize) !?[]u8 {
            const a = try gpa.dupe(u8, "x");
            errdefer gpa.free(a);
            if (n > 1) return null;
            try work();
            return a;
        }
        """,
        ["f a wrong-exit"],
    ),
    "errdefer does not run on catch return null": (
        """
        fn f(gpa: Allocator) ?[]u8 {
            const a = gpa.dupe(u8, "x") catch return null;
            errdefer gpa.free(a);
            const b = gpa.dupe(u8, "y") catch return null;
            gpa.free(a);
            return b;
        }
        """,
        ["f a early-exit"],
    ),
    "orelse return": (
        """
        fn f(gpa: Allocator, x: ?usize) !usize {
            const a = try gpa.dupe(u8, "x");
            const n = x orelse return 0;
            gpa.free(a);
            return n;
        }
        """,
        ["f a early-exit"],
    ),
    "two fallible members of one literal": (
        """
        fn f(gpa: Allocator) !Pair {
            return .{ .a = try gpa.dupe(u8, "x"), .b = try gpa.dupe(u8, "y") };
        }
        """,
        ["f %1 error"],
    ),
    "nested in append": (
        """
        fn f(gpa: Allocator, self: *Box) !void {
            try self.list.append(gpa, try gpa.dupe(u8, "x"));
        }
        """,
        ["f %1 error"],
    ),
    "a list that grew": (
        """
        fn f(gpa: Allocator) !usize {
            var list: std.ArrayList(u8) = .empty;
            try list.append(gpa, 1);
            return list.items.len;
        }
        """,
        ["f list never"],
    ),
    "a managed list": (
        """
        fn f(gpa: Allocator) !usize {
            var list = std.ArrayList(u8).init(gpa);
            try list.append(1);
            try list.append(2);
            return list.items.len;
        }
        """,
        ["f list never"],
    ),
    "the elements of a list": (
        """
        fn f(gpa: Allocator) !usize {
            var list: std.ArrayList([]u8) = .empty;
            defer list.deinit(gpa);
            const a = try gpa.dupe(u8, "x");
            errdefer gpa.free(a);
            try list.append(gpa, a);
            return list.items.len;
        }
        """,
        ["f list[] wrong-exit"],
    ),
    "taken from a captured optional": (
        """
        fn make(gpa: Allocator, n: usize) !?[]u8 {
            if (n == 0) return null;
            return try gpa.alloc(u8, n);
        }
        fn f(gpa: Allocator) !void {
            if (try make(gpa, 3)) |a| {
                try work(a.len);
                gpa.free(a);
            }
        }
        """,
        ["f a error"],
    ),
    "what a function of this file makes": (
        """
        fn name(gpa: Allocator) ![]u8 {
            return try std.fmt.allocPrint(gpa, "x", .{});
        }
        fn f(a: Allocator) !void {
            const n = try name(a);
            std.debug.print("{s}", .{n});
        }
        """,
        ["f n never"],
    ),
    "never named": (
        """
        fn f(gpa: Allocator) !void {
            std.debug.print("{s}", .{try std.fmt.allocPrint(gpa, "x", .{})});
        }
        """,
        ["f %1 nameless"],
    ),
    "a file, and one way that forgets": (
        """
        fn f(n: usize) !void {
            const file = try std.fs.cwd().openFile("x", .{});
            if (n == 0) return error.Empty;
            file.close();
        }
        """,
        ["f file error"],
    ),
    "a continue that forgets": (
        """
        fn f(gpa: Allocator, xs: []usize) !void {
            for (xs) |x| {
                const a = try gpa.alloc(u8, x);
                if (x == 1) continue;
                gpa.free(a);
            }
        }
        """,
        ["f a early-exit"],
    ),
    "a labelled break past the release": (
        """
        fn f(gpa: Allocator, n: usize) !usize {
            const r = blk: {
                const a = try gpa.alloc(u8, n);
                if (n == 1) break :blk 1;
                gpa.free(a);
                break :blk 2;
            };
            return r;
        }
        """,
        ["f a early-exit"],
    ),
    "replaced in a loop": (
        """
        fn f(gpa: Allocator, n: usize) !void {
            var a = try gpa.alloc(u8, n);
            defer gpa.free(a);
            for (0..n) |i| {
                a = try gpa.alloc(u8, i);
            }
        }
        """,
        ["f a overwritten", "f a overwritten"],
    ),
    "an optional arena that falls back is no arena": (
        """
        fn f(self: *Box) !void {
            const alloc = if (self.arena) |*arena| arena.allocator() else self.allocator;
            const a = try alloc.alloc(u8, 3);
            a[0] = 1;
        }
        """,
        ["f a never"],
    ),
    "a value of this file that owns memory": (
        """
        const Box = struct {
            data: []u8,
            fn init(gpa: Allocator) !Box {
                return .{ .data = try gpa.alloc(u8, 3) };
            }
            fn deinit(self: *Box, gpa: Allocator) void {
                gpa.free(self.data);
            }
        };
        fn f(gpa: Allocator) !usize {
            var box = try Box.init(gpa);
            return box.data.len;
        }
        """,
        ["f box never"],
    ),
    "a made object whose init fails": (
        """
        fn f(gpa: Allocator) !*Box {
            const box = try gpa.create(Box);
            box.* = try Box.make(gpa);
            return box;
        }
        """,
        ["f box error"],
    ),
    "a member of the object that is being made": (
        """
        const Box = struct {
            data: []u8,
            fn create(gpa: Allocator) !*Box {
                const self = try gpa.create(Box);
                errdefer gpa.destroy(self);
                self.* = .{ .data = try gpa.alloc(u8, 3) };
                try self.start();
                return self;
            }
        };
        """,
        ["Box.create self.data error"],
    ),
}

QUIET = {
    "defer": """
        fn f(gpa: Allocator) !void {
            const a = try gpa.alloc(u8, 3);
            defer gpa.free(a);
            try work();
        }
        """,
    "a defer inside a block runs at its end": """
        fn f(gpa: Allocator, n: usize) !usize {
            if (n > 1) {
                const a = try gpa.alloc(u8, n);
                defer gpa.free(a);
                try work();
            }
            try work();
            return n;
        }
        """,
    "errdefer with a capture": """
        fn f(gpa: Allocator) ![]u8 {
            const a = try gpa.alloc(u8, 3);
            errdefer |err| {
                std.log.err("{}", .{err});
                gpa.free(a);
            }
            try work();
            return a;
        }
        """,
    "toOwnedSlice empties the list": """
        fn f(gpa: Allocator) ![]u8 {
            var list: std.ArrayList(u8) = .empty;
            defer list.deinit(gpa);
            try list.append(gpa, 1);
            return list.toOwnedSlice(gpa);
        }
        """,
    "an arena's memory": """
        fn f(arena: Allocator) !void {
            const a = try arena.alloc(u8, 3);
            a[0] = 1;
        }
        """,
    "an arena by another name": """
        fn f(gpa: Allocator) !void {
            var state = std.heap.ArenaAllocator.init(gpa);
            defer state.deinit();
            const alloc = state.allocator();
            const a = try alloc.alloc(u8, 3);
            try work(a);
        }
        """,
    "a flag says who owns it": """
        fn f(gpa: Allocator, keep: *Box) !void {
            const a = try gpa.alloc(u8, 3);
            var consumed = false;
            defer if (!consumed) gpa.free(a);
            try work();
            keep.data = a;
            consumed = true;
        }
        """,
    "append is a transfer once it succeeds": """
        fn f(gpa: Allocator, self: *Box) !void {
            const a = try gpa.dupe(u8, "x");
            errdefer gpa.free(a);
            try self.list.append(gpa, a);
        }
        """,
    "the callee takes ownership": """
        /// Takes ownership of `text`.
        fn give(text: []u8) !void {
            try work(text);
        }
        fn f(gpa: Allocator) !void {
            const a = try gpa.dupe(u8, "x");
            try give(a);
        }
        """,
    "an unknown callee may own it": """
        fn f(gpa: Allocator) !void {
            const a = try gpa.dupe(u8, "x");
            try other.give(a);
        }
        """,
    "returned": """
        fn f(gpa: Allocator) ![]u8 {
            const a = try gpa.dupe(u8, "x");
            return a;
        }
        """,
    "returned inside a literal": """
        fn f(gpa: Allocator) !Box {
            const a = try gpa.dupe(u8, "x");
            return .{ .data = a };
        }
        """,
    "stored in a member": """
        fn f(gpa: Allocator, self: *Box) !void {
            self.data = try gpa.dupe(u8, "x");
        }
        """,
    "a defer that asks": """
        fn f(gpa: Allocator, n: usize) !void {
            var a: ?[]u8 = null;
            defer if (a) |x| gpa.free(x);
            if (n > 1) a = try gpa.alloc(u8, n);
            try work();
        }
        """,
    "owned on one way only": """
        fn f(gpa: Allocator, n: usize, name: []const u8) !usize {
            const a = if (n > 1) try gpa.dupe(u8, name) else name;
            return a.len;
        }
        """,
    "elements are freed one by one": """
        fn f(gpa: Allocator, n: usize) !void {
            var list: std.ArrayList([]u8) = .empty;
            defer {
                for (list.items) |item| gpa.free(item);
                list.deinit(gpa);
            }
            for (0..n) |_| {
                const a = try gpa.dupe(u8, "x");
                errdefer gpa.free(a);
                try list.append(gpa, a);
            }
        }
        """,
    "a list that was never filled": """
        fn f(gpa: Allocator) !void {
            var list = std.ArrayList(u8).init(gpa);
            try work();
            try list.append(1);
            list.deinit();
        }
        """,
    "getOrPut frees the key only when it was there": """
        fn f(gpa: Allocator, map: *std.StringHashMapUnmanaged(void), name: []const u8) !void {
            const key = try gpa.dupe(u8, name);
            errdefer gpa.free(key);
            const entry = try map.getOrPut(gpa, key);
            if (entry.found_existing) gpa.free(key);
        }
        """,
    "process exit": """
        fn f(gpa: Allocator) !void {
            const a = try gpa.dupe(u8, "x");
            std.debug.print("{s}", .{a});
            std.process.exit(1);
        }
        """,
    "the value of a getter is somebody else's": """
        fn f(self: *Box, gpa: Allocator) void {
            const node = self.list.popFirst() orelse return;
            if (node.free) gpa.destroy(node);
        }
        """,
    "parsed leakily": """
        fn f(arena: Allocator, text: []const u8) !Box {
            return try std.json.parseFromSliceLeaky(Box, arena, text, .{});
        }
        """,
}


@pytest.mark.parametrize("name", HELD)
def test_held(name: str) -> None:
    source, expected = HELD[name]
    assert leaks(source) == expected


@pytest.mark.parametrize("name", QUIET)
def test_quiet(name: str) -> None:
    assert leaks(QUIET[name]) == []


RELEASES = {
    "self.gpa.alloc(u8, 3)": "self.gpa.free",
    "self.gpa.create(Box)": "self.gpa.destroy",
    'std.fmt.allocPrint(self.gpa, "x", .{})': "self.gpa.free",
    'std.fs.cwd().openFile("x", .{})': ".close",
    'std.Io.Dir.cwd().openFile(io, "x", .{})': ".close(io)",
    "std.json.parseFromSlice(Box, self.gpa, text, .{})": ".deinit",
    "std.process.argsAlloc(self.gpa)": "std.process.argsFree(self.gpa, {})",
    "std.Thread.spawn(.{}, work, .{})": ".join",
}


@pytest.mark.parametrize("call", RELEASES)
def test_the_release_names_the_same_allocator(call: str) -> None:
    source = (
        f"fn f(self: *Box, io: std.Io, text: []const u8) !void {{\n    var a = try {call};\n    _ = &a;\n}}\n"
    )
    assert releases(source) == [RELEASES[call]]


def test_a_list_is_released_with_the_allocator_it_grew_with() -> None:
    source = """
        fn f(self: *Box) !usize {
            var list: std.ArrayListUnmanaged(u8) = .{};
            try list.append(self.gpa, 1);
            return list.items.len;
        }
        """
    assert releases(source) == [".deinit(self.gpa)"]


def test_a_broken_function_is_passed_over_and_the_rest_is_read() -> None:
    source = """
        fn broken() void {
            const = ;
        }
        fn f(gpa: Allocator) !void {
            const a = try gpa.alloc(u8, 3);
            a[0] = 1;
        }
        """
    found = unit(source)
    assert [step.note.partition(" (")[0] for step in found.skipped] == ["broken does not parse"]
    assert [function.symbol for function in found.functions] == ["f"]


def test_other_files_answer_for_their_functions() -> None:
    source = """
        const names = @import("names.zig");
        fn f(gpa: Allocator) !void {
            const a = try names.make(gpa);
            std.debug.print("{s}", .{a});
        }
        """
    assert unit(source, "src/main.zig").makers == {"src.names.make"}
    summary = Summary("make", ("gpa",), {}, "$0.free")
    assert leaks(source, Project({"names.make": summary})) == ["f a never"]


def test_what_a_file_tells_others() -> None:
    source = """
        pub fn make(gpa: Allocator) ![]u8 {
            return gpa.dupe(u8, "x");
        }
        pub fn keep(self: *Box, text: []u8) void {
            self.text = text;
        }
        """
    found = unit(source, project=Project(asked=frozenset({"make", "keep"}))).exports
    assert found["make"].returns == "$0.free"
    assert found["keep"].effects["text"] == "keeps"
