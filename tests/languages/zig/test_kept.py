"""What a Zig file's report calls verified: members that a teardown releases whole, values that get an owner."""

from __future__ import annotations

import pytest

from repairbot.analyses import analyse
from tests.languages.zig.reading import unit

SHELF = """
    const Note = struct { id: []u8, text: []const u8, size: u32 };
    const Page = struct {
        text: []u8,
        fn deinit(self: *Page, gpa: Allocator) void { gpa.free(self.text); }
    };
    const Colour = enum { red, blue };

    const Shelf = struct {
        gpa: Allocator,
        owned: bool,
        %s,

        fn deinit(self: *Shelf) void {
            %s
        }
        fn clear(self: *Shelf) void {
            for (self.tags.items) |tag| self.gpa.free(tag);
            self.tags.clearRetainingCapacity();
        }
        fn drop(self: *Shelf) void {
            self.gpa.free(self.name);
        }
    };
    """


def safe(source: str) -> list[str]:
    """The safe patterns, as "symbol place: reason" without the lines."""
    return [f"{each.symbol} {each.pattern}: {each.reason}" for each in analyse(unit(source)).pairing.safe]


def shelf(member: str, teardown: str) -> list[str]:
    return [
        line.removeprefix("Shelf ") for line in safe(SHELF % (member, teardown)) if line.startswith("Shelf ")
    ]


@pytest.mark.parametrize(
    ("member", "teardown", "why"),
    [
        ("name: []const u8", "self.gpa.free(self.name);", "released by deinit() at line 17"),
        (
            "name: ?[]const u8",
            "if (self.name) |name| self.gpa.free(name);",
            "released by deinit() at line 17",
        ),
        ("name: []u8", "if (self.name.len > 0) self.gpa.free(self.name);", "released by deinit() at line 17"),
        ("name: []u8", "self.drop();", "released by drop() at line 24; deinit() calls drop()"),
        ("file: std.fs.File", "self.file.close();", "released by deinit() at line 17"),
        (
            "name: std.ArrayList(Colour)",
            "self.name.deinit(self.gpa);",
            "released by deinit() at line 17; its elements own nothing",
        ),
        (
            "tags: std.ArrayList([]const u8)",
            "self.clear(); self.tags.deinit(self.gpa);",
            "released by deinit() at line 17, its elements at line 20",
        ),
        (
            "notes: std.ArrayList(Note)",
            "for (self.notes.items) |note| { self.gpa.free(note.id); self.gpa.free(note.text); }"
            " self.notes.deinit(self.gpa);",
            "released by deinit() at line 17, its elements at line 17",
        ),
        (
            "pages: []Page",
            "for (self.pages) |*page| page.deinit(self.gpa); self.gpa.free(self.pages);",
            "released by deinit() at line 17, its elements at line 17",
        ),
        (
            "pages: std.AutoHashMap(u32, *Page)",
            "var it = self.pages.valueIterator(); while (it.next()) |page| { page.*.deinit(self.gpa);"
            " self.gpa.destroy(page.*); } self.pages.deinit();",
            "released by deinit() at line 17, its values at line 17; its keys own nothing",
        ),
        (
            "pages: std.StringHashMap(Page)",
            "var it = self.pages.iterator(); while (it.next()) |entry| { self.gpa.free(entry.key_ptr.*);"
            " entry.value_ptr.deinit(self.gpa); } self.pages.deinit();",
            "released by deinit() at line 17, its keys at line 17, its values at line 17",
        ),
        (
            "arena: std.heap.ArenaAllocator",
            "self.arena.deinit();",
            "deinit() ends it, and all that it gave, at line 17",
        ),
    ],
)
def test_a_member_that_the_teardown_releases(member: str, teardown: str, why: str) -> None:
    assert shelf(member, teardown) == [f"{member.partition(':')[0]}: {why}"]


@pytest.mark.parametrize(
    ("member", "teardown"),
    [
        ("name: []u8", "if (self.owned) self.gpa.free(self.name);"),
        ("name: []u8", "if (!self.owned) return; self.gpa.free(self.name);"),
        ("tags: std.ArrayList([]const u8)", "self.tags.deinit(self.gpa);"),
        ("tags: std.ArrayList([]const u8)", "for (self.tags.items) |tag| self.gpa.free(tag);"),
        (
            "tags: std.ArrayList([]const u8)",
            "for (self.tags.items) |tag| { if (tag.len == 0) break; self.gpa.free(tag); } self.tags.deinit(self.gpa);",
        ),
        (
            "notes: std.ArrayList(Note)",
            "for (self.notes.items) |note| self.gpa.free(note.id); self.notes.deinit(self.gpa);",
        ),
        (
            "pages: std.StringHashMap(Page)",
            "var it = self.pages.valueIterator(); while (it.next()) |page| page.deinit(self.gpa); self.pages.deinit();",
        ),
        ("page: *Page", "self.page.deinit(self.gpa);"),
        ("things: std.ArrayList(other.Thing)", "self.things.deinit(self.gpa);"),
        ("name: []u8", "for (self.tags.items) |_| self.gpa.free(self.name);"),
    ],
)
def test_what_is_not_certain_is_not_called_safe(member: str, teardown: str) -> None:
    assert shelf(member, teardown) == []


def test_a_member_that_is_written_over_is_not_called_safe() -> None:
    rename = """
        const Box = struct {
            gpa: Allocator,
            tag: ?[]u8 = null,
            fn deinit(self: *Box) void { if (self.tag) |tag| self.gpa.free(tag); }
            fn rename(self: *Box, tag: []const u8) !void { self.tag = try self.gpa.dupe(u8, tag); }
        };
        """
    assert safe(rename) == []


def test_a_member_of_which_something_else_is_said_is_not_called_safe() -> None:
    source = """
        const Server = struct {
            gpa: Allocator,
            arena: std.heap.ArenaAllocator,
            seen: std.AutoHashMapUnmanaged(u64, u32) = .empty,
            fn deinit(self: *Server) void {
                self.seen.deinit(self.gpa);
                self.arena.deinit();
            }
            fn handle(self: *Server, id: u64) !void {
                try self.seen.put(self.gpa, id, 1);
            }
            fn again(self: *Server) void {
                self.arena.deinit();
                self.arena = std.heap.ArenaAllocator.init(self.gpa);
            }
        };
        """
    assert safe(source) == []


def test_what_a_member_is_only_lent_is_not_called_kept() -> None:
    source = """
        const Box = struct {
            gpa: Allocator,
            scratch: ?[]u8 = null,
            fn deinit(self: *Box) void { if (self.scratch) |scratch| self.gpa.free(scratch); }
            fn work(self: *Box) !void {
                const scratch = try self.gpa.alloc(u8, 9);
                self.scratch = scratch;
                defer {
                    self.gpa.free(scratch);
                    self.scratch = null;
                }
                try self.step();
            }
        };
        """
    assert [line for line in safe(source) if line.startswith("Box.work")] == []


def test_a_value_that_gets_an_owner() -> None:
    source = """
        const Box = struct {
            gpa: Allocator,
            tag: []u8,
            fn deinit(self: *Box) void { self.gpa.free(self.tag); }
            fn set(self: *Box, tag: []const u8) !void {
                self.gpa.free(self.tag);
                const copy = try self.gpa.dupe(u8, tag);
                self.tag = copy;
            }
        };
        fn copied(gpa: Allocator, text: []const u8) ![]u8 {
            const copy = try gpa.dupe(u8, text);
            errdefer gpa.free(copy);
            if (copy.len == 3) return error.Odd;
            return copy;
        }
        fn joined(gpa: Allocator, text: []const u8) ![]u8 {
            var list: std.ArrayListUnmanaged(u8) = .empty;
            errdefer list.deinit(gpa);
            try list.appendSlice(gpa, text);
            return list.toOwnedSlice(gpa);
        }
        """
    assert safe(source) == [
        "Box.set copy: kept in self.tag at line 11, released by deinit() at line 7",
        "copied copy: handed to the caller at line 18; released at line 16 on the other paths",
        "joined list: emptied at line 24, where its items go on as a slice; released at line 22 on the other paths",
        "Box tag: released by deinit() at line 7",
    ]
