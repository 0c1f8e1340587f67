"""One parsed file: its tree, its definitions, its imports, and where things stand."""

from __future__ import annotations

import posixpath
import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import field
from functools import cached_property
from typing import Final, Literal

from repairbot.languages.typescript.tree import CLASSES, FUNCTIONS, N, Tree, errors_of, parse
from repairbot.lazily import dataclass, regex
from repairbot.model import Span

THROUGH: Final = frozenset(
    {
        "parenthesized_expression",
        "as_expression",
        "satisfies_expression",
        "non_null_expression",
        "type_assertion",
    }
)
"""What stands for its operand."""
_NAMES: Final = frozenset(
    {"identifier", "property_identifier", "private_property_identifier", "shorthand_property_identifier", "this",
     "super", "shorthand_property_identifier_pattern", "type_identifier", "undefined"}
)  # fmt: skip
_IMPORT: Final = regex(
    r"import\s+(?!type\b)(?:(?P<default>[\w$]+)\s*,?\s*)?(?:\*\s*as\s+(?P<all>[\w$]+)\s*|\{(?P<named>[^}]*)\}\s*)?"
    r"(?:from\s*)?['\"](?P<module>[^'\"]+)['\"]"
)
_GIVEN: Final = r"\(\s*['\"](?P<module>[^'\"]+)['\"]\s*\)\)?(?P<member>(?:\.\w+)*)"
_REQUIRED: Final = (re.compile(r"require" + _GIVEN), re.compile(r"await import" + _GIVEN))
_BEFORE: Final = regex(
    r"(?:(?P<name>[\w$]+)|\{(?P<named>[^{}]*)\})\s*=\s*(?:__importStar\(|__importDefault\()?$"
)
"""What a required module is assigned to, by what stands before it."""
_LONGEST: Final = 600
"""Bytes of the longest pattern that is looked for there."""
_SUFFIX: Final = regex(r"\.(?:[cm]?[jt]sx?)$")


@dataclass(eq=False, slots=True)
class Definition:
    """A function or a class. `owner`: the class it is a member of; `parent`: the definition around it."""

    kind: Literal["function", "class"]
    node: N
    name: str
    symbol: str
    parent: Definition | None
    owner: Definition | None = None
    parameters: tuple[str, ...] = ()
    body: N | None = None
    asynchronous: bool = False
    generator: bool = False
    arrow: bool = False
    children: list[Definition] = field(default_factory=list)

    @property
    def start(self) -> int:
        """Where it begins."""
        return self.node.start

    @property
    def end(self) -> int:
        """Where it ends."""
        return self.node.end


class Module:
    """One file."""

    def __init__(self, source: bytes, path: str, grammar: str) -> None:
        self.source, self.path, self.grammar = source, path, grammar
        self._ascii = source.isascii()
        self.errors: list[tuple[int, int]] = []
        """Where it does not parse, once it was parsed."""
        self._declared: dict[int, set[str]] = {}
        self.string = source.decode("utf-8", "replace") if self._ascii else ""

    @cached_property
    def _parsed(self) -> tuple[Tree, bool]:
        root = parse(self.source, self.grammar)
        self.errors = errors_of(root) if root.has_error else []
        return Tree(root), root.has_error

    @property
    def tree(self) -> N:
        """The whole file."""
        return self._parsed[0].top

    @property
    def has_error(self) -> bool:
        """Whether some of it does not parse."""
        return self._parsed[1]

    @cached_property
    def calls(self) -> list[N]:
        """Every call and every `new`."""
        return self._parsed[0].of("call_expression", "new_expression")

    @cached_property
    def called(self) -> list[tuple[N, str]]:
        """Every call and every `new`, with the last name of what is called ("" for no name)."""
        return [(call, self.last_name(call)) for call in self.calls]

    def last_name(self, call: N) -> str:
        """The last name of what is called: `c` of `a.b.c()`."""
        callee = call.kids[0] if call.kids else None
        if callee is not None and (callee.kind in THROUGH or callee.kind == "await_expression"):
            callee = strip(callee)
        if callee is None or callee.kind not in ("identifier", "member_expression", "super"):
            return ""
        return self.text(callee.kids[-1] if callee.kind == "member_expression" else callee)

    def all(self, kind: str) -> list[N]:
        """The nodes of one of the kinds that the tree lists."""
        return self._parsed[0].of(kind)

    def named(self, name: str, start: int = 0, end: int | None = None) -> Iterator[N]:
        """The identifiers of a name between two offsets, found by their bytes."""
        word, last = name.encode(), len(self.source) if end is None else end
        offset = self.source.find(word, start, last)
        while offset >= 0:
            node = self.at(offset)
            whole = node.start == offset and node.end == offset + len(word)
            if whole and node.kind in ("identifier", "shorthand_property_identifier"):
                yield node
            offset = self.source.find(word, offset + len(word), last)

    def at(self, offset: int) -> N:
        """The innermost node at an offset."""
        node = self.tree
        while True:
            kids = node.kids
            index = bisect_right(kids, offset, key=_start) - 1
            if index < 0 or kids[index].end <= offset:
                return node
            node = kids[index]

    def close(self) -> None:
        """Take the tree apart: its nodes hold each other, and would have to be collected."""
        if "_parsed" in self.__dict__:
            self._parsed[0].close()

    def text(self, node: N | None) -> str:
        """The text of a node, "" for none."""
        if node is None:
            return ""
        if self._ascii:
            return self.string[node.start : node.end]
        return self.source[node.start : node.end].decode("utf-8", "replace")

    @cached_property
    def _lines(self) -> list[int]:
        starts = [0]
        starts.extend(match.end() for match in re.finditer(rb"\r\n|\r|\n", self.source))
        return starts

    def line(self, offset: int) -> int:
        """The line of an offset, from 1."""
        return bisect_right(self._lines, offset)

    def span(self, node: N) -> Span:
        """Where a node stands."""
        line = self.line(node.start)
        end = self.line(max(node.start, node.end - 1))
        return Span(node.start, node.end, line, end, node.start - self._lines[line - 1] + 1)

    # Definitions

    @cached_property
    def definitions(self) -> list[Definition]:
        """The functions and classes of the file, in the order of the source."""
        made: dict[int, Definition] = {}
        found: list[Definition] = []
        for node in self._parsed[0].of(*FUNCTIONS, *CLASSES):
            parent = next((made[id(up)] for up in node.above() if id(up) in made), None)
            definition = self._class(node, parent) if node.kind in CLASSES else self._function(node, parent)
            made[id(node)] = definition
            found.append(definition)
            if parent is not None:
                parent.children.append(definition)
        return found

    @cached_property
    def functions(self) -> list[Definition]:
        """The functions among the definitions."""
        return [definition for definition in self.definitions if definition.kind == "function"]

    @cached_property
    def classes(self) -> list[Definition]:
        """The classes among the definitions."""
        return [definition for definition in self.definitions if definition.kind == "class"]

    @cached_property
    def _by_node(self) -> dict[int, Definition]:
        return {id(definition.node): definition for definition in self.definitions}

    def definition_of(self, node: N) -> Definition | None:
        """The definition that a node is."""
        return self._by_node.get(id(node))

    def around(self, node: N) -> Definition | None:
        """The nearest function around a node (the node itself apart)."""
        for up in node.above():
            if up.kind in FUNCTIONS:
                return self._by_node.get(id(up))
        return None

    def class_around(self, node: N) -> Definition | None:
        """The class whose `this` a node sees."""
        for up in node.above():
            if up.kind in CLASSES:
                return self._by_node.get(id(up))
            if up.kind in ("function_declaration", "function_expression", "generator_function"):
                return None
            if up.kind == "method_definition" and up.up is not None and up.up.kind == "object":
                return None
        return None

    def symbol_at(self, node: N) -> str:
        """The symbol of the nearest definition around a node, "<module>" for none."""
        for up in node.above():
            found = self._by_node.get(id(up))
            if found is not None:
                return found.symbol
        return "<module>"

    def _class(self, node: N, parent: Definition | None) -> Definition:
        named = node.of("type_identifier", "identifier")
        name = self.text(named) if named is not None else self._given_name(node)
        symbol = f"{parent.symbol}.{name}" if parent is not None else name
        return Definition("class", node, name, symbol, parent, body=node.of("class_body"))

    def _function(self, node: N, parent: Definition | None) -> Definition:
        owner = parent if parent is not None and parent.kind == "class" else None
        if node.kind == "method_definition":
            named = node.of(
                "property_identifier", "private_property_identifier", "string", "computed_property_name"
            )
            name = self.text(named).strip("'\"")
        else:
            named = node.of("identifier") if node.kind != "arrow_function" else None
            name = self.text(named) if named is not None else self._given_name(node)
        symbol = f"{parent.symbol}.{name}" if parent is not None else name
        head = self.source[node.start : node.start + 200].decode("utf-8", "replace")
        body = node.kids[-1] if node.kids else None
        if body is not None and node.kind != "arrow_function" and body.kind != "statement_block":
            body = None
        return Definition(
            "function",
            node,
            name,
            symbol,
            parent,
            owner,
            tuple(self._parameters(node)),
            body,
            re.match(r"(?:(?:public|private|protected|static|override|export|default)\s+)*async\b", head)
            is not None,
            node.kind.startswith("generator") or re.match(r"[\w\s]*\*", head) is not None,
            node.kind == "arrow_function",
        )

    def _given_name(self, node: N) -> str:
        """The name that a function without one gets by where it stands."""
        up = node.up
        while up is not None and up.kind in THROUGH:
            up = up.up
        if up is None:
            return "<anonymous>"
        if up.kind in ("variable_declarator", "pair", "public_field_definition", "field_definition"):
            named = next(
                (kid for kid in up.kids if kid.kind not in ("accessibility_modifier", "decorator")), None
            )
            return self.text(named).strip("'\"") if named is not None and named is not node else "<anonymous>"
        if up.kind == "assignment_expression" and up.kids:
            parts = self.dotted(up.kids[0]).split(".")
            if "prototype" in parts[:-1]:
                return f"{parts[parts.index('prototype') - 1]}.{parts[-1]}"
            return parts[-1] or "<anonymous>"
        if up.kind == "arguments" and up.up is not None and up.up.kids:
            last = self.dotted(up.up.kids[0]).rpartition(".")[2]
            return f"{last}()" if last else "<anonymous>"
        return "<anonymous>"

    def _parameters(self, node: N) -> list[str]:
        """The names of plain parameters; "" in the place of a pattern."""
        listing = node.of("formal_parameters")
        if listing is None:
            first = node.kids[0] if node.kids and node.kind == "arrow_function" else None
            return [self.text(first)] if first is not None and first.kind == "identifier" else []
        found: list[str] = []
        for kid in listing.kids:
            plain = (
                kid
                if kid.kind == "identifier"
                else kid.of("identifier", "this", "rest_pattern", "object_pattern")
            )
            if kid.kind == "assignment_pattern":
                plain = kid.kids[0]
            found.append(self.text(plain) if plain is not None and plain.kind == "identifier" else "")
        return found

    def declared(self, function: Definition) -> set[str]:
        """The names that a function declares: its parameters and the locals of its own code."""
        if function.start not in self._declared:
            self._declared[function.start] = {self.text(name) for name in _declared(function.node)}
        return self._declared[function.start]

    # Names

    def callee(self, call: N) -> str:
        """The dotted name of what is called; `new X()` reads as "new X"."""
        name = self.dotted(call.kids[0]) if call.kids else ""
        return f"new {name}" if name and call.kind == "new_expression" else name

    def dotted(self, node: N | None) -> str:
        """A name with its members: `a.b.c`; a call inside reads as `a().b`, an index as `a[].b`; else ""."""
        if node is None:
            return ""
        if node.kind in _NAMES:
            return self.text(node)
        if node.kind == "member_expression" and len(node.kids) == 2:
            head = self.dotted(node.kids[0])
            return f"{head}.{self.text(node.kids[1])}" if head else ""
        if node.kind == "call_expression":
            head = self.dotted(node.kids[0])
            return f"{head}()" if head else ""
        if node.kind == "subscript_expression":
            head = self.dotted(node.kids[0])
            return f"{head}[]" if head else ""
        if node.kind == "await_expression" or node.kind in THROUGH:
            return self.dotted(strip(node))
        return ""

    @cached_property
    def imports(self) -> dict[str, str]:
        """What each imported local name stands for: "fs.createReadStream", "./engines/store.Store"."""
        found: dict[str, str] = {}
        source = self.string or self.source.decode("utf-8", "replace")
        if "import" in source:
            for match in _IMPORT.finditer(source):
                module = self._module_name(match["module"])
                if match["default"]:
                    relative = module.startswith((".", "/"))
                    found[match["default"]] = f"{module}.default" if relative else module
                if match["all"]:
                    found[match["all"]] = module
                for local, name in _named(match["named"] or "", " as "):
                    found[local] = module if name == "default" else f"{module}.{name}"
        if "require(" in source or "import(" in source:
            for match in (each for form in _REQUIRED for each in form.finditer(source)):
                module = self._module_name(match["module"]) + match["member"].replace(".default", "")
                target = _BEFORE.search(source[max(0, match.start() - _LONGEST) : match.start()])
                if target is not None and target["name"]:
                    found[target["name"]] = module
                for local, name in _named(target["named"] or "", ":") if target is not None else ():
                    found[local] = f"{module}.{name}"
        return found

    def _module_name(self, name: str) -> str:
        """A module as dotted names know it: `fs` for "node:fs", a path from the root for a relative one."""
        if not name.startswith("."):
            return name.removeprefix("node:").replace("/", "$") if name != "fs/promises" else "fs.promises"
        path = posixpath.normpath(posixpath.join(posixpath.dirname(self.path), name))
        return "/" + _SUFFIX.sub("", path).replace("/", ".").lstrip(".")

    def qualified(self, name: str) -> str:
        """A dotted name with the import of its first part resolved."""
        if name.startswith("new "):
            return f"new {self.qualified(name[4:])}"
        if name.startswith(("window.", "globalThis.")):
            name = name.partition(".")[2]
        head, dot, rest = name.partition(".")
        bare = head.removesuffix("()")
        origin = self.imports.get(bare)
        if origin is None:
            return name
        return f"{origin}{head[len(bare) :]}{dot}{rest}".replace("fs$promises", "fs.promises")


def _start(node: N) -> int:
    return node.start


def _named(listing: str, joint: str) -> list[tuple[str, str]]:
    """The (local, original) names of `{a, b as c}` or `{a, b: c}`."""
    found: list[tuple[str, str]] = []
    for part in re.sub(r"//[^\n]*|/\*.*?\*/", "", listing, flags=re.S).split(","):
        words = part.strip().removeprefix("type ").partition("=")[0].strip()
        original, _, local = words.partition(joint)
        if original:
            found.append((local.strip() or original.strip(), original.strip()))
    return found


def strip(node: N | None) -> N | None:
    """What an expression stands for, without parentheses, casts and `!`."""
    while node is not None and (node.kind in THROUGH or node.kind == "await_expression") and node.kids:
        node = node.kids[-1] if node.kind == "type_assertion" else node.kids[0]
    return node


def bare(node: N | None) -> N | None:
    """The same, but an `await` stays."""
    while node is not None and node.kind in THROUGH and node.kids:
        node = node.kids[-1] if node.kind == "type_assertion" else node.kids[0]
    return node


def arguments(call: N) -> list[N]:
    """The arguments of a call or a `new`."""
    listing = call.kids[-1] if call.kids else None
    return listing.kids if listing is not None and listing.kind == "arguments" else []


def statement_of(node: N) -> N:
    """The statement that an expression stands in."""
    current = node
    while current.up is not None:
        above = current.up
        if current.kind.endswith(("_statement", "_declaration")) or above.kind in (
            "statement_block", "program", "class_body", "switch_case", "switch_default",
        ):  # fmt: skip
            return current
        current = above
    return current


def names_in(pattern: N) -> list[N]:
    """The names that a pattern binds."""
    found: list[N] = []
    for node in pattern.walk():
        if node.kind in ("identifier", "shorthand_property_identifier_pattern"):
            up = node.up
            if (
                up is not None
                and up.kind in ("assignment_pattern", "object_assignment_pattern")
                and up.kids[0] is not node
            ):
                continue
            found.append(node)
    return found


def _declared(function: N) -> Iterator[N]:
    """The names that a function declares: parameters and locals of its own code."""
    waiting = list(function.kids)
    while waiting:
        node = waiting.pop()
        if node.kind in FUNCTIONS:
            continue
        if node.kind in ("formal_parameters", "identifier") and node.up is function:
            yield from names_in(node)
        elif node.kind in ("variable_declarator", "for_in_statement") and node.kids:
            yield from names_in(node.kids[0])
        waiting.extend(node.kids)
