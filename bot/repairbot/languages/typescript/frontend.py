"""TypeScript and JavaScript source to the model: what can be dismissed, what is lowered, what does not parse."""

from __future__ import annotations

import gc
from contextlib import closing
from typing import Final

from repairbot.languages.base import Project, Unreadable
from repairbot.languages.effects import handed_out
from repairbot.languages.flow import TooLarge
from repairbot.languages.typescript import idioms
from repairbot.languages.typescript.acquiring import Acquiring
from repairbot.languages.typescript.classes import Classes
from repairbot.languages.typescript.containers import Collector
from repairbot.languages.typescript.functions import MODULE, Lowering
from repairbot.languages.typescript.interest import dull
from repairbot.languages.typescript.loads import Loads
from repairbot.languages.typescript.registrations import Registrations
from repairbot.languages.typescript.summaries import Oracle
from repairbot.languages.typescript.syntax import Definition, Module
from repairbot.languages.typescript.tree import grammar_of
from repairbot.languages.typescript.values import TooDeep
from repairbot.lazily import regex
from repairbot.lifetimes.ops import Function, Kind, Resource, Unit
from repairbot.model import Step

_TESTS: Final = regex(r"(?:^|/)(?:tests?|specs?|__tests__|e2e|cypress)/|[.-](?:test|spec)\.[cm]?[jt]sx?$")
"""Half of many trees, and most of what seems to leak in them: servers and files that end with the process."""
_LONG_LINE: Final = 5000
"""Bytes; a file with such a line and few others was written by a program."""
_MOST_BROKEN: Final = 0.5
"""A file with a larger share of its bytes in what does not parse is not read at all."""


class TypeScriptFrontend:
    """The front end of TypeScript, and under another name of JavaScript (see languages/base.py)."""

    def __init__(self, language: str) -> None:
        self.language = language

    def dismiss(self, source: bytes, resources: tuple[Resource, ...]) -> bool:
        """True when no name in the bytes acquires, grows, registers or loads anything."""
        return dull(source, resources)

    def lower(self, source: bytes, path: str, resources: tuple[Resource, ...], project: Project) -> Unit:
        """Lower the whole file. Raises Unreadable on what is not written by hand and on what does not parse."""
        if why := _unwritten(source, path):
            raise Unreadable(why)
        collecting = gc.isenabled()
        gc.disable()  # a tree is a million objects of which none can go before the end
        try:
            return self._lowered(source, path, resources, project)
        finally:
            if collecting:
                gc.enable()

    def _lowered(self, source: bytes, path: str, resources: tuple[Resource, ...], project: Project) -> Unit:
        unit = Unit(path, self.language)
        module = Module(source, path, grammar_of(path, self.language))
        try:
            self._fill(unit, module, resources, project)
        finally:
            module.close()
        return unit

    def _fill(self, unit: Unit, module: Module, resources: tuple[Resource, ...], project: Project) -> None:
        with closing(_Functions(module, resources, project, unit, _broken(module))) as functions:
            functions.run()
        classes = Classes(module)
        unit.containers.extend(Collector(functions.acquiring, classes).collect())
        unit.idioms.extend(idioms.collect(module, classes))
        unit.loads.extend(Loads(module).collect())
        unit.registrations.extend(Registrations(module, classes).collect())

    def broken(self, source: bytes) -> str:
        """Why the source does not parse, in one line, or "".

        The grammars lag behind the language here and there, so only what `lower` could not read counts.
        """
        grammars = (self.language, "tsx") if self.language == "typescript" else (self.language,)
        try:
            for grammar in grammars:
                with closing(Module(source, "", grammar)) as module:
                    if not module.has_error:
                        return ""
                    if grammar == grammars[-1]:
                        _broken(module)
        except Unreadable as error:
            return str(error)
        return ""


def _unwritten(source: bytes, path: str) -> str:
    """Why a file is not looked at: nobody wrote it by hand, or it is a test; "" for any other."""
    if path.endswith((".d.ts", ".d.mts", ".d.cts")):
        return "a declaration file: there is no code in it"
    if _TESTS.search(path):
        return "test code: what leaks there ends with the run"
    if len(source) > _LONG_LINE:
        start = 0
        while start < len(source):
            end = source.find(b"\n", start)
            end = len(source) if end < 0 else end
            if end - start > _LONG_LINE and (end - start) * 2 > len(source):
                line = source.count(b"\n", 0, start) + 1
                return f"line {line} has {end - start:,} bytes: it is minified or generated"
            start = end + 1
    return ""


def _broken(module: Module) -> frozenset[int]:
    """The functions (by their start) that hold syntax errors; raises Unreadable when there is too little else."""
    if not module.has_error:
        return frozenset()
    errors = module.errors
    lost = sum(end - start for start, end in errors)
    if errors and lost > _MOST_BROKEN * max(1, len(module.source)):
        raise Unreadable(f"line {module.line(errors[0][0])}: syntax error")
    found: set[int] = set()
    for start, _ in errors:
        found.update(each.start for each in module.functions if each.start <= start < each.end)
    return frozenset(found)


class _Functions:
    """The lowering of the functions of one file that acquire something."""

    def __init__(
        self,
        module: Module,
        resources: tuple[Resource, ...],
        project: Project,
        unit: Unit,
        broken: frozenset[int],
    ) -> None:
        self.module, self.unit, self.broken = module, unit, broken
        self.acquiring = Acquiring(module, resources, project)
        self.oracle = Oracle(module, project, self._assuming)
        self.lowered: dict[int, Function] = {}
        self.handed: dict[str, Resource] = {}

    def close(self) -> None:
        """Let go of what knows this: what was made on the way is gone then, without a collector's help."""
        del self.oracle.assume

    def run(self) -> None:
        """Lower until no function is found any more that hands out what it acquires."""
        for definition in self.module.functions:
            if definition.start in self.broken:
                note = f"{definition.symbol} does not parse"
                self.unit.skipped.append(Step(self.module.line(definition.start), note))
        waiting = self._acquirers()
        while waiting:
            start = min(waiting)
            if self._lower(waiting.pop(start)):
                waiting |= {key: item for key, item in self._acquirers().items() if key not in self.lowered}
        self.unit.functions.extend(self.lowered[start] for start in sorted(self.lowered))
        self.unit.exports.update(self.oracle.exports(self.handed))
        self.unit.asks |= self.oracle.asks

    def _acquirers(self) -> dict[int, Definition | None]:
        """The functions with an acquiring call of their own, by their start; -1 for the module's own code."""
        found: dict[int, Definition | None] = {}
        for call in self.acquiring.found():
            definition = self.module.around(call)
            found[definition.start if definition is not None else -1] = definition
        return found

    def _lower(self, definition: Definition | None) -> bool:
        """Lower one function; whether it turned out to hand out what it acquires."""
        start = definition.start if definition is not None else -1
        if start in self.broken:
            return False
        function = self._graph(definition)
        if function is None:
            return False
        if any(op.kind is Kind.ACQUIRE for block in function.blocks for op in block.ops):
            self.lowered[start] = function
        if definition is None or definition.symbol in self.handed or definition.generator:
            return False
        resource = handed_out(function)
        if resource is None or not resource.acquire or not definition.name.isidentifier():
            return False
        self.handed[definition.symbol] = resource
        self.acquiring.learn(definition.symbol, resource)
        return True

    def _graph(
        self, definition: Definition | None, parameters: dict[str, Resource] | None = None
    ) -> Function | None:
        """The graph of a function, in a second round with the names that the first found; None when it is too deep."""
        try:
            seeds: dict[str, Resource] = dict(parameters or {})
            lowering = Lowering(self.acquiring, self.oracle, definition, seeds)
            function = lowering.run(parameters)
            more = {place: held for place, held in lowering.held.items() if not place.startswith("%")}
            if set(more) - set(seeds):
                lowering = Lowering(self.acquiring, self.oracle, definition, more)
                function = lowering.run(parameters)
        except (TooDeep, TooLarge) as error:
            why = "an expression is nested too deep" if isinstance(error, TooDeep) else "too many paths"
            line = self.module.line(definition.start) if definition is not None else 1
            symbol = definition.symbol if definition is not None else MODULE
            step = Step(line, f"{symbol}: {why}; skipped")
            if step not in self.unit.skipped:
                self.unit.skipped.append(step)
            return None
        return function

    def _assuming(self, definition: Definition, parameters: dict[str, Resource]) -> Function | None:
        return None if definition.start in self.broken else self._graph(definition, parameters)


FRONTEND = TypeScriptFrontend("typescript")
