"""What a call or a literal makes that somebody must release, and the text of that release."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import cache, lru_cache
from typing import Final

from repairbot.languages.zig.allocators import Allocators
from repairbot.languages.zig.callees import CONSTRUCTORS, callees
from repairbot.languages.zig.given import Given
from repairbot.languages.zig.syntax import Definition, Module, Struct
from repairbot.languages.zig.tree import N
from repairbot.languages.zig.words import word_ends
from repairbot.lifetimes.ops import Resource

_PARENS: Final = re.compile(r"\([^()]*\)")
_TYPE_ALIAS: Final = re.compile(rb"const\s+(\w+)\s*=\s*((?:\w+\.)*[A-Z]\w*)\(([^;{]*)\)\s*;")
_BUILDS: Final = re.compile(rb"\b(?:create|init|new|alloc|acquire|clone|dupe|open)\w*\(")
_FIRST_GIVEN: Final = re.compile(rb"\.\w+\(\s*([\w.?]+(?:\(\))?)\s*[,)]")
_MADE: Final = frozenset({"init", "initCapacity", "initBuffer", "fromOwnedSlice", "clone"})

TEARDOWNS: Final = ("deinit", "destroy", "close")
"""The methods that end a value of a container, the likeliest first."""
CONTAINER: Final = Resource("container", "container", ("init",), (".deinit",), collected=False)
ITEMS: Final = Resource("slice", "memory", ("toOwnedSlice",), (), collected=False)


@cache
def _index(resources: tuple[Resource, ...]) -> tuple[dict[str, Resource], dict[str, Resource]]:
    """Resources by qualified callee, and by method."""
    exact: dict[str, Resource] = {}
    methods: dict[str, Resource] = {}
    for resource in resources:
        for name in resource.acquire:
            (methods if name.startswith(".") else exact).setdefault(name.lstrip("."), resource)
    return exact, methods


@lru_cache(maxsize=4096)
def shape(shown: str) -> str:
    """A type's or callee's text without arguments and modifiers: `?*std.ArrayList(u8)` is `std.ArrayList()`."""
    shown = "".join(shown.strip().lstrip("?*&").removeprefix("const ").split())
    before = ""
    while before != shown:
        before, shown = shown, _PARENS.sub("\0", shown)
    return shown.replace("\0", "()")


class Acquiring:
    """Answers what calls acquire in one file."""

    def __init__(self, module: Module, allocators: Allocators, resources: tuple[Resource, ...]) -> None:
        self.module, self.allocators, self.resources = module, allocators, resources
        self.given = Given(module, allocators)
        self._exact, self._methods = _index(resources)
        self._kinds: dict[str, str] = {}
        self._aliases = {
            name.decode("utf-8", "replace"): shape(f"{target.decode('utf-8', 'replace')}()")
            for name, target, _ in _TYPE_ALIAS.findall(module.source)
        }

    def known(self, qualified: str, method: str) -> Resource | None:
        """The table's row for a callee."""
        return self._exact.get(qualified) or self._methods.get(method)

    def release(self, resource: Resource, receiver: str, arguments: Sequence[str]) -> Resource | None:
        """The row with its release filled in; None where its memory needs none, or its allocator is not seen."""
        text = resource.release[0]
        if "$receiver" in text:
            if not self.allocators.is_one(receiver):
                return None
            text = text.replace("$receiver", receiver)
        if "$allocator" in text or resource.needs:
            allocator = self.allocator(arguments)
            if not allocator or self.allocators.is_arena(allocator):
                return None
            text = text.replace("$allocator", allocator)
        if "$io" in text:
            first = arguments[0] if arguments else ""
            text = text.replace("$io", first if re.fullmatch(r"(?:[\w.]+\.)?_?io", first) else "")
            text = text.removesuffix("()")
        return replace(resource, release=(text,))

    def allocator(self, arguments: Sequence[str]) -> str:
        """The first argument that is an allocator, or ""."""
        return next((shown for shown in arguments if self.allocators.is_one(shown)), "")

    # Containers of the standard library

    def kind(self, shown: str) -> str:
        """The shape of a type, aliases resolved: `ExpandBuf` may be `std.ArrayList()`."""
        known = self._kinds.get(shown)
        if known is not None:
            return known
        found = self._kinds[shown] = self._kind(shown)
        return found

    def _kind(self, shown: str) -> str:
        found = shape(shown)
        found = self._aliases.get(found, found)
        base, bracket, rest = found.partition("(")
        return self.module.qualified(base) + bracket + rest

    def container(self, shown: str) -> bool:
        """Whether a type is a container of the standard library."""
        base = self.kind(shown).partition("(")[0]
        known = callees()
        return base in known.managed or base in known.unmanaged

    def handed_to(self, definition: Definition, name: bytes) -> str:
        """The allocator that the methods of a local container are given in a function, or ""."""
        body = definition.text
        for end in word_ends(body, name):
            match = _FIRST_GIVEN.match(body, end)
            if match is not None and self.allocators.is_one(shown := match[1].decode("utf-8", "replace")):
                return shown
        return ""

    def own_names(self, known: frozenset[str]) -> set[str]:
        """This file's names for these types."""
        found = {name for name in self._aliases if self.kind(name).partition("(")[0] in known}
        return found | {name for name in self.module.imports if self.module.qualified(name) in known}

    def arena(self, shown: str) -> bool:
        """Whether a type is an arena."""
        return self.kind(shown).endswith(("ArenaAllocator", "FixedBufferAllocator"))

    def managed(self, typed: str, made: str, arguments: Sequence[str]) -> Resource | None:
        """`std.ArrayList(T).init(gpa)` and its kin; None where it takes no memory of its own."""
        base = self.kind(typed).partition("(")[0]
        if base not in callees().managed or made not in ("init", "initCapacity", "fromOwnedSlice"):
            return None
        allocator = self.allocator(arguments)
        if base == "std.heap.ArenaAllocator" or base.endswith(".ArenaAllocator"):
            return replace(CONTAINER, id="arena", what="arena") if arguments else None
        if not allocator or self.allocators.is_arena(allocator):
            return None
        return CONTAINER

    # Containers of this file

    def owner(self, struct: Struct, arguments: Sequence[str]) -> Resource | None:
        """A value of a container of this file that has a `deinit`: what its constructors hand out."""
        teardown = next(
            (struct.functions[name] for name in TEARDOWNS if name in struct.functions),
            None,
        )
        if teardown is None or not teardown.method or not self._works(teardown):
            return None
        given = list(teardown.parameters[1:])
        allocator = self.allocator(arguments)
        if allocator and self.allocators.is_arena(allocator):
            return None
        text = f".{teardown.name}"
        if len(given) == 1 and "Allocator" in given[0].type:
            if not allocator:
                return None
            text = f"{text}({allocator})"
        elif given:
            return None
        return Resource(struct.name, struct.name, ("init",), (text,), collected=False, origin="inferred")

    def _works(self, teardown: Definition) -> bool:
        """Whether a teardown does anything."""
        node = teardown.body_node
        words = re.sub(rb"//[^\n]*", b"", node.text or b"") if node is not None else b""
        return bool(
            re.search(rb"\b(?:deinit|free|destroy|close|release|unref|join|kill|wait)\w*\s*\(", words[1:])
        )

    def constructor(self, definition: Definition) -> Struct | None:
        """The container whose new value a function of this file returns."""
        if not CONSTRUCTORS.match(definition.name):
            return None
        returned = definition.returns.rpartition("!")[2].strip().lstrip("?").strip()
        body = definition.body_node
        if body is None:
            return None
        if returned.startswith("*") and not _BUILDS.search(
            self.module.source, body.start_byte, body.end_byte
        ):
            return None  # it looks up one that is there
        if returned.lstrip("*") in ("Self", "@This()", *definition.owner.aliases):
            return definition.owner
        if not re.fullmatch(r"\*?(?:\w+\.)*\w+", returned):
            return None
        return self.module.struct(returned)


def member_of(node: N) -> tuple[N | None, str]:
    """The receiver and the name of a callee."""
    if node.kind == "field":
        return node.first, node.text
    return None, node.text if node.kind in ("name", "enum") else ""
