"""What the functions of a file do with their arguments, asked for at each call that hands over something held."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from repairbot.languages.base import Project
from repairbot.languages.effects import effect_in
from repairbot.languages.typescript.syntax import Definition, Module
from repairbot.languages.typescript.tree import N
from repairbot.lifetimes.ops import Effect, Function, Resource, Summary

ANYTHING: Final = Resource("anything", "anything", ("anything",), (".close", ".dispose", ".destroy", ".end"))
Assume = Callable[[Definition, dict[str, Resource]], Function | None]
"""Lowers a function whose parameters hold something."""


class Oracle:
    """Answers what a callee does with an argument: of this file by reading it, of others by their summaries."""

    def __init__(self, module: Module, project: Project, assume: Assume) -> None:
        self.module, self.project, self.assume = module, project, assume
        self._memo: dict[tuple[str, str, str], Effect] = {}
        self.asks: set[str] = set()

    def effect(self, call: N, callee: str, slot: int, held: Resource | None) -> Effect:
        """What a call does with the argument at a position."""
        definition = self._definition(call, callee)
        if definition is None:
            return self._foreign(callee, slot)
        if slot >= len(definition.parameters) or not definition.parameters[slot]:
            return "unknown"
        return self.of(definition, definition.parameters[slot], held or ANYTHING)

    def of(self, definition: Definition, parameter: str, held: Resource) -> Effect:
        """What a function of this file does with a parameter."""
        key = (definition.symbol, parameter, held.id)
        if key not in self._memo:
            self._memo[key] = "unknown"  # for calls in a circle
            function = self.assume(definition, {parameter: held})
            if function is not None:
                self._memo[key] = effect_in(function, parameter)
        return self._memo[key]

    def _definition(self, call: N, callee: str) -> Definition | None:
        if callee.startswith("new "):
            return None
        head, _, method = callee.rpartition(".")
        if head == "this":
            owner = self.module.class_around(call)
            named = [child for child in owner.children if child.name == method] if owner is not None else []
        elif not head:
            named = [item for item in self.module.functions if item.name == method and item.owner is None]
        else:
            return None
        return named[0] if len(named) == 1 and named[0].body is not None else None

    def _foreign(self, callee: str, slot: int) -> Effect:
        qualified = self.module.qualified(callee)
        if not qualified.startswith("/"):
            return "unknown"
        name = qualified[1:]
        summary = self.project.summaries.get(name)
        if summary is None:
            self.asks.add(name)
            return "unknown"
        parameter = summary.parameters[slot] if slot < len(summary.parameters) else ""
        return summary.effects.get(parameter, "unknown")

    def exports(self, functions: dict[str, Resource]) -> dict[str, Summary]:
        """Summaries of the functions that hand out something (`functions`), and of those that others ask about."""
        asked = self.project.asked
        for definition in self.module.functions if asked else ():
            if definition.symbol in asked:
                for parameter in definition.parameters:
                    if parameter:
                        self.of(definition, parameter, ANYTHING)
        effects: dict[str, dict[str, Effect]] = {symbol: {} for symbol in functions}
        for (symbol, parameter, _), effect in self._memo.items():
            if effect != "unknown" and (symbol in asked or symbol in functions):
                effects.setdefault(symbol, {})[parameter] = effect
        found: dict[str, Summary] = {}
        for symbol, known in effects.items():
            definition = next(item for item in self.module.functions if item.symbol == symbol)
            returns = functions[symbol].id if symbol in functions else ""
            found[symbol] = Summary(symbol, definition.parameters, known, returns)
        return found
