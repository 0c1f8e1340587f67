"""Lowers the expressions of one function, and the tests that its branches ask."""

from __future__ import annotations

import re
from typing import Final

from tree_sitter import Node

from repairbot.languages.python.calls import Calls
from repairbot.languages.python.syntax import text
from repairbot.languages.python.values import NOTHING, TooDeep, Value, only
from repairbot.lifetimes.ops import Kind

_DEEPEST: Final = 150
_EMPTY: Final = frozenset({"none", "false"})
_LITERALS: Final = frozenset({"string", "integer", "float", "true", "concatenated_string", "ellipsis"})
_HOLDERS: Final = frozenset(
    {"list", "tuple", "set", "dictionary", "pair", "expression_list", "dictionary_splat", "list_splat"}
)
_COMPREHENSIONS: Final = frozenset(
    {"list_comprehension", "set_comprehension", "dictionary_comprehension", "generator_expression"}
)
_NUMBERS: Final = {
    (">=", "0"): False,
    (">", "0"): False,
    ("!=", "-1"): False,
    (">", "-1"): False,
    ("<", "0"): True,
    ("==", "-1"): True,
}


class Expressions(Calls):
    """The part of a function's lowering that handles expressions."""

    def evaluate(self, node: Node | None, into: str = "") -> Value:
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

    def _evaluate(self, node: Node, into: str) -> Value:
        kind = node.type
        if kind in ("identifier", "attribute"):
            place = self.place_of(node)
            if place in self.tracked:
                return Value((place,))
            if kind == "attribute":
                for held in self.evaluate(node.child_by_field_name("object")).places:
                    resource = self.held.get(held)
                    if resource and f".{text(node.child_by_field_name('attribute'))}" in resource.release:
                        self.emit(Kind.ESCAPE, held, node, detail="kept", other="its release is handed on")
            return NOTHING
        if kind in _LITERALS:
            if kind in ("string", "concatenated_string"):
                self._inside(node)
            return Value((), "some" if text(node) not in ("0", "''", '""') else "none")
        if kind in _EMPTY:
            return Value((), "none")
        if kind == "call":
            return self.call(node, into)
        if kind == "await":
            return self._await(node, into)
        if kind == "parenthesized_expression":
            return self.evaluate(only(node), into)
        if kind == "conditional_expression":
            return self._conditional(node, into)
        if kind == "boolean_operator":
            return self._either(node, into)
        if kind == "named_expression":
            return self._walrus(node)
        if kind == "lambda":
            self.capture(node)
            return NOTHING
        if kind in _COMPREHENSIONS:
            return self._comprehension(node)
        if kind in _HOLDERS:
            return self._holder(node)
        if kind == "yield":
            return self._yield(node, into)
        return self.plain(node)

    def plain(self, node: Node) -> Value:
        """An expression whose parts are only looked at."""
        for child in node.named_children:
            self.evaluate(child)
        if node.type == "subscript":
            value = self.place_of(node.child_by_field_name("value"))
            if value in self.tracked:
                self.emit(Kind.USE, value, node, detail="[]")
        return NOTHING

    def _inside(self, string: Node) -> None:
        for child in string.named_children:
            if child.type == "interpolation" or child.type == "string":
                self.plain(child) if child.type == "interpolation" else self._inside(child)

    def _holder(self, node: Node) -> Value:
        """A literal of several values: what goes in is stored there."""
        stored: list[str] = []
        for child in node.named_children:
            if child.type == "comment":
                continue
            value = self.evaluate(child)
            stored.extend(value.places)
        if node.type == "pair" or node.type.endswith("_splat"):
            return Value(tuple(stored))
        if stored and node.type in ("tuple", "expression_list"):
            return Value(tuple(dict.fromkeys(stored)))
        for place in dict.fromkeys(stored):
            self.emit(Kind.ESCAPE, place, node, detail="stored", other=node.type)
        return NOTHING

    def _comprehension(self, node: Node) -> Value:
        body = node.child_by_field_name("body")
        for child in node.named_children:
            if child.type == "for_in_clause":
                self.each(
                    self.evaluate(child.child_by_field_name("right")), Kind.USE, child, detail="iteration"
                )
            elif child.type == "if_clause":
                self.plain(child)
        value = self.evaluate(body)
        self.each(value, Kind.ESCAPE, node, detail="stored", other=node.type)
        return NOTHING

    def _yield(self, node: Node, into: str) -> Value:
        self.generator = True
        if any(child.type == "from" for child in node.children):
            # Before `await`, a coroutine waited with `yield from`.
            return self._await(node, into)
        value = NOTHING
        for child in node.named_children:
            value = self.evaluate(child)
        self.each(value, Kind.ESCAPE, node, detail="yielded")
        self.emit(
            Kind.CALL,
            "",
            node,
            note="the caller can stop at this yield",
            detail="yield",
            fallible=not self.resumed,
        )
        return NOTHING

    def _await(self, node: Node, into: str) -> Value:
        inner = only(node)
        value = self.evaluate(inner, into)
        if inner is None or inner.type != "call":
            self.emit(Kind.CALL, "", node, note="waiting can raise", detail="await", fallible=True)
        return value

    def _walrus(self, node: Node) -> Value:
        name = text(node.child_by_field_name("name"))
        self.assign_name(name, node.child_by_field_name("value"), node)
        return Value((name,)) if name in self.tracked else NOTHING

    def _conditional(self, node: Node, into: str) -> Value:
        parts = [child for child in node.named_children if child.type != "comment"]
        if len(parts) != 3:
            return self.plain(node)
        yes, no, after = self.flow.block(), self.flow.block(), self.flow.block()
        self.condition(parts[1], yes, no)
        found: list[str] = []
        for start, part in ((yes, parts[0]), (no, parts[2])):
            self.flow.current = start
            value = self.evaluate(part, into)
            if into:
                self.settle(into, value, part)
                value = Value((into,)) if value.places else NOTHING
            found.extend(value.places)
            self.flow.go(after)
        self.flow.current = after
        return Value(tuple(dict.fromkeys(found)), "settled" if into else "")

    def _either(self, node: Node, into: str) -> Value:
        """`a or b`, `a and b` as values."""
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        operator = text(node.child_by_field_name("operator"))
        place = self.place_of(left)
        more, after = self.flow.block(), self.flow.block()
        first = self.evaluate(left)
        if into:
            self.settle(into, first, node)
        if place and self.flow.current is not None:
            self.flow.edge("normal", after, place=place, empty=operator == "and")
            self.flow.edge("normal", more, place=place, empty=operator == "or")
            self.flow.current = None
        else:
            self.flow.edge("normal", after)
            self.flow.go(more)
        self.flow.current = more
        second = self.evaluate(right, into)
        if into:
            self.settle(into, second, node)
        self.flow.join(after)
        places = (*first.places, *second.places)
        if into:
            return Value((into,) if places else (), "settled")
        return Value(tuple(dict.fromkeys(places)))

    def assign_name(self, name: str, value: Node | None, node: Node) -> None:
        """`name = value`."""
        if name in self.outer:
            found = self.evaluate(value)
            self.each(found, Kind.ESCAPE, node, detail="stored", other=name)
            return
        self.settle(name, self.evaluate(value, name), node)

    # Tests

    def condition(self, node: Node | None, yes: int, no: int) -> bool:
        """Lower a test that goes on in one of two blocks. True when its outcome is known to the analyses."""
        if node is None or self.flow.current is None:
            self.flow.current = None
            return True
        kind = node.type
        if kind == "parenthesized_expression":
            return self.condition(only(node), yes, no)
        if kind == "not_operator":
            return self.condition(node.child_by_field_name("argument"), no, yes)
        if kind == "boolean_operator":
            middle = self.flow.block()
            left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
            if text(node.child_by_field_name("operator")) == "and":
                known = self.condition(left, middle, no)
            else:
                known = self.condition(left, yes, middle)
            self.flow.current = middle
            return self.condition(right, yes, no) and known
        if kind in ("true", "false", "integer"):
            self.flow.go(no if text(node) in ("False", "0") else yes)
            return True
        place, turned = self._asked(node)
        if place:
            if turned:
                yes, no = no, yes
            self.flow.edge("normal", yes, place=place, empty=False)
            self.flow.edge("normal", no, place=place, empty=True)
            self.flow.current = None
            return place in self.tracked or self.is_flag(place)
        ended = self._ended(node)
        if ended:
            # The branch in which it is closed already: nothing is left to do there.
            over = self.flow.block()
            self.flow.edge("normal", over)
            self.flow.edge("normal", no)
            self.flow.current = over
            self.emit(Kind.ESCAPE, ended, node, detail="kept", other="closed already")
            self.flow.go(yes)
            return True
        self.use(self.evaluate(node), node, "")
        self.flow.edge("normal", yes)
        self.flow.edge("normal", no)
        self.flow.current = None
        return False

    def _asked(self, node: Node) -> tuple[str, bool]:
        """The place whose emptiness a test asks, and whether the test holds when it is empty."""
        kind = node.type
        if kind in ("identifier", "attribute"):
            return self.place_of(node), False
        if kind == "named_expression":
            self._walrus(node)
            return text(node.child_by_field_name("name")), False
        if kind == "comparison_operator" and node.named_child_count == 2:
            left, right = node.named_children
            place = self.place_of(left)
            operator = "".join(text(child) for child in node.children[1:-1])
            if not place:
                return "", False
            if right.type == "none" and operator in ("is", "=="):
                return place, True
            if right.type == "none" and operator in ("isnot", "is not", "!="):
                return place, False
            if place in self.tracked and (operator, text(right)) in _NUMBERS:
                return place, _NUMBERS[operator, text(right)]
        if kind == "call" and text(node.child_by_field_name("function")) in (
            "hasattr",
            "isinstance",
            "callable",
        ):
            listing = node.child_by_field_name("arguments")
            first = listing.named_children[0] if listing is not None and listing.named_children else None
            place = self.place_of(first)
            return (place, False) if place in self.tracked else ("", False)
        return "", False

    def _ended(self, node: Node) -> str:
        """The tracked place of `f.closed`, `c.is_closed()`."""
        target = node.child_by_field_name("function") if node.type == "call" else node
        if target is None or target.type != "attribute":
            return ""
        name = text(target.child_by_field_name("attribute"))
        place = self.place_of(target.child_by_field_name("object"))
        return (
            place
            if place in self.tracked and re.search(r"closed|_closing$|is_closing|is_shutdown", name)
            else ""
        )

    def is_flag(self, name: str) -> bool:
        """Whether a local is only ever set to constants."""
        raise NotImplementedError

    def unknown_unless(self, block: int, places: list[str], node: Node) -> None:
        """At a block: whoever skips a conditional release, for reasons that are not seen, is not judged."""
        current, self.flow.current = self.flow.current, block
        for place in dict.fromkeys(places):
            self.emit(Kind.UNKNOWN, place, node, detail="released under a condition")
        self.flow.current = current
