"""One Zig file as the repairs see it: its tree, its rows (the statements of a block), its own way of writing.

Edits keep what is there: the indentation of the row they stand next to, the file's line end, its step of
indentation. A comment at the end of a line stays with its row.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property

from tree_sitter import Node, QueryCursor

from repairbot.languages.lines import Lines
from repairbot.languages.zig.parsing import query
from repairbot.languages.zig.syntax import Module, text
from repairbot.languages.zig.words import has_word
from repairbot.model import Edit, Span

FUNCTIONS = frozenset({"function_declaration", "test_declaration"})
CONTAINERS = frozenset(
    {"struct_declaration", "union_declaration", "enum_declaration", "opaque_declaration", "source_file"}
)
_NAMES = (
    "(variable_declaration . (identifier) @name) (payload (identifier) @name) (parameter name: (identifier) @name)"
    ' (function_declaration name: (identifier) @name) (variable_declaration "const" . (identifier) @name)'
    ' (variable_declaration "var" . (identifier) @name)'
)
_KEYWORDS = frozenset(
    {"error", "type", "test", "struct", "enum", "union", "fn", "opaque", "var", "const", "align"}
)
_DECLARES = re.compile(r"\b(?:const|var)\s+(\w+)\s*[=:]")
_SEMICOLON = re.compile(rb"\s*;")
_HEADS = ("if_statement", "if_expression", "else_clause", "for_statement", "while_statement", "switch_case")


def walk(node: Node, *, functions: bool = False) -> Iterator[Node]:
    """The node and all below it, in the order of the source; nested functions only where `functions`."""
    stack = [node]
    while stack:
        current = stack.pop()
        yield current
        if current is not node and current.type in FUNCTIONS and not functions:
            continue
        stack.extend(reversed(current.children))


def named(node: Node) -> list[Node]:
    """The parts of a node without signs and comments."""
    return [child for child in node.children if child.is_named and child.type != "comment"]


def squeezed(shown: str) -> str:
    """A text without its blanks, to compare expressions by."""
    return re.sub(r"\s+", "", shown)


class Source(Lines):
    """A file: its bytes, its tree, and how it is written."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.module = Module(data, "")
        self.root = self.module.root
        self._calls: dict[tuple[int, int], list[Node]] = {}
        self.others: Iterable[tuple[Edit, ...]] = ()
        """Other repairs of the function: the names that they declare are taken where they are seen."""

    # Lines

    # Nodes

    def node(self, span: Span) -> Node:
        """The largest node that a span covers whole, else the smallest around it."""
        start, end = span.start, span.end
        found = self.root.named_descendant_for_byte_range(start, max(end - 1, start)) or self.root
        while (found.start_byte > start or found.end_byte < end) and found.parent is not None:
            found = found.parent
        while (
            (parent := found.parent) is not None
            and parent.start_byte == found.start_byte
            and parent.end_byte <= end
            and parent.type not in CONTAINERS
        ):
            found = parent
        return found

    def row(self, node: Node) -> Node | None:
        """The statement of a block that a node is or stands in, the innermost; None outside of functions."""
        current = node
        while (parent := current.parent) is not None:
            if parent.type == "block" and current.is_named:
                return current
            if parent.type in CONTAINERS or parent.type in FUNCTIONS:
                return None
            current = parent
        return None

    def rows(self, block: Node) -> list[Node]:
        """The statements of a block."""
        return named(block)

    def behind(self, row: Node) -> list[Node]:
        """The statements behind a row in its block."""
        assert row.parent is not None
        return [other for other in named(row.parent) if other.start_byte >= row.end_byte]

    def function(self, node: Node) -> Node | None:
        """The function (or test) around a node."""
        current: Node | None = node
        while current is not None and current.type not in FUNCTIONS:
            current = current.parent
        return current

    def ancestors(self, node: Node) -> Iterator[Node]:
        """The nodes above, the nearest first, up to the function."""
        current = node.parent
        while current is not None and current.type not in FUNCTIONS:
            yield current
            current = current.parent

    def calls(self, within: Node) -> list[Node]:
        """The calls below a node, in the order of the source."""
        key = within.start_byte, within.end_byte
        if key not in self._calls:
            self._calls[key] = [node for node in walk(within) if node.type == "call_expression"]
        return self._calls[key]

    # Names

    @cached_property
    def _declared(self) -> list[tuple[str, int, bool]]:
        """Every name that is declared: its text, its place, and whether in a container (seen by all below)."""
        found = []
        for node in QueryCursor(query(_NAMES)).captures(self.root).get("name", ()):
            parent = node.parent
            inside = parent is not None and parent.parent is not None and parent.parent.type not in CONTAINERS
            found.append((text(node), node.start_byte, not inside))
        return found

    def _declared_beside(self, start: int, end: int) -> set[str]:
        """The names of other repairs that are seen somewhere in a part of the file."""
        return {
            match[1]
            for repair in self.others
            for edit in repair
            for match in _DECLARES.finditer(edit.text)
            if edit.start < end and start < self._sight(edit, match.start())
        }

    def _sight(self, edit: Edit, at: int) -> int:
        """How far a name is seen that an edit declares: to the end of the block around, or of one of its own."""
        if edit.text.count("{", 0, at) > edit.text.count("}", 0, at):
            return edit.end
        node = self.root.descendant_for_byte_range(edit.start, edit.start)
        while node is not None and node.type != "block":
            node = node.parent
        return node.end_byte if node is not None else len(self.data)

    def fresh(self, near: Node, *wanted: str) -> str:
        """The first of these names that nothing near has; else the last with a number behind it.

        Zig lets no name hide another: none of the function around, none of the containers.
        """
        row = self.row(near) or near
        start, end = row.start_byte, (row.parent or row).end_byte
        others = self._declared_beside(start, end) | _KEYWORDS
        for name in wanted:
            if has_word(self.data, name.encode()):
                break  # it may be declared near
            if name not in others:
                return name
        function = self.function(near)
        first, last = (
            (function.start_byte, function.end_byte) if function is not None else (0, len(self.data))
        )
        taken = {name for name, at, outer in self._declared if outer or first <= at < last} | others
        for name in wanted:
            if name not in taken:
                return name
        number = 2
        while f"{wanted[-1]}{number}" in taken:
            number += 1
        return f"{wanted[-1]}{number}"

    def mentions(self, name: str, within: Node) -> bool:
        """Whether a plain name is read below a node (not as a member of something else)."""
        return any(
            child.type == "identifier" and text(child) == name and not self.is_member(child)
            for child in walk(within)
        )

    def is_member(self, name: Node) -> bool:
        """Whether an identifier is a member's name: `x` in `a.x`."""
        parent = name.parent
        return (
            parent is not None
            and parent.type == "field_expression"
            and parent.children[-1].start_byte == name.start_byte
        )

    # Edits

    def after(self, row: Node, lines: Sequence[str]) -> Edit:
        """Lines behind a row, at its indentation, behind the comment at the end of its line."""
        end = self.line_end(row.end_byte)
        rest = self.data[row.end_byte : end].strip()
        if rest and not rest.startswith(b"//"):
            return Edit(row.end_byte, row.end_byte, "".join(f" {line}" for line in lines))
        blanks = self.indentation(row.start_byte)
        return Edit(end, end, "".join(f"{self.newline}{blanks}{line}" for line in lines))

    def before(self, row: Node, lines: Sequence[str]) -> Edit:
        """Lines before a row, at its indentation."""
        at = row.start_byte
        if not self.first_on_line(at):
            return Edit(at, at, "".join(f"{line} " for line in lines))
        blanks = self.indentation(at)
        return Edit(at, at, "".join(f"{line}{self.newline}{blanks}" for line in lines))

    def at_start(self, block: Node, lines: Sequence[str]) -> Edit:
        """Lines at the start of a block."""
        rows = self.rows(block)
        open_brace = block.children[0].end_byte
        if rows and self.line_start(rows[0].start_byte) == self.line_start(open_brace):
            return self.before(rows[0], lines)
        blanks = self.indentation(rows[0].start_byte) if rows else self.indentation(open_brace) + self.unit
        end = self.line_end(open_brace)
        text_ = "".join(f"{self.newline}{blanks}{line}" for line in lines)
        if not rows and self.line_start(block.end_byte - 1) == self.line_start(open_brace):
            return Edit(open_brace, open_brace, f"{text_}{self.newline}{self.indentation(open_brace)}")
        return Edit(end, end, text_)

    def without(self, row: Node) -> Edit:
        """The edit that takes a row out, with its line where nothing else stands on it."""
        start, end = self.line_start(row.start_byte), self.line_end(row.end_byte)
        if not self.first_on_line(row.start_byte) or self.data[row.end_byte : end].strip():
            first, last = row.start_byte, row.end_byte
            while self.data[last : last + 1] == b" ":
                last += 1
            return Edit(first, last, "")
        behind = end + (2 if self.data[end : end + 2] == b"\r\n" else 1)
        before = self.data[:start].rstrip(b" \t\r\n")
        gap_before = self.data[len(before) : start].count(b"\n") > 1
        following = self.data[behind : self.line_end(behind)].strip()
        if gap_before and (not following or following.startswith(b"}")):
            start = len(before) + (2 if self.data[len(before) : len(before) + 2] == b"\r\n" else 1)
        elif before.endswith(b"{") and not following:
            behind = self.line_end(behind) + (2 if self.newline == "\r\n" else 1)
        return Edit(start, min(behind, len(self.data)), "")

    def braced(self, body: Node, lines: Sequence[str], semicolon: bool) -> Edit:
        """A body that is no block becomes one of these lines.

        `semicolon`: what follows the body is the end of its own statement, which a block does not have.
        """
        parent = body.parent
        head = parent if parent is not None and parent.type in _HEADS else body
        blanks = self.indentation(head.start_byte)
        start, end, opened = body.start_byte, body.end_byte, "{"
        one_line = self.line_start(head.start_byte) == self.line_start(len(self.data[:start].rstrip()))
        if self.first_on_line(start):
            start = len(self.data[:start].rstrip())
            opened = " {"
        if not one_line and head.type != "switch_case":
            start = len(self.data[:start].rstrip())
            opened = f"{self.newline}{blanks}{{"
        shown = "".join(f"{self.newline}{blanks}{self.unit}{line}" for line in lines)
        if semicolon and (match := _SEMICOLON.match(self.data, end)) is not None:
            end = match.end()
        return Edit(start, end, f"{opened}{shown}{self.newline}{blanks}}}")
