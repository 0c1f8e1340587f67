"""Follows one acquisition along every path of its function.

The state is small: is the value held, released or not there yet, which names it has, and what is known of
the places that branches ask about. A node is a block with a state; paths are searched breadth first, so the
witness of a leak is a shortest one. The work is capped: a function with too many nodes is given up.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import field
from functools import cached_property
from typing import Literal, NamedTuple

from repairbot.analyses.facts import Way
from repairbot.analyses.graph import Graph, key
from repairbot.lazily import dataclass
from repairbot.lifetimes.ops import EXIT, FAIL, Block, Edge, Function, Kind, Op
from repairbot.model import Step

MOST_NODES = 3000
"""Blocks times states that are visited for one acquisition."""
_TRIED, _LESS = 3, 10
"""After so many acquisitions of a function that were given up, the others are followed that much less far."""
_MOST_WAYS = 24

Phase = Literal["absent", "held", "released", "failed", "returned"]
_BORROWS = frozenset({"passed", "yielded", "captured"})
"""Escapes that are only loans when this function releases the value afterwards."""

_CONSTRUCTORS = frozenset(
    {"__init__", "__post_init__", "__new__", "__enter__", "__aenter__", "initialize", "constructor"}
)


class State(NamedTuple):
    """What is known at one point of a path. `known` holds (place, it is empty).

    `released_by`: the number of the release on this path (in the order in which they were met), -1 for none.
    """

    phase: Phase
    names: frozenset[str]
    known: frozenset[tuple[str, bool]]
    released_by: int = -1

    def learn(self, place: str, empty: bool | None) -> State:
        """The state after `place` turned out (or was set) to be empty or not; None forgets."""
        known = self.known - {(place, True), (place, False)}
        if empty is not None:
            known |= {(place, empty)}
        return self if known == self.known else State(self.phase, self.names, known, self.released_by)

    def empty(self, place: str) -> bool | None:
        """Whether a place is empty, if that is known. What is tracked is not (even when released), nor its holder."""
        if place in self.names or any(name.startswith(f"{place}[]") for name in self.names if "[]" in name):
            return False
        if (place, True) in self.known:
            return True
        return False if (place, False) in self.known else None


class _Node(NamedTuple):
    block: int
    state: State


class _Came(NamedTuple):
    """How a node was reached first."""

    before: _Node
    edge: Edge
    op: Op | None
    """The last operation of the block that was left."""


@dataclass(slots=True)
class Track:
    """All that was seen of one acquisition.

    `releases`, `escapes`, `fallible`: operations met while it was held, in the order of the source.
    `released_normally`, `released_failing`: some normal, some failing path ends after a release.
    """

    site: Op
    ways: list[Way] = field(default_factory=list)
    releases: list[Op] = field(default_factory=list)
    escapes: list[Op] = field(default_factory=list)
    fallible: list[Op] = field(default_factory=list)
    unknown: list[Op] = field(default_factory=list)
    double: list[tuple[Op, Op]] = field(default_factory=list)
    after: list[tuple[Op, Op]] = field(default_factory=list)
    released_normally: bool = False
    released_failing: bool = False
    shown: bool = False
    """A callee that only looks at it, as far as its name says, had it in its hands."""
    gave_up: bool = False
    moves: list[Op] = field(default_factory=list)
    """Where it went into something else of this function, whose end is told apart."""


def sites(function: Function) -> list[Op]:
    """The acquisitions in a function, each once: cleanup copies share their operation."""
    found: dict[tuple[str, int, int, int], Op] = {}
    for block in function.blocks:
        for op in block.ops:
            if op.kind is Kind.ACQUIRE:
                found.setdefault(key(op), op)
    return list(found.values())


def is_constructor(function: Function) -> bool:
    """Whether an object is not there yet, for its users, when this function fails."""
    return bool(function.owner) and function.symbol.rpartition(".")[2] in _CONSTRUCTORS


def stored(track: Track) -> bool:
    """Whether the value ends up in an object."""
    return "." in track.site.place or any(op.detail == "stored" for op in track.escapes)


def follow(graph: Graph, site: Op, keeps_stored: bool = False) -> Track:
    """Track one acquisition of a function.

    `keeps_stored`: what is stored in a member is still this function's to release when it fails (in a
    constructor that fails, nobody else can reach it).
    """
    track = _Follower(graph, site, keeps_stored).run()
    if not (track.gave_up and graph.guards):
        return track
    # Where branches tell nothing there are more paths, in fewer states: what is right on all of them is right.
    coarse = _Follower(graph.coarse, site, keeps_stored).run()
    wrong = coarse.gave_up or coarse.ways or coarse.double or coarse.after
    return track if wrong else coarse


class _Follower:
    def __init__(self, graph: Graph, site: Op, keeps_stored: bool) -> None:
        self.graph, self.site, self.keeps_stored = graph, site, keeps_stored
        self.function = graph.function
        self.key = key(site)
        self.track = Track(site)
        self.guards = graph.guards
        self.aliases = graph.aliases(site.place)
        self.came: dict[_Node, _Came | None] = {}
        self.ways: dict[tuple[str, int, bool], Way] = {}
        self.release_ops: list[Op] = []
        self.returned_by: Op | None = None
        # What is stored may have any name then, so every block may speak of it.
        everything = (1 << len(self.function.blocks)) - 1
        self.named = everything if keeps_stored else graph.touching(self.aliases)
        """The blocks that speak of the value."""
        self.telling = everything if keeps_stored else self.named | graph.guarding
        """The blocks that change what is known; the others are passed through."""
        self.making = graph.touching({site.place})
        """The blocks among which it is acquired."""
        self.quiet: list[bool | None] = [None] * len(self.function.blocks)
        """The blocks from which on nothing speaks of the value; None where nobody asked yet."""

    # Which blocks still lead to a release

    def _releases(self, ops: Iterable[Op]) -> bool:
        return any(op.kind is Kind.RELEASE and op.place in self.aliases for op in ops)

    @cached_property
    def _releasing(self) -> int:
        return sum(
            1 << index for index, block in enumerate(self.function.blocks) if self._releases(block.ops)
        )

    # The search

    def run(self) -> Track:
        start = self._start()
        self.came[start] = None
        waiting = deque([start])
        direct = start.block > 0
        most = MOST_NODES if self.graph.given_up < _TRIED else MOST_NODES // _LESS
        blocks, asked, exits, came = self.function.blocks, self.graph.asked, self.graph.exits, self.came
        while waiting:
            node = waiting.popleft()
            number, state = node
            if len(came) > most:
                break
            if direct and state.phase == "absent" and node is not start:
                continue  # it failed to come into being
            if state.phase == "absent" and not self.making >> number & 1:
                for following in self._ahead(node):
                    if following not in came and not self._idle(following.block, "absent"):
                        came[following] = None  # no witness goes back beyond the acquisition
                        waiting.append(following)
                continue
            block = blocks[number] if blocks else Block()
            last = block.ops[-1] if block.ops else None
            normal: State | None
            error: State | None
            if self.telling >> number & 1:
                normal, error = self._pass(node, block)
            else:
                normal = error = state
                if last is not None and last.fallible and state.phase == "held":
                    self.track.fallible.append(last)
            forgiven = last is not None and last.fallible and self._forgiven(last)
            for edge, target, failing in exits[number] if blocks else ():
                if failing and forgiven:
                    continue
                behind = error if failing else normal
                if behind is None:
                    continue
                if edge.empty is not None and (behind := self._take(behind, edge)) is None:
                    continue
                if target < 0:
                    self._leave(node, behind, edge, last)
                    continue
                phase, _, known, _ = behind
                if known and not known <= asked[target]:
                    behind = State(phase, behind[1], known & asked[target], behind[3])
                # A plain pair equals its node: most edges lead to where the search has been.
                if (target, behind) in came or (phase != "held" and self._idle(target, phase)):
                    continue
                following = _Node(target, behind)
                came[following] = _Came(node, edge, last)
                waiting.append(following)
        self.track.gave_up = len(came) > most
        self.graph.given_up += self.track.gave_up
        self.track.ways = sorted(self.ways.values(), key=lambda way: (way.at_line, way.kind))[:_MOST_WAYS]
        found = self.track
        for ops in (found.releases, found.escapes, found.fallible, found.unknown, found.moves):
            ops[:] = _once(ops)
        return self.track

    def _start(self) -> _Node:
        """Where the search begins: at the acquisition, where one block has it and control comes there in one state."""
        begin = _Node(0, State("absent", frozenset(), frozenset()))
        making = self.graph.made.get(self.key, ())
        if self.keeps_stored or len(making) != 1:
            return begin
        cleanup = self.site.cleanup
        if not self.guards:  # most functions: control comes anywhere in one state
            if cleanup not in self.graph.reached:
                self.graph.reached[cleanup] = self._reached()
            return _Node(making[0], begin.state) if making[0] in self.graph.reached[cleanup] else begin
        if cleanup not in self.graph.absent:
            nobody = Op(Kind.ACQUIRE, "", self.site.at, cleanup=cleanup)
            self.graph.absent[cleanup] = _Follower(self.graph, nobody, False)._states(begin)
        states = self.graph.absent[cleanup].get(making[0], ())
        return _Node(making[0], states[0]) if len(states) == 1 else begin

    def _reached(self) -> set[int]:
        """The blocks to which control comes while nothing is followed."""
        blocks, exits = self.function.blocks, self.graph.exits
        seen, waiting = {0}, [0]
        while waiting:
            number = waiting.pop()
            last = blocks[number].ops[-1] if blocks[number].ops else None
            forgiven = last is not None and last.fallible and self._forgiven(last)
            new = {
                target for _, target, failing in exits[number] if target >= 0 and not (failing and forgiven)
            }
            waiting.extend(new - seen)
            seen |= new
        return seen

    def _states(self, begin: _Node) -> dict[int, list[State]]:
        """The states in which control comes to each block while nothing is followed; none when there are too many."""
        seen, waiting = {begin}, [begin]
        found: dict[int, list[State]] = {}
        while waiting:
            node = waiting.pop()
            found.setdefault(node.block, []).append(node.state)
            new = [each for each in self._ahead(node) if each not in seen]
            seen.update(new)
            waiting.extend(dict.fromkeys(new))
            if len(seen) > MOST_NODES:
                return {}
        return found

    def _ahead(self, node: _Node) -> list[_Node]:
        """The nodes behind one at which nothing is held yet, and nothing is acquired."""
        key = node, self.site.cleanup
        found = self.graph.ahead.get(key)
        if found is None and self.function.blocks:
            found = self.graph.ahead[key] = list(self._absent(node, self.function.blocks[node.block]))
        return found or []

    def _absent(self, node: _Node, block: Block) -> Iterator[_Node]:
        last = block.ops[-1] if block.ops else None
        normal, error = self._pass(node, block)
        forgiven = last is not None and last.fallible and self._forgiven(last)
        for edge, target, failing in self.graph.exits[node.block]:
            behind = error if failing else normal
            if target < 0 or behind is None or (failing and forgiven):
                continue
            if edge.empty is not None and (behind := self._take(behind, edge)) is None:
                continue
            yield _Node(target, behind._replace(known=behind.known & self.graph.asked[target]))

    def _idle(self, number: int, phase: Phase) -> bool:
        """Whether nothing can be learned from a block on, with a value that is not held."""
        quiet = self.quiet[number]
        if quiet is None:
            quiet = self.quiet[number] = not (self.graph.leads[number] | 1 << number) & self.named
        if not quiet:
            return False
        ended = phase in ("absent", "returned")
        return ended or (self.track.released_normally and self.track.released_failing)

    def _forgiven(self, op: Op) -> bool:
        """A release that fails, or code that cleans up: nothing more can be asked of it. A `raise` in it counts."""
        if op.kind is Kind.RELEASE:
            return True
        return op.cleanup and op.detail != "raise" and not self.site.cleanup

    def _take(self, state: State, edge: Edge) -> State | None:
        """The state behind an edge that asks, or None when it cannot be taken."""
        empty = state.empty(edge.place)
        if empty is not None:
            return state if empty is edge.empty else None
        return state.learn(edge.place, edge.empty) if edge.place in self.guards else state

    def _pass(self, node: _Node, block: Block) -> tuple[State | None, State | None]:
        """The states behind a block's last operation: when it works, and when it fails. None: not tracked."""
        state: State | None = node.state
        failed: State | None = state
        for index, op in enumerate(block.ops):
            if state is None:
                return None, None
            before = state
            state, failed = self._step(node, block, index, op, before)
            if op.fallible and before.phase == "held" and failed is not None and failed.phase == "held":
                self.track.fallible.append(op)
        return state, failed

    def _step(
        self, node: _Node, block: Block, index: int, op: Op, state: State
    ) -> tuple[State | None, State | None]:
        """The states behind one operation: when it works, and when it fails."""
        kind, place = op.kind, op.place
        if kind is Kind.ACQUIRE:
            if key(op) == self.key:
                if op.detail == "grown" and state.phase != "absent" and place in state.names:
                    return state, state
                if state.phase == "held" and state.names == {place}:
                    self._lost(node, state, op, "loop")
                return State("held", frozenset({place}), state.learn(place, None).known), state
            return self._drop(node, state, op, place, False), state
        if kind is Kind.MOVE:
            if place in state.names and "." in op.other and not self.keeps_stored:
                if state.phase == "held":
                    self.track.escapes.append(op._replace(detail="stored"))
                return None, state
            if place in state.names:
                if "[]" in op.other:
                    self.track.moves.append(op)
                return state._replace(names=state.names | {op.other}).learn(op.other, None), state
            if "[]" in op.other:
                return state, state  # there is room for both
            moved = self._drop(node, state, op, op.other, state.empty(place))
            return moved, state
        if kind is Kind.CLEAR:
            cleared = self._drop(node, state, op, place, {"none": True, "some": False}.get(op.detail))
            return cleared, state
        if place not in state.names or state.phase in ("absent", "failed"):
            return state, state
        if state.phase == "released":
            self._misuse(op, state.released_by)
            return state, state
        if state.phase == "returned":
            if kind is Kind.RELEASE and self.returned_by is not None:
                self.track.after.append((op, self.returned_by))
            return state, state
        if kind is Kind.RELEASE:
            self.track.releases.append(op)
            if op not in self.release_ops:
                self.release_ops.append(op)
            state = state._replace(released_by=self.release_ops.index(op))
            # One that failed counts as released, yet a handler may well try again: that is no misuse.
            return state._replace(phase="released"), state._replace(phase="failed")
        if kind is Kind.UNKNOWN:
            self.track.unknown.append(op)
            return None, None
        if kind is Kind.ESCAPE:
            return self._escape(node, block, index, op, state)
        return state, state

    def _escape(
        self, node: _Node, block: Block, index: int, op: Op, state: State
    ) -> tuple[State | None, State | None]:
        if op.detail == "shown":
            self.track.shown = True
            return state, None
        self.track.escapes.append(op)
        if op.detail == "stored" and self.keeps_stored:
            return state._replace(names=state.names | {op.other}) if op.other else state, state
        if op.detail == "returned":
            self.returned_by = op
            return state._replace(phase="returned"), None
        if op.detail not in _BORROWS:
            return None, None
        behind = self._releases(block.ops[index + 1 :])
        if behind or self.graph.leads_normally[node.block] & self._releasing:
            return state, state
        # Released on errors alone: the taker owns it once it has it, and this function as long as it fails.
        return None, state if self.graph.leads[node.block] & self._releasing else None

    def _drop(self, node: _Node, state: State, op: Op, place: str, empty: bool | None) -> State:
        """`place` gets a value that is not this one."""
        if place in state.names:
            names = state.names - {place}
            phase = state.phase
            if phase == "held" and not names:
                self._lost(node, state, op, "overwritten")
                phase = "absent"
            state = State(phase, names, state.known, state.released_by)
        return state.learn(place, empty if place in self.guards else None)

    def _misuse(self, op: Op, released_by: int) -> None:
        first = self.release_ops[released_by] if released_by >= 0 else None
        if (
            first is not None
            and op.kind is Kind.RELEASE
            and op.other != first.other
            and op.other
            and first.other
        ):
            return  # of what stands in the same elements, each gives back another part
        if first is not None and op.kind is Kind.RELEASE and key(first) != key(op):
            self.track.double.append((first, op))
        elif first is not None and op.kind is Kind.USE:
            self.track.after.append((first, op))

    # Ways out

    def _leave(self, node: _Node, state: State, edge: Edge, last: Op | None) -> None:
        failing = edge.target == FAIL
        if state.phase in ("released", "failed"):
            self.track.released_normally |= not failing
            self.track.released_failing |= failing
        if state.phase != "held" or (self.keeps_stored and not failing):
            return
        self._way(node, edge, last, "error" if failing else "return", state.names)

    def _lost(self, node: _Node, state: State, op: Op, kind: Literal["loop", "overwritten"]) -> None:
        self._way(node, Edge("exit", EXIT, op.at.line), op, kind)

    def _way(
        self,
        node: _Node,
        edge: Edge,
        last: Op | None,
        kind: Literal["return", "error", "overwritten", "loop"],
        names: frozenset[str] = frozenset(),
    ) -> None:
        path = [_Came(node, edge, last), *self._back(node)]
        errors = [came for came in reversed(path) if came.edge.kind == "error"]
        passes = next((came.edge.passes for came in errors if came.edge.passes), None)
        failed = errors[0] if errors else None
        jump = next((came.edge for came in path if came.edge.at is not None), None)
        line = self._line(edge, failed, jump, last)
        key = (kind, line, passes is not None or bool(_inside(names)))
        if key in self.ways:
            return
        steps = [Step(self.site.at.line, "acquired")]
        if failed is not None:
            at = failed.edge.line or (failed.op.at.line if failed.op else 0)
            steps.append(Step(at, failed.edge.note or "can raise"))
        if kind == "return" and (failed is None or line != steps[-1].line):
            steps.append(Step(line, edge.note or (jump.note if jump else "") or "leaves"))
        elif kind in ("overwritten", "loop"):
            steps.append(Step(line, "acquired again" if kind == "loop" else "overwritten"))
        self.ways[key] = Way(
            kind,
            line,
            tuple(steps),
            exit=jump.at if jump else None,
            failing=failed.op if failed else None,
            passes=passes,
            replaced=last.at if last is not None and kind in ("overwritten", "loop") else None,
            inside=_inside(names),
        )

    def _line(self, edge: Edge, failed: _Came | None, jump: Edge | None, last: Op | None) -> int:
        if edge.target == FAIL and failed is not None:
            return failed.edge.line or (failed.op.at.line if failed.op else 0)
        if edge.line:
            return edge.line
        if jump is not None and jump.at is not None:
            return jump.at.line
        return last.at.line if last else self.function.at.end_line

    def _back(self, node: _Node) -> Iterator[_Came]:
        """The steps of the path to `node`, the last first, as far back as the value is held."""
        while (came := self.came.get(node)) is not None and node.state.phase == "held":
            yield came
            node = came.before


def _inside(names: frozenset[str]) -> str:
    """What a value stands in, of all its names: a member of a local rather than the elements of a list."""
    found = sorted((name for name in names if "[]" in name), key=lambda name: (name.endswith("[]"), name))
    if not found:
        return ""
    place, _, member = found[0].partition("[]")
    place = place.partition("#")[0]
    return f"{place}.{member}" if member else f"{place}[]"


def _once(ops: list[Op]) -> list[Op]:
    found: dict[tuple[str, str, int, int], Op] = {}
    for op in ops:
        found.setdefault((op.kind, op.place, op.at.line, (op.expression or op.at).start), op)
    return sorted(found.values(), key=lambda op: (op.at.line, op.at.column))


def name_of(graph: Graph, place: str) -> str:
    """The name that a value comes to have, or its nameless place.

    What stands behind a "#" tells places apart that have one name in the source.
    """
    names = sorted(alias for alias in graph.aliases(place) if not alias.startswith("%") and "[]" not in alias)
    found = place if not place.startswith("%") or not names else names[0]
    return found.partition("#")[0]
