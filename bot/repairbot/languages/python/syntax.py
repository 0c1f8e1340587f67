"""One parsed Python file, as the lowering wants it: definitions, imports, mentions, spans.

Everything is looked up by the parser's own C code or by a regular expression over the bytes; nobody walks all
nodes in Python. The source is UTF-8 here (examine.py transcodes the others).
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import field
from functools import cache, cached_property, lru_cache
from typing import Literal

from tree_sitter import Language, Node, Parser, Query, QueryCursor, Tree

from repairbot.languages.grammar import binding
from repairbot.lazily import dataclass, regex
from repairbot.model import Span

LANGUAGE = Language(binding("tree_sitter_python").language())

APART = (
    bytes(byte if chr(byte).isalnum() or byte == ord("_") else ord(" ") for byte in range(128)) + b" " * 128
)
"""For bytes.translate: what is in no word becomes a blank."""


@lru_cache(maxsize=2)
def parsed(source: bytes) -> Tree:
    """The syntax tree of a source; the last two are kept: a file is read, repaired, and read again."""
    return Parser(LANGUAGE).parse(source)


@cache
def query(text: str) -> Query:
    """A compiled tree-sitter query; the same text is compiled once."""
    return Query(LANGUAGE, text)


def captures(text: str, node: Node) -> dict[str, list[Node]]:
    """All captures of a query below a node, by capture name, in the order of the source."""
    return QueryCursor(query(text)).captures(node)


def span(node: Node) -> Span:
    """A node's place. Columns count bytes from 1."""
    row, column = node.start_point
    return Span(node.start_byte, node.end_byte, row + 1, node.end_point[0] + 1, column + 1)


def text(node: Node | None) -> str:
    """A node's source text, "" for None."""
    return (node.text or b"").decode("utf-8", "replace") if node is not None else ""


def dotted(node: Node | None) -> str:
    """`a.b.c` of a chain of names and attributes; "" for anything else.

    Calls and subscripts inside the chain keep their shape without arguments: `a().b`, `a[].b`.
    """
    if node is None:
        return ""
    kind = node.type
    if kind == "identifier":
        return text(node)
    if kind == "attribute":
        head = dotted(node.child_by_field_name("object"))
        return f"{head}.{text(node.child_by_field_name('attribute'))}" if head else ""
    if kind == "call":
        head = dotted(node.child_by_field_name("function"))
        return f"{head}()" if head else ""
    if kind == "subscript":
        head = dotted(node.child_by_field_name("value"))
        return f"{head}[]" if head else ""
    if kind == "parenthesized_expression" and node.named_child_count == 1:
        return dotted(node.named_children[0])
    if kind == "await":
        return dotted(node.named_children[0]) if node.named_children else ""
    return ""


def statement_of(node: Node) -> Node:
    """The whole simple or compound statement that a node stands in (a child of a block or of the module)."""
    current = node
    while (parent := current.parent) is not None and parent.type not in ("block", "module"):
        current = parent
    return current


@dataclass(slots=True)
class Definition:
    """A function or a class. `symbol` is its dotted path within the file ("Pool.take", "outer.inner")."""

    kind: Literal["function", "class"]
    node: Node
    name: str
    symbol: str
    start: int
    end: int
    parent: Definition | None = None
    children: list[Definition] = field(default_factory=list)

    @property
    def body(self) -> Node | None:
        """Its block of statements."""
        return self.node.child_by_field_name("body")

    @property
    def owner(self) -> Definition | None:
        """The class it is a direct method of."""
        return self.parent if self.parent is not None and self.parent.kind == "class" else None

    @property
    def asynchronous(self) -> bool:
        """Whether it is an `async def`."""
        first = self.node.child(0)
        return first is not None and first.type == "async"

    @property
    def decorators(self) -> list[Node]:
        """The decorator expressions (without the @), outermost first."""
        outer = self.node.parent
        if outer is None or outer.type != "decorated_definition":
            return []
        return [child.named_children[0] for child in outer.children if child.type == "decorator"]

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of its parameters in order, stars left out."""
        names: list[str] = []
        node = self.node.child_by_field_name("parameters")
        for child in node.named_children if node is not None else ():
            target: Node | None = child
            while target is not None and target.type != "identifier":
                name = target.child_by_field_name("name")
                target = (
                    name
                    if name is not None
                    else (target.named_children[0] if target.named_children else None)
                )
            if target is not None:
                names.append(text(target))
        return tuple(names)


@lru_cache(maxsize=4)
def words_of(source: bytes) -> frozenset[bytes]:
    """Every word in a source, comments and strings included; numbers are among them."""
    return frozenset(source.translate(APART).split())  # takes half as long as a regular expression


# Each begins with letters alone: a search for a literal costs a twelfth of one for the start of a line.
_DEF = regex(rb"def\b")
_CLASS = regex(rb"class\b")
_IMPORT = regex(rb"import\b")


def _imported(node: Node) -> Iterator[tuple[str, str]]:
    """The names that `from module import ...` binds, with what they stand for."""
    module = text(node.child_by_field_name("module_name"))
    joint = "" if module.endswith(".") else "."
    for child in node.children_by_field_name("name"):
        alias = child.child_by_field_name("alias") if child.type == "aliased_import" else None
        name = text(child.child_by_field_name("name")) if alias is not None else text(child)
        yield text(alias) if alias is not None else name, f"{module}{joint}{name}"


class Module:
    """One file; parsed when somebody first asks for its tree, which most files are spared.

    Whoever reads it looks at the bytes first and at the tree where they promise something.
    """

    def __init__(self, source: bytes, path: str, parsed: Callable[[Module], None] | None = None) -> None:
        """`parsed` is called once, with the tree there, before anybody else sees it; it may raise Unreadable."""
        self.source = source
        self.path = path
        self._parsed = parsed

    def close(self) -> None:
        """Take apart what refers to itself: it is gone with its last user then, without a collector's help."""
        for definition in self.__dict__.get("definitions", ()):
            definition.children.clear()

    @cached_property
    def tree(self) -> Tree:
        """The syntax tree."""
        return parsed(self.source)

    @cached_property
    def root(self) -> Node:
        """The tree's root."""
        root = self.tree.root_node
        if self._parsed is not None:
            self.__dict__["root"] = root  # `parsed` looks at it
            self._parsed(self)
        return root

    @property
    def words(self) -> frozenset[bytes]:
        """Every word in the file, comments and strings included."""
        return words_of(self.source)

    @cached_property
    def definitions(self) -> list[Definition]:
        """All functions and classes, in the order of the source, nested ones included."""
        nodes = [
            *self._statements(_DEF, ("function_definition",)),
            *self._statements(_CLASS, ("class_definition",)),
        ]
        nodes.sort(key=lambda node: node.start_byte)
        found: list[Definition] = []
        stack: list[Definition] = []
        for node in nodes:
            start, end = node.start_byte, node.end_byte
            while stack and stack[-1].end <= start:
                stack.pop()
            parent = stack[-1] if stack else None
            name = text(node.child_by_field_name("name"))
            definition = Definition(
                kind="class" if node.type == "class_definition" else "function",
                node=node,
                name=name,
                symbol=f"{parent.symbol}.{name}" if parent else name,
                start=start,
                end=end,
                parent=parent,
            )
            if parent:
                parent.children.append(definition)
            stack.append(definition)
            found.append(definition)
        return found

    @cached_property
    def _starts(self) -> list[int]:
        return [definition.start for definition in self.definitions]

    @cached_property
    def classes(self) -> list[Definition]:
        """All classes."""
        return [definition for definition in self.definitions if definition.kind == "class"]

    @cached_property
    def functions(self) -> list[Definition]:
        """All functions and methods."""
        return [definition for definition in self.definitions if definition.kind == "function"]

    def definition_at(self, offset: int) -> Definition | None:
        """The innermost function or class around a byte offset."""
        index = bisect_right(self._starts, offset) - 1
        if index < 0:
            return None
        current: Definition | None = self.definitions[index]
        while current is not None and current.end <= offset:
            current = current.parent
        return current

    def function_at(self, offset: int) -> Definition | None:
        """The innermost function around a byte offset."""
        current = self.definition_at(offset)
        while current is not None and current.kind != "function":
            current = current.parent
        return current

    def class_at(self, offset: int) -> Definition | None:
        """The innermost class around a byte offset, nested functions looked through."""
        current = self.definition_at(offset)
        while current is not None and current.kind != "class":
            current = current.parent
        return current

    def symbol_at(self, offset: int) -> str:
        """The dotted path of the innermost definition, "<module>" outside of any."""
        current = self.definition_at(offset)
        return current.symbol if current else "<module>"

    def mentions(self, pattern: bytes, start: int = 0, end: int | None = None) -> list[Node]:
        """The identifier nodes at the matches of a regular expression over the bytes `start..end`.

        The node is taken at the last byte of the match; matches in strings and comments are left out.
        """
        found: list[Node] = []
        for match in re.compile(pattern).finditer(
            self.source, start, len(self.source) if end is None else end
        ):
            node = self.root.descendant_for_byte_range(match.end() - 1, match.end())
            if node is not None and node.type == "identifier":
                found.append(node)
        return found

    @cached_property
    def imports(self) -> dict[str, str]:
        """Local name -> dotted name of what it was imported as, wherever in the file the import stands.

        Relative imports keep their leading dots: `from .pool import Pool` gives "Pool": ".pool.Pool".
        """
        names: dict[str, str] = {}
        for node in self._statements(_IMPORT, ("import_statement", "import_from_statement")):
            if node.type == "import_from_statement":
                names.update(_imported(node))
                continue
            for child in node.named_children:
                if child.type == "aliased_import":
                    names[text(child.child_by_field_name("alias"))] = text(child.child_by_field_name("name"))
                elif child.type == "dotted_name":
                    head = text(child).partition(".")[0]
                    names[head] = head
        return names

    def _statements(self, keyword: re.Pattern[bytes], kinds: tuple[str, ...]) -> list[Node]:
        """The statements of these kinds, in the order of the source, by a keyword that only they have in them.

        A query would visit every node of the tree, which takes half as long as parsing did.
        """
        found: list[Node] = []
        for match in keyword.finditer(self.source):
            node = self.root.descendant_for_byte_range(match.start(), match.end())
            statement = (
                node.parent if node is not None and not node.is_named else None
            )  # no keyword has a name
            if statement is not None and statement.type in kinds:
                found.append(statement)
        return found

    def qualified(self, name: str) -> str:
        """A dotted name with its first part resolved through the imports."""
        head, dot, rest = name.partition(".")
        return f"{self.imports.get(head, head)}{dot}{rest}"
