"""One Rust file as the repairs see it: its tree, its rows (the statements of a block), its own way of writing."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cached_property

from tree_sitter import Node

from repairbot.languages.lines import Lines
from repairbot.languages.rust.syntax import text
from repairbot.languages.rust.tree import parse
from repairbot.model import Edit, Span

ITEMS = frozenset({"function_item", "impl_item", "struct_item", "enum_item", "trait_item", "mod_item"})
_COMMENTS = frozenset({"line_comment", "block_comment"})


def walk(node: Node) -> Iterator[Node]:
    """The node and all below it, in the order of the source."""
    stack = [node]
    while stack:
        current = stack.pop()
        yield current
        stack.extend(reversed(current.children))


def named(node: Node) -> list[Node]:
    """The parts of a node without signs and comments."""
    return [child for child in node.named_children if child.type not in _COMMENTS]


def squeezed(shown: str) -> str:
    """A text without its blanks, to compare expressions by."""
    return re.sub(r"\s+", "", shown)


def joined(shown: str) -> str:
    """A chain of calls that stands on several lines, on one."""
    return re.sub(r"\s*\n\s*(?=[.?])", "", shown)


def method(call: Node | None) -> str:
    """The name of the method or function that a call calls, "" for other nodes."""
    callee = call.child_by_field_name("function") if call is not None else None
    if callee is None:
        return ""
    if callee.type == "generic_function":
        callee = callee.child_by_field_name("function") or callee
    name = callee.child_by_field_name("field") or callee.child_by_field_name("name") or callee
    return text(name)


def receiver(call: Node) -> Node | None:
    """The object of a method call."""
    callee = call.child_by_field_name("function")
    return callee.child_by_field_name("value") if callee is not None else None


def arguments(call: Node) -> list[Node]:
    """The arguments of a call."""
    listed = call.child_by_field_name("arguments")
    return named(listed) if listed is not None else []


class Source(Lines):
    """A file: its bytes, its tree, and how it is written."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.root = parse(data)

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
            and parent.parent is not None
        ):
            found = parent
        return found

    def ancestors(self, node: Node) -> Iterator[Node]:
        """The nodes above, the nearest first."""
        current = node.parent
        while current is not None:
            yield current
            current = current.parent

    def function(self, node: Node) -> Node | None:
        """The function that a node stands in."""
        return next((above for above in self.ancestors(node) if above.type == "function_item"), None)

    def row(self, node: Node) -> Node | None:
        """The statement (or last expression) of a block that a node is or stands in, the innermost."""
        current = node
        while (parent := current.parent) is not None:
            if parent.type == "block":
                return current
            if parent.type in ITEMS:
                return None
            current = parent
        return None

    def rows(self, block: Node) -> list[Node]:
        """The statements of a block."""
        return [child for child in named(block) if child.type not in ("label", "empty_statement")]

    def end(self, row: Node) -> int:
        """Where a row ends, with the semicolon behind a block (`unsafe { f() };`), which is a node of its own."""
        behind = row.next_sibling
        alone = behind is not None and behind.type == "empty_statement" and behind.start_byte == row.end_byte
        return behind.end_byte if alone and behind is not None else row.end_byte

    def closures(self, node: Node) -> list[Node]:
        """The closures and async blocks that a node stands in, the innermost first, up to its function."""
        found: list[Node] = []
        for above in self.ancestors(node):
            if above.type == "function_item":
                break
            if above.type in ("closure_expression", "async_block"):
                found.append(above)
        return found

    def mentions(self, name: str, within: Node) -> bool:
        """Whether a plain name stands below a node, in macros too (not as a member of something else)."""
        return any(True for _ in self.uses(name, within))

    def uses(self, name: str, within: Node) -> Iterator[Node]:
        """Where a plain name (also `self`) stands below a node."""
        for child in walk(within):
            known = child.type in ("identifier", "self", "shorthand_field_identifier") and text(child) == name
            if known and self.data[child.start_byte - 1 : child.start_byte] != b".":
                yield child

    def names(self, within: Node) -> set[str]:
        """Every name below a node."""
        return {text(child) for child in walk(within) if child.type == "identifier"}

    def fresh(self, near: Node, *wanted: str) -> str:
        """The first of these names that the function around does not use; else the last with a number behind it."""
        taken = self.names(self.function(near) or self.root)
        for name in wanted:
            if name not in taken:
                return name
        number = 2
        while f"{wanted[-1]}{number}" in taken:
            number += 1
        return f"{wanted[-1]}{number}"

    @cached_property
    def let_else(self) -> bool:
        """Whether this file writes `let .. else`, which compilers before 1.65 do not know."""
        return any(
            node.type == "let_declaration" and node.child_by_field_name("alternative") is not None
            for node in walk(self.root)
        )

    # Edits

    def lines(self, lines: Sequence[str], blanks: str) -> str:
        """Lines with an indentation; a tab at the start of one is a step more."""
        shown = []
        for line in lines:
            inner = line.lstrip("\t")
            shown.append(f"{blanks}{self.unit * (len(line) - len(inner))}{inner}" if inner else "")
        return self.newline.join(shown)

    def after(self, row: Node, lines: Sequence[str]) -> Edit:
        """Lines behind a row, at its indentation, behind the comment at the end of its line."""
        last = self.end(row)
        end = self.line_end(last)
        rest = self.data[last:end].strip()
        blanks = self.indentation(row.start_byte)
        if rest and not rest.startswith(b"//"):
            return Edit(last, last, "".join(f" {line.strip()}" for line in lines))
        return Edit(end, end, f"{self.newline}{self.lines(lines, blanks)}")

    def before(self, row: Node, lines: Sequence[str]) -> Edit:
        """Lines before a row, at its indentation."""
        at = row.start_byte
        if not self.first_on_line(at):
            return Edit(at, at, "".join(f"{line.strip()} " for line in lines))
        blanks = self.indentation(at)
        return Edit(at, at, f"{self.lines(lines, blanks)[len(blanks) :]}{self.newline}{blanks}")

    def at_start(self, block: Node, lines: Sequence[str]) -> Edit:
        """Lines at the start of a block."""
        brace = next(child for child in block.children if child.type == "{")
        rows = self.rows(block)
        blanks = self.indentation(brace.start_byte)
        inner = blanks + self.unit
        if rows and self.line_start(rows[0].start_byte) == self.line_start(brace.start_byte):
            # `{ value }` on one line: it becomes a block of several
            shown = f"{self.newline}{self.lines(lines, inner)}{self.newline}{inner}"
            return Edit(brace.end_byte, rows[0].start_byte, shown)
        if not rows and self.line_start(block.end_byte - 1) == self.line_start(brace.start_byte):
            shown = f"{self.newline}{self.lines(lines, inner)}{self.newline}{blanks}"
            return Edit(brace.end_byte, block.end_byte - 1, shown)
        return Edit(brace.end_byte, brace.end_byte, f"{self.newline}{self.lines(lines, inner)}")

    def closing(self, block: Node) -> Edit | None:
        """The edit that puts the closing brace of `{ value }` on a line of its own, None where it stands there."""
        brace = block.children[0]
        if self.line_start(brace.start_byte) != self.line_start(block.end_byte - 1):
            return None
        end = block.end_byte - 1
        start = len(self.data[:end].rstrip())
        return Edit(start, end, f"{self.newline}{self.indentation(brace.start_byte)}")

    def without(self, row: Node) -> Edit:
        """The edit that takes a row out, with its line where nothing else stands on it."""
        last = self.end(row)
        start, end = self.line_start(row.start_byte), self.line_end(last)
        if not self.first_on_line(row.start_byte) or self.data[last:end].strip():
            return Edit(row.start_byte, last, "")
        behind = end + len(self.newline)
        if not self.data[behind : self.line_end(behind)].strip() and not self.data[:start].rstrip(
            b" \t\r\n"
        ).endswith((b";", b"}", b",")):
            behind = self.line_end(behind) + len(self.newline)
        return Edit(start, min(behind, len(self.data)), "")
