"""Rust source to the model: what can be dismissed, what is lowered, what does not parse.

Ownership is the compiler's business here: a plain value is dropped with its scope. What remains, and what is looked
for, are tasks, subscriptions, registries, collections that only grow, cycles and raw memory.
"""

from __future__ import annotations

import re
from typing import Final

from tree_sitter import Node

from repairbot.languages.base import Project, Unreadable
from repairbot.languages.flow import TooLarge
from repairbot.languages.rust.acquiring import Known, known
from repairbot.languages.rust.body import Body
from repairbot.languages.rust.captures import captures
from repairbot.languages.rust.functions import Lowering
from repairbot.languages.rust.growing import caches, growing
from repairbot.languages.rust.joinsets import joinsets
from repairbot.languages.rust.memory import memory
from repairbot.languages.rust.registries import registries
from repairbot.languages.rust.subscriptions import subscriptions
from repairbot.languages.rust.syntax import Definition, Module
from repairbot.languages.rust.tasks import tasks
from repairbot.languages.rust.totals import totals
from repairbot.languages.rust.tree import TooDeep, parse
from repairbot.languages.rust.types import types
from repairbot.lifetimes.ops import Kind, Resource, Unit
from repairbot.model import Step

_MOST_BROKEN: Final = 0.5
"""A file with a larger share of its bytes in what does not parse is not read at all."""
_WORDS: Final = re.compile(
    rb"\b(?:detach|detach_and_log_err|clone|handle|entity|spawn\w*|forget|into_raw\w*|contains_key|insert|read_until"
    rb"|read_line|\w*last\w*|unbounded|truncate)\(|JoinSet|join_next"
)
"""What stands in every file of which something may be said."""

_OWNS: Final = re.compile(rb"\bChild\b|AtomicPtr|\*mut\b|EGL|\bEnv\b|cache|memo")
"""What stands in the members of a type that may need a Drop."""


class RustFrontend:
    """The front end of Rust (see languages/base.py)."""

    def dismiss(self, source: bytes, resources: tuple[Resource, ...]) -> bool:
        """True when no name in the bytes starts, registers, keeps or forgets anything."""
        if _WORDS.search(source) or known(resources).pattern.search(source) or _OWNS.search(source):
            return False
        # What does not parse is not called clean: it is left to `lower`, which says why it is skipped.
        return not parse(source).has_error

    def lower(self, source: bytes, path: str, resources: tuple[Resource, ...], project: Project) -> Unit:
        """Lower the whole file. Raises Unreadable on what cannot be read at all."""
        module = Module(source, path)
        broken = _errors(module.root) if module.root.has_error else []
        _check(module, broken)
        unit, rows = Unit(path, "rust"), known(resources)
        for definition in module.functions:
            _function(module, definition, broken, unit, rows)
        unit.idioms.extend(types(module))
        unit.idioms.extend(caches(module))
        return unit

    def broken(self, source: bytes) -> str:
        """Why the source does not parse, in one line, or "".

        The grammar lags behind the language here and there, so only what `lower` could not read counts.
        """
        module = Module(source, "")
        try:
            _check(module, _errors(module.root) if module.root.has_error else [])
        except Unreadable as error:
            return str(error)
        return ""


def _function(module: Module, definition: Definition, broken: list[Node], unit: Unit, rows: Known) -> None:
    """Look at one function, unless it does not parse."""
    node = definition.body_node
    if node is None or not (_WORDS.search(definition.source) or rows.pattern.search(definition.source)):
        return
    line = module.line(definition.node.start_byte)
    error = next((each for each in broken if node.start_byte <= each.start_byte < node.end_byte), None)
    if error is not None:
        note = f"{definition.symbol} does not parse (line {error.start_point[0] + 1})"
        unit.skipped.append(Step(line, note))
        return
    try:
        body = Body(module, definition)
    except TooDeep:
        unit.skipped.append(Step(line, f"{definition.symbol} is too deep to follow"))
        return
    for recognise in _RECOGNISERS:
        recognise(body)
    unit.idioms.extend(body.idioms)
    if rows.pattern.search(definition.source):
        _lowered(module, definition, unit, rows)


def _lowered(module: Module, definition: Definition, unit: Unit, rows: Known) -> None:
    """The graph of a function that may acquire what no Drop ends."""
    try:
        function = Lowering(module, definition, rows).run()
    except TooLarge:
        line = module.line(definition.node.start_byte)
        unit.skipped.append(Step(line, f"{definition.symbol} is too large to follow"))
        return
    if any(op.kind is Kind.ACQUIRE for block in function.blocks for op in block.ops):
        unit.functions.append(function)


_RECOGNISERS = (subscriptions, captures, tasks, joinsets, registries, memory, totals, growing)


def _errors(node: Node) -> list[Node]:
    """The outermost places that do not parse."""
    if node.type == "ERROR" or node.is_missing:
        return [node]
    return (
        [found for child in node.children if child.has_error for found in _errors(child)]
        if node.has_error
        else []
    )


def _check(module: Module, errors: list[Node]) -> None:
    """Raises Unreadable where most of a file does not parse."""
    broken = sum(node.end_byte - node.start_byte for node in errors)
    if errors and broken > _MOST_BROKEN * max(len(module.source), 1):
        raise Unreadable(f"line {errors[0].start_point[0] + 1}: it does not parse as Rust")


FRONTEND = RustFrontend()
