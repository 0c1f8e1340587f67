"""Lowers calls: what they acquire, release, wrap, borrow and keep."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from tree_sitter import Node

from repairbot.languages.python.callees import ASKERS, CLOSERS, HARMLESS, RETRIERS, among, callees
from repairbot.languages.python.syntax import dotted, text
from repairbot.languages.python.values import NOTHING, Tracking, Value, short
from repairbot.lifetimes.ops import Kind, Resource

_RUNS: Final = frozenset(
    "readinto recv recv_into send sendall write writelines serve_forever accept run loop poll "
    "run_forever run_until_complete submit map execute commit start get post request".split()
)
"""Methods that are handed on unbound, with their object."""
_READS: Final = frozenset({"read", "readline", "readlines"})


class _Called(NamedTuple):
    """The callee as written, with its imports resolved, and the last name of a method."""

    callee: str
    qualified: str
    method: str


class _Touch(NamedTuple):
    """What a call does with one place: the fields of an operation."""

    kind: Kind
    place: str
    detail: str = ""
    other: str = ""


class Calls(Tracking):
    """The part of a function's lowering that handles calls."""

    def call(self, node: Node, into: str) -> Value:
        function = node.child_by_field_name("function")
        callee = dotted(function)
        qualified = self.module.qualified(callee) if callee else ""
        receiver = self.receiver(function)
        arguments = list(self.arguments(node))
        resource = self.acquiring.at(node)
        if resource is not None:
            wrapped = next((value.places[0] for value, _ in arguments if value.places), "")
            if wrapped and among(callees().owns, qualified):
                return self._wrap(node, wrapped, into, callee)
            for argument, _ in arguments:
                self.pass_to_maker(argument, resource, qualified, node)
            if receiver.places:
                self.each(receiver, Kind.USE, node, detail=callee)
            return self._acquire(node, resource, into)
        if not any(value.places for value, _ in arguments):
            self._release_all(node, qualified)
        method = (
            text(function.child_by_field_name("attribute"))
            if function and function.type == "attribute"
            else ""
        )
        for place in receiver.places:
            held = self.held.get(place)
            if held is not None and f".{method}" in held.release:
                self.emit(Kind.RELEASE, place, node, detail="")
                for argument, _ in arguments:
                    self.use(argument, node, callee)
                return NOTHING
        return self._other_call(node, _Called(callee, qualified, method), receiver, arguments, into)

    def _release_all(self, node: Node, qualified: str) -> None:
        """`plt.close("all")`, `plt.close()`: a function that releases one, given none, releases whatever there is."""
        listing = node.child_by_field_name("arguments")
        given = listing.named_children if listing is not None else []
        if any(child.type != "string" for child in given):
            return
        for place in sorted(self.tracked):
            held = self.held.get(place)
            if held is not None and not held.collected and qualified in held.release:
                self.emit(Kind.RELEASE, place, node)

    def receiver(self, function: Node | None) -> Value:
        if function is None:
            return NOTHING
        if function.type == "attribute":
            return self.evaluate(function.child_by_field_name("object"))
        if function.type == "identifier":
            return NOTHING
        return self.evaluate(function)

    def arguments(self, node: Node) -> Iterator[tuple[Value, str | int]]:
        """The values of the arguments, each with its keyword or its position."""
        listing = node.child_by_field_name("arguments")
        if listing is None:
            return
        if listing.type == "generator_expression":
            self.evaluate(listing)
            return
        position = 0
        for child in listing.named_children:
            if child.type == "comment":
                continue
            if child.type == "lambda" and RETRIERS.search(dotted(node.child_by_field_name("function"))):
                self.looked_at(child)
                yield NOTHING, position
                position += 1
            elif child.type == "keyword_argument":
                yield (
                    self._argument(child.child_by_field_name("value")),
                    text(child.child_by_field_name("name")),
                )
            else:
                yield self._argument(child), position
                position += 1

    def _argument(self, node: Node | None) -> Value:
        """An argument: the value itself, or the object of a bound method that is handed on."""
        if node is not None and node.type == "attribute":
            place = self.place_of(node.child_by_field_name("object"))
            if place in self.tracked:
                method = text(node.child_by_field_name("attribute"))
                held = self.held.get(place)
                if held is not None and f".{method}" in held.release:
                    self.emit(Kind.ESCAPE, place, node, detail="kept", other="its release is handed on")
                elif method in _RUNS or (method in _READS and self._viewed(node)):
                    return Value((place,))
                elif method in _READS:
                    self.emit(Kind.USE, place, node, detail=method)
                return NOTHING
        value = self.evaluate(node)
        return value if value.empty != "settled" else Value(value.places)

    def _viewed(self, argument: Node) -> bool:
        """Whether the call around an argument gives something that goes on using it."""
        call = argument.parent.parent if argument.parent is not None else None
        name = dotted(call.child_by_field_name("function")) if call is not None else ""
        return among(callees().views, self.module.qualified(name))

    def pass_to_maker(self, argument: Value, resource: Resource, qualified: str, node: Node) -> None:
        """Something held goes into a call that acquires something else."""
        for place in argument.places:
            held = self.held.get(place)
            if (held is not None and among(held.keeps, qualified)) or among(callees().owns, qualified):
                self.emit(Kind.ESCAPE, place, node, detail="kept", other=qualified)
            elif (held is not None and among(held.borrows, qualified)) or among(callees().views, qualified):
                self.emit(Kind.USE, place, node, detail=qualified)
            else:
                self.emit(Kind.ESCAPE, place, node, detail="passed", other=qualified)

    def _wrap(self, node: Node, place: str, into: str, callee: str) -> Value:
        """The call's value owns what it wraps: another name for the same obligation."""
        target = into if into and "." not in into else self.nameless(node)
        self.hold(target, self.held.get(place))
        note = f"{short(callee)}() can raise"
        fallible = not among(callees().safe, self.module.qualified(callee))
        self.emit(Kind.MOVE, place, node, note=note, other=target, fallible=fallible)
        return Value((target,))

    def _acquire(self, node: Node, resource: Resource, into: str) -> Value:
        callee = short(dotted(node.child_by_field_name("function")))
        if resource.slots:
            self.emit(Kind.CALL, "", node, note=f"{callee}() can raise", detail=callee, fallible=True)
            return NOTHING  # only unpacking tells its elements apart: see the assignment
        place = into or self.nameless(node)
        self.hold(place, resource)
        self.emit(Kind.ACQUIRE, place, node, note=f"{callee}() can raise", resource=resource, fallible=True)
        for closure in self.closures:
            self.captured(closure, place, node)
        return Value((place,))

    def use(self, value: Value, node: Node, callee: str) -> None:
        self.each(value, Kind.USE, node, detail=callee)

    def _other_call(
        self,
        node: Node,
        called: _Called,
        receiver: Value,
        arguments: list[tuple[Value, str | int]],
        into: str,
    ) -> Value:
        """A call that acquires nothing and releases no receiver: what it does with what it is given."""
        known = callees()
        if called.qualified in known.ends:
            self.flow.current = None
            return NOTHING
        given = any(value.places for value, _ in arguments)
        target = into or (self.nameless(node) if given else "")
        touches = [
            self._given(node, called, place, slot, target)
            for value, slot in arguments
            for place in value.places
        ]
        touches += [self._received(called, place) for place in receiver.places]
        note = f"{short(called.callee) or called.method or 'a call'}() can raise"
        fallible = not (among(known.safe, called.qualified) or HARMLESS.search(called.qualified))
        fallible &= not (called.method == "pop" and len(arguments) == 2)
        fallible &= not _of_literal(node)
        if arguments and not receiver.places and any(touch.detail == "shown" for touch in touches):
            fallible = False  # it has the value: if it raises, it may well have ended it before
        if not touches and fallible:
            self.emit(Kind.CALL, "", node, note=note, detail=called.callee, fallible=True)
        for number, (kind, place, detail, other) in enumerate(touches):
            last = number == len(touches) - 1 and kind in (Kind.USE, Kind.ESCAPE)
            if kind is Kind.MOVE:
                self.hold(other, self.held.get(place))
            self.emit(kind, place, node, note=note, detail=detail, other=other, fallible=fallible and last)
        return Value((target,)) if any(touch.kind is Kind.MOVE for touch in touches) else NOTHING

    def _received(self, called: _Called, place: str) -> _Touch:
        """What a method does with its object."""
        name = called.callee or called.method
        held = self.held.get(place)
        if held is not None and among(held.keeps, f"x.{called.method}"):
            return _Touch(Kind.ESCAPE, place, "kept", name)
        return _Touch(Kind.USE, place, name)

    def _given(self, node: Node, called: _Called, place: str, slot: str | int, target: str) -> _Touch:
        """What a call does with a place that is given as an argument."""
        known, held = callees(), self.held.get(place)
        name = called.qualified or f"x.{called.method}"
        callee = called.callee or "a call"
        releases = _Touch(Kind.RELEASE, place)
        borrows = _Touch(Kind.USE, place, called.callee)
        keeps = _Touch(Kind.ESCAPE, place, "kept", callee)
        if held is not None and name in held.release:
            return releases
        if (held is not None and among(held.keeps, name)) or among(known.keeps, name):
            return keeps
        if held is not None and among(held.borrows, name):
            return borrows
        if among(known.owns, name) or among(known.views, name):
            return _Touch(Kind.MOVE, place, "", target)
        if among(known.stores, name):
            return _Touch(Kind.ESCAPE, place, "stored", called.callee.rpartition(".")[0])
        effect = self.oracle.effect(node, called.qualified, slot, held)
        if effect == "returns":
            return _Touch(Kind.MOVE, place, "", target)
        if effect != "unknown":
            return {"releases": releases, "keeps": keeps, "borrows": borrows}[effect]
        if among(known.borrows, name) or among(known.safe, name):
            return borrows
        if CLOSERS.search(name):
            return keeps
        return _Touch(Kind.ESCAPE, place, "shown" if ASKERS.search(name) else "passed", callee)


def _of_literal(call: Node) -> bool:
    """A method of a text that stands there: `", ".join(names)`."""
    function = call.child_by_field_name("function")
    receiver = function.child_by_field_name("object") if function is not None else None
    return receiver is not None and receiver.type in ("string", "concatenated_string")
