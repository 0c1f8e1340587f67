"""Lowers the expressions of one function: what is acquired, passed on, wrapped, released, captured."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from tree_sitter import Node

from repairbot.languages.python.acquiring import Acquiring
from repairbot.languages.python.callees import ASKERS, CLOSERS, HARMLESS, RETRIERS, among, callees
from repairbot.languages.python.cfg import Builder
from repairbot.languages.python.summaries import Oracle
from repairbot.languages.python.syntax import dotted, span, text
from repairbot.lifetimes.ops import Effect, Kind, Op, Resource
from repairbot.model import Span

_DEEPEST: Final = 150
_RUNS: Final = frozenset(
    "readinto recv recv_into send sendall write writelines serve_forever accept run loop poll "
    "run_forever run_until_complete submit map execute commit start get post request".split()
)
"""Methods that are handed on unbound, with their object."""
_READS: Final = frozenset({"read", "readline", "readlines"})
_EMPTY: Final = frozenset({"none", "false"})
_LITERALS: Final = frozenset({"string", "integer", "float", "true", "concatenated_string", "ellipsis"})
_HOLDERS: Final = frozenset({"list", "tuple", "set", "dictionary", "pair", "expression_list", "dictionary_splat", "list_splat"})
_COMPREHENSIONS: Final = frozenset(
    {"list_comprehension", "set_comprehension", "dictionary_comprehension", "generator_expression"}
)


class TooDeep(Exception):
    """The expression is nested deeper than is followed."""


class Value(NamedTuple):
    """What an expression gives: the tracked places it may be, and whether it is empty ("none", "some", "")."""

    places: tuple[str, ...] = ()
    empty: str = ""


NOTHING: Final = Value()


class Expressions:
    """The part of a function's lowering that handles expressions.

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
        self.flow = Builder()
        self.at = Span(0, 0, 1, 1, 1)
        self.outer: set[str] = set()
        """Names declared global or nonlocal."""
        self.released: list[str] = []
        self.numbers: dict[int, str] = {}
        self.depth = 0

    # Operations

    def emit(self, kind: Kind, place: str, node: Node, note: str = "", **values: object) -> None:
        """An operation of the current statement, at an expression."""
        if self.flow.cleaning:
            values["cleanup"] = True
        op = Op(kind, place, self.at, expression=span(node), **values)  # type: ignore[arg-type]
        if kind is Kind.RELEASE:
            self.released.append(place)
        self.flow.emit(op, note)

    def each(self, value: Value, kind: Kind, node: Node, **values: object) -> None:
        """The same operation on every place that a value may be."""
        for place in value.places:
            self.emit(kind, place, node, **values)

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

    # Expressions

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
                self.evaluate(node.child_by_field_name("object"))
            return NOTHING
        if kind in _LITERALS:
            if kind in ("string", "concatenated_string"):
                self._inside(node)
            return Value((), "some" if text(node) not in ("0", "''", '""') else "none")
        if kind in _EMPTY:
            return Value((), "none")
        if kind == "call":
            return self._call(node, into)
        if kind == "await":
            return self._await(node, into)
        if kind == "parenthesized_expression":
            return self.evaluate(_only(node), into)
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
        return self._plain(node)

    def _plain(self, node: Node) -> Value:
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
                self._plain(child) if child.type == "interpolation" else self._inside(child)

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
                self.each(self.evaluate(child.child_by_field_name("right")), Kind.USE, child, detail="iteration")
            elif child.type == "if_clause":
                self._plain(child)
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
        self.emit(Kind.CALL, "", node, note="the caller can stop at this yield", detail="yield", fallible=True)
        return NOTHING

    def _await(self, node: Node, into: str) -> Value:
        inner = _only(node)
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
            return self._plain(node)
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

    # Names

    def settle(self, into: str, value: Value, node: Node) -> None:
        """Make `into` a name for a value that was evaluated for it."""
        if value.empty == "settled" or value.places == (into,):
            return
        if value.places:
            for place in value.places:
                self.move(place, into, node)
            return
        self.emit(Kind.CLEAR, into, node, detail=value.empty)

    def move(self, place: str, into: str, node: Node, **values: object) -> None:
        """`into` becomes another name for what a place holds."""
        self.hold(into, self.held.get(place))
        self.emit(Kind.MOVE, place, node, other=into, **values)

    def assign_name(self, name: str, value: Node | None, node: Node) -> None:
        """`name = value`."""
        if name in self.outer:
            found = self.evaluate(value)
            self.each(found, Kind.ESCAPE, node, detail="stored", other=name)
            return
        self.settle(name, self.evaluate(value, name), node)

    def capture(self, node: Node) -> None:
        """A nested function or lambda: what it mentions is captured; what it releases is kept."""
        self.closures.append(node)  # what its names are given later, it has as well
        for place in sorted(self.tracked):
            self._captured(node, place, node)

    def _captured(self, closure: Node, place: str, node: Node) -> None:
        if place.startswith("%"):
            return
        body = self.module.source[closure.start_byte : closure.end_byte]
        name = re.escape(place.encode())
        if re.search(rb"(?<![\w.])" + name + rb"\b", body) is None:
            return
        if any(re.search(ending, body) for ending in self._endings(place, name)):
            self.emit(Kind.ESCAPE, place, node, detail="kept", other="a nested function releases it")
        else:
            self.emit(Kind.ESCAPE, place, node, detail="captured")

    def _looked_at(self, node: Node) -> None:
        """A function that is called before the call around it returns: what it mentions is used."""
        body = self.module.source[node.start_byte : node.end_byte]
        for place in sorted(self.tracked):
            if not place.startswith("%") and re.search(rb"(?<![\w.])" + re.escape(place.encode()) + rb"\b", body):
                self.emit(Kind.USE, place, node, detail="lambda")

    def _endings(self, place: str, name: bytes) -> Iterator[bytes]:
        resource = self.held.get(place)
        for release in resource.release if resource else (".close",):
            last = re.escape(release.rpartition(".")[2].encode())
            yield name + rb"\s*\.\s*" + last + rb"\b" if release.startswith(".") else last + rb"\s*\(\s*" + name + rb"\b"
        yield rb"with\s+" + name + rb"\b"

    # Calls

    def _call(self, node: Node, into: str) -> Value:
        function = node.child_by_field_name("function")
        callee = dotted(function)
        qualified = self.module.qualified(callee) if callee else ""
        receiver = self._receiver(function)
        arguments = list(self._arguments(node))
        resource = self.acquiring.at(node)
        if resource is not None:
            wrapped = next((value.places[0] for value, _ in arguments if value.places), "")
            if wrapped and among(callees().owns, qualified):
                return self._wrap(node, wrapped, into, callee)
            for argument, _ in arguments:
                self._pass_to_maker(argument, resource, qualified, node)
            if receiver.places:
                self.each(receiver, Kind.USE, node, detail=callee)
            return self._acquire(node, resource, into)
        method = text(function.child_by_field_name("attribute")) if function and function.type == "attribute" else ""
        for place in receiver.places:
            held = self.held.get(place)
            if held is not None and f".{method}" in held.release:
                self.emit(Kind.RELEASE, place, node, detail="")
                for argument, _ in arguments:
                    self._use(argument, node, callee)
                return NOTHING
        return self._plain_call(node, callee, qualified, receiver, method, arguments, into)

    def _receiver(self, function: Node | None) -> Value:
        if function is None:
            return NOTHING
        if function.type == "attribute":
            return self.evaluate(function.child_by_field_name("object"))
        if function.type == "identifier":
            return NOTHING
        return self.evaluate(function)

    def _arguments(self, node: Node) -> Iterator[tuple[Value, str | int]]:
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
                self._looked_at(child)
                yield NOTHING, position
                position += 1
            elif child.type == "keyword_argument":
                yield self._argument(child.child_by_field_name("value")), text(child.child_by_field_name("name"))
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

    def _pass_to_maker(self, argument: Value, resource: Resource, qualified: str, node: Node) -> None:
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
        note = f"{_short(callee)}() can raise"
        fallible = not among(callees().safe, self.module.qualified(callee))
        self.emit(Kind.MOVE, place, node, note=note, other=target, fallible=fallible)
        return Value((target,))

    def _acquire(self, node: Node, resource: Resource, into: str) -> Value:
        callee = _short(dotted(node.child_by_field_name("function")))
        if resource.slots:
            self.emit(Kind.CALL, "", node, note=f"{callee}() can raise", detail=callee, fallible=True)
            return NOTHING  # only unpacking tells its elements apart: see the assignment
        place = into or self.nameless(node)
        self.hold(place, resource)
        self.emit(Kind.ACQUIRE, place, node, note=f"{callee}() can raise", resource=resource, fallible=True)
        for closure in self.closures:
            self._captured(closure, place, node)
        return Value((place,))

    def _use(self, value: Value, node: Node, callee: str) -> None:
        self.each(value, Kind.USE, node, detail=callee)

    def _plain_call(
        self,
        node: Node,
        callee: str,
        qualified: str,
        receiver: Value,
        method: str,
        arguments: list[tuple[Value, str | int]],
        into: str,
    ) -> Value:
        known = callees()
        if qualified in known.ends:
            self.flow.current = None
            return NOTHING
        note = f"{_short(callee) or 'a call'}() can raise"
        fallible = not (among(known.safe, qualified) or HARMLESS.search(qualified))
        if fallible and receiver is NOTHING and ASKERS.search(qualified) and any(value.places for value, _ in arguments):
            fallible = False  # it has the value: if it raises, it may well have ended it before
        result = NOTHING
        ops: list[tuple[Kind, str, dict[str, object]]] = []
        for value, slot in arguments:
            for place in value.places:
                effect, moves = self._effect(node, place, qualified, method, slot)
                if effect is None:
                    ops.append((Kind.RELEASE, place, {}))
                elif moves:
                    ops.append((Kind.MOVE, place, {"other": into or self.nameless(node)}))
                    result = Value((into or self.nameless(node),))
                elif effect == "borrows":
                    ops.append((Kind.USE, place, {"detail": callee}))
                elif method and f".{method}" in known.stores and effect == "unknown":
                    ops.append((Kind.ESCAPE, place, {"detail": "stored", "other": callee.rpartition(".")[0]}))
                elif effect == "keeps":
                    ops.append((Kind.ESCAPE, place, {"detail": "kept", "other": callee}))
                else:
                    how = "shown" if ASKERS.search(qualified or method) else "passed"
                    ops.append((Kind.ESCAPE, place, {"detail": how, "other": callee or "a call"}))
        for place in receiver.places:
            ops.append((Kind.USE, place, {"detail": callee or method}))
            if among(self._keeps(place), f"x.{method}"):
                ops[-1] = (Kind.ESCAPE, place, {"detail": "kept", "other": callee or method})
        if not ops:
            if fallible:
                self.emit(Kind.CALL, "", node, note=note, detail=callee, fallible=True)
            return result
        for number, (kind, place, values) in enumerate(ops):
            last = number == len(ops) - 1 and kind is not Kind.RELEASE
            if kind is Kind.MOVE:
                self.hold(str(values["other"]), self.held.get(place))
            self.emit(kind, place, node, note=note, fallible=fallible and last and kind is not Kind.MOVE, **values)
        return result

    def _keeps(self, place: str) -> tuple[str, ...]:
        held = self.held.get(place)
        return held.keeps if held is not None else ()

    def _effect(
        self, node: Node, place: str, qualified: str, method: str, slot: str | int
    ) -> tuple[Effect | None, bool]:
        """What a call does with a place given as an argument (None: releases), and whether its result is that value."""
        known, held = callees(), self.held.get(place)
        name = qualified or f"x.{method}"
        if held is not None:
            if name in held.release:
                return None, False
            if among(held.keeps, name):
                return "keeps", False
            if among(held.borrows, name):
                return "borrows", False
        if among(known.keeps, name):
            return "keeps", False
        if among(known.owns, name) or among(known.views, name):
            return "unknown", True
        effect = self.oracle.effect(node, qualified, slot, held)
        if effect == "releases":
            return None, False
        if effect == "returns":
            return "unknown", True
        if effect != "unknown":
            return effect, False
        if among(known.stores, name):
            return "unknown", False
        if among(known.borrows, name) or among(known.safe, name):
            return "borrows", False
        if CLOSERS.search(name):
            return "keeps", False
        return "unknown", False

    # Conditions

    def condition(self, node: Node | None, yes: int, no: int) -> bool:
        """Lower a test that goes on in one of two blocks. True when its outcome is known to the analyses."""
        if node is None or self.flow.current is None:
            self.flow.current = None
            return True
        kind = node.type
        if kind == "parenthesized_expression":
            return self.condition(_only(node), yes, no)
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
        self._use(self.evaluate(node), node, "")
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
        if kind == "call" and text(node.child_by_field_name("function")) in ("hasattr", "isinstance", "callable"):
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
        return place if place in self.tracked and re.search(r"closed|_closing$|is_closing|is_shutdown", name) else ""

    def is_flag(self, name: str) -> bool:
        """Whether a local is only ever set to constants."""
        raise NotImplementedError

    def unknown_unless(self, block: int, places: list[str], node: Node) -> None:
        """At a block: whoever skips a conditional release, for reasons that are not seen, is not judged."""
        current, self.flow.current = self.flow.current, block
        for place in dict.fromkeys(places):
            self.emit(Kind.UNKNOWN, place, node, detail="released under a condition")
        self.flow.current = current


_NUMBERS: Final = {
    (">=", "0"): False,
    (">", "0"): False,
    ("!=", "-1"): False,
    (">", "-1"): False,
    ("<", "0"): True,
    ("==", "-1"): True,
}


def _only(node: Node) -> Node | None:
    return next((child for child in node.named_children if child.type != "comment"), None)


def _short(callee: str) -> str:
    """The last two parts of a dotted name."""
    return ".".join(callee.split(".")[-2:]) if callee.count(".") > 2 else callee
