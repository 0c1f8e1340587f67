"""What the paths of one function have in common, computed once for all that is followed through it.

Sets of blocks are integers with a bit for each block: a function of a thousand blocks has a thousand bits, and
whether a block leads to any block of a set is one operation on them.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from repairbot.lifetimes.ops import Edge, Function, Kind, Op, aliases, moves

if TYPE_CHECKING:
    from repairbot.analyses.tracking import State, _Node

_SETTING = frozenset({Kind.CLEAR, Kind.ACQUIRE})


def key(op: Op) -> tuple[str, int, int, int]:
    """What an acquisition is known by: cleanup copies share their operation."""
    at = op.expression or op.at
    return (op.place, at.line, at.column, at.start)


class Graph:
    """One function, its branches and where they lead."""

    def __init__(self, function: Function) -> None:
        self.function = function
        self.ahead: dict[tuple[_Node, bool], list[_Node]] = {}
        """The nodes behind one at which what is followed is not there yet: they are the same for all (see tracking)."""
        self.reached: dict[bool, set[int]] = {}
        """The blocks to which control comes while nothing is followed; by whether that is cleanup."""
        self.absent: dict[bool, dict[int, list[State]]] = {}
        """The same with the states in which it comes there, where branches tell more than one apart."""
        self.made: dict[tuple[str, int, int, int], list[int]] = {}
        """The blocks of each acquisition."""
        self.given_up = 0
        """How many acquisitions had too many paths."""
        self.moves = moves(function)
        self._aliases: dict[str, frozenset[str]] = {}
        self._named: dict[str, int] = {}
        """The blocks whose operations name a place."""
        for index, block in enumerate(function.blocks):
            for op in block.ops:
                self._named[op.place] = self._named.get(op.place, 0) | 1 << index
                if op.kind is Kind.ACQUIRE:
                    self.made.setdefault(key(op), []).append(index)
                if op.kind is Kind.MOVE:
                    self._named[op.other] = self._named.get(op.other, 0) | 1 << index

    def aliases(self, place: str) -> frozenset[str]:
        """Every name that a value may have anywhere in the function."""
        known = self._aliases.get(place)
        if known is None:
            known = self._aliases[place] = frozenset(aliases(self.moves, place))
        return known

    def touching(self, places: set[str] | frozenset[str]) -> int:
        """The blocks in which some operation names one of these places."""
        found = 0
        for place in places:
            found |= self._named.get(place, 0)
        return found

    @cached_property
    def _order(self) -> list[int]:
        """The blocks, each behind those that it leads to as far as loops allow: so few rounds are enough."""
        blocks = self.function.blocks
        order: list[int] = []
        seen: set[int] = set()
        for first in range(len(blocks)):
            waiting = [] if first in seen else [(first, False)]
            while waiting:
                index, done = waiting.pop()
                if done:
                    order.append(index)
                elif index not in seen:
                    seen.add(index)
                    waiting.append((index, True))
                    waiting.extend((edge.target, False) for edge in blocks[index].edges if edge.target >= 0)
        return order

    @cached_property
    def leads(self) -> list[int]:
        """The blocks that each block leads to, by at least one edge."""
        return self._closure(errors=True)

    @cached_property
    def leads_normally(self) -> list[int]:
        """The same without the edges of errors."""
        return self._closure(errors=False)

    def _closure(self, errors: bool) -> list[int]:
        targets = [
            [edge.target for edge in block.edges if edge.target >= 0 and (errors or edge.kind != "error")]
            for block in self.function.blocks
        ]
        found = [0] * len(targets)
        again = True
        while again:
            again = False
            for index in self._order:
                before = reached = found[index]
                for target in targets[index]:
                    reached |= found[target] | 1 << target
                if reached != before:
                    found[index] = reached
                    again = True
        return found

    @cached_property
    def guards(self) -> frozenset[str]:
        """Local names that more than one branch asks about, or that are set to a constant and asked about."""
        asked: dict[str, int] = {}
        for block in self.function.blocks:
            for place in {edge.place for edge in block.edges if edge.empty is not None}:
                asked[place] = asked.get(place, 0) + 1
        if not asked:
            return frozenset()
        constant = {
            op.place
            for block in self.function.blocks
            for op in block.ops
            if op.kind is Kind.CLEAR and op.detail
        }
        return frozenset(
            place for place, count in asked.items() if "." not in place and (count > 1 or place in constant)
        )

    @cached_property
    def coarse(self) -> Graph:
        """The same function, as if no branch told anything about another one."""
        found = Graph(self.function)
        found.guards = frozenset()
        return found

    @cached_property
    def guarding(self) -> int:
        """The blocks in which some operation names a guard."""
        return self.touching(self.guards)

    @cached_property
    def exits(self) -> list[list[tuple[Edge, int, bool]]]:
        """The edges of each block that are followed, each with its target and whether it is one of errors.

        That a release in cleanup code can fail is held against nobody.
        """
        found: list[list[tuple[Edge, int, bool]]] = []
        for block in self.function.blocks:
            last = block.ops[-1] if block.ops else None
            tidies = last is not None and last.kind is Kind.RELEASE and last.cleanup and last.fallible
            edges = [(edge, edge.target, edge.kind == "error") for edge in block.edges]
            found.append([each for each in edges if not (each[2] and tidies)])
        return found

    @cached_property
    def asked(self) -> list[frozenset[tuple[str, bool]]]:
        """For each block the facts about guards that matter from its beginning on.

        A fact that no branch asks about before its place is set again tells no two paths apart.
        """
        blocks, order = self.function.blocks, sorted(self.guards)
        if not order:
            return [frozenset()] * len(blocks)
        bits = {place: 1 << number for number, place in enumerate(order)}
        alive = [0] * len(blocks)
        again = True
        while again:
            again = False
            for index in self._order:
                normal = failing = 0
                for edge in blocks[index].edges:
                    needed = alive[edge.target] if edge.target >= 0 else 0
                    if edge.empty is not None:
                        needed |= bits.get(edge.place, 0)
                    if edge.kind == "error":
                        failing |= needed
                    else:
                        normal |= needed
                for number, op in enumerate(reversed(blocks[index].ops)):
                    if op.kind in _SETTING:
                        normal &= ~bits.get(op.place, 0)
                    elif op.kind is Kind.MOVE and op.other in bits:
                        normal |= bits.get(op.place, 0)
                    if number == 0:
                        normal |= failing  # when the last operation fails it has set nothing
                normal |= 0 if blocks[index].ops else failing
                if normal != alive[index]:
                    alive[index] = normal
                    again = True
        known: dict[int, frozenset[tuple[str, bool]]] = {}
        for mask in alive:
            if mask not in known:
                places = [place for place in order if bits[place] & mask]
                known[mask] = frozenset((place, empty) for place in places for empty in (True, False))
        return [known[mask] for mask in alive]
