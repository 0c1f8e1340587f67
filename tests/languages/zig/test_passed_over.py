"""What the front end passes over unread, and what it must not: the same leaks come out, whatever stands around them."""

from __future__ import annotations

import re

import pytest

from tests.languages.zig.reading import leaks, unit
from tests.languages.zig.test_leaks import HELD

_STATEMENT = re.compile(r"^( +)(?!return|break|continue|try work)[^/\n]*;$", re.MULTILINE)
QUIET = (
    "ping(1, .{ .a = 2 });",
    "const zz = here.size() + 3;",
    "if (ready()) { note(); } else note();",
    "for (0..3) |zz| mark(zz);",
)


@pytest.mark.parametrize("name", HELD)
@pytest.mark.parametrize("statement", QUIET)
def test_quiet_statements_change_nothing(name: str, statement: str) -> None:
    source, found = HELD[name]
    numbers = iter(range(1000))

    def followed(match: re.Match[str]) -> str:
        return f"{match[0]}\n{match[1]}{statement.replace('zz', f'zz{next(numbers)}')}"

    assert leaks(_STATEMENT.sub(followed, source)) == found


SETTLED = {
    "a slice": "const a = try gpa.alloc(u8, 3);\n    defer gpa.free(a);",
    "a file, with words between": (
        'const a = try std.fs.cwd().openFile("x", .{ .mode = .read_only });\n'
        "    // closed at once\n    defer a.close();"
    ),
    "a list": "var a: std.ArrayList(u8) = .empty;\n    defer a.deinit(gpa);\n    try a.append(gpa, 1);",
    "an arena": "var a = std.heap.ArenaAllocator.init(gpa);\n    defer a.deinit();\n    _ = a.allocator();",
    "a copy that may be missing": "const a = gpa.dupe(u8, text) catch return;\n    defer gpa.free(a);",
}


@pytest.mark.parametrize("name", SETTLED)
def test_what_the_next_statement_settles_needs_no_graph(name: str) -> None:
    found = unit(
        f"fn f(gpa: Allocator, text: []const u8) !void {{\n    {SETTLED[name]}\n    try work(a);\n}}"
    )
    assert found.functions == []
    assert [(safe.pattern, safe.symbol, "cleanup code" in safe.reason) for safe in found.safe] == [
        ("a", "f", True)
    ]


UNSETTLED = {
    "set to something else behind its cleanup": (
        "var a = try gpa.alloc(u8, 3);\n    defer gpa.free(a);\n    a = try gpa.alloc(u8, 4);",
        ["f a overwritten"],
    ),
    "another call's argument": (
        "const a = try wrap(try gpa.alloc(u8, 3));\n    defer a.deinit();",
        [],
    ),
    "released under a condition": (
        "const a = try gpa.alloc(u8, 3);\n    defer if (text.len > 3) gpa.free(a);\n    try work();",
        [],
    ),
    "elements that its cleanup does not release": (
        "var a: std.ArrayList([]u8) = .empty;\n    defer a.deinit(gpa);\n"
        "    try a.append(gpa, try gpa.dupe(u8, text));",
        ["f a[] early-exit"],
    ),
    "cleanup on errors alone": (
        "const a = try gpa.alloc(u8, 3);\n    errdefer gpa.free(a);\n    try work();",
        ["f a wrong-exit"],
    ),
    "an allocator that only may be an arena's": (
        "const arena = if (text.len > 3) scratch else gpa;\n    const a = try arena.alloc(u8, 3);\n    a[0] = 1;",
        ["f a never"],
    ),
}


@pytest.mark.parametrize("name", UNSETTLED)
def test_what_is_not_settled_is_followed(name: str) -> None:
    body, found = UNSETTLED[name]
    source = f"fn f(gpa: Allocator, scratch: Allocator, text: []const u8) !void {{\n    {body}\n}}"
    assert [line for line in leaks(source) if line in found] == found
    assert unit(source).functions


def test_a_value_that_is_returned_behind_its_defer_is_followed() -> None:
    source = """
        fn f(gpa: Allocator) ![]u8 {
            const a = try gpa.alloc(u8, 3);
            defer gpa.free(a);
            return a;
        }
        """
    assert unit(source).functions


def test_a_way_out_ahead_of_an_acquisition_counts_in_a_loop() -> None:
    source = """
        fn f(gpa: Allocator, rounds: usize) !void {
            var a: ?[]u8 = null;
            for (0..rounds) |_| {
                if (tired()) return error.Tired;
                a = try gpa.alloc(u8, 3);
            }
            if (a) |some| gpa.free(some);
        }
        """
    assert any(line.startswith("f a") for line in leaks(source))


def test_the_handler_of_a_call_that_nobody_follows_is_entered() -> None:
    source = """
        fn f(gpa: Allocator) !void {
            work() catch {
                const a = try gpa.alloc(u8, 3);
                a[0] = 1;
            };
        }
        """
    assert leaks(source) == ["f a never"]


MORE_SETTLED = {
    "ways out within the statement": (
        'const a = gpa.dupe(u8, text) catch |e| switch (e) {\n        else => {\n            log.err("; {t}", .{e});\n'
        "            return e;\n        },\n    };\n    defer gpa.free(a);",
        ["a"],
    ),
    "one name in two blocks": (
        "{\n        const a = try gpa.alloc(u8, 3);\n        defer gpa.free(a);\n    }\n"
        "    {\n        const a = try gpa.alloc(u8, 3);\n        defer gpa.free(a);\n    }",
        ["a", "a"],
    ),
    "told to somebody within a literal": (
        "const a = try gpa.dupe(u8, text);\n    defer gpa.free(a);\n    try other.tell(.{ .inner = .{ .name = a } });",
        ["a"],
    ),
}


@pytest.mark.parametrize("name", MORE_SETTLED)
def test_a_statement_ends_where_its_brackets_do(name: str) -> None:
    body, safe = MORE_SETTLED[name]
    found = unit(f"fn f(gpa: Allocator, text: []const u8) !void {{\n    {body}\n}}")
    assert found.functions == []
    assert [each.pattern for each in found.safe] == safe


FOLLOWED = {
    "a second statement between": "const a = try gpa.alloc(u8, 3); try work();\n    defer gpa.free(a);",
    "one of two names without cleanup": (
        "{\n        const a = try gpa.alloc(u8, 3);\n        defer gpa.free(a);\n    }\n"
        "    const a = try gpa.alloc(u8, 3);"
    ),
    "kept within a literal": (
        "const a = try gpa.dupe(u8, text);\n    defer gpa.free(a);\n    try list.append(.{ .name = a });"
    ),
    "a literal that is the result": (
        "const a = try gpa.dupe(u8, text);\n    defer gpa.free(a);\n    return .{ .name = a };"
    ),
    "a literal that a name gets": (
        "const a = try gpa.dupe(u8, text);\n    defer gpa.free(a);\n"
        "    const b = other.make(.{ .name = a });\n    keep(b);"
    ),
}


@pytest.mark.parametrize("name", FOLLOWED)
def test_what_may_go_further_is_followed(name: str) -> None:
    assert unit(
        f"fn f(gpa: Allocator, list: anytype, text: []const u8) !Pair {{\n    {FOLLOWED[name]}\n}}"
    ).functions
