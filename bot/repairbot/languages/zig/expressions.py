"""Lowers the expressions of one Zig function."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from repairbot.languages.flow import Loop
from repairbot.languages.zig.acquiring import member_of
from repairbot.languages.zig.conditions import Conditions
from repairbot.languages.zig.idle import SCALARS
from repairbot.languages.zig.members import Store
from repairbot.languages.zig.syntax import Struct
from repairbot.languages.zig.tree import N
from repairbot.languages.zig.values import NOTHING, TRY, Value, contents, either, inside, union
from repairbot.languages.zig.words import has_word
from repairbot.lifetimes.ops import Kind

_THROUGH: Final = frozenset(
    {
        "@as", "@ptrCast", "@alignCast", "@constCast", "@volatileCast", "@intFromPtr", "@ptrToInt", "@bitCast",
        "@addrSpaceCast", "@errSetCast", "@errorCast", "@ptrFromInt", "@intToPtr",
    }
)  # fmt: skip
_ENDS: Final = frozenset({"@panic", "@trap", "@compileError"})

_SOME: Final = Value((), (), "some")
_NONE: Final = Value((), (), "none")
_CONSTANTS: Final = {
    "literal": _SOME, "boolean": _SOME, "enum": _SOME, "error": _SOME, "opaque": NOTHING, "undefined": NOTHING,
}  # fmt: skip
_PASSED: Final = frozenset(
    {"call", "switch", "block", "struct", "index", "range", "builtin", "binary", "if", "orelse", "catch"}
)
"""Kinds of expressions that are passed over where they speak of nothing that is followed."""


class Expressions(Conditions):
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
        leaving = self.interest.leaves if self.alive else self.interest.breaks
        if leaving(node.start, node.end):
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
            parts = self.views.get(place)
            return Value((), parts) if parts else NOTHING
        if kind == "field":
            return self._field(node)
        if kind == "call":
            return self.call(node, into, fail, null)
        if kind in _CONSTANTS:
            empty = _CONSTANTS[kind]
            if (kind == "literal" and self.module.text(node) == '""') or (
                kind == "boolean" and node.text != "true"
            ):
                return _NONE  # whoever frees "" frees nothing
            return empty
        if kind == "null":
            if null is not None:
                self.flow.go(null)
                return Value((), (), "none", True)
            return _NONE
        if kind == "try":
            return self.evaluate(node.parts[0], into, TRY, null)
        if kind in ("unwrap", "deref"):
            return self.evaluate(node.parts[0], into)
        if kind == "statement":
            return self.evaluate(node.parts[0], into, fail, null)
        if kind == "unary":
            value = self.evaluate(node.parts[0])
            return value if node.text == "&" else NOTHING
        if kind == "unreachable":
            self.flow.current = None
            return NOTHING
        if kind in _DIVIDED:
            return _DIVIDED[kind](self, node, into, fail, null)
        if kind in _SIMPLE:
            return _SIMPLE[kind](self, node)
        if kind == "block":
            return self._labelled(node, into)
        self.statement(node)
        return NOTHING

    def _field(self, node: N) -> Value:
        held = self.member_of(node)
        if held:
            return Value((held,))
        value = self.evaluate(node.first)
        if value is NOTHING or node.text in SCALARS:
            return NOTHING
        if node.text == "state" and value.places and self.acquiring.arena(self.type_of(node.first)):
            return value  # all there is to an arena
        return Value((), (*value.parts, *value.places))

    def _element(self, node: N) -> Value:
        first, *rest = node.all()
        value = self.evaluate(first)
        for part in rest:
            self.evaluate(part)
        return NOTHING if value is NOTHING else Value((), inside(value))

    def _binary(self, node: N) -> Value:
        values = [self.evaluate(part) for part in node.all()]
        return union(*values) if node.kind == "member" or node.text == "++" else NOTHING

    stores: list[Store]
    """What went into members of containers."""

    def _keep(self, struct: Struct | None, member: N, value: Value) -> None:
        """A member of a literal of a known container is made here."""
        if struct is None or not member.text or value.inside or self._only_lent(member.first):
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

    def _only_lent(self, node: N) -> bool:
        """Whether a member gets what stays this function's: a local by its address, what it returns or releases."""
        if node.kind == "unary" and node.text == "&":
            return True
        if node.kind != "name":
            return False
        name, source = node.text, self.module.source
        if re.search(rf"\breturn\s+{re.escape(name)}\s*;".encode(), self.definition.text):
            return True
        places = (at for at, _ in self.oracle.releases.of(self.definition).get(name, ()))
        heads = (source[source.rfind(b"\n", 0, at) + 1 : at] for at in places)
        return any(re.search(rb"\bdefer\b", head) for head in heads)

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
        for number, member in enumerate(node.parts):
            if member is not None:
                value = self.evaluate(member.first)
                values.append(value)
                label = member.text or f"#{number}"
                labels.extend((place, label) for place in value.places if not value.inside)
                self._keep(struct, member, value)
        found = union(*values)
        return Value(found.places, found.parts, inside=bool(found.places), labels=tuple(labels))

    def _builtin(self, node: N) -> Value:
        values = [self.evaluate(part) for part in node.all()]
        if node.text in _ENDS:
            self.flow.current = None
            return NOTHING
        if node.text in ("@intFromPtr", "@ptrToInt"):
            # Whoever gets the number may make a pointer of it again, and own what it points to.
            for place in union(*values).parts:
                if self.has(place):
                    self.emit(Kind.ESCAPE, place, node, detail="shown", other=node.text)
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
        found = either(first, second)
        return found if null is None else found._replace(branched=True)

    def _orelse(self, node: N, into: str, fail: int | None, null: int | None) -> Value:
        missing, after = self.flow.block(), self.flow.block()
        value = self._here(self.evaluate(node.first, into, fail, missing))
        self.flow.go(after)
        second = self._arm(missing, node.parts[1], into, fail, null, after)
        self.resume(after)
        found = either(value, second)
        branched = null is not None and second is not None and second.branched
        return found._replace(branched=True) if branched else found

    def _if(self, node: N, into: str, fail: int | None, null: int | None) -> Value:
        condition, then, otherwise = node.parts
        yes, no, after = self.flow.block(), self.flow.block(), self.flow.block()
        scope = dict(self.scope)
        known = True
        if node.names:
            self.capture(node, condition, yes, no)
        else:
            known = self.condition(condition, yes, no)
            yes = self._not_made(condition, then, yes)
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

    def _not_made(self, condition: N | None, then: N | None, yes: int) -> int:
        """Who leaves because a call told that it failed (`make(&err); if (err != 0) return`) was given nothing."""
        if not self.told or not self.entered(yes) or "return" not in self.module.text(then):
            return yes
        shown = self.module.text(condition)
        place = next((place for name, place in self.told.items() if has_word(shown, name)), "")
        if not place:
            return yes
        empty = self.flow.block()
        self.flow.current = yes
        self.flow.edge("normal", empty, place=place, empty=True)
        self.flow.current = None
        return empty

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
        found = either(*values)
        return found if null is None else found._replace(branched=True)

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


_DIVIDED: Final[dict[str, Callable[[Expressions, N, str, int | None, int | None], Value]]] = {
    "catch": Expressions._catch,
    "orelse": Expressions._orelse,
    "if": Expressions._if,
    "switch": Expressions._switch,
}
_SIMPLE: Final[dict[str, Callable[[Expressions, N], Value]]] = {
    "struct": Expressions._literal,
    "range": Expressions._range,
    "index": Expressions._element,
    "builtin": Expressions._builtin,
    "binary": Expressions._binary,
    "member": Expressions._binary,
}
