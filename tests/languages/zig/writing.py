"""What the tests of Zig's repairs share: intents made by hand against texts, and the texts they give."""

from __future__ import annotations

from textwrap import dedent, indent

from repairbot.edits import apply
from repairbot.languages.zig.printer import PRINTER
from repairbot.lifetimes.intents import Refusal
from repairbot.lifetimes.ops import Intent
from repairbot.model import Span


def function(body: str, head: str = "fn f(a: std.mem.Allocator) !void") -> str:
    """A function with this body."""
    return f'const std = @import("std");\n\n{head} {{\n{indent(dedent(body).strip(chr(10)), "    ")}\n}}\n'


def span(source: str, piece: str, nth: int = 0) -> Span:
    """Where a piece of text stands; `nth` counts its occurrences from 0."""
    data, wanted = source.encode(), piece.encode()
    start = -1
    for _ in range(nth + 1):
        start = data.index(wanted, start + 1)
    end = start + len(wanted)
    line, last = data.count(b"\n", 0, start) + 1, data.count(b"\n", 0, end) + 1
    return Span(start, end, line, last, start - data.rfind(b"\n", 0, start))


def written(source: str, intent: Intent) -> str:
    """The source with the intent fulfilled, or "refused: why"."""
    edits = PRINTER.write(source.encode(), intent)
    if isinstance(edits, Refusal):
        return f"refused: {edits.why}"
    after = apply(source.encode(), edits)
    checks = {check.name: check for check in PRINTER.inspect(source.encode(), after, edits)}
    assert checks["parses"].result == "passed", after.decode()
    assert checks["comments kept"].result == "passed", checks["comments kept"].detail
    return after.decode()


def body(source: str) -> str:
    """The body of the only function of a text, outdented."""
    return dedent(source.partition("{\n")[2].rpartition("}")[0])
