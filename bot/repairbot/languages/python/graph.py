"""Builds the control-flow graph of one function: blocks, the scopes around them, and every way out of those.

Cleanup code (finally, with) is lowered again for each way that leaves it; the landing of errors is made once
a scope.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Literal

from repairbot.lifetimes.ops import EXIT, FAIL, Block, Edge, Function, Kind, Op
from repairbot.model import Span

MOST_BLOCKS = 4000
"""A function that needs more is passed over: its nested cleanup multiplies."""


class TooLarge(Exception):
    """The graph of this function grows beyond MOST_BLOCKS."""


@dataclass(slots=True)
class Handler:
    """One except clause. `every`: it catches all errors; `narrow`: the span of `Exception` where the clause
    names that and raises again, so that a cancellation passes it by."""

    entry: int
    every: bool
    narrow: Span | None = None


@dataclass(slots=True)
class Scope:
    """Something control can leave: a loop, a try with handlers, or cleanup code.

    `cleanup` lowers the cleanup code into the current block. `landing`: the block where errors arrive, made
    on first need.
    """

    kind: Literal["loop", "try", "cleanup"]
    before: int = -1
    """loop: the block to continue at."""
    behind: int = -1
    """loop: the block to break to."""
    handlers: list[Handler] = field(default_factory=list)
    cleanup: Callable[[], None] | None = None
    landing: int | None = None


class Graph:
    """A function under construction. `current` is None where control never comes."""

    def __init__(self, function: Function) -> None:
        self.function = function
        self.scopes: list[Scope] = []
        self.cleaning = 0
        self.current: int | None = self.block()

    def block(self) -> int:
        """A new empty block."""
        if len(self.function.blocks) >= MOST_BLOCKS:
            raise TooLarge
        self.function.blocks.append(Block())
        return len(self.function.blocks) - 1

    def emit(self, op: Op, note: str = "") -> None:
        """Add an operation; a fallible one ends the block and may leave by an error edge."""
        if self.current is None:
            return
        if self.cleaning:
            op = replace(op, cleanup=True)
        block = self.function.blocks[self.current]
        block.ops.append(op)
        if op.fallible:
            self._fail(self.current, op.at.line, note)
            behind = self.block()
            block.edges.append(Edge("normal", behind))
            self.current = behind

    def raises(self, at: Span) -> None:
        """A raise statement: only the error edge leaves."""
        if self.current is None:
            return
        op = Op(Kind.CALL, "", at, detail="raise", fallible=True, cleanup=self.cleaning > 0)
        self.function.blocks[self.current].ops.append(op)
        self._fail(self.current, at.line, "raise", at)
        self.current = None

    def edge(self, target: int, place: str = "", empty: bool | None = None) -> None:
        """Go on at `target`, perhaps only under a condition; control stays here for other edges."""
        if self.current is not None:
            self.function.blocks[self.current].edges.append(Edge("normal", target, place=place, empty=empty))

    def goto(self, target: int, loop: bool = False) -> None:
        """Go on at `target` and nowhere else."""
        if self.current is not None:
            self.function.blocks[self.current].edges.append(Edge("loop" if loop else "normal", target))
        self.current = None

    def leave(self, at: Span, note: str, jump: bool = True) -> None:
        """Leave the function normally, through all cleanup code."""
        self._unwind(0)
        if self.current is not None:
            edge = Edge("exit", EXIT, at.line, note, at=at if jump else None)
            self.function.blocks[self.current].edges.append(edge)
        self.current = None

    def jump(self, at: Span, note: Literal["break", "continue"]) -> None:
        """Leave or repeat the innermost loop, through the cleanup code in it."""
        for depth in range(len(self.scopes) - 1, -1, -1):
            scope = self.scopes[depth]
            if scope.kind == "loop":
                self._unwind(depth + 1)
                if self.current is not None:
                    target, kind = (scope.behind, "normal") if note == "break" else (scope.before, "loop")
                    edge = Edge("loop" if kind == "loop" else "normal", target, at.line, note, at=at)
                    self.function.blocks[self.current].edges.append(edge)
                break
        self.current = None

    def clean(self, scope: Scope) -> None:
        """Lower a scope's cleanup code here, as it runs with that scope already left."""
        if scope.cleanup is None or self.current is None:
            return
        depth = next(index for index, other in enumerate(self.scopes) if other is scope)
        kept, self.scopes = self.scopes, self.scopes[:depth]
        self.cleaning += 1
        scope.cleanup()
        self.cleaning -= 1
        self.scopes = kept

    def _unwind(self, depth: int) -> None:
        for scope in reversed(self.scopes[depth:]):
            self.clean(scope)

    def _fail(self, source: int, line: int, note: str, at: Span | None = None) -> None:
        for edge in self._error_edges(len(self.scopes)):
            made = Edge("error", edge.target, line, note, at=at, passes=edge.passes)
            self.function.blocks[source].edges.append(made)

    def _error_edges(self, depth: int) -> list[Edge]:
        """Where an error goes that is raised inside the first `depth` scopes."""
        while depth and self.scopes[depth - 1].kind == "loop":
            depth -= 1
        if not depth:
            return [Edge("error", FAIL)]
        scope = self.scopes[depth - 1]
        if scope.kind == "try":
            edges: list[Edge] = []
            for handler in scope.handlers:
                edges.append(Edge("error", handler.entry))
                if handler.every:
                    return edges
                if handler.narrow is not None:
                    outer = self._error_edges(depth - 1)
                    return edges + [replace(edge, passes=handler.narrow) for edge in outer]
            return edges + self._error_edges(depth - 1)
        if scope.landing is None:
            scope.landing = self.block()
            kept, self.current = self.current, scope.landing
            scopes, self.scopes = self.scopes, self.scopes[:depth]
            self.clean(scope)
            self.scopes = self.scopes[: depth - 1]
            if self.current is not None:
                for edge in self._error_edges(depth - 1):
                    self.function.blocks[self.current].edges.append(edge)
            self.current, self.scopes = kept, scopes
        return [Edge("error", scope.landing)]
