"""Rust's own rungs of the ladder: it parses, comments are kept, rustfmt has nothing new to say.

rustfmt reads with the compiler's own parser, so where it is at hand its word on what parses counts as well.
"""

from __future__ import annotations

from collections import Counter
from functools import lru_cache
from typing import Final

from tree_sitter import Node, Query, QueryCursor

from repairbot.languages.rust import rustfmt
from repairbot.languages.rust.tree import LANGUAGE, parse
from repairbot.model import Check, Edit

_COMMENTS: Final = Query(LANGUAGE, "(line_comment) @comment (block_comment) @comment")


def inspect(before: bytes, after: bytes, edits: tuple[Edit, ...]) -> tuple[Check, ...]:
    """The checks in the order of their cost; those behind the first that fails are not made."""
    checks: list[Check] = []
    for check in (_parses, _comments, _formatted):
        checks.append(check(before, after))
        if checks[-1].result == "failed":
            break
    return tuple(checks)


@lru_cache(maxsize=4)
def _root(source: bytes) -> Node:
    return parse(source)


def _parses(before: bytes, after: bytes) -> Check:
    """By the tolerant parser: no error that was not there before."""
    was, now = (_errors(_root(source)) for source in (before, after))
    if len(now) > len(was):
        return Check("parses", "failed", f"line {now[0].start_point[0] + 1} does not parse")
    return Check("parses", "passed")


def _errors(node: Node) -> list[Node]:
    """The places that do not parse."""
    if not node.has_error:
        return []
    own = [node] if node.is_error or node.is_missing else []
    return own + [error for child in node.children for error in _errors(child)]


def _comments(before: bytes, after: bytes) -> Check:
    lost = next(iter(_all_comments(before) - _all_comments(after)), None)
    if lost is not None:
        return Check("comments kept", "failed", f"lost: {lost.decode('utf-8', 'replace')[:60]}")
    return Check("comments kept", "passed")


@lru_cache(maxsize=4)
def _all_comments(source: bytes) -> Counter[bytes]:
    found = QueryCursor(_COMMENTS).captures(_root(source)).get("comment", [])
    return Counter((node.text or b"").strip() for node in found)


def _formatted(before: bytes, after: bytes) -> Check:
    """A file in which rustfmt had nothing to change stays so; another one is not reformatted, and has to parse."""
    name = "rustfmt"
    if why := rustfmt.trouble(before):
        return Check(name, "not run", why)
    edition = rustfmt.edition(before)
    if edition is None:
        readable = next(
            (each for each in rustfmt.EDITIONS if rustfmt.formatted(before, each) is not None), None
        )
        if readable is not None and rustfmt.formatted(after, readable) is None:
            return Check(name, "failed", "the compiler's parser does not read the repair")
        return Check(name, "not run", "the file was not formatted by it before")
    now = rustfmt.formatted(after, edition)
    if now is None:
        return Check(name, "failed", "the compiler's parser does not read the repair")
    if now != after:
        return Check(name, "failed", "it would format the repair otherwise")
    return Check(name, "passed")
