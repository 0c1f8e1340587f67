"""Zig source to the model: what can be dismissed, what is lowered, what does not parse.

Tests (`test "..." {}`) are not looked at: the allocator that tests are given counts their leaks when they run.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import closing
from functools import lru_cache
from typing import Final

from tree_sitter import Node

from repairbot.languages.base import Project, Unreadable
from repairbot.languages.flow import TooLarge
from repairbot.languages.zig.acquiring import TEARDOWNS, Acquiring
from repairbot.languages.zig.allocators import Allocators
from repairbot.languages.zig.collections import Collections
from repairbot.languages.zig.functions import Lowering, Seeds
from repairbot.languages.zig.halfway import halfway
from repairbot.languages.zig.idioms import arenas_rebuilt
from repairbot.languages.zig.members import Members, Store
from repairbot.languages.zig.mentions import Mentions, spoken_of, steady
from repairbot.languages.zig.parsing import errors, parse
from repairbot.languages.zig.prospects import Prospects, anything, gives
from repairbot.languages.zig.releases import Releases
from repairbot.languages.zig.sites import Sites
from repairbot.languages.zig.summaries import Oracle
from repairbot.languages.zig.syntax import Definition, Module
from repairbot.languages.zig.tree import TooDeep
from repairbot.languages.zig.values import Undecided
from repairbot.lazily import dataclass
from repairbot.lifetimes.ops import Function, Idiom, Kind, Resource, Unit, aliases, moves
from repairbot.model import Edit, SafePattern, Step

_MOST_BROKEN: Final = 0.5
"""A file with a larger share of its bytes in what does not parse is not read at all."""


class ZigFrontend:
    """The front end of Zig (see languages/base.py)."""

    def dismiss(self, source: bytes, resources: tuple[Resource, ...]) -> bool:
        """True when no name in the bytes acquires anything."""
        if b"alloc" in source or anything(resources).search(source):
            return False
        # What does not parse is not called clean: it is left to `lower`, which says why it is skipped.
        return not parse(source).has_error

    def lower(self, source: bytes, path: str, resources: tuple[Resource, ...], project: Project) -> Unit:
        """Lower the whole file. Raises Unreadable on what cannot be read at all."""
        unit = Unit(path, "zig")
        module = _keep(Module(source, path))
        _check(module.root)
        with closing(_Functions(module, resources, project, unit)) as functions:
            functions.run()
        unit.hints = functions.hints
        return unit

    def touched(self, source: bytes, places: tuple[tuple[int, int], ...]) -> frozenset[str] | None:
        """The symbols of the functions that hold these places whole; None where one stands outside of functions."""
        functions = _module(source).functions
        found: set[str] = set()
        for start, end in places:
            around = [
                each.symbol
                for each in functions
                if (body := each.body_node) is not None and body.start_byte < start and end < body.end_byte
            ]
            if not around:
                return None
            found.update(around)
        return frozenset(found)

    def heeded(self, source: bytes, symbols: frozenset[str]) -> frozenset[str] | None:
        """The symbols of these functions and of those that they call; what others tell these is told by Unit.heard."""
        return _mentions(source).named(symbols)

    def separable(self, source: bytes, repair: tuple[Edit, ...]) -> bool:
        """Whether a repair adds no ways of control but those of a cleanup."""
        return steady(source, repair)

    def lower_part(
        self,
        base: Unit,
        source: bytes,
        resources: tuple[Resource, ...],
        project: Project,
        symbols: frozenset[str],
    ) -> Unit:
        """Lower the functions of these symbols, and nothing of containers. Raises Unreadable."""
        unit = Unit(base.path, "zig")
        module = Module(source, base.path)
        _check(module.root)
        with closing(_Functions(module, resources, project, unit, _hints(base))) as functions:
            functions.run(symbols)
        return unit

    def speaking(
        self, source: bytes, symbol: str, variable: str, edits: tuple[Edit, ...]
    ) -> frozenset[str] | None:
        """The functions that edits for the sake of a member change, and those that have a name of its path in them."""
        names = set(variable.split(".")[1:]) - {"*", "?"}
        changed = self.touched(source, tuple((edit.start, edit.end) for edit in edits))
        if not names or changed is None or not spoken_of(source, edits) <= names:
            return None
        found = changed | _mentions(source).speaking(names)
        named = any(each.symbol == symbol for each in _module(source).functions)
        return None if named and symbol not in found else found

    def asked(
        self, source: bytes, places: tuple[tuple[int, int], ...], heard: Iterable[tuple[int, int]]
    ) -> list[tuple[int, int]]:
        """What others heard of the functions that hold these places."""
        changed = self.touched(source, places) or frozenset()
        functions = _module(source).functions
        return [each for each in heard if functions[each[0]].symbol in changed]

    def lower_members(
        self,
        base: Unit,
        source: bytes,
        resources: tuple[Resource, ...],
        project: Project,
        symbols: frozenset[str],
        asked: Sequence[tuple[int, int]],
    ) -> Unit:
        """Lower the functions of these symbols, and of containers what they tell. Raises Unreadable."""
        unit = Unit(base.path, "zig")
        module = Module(source, base.path)
        _check(module.root)
        with closing(_Functions(module, resources, project, unit, _hints(base))) as functions:
            functions.tell(asked)
            functions.run(symbols, members=True)
        return unit

    def broken(self, source: bytes) -> str:
        """Why the source does not parse, in one line, or "".

        The grammar lags behind the language here and there, so only what `lower` could not read counts.
        """
        try:
            _check(parse(source))
        except Unreadable as error:
            return str(error)
        return ""


_kept: Final[dict[bytes, Module]] = {}
"""The files that were lowered last: what is asked of one later is asked of the same module."""


@dataclass(frozen=True, slots=True)
class Hints:
    """What is known of a file when versions of it are lowered: a repair changes none of it.

    `seeds`: what the functions hold that had to be looked at twice, by their numbers in the file. `handing`: the
    symbols of the functions that hand out what they make.
    """

    seeds: dict[int, Seeds]
    handing: frozenset[str]


def _hints(base: Unit) -> Hints | None:
    return base.hints if isinstance(base.hints, Hints) else None


def _keep(module: Module) -> Module:
    _kept[module.source] = module
    if len(_kept) > 2:  # a file and a version of it
        del _kept[next(iter(_kept))]
    return module


def _module(source: bytes) -> Module:
    return _kept.get(source) or _keep(Module(source, ""))


@lru_cache(maxsize=1)
def _mentions(source: bytes) -> Mentions:
    return Mentions(_module(source))


def _check(root: Node) -> None:
    """Raises Unreadable where most of a file does not parse."""
    found = errors(root)
    broken = sum(node.end_byte - node.start_byte for node in found)
    if found and broken > _MOST_BROKEN * max(root.end_byte, 1):
        raise Unreadable(f"line {found[0].start_point[0] + 1}: it does not parse as Zig")


@dataclass(frozen=True, slots=True)
class Lowered:
    """A function's graph, and what else its lowering saw."""

    function: Function
    mixed: bool
    stores: list[Store]
    idioms: list[Idiom]


class _Functions:
    """Lowers the functions of one file in which something may leak."""

    def __init__(
        self,
        module: Module,
        resources: tuple[Resource, ...],
        project: Project,
        unit: Unit,
        hints: Hints | None = None,
    ) -> None:
        """`hints`: of the file of which this is a version."""
        self.module, self.unit = module, unit
        self._seeds = hints.seeds if hints is not None else {}
        self._late: dict[int, Seeds] = {}
        self._numbers = {each.node.start_byte: number for number, each in enumerate(module.functions)}
        self._plain: dict[int, Lowered | None] = {}
        self.acquiring = Acquiring(module, Allocators(module), resources)
        releases = Releases(module)
        handing = hints.handing if hints is not None else None
        sites = Sites(module, self.acquiring, resources, whole=handing is None)
        self.prospects = Prospects(module, sites, project, releases, handing)
        self.oracle = Oracle(module, project, self.lowered, self.prospects.hands, releases)
        self.members = Members(module, self.acquiring, self.oracle)

    @property
    def hints(self) -> Hints:
        """For the versions of this file."""
        return Hints(self._late, self.prospects.handing)

    def close(self) -> None:
        """Let go of what knows this: all that was made on the way is gone then, without a collector's help."""
        del self.oracle.lower

    def tell(self, asked: Iterable[tuple[int, int]]) -> None:
        """Answer what is asked (see Unit.heard)."""
        for number, position in asked:
            definition = self.module.functions[number]
            if position < 0:
                self.oracle.returns(definition)
            else:
                self.oracle.effect(definition, position)

    def run(self, symbols: frozenset[str] | None = None, *, members: bool = False) -> None:
        """Fill the unit: with all there is, or with these functions alone, and the `members` that they speak of."""
        if self.oracle.project.asked:
            self.unit.exports = self.oracle.exports()
            return
        broken = errors(self.module.root)
        if symbols is None:
            self.prospects.narrow(self._hands_out)
        for definition in self.module.functions:
            node = definition.body_node
            if node is None or self._tested(definition):
                continue
            if symbols is not None and definition.symbol not in symbols:
                continue
            error = next(
                (item for item in broken if node.start_byte <= item.start_byte < node.end_byte), None
            )
            if error is not None:
                line = self.module.line(definition.node.start_byte)
                note = f"{definition.symbol} does not parse (line {error.start_point[0] + 1})"
                self.unit.skipped.append(Step(line, note))
                continue
            try:
                self.unit.idioms.extend(arenas_rebuilt(self.module, definition))
            except TooDeep:
                self._passed(definition)
            if symbols is not None:
                self.oracle.made = 0  # as if each were lowered alone
                if self.prospects.promising(definition):
                    self._one(definition)
            elif self.prospects.unsettled(definition):
                self._one(definition)
            else:
                self._settled(definition)
        self.unit.heard = self.oracle.heard()
        if symbols is None or members:
            self.unit.containers.extend(self.members.collect())
            self.unit.idioms.extend(halfway(self.acquiring, self.members))
            self.unit.containers.extend(Collections(self.module, self.acquiring).collect())
        if symbols is not None:
            return
        self.unit.exports = self.oracle.exports()
        self.unit.asks = self.oracle.asks
        self.unit.makers = self.oracle.makers() - self.oracle.asks

    def _hands_out(self, definition: Definition) -> bool:
        """Whether a function makes something, or a container of this file, that belongs to its caller."""
        if not gives(definition) or self._tested(definition):
            return False
        struct = self.acquiring.constructor(definition)
        if struct is not None and any(name in struct.functions for name in TEARDOWNS):
            return True
        return bool(self.oracle.returns(definition))

    def _settled(self, definition: Definition) -> None:
        """Nothing in a function has to be followed."""
        for each in self.prospects.settled(definition):
            why = f"released in cleanup code at line {self.module.line(each.cleanup)}, on every path"
            line = self.module.line(each.start)
            self.unit.safe.append(SafePattern(self.unit.path, line, definition.symbol, each.name, why))

    def _tested(self, definition: Definition) -> bool:
        start = definition.node.start_byte
        return any(first <= start < last for first, last in self.module.tests)

    def _one(self, definition: Definition) -> None:
        lowered = self.lowered(definition, {})
        if lowered is None:
            return
        self.members.stores.extend(lowered.stores)
        self.unit.idioms.extend(lowered.idioms)
        if any(op.kind is Kind.ACQUIRE for block in lowered.function.blocks for op in block.ops):
            self.unit.functions.append(lowered.function)

    def lowered(self, definition: Definition, parameters: dict[str, Resource]) -> Lowered | None:
        """A function's graph; None (and a word to the reader) where it is too deep or too large."""
        if parameters:
            return self._lowered(definition, parameters)
        key = definition.node.start_byte
        if key not in self._plain:
            self._plain[key] = self._lowered(definition, parameters)
        return self._plain[key]

    def _lowered(self, definition: Definition, parameters: dict[str, Resource]) -> Lowered | None:
        try:
            lowering, function = self._run(definition, parameters, brief=bool(parameters))
            if lowering.brief and (lowering.ended or _releases(function, parameters)):
                lowering, function = self._run(definition, parameters)
        except Undecided:
            return None
        except (TooDeep, TooLarge):
            self._passed(definition)
            return None
        return Lowered(function, lowering.mixed, lowering.stores, lowering.idioms)

    def _passed(self, definition: Definition) -> None:
        line = self.module.line(definition.node.start_byte)
        step = Step(line, f"{definition.symbol} is too large or too deep to follow")
        if step not in self.unit.skipped:
            self.unit.skipped.append(step)

    def _run(
        self, definition: Definition, parameters: dict[str, Resource], *, brief: bool = False
    ) -> tuple[Lowering, Function]:
        def anew() -> Lowering:
            return Lowering(self.acquiring, self.oracle, self.prospects, definition, brief=brief)

        key = self._numbers[definition.node.start_byte]
        seeds = self._seeds.get(key) if not parameters else None
        lowering = anew()
        lowering.seed(seeds or {})  # so that one look is enough, most often
        function = lowering.run(parameters)
        if lowering.late:
            if seeds:
                lowering = anew()
                lowering.run(parameters)
            first, lowering = lowering, anew()
            lowering.seed(first.seeds)
            function = lowering.run(parameters)
            if not parameters:
                self._late[key] = lowering.seeds
        return lowering, function


def _releases(function: Function, parameters: Iterable[str]) -> bool:
    """Whether a function releases what one of its parameters holds."""
    names = {alias for parameter in parameters for alias in aliases(moves(function), parameter)}
    return any(op.kind is Kind.RELEASE and op.place in names for block in function.blocks for op in block.ops)


FRONTEND = ZigFrontend()
