"""What the containers of a Zig file own: forgotten by a teardown, written over; and the idioms of Zig."""

from __future__ import annotations

from tests.languages.zig.reading import said

BOX = """
    const Box = struct {
        allocator: Allocator,
        name: []u8,
        tag: ?[]u8 = null,
        list: std.ArrayListUnmanaged(u8) = .{},

        fn init(allocator: Allocator) !Box {
            return .{ .allocator = allocator, .name = try allocator.dupe(u8, "x") };
        }
        fn add(self: *Box, n: u8) !void {
            try self.list.append(self.allocator, n);
        }
        %s
    };
    """


def test_a_teardown_that_forgets_a_slice() -> None:
    teardown = "fn deinit(self: *Box) void { self.list.deinit(self.allocator); }"
    assert said(BOX % teardown, "incomplete-teardown") == ["self.name is not freed in deinit()"]


def test_a_teardown_that_forgets_a_list() -> None:
    teardown = "fn deinit(self: *Box) void { self.allocator.free(self.name); }"
    assert said(BOX % teardown, "incomplete-teardown") == ["self.list is not deinitialized in deinit()"]


def test_a_teardown_that_looks_at_the_elements_alone() -> None:
    teardown = "fn deinit(self: *Box) void { self.allocator.free(self.name); for (self.list.items) |item| use(item); }"
    assert said(BOX % teardown, "incomplete-teardown") == ["self.list is not deinitialized in deinit()"]


def test_a_whole_teardown_is_quiet() -> None:
    teardown = """fn deinit(self: *Box) void {
            self.clear();
            self.allocator.free(self.name);
        }
        fn clear(self: *Box) void {
            self.list.deinit(self.allocator);
        }"""
    assert said(BOX % teardown, "incomplete-teardown") == []


def test_a_member_that_is_written_over() -> None:
    rename = """fn rename(self: *Box, tag: []const u8) !void {
            self.tag = try self.allocator.dupe(u8, tag);
        }"""
    assert said(BOX % rename, "overwritten-resource") == [
        "self.tag is replaced in rename() and the old one is not freed"
    ]


def test_a_member_that_is_asked_about_first() -> None:
    rename = """fn rename(self: *Box, tag: []const u8) !void {
            if (self.tag) |old| self.allocator.free(old);
            self.tag = try self.allocator.dupe(u8, tag);
        }"""
    assert said(BOX % rename, "overwritten-resource") == []


def test_a_set_that_has_the_key_already() -> None:
    source = """
        fn f(gpa: Allocator, seen: *std.StringHashMapUnmanaged(void), name: []const u8) !void {
            const key = try gpa.dupe(u8, name);
            errdefer gpa.free(key);
            try seen.put(gpa, key, {});
        }
        """
    assert said(source, "overwritten-resource") == ["key is lost when seen has that key already"]


def test_a_set_that_is_asked_first() -> None:
    source = """
        fn f(gpa: Allocator, seen: *std.StringHashMapUnmanaged(void), name: []const u8) !void {
            if (seen.contains(name)) return;
            const key = try gpa.dupe(u8, name);
            errdefer gpa.free(key);
            try seen.put(gpa, key, {});
        }
        """
    assert said(source, "overwritten-resource") == []


def test_a_slot_that_does_not_go_back() -> None:
    source = """
        fn f(self: *Server) !void {
            const conn = try self.pool.acquire();
            try conn.begin();
            self.pool.release(conn);
        }
        """
    assert said(source, "pool-slot-lost") == ["conn does not go back to its pool when begin() fails"]
