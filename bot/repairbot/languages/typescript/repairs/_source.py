"""One TypeScript or JavaScript file as the repairs see it: its tree, its rows (the statements of a block), and how it
is written: line ends, indentation, semicolons or none.

Lines that a repair adds come as text without the block's indentation; a tab at their start stands for one step more.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Final

from repairbot.languages.lines import Lines
from repairbot.languages.typescript.classes import Classes, View
from repairbot.languages.typescript.syntax import Module, names_in
from repairbot.languages.typescript.tree import CLASSES, FUNCTIONS, N
from repairbot.model import Edit, Span

BLOCKS: Final = frozenset({"statement_block", "program", "switch_case", "switch_default"})
"""What holds rows."""
_WORD: Final = re.compile(rb"[\w$]+")
_TYPES: Final = frozenset(
    {"type_annotation", "interface_declaration", "type_alias_declaration", "accessibility_modifier"}
)
_OPENS: Final = ("{", "}", ",", ";", "*/")
_RESERVED: Final = frozenset(
    {
        "case",
        "class",
        "default",
        "delete",
        "export",
        "for",
        "function",
        "import",
        "in",
        "new",
        "package",
        "return",
        "with",
    }
)


class Source(Lines):
    """A file: its bytes, its tree, and how it is written."""

    indent = 2

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.module = _module(data)
        self.root = self.module.tree
        self.text = self.module.text

    @cached_property
    def classes(self) -> Classes:
        """Its classes, as the front end sees them."""
        return Classes(self.module)

    # How it is written

    @cached_property
    def semicolons(self) -> bool:
        """Whether its statements end in semicolons."""
        ends = [
            self.data[node.end - 1 : node.end] == b";"
            for node in self.root.walk()
            if node.kind
            in ("expression_statement", "lexical_declaration", "return_statement", "import_statement")
        ]
        return not ends or sum(ends) * 2 >= len(ends)

    @cached_property
    def quote(self) -> str:
        """The quotation mark of its texts."""
        return '"' if self.data.count(b'"') > self.data.count(b"'") else "'"

    @cached_property
    def typed(self) -> bool:
        """Whether it is TypeScript: some name in it has a type."""
        return any(node.kind in _TYPES for node in self.root.walk())

    @cached_property
    def modern(self) -> bool:
        """Whether optional chaining may be written: the file is TypeScript, or does so itself."""
        return self.typed or re.search(rb"[\w)\]]\?\.[\w\[(]", self.data) is not None

    def shown(self, line: str) -> str:
        """A line as this file writes it: steps of indentation, and a semicolon behind a statement if it has such."""
        body = line.lstrip("\t")
        steps = self.unit * (len(line) - len(body))
        bare = body.rstrip()
        if bare.endswith(";") and not self.semicolons:
            bare = bare[:-1]
        elif self.semicolons and bare and not bare.endswith(_OPENS) and not bare.startswith("//"):
            bare += ";"
        return steps + bare

    # Lines

    def last_on_line(self, offset: int) -> bool:
        """Whether nothing but blanks and a comment stand behind it on its line."""
        rest = self.data[offset : self.line_end(offset)].strip()
        return not rest or rest.startswith(b"//") or (rest.startswith(b"/*") and rest.endswith(b"*/"))

    def alone(self, row: N) -> bool:
        """Whether no other statement stands on the lines of a row."""
        return self.first_on_line(row.start) and self.last_on_line(row.end)

    # Nodes

    def node(self, span: Span) -> N:
        """The largest node that a span covers whole, else the smallest around it."""
        found = self.root
        while True:
            inner = next((kid for kid in found.kids if kid.start <= span.start and span.end <= kid.end), None)
            if inner is None:
                break
            found = inner
            if (found.start, found.end) == (span.start, span.end):
                return found
        covered = [node for node in found.walk() if span.start <= node.start and node.end <= span.end]
        return max(covered, key=lambda node: node.end - node.start, default=found) if covered else found

    def row(self, node: N) -> N | None:
        """The statement of a block that a node is or stands in, the innermost; None outside of blocks."""
        current = node
        while (up := current.up) is not None:
            if up.kind in BLOCKS and self.is_row(current):
                return current
            if up.kind in ("class_body", "formal_parameters"):
                return None
            current = up
        return None

    def is_row(self, node: N) -> bool:
        """Whether a node is a statement of a block."""
        up = node.up
        if up is None or up.kind not in BLOCKS:
            return False
        return up.kind != "switch_case" or node is not up.kids[0]

    def rows(self, block: N) -> list[N]:
        """The statements of a block."""
        return [kid for kid in block.kids if self.is_row(kid)]

    def behind(self, row: N) -> list[N]:
        """The statements behind a row in its block."""
        assert row.up is not None
        return [other for other in self.rows(row.up) if other.start >= row.end]

    def function(self, node: N) -> N | None:
        """The function around a node, None at the top of the file."""
        return next((up for up in node.above() if up.kind in FUNCTIONS), None)

    def asynchronous(self, node: N) -> bool:
        """Whether `await` may stand where a node stands."""
        function = self.function(node)
        if function is None:
            return b"await " in self.data
        definition = self.module.definition_of(function)
        return definition is not None and definition.asynchronous

    def own(self, node: N) -> Iterator[N]:
        """A node and all below it, without the functions and classes inside."""
        waiting = [node]
        while waiting:
            current = waiting.pop()
            yield current
            if current is node or (current.kind not in FUNCTIONS and current.kind not in CLASSES):
                waiting.extend(reversed(current.kids))

    def view(self, container: str) -> View | None:
        """A class by its name, as the front end names it."""
        for view in self.classes.views:
            if container in (view.name, view.definition.symbol if view.definition is not None else ""):
                return view
        return None

    # Names

    def mentions(self, name: str, within: N) -> list[N]:
        """Where a plain name is read or set below a node (not as a member of something else)."""
        return [
            node
            for node in within.walk()
            if node.kind
            in ("identifier", "shorthand_property_identifier", "shorthand_property_identifier_pattern")
            and self.text(node) == name
        ]

    def fresh(self, near: N, *wanted: str) -> str:
        """The first of these names that nothing in the function around (or the file) has; else one with a number."""
        function = self.function(near) or self.root
        taken = {
            found.decode() for found in _WORD.findall(self.data[function.start : function.end])
        } | _RESERVED
        for name in wanted:
            if name not in taken:
                return name
        number = 2
        while f"{wanted[-1]}{number}" in taken:
            number += 1
        return f"{wanted[-1]}{number}"

    def declared(self, rows: Sequence[N]) -> set[str]:
        """The names that rows declare for what stands behind them."""
        found: set[str] = set()
        for row in rows:
            for kid in row.kids if row.kind in ("lexical_declaration", "variable_declaration") else ():
                if kid.kind == "variable_declarator" and row.kind == "lexical_declaration":
                    found |= {self.text(name) for name in names_in(kid.kids[0])}
            if row.kind in ("function_declaration", "generator_function_declaration", *CLASSES) and row.kids:
                found.add(self.text(row.kids[0]))
        return found

    def names_of(self, function: N) -> set[str]:
        """The names that a function declares: its parameters and the locals of its own code."""
        found: set[str] = set()
        for node in self.own(function):
            if node.kind in ("formal_parameters", "variable_declarator", "for_in_statement", "catch_clause"):
                parts = node.kids if node.kind == "formal_parameters" else node.kids[:1]
                found |= {self.text(name) for part in parts for name in names_in(part)}
        return found

    # Edits

    def after(self, row: N, lines: Sequence[str]) -> Edit:
        """Lines behind a row, at its indentation, behind the comment at the end of its line."""
        if not self.last_on_line(row.end):
            block = row.up
            if (
                block is not None
                and block.kind == "statement_block"
                and self.line_start(block.start) <= row.start
            ):
                rows = self.rows(block)
                behind = rows.index(row) + 1
                if self.line_end(block.start) >= block.end:
                    return self._unfolded(block, rows[:behind], lines, rows[behind:])
            return Edit(row.end, row.end, "".join(f" {self.shown(line.lstrip())}" for line in lines))
        end = self.line_end(row.end)
        blanks = self.indentation(row.start)
        return Edit(end, end, "".join(f"{self.newline}{blanks}{self.shown(line)}" for line in lines))

    def before(self, row: N, lines: Sequence[str]) -> Edit:
        """Lines before a row, at its indentation."""
        at = row.start
        if not self.first_on_line(at):
            return Edit(at, at, "".join(f"{self.shown(line.lstrip())} " for line in lines))
        blanks = self.indentation(at)
        first, *others = [self.shown(line) for line in lines]
        rest = "".join(f"{blanks}{line}{self.newline}" for line in others)
        return Edit(at, at, f"{first}{self.newline}{rest}{blanks}")

    def at_start(self, block: N, lines: Sequence[str]) -> Edit:
        """Lines at the start of a block in braces."""
        return self._inside(block, lines, self.line_end(block.start), block.start + 1)

    def at_end(self, block: N, lines: Sequence[str]) -> Edit:
        """Lines at the end of a block in braces."""
        rows = self.rows(block)
        if rows and self.last_on_line(rows[-1].end):
            close = self.line_start(block.end - 1)
            if self.first_on_line(block.end - 1):
                blanks = self.indentation(rows[0].start)
                shown = "".join(f"{blanks}{self.shown(line)}{self.newline}" for line in lines)
                return Edit(close, close, shown)
            return self.after(rows[-1], lines)
        if rows:
            return self._unfolded(block, rows, lines)
        return self._inside(block, lines, self.line_end(block.start), block.start + 1)

    def _inside(self, block: N, lines: Sequence[str], end: int, opened: int) -> Edit:
        rows = self.rows(block)
        if rows and self.line_start(rows[0].start) == self.line_start(block.start):
            return self.before(rows[0], lines)
        blanks = self.indentation(rows[0].start) if rows else self.indentation(block.start) + self.unit
        shown = "".join(f"{self.newline}{blanks}{self.shown(line)}" for line in lines)
        if not rows and self.line_start(block.end - 1) == self.line_start(block.start):
            return Edit(opened, block.end - 1, f"{shown}{self.newline}{self.indentation(block.start)}")
        return Edit(end, end, shown)

    def _unfolded(self, block: N, rows: Sequence[N], lines: Sequence[str], behind: Sequence[N] = ()) -> Edit:
        """A block on one line, spread over several."""
        blanks = self.indentation(block.start)
        first, last = ([self.slice(row.start, row.end) for row in some] for some in (rows, behind))
        every = [*first, *map(self.shown, lines), *last]
        shown = "".join(f"{self.newline}{blanks}{self.unit}{line}" for line in every)
        return Edit(block.start + 1, block.end - 1, f"{shown}{self.newline}{blanks}")

    def under(self, row: N, test: str) -> tuple[Edit, ...]:
        """A row under a condition: one step further in, in braces."""
        blanks, nl = self.indentation(row.start), self.newline
        at = self.line_end(row.start) + len(nl)
        edits = [Edit(row.start, row.start, f"if ({test}) {{{nl}{blanks}{self.unit}")]
        while at < row.end:
            if self.data[at : self.line_end(at)].strip():
                edits.append(Edit(at, at, self.unit))
            at = self.line_end(at) + len(nl)
        end = self.line_end(row.end)
        return (*edits, Edit(end, end, f"{nl}{blanks}}}"))

    def without(self, row: N) -> Edit:
        """The edit that takes a row out, with its line where nothing else stands on it."""
        if not self.first_on_line(row.start) or self.data[row.end : self.line_end(row.end)].strip():
            first, last = row.start, row.end
            while self.data[last : last + 1] == b" ":
                last += 1
            return Edit(first, last, "")
        start, end = self.line_start(row.start), self.line_end(row.end)
        behind = end + (2 if self.data[end : end + 2] == b"\r\n" else 1)
        before = self.data[:start].rstrip(b" \t\r\n")
        gap = self.data[len(before) : start].count(b"\n") > 1
        following = self.data[behind : self.line_end(behind)].strip()
        if gap and (not following or following.startswith(b"}")):
            start = len(before) + (2 if self.data[len(before) : len(before) + 2] == b"\r\n" else 1)
        return Edit(start, min(behind, len(self.data)), "")

    def braced(self, body: N, lines: Sequence[str]) -> Edit:
        """The body of an `if` or a loop that is no block becomes one of these lines."""
        head = next((up for up in body.above() if up.kind.endswith("_statement")), body)
        blanks = self.indentation(head.start)
        shown = "".join(f"{self.newline}{blanks}{self.unit}{self.shown(line)}" for line in lines)
        start = len(self.data[: body.start].rstrip())
        return Edit(start, body.end, f" {{{shown}{self.newline}{blanks}}}")


def _module(data: bytes) -> Module:
    """The file read by the grammar that has the least to say against it."""
    found: list[tuple[int, int, Module]] = []
    for grammar in ("typescript", "tsx", "javascript"):
        module = Module(data, "", grammar)
        if not module.has_error:
            return module
        found.append((sum(node.kind == "ERROR" for node in module.tree.walk()), len(found), module))
    return min(found)[2]
