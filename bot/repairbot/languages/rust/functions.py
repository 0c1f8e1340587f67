"""Lowers one Rust function to blocks and edges, for what has to be released by hand.

`?` and the failing forms of `return` are error edges. A panic is none: what it leaves behind, the process mostly takes
along. Values that `Drop` ends are not tracked at all.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from repairbot.languages.flow import Loop
from repairbot.languages.rust.acquiring import HANDS_ON, use
from repairbot.languages.rust.body import method
from repairbot.languages.rust.places import NOTHING, Places, Value, either
from repairbot.languages.rust.tree import N
from repairbot.lifetimes.ops import EXIT, Edge, Function, Kind, Op, Resource

_SHOWS: Final = re.compile(
    r"(?:e?print(?:ln)?|format|format_args|write(?:ln)?|debug|info|warn|error|trace|log|assert(?:_eq|_ne)?|debug_assert\w*"
    r"|dbg|matches|anyhow|concat|stringify|cfg|file|line)"
)
_FAILS: Final = frozenset({"bail", "ensure"})
_STOPS: Final = frozenset({"panic", "unreachable", "todo", "unimplemented"})
_ERROR: Final = re.compile(r"(?:Err|None)\b")
_ENDS: Final = re.compile(r"(?:(?:std|core)::)?(?:process::)?(?:exit|abort)")


class Lowering(Places):
    """One function while it is lowered."""

    def run(self) -> Function:
        """The function's graph."""
        body = self.definition.body
        assert body is not None
        value = self.block(body)
        if self.flow.current is not None:
            self._out(body.parts[-1] if body.parts else None, value, body)
        node = self.definition.node
        whole = self.module.span(node.start_byte, node.end_byte)
        if self.flow.current is not None:
            self.flow.blocks[self.flow.current].edges.append(Edge("exit", EXIT, whole.end_line, "the end"))
        return Function(
            self.definition.symbol,
            tuple(each.name for each in self.definition.parameters),
            whole,
            self.flow.finish(set(self.held)),
            self.definition.owner,
            self.definition.asynchronous,
        )

    # Statements

    def block(self, node: N) -> Value:
        """The statements of a block; its value is the last one's."""
        scope, found = dict(self.scope), NOTHING
        frame: Loop | None = None
        if node.label:
            after = self.flow.block()
            frame = Loop(after, after, node.label, plain=True)
            self.flow.frames.append(frame)
            self.breaks.append([])
        for part in node.all():
            if self.flow.current is None:
                break
            before, self.at = self.at, self.module.at(part)
            found = self.evaluate(part)
            self.at = before
        if frame is not None:
            self.flow.pop()
            self.flow.go(frame.after)
            self.resume(frame.after)
            found = either(found, *self.breaks.pop())
        self.scope = scope
        return found

    def evaluate(self, node: N | None, fails: bool = False) -> Value:
        """The operations of an expression. `fails`: a `?` stands behind it."""
        if node is None or self.flow.current is None:
            return NOTHING
        handler = _EXPRESSIONS.get(node.kind)
        if handler is not None:
            return handler(self, node)
        if node.kind == "call":
            return self._call(node, fails)
        if node.kind == "macro":
            return self._macro(node, fails)
        found = NOTHING
        for part in node.all():
            found = self.evaluate(part)
            self.each(found, Kind.USE, node)
        return NOTHING

    def _name(self, node: N) -> Value:
        place = self.scope.get(node.text, "")
        return Value((place,)) if place in self.held else NOTHING

    def _statement(self, node: N) -> Value:
        self.evaluate(node.parts[0])
        return NOTHING

    def _let(self, node: N) -> Value:
        value, other = node.parts[0], node.parts[1]
        found = self.evaluate(value)
        if other is not None and self.flow.current is not None:
            after, failed = self.flow.block(), self.flow.block()
            self.flow.edge("normal", after)
            self.flow.edge("normal", failed)
            self.flow.current = failed
            self._empty(found, node)
            self.block(other)
            self.flow.current = after
        if self.flow.current is not None:
            self.bind(node.names, found, node)
        return NOTHING

    def _empty(self, value: Value, node: N) -> None:
        """On this way there is no value."""
        for place in value.places:
            self.emit(Kind.CLEAR, place, node, detail="none")

    def _assign(self, node: N) -> Value:
        target, value = node.parts
        found = self.evaluate(value)
        if target is None or self.flow.current is None:
            return NOTHING
        if target.kind == "name" and target.text in self.scope:
            place = self.scope[target.text]
            for source in found.places:
                if not found.lent:
                    self.move(source, place, node)
            if not found.places:
                self.emit(Kind.CLEAR, place, node)
        elif target.kind != "name" or target.text != "_":
            self.evaluate(target)
            self.each(found, Kind.ESCAPE, node, "stored", self.module.text(target)[:40])
        return NOTHING

    # Ways out

    def _return(self, node: N) -> Value:
        value = node.parts[0]
        found = self.evaluate(value)
        if self.flow.current is not None:
            self._out(value, found, node)
        return NOTHING

    def _out(self, value: N | None, found: Value, node: N) -> None:
        """The function ends here, with a value or with an error."""
        if value is not None and value.kind == "call" and method(value) == "Err":
            self._raise(value, "it returns an error")
            return
        self.each(found, Kind.ESCAPE, node, "returned")
        if node.kind == "return":
            self.flow.leave("return", self.at)

    def _raise(self, node: N, note: str) -> None:
        if self.flow.current is not None:
            cleanup = self.flow.cleaning > 0
            at = self.module.at(node)
            op = Op(Kind.CALL, "", self.at, "raise", expression=at, fallible=True, cleanup=cleanup)
            self.flow.raising(op, note)

    def _break(self, node: N) -> Value:
        found = self.evaluate(node.parts[0])
        if self.flow.current is not None:
            if found.places and self.breaks:
                self.breaks[-1].append(found)
            self.flow.leave("break", self.at, node.label)
        return NOTHING

    def _continue(self, node: N) -> Value:
        self.flow.leave("continue", self.at, node.label)
        return NOTHING

    # Branches

    def _if(self, node: N) -> Value:
        condition, then, other = node.parts[0], node.parts[1], node.parts[2]
        yes, no, after = self.flow.block(), self.flow.block(), self.flow.block()
        scope = dict(self.scope)
        bound: list[tuple[N, Value]] = []
        self._condition(condition, yes, no, bound)
        values: list[Value] = []
        self.resume(yes)
        for test, found in bound:
            if self.flow.current is not None:
                self._matched(test, test.text, found)
        common = self.nameless_place()
        values.append(self._into(common, self.evaluate(then), node))
        self.flow.go(after)
        self.scope = scope
        self.resume(no)
        if (
            len(bound) == 1
            and condition is not None
            and condition.kind == "test"
            and self.flow.current is not None
        ):
            self._unmatched(condition.text, bound[0][1], condition)
        values.append(self._into(common, self.evaluate(other), node))
        self.flow.go(after)
        self.resume(after)
        return either(*values)

    def _into(self, common: str, value: Value, node: N) -> Value:
        """What one way of a branch gives, under the name that all ways share."""
        if self.flow.current is None:
            return NOTHING
        if value.lent or not value.places:
            return value
        for place in value.places:
            self.move(place, common, node)
        return Value((common,))

    def _matched(self, node: N, pattern: str, found: Value) -> None:
        """A pattern fits: its names get the value, or there is none."""
        if _ERROR.match(pattern):
            self._empty(found, node)
            for name in node.names:
                self.declare(name)
        else:
            self.bind(node.names, found, node)

    def _unmatched(self, pattern: str, found: Value, node: N) -> None:
        """A pattern does not fit."""
        if re.match(r"(?:Ok|Some)\b", pattern):
            self._empty(found, node)

    def _condition(self, node: N | None, yes: int, no: int, bound: list[tuple[N, Value]]) -> None:
        """A test that goes on in one of two blocks."""
        if node is None or self.flow.current is None:
            self.flow.current = None
            return
        if node.kind == "unary" and node.text == "!":
            self._condition(node.parts[0], no, yes, bound)
            return
        if node.kind == "binary" and node.text in ("&&", "||"):
            middle = self.flow.block()
            left, right = node.parts
            if node.text == "&&":
                self._condition(left, middle, no, bound)
            else:
                self._condition(left, yes, middle, bound)
            self.resume(middle)
            self._condition(right, yes, no, bound)
            return
        if node.kind == "test":
            bound.append((node, self.evaluate(node.parts[0])))
        place, empty = self._asked(node)
        if place:
            self.flow.edge("normal", yes, place=place, empty=empty)
            self.flow.edge("normal", no, place=place, empty=not empty)
        else:
            if node.kind != "test":
                self.each(self.evaluate(node), Kind.USE, node)
            self.flow.edge("normal", yes)
            self.flow.edge("normal", no)
        self.flow.current = None

    def _asked(self, node: N) -> tuple[str, bool]:
        """The place whose emptiness a test asks, and whether it is empty when the test holds."""
        if node.kind == "call" and method(node) == "is_null" and node.first.kind == "field":
            return self._held(node.first.parts[0]), True
        if node.kind != "binary" or node.text not in ("==", "!=", "<", "<=", ">", ">="):
            return "", False
        left, right = node.parts
        place = self._held(left)
        shown = self.module.text(right)
        if not place:
            return "", False
        if re.fullmatch(
            r"nil|-1|(?:(?:std|core)::)?ptr::null(?:_mut)?\(\)|INVALID_HANDLE_VALUE|0 as .*", shown
        ):
            return place, node.text in ("==", "<=")
        if shown == "0" and node.text in ("<", ">="):
            return place, node.text == "<"
        return "", False

    def _held(self, node: N | None) -> str:
        if node is None or node.kind != "name":
            return ""
        place = self.scope.get(node.text, "")
        return place if place in self.held else ""

    def _match(self, node: N) -> Value:
        found = self.evaluate(node.parts[0])
        if self.flow.current is None:
            return NOTHING
        after = self.flow.block()
        origin, scope = self.flow.current, dict(self.scope)
        common = self.nameless_place()
        values: list[Value] = []
        for arm in node.all()[1:]:
            start = self.flow.block()
            self.flow.current = origin
            self.flow.edge("normal", start)
            self.flow.current = start
            self._matched(arm, arm.text, found)
            if arm.parts[0] is not None:
                self.evaluate(arm.parts[0])
            before, self.at = self.at, self.module.at(arm.parts[1]) if arm.parts[1] is not None else self.at
            values.append(self._into(common, self.evaluate(arm.parts[1]), arm))
            self.at = before
            self.flow.go(after)
            self.scope = dict(scope)
        self.resume(after)
        return either(*values)

    def _select(self, node: N) -> Value:
        """`select!`: one of the arms is taken."""
        after, origin, scope = self.flow.block(), self.flow.current, dict(self.scope)
        for arm in node.all():
            start = self.flow.block()
            self.flow.current = origin
            self.flow.edge("normal", start)
            self.flow.current = start
            self.bind(arm.names, self.evaluate(arm.parts[0]), arm)
            self.evaluate(arm.parts[2])
            self.flow.go(after)
            self.scope = dict(scope)
        self.resume(after)
        return NOTHING

    # Loops

    def _loop(self, node: N) -> Value:
        header, after, start = self.flow.block(), self.flow.block(), self.flow.block()
        scope = dict(self.scope)
        bound: list[tuple[N, Value]] = []
        if node.kind == "for":
            self.each(self.evaluate(node.parts[0]), Kind.ESCAPE, node, "passed", "a loop")
        self.flow.join(header)
        if node.kind == "while":
            self._condition(node.parts[0], start, after, bound)
        else:
            self.flow.edge("normal", start)
            if node.kind == "for":
                self.flow.edge("normal", after)
            self.flow.current = None
        self.flow.frames.append(Loop(header, after, node.label))
        self.breaks.append([])
        self.resume(start)
        if self.flow.current is not None:
            for test, found in bound:
                self._matched(test, test.text, found)
            if node.kind == "for":
                for name in node.names:
                    self.declare(name)
            self.evaluate(node.parts[-1])
        self.flow.go(header, "loop")
        self.flow.pop()
        self.scope = scope
        self.resume(after)
        return either(*self.breaks.pop())

    # Expressions

    def _try(self, node: N) -> Value:
        inner = node.parts[0]
        before = set(self.held)
        found = self.evaluate(inner, fails=True)
        if self.flow.current is not None and not any(
            place not in before and place.startswith("%") for place in found.places
        ):
            self.each(found, Kind.USE, node)
            called = method(inner) or "it"
            self.emit(Kind.CALL, "", node, detail=called, fails=True, note=f"{called}() fails")
        return found

    def _through(self, node: N) -> Value:
        return self.evaluate(node.parts[0])

    def _ref(self, node: N) -> Value:
        found = self.evaluate(node.parts[0])
        return Value(found.places, lent=bool(found.places))

    def _look(self, node: N) -> Value:
        """A member or an element of a value."""
        for part in node.all():
            self.each(self.evaluate(part), Kind.USE, node)
        return NOTHING

    def _captured(self, node: N) -> Value:
        """A closure or an async block: it may run at any time, and has what it names."""
        for each in node.walk():
            if each.kind == "name" and (place := self.scope.get(each.text, "")) in self.held:
                self.emit(Kind.ESCAPE, place, node, detail="captured")
        return NOTHING

    def _struct(self, node: N) -> Value:
        for member in node.all():
            self.each(self.evaluate(member.parts[0]), Kind.ESCAPE, member, "stored", node.text)
        return NOTHING

    def _list(self, node: N) -> Value:
        return either(*(self.evaluate(part) for part in node.all()))

    def _call(self, node: N, fails: bool) -> Value:
        callee, name = node.first, method(node)
        on = NOTHING
        if callee.kind == "field":
            on = self.evaluate(callee.parts[0], fails and name in HANDS_ON)
        elif callee.kind not in ("name", "path"):
            self.evaluate(callee)
        given = [self.evaluate(part) for part in node.all()[1:]]
        if self.flow.current is None:
            return NOTHING
        if callee.kind == "field":
            if name in HANDS_ON or (on.places and name.startswith("init")):
                return on
            self._used(on, node, name, method_of=True)
        elif name in ("Ok", "Some", "Box", "from") or self.module.flat(callee) in (
            "Box::new",
            "Arc::new",
            "Rc::new",
        ):
            return either(*given)
        elif _ENDS.fullmatch(self.module.flat(callee)):
            self.flow.current = None
            return NOTHING
        elif name.startswith("init") and any(value.places for value in given):
            return either(*given)
        for value in given:
            self._used(value, node, name, method_of=False)
        return self._acquired(node, name, callee.kind == "field", fails)

    def _used(self, value: Value, node: N, name: str, *, method_of: bool) -> None:
        """A callee gets a value."""
        for place in value.places:
            what = use(self.held[place], name, method=method_of)
            if what == "releases":
                self.emit(Kind.RELEASE, place, node)
            elif what == "borrows" or value.lent or (method_of and not name.startswith("into")):
                self.emit(Kind.USE, place, node, other=name)
            else:
                self.emit(Kind.ESCAPE, place, node, detail="passed", other=name)

    def _acquired(self, node: N, name: str, of_method: bool, fails: bool) -> Value:
        """The value of a call that acquires."""
        row = (self.rows.methods if of_method else self.rows.functions).get(name)
        if row is None or not self._meant(row, node):
            return NOTHING
        return self._hold(row, node, fails)

    def _hold(self, row: Resource, node: N, fails: bool) -> Value:
        place = self.nameless_place()
        self.held[place] = row
        self.emit(Kind.ACQUIRE, place, node, resource=row, fails=fails, note=f"{method(node)}() fails")
        return Value((place,))

    def _meant(self, row: Resource, node: N) -> bool:
        """Whether a row speaks of this call: its text, and of a pair only where this function knows both halves."""
        if row.needs and not re.search(row.needs, self.module.text(node), re.DOTALL):
            return False
        if not row.paired:
            return True
        source = self.definition.source.decode("utf-8", "replace")
        return any(re.search(rf"{re.escape(each.partition('(')[0])}\(", source) for each in row.release)

    def _macro(self, node: N, fails: bool) -> Value:
        text = self.module.text(node)
        if node.text == "msg_send":
            return self._message(node, text)
        if node.parts:
            found = either(*(self.evaluate(part) for part in node.parts))
            self.each(found, Kind.ESCAPE, node, "stored", node.text)
            return NOTHING
        kind = Kind.USE if _SHOWS.fullmatch(node.text) or node.text in (_FAILS | _STOPS) else Kind.UNKNOWN
        for name in dict.fromkeys(re.findall(r"(?<![\w.\"])[a-z_]\w*", text)):
            if (place := self.scope.get(name, "")) in self.held:
                if node.text == "ensure" and re.search(
                    rf"!\s*{name}\.is_null\(\)|\b{name}\s*(?:!=\s*-1|>=?\s*0|>\s*-1)", text
                ):
                    self._ensured(place, node)
                    return NOTHING
                self.emit(kind, place, node, detail="a macro" if kind is Kind.UNKNOWN else "")
        if node.text in _STOPS:
            self.flow.current = None
        elif node.text == "bail":
            self._raise(node, "it fails")
        elif node.text == "ensure":
            self.emit(Kind.CALL, "", node, detail="ensure", fails=True, note="the check fails")
        return NOTHING

    def _ensured(self, place: str, node: N) -> None:
        """`ensure!(!x.is_null())`: where it fails there is nothing."""
        yes, no = self.flow.block(), self.flow.block()
        self.flow.edge("normal", yes, place=place, empty=False)
        self.flow.edge("normal", no, place=place, empty=True)
        self.flow.current = no
        self._raise(node, "there is none")
        self.flow.current = yes

    def _message(self, node: N, text: str) -> Value:
        """`msg_send![receiver, selector: argument]`: an object of Objective-C."""
        inside = re.match(r"(?:\w+::)*msg_send!\s*[\[({]\s*(.+?)\s*,\s*(.*?)\s*[\])}]\s*$", text, re.DOTALL)
        row = self.rows.functions.get("msg_send")
        if inside is None or row is None:
            return NOTHING
        receiver, message = inside[1], inside[2]
        if message == "alloc":
            return self._hold(row, node, fails=False)
        on = self.scope.get(receiver, "")
        if on in self.held:
            if re.fullmatch(r"release|autorelease", message):
                self.emit(Kind.RELEASE, on, node)
                return NOTHING
            if message.startswith("init"):
                return Value((on,))
            self.emit(Kind.USE, on, node)
        for name in dict.fromkeys(re.findall(r"(?<![\w.])[a-z_]\w*(?!\s*:)", message)):
            if (place := self.scope.get(name, "")) in self.held:
                ends = re.search(rf"\b{name}\s*\.\s*(?:auto)?release\(\)", message)
                self.emit(Kind.RELEASE if ends else Kind.USE, place, node)
        return NOTHING


_EXPRESSIONS: Final[dict[str, Callable[[Lowering, N], Value]]] = {
    "name": Lowering._name,
    "statement": Lowering._statement,
    "let": Lowering._let,
    "assign": Lowering._assign,
    "return": Lowering._return,
    "break": Lowering._break,
    "continue": Lowering._continue,
    "block": Lowering.block,
    "if": Lowering._if,
    "match": Lowering._match,
    "select": Lowering._select,
    "loop": Lowering._loop,
    "while": Lowering._loop,
    "for": Lowering._loop,
    "try": Lowering._try,
    "await": Lowering._through,
    "cast": Lowering._through,
    "deref": Lowering._through,
    "ref": Lowering._ref,
    "field": Lowering._look,
    "index": Lowering._look,
    "closure": Lowering._captured,
    "async": Lowering._captured,
    "struct": Lowering._struct,
    "list": Lowering._list,
}
