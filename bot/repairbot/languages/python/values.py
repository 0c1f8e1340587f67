"""What is tracked while a function is lowered: the places, what they hold, and the operations on them."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Final, NamedTuple

from tree_sitter import Node

from repairbot.languages.flow import Builder
from repairbot.languages.python.acquiring import Acquiring
from repairbot.languages.python.summaries import Oracle
from repairbot.languages.python.syntax import dotted, span, text
from repairbot.lifetimes.ops import Kind, Op, Resource
from repairbot.model import Span


class TooDeep(Exception):
    """The expression is nested deeper than is followed."""


class Value(NamedTuple):
    """What an expression gives: the tracked places it may be, and whether it is empty ("none", "some", "")."""

    places: tuple[str, ...] = ()
    empty: str = ""


NOTHING: Final = Value()


class Tracking(ABC):
    """The state of one function's lowering, and the operations that it is made of.

    `tracked`: the places that ever hold something; `held`: what they hold. `at`: the statement being lowered.
    """

    def __init__(self, acquiring: Acquiring, oracle: Oracle, seeds: dict[str, Resource]) -> None:
        self.acquiring = acquiring
        self.module = acquiring.module
        self.oracle = oracle
        self.held: dict[str, Resource] = dict(seeds)
        self.tracked = set(seeds)
        self.closures: list[Node] = []
        """The nested functions and lambdas so far."""
        self.generator = False
        self.resumed = False
        """Whoever runs this generator always lets it come to its end (a test fixture)."""
        self.flow = Builder()
        self.at = Span(0, 0, 1, 1, 1)
        self.outer: set[str] = set()
        """Names declared global or nonlocal."""
        self.released: list[str] = []
        self.numbers: dict[int, str] = {}
        self.depth = 0

    @abstractmethod
    def evaluate(self, node: Node | None, into: str = "") -> Value:
        """Lower an expression. `into`: the place it is assigned to, when that is known; the caller then moves or
        clears nothing itself if the value comes back as that place."""

    def emit(
        self,
        kind: Kind,
        place: str,
        node: Node,
        note: str = "",
        *,
        detail: str = "",
        other: str = "",
        resource: Resource | None = None,
        fallible: bool = False,
    ) -> None:
        """An operation of the current statement, at an expression. `note`: what a witness says of its failure."""
        cleanup = self.flow.cleaning > 0
        op = Op(kind, place, self.at, detail, other, "", span(node), resource, fallible, cleanup)
        if kind is Kind.RELEASE:
            self.released.append(place)
        self.flow.emit(op, note)

    def each(self, value: Value, kind: Kind, node: Node, *, detail: str = "", other: str = "") -> None:
        """The same operation on every place that a value may be."""
        for place in value.places:
            self.emit(kind, place, node, detail=detail, other=other)

    def nameless(self, node: Node) -> str:
        """The place of a value without a name: the same for the same expression."""
        return self.numbers.setdefault(node.start_byte, f"%{len(self.numbers) + 1}")

    def hold(self, place: str, resource: Resource | None) -> None:
        """From now on the place may hold this."""
        self.tracked.add(place)
        if resource is not None:
            self.held.setdefault(place, resource)

    def place_of(self, node: Node | None) -> str:
        """The place that a name or a member of self stands for, "" for anything else."""
        if node is None:
            return ""
        if node.type == "identifier":
            return text(node)
        if node.type == "attribute":
            name = dotted(node)
            return name if name.count(".") == 1 and name.partition(".")[0] in ("self", "cls") else ""
        if node.type == "parenthesized_expression" and node.named_child_count == 1:
            return self.place_of(node.named_children[0])
        return ""

    def settle(self, into: str, value: Value, node: Node) -> None:
        """Make `into` a name for a value that was evaluated for it."""
        if value.empty == "settled" or value.places == (into,):
            return
        if value.places:
            for place in value.places:
                self.move(place, into, node)
            return
        self.emit(Kind.CLEAR, into, node, detail=value.empty)

    def move(self, place: str, into: str, node: Node) -> None:
        """`into` becomes another name for what a place holds."""
        self.hold(into, self.held.get(place))
        self.emit(Kind.MOVE, place, node, other=into)

    def capture(self, node: Node) -> None:
        """A nested function or lambda: what it mentions is captured; what it releases is kept."""
        self.closures.append(node)  # what its names are given later, it has as well
        for place in sorted(self.tracked):
            self.captured(node, place, node)

    def captured(self, closure: Node, place: str, node: Node) -> None:
        """What becomes of a place that a nested function may mention."""
        if place.startswith("%"):
            return
        body = self.module.source[closure.start_byte : closure.end_byte]
        name = re.escape(place.encode())
        if re.search(rb"(?<![\w.])" + name + rb"\b", body) is None:
            return
        if any(re.search(ending, body) for ending in self.endings(place, name)):
            self.emit(Kind.ESCAPE, place, node, detail="kept", other="a nested function releases it")
        else:
            self.emit(Kind.ESCAPE, place, node, detail="captured")

    def looked_at(self, node: Node) -> None:
        """A function that is called before the call around it returns: what it mentions is used."""
        body = self.module.source[node.start_byte : node.end_byte]
        for place in sorted(self.tracked):
            if not place.startswith("%") and re.search(
                rb"(?<![\w.])" + re.escape(place.encode()) + rb"\b", body
            ):
                self.emit(Kind.USE, place, node, detail="lambda")

    def endings(self, place: str, name: bytes) -> Iterator[bytes]:
        resource = self.held.get(place)
        for release in resource.release if resource else (".close",):
            last = re.escape(release.rpartition(".")[2].encode())
            yield (
                name + rb"\s*\.\s*" + last + rb"\b"
                if release.startswith(".")
                else last + rb"\s*\(\s*" + name + rb"\b"
            )
        yield rb"with\s+" + name + rb"\b"


def only(node: Node) -> Node | None:
    return next((child for child in node.named_children if child.type != "comment"), None)


def short(callee: str) -> str:
    """The last two parts of a dotted name."""
    return ".".join(callee.split(".")[-2:]) if callee.count(".") > 2 else callee
