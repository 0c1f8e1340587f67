"""Source text to a syntax tree, and the few trees that are asked for again and again."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Final

from tree_sitter import Language, Node, Parser, Query, Tree

from repairbot.languages.grammar import binding
from repairbot.model import Edit

LANGUAGE: Final = Language(binding("tree_sitter_zig").language())
_MOST: Final = 4
_kept: dict[bytes, Tree] = {}
"""The trees of the last sources: the checks of a repair ask for its file several times."""


@cache
def query(text: str) -> Query:
    """A query for the grammar. Made when it is first asked for: some take longer than a file takes to parse."""
    return Query(LANGUAGE, text)


def parse(source: bytes) -> Node:
    """The root of a source's tree."""
    tree = _kept.pop(source, None) or Parser(LANGUAGE).parse(source)
    _keep(source, tree)
    return tree.root_node


def parse_again(before: bytes, after: bytes, edits: Sequence[Edit]) -> Node:
    """The root of an edited source's tree; what no edit touched is taken over from the tree before it."""
    if after not in _kept:
        parse(before)
        tree = _kept[before].copy()
        for edit in sorted(edits, key=lambda each: each.start, reverse=True):
            start = _point(before, edit.start)
            added = edit.text.encode()
            lines = added.count(b"\n")
            last = len(added) - added.rfind(b"\n") - 1 if lines else start[1] + len(added)
            end = _point(before, edit.end)
            tree.edit(edit.start, edit.end, edit.start + len(added), start, end, (start[0] + lines, last))
        _keep(after, Parser(LANGUAGE).parse(after, tree))
    return parse(after)


def errors(node: Node) -> list[Node]:
    """The outermost places that do not parse."""
    if not node.has_error:
        return []
    if node.is_error or node.is_missing:
        return [node]
    return [found for child in node.children for found in errors(child)]


def _keep(source: bytes, tree: Tree) -> None:
    _kept[source] = tree
    if len(_kept) > _MOST:
        del _kept[next(iter(_kept))]


def _point(source: bytes, offset: int) -> tuple[int, int]:
    return source.count(b"\n", 0, offset), offset - source.rfind(b"\n", 0, offset) - 1
