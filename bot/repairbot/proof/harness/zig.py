"""Zig: a test appended to the file's private copy, which calls the function under the testing allocator.

`std.testing.checkAllAllocationFailures` makes each allocation fail in turn, so that every error path that an
allocation can take is walked; whatever is left then is told with its trace. Functions that take an allocator
(or whose struct is made by an `init` that does) and plain arguments can be called so.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shlex
import shutil
import sys
from collections.abc import Iterator
from dataclasses import replace

from repairbot.model import Measurement
from repairbot.proof.detectors import walk, zig
from repairbot.proof.detectors.base import Seen
from repairbot.proof.harness.calling import NotCalled, Target
from repairbot.proof.judging import measurements, names
from repairbot.proof.run import Ran
from repairbot.proof.session import Bench, tail
from repairbot.proof.worktrees import AFTER, BEFORE

SUFFIXES = (".zig",)
ENTRY = "repairbot_harness.zig"
NAME = "repairbot calls it"
MOST_WORDS = 24

_TEST = """

// Appended by `repairbot prove` to a private copy.
const repairbot_std = @import("std");
fn repairbotRelease(allocator: repairbot_std.mem.Allocator, value: anytype) void {{
    const T = @TypeOf(value);
    switch (@typeInfo(T)) {{
        .pointer => |held| switch (held.size) {{
            .slice => if (!held.is_const or held.child == u8) allocator.free(value),
            .one => if (@typeInfo(held.child) == .@"struct") {{
                if (@hasDecl(held.child, "deinit")) repairbotEnd(allocator, value);
            }},
            else => {{}},
        }},
        .optional => if (value) |held| repairbotRelease(allocator, held),
        .@"struct" => if (@hasDecl(T, "deinit")) {{
            var held = value;
            repairbotEnd(allocator, &held);
        }},
        else => {{}},
    }}
}}
fn repairbotEnd(allocator: repairbot_std.mem.Allocator, held: anytype) void {{
    const T = @typeInfo(@TypeOf(held)).pointer.child;
    if (@typeInfo(@TypeOf(T.deinit)).@"fn".params.len == 1) held.deinit() else held.deinit(allocator);
}}
fn repairbotCall(allocator: repairbot_std.mem.Allocator) !void {{
    {setup}for (repairbot_texts) |repairbot_text| {{
        _ = repairbot_text.len;
        const result = {call};
        if (@typeInfo(@TypeOf(result)) == .error_union) {{
            if (result) |value| repairbotRelease(allocator, value) else |failure| {{
                if (@as(anyerror, failure) == error.OutOfMemory) return error.OutOfMemory;
            }}
        }} else repairbotRelease(allocator, result);
    }}
}}
const repairbot_texts = [_][]const u8{{ {texts} }};
test "{name}" {{
    repairbotCall(repairbot_std.testing.allocator) catch {{}};
    repairbot_std.testing.checkAllAllocationFailures(repairbot_std.testing.allocator, repairbotCall, .{{}}) catch {{}};
}}
"""
_PLAIN = (
    (re.compile(r"[ui]\d+|usize|isize|c_int|c_uint|comptime_int"), "3"),
    (re.compile(r"f(?:16|32|64|80|128)"), "1.5"),
    (re.compile(r"bool"), "true"),
    (re.compile(r"\[\]const u8"), "repairbot_text"),
    (re.compile(r"\[:0\]const u8"), '"some text"'),
    (re.compile(r"\[\]const \[\](?:const )?u8"), '&.{ "one", "two" }'),
    (re.compile(r"\[\]const (?:[ui]\d+|usize|f32|f64)"), "&.{ 1, 2, 3 }"),
    (re.compile(r"\?.+"), "null"),
)


def measure(bench: Bench, target: Target) -> list[Measurement]:
    """Leaks of the test before and after."""
    compiler = _compiler()
    seen: dict[str, Seen] = {}
    for side in (BEFORE, AFTER):
        top = bench.trees.side(side)
        path, entry = os.path.join(top, target.path), os.path.join(top, ENTRY)
        with open(path, encoding="utf-8") as file:
            source = file.read()
        try:
            with open(path, "w", encoding="utf-8") as file:
                file.write(source + harness(source, target.symbol))
            with open(entry, "w", encoding="utf-8") as file:
                file.write(f'test {{\n    _ = @import("{target.path}");\n}}\n')
            # From the top, so that files in other folders can be imported.
            command = f'{compiler} test {ENTRY} --test-filter "{NAME}"'
            ran = bench.once(command, side, {zig.NAME: walk()[zig.NAME]})
        finally:
            with open(path, "w", encoding="utf-8") as file:
                file.write(source)
            if os.path.exists(entry):
                os.unlink(entry)
        seen[side] = _read(ran)
    found = measurements([{zig.NAME: seen[BEFORE]}], [{zig.NAME: seen[AFTER]}], subject=target.symbol)
    return [_with(each, tuple(f.fingerprint for f in target.findings if names(each, f))) for each in found]


def harness(source: str, symbol: str) -> str:
    """The test for a function. Raises NotCalled."""
    holder, _, name = symbol.rpartition(".")
    parameters = _parameters(source, name)
    if parameters is None:
        raise NotCalled(f"there is no function {name} that can be named")
    setup, subject = "", f"{holder}.{name}" if holder else name
    own = rf"\*?(?:const )?(?:{re.escape(holder)}|Self|@This\(\))"
    if parameters and holder and re.fullmatch(own, parameters[0][1]):
        struct = rf"\b{re.escape(holder.rpartition('.')[2])}\s*=\s*(?:extern |packed )?struct\b"
        made = _parameters(source, "init", after=struct)
        if made is None:
            raise NotCalled(f"{holder} has no init to make one")
        given = ", ".join(_arguments(made, f"{holder}.init"))
        setup = (
            f"const made = {holder}.init({given});\n    "
            "var thing = if (@typeInfo(@TypeOf(made)) == .error_union) try made else made;\n    "
            f'defer if (@hasDecl({holder}, "deinit")) repairbotEnd(allocator, &thing);\n    '
        )
        subject, parameters = f"thing.{name}", parameters[1:]
    elif not any("Allocator" in kind for _, kind in parameters):
        raise NotCalled("it takes no allocator")
    call = f"{subject}({', '.join(_arguments(parameters, name))})"
    return _TEST.format(setup=setup, call=call, name=NAME, texts=", ".join(_texts(source, name)))


def _texts(source: str, name: str) -> list[str]:
    """Texts to call it with, as Zig literals: made of the words that its own text holds, as a fuzzer would.

    A function that reads a format compares with the words of the format: as keys of lines, of front matter and
    of JSON they lead further in than any text from outside.
    """
    body = source[_start(source, name) :]
    end = re.search(r"^ {0,4}\}", body, re.MULTILINE)
    words = dict.fromkeys(re.findall(r'"([A-Za-z_][\w-]{0,30})"', body[: end.end() if end else len(body)]))
    keys = list(words)[:MOST_WORDS] or ["name"]
    lines = [f"{key}: one, two" for key in keys]
    block = "\n".join(lines)
    objects = ", ".join(f'"{key}": "one, two"' for key in keys)
    texts = ["some text", block, f"---\n{block}\n---\nsome text\n", f"---\n{lines[0]}\n---\nsome text\n"]
    return [json.dumps(text) for text in (*texts, "{" + objects + "}", "")]


def _start(source: str, name: str) -> int:
    found = re.search(rf"\bfn {re.escape(name)}\s*\(", source)
    return found.end() if found else 0


def _arguments(parameters: list[tuple[str, str]], function: str) -> Iterator[str]:
    for name, kind in parameters:
        if re.search(r"\bAllocator$", kind):
            yield "allocator"
            continue
        plain = next((value for pattern, value in _PLAIN if pattern.fullmatch(kind)), None)
        if plain is None:
            raise NotCalled(f"{function} takes {name}: {kind}, of which no plain value can be made")
        yield plain


def _parameters(source: str, name: str, after: str = "") -> list[tuple[str, str]] | None:
    """Names and types of a function's parameters; None where there is no such function."""
    start = 0
    if after:
        struct = re.search(after, source)
        if struct is None:
            return None
        start = struct.end()
    found = re.compile(rf"\bfn {re.escape(name)}\s*\(").search(source, start)
    if found is None:
        return None
    parts, depth, held = [""], 1, source[found.end() :]
    for char in held:
        depth += (char in "([{") - (char in ")]}")
        if depth == 0:
            break
        if char == "," and depth == 1:
            parts.append("")
        else:
            parts[-1] += char
    split = [re.sub(r"//[^\n]*", "", part).strip() for part in parts]
    pairs = [part.partition(":") for part in split if part]
    return [(left.removeprefix("comptime ").strip(), " ".join(kind.split())) for left, _, kind in pairs]


def _compiler() -> str:
    if found := shutil.which("zig"):
        return shlex.quote(found)
    if importlib.util.find_spec("ziglang"):
        return f"{shlex.quote(sys.executable)} -m ziglang"
    raise NotCalled("there is no Zig compiler: put zig on the PATH, or `pip install ziglang`")


def _read(ran: Ran) -> Seen:
    if ran.timed_out:
        raise NotCalled("the test did not end in time")
    seen = zig.read(ran)
    if not re.search(r"\d+ passed|All \d+ tests passed|leaked", ran.out):
        error = re.search(r"error: .+", ran.out)
        raise NotCalled(f"it does not compile by itself: {error.group()[:160] if error else tail(ran.out)}")
    return seen


def _with(measurement: Measurement, fingerprints: tuple[str, ...]) -> Measurement:
    return replace(measurement, findings=fingerprints)
