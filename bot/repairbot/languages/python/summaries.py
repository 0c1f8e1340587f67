"""What functions do with their arguments and hand out, computed from their graphs when somebody asks."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Final

from tree_sitter import Node

from repairbot.languages.base import Project
from repairbot.languages.effects import effect_in
from repairbot.languages.python.acquiring import absolute
from repairbot.languages.python.syntax import Definition, Module, dotted, text
from repairbot.lazily import regex
from repairbot.lifetimes.ops import Effect, Function, Resource, Summary

ANYTHING: Final = Resource(
    "anything",
    "a value",
    (),
    (
        ".close",
        ".aclose",
        ".release",
        ".shutdown",
        ".terminate",
        ".disconnect",
        ".stop",
        ".cleanup",
        "os.close",
    ),
    "releases",
)
"""Stands for a parameter of which nothing is known."""
_PLAIN_DECORATORS: Final = frozenset(
    {"staticmethod", "classmethod", "override", "typing.override", "abstractmethod"}
)
_FROM: Final = regex(rb"from[ \t]+([.\w]+)[ \t]+import[ \t]+(\([^)]*\)|[^\\\n]*(?:\\\r?\n[^\\\n]*)*)")
_COMMENT: Final = regex(rb"#[^\n]*")
_FACTORY_WORD: Final = regex(rb"\b_?(?:open|connect|create|make|new|acquire|start|launch|spawn|get)(?:_|\b)")
_FACTORY_NAME: Final = regex(r"_?(open|connect|create|make|new|acquire|start|launch|spawn|get)(_|$)")
_MOST: Final = 40
"""How many summaries are made for one file: beyond that, callees count as unknown."""


class Oracle:
    """Answers what a call does with one of its arguments."""

    def __init__(
        self,
        module: Module,
        project: Project,
        lower: Callable[[Definition, dict[str, Resource]], Function | None],
    ) -> None:
        """`lower` gives a function's graph in which the named parameters hold something from the start."""
        self.module = module
        self.project = project
        self.lower = lower
        self.asks: set[str] = set()
        self._memo: dict[tuple[str, str, str], Effect] = {}

    def effect(self, call: Node, qualified: str, slot: str | int, resource: Resource | None = None) -> Effect:
        """What a call does with the argument at a position or keyword."""
        found = self._target(call)
        if found is None:
            return self._foreign(qualified, slot)
        definition, bound = found
        if definition.kind == "class":
            constructor = next((child for child in definition.children if child.name == "__init__"), None)
            if constructor is None:
                return "unknown"
            effect = self.of(constructor, slot, True, resource or ANYTHING)
            return "unknown" if effect == "returns" else effect
        if definition.asynchronous and (call.parent is None or call.parent.type != "await"):
            return "unknown"
        return self.of(definition, slot, bound, resource or ANYTHING)

    def of(self, definition: Definition, slot: str | int, bound: bool, resource: Resource) -> Effect:
        """What a function of this file does with one parameter."""
        names = [text(item) for item in _decorators(definition)]
        if any(name not in _PLAIN_DECORATORS for name in names):
            return "unknown"
        parameter = _parameter(definition, slot, bound and "staticmethod" not in names)
        if not parameter or _stub(definition):
            return "unknown"
        key = (definition.symbol, parameter, resource.id)
        if key not in self._memo:
            if len(self._memo) >= _MOST:
                return "unknown"
            self._memo[key] = "unknown"  # while it is being made: recursion learns nothing
            function = self.lower(definition, {parameter: resource})
            if function is not None:
                self._memo[key] = effect_in(function, parameter)
        return self._memo[key]

    def _target(self, call: Node) -> tuple[Definition, bool] | None:
        """The function or class of this file that is called, and whether its first parameter is bound."""
        callee = dotted(call.child_by_field_name("function"))
        head, _, method = callee.rpartition(".")
        if head in ("self", "cls"):
            owner = self.module.class_at(call.start_byte)
            found = next((child for child in owner.children if child.name == method), None) if owner else None
            return (found, True) if found is not None else None
        if head:
            owner = self._top(head)
            if owner is not None and owner.kind == "class":
                found = next((child for child in owner.children if child.name == method), None)
                if found is not None:
                    return found, "classmethod" in [text(item) for item in _decorators(found)]
            return None
        around = self.module.function_at(call.start_byte)
        while around is not None:
            for child in around.children:
                if child.name == callee:
                    return child, False
            if callee in around.parameters:
                return None
            around = around.parent
        top = self._top(callee)
        return (top, top.kind == "class") if top is not None else None

    def _top(self, name: str) -> Definition | None:
        return next(
            (item for item in self.module.definitions if item.parent is None and item.name == name), None
        )

    def _foreign(self, qualified: str, slot: str | int) -> Effect:
        if not qualified or qualified.startswith(("self.", "cls.")) or "()" in qualified or "[]" in qualified:
            return "unknown"
        head = qualified.partition(".")[0]
        if (
            head
            and head not in self.module.imports.values()
            and not any(origin.startswith(head) for origin in self.module.imports.values())
        ):
            return "unknown"
        name = absolute(qualified, self.module.path)
        summary = self.project.summaries.get(name)
        if summary is None:
            self.asks.add(name)
            return "unknown"
        if isinstance(slot, int):
            slot = summary.parameters[slot] if slot < len(summary.parameters) else ""
        return summary.effects.get(slot, "unknown")

    def exports(self, functions: dict[str, Resource]) -> dict[str, Summary]:
        """Summaries of the functions that hand out something, and of those that other files ask about.

        `functions`: what the functions of this file hand out, by symbol.
        """
        asked = self.project.asked
        for definition in self.module.functions if asked else ():
            if definition.symbol in asked:
                for parameter in definition.parameters:
                    self.of(definition, parameter, False, ANYTHING)
        effects: dict[str, dict[str, Effect]] = {symbol: {} for symbol in functions}
        for (symbol, parameter, _), effect in self._memo.items():
            if effect != "unknown":
                effects.setdefault(symbol, {})[parameter] = effect
        found: dict[str, Summary] = {}
        for symbol, known_effects in effects.items():
            if symbol not in asked and symbol not in functions:
                continue
            definition = next(item for item in self.module.functions if item.symbol == symbol)
            returns = functions[symbol].id if symbol in functions else ""
            slots = functions[symbol].slots if symbol in functions else ()
            found[symbol] = Summary(symbol, definition.parameters, known_effects, returns, slots)
        return found


def factories(module: Module) -> set[str]:
    """The imported functions that may hand out a resource, by what they are called: other files are asked of them."""
    found: set[str] = set()
    for match in _FROM.finditer(module.source):  # by its bytes: most files are not parsed for this
        if not _FACTORY_WORD.search(match[2]):
            continue
        origin = match[1].decode()
        if origin.lstrip(".").partition(".")[0] in sys.stdlib_module_names:
            continue
        joint = "" if origin.endswith(".") else "."
        for item in _COMMENT.sub(b"", match[2]).strip(b"()").split(b","):
            name, _, local = item.decode("utf-8", "replace").partition(" as ")
            if _FACTORY_NAME.match(local.strip() or name.strip()):
                found.add(absolute(f"{origin}{joint}{name.strip()}", module.path))
    return found


def _stub(definition: Definition) -> bool:
    """Whether a function leaves its work to those that override it: its body only raises, passes or explains."""
    body = definition.body
    for statement in body.named_children if body is not None else ():
        if statement.type in ("comment", "pass_statement", "raise_statement"):
            continue
        inner = statement.named_children[0].type if statement.named_children else ""
        if statement.type != "expression_statement" or inner not in ("string", "ellipsis"):
            return False
    return True


def _decorators(definition: Definition) -> list[Node]:
    return definition.decorators


def _parameter(definition: Definition, slot: str | int, bound: bool) -> str:
    """The plain parameter that an argument goes into, or ""."""
    listing = definition.node.child_by_field_name("parameters")
    names = definition.parameters
    if isinstance(slot, str):
        return slot if slot in names else ""
    position = slot + 1 if bound else slot
    plain = [
        child for child in (listing.named_children if listing is not None else ()) if child.type != "comment"
    ]
    for index, child in enumerate(plain):
        if child.type in ("list_splat_pattern", "dictionary_splat_pattern", "keyword_separator"):
            return ""
        if child.type == "typed_parameter" and child.named_children[0].type.endswith("splat_pattern"):
            return ""
        if index == position:
            return names[index] if index < len(names) else ""
    return ""
