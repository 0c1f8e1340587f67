"""What the functions and classes of a file do with what they are given, and what they give to their callers.

Computed when asked for, remembered, bottom-up: a summary asks for those of the callees it needs, and a
function that is being summarised counts as unknown to itself.
"""

from __future__ import annotations

import re
from dataclasses import replace

from tree_sitter import Node

from repairbot.languages.base import Project
from repairbot.languages.python import acquiring
from repairbot.languages.python.acquiring import Acquiring
from repairbot.languages.python.sites import positional
from repairbot.languages.python.syntax import Definition, Module, captures, dotted, statement_of, text
from repairbot.lifetimes.ops import Effect, Resource, Summary

_ORDER: tuple[Effect, ...] = ("borrows", "returns", "unknown", "keeps", "releases")
"""The weakest claim first; the strongest thing a function may do with an argument is its effect."""
_CLOSES = ("close", "aclose", "shutdown", "terminate", "stop", "disconnect", "release", "cleanup")
_ROUNDS = 4
"""How many wrappers around a wrapper are followed."""


class Summaries:
    """The summaries of one file; what is imported comes from the project."""

    def __init__(self, module: Module, table: Acquiring, project: Project) -> None:
        self.module = module
        self.table = table
        self.project = project
        self.asks: set[str] = set()
        self.by_symbol = {definition.symbol: definition for definition in module.definitions}
        self.known: dict[tuple[str, str], Effect] = {}

    def find(self, caller: Definition | None, callee: str) -> Definition | None:
        """The definition in this file that a callee names, as seen from the caller."""
        head, _, rest = callee.partition(".")
        if head in ("self", "cls") and rest and "." not in rest:
            owner = caller
            while owner is not None and owner.kind != "class":
                owner = owner.parent
            return self.by_symbol.get(f"{owner.symbol}.{rest}") if owner else None
        if "." not in callee:
            scope = caller
            while scope is not None:
                nested = self.by_symbol.get(f"{scope.symbol}.{callee}")
                if nested is not None and scope.kind == "function":
                    return nested
                scope = scope.parent
        return self.by_symbol.get(callee)

    def effect(self, caller: Definition | None, callee: str, position: int, keyword: str) -> str:
        """What a call does to one argument: an Effect, "" when the callee is not known."""
        definition = self.find(caller, callee)
        if definition is None:
            return self._foreign(callee, position, keyword)
        bound = definition.owner is not None
        if definition.kind == "class":
            init = self.by_symbol.get(f"{definition.symbol}.__init__")
            if init is None:
                return "keeps"
            definition, bound = init, True
        parameters = definition.parameters[1:] if bound else definition.parameters
        if keyword:
            name = keyword if keyword in parameters else ""
        else:
            name = parameters[position] if position < len(parameters) else ""
        return self.parameter(definition, name) if name else ""

    def _foreign(self, callee: str, position: int, keyword: str) -> str:
        qualified = self.module.qualified(callee)
        if "." not in qualified or qualified.startswith(("self.", "cls.")):
            return ""
        summary = self.project.summaries.get(qualified)
        if summary is None:
            if callee.partition(".")[0] in self.module.imports:
                self.asks.add(qualified)
            return ""
        name = keyword or (summary.parameters[position] if position < len(summary.parameters) else "")
        return summary.effects.get(name, "")

    def parameter(self, definition: Definition, name: str) -> Effect:
        """What a function does with one of its parameters."""
        key = (definition.symbol, name)
        if key not in self.known:
            self.known[key] = "unknown"
            self.known[key] = self._of(definition, name)
        return self.known[key]

    def _of(self, definition: Definition, name: str) -> Effect:
        body = definition.body
        if body is None:
            return "unknown"
        found: Effect = "borrows"
        for node in self.module.mentions(
            rb"(?<![\w.])" + re.escape(name.encode()) + rb"\b", body.start_byte, body.end_byte
        ):
            effect = self._mention(definition, node)
            if _ORDER.index(effect) > _ORDER.index(found):
                found = effect
        return found

    def _mention(self, definition: Definition, node: Node) -> Effect:
        """What one mention of a parameter does."""
        inner = self.module.function_at(node.start_byte)
        if inner is not definition:
            return "unknown"
        parent = node.parent
        while parent is not None and parent.type in (
            "parenthesized_expression",
            "await",
            "conditional_expression",
        ):
            node, parent = parent, parent.parent
        if parent is None:
            return "unknown"
        kind = parent.type
        if kind == "attribute":
            attribute = text(parent.child_by_field_name("attribute"))
            called = parent.parent is not None and parent.parent.type == "call"
            if attribute in acquiring.GENERIC_RELEASES:
                return "releases" if called else "keeps"
            return "borrows"
        if kind in ("argument_list", "keyword_argument"):
            call = (
                parent.parent
                if kind == "argument_list"
                else (parent.parent.parent if parent.parent else None)
            )
            if call is None or call.type != "call":
                return "unknown"
            return self._argument(definition, call, node, parent)
        if kind == "with_item" or (
            kind == "as_pattern" and parent.parent is not None and parent.parent.type == "with_item"
        ):
            return "releases"
        if kind in ("return_statement", "yield"):
            return "returns"
        if kind == "assignment":
            left = parent.child_by_field_name("left")
            if left is not None and left.type != "identifier" and left != node:
                return "keeps"
            return "unknown"
        if kind in (
            "tuple",
            "list",
            "set",
            "pair",
            "dictionary",
            "expression_list",
            "lambda",
            "default_parameter",
        ):
            return "keeps"
        return "borrows"

    def _argument(self, definition: Definition, call: Node, node: Node, parent: Node) -> Effect:
        callee = dotted(call.child_by_field_name("function"))
        if self.table.releases(callee):
            return "releases"
        if self.table.borrows(callee, ()):
            return "borrows"
        if callee.rpartition(".")[2] in acquiring.STORING and "." in callee:
            return "keeps"
        keyword = text(parent.child_by_field_name("name")) if parent.type == "keyword_argument" else ""
        position = next((index for index, other in enumerate(positional(call)) if other == node), 0)
        effect = self.effect(definition, callee, position, keyword)
        if effect in _ORDER:
            return effect  # type: ignore[return-value]  # narrowed by the line above, which mypy cannot see
        return "keeps" if acquiring.HANDING_OVER.search(callee) else "unknown"

    # What a file adds to the table

    def add_wrappers(self) -> None:
        """Functions that return what they acquired, and classes that hold it, acquire for their callers."""
        for name, resource in self.project.resources.items():
            for local, qualified in self.module.imports.items():
                if qualified == name:
                    self.table.local[local] = resource
                elif name.startswith(qualified + "."):
                    self.table.local[local + name[len(qualified) :]] = resource
        for _ in range(_ROUNDS):
            if not self._round():
                break

    def _round(self) -> bool:
        added = False
        for function in self.module.functions:
            name = f"self.{function.name}" if function.owner else function.symbol
            if name in self.table.local or (function.parent is not None and function.owner is None):
                continue
            if function.name.startswith("__") or function.decorators or function.asynchronous:
                continue
            resource = self._returned(function)
            if resource is not None and not resource.slots:
                self.table.local[name] = replace(resource, origin="inferred")
                added = True
        return added

    def _returned(self, function: Definition) -> Resource | None:
        """What a function acquires and always returns, or None."""
        source = self.module.source[function.start : function.end]
        words = self.table.words()
        if not any(word in source for word in words) or b"return" not in source or b"yield" in source:
            return None
        found: Resource | None = None
        for statement in captures("(return_statement) @r", function.node).get("r", []):
            if self.module.function_at(statement.start_byte) is not function:
                continue
            values = statement.named_children
            if not values or values[0].type == "none":
                return None
            value = values[0]
            resource = self.table.resource(value) if value.type == "call" else self._held_by(function, value)
            if resource is None:
                return None
            found = resource
        return found

    def _held_by(self, function: Definition, value: Node) -> Resource | None:
        if value.type != "identifier":
            return None
        resource: Resource | None = None
        name = text(value)
        for assignment in captures("(assignment) @a", function.node).get("a", []):
            left, right = assignment.child_by_field_name("left"), assignment.child_by_field_name("right")
            if left is None or right is None or text(left) != name:
                continue
            resource = self.table.resource(right) if right.type == "call" else None
            if resource is None or statement_of(assignment) is None:
                return None
        return resource

    def exports(self) -> dict[str, Summary]:
        """What other files may want to know: functions that hand on, keep or release their arguments."""
        found: dict[str, Summary] = {}
        for function in self.module.functions:
            if function.parent is not None and function.owner is None:
                continue
            own = function.parameters[1:] if function.owner else function.parameters
            effects = {name: self.parameter(function, name) for name in own}
            found[function.symbol] = Summary(function.symbol, own, effects)
        return found
