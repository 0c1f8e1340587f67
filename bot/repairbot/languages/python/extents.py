"""Which lines a statement has: a comment in any of them speaks of the whole of it."""

from __future__ import annotations

from tree_sitter import Node

from repairbot.languages.base import Extents as Told
from repairbot.languages.python.syntax import Module


def extents(source: bytes) -> Told:
    """See repairbot.languages.base.Extents."""
    root = Module(source, "").root
    lines = source.split(b"\n")

    def extent(line: int) -> range:
        row = line - 1
        if not 0 <= row < len(lines):
            return range(line, line + 1)
        column = len(lines[row]) - len(lines[row].lstrip())
        node = root.descendant_for_point_range((row, column), (row, column))
        while node is not None and not _is_statement(node):
            node = node.parent
        if node is None or node.parent is None:
            return range(line, line + 1)
        body = next((child for child in node.children if child.type == "block"), None)
        first, last = node.start_point[0] + 1, node.end_point[0] + 1
        if body is not None:
            last = max(first, body.start_point[0] + (body.start_point[0] == node.start_point[0]))
        return range(first, last + 1) if line <= last else range(line, line + 1)

    return extent


def _is_statement(node: Node) -> bool:
    """A statement, or a clause of one that has a body of its own (else, except, finally, a decorator)."""
    parent = node.parent
    if parent is None or parent.type in ("block", "module") or node.type == "decorator":
        return True
    return any(child.type == "block" for child in node.children)
