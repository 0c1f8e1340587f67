"""Source to model: what the other modules here find in one file, put together."""

from __future__ import annotations

import ast
import re

from tree_sitter import Node

from repairbot.languages.base import Project, Unreadable
from repairbot.languages.python import containers, idioms, loads, registrations
from repairbot.languages.python.acquiring import Acquiring
from repairbot.languages.python.functions import Lowering
from repairbot.languages.python.graph import TooLarge
from repairbot.languages.python.summaries import Summaries
from repairbot.languages.python.syntax import WORD, Definition, Module
from repairbot.lifetimes.ops import Resource, Unit
from repairbot.model import Step

_MOST_BROKEN = 0.5
"""A file with a larger share of its bytes in what does not parse is not read at all. Old syntax mostly parses:
tree-sitter-python knows print and exec statements, and functions that hold an error are passed over alone."""


class PythonFrontend:
    """See `repairbot.languages.base.Frontend`."""

    def dismiss(self, source: bytes, resources: tuple[Resource, ...]) -> bool:
        """Nothing acquires, grows or registers: seen by the words alone."""
        words = set(WORD.findall(source))
        return words.isdisjoint(_words(resources)) and words.isdisjoint(_others())

    def lower(self, source: bytes, path: str, resources: tuple[Resource, ...], project: Project) -> Unit:
        """Lower one file. Raises Unreadable where nothing of it parses."""
        module = Module(source, path)
        broken = _broken(module)
        unit = Unit(path=path, language="python")
        table = Acquiring(module, resources)
        summaries = Summaries(module, table, project)
        summaries.add_wrappers()
        unit.skipped.extend(Step(node.start_point[0] + 1, why) for node, why in broken)
        for definition in _acquiring(module, table):
            if any(_within(node, definition) for node, _ in broken):
                continue
            lowering = Lowering(module, table, definition, summaries.effect)
            try:
                unit.functions.append(lowering.lower())
            except TooLarge:
                at = definition.node.start_point[0] + 1 if definition else 1
                unit.skipped.append(Step(at, f"{lowering.function.symbol} has too many paths"))
        unit.containers.extend(containers.collect(module, resources))
        unit.registrations.extend(registrations.collect(module))
        unit.idioms.extend(idioms.collect(module))
        unit.loads.extend(loads.collect(module))
        unit.exports.update(summaries.exports())
        unit.asks |= summaries.asks
        return unit

    def broken(self, source: bytes) -> str:
        """The compiler's word on a source that does not parse."""
        try:
            ast.parse(source)
        except (SyntaxError, ValueError) as error:
            line = getattr(error, "lineno", None)
            return f"line {line}: {getattr(error, 'msg', error)}" if line else str(error)
        return ""


_cache: dict[int, frozenset[bytes]] = {}


def _words(resources: tuple[Resource, ...]) -> frozenset[bytes]:
    key = id(resources)
    if key not in _cache:
        names = (name for resource in resources for name in resource.acquire)
        _cache[key] = frozenset(name.rpartition(".")[2].encode() for name in names)
    return _cache[key]


def _others() -> frozenset[bytes]:
    return containers.TRIGGERS | registrations.TRIGGERS | idioms.TRIGGERS | loads.TRIGGERS


def _acquiring(module: Module, table: Acquiring) -> list[Definition | None]:
    """The functions in which something is acquired; None stands for the module's own code."""
    names = b"|".join(sorted(re.escape(word) for word in table.words()))
    found: dict[int, Definition | None] = {}
    for node in module.mentions(rb"\b(?:" + names + rb")\b(?=[ \t]*\()"):
        call: Node | None = node.parent
        while call is not None and call.type == "attribute":
            call = call.parent
        if call is None or call.type != "call" or table.resource(call) is None:
            continue
        definition = module.function_at(node.start_byte)
        found[definition.start if definition else -1] = definition
    return [found[key] for key in sorted(found)]


def _broken(module: Module) -> list[tuple[Node, str]]:
    """The functions that hold syntax errors, with the reason; raises Unreadable when there is too little else."""
    if not module.root.has_error:
        return []
    broken = [definition for definition in module.definitions if definition.node.has_error]
    inner = [
        d for d in broken if d.kind == "function" and not any(child.node.has_error for child in d.children)
    ]
    lost = sum(d.end - d.start for d in inner) + sum(
        node.end_byte - node.start_byte for node in module.root.children if node.is_error
    )
    if lost > _MOST_BROKEN * len(module.source):
        raise Unreadable(f"line {_first_error(module.root).start_point[0] + 1}: syntax error")
    return [
        (d.node, f"{d.symbol} does not parse (line {_first_error(d.node).start_point[0] + 1})") for d in inner
    ]


def _first_error(node: Node) -> Node:
    current = node
    while True:
        child = next((c for c in current.children if c.has_error or c.is_missing), None)
        if child is None or child.is_error or child.is_missing:
            return child or current
        current = child


def _within(node: Node, definition: Definition | None) -> bool:
    return definition is not None and definition.start <= node.start_byte < definition.end
