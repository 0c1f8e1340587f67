"""Lowers the expressions of one function, and the tests that its branches ask."""

from __future__ import annotations

from typing import Final

from repairbot.languages.typescript.calls import HANDLES, Calls
from repairbot.languages.typescript.syntax import arguments, bare, names_in
from repairbot.languages.typescript.tree import CALLS, CLASSES, FUNCTIONS, N
from repairbot.languages.typescript.values import NOTHING, TooDeep, Value
from repairbot.lazily import regex
from repairbot.lifetimes.ops import Kind

_DEEPEST: Final = 150
_NONE: Final = frozenset({"null", "undefined", "false"})
_SOME: Final = frozenset({"string", "template_string", "true", "regex"})


_SHOWS: Final = regex(r"\.(?:src|href|poster|data|srcset)$")


class Expressions(Calls):
    """The part of a function's lowering that handles expressions."""

    def evaluate(self, node: N | None, into: str = "") -> Value:
        """Lower an expression. `into`: the place it is assigned to, when that is known; the caller then moves or
        clears nothing itself if the value comes back as that place."""
        if node is None:
            return NOTHING
        self.depth += 1
        if self.depth > _DEEPEST:
            raise TooDeep
        try:
            return self._evaluate(node, into)
        finally:
            self.depth -= 1

    def _evaluate(self, node: N, into: str) -> Value:
        kind = node.kind
        if kind in ("identifier", "shorthand_property_identifier"):
            place = self.place_of(node)
            return Value((place,)) if place in self.tracked else NOTHING
        if kind == "member_expression":
            return self._member(node)
        if kind in CALLS:
            return self.call(node, into)
        if kind == "await_expression":
            return self._await(node, into)
        if kind in _NONE:
            return Value((), "none")
        if kind == "number":
            return Value((), "none" if self.module.text(node) == "0" else "some")
        if kind in _SOME:
            self.plain(node)
            return Value((), "some")
        if kind in ("parenthesized_expression", "as_expression", "satisfies_expression", "non_null_expression",
                    "type_assertion"):  # fmt: skip
            return self.evaluate(bare(node), into)
        if kind in FUNCTIONS:
            self.capture(node)
            return Value((), "some")
        if kind in CLASSES:
            return NOTHING
        if kind == "ternary_expression" and len(node.kids) == 3:
            return self._ternary(node, into)
        if kind == "binary_expression":
            return self._binary(node, into)
        if kind == "assignment_expression":
            return self.assign(node)
        if kind == "augmented_assignment_expression":
            return self._augmented(node)
        if kind in ("object", "array", "spread_element"):
            return self._literal(node)
        if kind == "sequence_expression":
            value = NOTHING
            for kid in node.kids:
                value = self.evaluate(kid)
            return value
        if kind == "yield_expression":
            self.generator = True
            for kid in node.kids:
                self.each(self.evaluate(kid), Kind.ESCAPE, node, detail="yielded")
            return NOTHING
        return self.plain(node)

    def plain(self, node: N) -> Value:
        """An expression whose parts are only looked at."""
        for kid in node.kids:
            self.each(self.evaluate(kid), Kind.USE, node, detail=node.kind)
        return NOTHING

    def _member(self, node: N) -> Value:
        place = self.place_of(node)
        if place in self.tracked:
            return Value((place,))
        if place:
            return NOTHING
        for held in self.evaluate(node.kids[0]).places:
            resource = self.held.get(held)
            member = f".{self.module.text(node.kids[-1])}"
            if member in HANDLES and resource is not None and resource.release[0].startswith(".dispose"):
                return Value((held,))
            if resource is not None and member in resource.release and not self._called(node):
                self.emit(Kind.ESCAPE, held, node, detail="kept", other="its release is handed on")
            else:
                self.emit(Kind.USE, held, node, detail=member)
        return NOTHING

    @staticmethod
    def _called(node: N) -> bool:
        """Whether a member is only asked for, in a test."""
        up = node.up
        return up is not None and up.kind in (
            "binary_expression", "unary_expression", "if_statement", "parenthesized_expression", "ternary_expression",
        )  # fmt: skip

    def _await(self, node: N, into: str) -> Value:
        inner = bare(node.kids[0]) if node.kids else None
        if inner is None or inner.kind not in CALLS:
            value = self.evaluate(inner, into)
            self.emit(Kind.CALL, "", node, "waiting can fail", detail="await", fallible=True)
            return value
        self.awaited = True
        return self.call(inner, into)

    def _literal(self, node: N) -> Value:
        """An object or an array: what goes in lives on in it."""
        found: list[str] = []
        for kid in node.kids:
            part = kid
            if kid.kind == "pair":
                part = kid.kids[-1]
            elif kid.kind == "method_definition":
                self.capture(kid)
                continue
            found.extend(self.evaluate(part).places)
        return Value(tuple(dict.fromkeys(found)), "some")

    def _ternary(self, node: N, into: str) -> Value:
        yes, no, after = self.flow.block(), self.flow.block(), self.flow.block()
        self.condition(node.kids[0], yes, no)
        found: list[str] = []
        for start, part in ((yes, node.kids[1]), (no, node.kids[2])):
            self.flow.current = start
            value = self.evaluate(part, into)
            if into:
                self.settle(into, value, part)
                value = Value((into,)) if value.places else NOTHING
            found.extend(value.places)
            self.flow.go(after)
        self.flow.current = after
        return Value(tuple(dict.fromkeys(found)), "settled" if into else "")

    def _operator(self, node: N) -> str:
        left, right = node.kids[0], node.kids[-1]
        between = self.module.source[left.end : right.start]
        return between.decode("utf-8", "replace").strip().split("\n")[0].strip() if left is not right else ""

    def _binary(self, node: N, into: str) -> Value:
        operator = self._operator(node)
        if len(node.kids) != 2 or not operator.startswith(("||", "&&", "??")):
            return self.plain(node)
        left, right = node.kids
        place = self.place_of(left)
        first = self.evaluate(left)
        if into:
            self.settle(into, first, node)
        more, after = self.flow.block(), self.flow.block()
        ands = operator.startswith("&&")
        if place and self.flow.current is not None:
            self.flow.edge("normal", after, place=place, empty=ands)
            self.flow.edge("normal", more, place=place, empty=not ands)
            self.flow.current = None
        else:
            self.flow.edge("normal", after)
            self.flow.go(more)
        self.flow.current = more
        second = self.evaluate(right, into)
        if into:
            self.settle(into, second, node)
        self.flow.go(after)
        self.flow.current = after
        if into:
            return Value((into,) if first.places or second.places else (), "settled")
        return Value(tuple(dict.fromkeys((*first.places, *second.places))))

    # Assignments

    def assign(self, node: N) -> Value:
        """`a = value`, also inside an expression: the value."""
        left, right = node.kids[0], node.kids[-1]
        if self.module.source[node.start : node.start + 6] == b"using ":
            self.using(node)
            return NOTHING
        if left.kind in ("object_pattern", "array_pattern"):
            self.unpack(left, self.evaluate(right), node)
            return NOTHING
        place = self.place_of(left)
        if not place:
            self._indices(left)
            value = self.evaluate(right)
            for held in value.places:
                resource = self.held.get(held)
                if (
                    resource is not None
                    and resource.id == "object url"
                    and _SHOWS.search(self.module.text(left))
                ):
                    self._shown(held, node)
                else:
                    self.emit(Kind.ESCAPE, held, node, detail="stored", other=self.module.text(left)[:40])
            return value
        return self.put(place, right, node)

    def using(self, node: N) -> None:
        """`using x = ...`: held until its scope ends."""
        raise NotImplementedError

    def put(self, place: str, right: N, node: N) -> Value:
        """A place gets the value of an expression."""
        if "." not in place and place.partition("#")[0] not in self.locals:
            value = self.evaluate(right)
            self.each(value, Kind.ESCAPE, node, detail="stored", other=place)
            return value
        member = "." in place
        named = self.place_of(right)
        if member and named and named in self.tracked and "." not in named:
            # The member gets what a local goes on holding.
            self.emit(Kind.CLEAR, place, node)
            self.hold(place, self.held.get(named))
            self.emit(Kind.ESCAPE, named, node, detail="stored", other=place)
            return Value((named,))
        value = self.evaluate(right, place)
        if self.flow.current is not None:
            self.settle(place, value, node)
        return Value((place,)) if place in self.tracked else NOTHING

    def _augmented(self, node: N) -> Value:
        left, right = node.kids[0], node.kids[-1]
        if self._operator(node) not in ("??=", "||="):
            return self.plain(right)
        place = self.place_of(left)
        if not place:
            return self.assign(node)
        more, after = self.flow.block(), self.flow.block()
        self.flow.edge("normal", after, place=place, empty=False)
        self.flow.edge("normal", more, place=place, empty=True)
        self.flow.current = more
        self.put(place, right, node)
        self.flow.go(after)
        self.flow.current = after
        return Value((place,)) if place in self.tracked else NOTHING

    def _shown(self, place: str, node: N) -> None:
        """An element shows what an object URL names: that frees nothing, unless the code revokes it by the element."""
        if b"revokeObjectURL" in self.module.source:
            self.emit(Kind.ESCAPE, place, node, detail="captured", other="the element")
        else:
            self.emit(Kind.USE, place, node, detail="shown")

    def _indices(self, left: N) -> None:
        """What is looked at on the way to a member or an element that is set."""
        if left.kind == "member_expression" and self.module.text(left.kids[-1]).startswith("on"):
            owner = self.place_of(left.kids[0])
            resource = self.held.get(owner) if owner in self.tracked else None
            if resource is not None and resource.events:
                self.emit(Kind.ESCAPE, owner, left, detail="captured", other="its own handler")
                return
        for kid in left.kids:
            if kid.kind not in ("property_identifier", "private_property_identifier"):
                self.each(self.evaluate(kid), Kind.USE, left, detail="set")

    def unpack(self, pattern: N, value: Value, node: N) -> None:
        """`const {a, b} = value`: its parts live by it."""
        self.each(value, Kind.USE, node, detail="unpacked")
        for name in names_in(pattern):
            place = self.place_of(name)
            if place:
                self.emit(Kind.CLEAR, place, node)

    # Conditions

    def condition(self, node: N | None, yes: int, no: int) -> None:
        """A test: control goes to `yes` where it holds, to `no` where it does not."""
        node = bare(node)
        if node is None:
            self.flow.go(yes)
            return
        if node.kind == "unary_expression" and self.module.source[node.start : node.start + 1] == b"!":
            self.condition(node.kids[0], no, yes)
            return
        if node.kind == "binary_expression" and len(node.kids) == 2:
            operator = self._operator(node)
            if operator in ("&&", "||"):
                between = self.flow.block()
                self.condition(node.kids[0], *((between, no) if operator == "&&" else (yes, between)))
                self.flow.current = between
                self.condition(node.kids[1], yes, no)
                return
        if node.kind == "true":
            self.flow.go(yes)
            return
        place, empty = self._asked(node)
        self.evaluate(node) if not place else None
        if place:
            self.flow.edge("normal", yes, place=place, empty=empty)
            self.flow.edge("normal", no, place=place, empty=not empty)
        else:
            self.flow.edge("normal", yes)
            self.flow.edge("normal", no)
        self.flow.current = None

    def _asked(self, node: N) -> tuple[str, bool]:
        """The place whose emptiness a test asks, and whether the test holds when it is empty."""
        place = self.place_of(node)
        if place:
            return place, False
        if node.kind == "binary_expression" and len(node.kids) == 2:
            operator, left, right = self._operator(node), *node.kids
            if operator == "in" and left.kind == "string":  # 'dispose' in x
                place = self.place_of(right)
                held = self.held.get(place) if place in self.tracked else None
                if held is not None and f".{self.module.text(left)[1:-1]}" in held.release:
                    return place, False
            if right.kind in ("null", "undefined") or self.module.text(right) in (
                "'undefined'",
                '"undefined"',
                "-1",
            ):
                place = self.place_of(left.kids[0] if left.kind == "unary_expression" else left)
                if place and operator in ("===", "=="):
                    return place, True
                if place and operator in ("!==", "!="):
                    return place, False
        if node.kind == "member_expression" or node.kind == "binary_expression":
            asked = node.kids[0] if node.kind == "binary_expression" else node
            if asked.kind == "unary_expression":  # typeof x.dispose === 'function'
                asked = asked.kids[0]
            if asked.kind == "member_expression":
                place = self.place_of(asked.kids[0])
                held = self.held.get(place) if place in self.tracked else None
                if held is not None and f".{self.module.text(asked.kids[1])}" in held.release:
                    return place, False
        if node.kind == "call_expression":
            given = arguments(node)
            if (
                self.module.callee(node).rpartition(".")[2] in ("isDefined", "isPresent", "isNotNil")
                and given
            ):
                return self.place_of(given[0]), False
        return "", False
