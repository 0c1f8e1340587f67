"""Lowers calls: what they acquire, release, borrow and keep."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from repairbot.languages.typescript.callees import ASKERS, CLOSERS, HARMLESS, Callees, among, callees
from repairbot.languages.typescript.syntax import THROUGH, arguments, bare
from repairbot.languages.typescript.tree import FUNCTIONS, N
from repairbot.languages.typescript.values import NOTHING, Tracking, Value, short
from repairbot.lazily import regex
from repairbot.lifetimes.ops import UNLIKELY, Kind, Resource

_ENDING_EVENTS: Final = regex(r"^['\"](?:close|end|exit|finish|error|disconnect|abort)['\"]$")


HANDLES: Final = frozenset({".dataId", ".handle", ".fd"})
"""Members that stand for the very thing they are a member of."""


EVENTS: Final = frozenset({"on", "once", "addListener", "addEventListener", "subscribe", "listen"})
"""Methods that give an object a handler."""


class Called(NamedTuple):
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

    awaited = False
    """Whether the call being lowered is waited for."""

    def call(self, node: N, into: str) -> Value:
        """A call or a `new`."""
        awaited, self.awaited = self.awaited, False
        function = node.kids[0]
        callee = self.module.callee(node)
        called = Called(callee, self.module.qualified(callee), self._method(function))
        receiver = self._receiver(function)
        given = list(self._arguments(node, called))
        resource = self.acquiring.at(node)
        if resource is not None and not (resource.paired and not self._released_here(into, resource)):
            for value, _ in given:
                for place in value.places:
                    self._into_maker(node, called, place)
            self.each(receiver, Kind.USE, node, detail=callee)
            place = into or self.nameless(node)
            self.hold(place, resource)
            note = f"{short(callee)}() can fail"
            fallible = not among(callees().safe, called.qualified)
            self.emit(Kind.ACQUIRE, place, node, note, resource=resource, fallible=fallible)
            for closure in self.closures:
                self.captured(closure, place, node)
            return Value((place,))
        owner = self.place_of(function) if function.kind == "identifier" else ""
        held = self.held.get(owner) if owner in self.tracked else None
        if held is not None and "()" in held.release:
            self.emit(Kind.RELEASE, owner, node)
            return NOTHING
        for place in receiver.places:
            held = self.held.get(place)
            if held is not None and f".{called.method}" in held.release:
                self.emit(Kind.RELEASE, place, node)
                for value, _ in given:
                    self.each(value, Kind.USE, node, detail=callee)
                return NOTHING
        return self._other(node, called, receiver, given, into, awaited=awaited)

    def _released_here(self, place: str, resource: Resource) -> bool:
        """Whether this function releases the place somewhere, by the looks of its text."""
        if not place or "." in place or self.body is None:
            return False
        body = self.module.source[self.body.start : self.body.end]
        return self.ends(body, place, resource)

    def _method(self, function: N) -> str:
        member = bare(function)
        if member is not None and member.kind == "member_expression" and len(member.kids) == 2:
            return self.module.text(member.kids[1])
        return ""

    def _receiver(self, function: N) -> Value:
        member = bare(function)
        if member is None or member.kind in ("identifier", "super", "import"):
            return NOTHING
        if member.kind == "member_expression":
            return self.evaluate(member.kids[0])
        return self.evaluate(member)

    def _arguments(self, node: N, called: Called) -> Iterator[tuple[Value, int]]:
        """The values of the arguments, each with its position."""
        runs = among(callees().runs, called.qualified)
        for position, child in enumerate(arguments(node)):
            if child.kind in FUNCTIONS:
                if runs:
                    self.looked_at(child)
                else:
                    self.capture(child)
                yield NOTHING, position
            else:
                yield self._argument(child), position
        listing = node.kids[-1]
        if listing.kind == "template_string":
            self.evaluate(listing)

    def _argument(self, node: N) -> Value:
        """An argument: the value itself; a release that is handed on keeps its object."""
        member = bare(node)
        if member is not None and member.kind == "member_expression" and len(member.kids) == 2:
            place = self.place_of(member.kids[0])
            held = self.held.get(place) if place in self.tracked else None
            if held is not None and f".{self.module.text(member.kids[1])}" in held.release:
                self.emit(Kind.ESCAPE, place, node, detail="kept", other="its release is handed on")
                return NOTHING
        value = self.evaluate(node)
        return Value(value.places) if value.empty == "settled" else value

    def _into_maker(self, node: N, called: Called, place: str) -> None:
        """Something held goes into a call that acquires something else."""
        held = self.held.get(place)
        if held is not None and (
            among(held.borrows, called.qualified) or self._lent(held, called, callees())
        ):
            self.emit(Kind.USE, place, node, detail=called.callee)
        elif held is not None and among(held.keeps, called.qualified):
            self.emit(Kind.ESCAPE, place, node, detail="kept", other=called.callee)
        else:
            self.emit(Kind.ESCAPE, place, node, detail="passed", other=called.callee)

    def _other(
        self,
        node: N,
        called: Called,
        receiver: Value,
        given: list[tuple[Value, int]],
        into: str,
        *,
        awaited: bool,
    ) -> Value:
        """A call that acquires nothing and releases no receiver: what it does with what it is given."""
        known = callees()
        if called.qualified in known.ends:
            self.flow.current = None
            return NOTHING
        target = into or self.nameless(node)
        touches = [
            self._given(node, called, place, slot, target) for value, slot in given for place in value.places
        ]
        touches += [self._received(node, called, place, target) for place in receiver.places]
        note = f"{short(called.callee) or called.method or 'a call'}() can fail"
        fallible = not (among(known.safe, called.qualified) or HARMLESS.search(called.callee))
        sure = "" if awaited else UNLIKELY
        if not touches and fallible:
            self.emit(Kind.CALL, "", node, note, detail=called.callee, value=sure, fallible=True)
        for number, (kind, place, detail, other) in enumerate(touches):
            last = number == len(touches) - 1 and kind in (Kind.USE, Kind.ESCAPE)
            if kind is Kind.MOVE:
                self.hold(other, self.held.get(place))
            failing = fallible and last
            self.emit(kind, place, node, note, detail=detail, other=other, value=sure, fallible=failing)
        return Value((target,)) if any(touch.kind is Kind.MOVE for touch in touches) else NOTHING

    def _lent(self, held: Resource, called: Called, known: Callees) -> bool:
        """Whether a callee is a plain function, of which a resource says that all of them only use it."""
        if (
            "*" not in held.borrows
            or called.callee.startswith(("new ", "this."))
            or called.callee in self.locals
        ):
            return False
        return not among(known.stores, called.qualified) and not CLOSERS.search(called.callee)

    def _received(self, node: N, called: Called, place: str, target: str) -> _Touch:
        """What a method does with its object."""
        held = self.held.get(place)
        name = f"x.{called.method}"
        if held is not None and among(held.keeps, name):
            return _Touch(Kind.ESCAPE, place, "kept", called.callee or called.method)
        if held is not None and held.events and called.method in EVENTS:
            return _Touch(Kind.ESCAPE, place, "captured", "its own handler")
        return _Touch(Kind.USE, place, called.callee or called.method)

    def _given(self, node: N, called: Called, place: str, slot: int, target: str) -> _Touch:
        """What a call does with a place that is given as an argument."""
        known, held = callees(), self.held.get(place)
        name = called.qualified or f"x.{called.method}"
        callee = called.callee or called.method or "a call"
        if held is not None and among(held.release, name):
            return _Touch(Kind.RELEASE, place)
        if (held is not None and among(held.keeps, name)) or among(known.keeps, name):
            return _Touch(Kind.ESCAPE, place, "kept", callee)
        if held is not None and (among(held.borrows, name) or self._lent(held, called, known)):
            return _Touch(Kind.USE, place, callee)
        if among(known.owns, name):
            return _Touch(Kind.MOVE, place, "", target)
        if among(known.stores, name):
            return _Touch(Kind.ESCAPE, place, "stored", called.callee.rpartition(".")[0])
        effect = self.oracle.effect(node, called.callee, slot, held)
        if effect == "releases":
            return _Touch(Kind.RELEASE, place)
        if effect == "returns":
            return _Touch(Kind.MOVE, place, "", target)
        if effect == "borrows":
            # What a call makes of something without a name may well live by it.
            up = next((each for each in node.above() if each.kind not in THROUGH), node)
            made = up.kind in ("return_statement", "pair", "arrow_function")
            if place.startswith("%") and made:
                return _Touch(Kind.ESCAPE, place, "passed", callee)
            return _Touch(Kind.USE, place, callee)
        if effect in ("keeps", "takes"):
            return _Touch(Kind.ESCAPE, place, "kept", callee)
        if among(known.borrows, name) or among(known.safe, name) or HARMLESS.search(called.callee):
            return _Touch(Kind.USE, place, callee)
        if CLOSERS.search(name):
            return _Touch(Kind.ESCAPE, place, "kept", callee)
        return _Touch(Kind.ESCAPE, place, "shown" if ASKERS.search(called.callee) else "passed", callee)
