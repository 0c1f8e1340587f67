"""What lowering one Zig function knows while it goes on: names, what they hold, what they look into."""

from __future__ import annotations

from typing import Final, NamedTuple

from tree_sitter import Node

from repairbot.languages.flow import Builder, Cleanup
from repairbot.languages.zig.acquiring import Acquiring
from repairbot.languages.zig.interest import Interest
from repairbot.languages.zig.prospects import Prospects
from repairbot.languages.zig.syntax import Definition
from repairbot.languages.zig.tree import N
from repairbot.lifetimes.ops import Kind, Op, Resource

_WHOLE: Final = frozenset({Kind.ESCAPE, Kind.UNKNOWN})
TRY: Final = -1
"""Where an error goes: out of the function."""


class Value(NamedTuple):
    """What an expression gives: the places it hands on whole, those it only looks into, whether it is empty.

    `branched`: the way of its null was made already. `inside`: it is a literal that has the places inside,
    `labels` in which members, or at which places ("#0").
    `mixed`: on some way it is something that nobody here owns.
    """

    places: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    empty: str = ""
    branched: bool = False
    inside: bool = False
    labels: tuple[tuple[str, str], ...] = ()
    mixed: bool = False

    def member(self, place: str) -> str:
        """The member that holds what a place holds; "" where it is an element."""
        label = dict(self.labels).get(place, "")
        return label if not label.startswith("#") else ""


NOTHING: Final = Value()


def either(*values: Value | None) -> Value:
    """One of these values, by the way that control came; None for a way that does not come here."""
    ways = [value for value in values if value is not None]
    if all(value is NOTHING for value in ways):
        return NOTHING
    owned = [value for value in ways if value.places]
    foreign = any(not value.places and value.empty != "none" for value in ways)
    mixed = bool(owned and foreign) or any(value.mixed for value in ways)
    empty = ways[0].empty if ways and all(value.empty == ways[0].empty for value in ways) else ""
    return union(*ways)._replace(mixed=mixed, empty=empty)


def union(*values: Value) -> Value:
    """All of these values."""
    if len(values) == 1 and not (values[0].empty or values[0].branched or values[0].mixed):
        return values[0]
    if not any(value.places or value.parts for value in values):
        return NOTHING
    places = tuple(dict.fromkeys(place for value in values for place in value.places))
    parts = tuple(dict.fromkeys(part for value in values for part in value.parts))
    labels = tuple(dict.fromkeys(label for value in values for label in value.labels))
    return Value(places, parts, inside=any(value.inside for value in values), labels=labels)


def contents(place: str, member: str = "") -> str:
    """The place for what a value holds inside: elements of a list, or one member of a struct."""
    return f"{place.partition('[]')[0]}[]{'' if '[]' in place else member}"


def inside(value: Value) -> tuple[str, ...]:
    """What an element of a value looks into."""
    return tuple(dict.fromkeys(contents(place) for place in (*value.places, *value.parts)))


class Undecided(Exception):
    """A brief look needs not go on: what is asked about was given to somebody of whom nothing is known."""


class Values:
    """Names and places of one function, and the operations on them."""

    def __init__(
        self, acquiring: Acquiring, prospects: Prospects, definition: Definition, *, brief: bool = False
    ) -> None:
        """`brief`: only what happens to the places that hold something from the start is asked, not on which ways."""
        self.acquiring, self.prospects, self.definition = acquiring, prospects, definition
        self.brief = brief
        self.interest = Interest(prospects, definition, brief=brief)
        self.inferable = prospects.inferable(definition)
        self.followed: set[str] = set()
        """In a brief look: the names of what is asked about."""
        self.alive = False
        """Something may be held: from here on the ways by which control leaves matter."""
        self.pending: dict[str, Node] = {}
        """Declarations that were passed over, by their places."""
        self.module, self.allocators = acquiring.module, acquiring.allocators
        self.flow = Builder()
        self.held: dict[str, Resource] = {}
        self.tracked: set[str] = set()
        self.insides: dict[str, set[str]] = {}
        """What is tracked inside of a place, by that place."""
        self.views: dict[str, tuple[str, ...]] = {}
        """Names that look into a place: `const items = list.items`."""
        self.scope: dict[str, str] = {parameter.name: parameter.name for parameter in definition.parameters}
        """The place of each name that is visible."""
        self.within = definition.node.end_byte
        """Where the block around ends."""
        self.visible: dict[str, tuple[int, int]] = {}
        """Where the name of each local place is visible, first and last byte."""
        self.types: dict[str, str] = {parameter.name: parameter.type for parameter in definition.parameters}
        """The text of a place's type, where it is known."""
        self.parameters: frozenset[str] = frozenset(self.scope)
        self.errors: set[str] = set()
        """Names of captured errors."""
        self.arenas: set[str] = set()
        self.plain: set[str] = set()
        """Names of allocators that are no arenas whatever they are called."""
        self.used: set[str] = set(self.scope)
        self.nameless = 0
        self.cleanups: list[tuple[Cleanup, str, dict[str, str]]] = []
        """The cleanups so far, with their texts and the places of the names in them."""
        self.late = False
        """A place came to hold something when cleanup that may release it was lowered already."""
        self.at = self.module.span(definition.node.start_byte, definition.node.start_byte)

    # Names

    def declare(self, name: str) -> str:
        """A new name, whose place is its own even where a sibling block used the name before."""
        place, number = name, 2
        while place in self.used:
            place = f"{name}#{number}"
            number += 1
        self.used.add(place)
        self.scope[name] = place
        self.visible[place] = (self.at.start, self.within)
        return place

    def place_of(self, node: N | None) -> str:
        """The place that an expression names, or ""."""
        if node is None:
            return ""
        if node.kind == "name":
            return self.scope.get(node.text, "")
        return ""

    def root(self, node: N | None) -> str:
        """The local that a chain of members, elements and dereferences begins with, or ""."""
        while node is not None and node.kind in ("field", "deref", "unwrap", "index", "range"):
            node = node.parts[0]
        return self.place_of(node)

    def new_place(self) -> str:
        """A place for a value without a name."""
        self.nameless += 1
        return f"%{self.nameless}"

    # Operations

    def undecided(self) -> None:
        """What is asked about goes to somebody of whom nothing is known. Raises Undecided where none may tell later."""
        raise NotImplementedError

    def hold(self, place: str, resource: Resource | None) -> None:
        """From here on a place may hold something."""
        self.alive = not self.brief
        if place not in self.tracked:
            self.track(place)
            root = place.partition("[]")[0]
            name = root.partition("#")[0]
            self.late |= any(
                frame.copies and scope.get(name) == root and name in shown
                for frame, shown, scope in self.cleanups
            )
        if resource is not None:
            self.held[place] = resource

    def track(self, place: str) -> None:
        """A place is one of those that operations are about."""
        self.tracked.add(place)
        root, inside_of, _ = place.partition("[]")
        if inside_of:
            self.insides.setdefault(root, set()).add(place)
        self.heed(root)

    def heed(self, place: str) -> None:
        """What stands about a place is read from here on."""
        if not place.startswith("%"):
            idle = not self.brief or (place not in self.parameters and place not in self.views)
            self.interest.heed(place.partition("#")[0], idle=idle)

    def view(self, place: str, parts: tuple[str, ...]) -> None:
        """A name looks into places."""
        self.views[place] = parts
        if not (self.brief and all(self._inert(part) for part in parts)):
            self.heed(place)

    def _inert(self, part: str) -> bool:
        """Whether nothing can come to be held there: parameters are constants, nothing is put inside."""
        root, inside_of, _ = part.partition("[]")
        return bool(inside_of) and root in self.parameters

    def typed(self, place: str) -> str:
        """The text of a place's type, as far as it is known; ""."""
        raise NotImplementedError

    def emit(
        self,
        kind: Kind,
        place: str,
        node: N,
        *,
        note: str = "",
        detail: str = "",
        other: str = "",
        resource: Resource | None = None,
        fail: int | None = None,
    ) -> None:
        """Add an operation. `fail`: None for one that cannot fail, else where its error goes.

        Who hands a value on does so with all that it holds inside.
        """
        if self.brief and fail == TRY:
            fail = None
        if self.brief and place in self.followed and (kind is Kind.UNKNOWN or detail == "passed"):
            self.undecided()
        if kind is Kind.CALL and fail is None:
            return  # a call that cannot fail, of which nothing is known that matters
        if kind in _WHOLE:
            for part in self.inner(place):
                self.emit(kind, part, node, detail=detail, other=other)
        op = Op(
            kind,
            place,
            self.at,
            detail,
            other,
            expression=self.module.at(node),
            resource=resource,
            fallible=fail is not None,
            cleanup=self.flow.cleaning > 0,
        )
        self.flow.emit(op, note, None if fail in (None, TRY) else fail)

    def each(self, value: Value, kind: Kind, node: N, *, detail: str = "", other: str = "") -> None:
        """The same operation on every place that a value hands on whole."""
        for place in value.places:
            self.emit(kind, place, node, detail=detail, other=other)

    def loan(self, value: Value, node: N, other: str) -> None:
        """What a value looks into goes to somebody who may go on using it."""
        for place in value.parts:
            if place not in value.places and self.has(place):
                self.emit(Kind.ESCAPE, place, node, detail="passed", other=other)

    def move(self, source: str, target: str, node: N) -> None:
        """Another name for what a place holds."""
        if source == target:
            return
        if source in self.tracked:
            self.hold(target, self.held.get(source))
            self.emit(Kind.MOVE, source, node, other=target)
            if source in self.followed:
                self.followed.add(target)
        for part in self.inner(source):
            self.move(part, contents(target, part.partition("[]")[2]), node)

    def put(self, source: str, target: str, node: N, member: str = "") -> None:
        """What a place holds goes inside of another one."""
        if source != target:
            self.move(source, contents(target, member), node)

    def inner(self, place: str) -> list[str]:
        """The tracked places inside of a place."""
        return sorted(self.insides[place]) if place in self.insides else []

    def has(self, place: str) -> bool:
        """Whether a place, or what it holds inside, is tracked."""
        return place in self.tracked or place in self.insides

    def settle(self, place: str, value: Value, node: N) -> None:
        """A name gets a value."""
        self.views.pop(place, None)
        if value.places and place in value.places:
            self.doubt(place, value, node)
            return
        if value.places:
            for source in value.places:
                if value.inside:
                    self.put(source, place, node, value.member(source))
                else:
                    self.move(source, place, node)
            self.doubt(place, value, node)
            return
        if value.parts:
            self.view(place, value.parts)
        self.emit(Kind.CLEAR, place, node, detail=value.empty)

    def doubt(self, place: str, value: Value, node: N) -> None:
        """A value that is owned on one way and not on another is not judged: no release fits both."""
        if value.mixed:
            self.emit(Kind.UNKNOWN, place, node, detail="owned on some ways only")

    def entered(self, block: int) -> bool:
        """Whether some edge leads to a block."""
        return block in self.flow.reached

    def resume(self, block: int) -> None:
        """Go on in a block, if anything leads there."""
        self.flow.current = block if self.entered(block) else None
