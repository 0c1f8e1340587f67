"""One parsed Python file as a repair wants it: libcst to understand, byte edits to write.

A repair finds its nodes by span, reasons on the concrete syntax tree, and answers with byte edits against the
original, so that whatever it does not speak of stays as it is, to the byte. Offsets count bytes of the UTF-8
source (a byte-order mark included).

    source.statement(intent.at)            the smallest statement around a span
    source.expression(intent.at)           the smallest expression around it
    source.row(node)                       the line or compound statement that stands in a block
    insert_before / insert_after           whole lines before or behind a statement, at its indentation
    indent / dedent                        move lines in or out, multi-line strings left alone
    import_name / ensure_import            an import in the right place, or the name that is there already
    fresh                                  a name that collides with nothing
"""

from __future__ import annotations

import re
import sys
from functools import cached_property, lru_cache

import libcst as cst

from repairbot.languages.python.repairs._tree import (
    COMPREHENSIONS,
    FUNCTIONS,
    Compound,
    Row,
    Small,
    Tree,
    children,
    walk,
)
from repairbot.model import Edit

__all__ = ["COMPREHENSIONS", "FUNCTIONS", "Compound", "Row", "Small", "Source", "children", "parse", "walk"]


class Source(Tree):
    """One file: what `Tree` knows of it, and the edits that rewrite its lines and imports."""

    # Lines

    @cached_property
    def _inside_strings(self) -> frozenset[int]:
        """The start offsets of physical lines that begin inside a string."""
        kept: set[int] = set()
        for node in self._all:
            if isinstance(node, (cst.SimpleString, cst.FormattedString)):
                first, last = self.line_number(self.start(node)), self.line_number(self.end(node))
                kept.update(self.line_starts[first:last])
        return frozenset(kept)

    def lines(self, start: int, end: int) -> list[int]:
        """The start offsets of the physical lines that begin in `start..end`."""
        return [
            self.line_start(offset) if offset == 0 else offset
            for offset in self.line_starts
            if start <= offset < end
        ]

    def inside_string(self, line: int) -> bool:
        """Whether the physical line that begins here begins inside a string."""
        return line in self._inside_strings

    def indent(self, start: int, end: int, by: str | None = None) -> list[Edit]:
        """Move the lines that begin in `start..end` in by one unit. Blank lines and the inside of multi-line
        strings stay as they are; comments move along."""
        by = self.unit if by is None else by
        return [
            Edit(offset, offset, by)
            for offset in self.lines(start, end)
            if offset not in self._inside_strings and self.line_text(offset).strip()
        ]

    def dedent(self, start: int, end: int, by: str | None = None) -> list[Edit]:
        """Move the lines that begin in `start..end` out by one unit, as far as they have one."""
        by = self.unit if by is None else by
        edits: list[Edit] = []
        for offset in self.lines(start, end):
            line = self.line_text(offset)
            if offset in self._inside_strings or not line.strip():
                continue
            cut = by if line.startswith(by) else line[: len(line) - len(line.lstrip())]
            if cut:
                edits.append(Edit(offset, offset + len(cut), ""))
        return edits

    def block_end(self, row: Row) -> int:
        """The first byte behind a row's last line, with the deeper comments that close its inner blocks."""
        end = self.line_end(max(self.start(row), self.end(row) - 1))
        margin = len(self.indentation(row).expandtabs())
        taken = end
        while end < len(self.data):
            line = self.line_text(end)
            depth = len(line.expandtabs()) - len(line.expandtabs().lstrip())
            if line.strip() and not (line.lstrip().startswith("#") and depth > margin):
                break
            end = self.line_end(end)
            if line.strip():
                taken = end
        return taken if isinstance(row, Compound) else self.line_end(max(self.start(row), self.end(row) - 1))

    def lay_out(self, lines: str, indentation: str) -> str:
        """Lines written at no indentation, laid out at one, each with the file's line end."""
        return "".join(
            (indentation + line if line.strip() else "") + self.newline
            for line in lines.replace("\t", self.unit).expandtabs(4).splitlines()
        )

    def insert_before(self, statement: Small | Compound, lines: str) -> list[Edit]:
        """Put whole statements (unindented lines) before a statement, at its indentation.

        A one-line suite (`if x: return`) is opened up; `a; b` is parted at `b`.
        """
        row, start = self.row(statement), self.start(statement)
        if row is not None and self.start(row) == start:
            place = self.line_start(start)
            return [Edit(place, place, self.lay_out(lines, self.indentation(row)))]
        suite = self.parents[statement]
        if isinstance(suite, cst.SimpleStatementSuite) and suite.body[0] is not statement:
            return self._part(suite.body[0], "") + self._part(statement, lines)
        return self._part(statement, lines)

    def _part(self, statement: Small | Compound, lines: str) -> list[Edit]:
        """Insert before a statement that does not start its line."""
        start = self.start(statement)
        suite = self.parents[statement]
        indentation = self.indentation_inside(suite)
        before = self.data[:start]
        place = len(before.rstrip(b" \t"))
        if before[:place].endswith(b";"):
            place -= 1
            place = len(before[:place].rstrip(b" \t"))
        return [Edit(place, start, self.newline + self.lay_out(lines, indentation) + indentation)]

    def indentation_inside(self, suite: cst.CSTNode) -> str:
        """The indentation of the statements of a block or of a one-line suite once it is opened up."""
        if isinstance(suite, cst.SimpleStatementSuite):
            owner = self.parents[suite]
            while not isinstance(owner, Compound):
                owner = self.parents[owner]
            return self.indentation(owner) + self.unit
        return self.indentation(suite)

    def insert_after(self, statement: Small | Compound, lines: str) -> list[Edit]:
        """Put whole statements (unindented lines) behind a statement, at its indentation."""
        row = self.row(statement)
        if row is not None and self.last_of_row(row) is statement:
            place = self.block_end(row)
            text = self.lay_out(lines, self.indentation(row))
            if place == len(self.data) and not self.data.endswith((b"\n", b"\r")):
                text = self.newline + text[: -len(self.newline)]
            return [Edit(place, place, text)]
        suite = self.parents[statement]
        assert isinstance(suite, (cst.SimpleStatementLine, cst.SimpleStatementSuite))
        body = suite.body
        index = next((number for number, item in enumerate(body) if item is statement), -1)
        if isinstance(suite, cst.SimpleStatementSuite):
            edits = self._part(body[0], "")
            opened = self.indentation_inside(suite)
            if 0 <= index < len(body) - 1:
                return edits + self._part(body[index + 1], lines)
            place = self.line_end(self.end(statement))
            return [*edits, Edit(place, place, self.lay_out(lines, opened))]
        return self._part(body[index + 1], lines)

    def last_of_row(self, row: Row) -> Small | Compound:
        """The last statement of a line; a compound statement is its own."""
        return row.body[-1] if isinstance(row, cst.SimpleStatementLine) else row

    def alone(self, statement: Small) -> bool:
        """Whether a small statement has its line for itself, in a block of lines."""
        row = self.row(statement)
        return isinstance(row, cst.SimpleStatementLine) and len(row.body) == 1 and row.body[0] is statement

    def remove_row(self, row: Row) -> list[Edit]:
        """Take a row out with its line end. The caller sees to it that its block does not become empty."""
        return [Edit(self.line_start(self.start(row)), self.line_end(self.end(row) - 1), "")]

    def replace(self, node: cst.CSTNode, text: str) -> Edit:
        """Replace a node (without its outer parentheses) by text."""
        return Edit(self.start(node), self.end(node), text)

    def code(self, node: cst.CSTNode) -> str:
        """The code of a node made anew, with this file's indentation and line ends."""
        return self.module.code_for_node(node)

    # Imports

    @cached_property
    def imports(self) -> list[cst.Import | cst.ImportFrom]:
        """The imports that stand in the module itself, in order (not those in `try`, `if` or functions)."""
        return [
            item
            for row in self.module.body
            if isinstance(row, cst.SimpleStatementLine)
            for item in row.body
            if isinstance(item, (cst.Import, cst.ImportFrom))
        ]

    def _module_of(self, item: cst.ImportFrom) -> str:
        name = self.text(item.module) if item.module is not None else ""
        return "." * len(item.relative) + name

    def import_name(self, module: str, name: str) -> tuple[str, list[Edit]]:
        """How to write `module.name` in this file, and the edits that make it importable (none if it is)."""
        for item in self.imports:
            if isinstance(item, cst.Import):
                for alias in item.names:
                    if self.text(alias.name) == module:
                        shown = self.text(alias.asname.name) if alias.asname else module
                        return f"{shown}.{name}", []
            elif self._module_of(item) == module and not isinstance(item.names, cst.ImportStar):
                for alias in item.names:
                    if self.text(alias.name) == name:
                        return (self.text(alias.asname.name) if alias.asname else name), []
        if name in self.names:
            return f"{module}.{name}", self._new_import(f"import {module}")
        for item in self.imports:
            if (
                isinstance(item, cst.ImportFrom)
                and self._module_of(item) == module
                and not isinstance(item.names, cst.ImportStar)
                and self.line_number(self.start(item)) == self.line_number(self.end(item))
            ):
                return name, [self._extend(item, name)]
        return name, self._new_import(f"from {module} import {name}")

    def shown(self, qualified: str) -> str:
        """A dotted name as this file writes it after its imports; as it is where they do not name it."""
        module, _, name = qualified.rpartition(".")
        for item in self.imports if module else ():
            if isinstance(item.names, cst.ImportStar):
                continue
            origin = self._module_of(item) if isinstance(item, cst.ImportFrom) else ""
            for alias in item.names:
                imported = f"{origin}.{self.text(alias.name)}" if origin else self.text(alias.name)
                local = self.text(alias.asname.name) if alias.asname else self.text(alias.name)
                if imported == module:
                    return f"{local}.{name}"
                if origin and imported == qualified:
                    return local
        return qualified

    def _extend(self, item: cst.ImportFrom, name: str) -> Edit:
        """Add a name to `from m import a, b`, in alphabetical place where the others keep one."""
        assert not isinstance(item.names, cst.ImportStar)
        for alias in item.names:
            if self.text(alias.name).lower() > name.lower():
                return Edit(self.start(alias), self.start(alias), f"{name}, ")
        last = item.names[-1]
        place = self.end(last.asname.name) if last.asname else self.end(last.name)
        return Edit(place, place, f", {name}")

    def ensure_import(self, line: str) -> list[Edit]:
        """The edits that make an import line stand at the top; none where it does already or `line` is empty."""
        line = " ".join(line.split())
        if not line or any(line in self._lines_of(item) for item in self.imports):
            return []
        match = re.fullmatch(r"from (\S+) import (\w+)", line)
        if match and match[2] not in self.names:
            return self.import_name(match[1], match[2])[1]
        return self._new_import(line)

    def _lines_of(self, item: cst.Import | cst.ImportFrom) -> set[str]:
        """An import as lines of one name each."""
        if isinstance(item, cst.ImportFrom):
            if isinstance(item.names, cst.ImportStar):
                return set()
            return {f"from {self._module_of(item)} import {self._alias(alias)}" for alias in item.names}
        return {f"import {self._alias(alias)}" for alias in item.names}

    def _alias(self, alias: cst.ImportAlias) -> str:
        name = self.text(alias.name)
        return f"{name} as {self.text(alias.asname.name)}" if alias.asname else name

    def _new_import(self, line: str) -> list[Edit]:
        """Put an import line where a reader looks for it: sorted into the run of standard library imports."""
        rows = list(self.module.body)
        header = 0
        while header < len(rows) and _is_header(rows[header]):
            header += 1
        runs: list[list[cst.SimpleStatementLine]] = []
        for row in rows[header:]:
            if not isinstance(row, cst.SimpleStatementLine) or not isinstance(
                row.body[0], (cst.Import, cst.ImportFrom)
            ):
                break
            blank = any(item.comment is None for item in row.leading_lines)
            if not runs or blank:
                runs.append([])
            runs[-1].append(row)
        text = line + self.newline
        for run in runs:
            if any(self._root(row) in sys.stdlib_module_names for row in run):
                for row in run:
                    if self._rank(row) > _rank(line):
                        place = self.line_start(self.start(row))
                        return [Edit(place, place, text)]
                place = self.line_end(self.end(run[-1]) - 1)
                return [Edit(place, place, text)]
        if runs:
            first = runs[0][0]
            place = self.line_start(self.start(first))
            return [Edit(place, place, text + self.newline)]
        if header:
            place = self.line_end(self.end(rows[header - 1]) - 1)
            return [Edit(place, place, self.newline + text)]
        if not rows:
            return [Edit(len(self.data), len(self.data), text)]
        place = self.line_start(self.start(rows[0]))
        blanks = self.newline * (2 if isinstance(rows[0], (cst.FunctionDef, cst.ClassDef)) else 1)
        return [Edit(place, place, text + blanks)]

    def _root(self, row: cst.SimpleStatementLine) -> str:
        item = row.body[0]
        if isinstance(item, cst.ImportFrom):
            return self._module_of(item).partition(".")[0]
        return self.text(item.names[0].name).partition(".")[0] if isinstance(item, cst.Import) else ""

    def _rank(self, row: cst.SimpleStatementLine) -> tuple[bool, str]:
        return _rank(self.text(row.body[0]))


def _rank(line: str) -> tuple[bool, str]:
    """The order of imports within a run: `import x` before `from x import y`, each by name."""
    words = line.split()
    return words[0] == "from", words[1].rstrip(",").lower()


def _is_header(row: cst.CSTNode) -> bool:
    """Whether a row is the docstring or a `from __future__` import."""
    if not isinstance(row, cst.SimpleStatementLine):
        return False
    item = row.body[0]
    if isinstance(item, cst.Expr):
        return isinstance(item.value, (cst.SimpleString, cst.ConcatenatedString))
    return (
        isinstance(item, cst.ImportFrom)
        and isinstance(item.module, cst.Name)
        and item.module.value == "__future__"
    )


@lru_cache(maxsize=4)
def parse(data: bytes, seen: bytes) -> Source:
    """The file, parsed as far as it is seen; the last few are kept: findings are repaired one after the other."""
    return Source(data, seen)
