"""One parsed Rust file: its structs and enums with their members, its impl blocks and functions, spans.

Only the outline is read at once; bodies are read when they are asked for. Test modules and test functions are left
out. The source is UTF-8 here (examine.py transcodes the others).
"""

from __future__ import annotations

import posixpath
import re
from bisect import bisect_right
from dataclasses import dataclass, field
from functools import cached_property

from tree_sitter import Node

from repairbot.languages.rust.scanning import blanked
from repairbot.languages.rust.tree import N, parse, read
from repairbot.model import Span


def text(node: Node | None) -> str:
    """A node's source text, "" for None."""
    return (node.text or b"").decode("utf-8", "replace") if node is not None else ""


@dataclass(slots=True)
class Parameter:
    """One parameter: its pattern (mostly a name) and the text of its type. `self` has the type `&mut self`..."""

    name: str
    type: str


@dataclass(slots=True)
class Member:
    """A member of a struct or of a variant: its name ("0" in tuples), its type's text, its place."""

    name: str
    type: str
    at: Span


@dataclass(slots=True)
class Struct:
    """A struct or an enum. `members` of an enum are those of all its variants, named "Variant.name"."""

    name: str
    kind: str
    node: Node
    at: Span
    members: dict[str, Member] = field(default_factory=dict)
    methods: dict[str, Definition] = field(default_factory=dict)
    traits: set[str] = field(default_factory=set)
    """The traits that this file implements for it, by their last name, derived ones too."""

    @property
    def drops(self) -> Definition | None:
        """Its `Drop`."""
        return self.methods.get("drop") if "Drop" in self.traits else None


@dataclass(slots=True)
class Definition:
    """A function. `symbol`: "Pool::take"; `owner`: the type whose impl block it stands in, "" for none."""

    node: Node
    name: str
    symbol: str
    parameters: tuple[Parameter, ...]
    returns: str
    owner: str
    trait: str
    asynchronous: bool
    source: bytes
    """Its text."""
    body_node: Node | None
    """Its block, None for a declaration."""
    _body: N | None = None

    @property
    def body(self) -> N | None:
        """Its block, read once. Raises TooDeep."""
        if self._body is None and (node := self.body_node) is not None:
            self._body = read(node)
        return self._body

    @property
    def receiver(self) -> str:
        """How it takes its object: "&self", "&mut self", "self", "self: Arc<Self>"; "" where it takes none."""
        first = self.parameters[0] if self.parameters else None
        return first.type if first is not None and first.name == "self" else ""

    def type_of(self, name: str) -> str:
        """The text of a parameter's type, "" where there is no such parameter."""
        return next((each.type for each in self.parameters if each.name == name), "")


def base(typed: str) -> str:
    """The last name of a type without its parameters: `foo::Bar<T>` gives Bar."""
    shown = re.sub(r"^(?:&\s*)?(?:'\w+\s+)?(?:mut\s+)?(?:dyn\s+)?", "", typed.strip())
    return shown.partition("<")[0].rpartition("::")[2].strip()


_TESTED = re.compile(rb"#\[\s*(?:cfg\s*\(\s*(?:all\s*\(\s*)?test\b|(?:\w+::)*test\b)")


class Module:
    """One file."""

    def __init__(self, source: bytes, path: str) -> None:
        self.source, self.path = source, path
        self.stem = posixpath.splitext(posixpath.basename(path))[0]
        self.root = parse(source)
        self.structs: dict[str, Struct] = {}
        self.functions: list[Definition] = []
        self.statics: list[tuple[str, str, Span]] = []
        """Statics: name, type, place."""
        self.strong_tasks: bool | None = None
        """Whether its tasks are given strong handles, once that was asked (see endless.py)."""
        self._collect(self.root)
        self._give()

    # Places

    @cached_property
    def _lines(self) -> list[int]:
        return [0, *(match.end() for match in re.finditer(rb"\n", self.source))]

    @cached_property
    def plain(self) -> bytes:
        """The source with comments and strings blanked."""
        return blanked(self.source)

    def line(self, offset: int) -> int:
        """The line of a byte, from 1."""
        return bisect_right(self._lines, offset)

    def span(self, start: int, end: int) -> Span:
        """A place. Columns count bytes from 1."""
        line = bisect_right(self._lines, start)
        last = line if end <= start else bisect_right(self._lines, end - 1)
        return Span(start, end, line, last, start - self._lines[line - 1] + 1)

    def at(self, node: N) -> Span:
        """A node's place."""
        return self.span(node.start, node.end)

    def text(self, node: N | None) -> str:
        """A node's source text, "" for None."""
        return self.source[node.start : node.end].decode("utf-8", "replace") if node is not None else ""

    def flat(self, node: N | None) -> str:
        """A node's text without its blanks, for comparing."""
        return re.sub(r"\s+", "", self.text(node))

    # The outline

    def _collect(self, parent: Node) -> None:
        tested = False
        for child in parent.named_children:
            kind = child.type
            if kind == "attribute_item":
                tested = tested or _TESTED.match(child.text or b"") is not None
                continue
            if kind in ("line_comment", "block_comment"):
                continue
            if not tested and (handler := _ITEMS.get(kind)) is not None:
                handler(self, child)
            tested = False

    def _mod(self, node: Node) -> None:
        body = node.child_by_field_name("body")
        if body is not None and text(node.child_by_field_name("name")) not in ("tests", "test"):
            self._collect(body)

    def _struct(self, node: Node) -> None:
        name = text(node.child_by_field_name("name"))
        found = Struct(name, "struct", node, self.span(node.start_byte, node.end_byte))
        self._members(node.child_by_field_name("body"), found, "")
        self.structs[name] = found

    def _enum(self, node: Node) -> None:
        name = text(node.child_by_field_name("name"))
        found = Struct(name, "enum", node, self.span(node.start_byte, node.end_byte))
        body = node.child_by_field_name("body")
        for variant in body.named_children if body is not None else ():
            if variant.type == "enum_variant":
                shown = text(variant.child_by_field_name("name"))
                self._members(variant.child_by_field_name("body"), found, f"{shown}.")
        self.structs[name] = found

    def _members(self, body: Node | None, found: Struct, ahead: str) -> None:
        number = 0
        ordered = body is not None and body.type == "ordered_field_declaration_list"
        for child in body.named_children if body is not None else ():
            at = self.span(child.start_byte, child.end_byte)
            if child.type == "field_declaration":
                name = ahead + text(child.child_by_field_name("name"))
                found.members[name] = Member(name, text(child.child_by_field_name("type")), at)
            elif ordered and child.type not in ("visibility_modifier", "attribute_item", "line_comment"):
                name = f"{ahead}{number}"
                found.members[name] = Member(name, text(child), at)
                number += 1

    def _impl(self, node: Node) -> None:
        owner = base(text(node.child_by_field_name("type")))
        trait = base(text(node.child_by_field_name("trait")))
        self._late_trait(owner, trait)
        body = node.child_by_field_name("body")
        if body is not None:
            self._functions(body, owner, trait)

    def _late_trait(self, owner: str, trait: str) -> None:
        if trait:
            self.implemented.setdefault(owner, set()).add(trait)

    @cached_property
    def implemented(self) -> dict[str, set[str]]:
        """The traits that this file implements, by type."""
        return {}

    def _trait(self, node: Node) -> None:
        body = node.child_by_field_name("body")
        if body is not None:
            self._functions(body, text(node.child_by_field_name("name")), "")

    def _functions(self, body: Node, owner: str, trait: str) -> None:
        tested = False
        for child in body.named_children:
            if child.type == "attribute_item":
                tested = tested or _TESTED.match(child.text or b"") is not None
                continue
            if child.type in ("line_comment", "block_comment"):
                continue
            if child.type == "function_item" and not tested:
                self._function(child, owner, trait)
            tested = False

    def _free(self, node: Node) -> None:
        self._function(node, "", "")

    def _function(self, node: Node, owner: str, trait: str) -> None:
        name = text(node.child_by_field_name("name"))
        parameters: list[Parameter] = []
        listed = node.child_by_field_name("parameters")
        for child in listed.named_children if listed is not None else ():
            if child.type == "self_parameter":
                parameters.append(Parameter("self", text(child)))
            elif child.type == "parameter":
                pattern = text(child.child_by_field_name("pattern")).removeprefix("mut ").strip()
                parameters.append(Parameter(pattern, text(child.child_by_field_name("type"))))
        modifiers = next((child for child in node.children if child.type == "function_modifiers"), None)
        found = Definition(
            node,
            name,
            f"{owner}::{name}" if owner else name,
            tuple(parameters),
            text(node.child_by_field_name("return_type")),
            owner,
            trait,
            modifiers is not None and b"async" in (modifiers.text or b""),
            self.source[node.start_byte : node.end_byte],
            node.child_by_field_name("body"),
        )
        self.functions.append(found)

    def _static(self, node: Node) -> None:
        name, typed = text(node.child_by_field_name("name")), text(node.child_by_field_name("type"))
        self.statics.append((name, typed, self.span(node.start_byte, node.end_byte)))

    def _give(self) -> None:
        """Each type its methods and traits."""
        for definition in self.functions:
            if (owner := self.structs.get(definition.owner)) is not None:
                owner.methods.setdefault(definition.name, definition)
                if definition.name == "drop" and definition.trait == "Drop":
                    owner.methods["drop"] = definition
        for name, traits in self.implemented.items():
            if (owner := self.structs.get(name)) is not None:
                owner.traits |= traits


_ITEMS = {
    "mod_item": Module._mod,
    "struct_item": Module._struct,
    "union_item": Module._struct,
    "enum_item": Module._enum,
    "impl_item": Module._impl,
    "trait_item": Module._trait,
    "function_item": Module._free,
    "static_item": Module._static,
}
