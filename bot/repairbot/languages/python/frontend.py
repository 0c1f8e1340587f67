"""Python source to the model: what can be dismissed, what is lowered, what does not parse."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator, Set
from contextlib import closing
from functools import cached_property

from tree_sitter import Node

from repairbot.languages.base import Project, Unreadable
from repairbot.languages.effects import handed_out, several
from repairbot.languages.flow import TooLarge
from repairbot.languages.python import (
    caught,
    channels,
    containers,
    holders,
    idioms,
    loads,
    pairs,
    registrations,
)
from repairbot.languages.python.acquiring import Acquiring, table_of
from repairbot.languages.python.callees import among, callees
from repairbot.languages.python.functions import MODULE, Lowering, TooDeep
from repairbot.languages.python.summaries import Oracle, factories
from repairbot.languages.python.syntax import Definition, Module, dotted, text, words_of
from repairbot.lazily import regex
from repairbot.lifetimes.ops import Function, Kind, Resource, Unit
from repairbot.model import Step

_THROUGH = frozenset(
    {"await", "parenthesized_expression", "conditional_expression", "boolean_operator", "named_expression"}
)
"""What may stand between an acquiring call and the name it is assigned to."""
_PYTHON_2 = (
    (regex(rb"print[ \t]+[\"'\w]"), "print statement"),
    (regex(rb"except[ \t]+[\w.()]+[ \t]*,[ \t]*[a-z_]\w*[ \t]*:"), "except with a comma"),
    (regex(rb"raise[ \t]+[\w.]+[ \t]*,"), "raise with a comma"),
    (regex(rb"exec[ \t]+[\"'\w]"), "exec statement"),
)
"""Forms of Python 2, at the beginning of a line. Each begins with plain text, which is fast to look for."""
_NO_BRACKETS = bytes(byte for byte in range(256) if byte not in b"()[]{}")
_MOST_BROKEN = 0.5
"""A file with a larger share of its bytes in what does not parse is not read at all. Old syntax mostly parses:
tree-sitter-python knows print and exec statements, and functions that hold an error are passed over alone."""


_OTHERS = containers.TRIGGERS | channels.TRIGGERS | registrations.TRIGGERS | loads.TRIGGERS | idioms.TRIGGERS
"""Words without all of which nothing grows, is registered, loaded or retained."""


class PythonFrontend:
    """The front end of Python (see languages/base.py)."""

    def dismiss(self, source: bytes, resources: tuple[Resource, ...]) -> bool:
        """True when no name in the bytes acquires, grows, registers or loads anything."""
        words = words_of(source)
        # What does not parse is not called clean: it is left to `lower`, which says why it is skipped.
        return _dull(words, resources) and not _python_2(source) and not Module(source, "").root.has_error

    def lower(self, source: bytes, path: str, resources: tuple[Resource, ...], project: Project) -> Unit:
        """Lower the whole file. Raises Unreadable on Python 2 and on what cannot be read at all."""
        unit = Unit(path, "python")
        broken: list[Definition] = []

        def parsed(module: Module) -> None:
            for definition in _broken(module):
                broken.append(definition)
                line = _first_error(definition.node).start_point[0] + 1
                unit.skipped.append(
                    Step(
                        definition.node.start_point[0] + 1,
                        f"{definition.symbol} does not parse (line {line})",
                    )
                )

        if old := _python_2(source):
            raise Unreadable(old)
        with closing(Module(source, path, parsed)) as module:
            dull = _dull(module.words, resources)
            if (dull or _odd(source)) and module.root.has_error and dull:
                raise Unreadable(_why(module))  # where it is not dull, `parsed` has said what is broken
            with closing(_Functions(module, resources, project, unit, broken)) as functions:
                functions.run()
            unit.containers.extend(
                containers.collect(
                    module, (*resources, *unit.resources_made) if unit.resources_made else resources
                )
            )
            unit.registrations.extend(registrations.collect(module))
            unit.loads.extend(loads.collect(module))
            unit.loads.extend(channels.collect(module))
            unit.idioms.extend(idioms.collect(module))
        return unit

    def broken(self, source: bytes) -> str:
        """Why the source does not parse, in one line, or "".

        Syntax that is newer than this Python is no error: the tree-sitter grammar reads it without one.
        """
        return _compiled(source) if Module(source, "").root.has_error else ""


FRONTEND = PythonFrontend()


def _dull(words: Set[bytes], resources: tuple[Resource, ...]) -> bool:
    return _OTHERS.isdisjoint(words) and not table_of(resources).active(words)


def _odd(source: bytes) -> bool:
    """Whether the bytes look broken, so that the file is parsed even where nothing else asks for it."""
    brackets = source.translate(None, _NO_BRACKETS)
    return (
        any(brackets.count(left) != brackets.count(right) for left, right in (b"()", b"[]", b"{}"))
        or b'print "' in source
        or b"\n<<<<<<< " in source
    )


def _broken(module: Module) -> list[Definition]:
    """The innermost functions that hold syntax errors; raises Unreadable when there is too little else."""
    if not module.root.has_error:
        return []
    found = [
        definition
        for definition in module.functions
        if definition.node.has_error and not any(child.node.has_error for child in definition.children)
    ]
    lost = sum(definition.end - definition.start for definition in found)
    lost += sum(node.end_byte - node.start_byte for node in module.root.children if node.is_error)
    if lost > _MOST_BROKEN * len(module.source):
        raise Unreadable(_why(module))
    return found


def _why(module: Module) -> str:
    """Where a file begins not to parse."""
    return f"line {_first_error(module.root).start_point[0] + 1}: syntax error"


def _python_2(source: bytes) -> str:
    """Why a file is Python 2 and not Python 3, or "". The grammar reads both."""
    for form, name in _PYTHON_2:
        for match in form.finditer(source):
            start = source.rfind(b"\n", 0, match.start()) + 1
            if not source[start : match.start()].strip(b" \t\xef\xbb\xbf"):
                if not _compiled(source):
                    return ""  # in a docstring, say
                line = source.count(b"\n", 0, start) + 1
                return f"line {line}: not valid Python 3 ({name})"
    return ""


def _compiled(source: bytes) -> str:
    """What this Python's compiler says against a source, "" for nothing."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what is odd but valid
        try:
            compile(source, "<source>", "exec", ast.PyCF_ONLY_AST, dont_inherit=True)
        except SyntaxError as error:
            return f"line {error.lineno or 1}: {error.msg}"
        except (ValueError, RecursionError, MemoryError) as error:
            return f"line 1: {error or 'nested too deep'}"
    return ""


def _first_error(node: Node) -> Node:
    current = node
    while (child := next((c for c in current.children if c.has_error or c.is_missing), None)) is not None:
        current = child
        if child.is_error or child.is_missing:
            break
    return current


class _Functions:
    """The lowering of the functions of one file that acquire something."""

    def __init__(
        self,
        module: Module,
        resources: tuple[Resource, ...],
        project: Project,
        unit: Unit,
        broken: list[Definition],
    ) -> None:
        self.module, self.unit = module, unit
        self.acquiring = Acquiring(module, resources, project)
        self.oracle = Oracle(module, project, self._assuming)
        self._broken = broken
        self.calls: dict[int, list[Node]] = {}
        """The acquiring calls by the start of their function, -1 for the module's own code."""
        self.lowered: dict[int, Function] = {}
        self.handed: dict[str, Resource] = {}

    def close(self) -> None:
        """Let go of what knows this: what was made on the way is gone then, without a collector's help."""
        del self.oracle.lower

    def run(self) -> None:
        """Lower until no function is found any more that hands out what it acquires."""
        found = self.acquiring.search()
        waiting = self._sort([*found, *caught.made(self.acquiring), *pairs.made(self.acquiring)])
        for resource in holders.made(self.acquiring, found):
            self.unit.resources_made.append(resource)
            waiting |= self._sort(self.acquiring.learn(resource.id, resource))
        while waiting:
            start = min(waiting)
            waiting.discard(start)
            waiting |= self._lower(start)
        self.unit.functions.extend(self.lowered[start] for start in sorted(self.lowered))
        self.unit.exports.update(self.oracle.exports(self.handed))
        self.unit.asks |= self.oracle.asks
        self.unit.makers |= factories(self.module) - self.oracle.asks

    @cached_property
    def broken(self) -> set[int]:
        """The starts of the functions that do not parse, and of those around them; known once the file is parsed."""
        return {around.start for definition in self._broken for around in _around(definition)}

    def _sort(self, calls: list[Node]) -> set[int]:
        """File new acquiring calls under their functions; the functions to lower (again)."""
        touched: set[int] = set()
        for call in calls:
            definition = self.module.definition_at(call.start_byte)
            if definition is not None and definition.kind == "class":
                continue
            start = definition.start if definition is not None else -1
            self.calls.setdefault(start, []).append(call)
            touched.add(start)
        return touched

    def _definition(self, start: int) -> Definition | None:
        return self.module.definition_at(start) if start >= 0 else None

    def _lower(self, start: int) -> set[int]:
        """Lower one function; the functions that are to be lowered because of what it hands out."""
        definition = self._definition(start)
        if definition is not None and definition.start in self.broken:
            return set()
        seeds = dict(_seeds(self.acquiring, self.calls.get(start, [])))
        lowering = self._graph(definition, seeds)
        if lowering is None:
            return set()
        function, lowered = lowering
        if any(op.kind is Kind.ACQUIRE for block in function.blocks for op in block.ops):
            self.lowered[start] = function
        elif lowered.handed_on is None:
            return set()
        if definition is None or definition.symbol in self.handed or not _plain(definition):
            return set()
        if lowered.layouts or lowered.handed_on is not None:
            resource = None if lowered.single else several(function, lowered.layouts, lowered.handed_on)
        else:
            resource = None if lowered.mixed else handed_out(function)
        local = (
            resource is not None and resource.origin == "inferred" and not resource.release[0].startswith(".")
        )
        if resource is None or not resource.acquire or local:
            return set()
        self.handed[definition.symbol] = resource
        return self._sort(self.acquiring.learn(definition.symbol, resource))

    def _graph(
        self,
        definition: Definition | None,
        seeds: dict[str, Resource],
        parameters: dict[str, Resource] | None = None,
    ) -> tuple[Function, Lowering] | None:
        """The graph of a function, in a second round with the names that the first found; None when it is too deep."""
        try:
            lowering = Lowering(self.acquiring, self.oracle, definition, seeds)
            function = lowering.run(parameters)
            more = {place: held for place, held in lowering.held.items() if not place.startswith("%")}
            if set(more) - set(seeds):
                lowering = Lowering(self.acquiring, self.oracle, definition, more)
                function = lowering.run(parameters)
        except (TooDeep, TooLarge) as error:
            why = "an expression is nested too deep" if isinstance(error, TooDeep) else "too many paths"
            line = definition.node.start_point[0] + 1 if definition is not None else 1
            symbol = definition.symbol if definition is not None else MODULE
            self.unit.skipped.append(Step(line, f"{symbol}: {why}; skipped"))
            return None
        return function, lowering

    def _assuming(self, definition: Definition, parameters: dict[str, Resource]) -> Function | None:
        if definition.start in self.broken:
            return None
        seeds = dict(_seeds(self.acquiring, self.calls.get(definition.start, [])))
        made = self._graph(definition, {**seeds, **parameters}, parameters)
        return made[0] if made is not None else None


def _around(definition: Definition | None) -> Iterator[Definition]:
    while definition is not None:
        if definition.kind == "function":
            yield definition
        definition = definition.parent


def _plain(definition: Definition) -> bool:
    """Whether calling it runs it: no decorator that makes something else of it."""
    return all(text(node) in ("staticmethod", "classmethod") for node in definition.decorators)


def _seeds(acquiring: Acquiring, calls: list[Node]) -> Iterator[tuple[str, Resource]]:
    """The names that acquiring calls are assigned to."""
    for call in calls:
        resource = acquiring.at(call)
        target = _target(acquiring.module, call)
        if resource is None or target is None:
            continue
        if resource.slots and target.type in ("pattern_list", "tuple_pattern"):
            for index in resource.slots:
                if index < len(target.named_children) and (name := dotted(target.named_children[index])):
                    yield name, resource
        elif target.type in ("identifier", "attribute") and not resource.slots:
            name = dotted(target)
            if "." not in name or (name.startswith(("self.", "cls.")) and name.count(".") == 1):
                yield name, resource


def _target(module: Module, call: Node) -> Node | None:
    """What a call's value is assigned to, through what hands it on unchanged."""
    parent = call.parent
    while parent is not None:
        if parent.type == "named_expression":
            return parent.child_by_field_name("name")
        if parent.type == "assignment":
            return parent.child_by_field_name("left")
        if parent.type == "as_pattern":
            alias = parent.child_by_field_name("alias")
            return alias.named_children[0] if alias is not None and alias.named_children else None
        if parent.type == "argument_list" and parent.parent is not None:
            callee = module.qualified(dotted(parent.parent.child_by_field_name("function")))
            if not (among(callees().owns, callee) or among(callees().views, callee)):
                return None
            parent = parent.parent.parent
            continue
        if parent.type not in _THROUGH:
            return None
        parent = parent.parent
    return None
