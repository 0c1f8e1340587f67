"""Rust source to the model: what can be dismissed, what is lowered, what does not parse.

Ownership is the compiler's business here: a plain value is dropped with its scope. What remains, and what is looked
for, are tasks, subscriptions, registries, collections that only grow, cycles and raw memory.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Final, NamedTuple

from tree_sitter import Node

from repairbot.languages.base import Project, Unreadable
from repairbot.languages.flow import TooLarge
from repairbot.languages.rust.acquiring import Known, known
from repairbot.languages.rust.body import Body
from repairbot.languages.rust.captures import captures
from repairbot.languages.rust.functions import Lowering
from repairbot.languages.rust.growing import caches, growing
from repairbot.languages.rust.joinsets import joinsets
from repairbot.languages.rust.loads import loads
from repairbot.languages.rust.memory import memory
from repairbot.languages.rust.registries import registries, twice
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


class Recogniser(NamedTuple):
    """Looks at one function for one kind of leak.

    `file`: one of these stands in the bytes of every file of which it says something; `function`: what stands in those
    of every such function.
    """

    look: Callable[[Body], None]
    file: tuple[bytes, ...]
    function: re.Pattern[bytes]


_RECOGNISERS: Final = (
    Recogniser(subscriptions, (b"Subscription",), re.compile(rb"\.detach\(\)")),
    Recogniser(
        captures,
        (
            b".view()",
            b".model()",
            b".entity()",
            b".handle()",
            b"self.clone()",
            b"Arc::",
            b"Rc::",
            b"|this",
            b"subscribe(",
            b"observe_global",
        ),
        re.compile(
            rb"=\s*(?:cx\s*\.\s*(?:view|model|entity|handle)\(\)|self\s*\.clone\(\)|(?:Arc|Rc)::(?:clone|new)\()"
            rb"|\bspawn\w*\(\s*(?:move\s*)?\|this|(?:subscribe|observe)\w*(?:::<[^>]*>)?\([^;]*?\.clone\(\);"
            rb"|\.clone\(\);[^;]*?(?:subscribe|observe)\w*(?:::<|\()"
        ),
    ),
    Recogniser(
        tasks,
        (b".detach", b".abort()", b"read_until(", b"read_line("),
        re.compile(
            rb"\bthis\s*\.\w+\s*\.insert\(|\bthis\s*\.\w+ = false\b|\.abort\(\)|\bread_(?:until|line)\("
        ),
    ),
    Recogniser(joinsets, (b"JoinSet",), re.compile(rb"\bJoinSet\b|\bjoin_next|\bspawn\w*\(")),
    Recogniser(registries, (b".remove",), re.compile(rb"\b(?:self|this)\s*\.\w+\s*\.insert\(")),
    Recogniser(twice, (b"contains_key",), re.compile(rb"\bif !\s*[\w.()]+?\s*\.contains_key\(")),
    Recogniser(memory, (b"forget(", b"into_raw"), re.compile(rb"\bforget\(|\binto_raw")),
    Recogniser(
        totals,
        (b"cumulative", b"accumulated", b"overall", b"all_time", b"lifetime_"),
        re.compile(rb"\bfn\s+\w*(?:total|overall|cumulative)"),
    ),
    Recogniser(
        loads,
        (b"fs::read_to_string", b"body::to_bytes", b"unbounded"),
        re.compile(rb"fs::read_to_string\(|body::to_bytes\(|\bunbounded(?:_channel)?(?:::<[^;]*?>)?\(\)"),
    ),
    Recogniser(
        growing,
        (b"::unbounded()", b".truncate(self.", b"+= 1;", b"fetch_add", b"new_v4"),
        re.compile(rb"::unbounded\(\)|\.truncate\(self\.|\.insert\("),
    ),
)
_OWNS: Final = (b"Child", b"AtomicPtr", b"*mut ", b"NonNull<", b"EGL", b"Env", b"cache", b"memo")
"""What stands in the members of a type that may need a Drop."""


class RustFrontend:
    """The front end of Rust (see languages/base.py)."""

    def dismiss(self, source: bytes, resources: tuple[Resource, ...]) -> bool:
        """True when no name in the bytes starts, registers, keeps or forgets anything."""
        if (
            _wanted(source)
            or any(needle in source for needle in _OWNS)
            or known(resources).pattern.search(source)
        ):
            return False
        # What does not parse is not called clean: it is left to `lower`, which says why it is skipped.
        return not parse(source).has_error

    def lower(self, source: bytes, path: str, resources: tuple[Resource, ...], project: Project) -> Unit:
        """Lower the whole file. Raises Unreadable on what cannot be read at all."""
        module = Module(source, path)
        unit = _functions(module, resources, None)
        unit.idioms.extend(types(module))
        unit.idioms.extend(caches(module))
        return unit

    def touched(self, source: bytes, places: tuple[tuple[int, int], ...]) -> frozenset[str] | None:
        """The symbols of the functions that hold these places whole; None where one stands outside of functions."""
        functions = Module(source, "").functions
        found: set[str] = set()
        for start, end in places:
            around = [
                each.symbol
                for each in functions
                if each.body_node is not None
                and each.body_node.start_byte < start
                and end < each.body_node.end_byte
            ]
            if not around:
                return None
            found.update(around)
        return frozenset(found)

    def heeded(self, source: bytes, symbols: frozenset[str]) -> frozenset[str] | None:
        """None: what a function registers may be taken away in any other, and all are asked."""
        return None

    def lower_part(
        self,
        base: Unit,
        source: bytes,
        resources: tuple[Resource, ...],
        project: Project,
        symbols: frozenset[str],
    ) -> Unit:
        """Lower the functions of these symbols, and nothing of types. Raises Unreadable."""
        return _functions(Module(source, base.path), resources, symbols)

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


def _functions(module: Module, resources: tuple[Resource, ...], symbols: frozenset[str] | None) -> Unit:
    """What is said of the functions of a file: of all, or of these."""
    broken = _errors(module.root) if module.root.has_error else []
    _check(module, broken)
    unit, rows = Unit(module.path, "rust"), known(resources)
    wanted = _wanted(module.source)
    pattern = rows.pattern if rows.pattern.search(module.source) else None
    if wanted or pattern is not None:
        for definition in module.functions:
            if symbols is None or definition.symbol in symbols:
                _function(module, definition, broken, unit, Looking(wanted, rows, pattern))
    return unit


@lru_cache(maxsize=1)
def _wanted(source: bytes) -> tuple[Recogniser, ...]:
    """The recognisers that may say something of a file."""
    return tuple(
        each
        for each in _RECOGNISERS
        if any(needle in source for needle in each.file) and each.function.search(source)
    )


class Looking(NamedTuple):
    """With what the functions of a file are looked at: `pattern` is None where no row of the resources occurs."""

    recognisers: tuple[Recogniser, ...]
    rows: Known
    pattern: re.Pattern[bytes] | None


def _function(
    module: Module, definition: Definition, broken: list[Node], unit: Unit, looking: Looking
) -> None:
    """Look at one function, unless it does not parse."""
    node, source = definition.body_node, definition.source
    if node is None:
        return
    looks = [each.look for each in looking.recognisers if each.function.search(source)]
    acquires = looking.pattern is not None and looking.pattern.search(source) is not None
    if not looks and not acquires:
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
    for look in looks:
        look(body)
    unit.idioms.extend(body.idioms)
    unit.loads.extend(body.loads)
    if acquires:
        _lowered(module, definition, unit, looking.rows)


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
