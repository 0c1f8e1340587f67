"""What a function does with an argument, as callers hear it, and what other files are asked for it."""

from __future__ import annotations

import textwrap

import pytest

from repairbot.languages.base import Project
from repairbot.lifetimes.ops import Unit
from tests.languages.zig.reading import unit

HEAD = """
    const other = @import("other.zig");
    const Pair = struct { left: Thing, right: Thing };
    fn unknown(callback: *const fn (Thing) void, value: Thing) void { callback(value); }
    fn keep(pair: *Pair, value: Thing) void { pair.left = value; }
    """


def lowered(source: str, *asked: str) -> Unit:
    return unit(textwrap.dedent(HEAD) + source, "src/a.zig", Project(asked=frozenset(asked)))


def effect(body: str) -> str:
    source = f"fn asked(p: *Thing, kept: *Pair, n: usize) !?*Thing {{\n{textwrap.indent(body, '    ')}\n}}\n"
    return str(lowered(source, "asked").exports["asked"].effects.get("p", "unknown"))


LOOKS = (
    "p.start();",
    "try p.start(n);",
    "p.list.append(n) catch return;",
    "p.count += 1;",
    "p.* = .{};",
    "if (p.ready) return null;",
    "if (!p.ready and p.other == n) return null;",
    "if (n < p.least or p == null) return null;",
    "const x = p.items[n];\nkept.left = x;",
    "const x = p.items.len;\nkept.left = x;",
    "for (p.items) |item| kept.left = item;",
    "for (p.items, 0..) |item, i| { kept.left = item; _ = i; }",
    "while (p.next()) |item| kept.left = item;",
    "switch (p.kind) { .a => {}, else => return null }",
    "const x = n - p.first;\nkept.left = x;",
    "const x = -p.first;\nkept.left = x;",
    "const view = p.member;\n_ = view.size();\nif (view == n) return null;",
    "kept.p = n;",
    "kept.* = .{ .p = n };",
    "// p stays where it is",
)


@pytest.mark.parametrize("body", LOOKS)
def test_looking_at_a_value_is_no_more_than_a_loan(body: str) -> None:
    assert effect(body) == "borrows"


GIVES = {
    "kept.left = p;": "keeps",
    "const q = p;\nkept.left = q;": "keeps",
    "if (n == 0) kept.* = .{ .left = p, .right = p };": "keeps",
    "return p;": "returns",
    "return if (n == 0) p else p;": "returns",
    "p.deinit();": "releases",
    "defer p.deinit();\ntry p.start();": "releases",
    "try p.start();\np.deinit();": "unknown",
    "unknown(n, p);": "unknown",
    "keep(\n    kept,\n    p // all of it\n);": "keeps",
    "keep(kept, p.member);": "unknown",
    "const view = p.member;\nkeep(kept, view);": "unknown",
    "keep(kept, p.items[0..n]);": "unknown",
    "if (p.member) |member| keep(kept, member);": "unknown",
    "const x = p.member orelse return null;\nkeep(kept, x);": "unknown",
    "unknown(n, p);\nkept.left = p;": "keeps",
    "other.take(p);\nunknown(n, p);": "unknown",
    "const x = p.left ++ p.right;\nkeep(kept, x);": "unknown",
}


@pytest.mark.parametrize("body", GIVES)
def test_what_a_function_does_with_a_value_is_seen(body: str) -> None:
    assert effect(body) == GIVES[body]


BREAKS = {
    "a loop": "while (true) {\n    if (n == 3) break;\n    kept.right = p.items[n];\n}\n",
    "a block": "const x = found: {\n    if (n == 3) break :found 1;\n    _ = p;\n    return null;\n};\n_ = x;\n",
    "for and else": "for (0..n) |i| {\n    p.items[i] = other.make() orelse break;\n} else return null;\n",
}


@pytest.mark.parametrize("name", BREAKS)
def test_what_only_a_break_leads_to_is_reached(name: str) -> None:
    assert effect(f"{BREAKS[name]}kept.left = p;") == "keeps"


def test_other_files_are_asked_where_their_answer_would_tell_something() -> None:
    made = "const a = try gpa.alloc(u8, 3);\n"
    asks = {
        made + "other.take(a);": {"src.other.take"},
        made + "through(a);": {"src.other.pass"},
        made + "defer gpa.free(a);\nif (a.len == 2) other.take(a);\nreturn a[0];": set[str](),
        made + "errdefer gpa.free(a);\nother.take(a);": {"src.other.take"},
        made + "{\n    defer gpa.free(a);\n    through(a);\n}\nother.late(a);": {"src.other.late"},
        "var buffer: [8]u8 = undefined;\nother.fill(&buffer);\n" + made + "gpa.free(a);": set[str](),
        'var later: ?[]u8 = null;\nother.fill(later);\nlater = try gpa.dupe(u8, "x");': set[str](),
    }
    for body, expected in asks.items():
        source = f"fn f(gpa: Allocator) !u8 {{\n{textwrap.indent(body, '    ')}\n}}\n"
        through = "fn through(x: []u8) void {\n    other.pass(x);\n}\n"
        assert lowered(source + through).asks == expected, body
