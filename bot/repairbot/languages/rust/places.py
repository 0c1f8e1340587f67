"""What lowering one Rust function knows while it goes on: names, what they hold, and the operations on them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from repairbot.languages.flow import Builder
from repairbot.languages.rust.acquiring import Known
from repairbot.languages.rust.syntax import Definition, Module
from repairbot.languages.rust.tree import N
from repairbot.lifetimes.ops import Kind, Op, Resource


@dataclass(frozen=True, slots=True)
class Value:
    """What an expression gives: the places that it hands on; `lent` when only a reference to them."""

    places: tuple[str, ...] = ()
    lent: bool = False


NOTHING: Final = Value()


def either(*values: Value) -> Value:
    """All places of these values."""
    places = tuple(dict.fromkeys(place for value in values for place in value.places))
    return Value(places, bool(places) and all(value.lent for value in values if value.places))


class Places:
    """Names and places of one function."""

    def __init__(self, module: Module, definition: Definition, rows: Known) -> None:
        self.module, self.definition, self.rows = module, definition, rows
        self.flow = Builder()
        self.scope: dict[str, str] = {}
        self.held: dict[str, Resource] = {}
        self.used: set[str] = set()
        self.nameless = 0
        self.breaks: list[list[Value]] = []
        self.at = module.span(definition.node.start_byte, definition.node.start_byte)

    # Places and operations

    def declare(self, name: str) -> str:
        """A new name with a place of its own."""
        place, number = name, 2
        while place in self.used:
            place, number = f"{name}#{number}", number + 1
        self.used.add(place)
        self.scope[name] = place
        return place

    def emit(
        self,
        kind: Kind,
        place: str,
        node: N,
        *,
        detail: str = "",
        other: str = "",
        resource: Resource | None = None,
        fails: bool = False,
        note: str = "",
    ) -> None:
        """Add an operation; where it fails, control leaves by an error."""
        op = Op(
            kind,
            place,
            self.at,
            detail,
            other,
            expression=self.module.at(node),
            resource=resource,
            fallible=fails,
            cleanup=self.flow.cleaning > 0,
        )
        self.flow.emit(op, note)

    def each(self, value: Value, kind: Kind, node: N, detail: str = "", other: str = "") -> None:
        """The same operation on all places of a value."""
        for place in value.places:
            self.emit(
                Kind.USE if value.lent and kind is Kind.ESCAPE else kind,
                place,
                node,
                detail=detail,
                other=other,
            )

    def move(self, source: str, target: str, node: N) -> None:
        """Another name for what a place holds; a nameless one is forgotten."""
        self.held[target] = self.held[source]
        self.emit(Kind.MOVE, source, node, other=target)
        if source.startswith("%"):
            self.emit(Kind.CLEAR, source, node)

    def bind(self, names: tuple[str, ...], value: Value, node: N) -> None:
        """Names get a value; of several names nobody knows which holds what."""
        if not names:
            return
        if len(names) != 1:
            for name in names:
                self.declare(name)
            self.each(value, Kind.UNKNOWN, node, "taken apart")
            return
        place = self.declare(names[0])
        for source in value.places:
            if not value.lent:
                self.move(source, place, node)
        if not value.places:
            self.emit(Kind.CLEAR, place, node)

    def nameless_place(self) -> str:
        """A place for a value without a name."""
        self.nameless += 1
        return f"%{self.nameless}"

    def resume(self, block: int) -> None:
        """Go on in a block, if anything leads there."""
        self.flow.current = block if block in self.flow.reached else None
