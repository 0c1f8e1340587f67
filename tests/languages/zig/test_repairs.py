"""Zig repairs on intents made by hand: what is written, and how the file's own way of writing is kept."""

from __future__ import annotations

from textwrap import dedent

import pytest

from repairbot.lifetimes.intents import (
    ADD_TO_TEARDOWN,
    ERRORS_ONLY,
    INSERT_BEFORE,
    NAME_AND_RELEASE,
    RELEASE_BEFORE,
    RELEASE_OLD,
    RELEASE_ON_ERROR,
    RELEASE_ON_EXIT,
    RESET_ON_ERROR,
)
from repairbot.lifetimes.ops import Intent
from tests.languages.zig.writing import body, function, span, written

FREE = {"release": "a.free"}


def repaired(
    do: str,
    text: str,
    at: str,
    place: str,
    args: dict[str, str] | None = None,
    spans: tuple[str, ...] = (),
    owners: tuple[str, ...] = (),
) -> str:
    """The body of a function after one repair, or the refusal."""
    source = function(text)
    intent = Intent(
        do,
        span(source, at),
        place,
        args=args or FREE,
        spans=tuple(span(source, each) for each in spans),
        owners=tuple(span(source, each) for each in owners),
    )
    after = written(source, intent)
    return after if after.startswith("refused") else body(after)


def text(shown: str) -> str:
    """A body as `repaired` gives it."""
    return dedent(shown).lstrip("\n")


# Release on every way out


def test_a_defer_stands_behind_the_acquisition_and_its_comment() -> None:
    before = """
        const x = try a.alloc(u8, 4); // four
        use(x);
        a.free(x);
    """
    after = repaired(RELEASE_ON_EXIT, before, "const x = try a.alloc(u8, 4);", "x", spans=("a.free(x);",))
    assert after == text("""
        const x = try a.alloc(u8, 4); // four
        defer a.free(x);
        use(x);
    """)


def test_an_errdefer_right_behind_becomes_a_defer() -> None:
    before = """
        const x = try a.alloc(u8, 4);
        errdefer a.free(x);
        use(x);
    """
    after = repaired(
        RELEASE_ON_EXIT, before, "const x = try a.alloc(u8, 4);", "x", spans=("errdefer a.free(x);",)
    )
    assert after == text("""
        const x = try a.alloc(u8, 4);
        defer a.free(x);
        use(x);
    """)


@pytest.mark.parametrize(
    ("made", "line"),
    [
        ("const x = if (o) |t| try a.dupe(u8, t) else null;", "defer if (x) |value| a.free(value);"),
        ("const x = a.dupe(u8, t) catch null;", "defer if (x) |value| a.free(value);"),
        ("const x: ?[]u8 = try find(a);", "defer if (x) |value| a.free(value);"),
        ("const x = (try find(a)) orelse return;", "defer a.free(x);"),
        ("const x = a.dupe(u8, t) catch |err| return err;", "defer a.free(x);"),
        ("const x = if (c) try a.dupe(u8, t) else try a.alloc(u8, 4);", "defer a.free(x);"),
    ],
)
def test_what_may_be_null_is_captured(made: str, line: str) -> None:
    assert repaired(RELEASE_ON_EXIT, f"{made}\nuse(x);", made, "x") == f"{made}\n{line}\nuse(x);\n"


def test_what_is_not_always_made_here_is_refused() -> None:
    made = "const x = if (c) try a.dupe(u8, t) else t;"
    assert repaired(RELEASE_ON_EXIT, made, made, "x") == "refused: on some way x holds what was not made here"


def test_a_constant_becomes_a_variable_where_its_release_changes_it() -> None:
    made = "const x = try Table.init(a);"
    after = repaired(RELEASE_ON_EXIT, f"{made}\nuse(x);", made, "x", {"release": ".deinit"})
    assert after == "var x = try Table.init(a);\ndefer x.deinit();\nuse(x);\n"


def test_a_file_stays_a_constant() -> None:
    made = "const x = try dir.openFile(name, .{});"
    after = repaired(RELEASE_ON_EXIT, made, made, "x", {"release": ".close"})
    assert after == f"{made}\ndefer x.close();\n"


def test_a_capture_is_released_at_the_start_of_its_block() -> None:
    before = """
        while (try next(a)) |line| {
            use(line);
        }
    """
    assert repaired(RELEASE_ON_EXIT, before, "|line|", "line") == text("""
        while (try next(a)) |line| {
            defer a.free(line);
            use(line);
        }
    """)


def test_a_late_defer_moves_up_to_what_it_names() -> None:
    before = """
        var x: ?[]u8 = null;
        if (o) |t| {
            x = try a.dupe(u8, t);
            try check(t);
        }
        defer if (x) |copy| a.free(copy);
        use(x);
    """
    after = repaired(
        RELEASE_ON_EXIT,
        before,
        "x = try a.dupe(u8, t);",
        "x",
        spans=("defer if (x) |copy| a.free(copy);",),
    )
    assert after == text("""
        var x: ?[]u8 = null;
        defer if (x) |copy| a.free(copy);
        if (o) |t| {
            x = try a.dupe(u8, t);
            try check(t);
        }
        use(x);
    """)


def test_what_is_used_outside_of_the_block_that_makes_it_is_refused() -> None:
    before = """
        var x: []u8 = undefined;
        if (c) {
            x = try a.alloc(u8, 4);
        }
        use(x);
    """
    after = repaired(RELEASE_ON_EXIT, before, "x = try a.alloc(u8, 4);", "x")
    assert after == "refused: x is made in an inner block and used outside of it"


def test_a_file_that_is_closed_early_is_not_held_longer() -> None:
    before = """
        const x = try dir.openFile(name, .{});
        try x.writeAll("a");
        x.close();
        try dir.rename(name, other);
    """
    after = repaired(
        RELEASE_ON_EXIT,
        before,
        "const x = try dir.openFile(name, .{});",
        "x",
        {"release": ".close"},
        ("x.close();",),
    )
    assert after == (
        "refused: it is released in line 6 before other work goes on; a defer would hold it longer"
    )


def test_what_a_list_holds_is_released_before_the_list() -> None:
    before = """
        var list: std.ArrayList([]u8) = .empty;
        errdefer list.deinit(a);
        while (next()) |t| try list.append(a, try a.dupe(u8, t));
    """
    at = "while (next()) |t| try list.append(a, try a.dupe(u8, t));"
    assert repaired(RELEASE_ON_ERROR, before, at, "list[]") == text("""
        var list: std.ArrayList([]u8) = .empty;
        errdefer list.deinit(a);
        errdefer for (list.items) |item| a.free(item);
        while (next()) |t| try list.append(a, try a.dupe(u8, t));
    """)


def test_the_keys_of_a_map_are_released_one_by_one() -> None:
    before = """
        var map = std.StringHashMap(u32).init(a);
        try map.put(try a.dupe(u8, t), 1);
    """
    made = "var map = std.StringHashMap(u32).init(a);"
    args = {"release": ".deinit", "elements": "a.free", "elements on": "error"}
    assert repaired(RELEASE_ON_EXIT, before, made, "map", args) == text("""
        var map = std.StringHashMap(u32).init(a);
        defer map.deinit();
        errdefer {
            var keys = map.keyIterator();
            while (keys.next()) |key| a.free(key.*);
        }
        try map.put(try a.dupe(u8, t), 1);
    """)


def test_what_a_list_may_have_from_elsewhere_is_left() -> None:
    before = """
        var list: std.ArrayList([]u8) = .empty;
        try list.append(a, t);
    """
    after = repaired(RELEASE_ON_ERROR, before, "try list.append(a, t);", "list[]")
    assert after == "refused: whether list owns t (line 5) is not known"


PARTS = """
    const std = @import("std");
    const Part = struct { title: []const u8, lines: []u32, size: usize = 0 };
    const Page = struct {
        gpa: std.mem.Allocator,
        parts: []Part,
        fn deinit(self: *Page) void {
            %s
            self.gpa.free(self.parts);
        }
    };
    fn f(a: std.mem.Allocator, t: []const u8) !void {
        var list: std.ArrayList(Part) = .empty;
        try list.append(a, %s);
    }
    """
LOOP = """for (self.parts) |part| {
                // Both are its own.
                self.gpa.free(part.title);
                self.gpa.free(part.lines);
            }"""
WHOLE = ".{ .title = try a.dupe(u8, t), .lines = try a.alloc(u32, 2) }"


def in_parts(loop: str, value: str) -> str:
    source = dedent(PARTS % (loop, value)).lstrip("\n")
    args = {"release": ".deinit(a)", "elements": "a.free", "elements on": "error"}
    at = span(source, "var list: std.ArrayList(Part) = .empty;")
    return written(source, Intent(RELEASE_ON_EXIT, at, "list", args=args))


def test_elements_are_released_as_the_file_does_it_elsewhere() -> None:
    after = in_parts(LOOP, WHOLE)
    assert body(after.partition("fn f")[2]) == text("""
        var list: std.ArrayList(Part) = .empty;
        defer list.deinit(a);
        errdefer {
            for (list.items) |part| {
                a.free(part.title);
                a.free(part.lines);
            }
        }
        try list.append(a, .{ .title = try a.dupe(u8, t), .lines = try a.alloc(u32, 2) });
    """)


@pytest.mark.parametrize(
    ("loop", "value"),
    [
        (LOOP, '.{ .title = "none", .lines = try a.alloc(u32, 2) }'),  # a text of the program's own
        (LOOP, ".{ .title = t, .lines = try a.alloc(u32, 2) }"),  # the caller's
        (LOOP, ".{ .lines = try a.alloc(u32, 2) }"),
        (LOOP.replace("self.gpa.free(part.lines);", "self.drop(part.lines);"), WHOLE),
        (LOOP.replace("self.gpa.free(part.lines);", "if (self.own) self.gpa.free(part.lines);"), WHOLE),
        (LOOP.replace("self.parts", "self.others"), WHOLE),
    ],
)
def test_elements_that_may_be_released_otherwise_are_left(loop: str, value: str) -> None:
    assert in_parts(loop, value).startswith("refused: whether list owns")


# Release on errors


def test_an_errdefer_ends_where_another_owner_has_the_value() -> None:
    before = """
        const x = try a.dupe(u8, t);
        try list.append(a, x);
        try other();
    """
    after = repaired(
        RELEASE_ON_ERROR,
        before,
        "const x = try a.dupe(u8, t);",
        "x",
        spans=("try list.append(a, x);",),
        owners=("try list.append(a, x);",),
    )
    assert after == text("""
        {
            const x = try a.dupe(u8, t);
            errdefer a.free(x);
            try list.append(a, x);
        }
        try other();
    """)


def test_one_step_is_caught_where_the_value_is_used_behind_its_new_owner() -> None:
    before = """
        const x = try a.dupe(u8, t);
        try list.append(a, x);
        try other(x);
    """
    after = repaired(
        RELEASE_ON_ERROR,
        before,
        "const x = try a.dupe(u8, t);",
        "x",
        spans=("try list.append(a, x);",),
        owners=("try list.append(a, x);",),
    )
    assert after == text("""
        const x = try a.dupe(u8, t);
        list.append(a, x) catch |err| {
            a.free(x);
            return err;
        };
        try other(x);
    """)


def test_a_release_before_an_error_goes_with_the_errdefer() -> None:
    before = """
        const x = try a.dupe(u8, t);
        step() catch |err| {
            a.free(x);
            return err;
        };
        try other();
        return x;
    """
    after = repaired(RELEASE_ON_ERROR, before, "const x = try a.dupe(u8, t);", "x", spans=("try other();",))
    assert after == text("""
        const x = try a.dupe(u8, t);
        errdefer a.free(x);
        step() catch |err| {
            return err;
        };
        try other();
        return x;
    """)


# Release before one exit


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("if (c) return;", "if (c) {\n    a.free(x);\n    return;\n}"),
        ("if (c)\n    return;", "if (c) {\n    a.free(x);\n    return;\n}"),
        ("const y = g() catch return;", "const y = g() catch {\n    a.free(x);\n    return;\n};"),
        ("const y = g() orelse return;", "const y = g() orelse {\n    a.free(x);\n    return;\n};"),
        ("return;", "a.free(x);\nreturn;"),
        ("return x.len + 1;", "const result = x.len + 1;\na.free(x);\nreturn result;"),
        ("return try g();", "const result = try g();\na.free(x);\nreturn result;"),
    ],
)
def test_a_release_before_an_exit(before: str, after: str) -> None:
    made = "const x = try a.alloc(u8, 4);\nerrdefer a.free(x);"
    shown = f"{made}\n{before}"
    assert (
        repaired(
            RELEASE_BEFORE,
            shown,
            "const x = try a.alloc(u8, 4);",
            "x",
            spans=("return;" if before.endswith("    return;") else before.replace("\n", "\n    "),),
        )
        == f"{made}\n{after}\n"
    )


def test_an_exit_whose_error_is_released_already_is_refused() -> None:
    before = "const x = try a.alloc(u8, 4);\nerrdefer a.free(x);\nreturn g();"
    after = repaired(RELEASE_BEFORE, before, "const x = try a.alloc(u8, 4);", "x", spans=("return g();",))
    assert after == "refused: an error that it returns releases x already"


# Naming


@pytest.mark.parametrize(
    ("before", "at", "after"),
    [
        (
            'print("{s}", .{try formatSize(a, n)});',
            "try formatSize(a, n)",
            'const size = try formatSize(a, n);\ndefer a.free(size);\nprint("{s}", .{size});',
        ),
        (
            "if (c) show(try a.dupe(u8, t));",
            "try a.dupe(u8, t)",
            "if (c) {\n    const copy = try a.dupe(u8, t);\n    defer a.free(copy);\n    show(copy);\n}",
        ),
        (
            "switch (c) {\n    .b => show(try a.dupe(u8, t)),\n}",
            "try a.dupe(u8, t)",
            "switch (c) {\n    .b => {\n        const copy = try a.dupe(u8, t);\n        defer a.free(copy);\n"
            "        show(copy);\n    },\n}",
        ),
    ],
)
def test_a_nested_value_gets_a_name(before: str, at: str, after: str) -> None:
    assert repaired(NAME_AND_RELEASE, before, at, "%1") == after + "\n"


def test_a_name_that_is_taken_is_not_hidden() -> None:
    before = "const copy = 1;\nshow(copy, try a.dupe(u8, t));"
    assert repaired(NAME_AND_RELEASE, before, "try a.dupe(u8, t)", "%1") == text("""
        const copy = 1;
        const owned_copy = try a.dupe(u8, t);
        defer a.free(owned_copy);
        show(copy, owned_copy);
    """)


def test_what_a_loop_asks_again_and_again_has_no_statement_before_it() -> None:
    before = "while (more(try a.dupe(u8, t))) {}"
    assert repaired(NAME_AND_RELEASE, before, "try a.dupe(u8, t)", "%1").startswith("refused")


def test_what_is_made_behind_a_step_that_counts_is_refused() -> None:
    before = "show(reader.readByte(), try a.dupe(u8, t));"
    after = repaired(NAME_AND_RELEASE, before, "try a.dupe(u8, t)", "%1")
    assert after == "refused: readByte() comes before it in the same statement"


def test_a_member_keeps_what_it_is_given() -> None:
    before = "self.x = try a.dupe(u8, t);"
    assert repaired(NAME_AND_RELEASE, before, "try a.dupe(u8, t)", "%1") == "refused: self.x keeps it"


# The old value


def test_the_old_value_is_kept_until_the_new_one_is_there() -> None:
    at = "self.x = try a.dupe(u8, t);"
    args = {"release": "if ({}) |value| a.free(value)"}
    assert repaired(RELEASE_OLD, at, at, "self.x", args) == text("""
        const old_x = self.x;
        self.x = try a.dupe(u8, t);
        if (old_x) |old| a.free(old);
    """)


def test_the_old_value_goes_first_where_nothing_can_fail() -> None:
    at = "self.x = fresh;"
    assert repaired(RELEASE_OLD, at, at, "self.x") == "a.free(self.x);\nself.x = fresh;\n"


def test_an_assignment_without_braces_gets_them() -> None:
    before = "if (c) x = try a.dupe(u8, t);"
    after = repaired(RELEASE_OLD, before, "x = try a.dupe(u8, t)", "x")
    assert after == text("""
        if (c) {
            const old_x = x;
            x = try a.dupe(u8, t);
            a.free(old_x);
        }
    """)


# Teardowns and the rest

STRUCT = """\
const T = struct {
    a: Allocator,
    name: []u8,
    list: List,
    map: Map,

    fn deinit(self: *T) void {
        self.list.deinit();
        self.a.destroy(self);
    }
};
"""


@pytest.mark.parametrize(
    ("member", "line", "place"),
    [
        ("name", "self.a.free(self.name)", 1),
        ("map", "self.map.deinit()", 0),
        ("list", "for (self.list.items) |item| self.a.free(item)", 0),
    ],
)
def test_a_teardown_gets_its_line_in_the_reverse_order_of_making(member: str, line: str, place: int) -> None:
    args = {"container": "T", "method": "deinit", "line": line, "after": ""}
    after = written(STRUCT, Intent(ADD_TO_TEARDOWN, span(STRUCT, "name"), f"self.{member}", args=args))
    rows = ["        self.list.deinit();", "        self.a.destroy(self);"]
    rows.insert(place, f"        {line};")
    assert "\n".join(rows) in after


def test_what_a_teardown_cannot_change_is_refused() -> None:
    source = STRUCT.replace("self: *T", "self: T")
    args = {"container": "T", "method": "deinit", "line": "self.map.deinit(self.a)", "after": ""}
    after = written(source, Intent(ADD_TO_TEARDOWN, span(source, "name"), "self.map", args=args))
    assert after == "refused: deinit() takes its object as a constant, which the release cannot change"


def test_a_defer_of_what_is_returned_is_for_errors_alone() -> None:
    before = "const x = try a.alloc(u8, 4);\ndefer a.free(x);\nreturn x;"
    at = "defer a.free(x);"
    assert repaired(ERRORS_ONLY, before, at, "x", spans=(at,)) == before.replace("defer", "errdefer") + "\n"


def test_a_half_made_object_is_taken_down() -> None:
    at = "self.x = try a.alloc(u8, 4);"
    args = {"statements": "a.free(self.x)"}
    assert repaired(RESET_ON_ERROR, at, at, "self.x", args) == f"{at}\nerrdefer a.free(self.x);\n"


def test_statements_are_inserted_before_a_statement() -> None:
    at = "step();"
    assert (
        repaired(INSERT_BEFORE, at, at, "", {"lines": "one()\ntwo()"}, (at,)) == "one();\ntwo();\nstep();\n"
    )


def test_an_unknown_intent_is_refused() -> None:
    assert repaired("weak", "step();", "step();", "x") == "refused: no repair of Zig writes weak"


# The file's own way of writing


def test_line_ends_and_tabs_stay() -> None:
    source = 'const std = @import("std");\r\nfn f() !void {\r\n\tconst x = try a.alloc(u8, 4);\r\n\tuse(x);\r\n}\r\n'
    made = span(source, "const x = try a.alloc(u8, 4);")
    after = written(source, Intent(RELEASE_ON_EXIT, made, "x", args=FREE))
    assert "\tconst x = try a.alloc(u8, 4);\r\n\tdefer a.free(x);\r\n\tuse(x);\r\n" in after
    assert after.count("\n") == after.count("\r\n")


def test_a_block_on_one_line_stays_on_it() -> None:
    source = "fn f() !void { const x = try a.alloc(u8, 4); use(x); a.free(x); }\n"
    made, gone = span(source, "const x = try a.alloc(u8, 4);"), span(source, "a.free(x);")
    after = written(source, Intent(RELEASE_ON_EXIT, made, "x", args=FREE, spans=(gone,)))
    assert after == "fn f() !void { const x = try a.alloc(u8, 4); defer a.free(x); use(x); }\n"


def test_no_blank_line_is_left_where_a_release_stood() -> None:
    before = """
        const x = try a.alloc(u8, 4);
        use(x);

        a.free(x);
    """
    after = repaired(RELEASE_ON_EXIT, before, "const x = try a.alloc(u8, 4);", "x", spans=("a.free(x);",))
    assert after == "const x = try a.alloc(u8, 4);\ndefer a.free(x);\nuse(x);\n"


def test_a_comment_behind_a_release_stays() -> None:
    before = "const x = try a.alloc(u8, 4);\nuse(x);\na.free(x); // no longer wanted"
    after = repaired(RELEASE_ON_EXIT, before, "const x = try a.alloc(u8, 4);", "x", spans=("a.free(x);",))
    assert after == "const x = try a.alloc(u8, 4);\ndefer a.free(x);\nuse(x);\n// no longer wanted\n"


def test_a_pointer_stays_a_constant() -> None:
    source = dedent("""
        const Node = struct {
            fn init(a: Allocator) !*Node {}
        };
        const Other = struct {
            fn init(a: Allocator) !Other {}
        };
        fn f(a: Allocator) !void {
            const node = try Node.init(a);
            use(node);
        }
    """)
    made = span(source, "const node = try Node.init(a);")
    after = written(source, Intent(RELEASE_ON_EXIT, made, "node", args={"release": ".deinit(a)"}))
    assert "    const node = try Node.init(a);\n    defer node.deinit(a);\n" in after
