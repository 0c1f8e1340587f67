"""What is tracked while a function is lowered: the places, what they hold, and the operations on them."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from typing import Final, NamedTuple

from repairbot.languages.flow import Builder
from repairbot.languages.typescript.acquiring import Acquiring
from repairbot.languages.typescript.summaries import Oracle
from repairbot.languages.typescript.syntax import bare
from repairbot.languages.typescript.tree import N
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
    `scope`: the place of each name, where two locals have one name.
    """

    def __init__(self, acquiring: Acquiring, oracle: Oracle, seeds: dict[str, Resource]) -> None:
        self.acquiring = acquiring
        self.module = acquiring.module
        self.oracle = oracle
        self.held: dict[str, Resource] = dict(seeds)
        self.tracked = set(seeds)
        self.scope: dict[str, str] = {}
        self.declared: dict[str, int] = {}
        self.locals: set[str] = set()
        """The names that are declared somewhere in this function; any other belongs to somebody else."""
        self.closures: list[N] = []
        """The nested functions so far: what their names are given later, they have as well."""
        self.flow = Builder()
        self.at = Span(0, 0, 1, 1, 1)
        self.body: N | None = None
        """The code of the function."""
        self.numbers: dict[int, str] = {}
        self.generator = False
        self.depth = 0

    @abstractmethod
    def evaluate(self, node: N | None, into: str = "") -> Value:
        """Lower an expression. `into`: the place it is assigned to, when that is known."""

    def emit(
        self,
        kind: Kind,
        place: str,
        node: N,
        note: str = "",
        *,
        detail: str = "",
        other: str = "",
        resource: Resource | None = None,
        value: str = "",
        fallible: bool = False,
    ) -> None:
        """An operation of the current statement, at an expression. `note`: what a witness says of its failure."""
        cleanup = self.flow.cleaning > 0
        op = Op(
            kind, place, self.at, detail, other, value, self.module.span(node), resource, fallible, cleanup
        )
        self.flow.emit(op, note)

    def each(self, value: Value, kind: Kind, node: N, *, detail: str = "", other: str = "") -> None:
        """The same operation on every place that a value may be."""
        for place in value.places:
            self.emit(kind, place, node, detail=detail, other=other)

    def nameless(self, node: N) -> str:
        """The place of a value without a name: the same for the same expression."""
        return self.numbers.setdefault(node.start, f"%{len(self.numbers) + 1}")

    def hold(self, place: str, resource: Resource | None) -> None:
        """From now on the place may hold this."""
        self.tracked.add(place)
        if resource is not None:
            self.held.setdefault(place, resource)

    def declare(self, name: str) -> str:
        """A new local; another of the same name is another place."""
        count = self.declared[name] = self.declared.get(name, 0) + 1
        place = name if count == 1 else f"{name}#{count}"
        self.scope[name] = place
        return place

    def place_of(self, node: N | None) -> str:
        """The place that a name or a member of `this` stands for, "" for anything else."""
        node = bare(node)
        if node is None:
            return ""
        if node.kind in ("identifier", "shorthand_property_identifier"):
            name = self.module.text(node)
            return self.scope.get(name, name)
        if node.kind == "member_expression" and len(node.kids) == 2 and node.kids[0].kind == "this":
            return f"this.{self.module.text(node.kids[1])}"
        return ""

    def settle(self, into: str, value: Value, node: N) -> None:
        """Make `into` a name for a value that was evaluated for it."""
        if value.empty == "settled" or value.places == (into,):
            return
        if value.places:
            for place in value.places:
                self.move(place, into, node)
            return
        self.emit(Kind.CLEAR, into, node, detail=value.empty)

    def move(self, place: str, into: str, node: N) -> None:
        """`into` becomes another name for what a place holds."""
        self.hold(into, self.held.get(place))
        self.emit(Kind.MOVE, place, node, other=into)

    # Closures

    def capture(self, node: N) -> None:
        """A nested function: what it mentions is captured; what it releases is kept."""
        self.closures.append(node)
        for place in sorted(self.tracked):
            self.captured(node, place, node)

    def mentions(self, node: N, place: str) -> bytes | None:
        """The body of a nested function that names a place, None where it does not."""
        if place.startswith("%"):
            return None
        body = self.module.source[node.start : node.end]
        name = re.escape(place.partition("#")[0].encode())
        return body if re.search(rb"(?<![\w.$])" + name + rb"(?![\w$])", body) else None

    def captured(self, closure: N, place: str, node: N) -> None:
        """What becomes of a place that a nested function may mention."""
        body = self.mentions(closure, place)
        if body is None:
            return
        if self.ends(body, place):
            self.emit(Kind.ESCAPE, place, node, detail="kept", other="a nested function releases it")
        else:
            self.emit(Kind.ESCAPE, place, node, detail="captured")

    def looked_at(self, node: N) -> None:
        """A function that is called before the call around it returns: what it mentions is used."""
        for place in sorted(self.tracked):
            body = self.mentions(node, place)
            if body is None:
                continue
            if self.ends(body, place):
                self.emit(Kind.ESCAPE, place, node, detail="kept", other="a nested function releases it")
            else:
                self.emit(Kind.USE, place, node, detail="callback")

    def ends(self, body: bytes, place: str, resource: Resource | None = None) -> bool:
        """Whether some code names a release of the place."""
        name = re.escape(place.partition("#")[0].encode())
        resource = resource or self.held.get(place)
        for release in resource.release if resource else (".close",):
            if release == "()":
                if re.search(rb"(?<![\w.$])" + name + rb"\(", body):
                    return True
                continue
            last = re.escape(release.rpartition(".")[2].encode())
            ending = (
                name + rb"\s*[?!]?\s*\.\s*" + last + rb"\b"
                if release.startswith(".")
                else last + rb"\s*\(\s*" + name + rb"\b"
            )
            if re.search(ending, body):
                return True
        return False


def short(callee: str) -> str:
    """The last two parts of a dotted name."""
    return ".".join(callee.split(".")[-2:]) if callee.count(".") > 2 else callee
