"""Builds the blocks and edges of one function: where control goes, and which cleanup it meets on the way.

Common to all languages. Three kinds of frames lie around the code that is being lowered: loops (where break and
continue go), handlers (where errors go) and cleanups (finally, with, defer), whose code is copied onto every way
out. A cleanup is copied once for each kind of way out, on demand.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field
from typing import Final, Literal

from repairbot.lazily import dataclass
from repairbot.lifetimes.ops import EXIT, FAIL, Block, Edge, EdgeKind, Kind, Op
from repairbot.model import Span

MOST_BLOCKS: Final = 4000
"""A function that needs more is passed over: cleanup in cleanup multiplies."""
Jump = Literal["return", "break", "continue"]


class TooLarge(Exception):
    """The graph of a function grows beyond what is followed."""


@dataclass(slots=True)
class Loop:
    """`header` is where the next round begins, `after` where the loop ends.

    `label`: its name, where jumps may name it. `plain`: a labelled block, which only a jump by name leaves.
    `switch`: no loop, but a plain `break` leaves it.
    """

    header: int
    after: int
    label: str = ""
    plain: bool = False
    switch: bool = False


@dataclass(slots=True)
class Handler:
    """One except clause. `catches`: everything; all but cancellation and its kin; or only some errors.

    `named`: the exception classes it names, `type_at` their span, `reraises`: it ends in another error.
    """

    entry: int
    catches: Literal["all", "exceptions", "some"]
    named: frozenset[str] = frozenset()
    type_at: Span | None = None
    reraises: bool = False


@dataclass(slots=True)
class Handlers:
    """The except clauses around a try body."""

    handlers: list[Handler]


@dataclass(slots=True)
class Cleanup:
    """Code that runs on every way out, or (`errors_only`) on those of errors alone.

    `emit` lowers it at the current block.
    """

    emit: Callable[[], None]
    errors_only: bool = False
    copies: dict[tuple[str, bool, str], int] = field(default_factory=dict)


class Builder:
    """The blocks of one function while they are made. `current` is None where code cannot be reached."""

    def __init__(self) -> None:
        self.blocks: list[Block] = [Block()]
        self.current: int | None = 0
        self.frames: list[Loop | Handlers | Cleanup] = []
        self.reached: set[int] = set()
        """The blocks that some edge leads to."""
        self.cleaning = 0
        """How many cleanups or handlers the code being lowered stands in."""
        self.escapes_errors = True
        """Whether an error that nothing catches leaves the function (at module level the process ends)."""

    def block(self) -> int:
        """A new, empty block. Raises TooLarge."""
        if len(self.blocks) >= MOST_BLOCKS:
            raise TooLarge
        self.blocks.append(Block())
        return len(self.blocks) - 1

    def _add(self, source: int, edge: Edge) -> None:
        self.blocks[source].edges.append(edge)
        self.reached.add(edge.target)

    def edge(
        self,
        kind: EdgeKind,
        target: int,
        line: int = 0,
        note: str = "",
        place: str = "",
        empty: bool | None = None,
    ) -> None:
        """An edge from the current block."""
        if self.current is not None:
            self._add(self.current, Edge(kind, target, line, note, place, empty))

    def go(self, target: int, kind: EdgeKind = "normal") -> None:
        """Go on in another block; nothing is current then."""
        self.edge(kind, target)
        self.current = None

    def join(self, target: int) -> None:
        """Go to a block and continue lowering there, if anything leads to it."""
        self.go(target)
        self.current = target

    def emit(self, op: Op, note: str = "", handler: int | None = None) -> None:
        """Add an operation; a fallible one ends the block and gets its error edges.

        `handler`: the block where its error goes, when the expression itself says so (`catch`).
        """
        if self.current is None:
            return
        block = self.blocks[self.current]
        block.ops.append(op)
        if op.fallible:
            following = self.block()
            self.edge("normal", following)
            if handler is None:
                self.errors((op.expression or op.at).line, note)
            else:
                self.edge("error", handler, (op.expression or op.at).line, note)
            self.current = following

    def errors(self, line: int, note: str, at: Span | None = None, exception: str = "") -> None:
        """Error edges from the current block to wherever an error here goes."""
        if self.current is None:
            return
        for target, passes in self._outward(len(self.frames), False, exception):
            self._add(self.current, Edge("error", target, line, note, at=at, passes=passes))

    def raising(self, op: Op, note: str, exception: str = "") -> None:
        """An operation that always fails (raise)."""
        if self.current is None:
            return
        self.blocks[self.current].ops.append(op)
        self.errors(op.at.line, note, op.at, exception)
        self.current = None

    def _outward(self, depth: int, cancelled: bool, exception: str = "") -> list[tuple[int, Span | None]]:
        """Where an error goes from inside the first `depth` frames; `cancelled`: one that is no Exception."""
        found: list[tuple[int, Span | None]] = []
        for index in range(depth - 1, -1, -1):
            frame = self.frames[index]
            if isinstance(frame, Cleanup):
                found.append((self._copy(index, "error", cancelled), None))
                return found
            if not isinstance(frame, Handlers):
                continue
            for handler in frame.handlers:
                if cancelled and handler.catches != "all":
                    continue
                if exception and exception in handler.named:
                    return [*found, (handler.entry, None)]
                found.append((handler.entry, None))
                if handler.catches == "some":
                    continue
                if handler.catches == "exceptions" and handler.reraises and not exception:
                    found.extend((target, handler.type_at) for target, _ in self._outward(index, True))
                return found
        if self.escapes_errors:
            found.append((FAIL, None))
        return found

    def leave(self, jump: Jump, at: Span, label: str = "") -> None:
        """return, break or continue (to the loop or block of that label): through every cleanup on the way."""
        if self.current is None:
            return
        target = self._jump_target(len(self.frames), jump, label)
        self._add(self.current, Edge(self._kind(target), target, at.line, jump, at=at))
        self.current = None

    def _kind(self, target: int) -> EdgeKind:
        """The kind of a jump: out of the function, back to a loop's header, or forward."""
        if target == EXIT:
            return "exit"
        header = any(isinstance(frame, Loop) and frame.header == target for frame in self.frames)
        return "loop" if header else "normal"

    def _jump_target(self, depth: int, jump: str, label: str = "") -> int:
        for index in range(depth - 1, -1, -1):
            frame = self.frames[index]
            if isinstance(frame, Cleanup) and not frame.errors_only:
                return self._copy(index, jump, False, label)
            if not isinstance(frame, Loop) or jump == "return":
                continue
            if frame.switch and jump == "continue":
                continue
            if frame.label == label if label else not frame.plain:
                return frame.after if jump == "break" else frame.header
        return EXIT

    def _copy(self, index: int, way: str, cancelled: bool, label: str = "") -> int:
        """The copy of a cleanup for one kind of way out; made when first asked for."""
        frame = self.frames[index]
        assert isinstance(frame, Cleanup)
        if (way, cancelled, label) in frame.copies:
            return frame.copies[way, cancelled, label]
        entry = frame.copies[way, cancelled, label] = self.block()
        current, frames = self.current, self.frames
        self.current, self.frames = entry, frames[:index]
        self.cleaning += 1
        frame.emit()
        self.cleaning -= 1
        if self.current is not None:
            last = self.block()
            self.edge("normal", last)
            if way == "error":
                for target, passes in self._outward(index, cancelled):
                    self._add(last, Edge("error", target, passes=passes))
            else:
                target = self._jump_target(index, way, label)
                self._add(last, Edge(self._kind(target), target))
        self.current, self.frames = current, frames
        return entry

    def pop(self) -> None:
        """The innermost frame ends; a cleanup runs on the normal way too."""
        frame = self.frames.pop()
        if isinstance(frame, Cleanup) and not frame.errors_only and self.current is not None:
            self.cleaning += 1
            frame.emit()
            self.cleaning -= 1

    def finish(self, tracked: set[str]) -> list[Block]:
        """The blocks, without assignments to places that nobody tracks or asks about."""
        asked = {edge.place for block in self.blocks for edge in block.edges if edge.place}
        wanted = asked | tracked
        for block in self.blocks:
            block.ops = [op for op in block.ops if op.kind is not Kind.CLEAR or op.place in wanted]
        return _reachable(self.blocks)


def _reachable(blocks: list[Block]) -> list[Block]:
    """The blocks that control can come to, numbered anew; empty ones on the way are passed through."""

    ends = _ends(blocks)
    order: list[int] = []
    numbers: dict[int, int] = {}
    waiting = [0]
    while waiting:
        index = waiting.pop()
        if index < 0 or index in numbers:
            continue
        numbers[index] = len(order)
        order.append(index)
        waiting.extend([ends.get(edge.target, edge.target) for edge in reversed(blocks[index].edges)])
    made: list[Block] = []
    for index in order:
        block = blocks[index]
        edges = []
        targets = set()
        for edge in block.edges:
            target = edge.target
            found = ends.get(target, target)
            number = numbers.get(found, found)
            targets.add(number)
            edges.append(edge if number == target else Edge(edge[0], number, *edge[2:]))
        made.append(Block(block.ops, edges if len(targets) == len(edges) else list(dict.fromkeys(edges))))
    return made


def _ends(blocks: list[Block]) -> dict[int, int]:
    """For each block that does nothing but go on: the first one behind it that does more."""
    ahead = {
        index: block.edges[0].target
        for index, block in enumerate(blocks)
        if index and not block.ops and len(block.edges) == 1 and _plain(block.edges[0])
    }
    ends: dict[int, int] = {}
    for index in ahead:
        way: list[int] = []
        found = index
        while found in ahead and found not in ends and len(way) < len(ahead):
            way.append(found)
            found = ahead[found]
        ends.update(dict.fromkeys(way, ends.get(found, found)))
    return ends


def _plain(edge: Edge) -> bool:
    """Whether an edge says nothing but where it leads."""
    return (
        edge.kind == "normal"
        and edge.empty is None
        and not (edge.line or edge.note or edge.place or edge.at or edge.passes)
    )
