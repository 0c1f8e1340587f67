"""Zig's own rungs of the ladder: it parses, comments are kept, compiler and formatter have nothing new to say."""

from __future__ import annotations

from collections import Counter
from functools import lru_cache

from tree_sitter import QueryCursor

from repairbot.languages.zig.compiler import said
from repairbot.languages.zig.foresight import foreseen
from repairbot.languages.zig.parsing import errors, parse, parse_again, query
from repairbot.model import Check, Edit


def inspect(before: bytes, after: bytes, edits: tuple[Edit, ...]) -> tuple[Check, ...]:
    """The checks in the order of their cost; those behind the first that fails are not made."""
    checks: list[Check] = []
    for check in (_parses, _comments, _compiles, _formatted):
        checks.append(check(before, after, edits))
        if checks[-1].result == "failed":
            break
    return tuple(checks)


def _parses(before: bytes, after: bytes, edits: tuple[Edit, ...]) -> Check:
    """By the tolerant parser: no error that was not there before."""
    was, now = errors(parse(before)), errors(parse_again(before, after, edits))
    if len(now) > len(was):
        line = now[0].start_point[0] + 1
        return Check("parses", "failed", f"line {line} does not parse")
    return Check("parses", "passed")


def _comments(before: bytes, after: bytes, edits: tuple[Edit, ...]) -> Check:
    if not any(b"//" in before[before.rfind(b"\n", 0, edit.start) + 1 : edit.end] for edit in edits):
        return Check("comments kept", "passed")  # no edit comes near one
    lost = next(iter(_all_comments(before) - _all_comments(after)), None)
    if lost is not None:
        return Check("comments kept", "failed", f"lost: {lost.decode('utf-8', 'replace')[:60]}")
    return Check("comments kept", "passed")


@lru_cache(maxsize=4)
def _all_comments(source: bytes) -> Counter[bytes]:
    found = QueryCursor(query("(comment) @comment")).captures(parse(source)).get("comment", [])
    return Counter((node.text or b"").strip() for node in found)


def _compiles(before: bytes, after: bytes, edits: tuple[Edit, ...]) -> Check:
    """`zig ast-check` says nothing that it did not say before."""
    name = "zig ast-check"
    now = foreseen(before, edits) or said(after)
    if isinstance(now, str):
        return Check(name, "not run", now)
    if not now.errors:
        return Check(name, "passed")
    was = said(before)
    if isinstance(was, str):
        return Check(name, "not run", was)
    new = now.new(was)
    for line, message in now.errors:
        if new[message]:
            return Check(name, "failed", f"line {line}: {message}")
    return Check(name, "not run", f"the file did not pass before: {was.errors[0][1]}")


def _formatted(before: bytes, after: bytes, edits: tuple[Edit, ...]) -> Check:
    """A file that `zig fmt` had nothing to change in stays so; another one is not reformatted."""
    name = "zig fmt"
    now = foreseen(before, edits) or said(after)
    if isinstance(now, str):
        return Check(name, "not run", now)
    if now.formatted:
        return Check(name, "passed")
    was = said(before)
    if isinstance(was, str):
        return Check(name, "not run", was)
    if not was.formatted:
        return Check(name, "not run", "the file was not formatted by it before")
    return Check(name, "failed", "it would format the repair otherwise")
