"""One parsed Zig file, as the lowering wants it: functions, containers with their fields, imports, spans.

Declarations are looked up by the parser's own C code; bodies are read when they are asked for. The source is UTF-8
here (examine.py transcodes the others).
"""

from __future__ import annotations

import posixpath
import re
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import field
from functools import cached_property
from itertools import accumulate
from weakref import ref

from tree_sitter import Node

from repairbot.languages.zig.parsing import parse
from repairbot.languages.zig.tree import N, read
from repairbot.languages.zig.words import WORD
from repairbot.lazily import dataclass
from repairbot.model import Span

_IMPORT = re.compile(rb"@import\(\"([^\"\n]+)\"\)((?:\.\w+)*)\s*;")
_IMPORTED = re.compile(rb"const\s+(\w+)\s*(?::[^=\n]*)?=\s*\Z")
_FAR = 200
"""Bytes of a declaration ahead of its value that are looked at."""
_ALIAS = re.compile(rb"const\s+(\w+)\s*=\s*((?:\w+\.)+\w+)\s*;")
_AHEAD = re.compile(rb"(?:^|\n)[ \t]*(?:pub[ \t]+)?$")
_THIS = re.compile(rb"\bconst\s+(\w+)\s*=\s*@This\(\)")
_NAMES = bytes(byte if byte in WORD + b"(" else ord(".") for byte in range(256))
"""What is no part of a name, and opens no arguments, becomes a dot."""


def text(node: Node | None) -> str:
    """A node's source text, "" for None."""
    return (node.text or b"").decode("utf-8", "replace") if node is not None else ""


@dataclass(slots=True)
class Parameter:
    """One parameter: its name and the text of its type."""

    name: str
    type: str
    at: tuple[int, int] = (0, 0)


@dataclass(eq=False)
class Definition:
    """A function. `symbol` is its dotted path in the file ("Pool.take").

    It is held by its container and does not hold it: a file of which nobody speaks any more is gone at once then,
    where a collector would have to find it among all that there is.
    """

    node: Node
    name: str
    symbol: str
    container: ref[Struct]

    @property
    def owner(self) -> Struct:
        """The container it stands in."""
        found = self.container()
        assert found is not None  # whoever looks at it has its module
        return found

    @cached_property
    def text(self) -> bytes:
        """Its source."""
        return self.node.text or b""

    @cached_property
    def _listing(self) -> Node | None:
        return next((child for child in self.node.children if child.type == "parameters"), None)

    @cached_property
    def parameters(self) -> tuple[Parameter, ...]:
        """Its parameters, in their order."""
        found: list[Parameter] = []
        for child in self._listing.children if self._listing is not None else ():
            if child.type == "parameter":
                called = child.child_by_field_name("name")
                typed = child.child_by_field_name("type")
                kind = text(typed) or text(child).partition(":")[2].strip()
                found.append(Parameter(text(called), kind, (child.start_byte, child.end_byte)))
        return tuple(found)

    @cached_property
    def returns(self) -> str:
        """The text of what it returns, an error set included."""
        found = text(self.node.child_by_field_name("type"))
        if found.startswith("!") or (body := self.body_node) is None:
            return found
        # An error set that is left to the compiler stands before the type and outside of it.
        if self._listing is None:
            return ""
        start = self.node.start_byte
        return (
            self.text[self._listing.end_byte - start : body.start_byte - start]
            .decode("utf-8", "replace")
            .strip()
        )

    @cached_property
    def doc(self) -> str:
        """The comments right above it."""
        lines: list[str] = []
        previous = self.node.prev_sibling
        line = self.node.start_point[0]
        while previous is not None and previous.type == "comment" and previous.end_point[0] >= line - 1:
            lines.insert(0, text(previous))
            line = previous.start_point[0]
            previous = previous.prev_sibling
        return "\n".join(lines)

    @property
    def fails(self) -> bool:
        """Whether it can return an error."""
        return "!" in self.returns

    @cached_property
    def method(self) -> bool:
        """Whether its first parameter is a value of its container."""
        first = self.parameters[0].type.lstrip("*").removeprefix("const ").strip() if self.parameters else ""
        return first in ("Self", "@This()", self.owner.name, *self.owner.aliases) or (
            first == "anytype" and self.parameters[0].name in ("self", "this")
        )

    @cached_property
    def body_range(self) -> tuple[int, int]:
        """The first byte of its block and the one behind it; nothing for a prototype."""
        node = self.body_node
        return (node.start_byte, node.end_byte) if node is not None else (0, 0)

    @cached_property
    def body_node(self) -> Node | None:
        """Its block, None for a prototype."""
        return self.node.child_by_field_name("body")

    @cached_property
    def body(self) -> N | None:
        """Its block, read once. Raises TooDeep."""
        return read(self.body_node) if self.body_node is not None else None


@dataclass(slots=True)
class Field:
    """A member of a container: its type's text, the default value's, and its place."""

    name: str
    type: str
    default: str
    at: Span


@dataclass(eq=False)
class Struct:
    """A container: a struct, a union, an enum, or the file itself (its `node` is the root)."""

    name: str
    node: Node
    kind: str
    symbol: str
    aliases: tuple[str, ...] = ()
    functions: dict[str, Definition] = field(default_factory=dict)
    parent: Struct | None = None
    _fields: list[Field] | None = None

    def fields(self, module: Module) -> list[Field]:
        """Its members, in the order of the source; read once."""
        if self._fields is None:
            self._fields = [
                _member(child, module) for child in self.node.children if child.type == "container_field"
            ]
        return self._fields


def _member(node: Node, module: Module) -> Field:
    children = node.children
    default = text(children[-1]) if any(part.type == "=" for part in children) else ""
    name, typed = (text(node.child_by_field_name(each)) for each in ("name", "type"))
    return Field(name, typed, default, module.span(node.start_byte, node.end_byte))


class Module:
    """One file."""

    def __init__(self, source: bytes, path: str) -> None:
        self.source, self.path = source, path
        self._spans: dict[tuple[int, int], Span] = {}
        self._qualified: dict[str, str] = {}
        self.root = parse(source)
        self.stem = posixpath.splitext(posixpath.basename(path))[0]
        self.file = Struct(self.stem, self.root, "file", "")
        self.structs: list[Struct] = [self.file]
        self.functions: list[Definition] = []
        self._collect()

    @cached_property
    def _lines(self) -> list[int]:
        return [0, *accumulate(len(line) + 1 for line in self.source.split(b"\n")[:-1])]

    @cached_property
    def called(self) -> dict[bytes, list[int]]:
        """Where the arguments of calls begin, by the last name of what is called.

        With something between the name and the parenthesis, which may be a blank, the name has a blank behind it.
        An expression for names takes several times as long as to look at what stands ahead of every parenthesis.
        """
        found = defaultdict[bytes, list[int]](list)
        end = 0
        for part in self.source.translate(_NAMES).split(b"(")[:-1]:
            end += len(part) + 1
            name = part.rpartition(b".")[2] or part[:-1].rpartition(b".")[2] + b" "
            found[name].append(end)
        return found

    def line(self, offset: int) -> int:
        """The line of a byte, from 1."""
        return bisect_right(self._lines, offset)

    def span(self, start: int, end: int) -> Span:
        """A place. Columns count bytes from 1."""
        found = self._spans.get((start, end))
        if found is None:
            found = self._spans[start, end] = self._span(start, end)
        return found

    def _span(self, start: int, end: int) -> Span:
        line = bisect_right(self._lines, start)
        last = line if end <= start else bisect_right(self._lines, end - 1)
        return Span(start, end, line, last, start - self._lines[line - 1] + 1)

    def at(self, node: N) -> Span:
        """A node's place."""
        return self.span(node.start, node.end)

    def text(self, node: N | None) -> str:
        """A node's source text, "" for None."""
        return self.source[node.start : node.end].decode("utf-8", "replace") if node is not None else ""

    @cached_property
    def imports(self) -> dict[str, str]:
        """What local names stand for: `const mem = std.mem;` gives "std.mem", `@import("x.zig").Y` "x.zig.Y"."""
        found: dict[str, str] = {}
        for match in _IMPORT.finditer(self.source):
            ahead = _IMPORTED.search(self.source[max(match.start() - _FAR, 0) : match.start()])
            if ahead is not None:
                name = ahead[1].decode("utf-8", "replace")
                found[name] = (match[1] + match[2]).decode("utf-8", "replace")
        for match in _ALIAS.finditer(self.source):
            if not _AHEAD.search(self.source[max(match.start() - 60, 0) : match.start()]):
                continue
            name, target = (group.decode("utf-8", "replace") for group in match.groups())
            found.setdefault(name, target)
        return found

    def qualified(self, dotted: str) -> str:
        """A dotted name with the file's aliases resolved: `fs.cwd` becomes `std.fs.cwd`."""
        found = self._qualified.get(dotted)
        if found is None:
            found = self._qualified[dotted] = self._resolved(dotted)
        return found

    def _resolved(self, dotted: str) -> str:
        seen: set[str] = set()
        while True:
            head, dot, rest = dotted.partition(".")
            target = self.imports.get(head)
            if target is None or target == head or head in seen or rest.startswith("zig."):
                return dotted
            seen.add(head)
            dotted = target + dot + rest

    def struct(self, name: str) -> Struct | None:
        """The container of this name in this file."""
        name = name.strip("*?& ").removeprefix("const ").partition("(")[0]
        last = name.rpartition(".")[2]
        if name in ("Self", "@This"):
            return None
        return self._named.get(last)

    @cached_property
    def _named(self) -> dict[str, Struct]:
        """The containers by name; where two have one, the first."""
        found: dict[str, Struct] = {}
        for item in self.structs:
            for name in (item.name, *item.aliases):
                found.setdefault(name, item)
        return found

    def _collect(self) -> None:
        declared = _Declared(self.source)
        if self.root.has_error:
            declared.anywhere(self.root)
        else:
            declared.within(self.root)
        self.tests = declared.tests
        nodes = [(node, "container") for node in declared.containers]
        nodes += [(node, "function") for node in declared.functions]
        nodes.sort(key=lambda pair: (pair[0].start_byte, -pair[0].end_byte))
        self.file.aliases = self._aliases(self.root)
        open_structs: list[Struct] = [self.file]
        open_functions: list[Definition] = []
        for node, what in nodes:
            start = node.start_byte
            while open_structs[-1] is not self.file and open_structs[-1].node.end_byte <= start:
                open_structs.pop()
            while open_functions and open_functions[-1].node.end_byte <= start:
                open_functions.pop()
            if what == "container":
                around = open_functions[-1] if open_functions else None
                if around is not None and around.node.start_byte < open_structs[-1].node.start_byte:
                    around = None
                name = self._container_name(node, around)
                parent = open_structs[-1]
                symbol = f"{parent.symbol}.{name}".lstrip(".")
                found = Struct(
                    name, node, node.type.partition("_")[0], symbol, self._aliases(node), parent=parent
                )
                self.structs.append(found)
                open_structs.append(found)
            else:
                definition = self._function(node, open_structs[-1])
                if definition is not None:
                    self.functions.append(definition)
                    definition.owner.functions.setdefault(definition.name, definition)
                    open_functions.append(definition)

    def _aliases(self, node: Node) -> tuple[str, ...]:
        """The names that a container has for itself (`const Self = @This();`), its own declarations only."""
        found = []
        for child in node.children:
            if child.type == "variable_declaration":
                match = _THIS.search(
                    self.source, child.start_byte, min(child.end_byte, child.start_byte + 200)
                )
                if match:
                    found.append(match.group(1).decode("utf-8", "replace"))
        return tuple(found)

    def _container_name(self, node: Node, around: Definition | None) -> str:
        parent = node.parent
        if parent is not None and parent.type == "variable_declaration":
            name = next((child for child in parent.children if child.type == "identifier"), None)
            return text(name)
        if around is not None:
            return around.name  # `fn List(comptime T: type) type { return struct {...}; }`
        return f"struct@{node.start_point[0] + 1}"

    def _function(self, node: Node, owner: Struct) -> Definition | None:
        name = text(node.child_by_field_name("name"))
        if not name:
            return None
        return Definition(node, name, f"{owner.symbol}.{name}".lstrip("."), ref(owner))


def _word(word: bytes) -> re.Pattern[bytes]:
    return re.compile(rb"%s(?<!\w%s)\b" % (word, word))


_NESTED = tuple(map(_word, (b"struct", b"union", b"enum", b"opaque")))
_FUNCTION = _word(b"fn")
_TEST = _word(b"test")
_CONTAINERS = frozenset({"struct_declaration", "union_declaration", "enum_declaration", "opaque_declaration"})


class _Declared:
    """The functions, containers and tests of a file.

    Where the grammar puts declarations they are read off; containers in expressions are found by their word.
    """

    def __init__(self, source: bytes) -> None:
        self.source = source
        self.tests: list[tuple[int, int]] = []
        self.containers: list[Node] = []
        self.functions: list[Node] = []
        self._nested = sorted(match.start() for each in _NESTED for match in each.finditer(source))
        """Where the word for a container stands."""

    def within(self, container: Node) -> None:
        """What a container (or the file) declares."""
        for child in container.children:
            kind = child.type
            if kind == "comment" or not child.is_named:
                continue
            if kind == "function_declaration":
                self.functions.append(child)
            elif kind == "test_declaration":
                self.tests.append((child.start_byte, child.end_byte))
            first = bisect_left(self._nested, child.start_byte)
            if first == len(self._nested) or self._nested[first] >= child.end_byte:
                continue
            behind = child.start_byte
            for at in self._nested[first : bisect_left(self._nested, child.end_byte)]:
                word = child.descendant_for_byte_range(at, at + 1) if at >= behind else None
                inner = word.parent if word is not None else None
                if inner is not None and inner.type in _CONTAINERS:
                    behind = inner.end_byte
                    self.containers.append(inner)
                    self.within(inner)

    def anywhere(self, root: Node) -> None:
        """What stands anywhere in a file of which not all parses."""
        self.containers.extend(_around(root, self._nested, _CONTAINERS))
        places = (match.start() for match in _FUNCTION.finditer(self.source))
        self.functions.extend(_around(root, places, frozenset({"function_declaration"})))
        places = (match.start() for match in _TEST.finditer(self.source))
        tests = _around(root, places, frozenset({"test_declaration"}))
        self.tests.extend((each.start_byte, each.end_byte) for each in tests)


def _around(root: Node, places: Iterable[int], kinds: frozenset[str]) -> Iterable[Node]:
    """The nodes of these kinds of which a word stands at one of these places (`union(enum)` has two)."""
    found: dict[int, Node] = {}
    for at in places:
        word = root.descendant_for_byte_range(at, at + 1)
        node = word.parent if word is not None else None
        if node is not None and node.type in kinds:
            found[node.start_byte] = node
    return found.values()
