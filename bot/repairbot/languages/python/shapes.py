"""Questions about one node of a syntax tree: what stands around it, what it is made of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tree_sitter import Node

from repairbot.languages.python.syntax import text

LOOPS: Final = ("for_statement", "while_statement")
BRANCHES: Final = ("if_statement", "elif_clause", "else_clause", "except_clause", "match_statement", *LOOPS)


def tested(node: Node) -> bool:
    """Whether a boolean expression is only tested (not a value that goes on)."""
    outer = node.parent
    while outer is not None and outer.type in (
        "boolean_operator",
        "parenthesized_expression",
        "not_operator",
    ):
        outer = outer.parent
    return outer is not None and outer.type in (
        "if_statement",
        "elif_clause",
        "while_statement",
        "assert_statement",
    )


def fixed(node: Node | None) -> bool:
    """Whether a value is a display with constant keys: nothing that grows with use."""
    return (
        node is not None
        and node.type == "dictionary"
        and all(
            child.type == "pair"
            and (key := child.child_by_field_name("key")) is not None
            and key.type == "string"
            for child in node.named_children
        )
    )


def empty(node: Node | None) -> bool:
    return node is not None and text(node) in ("[]", "{}", "set()", "list()", "dict()", "deque()")


def reaches_loop(call: Node) -> bool:
    """Whether the value of a call is what a `for` statement walks over."""
    node, parent = call, call.parent
    while parent is not None and parent.type in ("call", "argument_list"):
        node, parent = parent, parent.parent
    return (
        parent is not None and parent.type == "for_statement" and parent.child_by_field_name("right") == node
    )


def last_of(index: Node) -> str:
    """The N of a slice `[-N:]`, "" for any other."""
    children = index.children
    if len(children) == 2 and children[0].type == "unary_operator" and children[1].type == ":":
        argument = children[0].child_by_field_name("argument")
        if text(children[0]).startswith("-") and argument is not None:
            return text(argument)
    return ""


def looped(statement: Node) -> bool:
    """Whether a statement stands in a loop of its function."""
    return _inside(statement, LOOPS)


def branched(statement: Node) -> bool:
    """Whether a statement stands under a condition, in a handler or in a loop."""
    return _inside(statement, BRANCHES)


def _inside(node: Node, kinds: tuple[str, ...]) -> bool:
    current = node.parent
    while current is not None and current.type not in ("function_definition", "class_definition", "module"):
        if current.type in kinds:
            return True
        current = current.parent
    return False


def occurrences(source: bytes, word: bytes, start: int, end: int) -> Iterator[int]:
    """Where a word stands in `start..end`, whole words only."""
    position = source.find(word, start, end)
    size = len(word)
    while position >= 0:
        before = source[position - 1] if position else 32
        after = source[position + size] if position + size < len(source) else 32
        if not _wordy(before) and not _wordy(after):
            yield position
        position = source.find(word, position + size, end)


def _wordy(byte: int) -> bool:
    return byte == 95 or byte > 127 or 48 <= byte <= 57 or 65 <= byte <= 90 or 97 <= byte <= 122
