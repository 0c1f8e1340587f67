"""Lowers the expressions of one Zig function, and the tests that its branches ask."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from repairbot.languages.flow import Loop
from repairbot.languages.zig.acquiring import member_of
from repairbot.languages.zig.calls import Calls
from repairbot.languages.zig.members import Store
from repairbot.languages.zig.syntax import Struct
from repairbot.languages.zig.tree import N
from repairbot.languages.zig.values import NOTHING, TRY, Value, contents, either, inside, union
from repairbot.languages.zig.words import word_ends
from repairbot.lifetimes.ops import Kind, Op

_THROUGH: Final = frozenset(
    {
        "@as", "@ptrCast", "@alignCast", "@constCast", "@volatileCast", "@intFromPtr", "@ptrToInt", "@bitCast",
        "@addrSpaceCast", "@errSetCast", "@errorCast", "@ptrFromInt", "@intToPtr",
    }
)  # fmt: skip
_ENDS: Final = frozenset({"@panic", "@trap", "@compileError"})
_SCALARS: Final = frozenset({"len", "capacity", "size", "count", "handle", "kind", "tag"})
"""Members that are no part of what the value owns."""

_PASSED: Final = frozenset(
    {"call", "switch", "block", "struct", "index", "range", "builtin", "binary", "if", "orelse", "catch"}
)
"""Kinds of expressions that are passed over where they speak of nothing that is followed."""
_MAKES_ROOM: Final = re.compile(
    rb"\.(?:ensure\w*|init\w*|clear\w*|pop\w*|resize|shrink\w*|\w*[rR]emove\w*|expand\w*|replace\w*|items\.len\s*[-+]?=(?!=))\b"
)


class Expressions(Calls):
    """The part of a function's lowering that handles expressions."""

    def evaluate(
        self, node: N | None, into: str = "", fail: int | None = None, null: int | None = None
    ) -> Value:
        """Lower an expression.

        `into`: the place it is assigned to, when that is known. `fail`: where its error goes (a block, or TRY: out
        of the function), None where it is no error union. `null`: the block where control goes when it is null.
        """
        if node is None or self.flow.current is None:
            return NOTHING
        if (
            node.kind in _PASSED
            and self.interest.quiet(node.start, node.end)
            and into.partition("#")[0] not in self.inferable
        ):
            value = self._passed(node, into, fail, null)
        else:
            value = self._evaluate(node, into, fail, null)
        if null is not None and not value.branched and self.flow.current is not None:
            self._branch(value, null)
        return value

    def _passed(self, node: N, into: str, fail: int | None, null: int | None) -> Value:
        """What speaks of nothing that is followed: only how control leaves it matters, and that it can fail."""
        if self.alive and self.interest.leaves(node.start, node.end):
            return self._evaluate(node, into, fail, null)
        if fail is not None and (self.alive or fail != TRY):
            if node.kind != "call":
                return self._evaluate(node, into, fail, null)
            _, method = member_of(node.first)
            self.emit(Kind.CALL, "", node, note=f"{method or 'a call'}() can fail", detail=method, fail=fail)
        return NOTHING

    def _branch(self, value: Value, null: int) -> None:
        """The value may be null: control goes there, or on."""
        following = self.flow.block()
        found = (part for part in value.parts if part.endswith("[]") and part in self.tracked)
        element = next(found, "") if not value.places else ""
        if element:
            # An iterator ends where nothing is held any more.
            self.flow.edge("normal", null, place=element, empty=True)
            self.flow.edge("normal", following)
            self.flow.current = following
            return
        place = value.places[0] if len(value.places) == 1 else ""
        if place:
            self.flow.edge("normal", null, place=place, empty=True)
            self.flow.edge("normal", following, place=place, empty=False)
        else:
            self.flow.edge("normal", null)
            self.flow.edge("normal", following)
        self.flow.current = following

    def _evaluate(self, node: N, into: str, fail: int | None, null: int | None) -> Value:
        kind = node.kind
        if kind == "name":
            place = self.scope.get(node.text, "")
            if self.has(place):
                return Value((place,))
            return Value((), self.views.get(place, ()))
        if kind == "call":
            return self.call(node, into, fail, null)
        if kind == "try":
            return self.evaluate(node.parts[0], into, TRY, null)
        if kind == "field":
            held = self.member_of(node)
            if held:
                return Value((held,))
            value = self.evaluate(node.first)
            if node.text in _SCALARS:
                return NOTHING
            if node.text == "state" and value.places and self.acquiring.arena(self.type_of(node.first)):
                return value  # all there is to an arena
            return Value((), (*value.parts, *value.places))
        if kind in ("unwrap", "deref"):
            return self.evaluate(node.parts[0], into)
        if kind == "unary":
            value = self.evaluate(node.parts[0])
            return value if node.text == "&" else NOTHING
        if kind in ("literal", "boolean", "undefined", "enum", "error", "opaque"):
            if kind == "boolean":
                return Value((), (), "some" if node.text == "true" else "none")
            if kind == "literal" and self.module.text(node) == '""':
                return Value((), (), "none")  # whoever frees it frees nothing
            return Value((), (), "" if kind in ("opaque", "undefined") else "some")
        if kind == "null":
            if null is not None:
                self.flow.go(null)
                return Value((), (), "none", True)
            return Value((), (), "none")
        if kind == "unreachable":
            self.flow.current = None
            return NOTHING
        if kind == "struct":
            return self._literal(node)
        if kind == "catch":
            return self._catch(node, into, fail, null)
        if kind == "orelse":
            return self._orelse(node, into, fail, null)
        if kind == "if":
            return self._if(node, into, fail, null)
        if kind == "switch":
            return self._switch(node, into, fail, null)
        if kind == "block":
            return self._labelled(node, into)
        if kind == "range":
            return self._range(node)
        if kind == "index":
            value = union(*(self.evaluate(part) for part in node.all()[:1]))
            for part in node.all()[1:]:
                self.evaluate(part)
            return Value((), inside(value))
        if kind == "builtin":
            return self._builtin(node)
        if kind in ("binary", "member"):
            values = [self.evaluate(part) for part in node.all()]
            return union(*values) if kind == "member" or node.text == "++" else NOTHING
        if kind == "statement":
            return self.evaluate(node.parts[0], into, fail, null)
        self.statement(node)
        return NOTHING

    stores: list[Store]
    """What went into members of containers."""

    def _keep(self, struct: Struct | None, member: N, value: Value) -> None:
        """A member of a literal of a known container is made here."""
        if struct is None or not member.text or value.inside:
            return
        for place in value.places:
            held = self.held.get(place)
            if held is not None and held.id != "anything":
                at = self.module.at(member)
                self.stores.append(
                    Store(
                        struct,
                        struct.name,
                        member.text,
                        member.text,
                        held,
                        at,
                        self.at,
                        self.definition,
                        True,
                    )
                )

    def member_of(self, node: N) -> str:
        """The tracked member of a local that an expression names (`self.buffer`), or ""."""
        base = node.first
        while base.kind in ("deref", "unwrap") and base.parts[0] is not None:
            base = base.parts[0]
        place = self.place_of(base)
        if place not in self.insides:
            return ""
        held = contents(place, node.text)
        return held if held in self.tracked else ""

    def statement(self, node: N) -> None:
        """One statement; see Lowering."""
        raise NotImplementedError

    def _range(self, node: N) -> Value:
        value = self.evaluate(node.first)
        for part in node.all()[1:]:
            self.evaluate(part)
        return value

    def _literal(self, node: N) -> Value:
        """A struct or a list of values: it holds what its members hold."""
        struct = self.struct_of(node.text or self.expected)
        self.expected = ""
        values: list[Value] = []
        labels: list[tuple[str, str]] = []
        for member in node.parts:
            if member is not None:
                value = self.evaluate(member.first)
                values.append(value)
                labels.extend((place, member.text) for place in value.places if not value.inside)
                self._keep(struct, member, value)
        found = union(*values)
        return Value(found.places, found.parts, inside=bool(found.places), labels=tuple(labels))

    def _builtin(self, node: N) -> Value:
        values = [self.evaluate(part) for part in node.all()]
        if node.text in _ENDS:
            self.flow.current = None
            return NOTHING
        if node.text in _THROUGH:
            return union(*values)
        if node.text == "@fieldParentPtr":
            return NOTHING
        return NOTHING

    # Ways that divide

    def _arm(
        self, start: int, node: N | None, into: str, fail: int | None, null: int | None, after: int
    ) -> Value | None:
        """One of several ways to a value; None for one that does not come to it."""
        self.resume(start)
        value = self.evaluate(node, into, fail, null)
        if (
            into
            and self.flow.current is not None
            and into not in value.places
            and value.places
            and node is not None
        ):
            self.settle(into, value, node)
            value = Value((into,), mixed=value.mixed)
        if self.flow.current is None:
            return None
        self.flow.go(after)
        return value

    def _catch(self, node: N, into: str, fail: int | None, null: int | None) -> Value:
        handler, after = self.flow.block(), self.flow.block()
        other = node.parts[1]
        assert other is not None
        value = self._here(self.evaluate(node.first, into, handler, null))
        self.flow.go(after)
        scope = dict(self.scope)
        for name in node.names:
            self.errors.add(self.declare(name))
        second = self._arm(handler, other, into, fail, null, after)
        self.scope = scope
        self.resume(after)
        return self._joined(value, second, null)

    def _here(self, value: Value) -> Value | None:
        """The value, where control comes to it."""
        return value if self.flow.current is not None else None

    def _joined(self, first: Value | None, second: Value | None, null: int | None) -> Value:
        return replace(either(first, second), branched=null is not None)

    def _orelse(self, node: N, into: str, fail: int | None, null: int | None) -> Value:
        missing, after = self.flow.block(), self.flow.block()
        value = self._here(self.evaluate(node.first, into, fail, missing))
        self.flow.go(after)
        second = self._arm(missing, node.parts[1], into, fail, null, after)
        self.resume(after)
        return replace(
            either(value, second), branched=null is not None and second is not None and second.branched
        )

    def _if(self, node: N, into: str, fail: int | None, null: int | None) -> Value:
        condition, then, otherwise = node.parts
        yes, no, after = self.flow.block(), self.flow.block(), self.flow.block()
        scope = dict(self.scope)
        known = True
        if node.names:
            self.capture(node, condition, yes, no)
        else:
            known = self.condition(condition, yes, no)
        start = len(self.flow.blocks)
        value = self._arm(yes, then, into, fail, null, after)
        through = after in self.flow.reached
        self.scope = scope
        if not known and through:
            self._unsure(start, no, then)
        scope = dict(self.scope)
        for name in node.other:
            self.errors.add(self.declare(name))
        second: Value | None = None
        if otherwise is not None:
            second = self._arm(no, otherwise, into, fail, null, after)
        else:
            self.resume(no)
            self.flow.go(after)
        self.scope = scope
        self.resume(after)
        return self._joined(value, second, null)

    def _unsure(self, start: int, no: int, then: N | None) -> None:
        """Who skips a release that stands under a condition which is not understood is not judged."""
        if then is None:
            return
        end = then.end
        places = {
            op.place
            for block in self.flow.blocks[max(start - 1, 0) :]
            for op in block.ops
            if op.kind is Kind.RELEASE
            and not op.cleanup | (self.flow.cleaning > 0)
            and op.expression is not None
            and then.start <= op.expression.start < end
        }
        if self.flow.cleaning:
            places |= {
                op.place
                for block in self.flow.blocks
                for op in block.ops
                if op.kind is Kind.RELEASE
                and op.expression is not None
                and then.start <= op.expression.start < end
            }
        if not places or not self.entered(no):
            return
        current, self.flow.current = self.flow.current, no
        for place in sorted(places):
            self.emit(Kind.UNKNOWN, place, then, detail="released under a condition")
        self.flow.current = current

    def capture(self, node: N, condition: N | None, yes: int, no: int) -> None:
        """`if (x) |v|`, `while (x) |v|`: a value that is there goes on as `v` in `yes`."""
        name = node.names[0]
        place = self.declare(name) if name != "_" else ""
        before = self.at
        direct = condition is not None and condition.kind in ("call", "try", "catch")
        if node.payload is not None and direct:
            self.at = self.module.span(*node.payload)
        failing = bool(node.other)
        value = self.evaluate(
            condition, place if direct else "", no if failing else None, None if failing else no
        )
        self.at = before
        if self.flow.current is None:
            return
        if place and condition is not None:
            self.types[place] = self.type_of(condition).lstrip("?")
            if place not in value.places:
                if value.places:
                    for source in value.places:
                        self.move(source, place, condition)
                elif value.parts:
                    self.view(place, value.parts)
        self.flow.go(yes)

    def _switch(self, node: N, into: str, fail: int | None, null: int | None) -> Value:
        subject = self.evaluate(node.parts[0])
        after = self.flow.block()
        starts: list[tuple[int, N]] = []
        for case in node.parts[1:]:
            if case is not None:
                start = self.flow.block()
                self.flow.edge("normal", start)
                starts.append((start, case))
        self.flow.current = None
        values: list[Value | None] = []
        error = (
            node.parts[0] is not None
            and node.parts[0].kind == "name"
            and self.place_of(node.parts[0]) in self.errors
        )
        for start, case in starts:
            scope = dict(self.scope)
            self.resume(start)
            for name in case.names[:1]:
                place = self.declare(name)
                if error:
                    self.errors.add(place)
                for source in subject.places:
                    self.move(source, place, case)
                if subject.parts and not subject.places:
                    self.view(place, subject.parts)
            values.append(self._arm(start, case.parts[0], into, fail, null, after))
            self.scope = scope
        self.resume(after)
        return replace(either(*values), branched=null is not None)

    def _labelled(self, node: N, into: str) -> Value:
        """A block as an expression: `blk: { ... break :blk x; }`."""
        if not node.label:
            self.block(node)
            return NOTHING
        after = self.flow.block()
        frame = Loop(after, after, node.label, plain=True)
        self.flow.frames.append(frame)
        self.results.append((node.label, into, []))
        self.block(node)
        _, _, values = self.results.pop()
        self.flow.pop()
        self.flow.go(after)
        self.resume(after)
        return either(*values)

    results: list[tuple[str, str, list[Value]]]
    """The labelled blocks around: their labels, where their values go, and the values so far."""

    def block(self, node: N) -> None:
        """The statements of a block."""
        raise NotImplementedError

    # Tests

    def condition(self, node: N | None, yes: int, no: int) -> bool:
        """Lower a test that goes on in one of two blocks. True when its outcome is known to the analyses."""
        if node is None or self.flow.current is None:
            self.flow.current = None
            return True
        kind = node.kind
        if kind == "unary" and node.text == "!":
            return self.condition(node.parts[0], no, yes)
        if kind == "binary" and node.text in ("and", "or"):
            middle = self.flow.block()
            left, right = node.parts
            known = (
                self.condition(left, middle, no) if node.text == "and" else self.condition(left, yes, middle)
            )
            self.resume(middle)
            return self.condition(right, yes, no) and known
        if kind == "boolean":
            self.flow.go(yes if node.text == "true" else no)
            return True
        place, turned = self._asked(node)
        if place:
            if turned:
                yes, no = no, yes
            self.flow.edge("normal", yes, place=place, empty=False)
            self.flow.edge("normal", no, place=place, empty=True)
            self.flow.current = None
            return place in self.tracked or place in self.flags
        self.evaluate(node, "", TRY if kind == "try" else None)
        self.flow.edge("normal", yes)
        self.flow.edge("normal", no)
        self.flow.current = None
        return False

    flags: set[str]
    """Locals that are only ever set to true or false."""

    def _asked(self, node: N) -> tuple[str, bool]:
        """The place whose emptiness a test asks, and whether the test holds when it is empty."""
        if node.kind == "name":
            return self.place_of(node), False
        if node.kind != "binary" or node.text not in ("==", "!=", ">"):
            return "", False
        left, right = node.parts
        if left is None or right is None:
            return "", False
        if left.kind == "null":
            left, right = right, left
        place = self.place_of(left)
        if right.kind == "null" and place:
            return place, node.text == "=="
        if left.kind == "field" and left.text == "len" and right.kind == "literal":
            counted = left.first
            if counted.kind == "field" and counted.text == "items" and self._only_grows(counted.first):
                counted = counted.first  # as long as a list is empty it has no memory
            place = self.place_of(counted)
            if place in self.tracked and re.fullmatch(r"0", self.module.text(right)):
                return place, node.text == "=="
        if (
            left.kind == "name"
            and place in self.tracked
            and node.text in ("==", "!=")
            and right.kind in ("name", "field")
        ):
            # `if (x.ptr != other)`: owned only if it is another one; not understood.
            return "", False
        return "", False

    def _only_grows(self, node: N) -> bool:
        """Whether a local list takes memory for its elements alone, and keeps all of them."""
        if self.place_of(node) not in self.lists:
            return False
        body, name = self.definition.text, self.module.text(node).encode()
        return not any(_MAKES_ROOM.match(body, end) for end in word_ends(body, name))

    def raising(self, node: N, note: str) -> None:
        """The function ends in an error here."""
        if self.flow.current is None:
            return
        cleanup = self.flow.cleaning > 0
        op = Op(
            Kind.CALL, "", self.at, "raise", expression=self.module.at(node), fallible=True, cleanup=cleanup
        )
        self.flow.raising(op, note)
