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

import builtins
import keyword
import re
import sys
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property, lru_cache

import libcst as cst
from libcst.metadata import ByteSpanPositionProvider, CodeSpan, MetadataWrapper

from repairbot.model import Edit, Span

BOM = b"\xef\xbb\xbf"

Small = cst.BaseSmallStatement
Compound = cst.BaseCompoundStatement
Row = cst.SimpleStatementLine | cst.BaseCompoundStatement
Suite = cst.Module | cst.IndentedBlock | cst.SimpleStatementSuite
Scope = cst.FunctionDef | cst.Lambda | cst.ClassDef | cst.Module

FUNCTIONS = (cst.FunctionDef, cst.Lambda)
COMPREHENSIONS = (cst.ListComp, cst.SetComp, cst.DictComp, cst.GeneratorExp)

_TRIVIA = re.compile(
    r"whitespace|leading_lines|lines_after|footer|header|indent|newline|semicolon|^comma$|^lpar|^rpar"
)
_LINE_END = re.compile(rb"\r\n|\r|\n")


@lru_cache(maxsize=256)
def _fields(kind: type[cst.CSTNode]) -> tuple[str, ...]:
    return tuple(name for name in kind.__dataclass_fields__ if not _TRIVIA.search(name))


def children(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    """The nodes right below this one, in the order of the grammar; blanks, comments and brackets left out."""
    for name in _fields(type(node)):
        value = getattr(node, name)
        if isinstance(value, cst.CSTNode):
            yield value
        elif isinstance(value, (list, tuple)):
            yield from (item for item in value if isinstance(item, cst.CSTNode))


def walk(node: cst.CSTNode, *, into_functions: bool = True) -> Iterator[cst.CSTNode]:
    """This node and all below it. Without `into_functions` nested functions, lambdas and classes are only named."""
    stack = [node]
    while stack:
        current = stack.pop()
        yield current
        if not into_functions and current is not node and isinstance(current, (*FUNCTIONS, cst.ClassDef)):
            continue
        stack.extend(reversed(list(children(current))))


class Source:
    """One file: its bytes, its tree, and where every node stands. Raises cst.ParserSyntaxError."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self._shift = len(BOM) if data.startswith(BOM) else 0
        tree = cst.parse_module(data[self._shift :].decode("utf-8"))
        wrapper = MetadataWrapper(tree, unsafe_skip_copy=True)
        self.module: cst.Module = wrapper.module
        self._spans = wrapper.resolve(ByteSpanPositionProvider)
        self.parents: dict[cst.CSTNode, cst.CSTNode] = {}
        for node in walk(self.module):
            for child in children(node):
                self.parents[child] = node

    # Places

    def start(self, node: cst.CSTNode) -> int:
        """The node's first byte; a decorated function or class starts with its first decorator."""
        if isinstance(node, (cst.FunctionDef, cst.ClassDef)) and node.decorators:
            node = node.decorators[0]
        return self._code(node).start + self._shift

    def end(self, node: cst.CSTNode) -> int:
        """The first byte that no longer belongs to the node."""
        code = self._code(node)
        return code.start + code.length + self._shift

    def outer_start(self, node: cst.BaseExpression) -> int:
        """The first byte of an expression with its parentheses."""
        return self._code(node.lpar[0]).start + self._shift if node.lpar else self.start(node)

    def outer_end(self, node: cst.BaseExpression) -> int:
        """The end of an expression with its parentheses."""
        if not node.rpar:
            return self.end(node)
        code = self._code(node.rpar[-1])
        return code.start + code.length + self._shift

    def _code(self, node: cst.CSTNode) -> CodeSpan:
        return self._spans[node]

    def text(self, node: cst.CSTNode) -> str:
        """The node as it is written, without its outer parentheses."""
        return self.slice(self.start(node), self.end(node))

    def slice(self, start: int, end: int) -> str:
        """The source between two offsets."""
        return self.data[start:end].decode("utf-8")

    @cached_property
    def line_starts(self) -> list[int]:
        """The offset of every physical line; lines end with LF, CRLF or CR."""
        return [0, *(match.end() for match in _LINE_END.finditer(self.data))]

    def line_number(self, offset: int) -> int:
        """The line of an offset, from 1."""
        return bisect_right(self.line_starts, offset)

    def line_start(self, offset: int) -> int:
        """The first byte of the physical line of an offset."""
        start = self.line_starts[self.line_number(offset) - 1]
        return self._shift if start == 0 else start

    def line_end(self, offset: int) -> int:
        """The first byte behind the physical line of an offset, its line end included."""
        number = self.line_number(offset)
        return self.line_starts[number] if number < len(self.line_starts) else len(self.data)

    def line_text(self, offset: int) -> str:
        """The physical line of an offset without its line end."""
        return self.slice(self.line_start(offset), self.line_end(offset)).rstrip("\r\n")

    @cached_property
    def newline(self) -> str:
        """The line end that this file uses."""
        return self.module.default_newline

    @cached_property
    def unit(self) -> str:
        """One step of indentation in this file."""
        return self.module.default_indent

    def indentation(self, node: cst.CSTNode) -> str:
        """The blanks before the row that this node stands in (or starts)."""
        row = self.row(node)
        line = self.line_text(self.start(row if row is not None else node))
        return line[: len(line) - len(line.lstrip())]

    # Nodes

    @cached_property
    def statements(self) -> list[Small | Compound]:
        """All small and compound statements."""
        return [node for node in self._all if isinstance(node, (Small, Compound))]

    @cached_property
    def expressions(self) -> list[cst.BaseExpression]:
        """All expressions."""
        return [node for node in self._all if isinstance(node, cst.BaseExpression)]

    @cached_property
    def _all(self) -> list[cst.CSTNode]:
        return [self.module, *self.parents]

    def statement(self, span: Span) -> Small | Compound | None:
        """The smallest statement around a span. Statements on one line, parted by semicolons, are told apart."""
        around = [
            node for node in self.statements if self.start(node) <= span.start and self.end(node) >= span.end
        ]
        return min(around, key=lambda node: self.end(node) - self.start(node), default=None)

    def expression(self, span: Span) -> cst.BaseExpression | None:
        """The expression at a span, with or without its parentheses; else the smallest around it."""
        best: cst.BaseExpression | None = None
        size = sys.maxsize
        for node in self.expressions:
            start, end = self.start(node), self.end(node)
            if node.lpar and (self.outer_start(node), self.outer_end(node)) == (span.start, span.end):
                return node
            if start <= span.start and end >= span.end and end - start < size:
                best, size = node, end - start
        return best

    def parent(self, node: cst.CSTNode) -> cst.CSTNode | None:
        """The node right above, None above the module."""
        return self.parents.get(node)

    def ancestors(self, node: cst.CSTNode) -> Iterator[cst.CSTNode]:
        """All nodes above, the nearest first."""
        current = self.parents.get(node)
        while current is not None:
            yield current
            current = self.parents.get(current)

    def row(self, node: cst.CSTNode) -> Row | None:
        """The line or compound statement around this node that stands in a block of its own lines.

        None inside a one-line suite (`if x: return`).
        """
        for current in (node, *self.ancestors(node)):
            parent = self.parents.get(current)
            if isinstance(current, (cst.SimpleStatementLine, Compound)) and isinstance(
                parent, (cst.IndentedBlock, cst.Module)
            ):
                return current
            if isinstance(current, cst.SimpleStatementSuite):
                return None
        return None

    def statement_of(self, node: cst.CSTNode) -> Small | Compound | None:
        """The smallest statement around a node (or the node itself)."""
        for current in (node, *self.ancestors(node)):
            if isinstance(current, (Small, Compound)):
                return current
        return None

    def rows(self, row: Row) -> Sequence[Row]:
        """The rows of the block that a row stands in."""
        block = self.parents[row]
        body = block.body if isinstance(block, (cst.IndentedBlock, cst.Module)) else ()
        return [item for item in body if isinstance(item, (cst.SimpleStatementLine, Compound))]

    def function(self, node: cst.CSTNode) -> cst.FunctionDef | None:
        """The innermost `def` around a node."""
        return next((item for item in self.ancestors(node) if isinstance(item, cst.FunctionDef)), None)

    def class_around(self, node: cst.CSTNode) -> cst.ClassDef | None:
        """The innermost class around a node, functions looked through."""
        return next((item for item in self.ancestors(node) if isinstance(item, cst.ClassDef)), None)

    def scope(self, node: cst.CSTNode) -> cst.FunctionDef | cst.Module:
        """Where a name assigned at this node lives: the innermost `def`, else the module."""
        return self.function(node) or self.module

    def find_class(self, name: str) -> cst.ClassDef | None:
        """A class by its dotted path within the file ("Pool", "outer.Inner")."""
        return next(
            (node for node in self._all if isinstance(node, cst.ClassDef) and self.symbol(node) == name), None
        )

    def find_function(self, symbol: str) -> cst.FunctionDef | None:
        """A function by its dotted path ("Pool.close"); the last one of that name, as Python takes it."""
        found = [
            node for node in self._all if isinstance(node, cst.FunctionDef) and self.symbol(node) == symbol
        ]
        return max(found, key=self.start, default=None)

    def symbol(self, node: cst.FunctionDef | cst.ClassDef) -> str:
        """The dotted path of a function or class within the file."""
        around = [
            item.name.value
            for item in self.ancestors(node)
            if isinstance(item, (cst.FunctionDef, cst.ClassDef))
        ]
        return ".".join([*reversed(around), node.name.value])

    # Names

    def is_reference(self, name: cst.Name) -> bool:
        """Whether this name is a variable (read, written or bound), not an attribute, keyword or import path."""
        parent = self.parents.get(name)
        if isinstance(parent, cst.Attribute):
            return parent.value is name
        if isinstance(parent, cst.Arg):
            return parent.value is name
        return not isinstance(parent, (cst.ImportAlias, cst.ImportFrom, cst.NameItem))

    def mentions(self, name: str, within: cst.CSTNode | Iterable[cst.CSTNode]) -> list[cst.Name]:
        """Every reference to a variable of this name below the node(s), nested functions included."""
        nodes = [within] if isinstance(within, cst.CSTNode) else within
        return [
            item
            for node in nodes
            for item in walk(node)
            if isinstance(item, cst.Name) and item.value == name and self.is_reference(item)
        ]

    def is_store(self, name: cst.Name) -> bool:
        """Whether this reference binds or deletes the name (a target, a loop variable, `as`, `del`, `global`)."""
        node: cst.CSTNode = name
        parent = self.parents.get(node)
        while isinstance(parent, (cst.Element, cst.StarredElement, cst.Tuple, cst.List)):
            node, parent = parent, self.parents.get(parent)
        match parent:
            case cst.AssignTarget() | cst.AsName() | cst.Del() | cst.NameItem() | cst.Param():
                return not isinstance(parent, cst.Param) or parent.name is name
            case cst.AnnAssign() | cst.AugAssign() | cst.NamedExpr() | cst.For() | cst.CompFor():
                return parent.target is node
            case cst.FunctionDef() | cst.ClassDef():
                return parent.name is name
        return False

    @cached_property
    def names(self) -> frozenset[str]:
        """Every identifier in the file, whatever it stands for."""
        return frozenset(node.value for node in self._all if isinstance(node, cst.Name))

    def fresh(self, wanted: str, near: cst.CSTNode | None = None) -> str:
        """`wanted`, or with a number behind it, so that it collides with nothing.

        With `near`: nothing in the scope around that node, no name of the module and no builtin; without it,
        no identifier of the whole file.
        """
        taken = self.names if near is None else self._taken(near)
        name, number = wanted, 2
        while name in taken or hasattr(builtins, name) or keyword.iskeyword(name):
            name, number = f"{wanted}_{number}", number + 1
        return name

    def _taken(self, near: cst.CSTNode) -> set[str]:
        scopes = [self.module, *(node for node in self.ancestors(near) if isinstance(node, cst.FunctionDef))]
        innermost = scopes[1] if len(scopes) > 1 else self.module
        taken = {
            node.value for node in walk(innermost) if isinstance(node, cst.Name) and self.is_reference(node)
        }
        for scope in scopes:
            for node in walk(scope, into_functions=False):
                if isinstance(node, cst.Name) and (self.is_store(node) or isinstance(scope, cst.Module)):
                    taken.add(node.value)
        return taken

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
        body = suite.body if isinstance(suite, (cst.SimpleStatementLine, cst.SimpleStatementSuite)) else ()
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
        line = line.strip()
        if not line:
            return []
        match = re.fullmatch(r"from (\S+) import (\w+)", line)
        if match and match[2] not in self.names:
            return self.import_name(match[1], match[2])[1]
        wanted = cst.parse_statement(line)
        for item in self.imports:
            text = self.text(item)
            if text == line:
                return []
            if match and isinstance(item, cst.ImportFrom) and self._module_of(item) == match[1]:
                names = () if isinstance(item.names, cst.ImportStar) else item.names
                if any(self.text(alias.name) == match[2] and alias.asname is None for alias in names):
                    return []
            if isinstance(item, cst.Import) and isinstance(wanted, cst.SimpleStatementLine):
                if any(f"import {self.text(alias).rstrip(', ')}" == line for alias in item.names):
                    return []
        if match:
            for item in self.imports:
                if (
                    isinstance(item, cst.ImportFrom)
                    and self._module_of(item) == match[1]
                    and not isinstance(item.names, cst.ImportStar)
                    and self.line_number(self.start(item)) == self.line_number(self.end(item))
                ):
                    return [self._extend(item, match[2])]
        return self._new_import(line)

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
def parse(data: bytes) -> Source:
    """The parsed file; the last few are kept, since a file's findings are repaired one after the other."""
    return Source(data)
