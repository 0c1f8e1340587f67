"""The concrete syntax tree of one file: where its nodes stand, how they hang together, which names they use."""

from __future__ import annotations

import builtins
import keyword
import sys
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from functools import cache, cached_property, lru_cache
from types import TracebackType

import libcst as cst
from libcst._nodes.internal import CodegenState

from repairbot.lazily import regex
from repairbot.model import Span

BOM = b"\xef\xbb\xbf"

Small = cst.BaseSmallStatement
Compound = cst.BaseCompoundStatement
Row = cst.SimpleStatementLine | cst.BaseCompoundStatement
Scope = cst.FunctionDef | cst.Lambda | cst.ClassDef | cst.Module

FUNCTIONS = (cst.FunctionDef, cst.Lambda)
COMPREHENSIONS = (cst.ListComp, cst.SetComp, cst.DictComp, cst.GeneratorExp)

_NODE = (cst.CSTNode,)
_TRIVIA = regex(
    r"whitespace|leading_lines|lines_after|footer|header|indent|newline|semicolon|^comma$|^lpar|^rpar"
)
_BETWEEN = (
    cst.BaseParenthesizableWhitespace,
    cst.TrailingWhitespace,
    cst.EmptyLine,
    cst.Newline,
    cst.Comment,
    cst.Comma,
    cst.Semicolon,
    cst.LeftParen,
    cst.RightParen,
)
"""The nodes of the fields that `_TRIVIA` names."""
_WORD = regex(r"[^\W\d]\w*")
_LINE_END = regex(rb"\r\n|\r|\n")


@lru_cache(maxsize=256)
def _fields(kind: type[cst.CSTNode]) -> tuple[str, ...]:
    return tuple(name for name in kind.__dataclass_fields__ if not _TRIVIA.search(name))


@cache
def _is(kind: type, wanted: tuple[type, ...]) -> bool:
    """Whether a type of nodes is one of these. libcst's are abstract: asking an object costs five times as much."""
    return issubclass(kind, wanted)


def children(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    """The nodes right below this one, in the order of the grammar; blanks, comments and brackets left out."""
    for name in _fields(type(node)):
        value = getattr(node, name)
        if isinstance(value, (list, tuple)):
            yield from (item for item in value if _is(type(item), _NODE))  # type: ignore[arg-type]
        elif _is(type(value), _NODE):  # type: ignore[arg-type]
            yield value


def walk(node: cst.CSTNode, *, into_functions: bool = True) -> Iterator[cst.CSTNode]:
    """This node and all below it. Without `into_functions` nested functions, lambdas and classes are only named."""
    stack = [node]
    while stack:
        current = stack.pop()
        yield current
        if not into_functions and current is not node and isinstance(current, (*FUNCTIONS, cst.ClassDef)):
            continue
        stack.extend(reversed(list(children(current))))


class _Places(CodegenState):
    """Where every node stands and what stands above it, noted while libcst writes the tree out.

    libcst's own provider of byte spans does this at three times the price, and without the parents.
    """

    def __init__(self, module: cst.Module) -> None:
        super().__init__(module.default_indent, module.default_newline)
        self.spans: dict[int, tuple[int, int]] = {}
        """The first byte of a node and the first behind it, blanks around it left out, by the id of the node."""
        self.parents: dict[cst.CSTNode, cst.CSTNode] = {}
        """Without blanks, comments and brackets; a parent stands before its children."""
        self.position = 0
        self._around: list[tuple[cst.CSTNode, int]] = []

    def add_indent_tokens(self) -> None:
        super().add_indent_tokens()
        self.position += sum(map(len, self.indent_tokens))  # blanks: a byte each

    def add_token(self, value: str) -> None:
        self.tokens.append(value)
        self.position += len(value) if value.isascii() else len(value.encode())

    def before_codegen(self, node: cst.CSTNode) -> None:
        around = self._around
        if around and not _is(type(node), _BETWEEN):
            self.parents[node] = around[-1][0]
        around.append((node, self.position))

    def after_codegen(self, node: cst.CSTNode) -> None:
        start = self._around.pop()[1]
        self.spans.setdefault(id(node), (start, self.position))

    def record_syntactic_position(  # type: ignore[override]  # libcst only enters and leaves it
        self,
        node: cst.CSTNode,
        *,
        start_node: cst.CSTNode | None = None,
        end_node: cst.CSTNode | None = None,
    ) -> AbstractContextManager[None]:
        """libcst calls it around the part of a node that is not blank."""
        return _Part(self, node, start_node, end_node)


class _Part:
    """Notes what is written while it is open as the span of a node."""

    __slots__ = ("first", "last", "node", "places", "start")

    def __init__(
        self, places: _Places, node: cst.CSTNode, first: cst.CSTNode | None, last: cst.CSTNode | None
    ) -> None:
        self.places, self.node, self.first, self.last = places, node, first, last

    def __enter__(self) -> None:
        self.start = self.places.position

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None
    ) -> None:
        spans = self.places.spans
        start = spans[id(self.first)][0] if self.first is not None else self.start
        end = spans[id(self.last)][1] if self.last is not None else self.places.position
        spans[id(self.node)] = (start, end)


class Tree:
    """One file: its bytes, its tree, and where every node stands. Raises cst.ParserSyntaxError."""

    def __init__(self, data: bytes, seen: bytes = b"") -> None:
        """`seen`: the same bytes with what need not be looked at blanked (see `_sight`); the tree is that one's."""
        self.data = data
        self._shift = len(BOM) if data.startswith(BOM) else 0
        tree = cst.parse_module((seen or data)[self._shift :].decode("utf-8"))
        self.module: cst.Module = tree
        places = _Places(tree)
        tree._codegen(places)
        self._spans = places.spans
        self.parents = places.parents

    # Places

    def start(self, node: cst.CSTNode) -> int:
        """The node's first byte; a decorated function or class starts with its first decorator."""
        if isinstance(node, (cst.FunctionDef, cst.ClassDef)) and node.decorators:
            node = node.decorators[0]
        return self._spans[id(node)][0] + self._shift

    def end(self, node: cst.CSTNode) -> int:
        """The first byte that no longer belongs to the node."""
        return self._spans[id(node)][1] + self._shift

    def outer_start(self, node: cst.BaseExpression) -> int:
        """The first byte of an expression with its parentheses."""
        return self._spans[id(node.lpar[0])][0] + self._shift if node.lpar else self.start(node)

    def outer_end(self, node: cst.BaseExpression) -> int:
        """The end of an expression with its parentheses."""
        return self._spans[id(node.rpar[-1])][1] + self._shift if node.rpar else self.end(node)

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
        return [node for node in self._all if _is(type(node), (Small, Compound))]  # type: ignore[misc]

    @cached_property
    def expressions(self) -> list[cst.BaseExpression]:
        """All expressions."""
        return [node for node in self._all if _is(type(node), (cst.BaseExpression,))]  # type: ignore[misc]

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
        """Every word in the file, whatever it stands for."""
        return frozenset(_WORD.findall(self.data.decode("utf-8")))

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
        for row in self.module.body:
            if isinstance(row, cst.SimpleStatementLine) and isinstance(row.body[0], cst.ImportFrom):
                taken.update(_WORD.findall(self.text(row.body[0])))  # its tree may show the first name alone
        for scope in scopes:
            for node in walk(scope, into_functions=False):
                if isinstance(node, cst.Name) and (self.is_store(node) or isinstance(scope, cst.Module)):
                    taken.add(node.value)
        return taken
