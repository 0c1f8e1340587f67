"""Lowers the statements of one function to blocks and edges."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from repairbot.languages.effects import INSIDE
from repairbot.languages.flow import Cleanup, Handler, Handlers, Loop
from repairbot.languages.typescript.acquiring import Acquiring
from repairbot.languages.typescript.expressions import Expressions
from repairbot.languages.typescript.summaries import Oracle
from repairbot.languages.typescript.syntax import Definition, bare, names_in
from repairbot.languages.typescript.tree import CLASSES, FUNCTIONS, N
from repairbot.lifetimes.ops import EXIT, Edge, Function, Kind, Op, Resource

MODULE: Final = "<module>"
_PASSED_OVER: Final = frozenset(
    {"import_statement", "interface_declaration", "type_alias_declaration", "enum_declaration", "empty_statement",
     "ambient_declaration", "function_signature", "ERROR", "debugger_statement", "internal_module", "module"}
)  # fmt: skip


class Lowering(Expressions):
    """One function (or the module's own code) while it is lowered."""

    def __init__(
        self, acquiring: Acquiring, oracle: Oracle, definition: Definition | None, seeds: dict[str, Resource]
    ) -> None:
        super().__init__(acquiring, oracle, seeds)
        self.definition = definition
        self.flow.escapes_errors = definition is not None
        self.mixed = False
        """Some return gives a value that is not tracked."""

    def run(self, parameters: dict[str, Resource] | None = None) -> Function:
        """The function's graph. `parameters`: places that hold something from the start (for summaries)."""
        node = self.definition.node if self.definition is not None else self.module.tree
        body = self.definition.body if self.definition is not None else self.module.tree
        self.body = body
        whole = self.at = self.module.span(node)
        names = self.definition.parameters if self.definition is not None else ()
        self.locals = {name for name in names if name} | _locals(self.module.text, body)
        for name in names:
            if name:
                self.declare(name)
        for place, resource in (parameters or {}).items():
            self.hold(place, resource)
            self.emit(Kind.ACQUIRE, place, node, resource=resource)
        if body is not None and body.kind in ("statement_block", "program"):
            self._hoisted(body)
            self.block(body)
        elif body is not None:  # the value of an arrow function
            self.at = self.module.span(body)
            self.each(self.evaluate(body), Kind.ESCAPE, body, detail="returned")
        if self.flow.current is not None:
            if self.definition is None:
                for place in sorted(self.tracked):
                    if not place.startswith("%"):
                        self.emit(Kind.ESCAPE, place, node, detail="stored", other="the module")
            self.flow.blocks[self.flow.current].edges.append(Edge("exit", EXIT, whole.end_line, "the end"))
        owner = self.definition.owner if self.definition is not None else None
        return Function(
            self.definition.symbol if self.definition is not None else MODULE,
            tuple(name for name in names if name),
            whole,
            self.flow.finish(self.tracked),
            owner.symbol if owner is not None else "",
            self.definition.asynchronous if self.definition is not None else False,
            self.generator,
        )

    # Blocks and statements

    def _hoisted(self, body: N) -> None:
        """Functions declared in a block are there from its beginning."""
        for kid in body.kids:
            if kid.kind in ("function_declaration", "generator_function_declaration"):
                self.closures.append(kid)
                for place in sorted(self.tracked):
                    if "#" not in place and "." not in place:
                        self.captured(kid, place, kid)

    def block(self, node: N | None) -> None:
        """The statements of a block, as far as control comes; what it declares ends with it."""
        if node is None:
            return
        depth, scope = len(self.flow.frames), dict(self.scope)
        for statement in node.kids:
            if self.flow.current is None:
                break
            self.statement(statement)
        while len(self.flow.frames) > depth:
            self.flow.pop()
        self.scope = scope

    def statement(self, node: N) -> None:
        """One statement."""
        if node.kind in _PASSED_OVER or node.kind in CLASSES:
            return
        before, self.at = self.at, self.module.span(node)
        handler: Callable[[N], None] | None = getattr(self, f"_{node.kind}", None)
        if handler is not None:
            handler(node)
        else:
            self.evaluate(node)
        self.at = before

    def _statement_block(self, node: N) -> None:
        self.block(node)

    def _export_statement(self, node: N) -> None:
        for kid in node.kids:
            self.statement(kid)

    def _expression_statement(self, node: N) -> None:
        for kid in node.kids:
            self.evaluate(kid)

    def _function_declaration(self, node: N) -> None:
        """Seen at the beginning of its block."""

    _generator_function_declaration = _function_declaration

    def _lexical_declaration(self, node: N) -> None:
        for kid in node.kids:
            if kid.kind == "variable_declarator":
                self._declarator(kid)

    _variable_declaration = _lexical_declaration

    def _declarator(self, node: N) -> None:
        name, value = node.kids[0], node.kids[-1] if len(node.kids) > 1 else None
        if value is not None and value.kind == "type_annotation":
            value = None
        if name.kind in ("object_pattern", "array_pattern"):
            found = self.evaluate(value)
            for bound in names_in(name):
                self.declare(self.module.text(bound))
            self.unpack(name, found, node)
            return
        # The value is read in the scope before the name is there.
        scope = dict(self.scope)
        place = self.declare(self.module.text(name))
        mine, self.scope = self.scope, scope
        if value is None:
            self.scope = mine
            self.emit(Kind.CLEAR, place, node, detail="none")
            return
        found = self.evaluate(value, place)
        self.scope = mine
        if self.flow.current is not None:
            self.settle(place, found, node)

    def using(self, node: N) -> None:
        """`using x = ...`: held until its scope ends."""
        name = self.module.text(node.kids[0])
        self.locals.add(name)
        place = self.declare(name)
        value = self.evaluate(node.kids[-1], place)
        self.settle(place, value, node)
        at = self.at

        def emit() -> None:
            op = Op(Kind.RELEASE, place, at, "scope", "", "", self.module.span(node), cleanup=True)
            self.flow.emit(op)

        self.flow.frames.append(Cleanup(emit))

    # Jumps

    def _return_statement(self, node: N) -> None:
        given = node.kids[0] if node.kids else None
        value = self.evaluate(given)
        if given is not None and not value.places and value.empty != "none":
            self.mixed = True
        inner = bare(given)
        if inner is not None and inner.kind in ("object", "array"):
            # What the caller gets holds it: that is not the value itself.
            self.each(value, Kind.ESCAPE, node, detail="returned", other=INSIDE)
        else:
            self.each(value, Kind.ESCAPE, node, detail="returned")
        self.flow.leave("return", self.at)

    def _throw_statement(self, node: N) -> None:
        for kid in node.kids:
            self.each(self.evaluate(kid), Kind.ESCAPE, node, detail="passed", other="throw")
        if self.flow.current is not None:
            cleanup = self.flow.cleaning > 0
            op = Op(Kind.CALL, "", self.at, "raise", expression=self.at, fallible=True, cleanup=cleanup)
            self.flow.raising(op, "throw")

    def _break_statement(self, node: N) -> None:
        self.flow.leave("break", self.at, self.module.text(node.kids[0]) if node.kids else "")

    def _continue_statement(self, node: N) -> None:
        self.flow.leave("continue", self.at, self.module.text(node.kids[0]) if node.kids else "")

    # Branches

    def entered(self, block: int) -> bool:
        """Whether something leads to a block."""
        return block in self.flow.reached

    def _resume(self, block: int) -> None:
        self.flow.current = block if self.entered(block) else None

    def _if_statement(self, node: N) -> None:
        yes, no, after = self.flow.block(), self.flow.block(), self.flow.block()
        test = node.kids[0]
        self.at = self.module.span(test)
        self.condition(test, yes, no)
        self._resume(yes)
        self._body(node.kids[1] if len(node.kids) > 1 else None)
        self.flow.go(after)
        self._resume(no)
        otherwise = node.of("else_clause")
        if otherwise is not None and self.flow.current is not None and otherwise.kids:
            self._body(otherwise.kids[-1])
        self.flow.go(after)
        self._resume(after)

    def _body(self, node: N | None) -> None:
        """A block, or one statement in its place."""
        if node is None or self.flow.current is None:
            return
        if node.kind == "statement_block":
            self.block(node)
        else:
            self.statement(node)

    def _switch_statement(self, node: N) -> None:
        self.each(self.evaluate(node.kids[0]), Kind.USE, node, detail="switch")
        body = node.of("switch_body")
        cases = body.kids if body is not None else []
        after = self.flow.block()
        entries = [self.flow.block() for _ in cases]
        for entry in entries:
            self.flow.edge("normal", entry)
        if not any(case.kind == "switch_default" for case in cases):
            self.flow.edge("normal", after)
        self.flow.current = None
        self.flow.frames.append(Loop(after, after, switch=True))
        scope = dict(self.scope)
        for case, entry in zip(cases, entries, strict=True):
            self.flow.join(entry)
            for statement in case.kids[1:] if case.kind == "switch_case" else case.kids:
                if self.flow.current is None:
                    break
                self.statement(statement)
        self.flow.frames.pop()
        self.scope = scope
        self.flow.go(after)
        self._resume(after)

    # Loops

    def _labeled_statement(self, node: N) -> None:
        label = self.module.text(node.kids[0])
        body = node.kids[-1]
        if body.kind in ("for_statement", "for_in_statement", "while_statement", "do_statement"):
            self._label = label
            self.statement(body)
            return
        after = self.flow.block()
        self.flow.frames.append(Loop(after, after, label, plain=True))
        self._body(body)
        self.flow.frames.pop()
        self.flow.go(after)
        self._resume(after)

    _label = ""

    def _named(self) -> str:
        label, self._label = self._label, ""
        return label

    def _while_statement(self, node: N) -> None:
        label = self._named()
        header, body, after = self.flow.block(), self.flow.block(), self.flow.block()
        self.flow.join(header)
        self.condition(node.kids[0], body, after)
        self._resume(body)
        self.flow.frames.append(Loop(header, after, label))
        self._body(node.kids[-1])
        self.flow.frames.pop()
        self.flow.go(header, "loop")
        self._resume(after)

    def _do_statement(self, node: N) -> None:
        label = self._named()
        body, test, after = self.flow.block(), self.flow.block(), self.flow.block()
        self.flow.join(body)
        self.flow.frames.append(Loop(test, after, label))
        self._body(node.kids[0])
        self.flow.frames.pop()
        self.flow.go(test)
        self._resume(test)
        if self.flow.current is not None:
            self.condition(node.kids[-1], body, after)
        self._resume(after)

    def _for_statement(self, node: N) -> None:
        label = self._named()
        scope = dict(self.scope)
        parts, body = node.kids[:-1], node.kids[-1]
        if parts and parts[0].kind != "empty_statement":
            self.statement(parts[0])
        header, inside, step, after = (self.flow.block() for _ in range(4))
        self.flow.join(header)
        test = parts[1] if len(parts) > 1 and parts[1].kind != "empty_statement" else None
        if test is not None and test.kind == "expression_statement":
            test = test.kids[0]
        self.condition(test, inside, after)
        self._resume(inside)
        self.flow.frames.append(Loop(step, after, label))
        self._body(body)
        self.flow.frames.pop()
        self.flow.go(step)
        self._resume(step)
        if len(parts) > 2:
            self.evaluate(parts[2])
        self.flow.go(header, "loop")
        self._resume(after)
        self.scope = scope

    def _for_in_statement(self, node: N) -> None:
        label = self._named()
        scope = dict(self.scope)
        left, right, body = node.kids[0], node.kids[-2], node.kids[-1]
        value = self.evaluate(right)
        header, inside, after = self.flow.block(), self.flow.block(), self.flow.block()
        self.flow.join(header)
        waits = b"await" in self.module.source[node.start : left.start]
        for place in value.places:
            held = self.held.get(place)
            if waits and held is not None and "for await" in held.keeps:
                self.emit(Kind.ESCAPE, place, right, detail="kept", other="the loop ends it")
            else:
                self.emit(Kind.USE, place, right, detail="iteration")
        if waits:
            self.emit(Kind.CALL, "", right, "the iteration can fail", detail="for await", fallible=True)
        self.flow.edge("normal", inside)
        self.flow.edge("normal", after)
        self.flow.current = inside
        declared = self.module.source[node.start : left.start].rstrip().endswith((b"const", b"let", b"var"))
        for name in names_in(left):
            place = self.declare(self.module.text(name)) if declared else self.place_of(name)
            if place:
                self.emit(Kind.CLEAR, place, left)
        self.flow.frames.append(Loop(header, after, label))
        self._body(body)
        self.flow.frames.pop()
        self.flow.go(header, "loop")
        self._resume(after)
        self.scope = scope

    # Errors

    def _try_statement(self, node: N) -> None:
        body, catch, last = node.kids[0], node.of("catch_clause"), node.of("finally_clause")
        after = self.flow.block()
        depth = len(self.flow.frames)
        if last is not None:
            self.flow.frames.append(Cleanup(self._finally(last.kids[-1] if last.kids else None)))
        entry = self.flow.block()
        if catch is not None:
            self.flow.frames.append(Handlers([Handler(entry, "all")]))
        self.block(body)
        if catch is not None:
            self.flow.frames.pop()
            behind = self.flow.current
            self._resume(entry)
            if self.flow.current is not None:
                self._catch(catch)
            joined = self.flow.block()
            self.flow.go(joined)
            self.flow.current = behind
            self.flow.go(joined)
            self._resume(joined)
        while len(self.flow.frames) > depth:
            self.flow.pop()
        self.flow.go(after)
        self._resume(after)

    def _catch(self, catch: N) -> None:
        scope = dict(self.scope)
        body = catch.kids[-1] if catch.kids else None
        for name in names_in(catch.kids[0]) if len(catch.kids) > 1 else ():
            self.declare(self.module.text(name))
        self.flow.cleaning += 1
        self.block(body)
        self.flow.cleaning -= 1
        self.scope = scope

    def _finally(self, body: N | None) -> Callable[[], None]:
        scope = dict(self.scope)

        def emit() -> None:
            before, at = self.scope, self.at
            self.scope = dict(scope)
            self.block(body)
            self.scope, self.at = before, at

        return emit


def _locals(text: Callable[[N], str], body: N | None) -> set[str]:
    """The names that are declared in a function's own code."""
    found: set[str] = set()
    waiting = [body] if body is not None else []
    while waiting:
        node = waiting.pop()
        for kid in node.kids:
            if kid.kind in FUNCTIONS:
                if kid.kind.endswith("_declaration") and kid.kids:
                    found.add(text(kid.kids[0]))
                continue
            if kid.kind in CLASSES:
                continue
            if kid.kind in ("variable_declarator", "catch_clause", "for_in_statement") and kid.kids:
                found.update(text(name) for name in names_in(kid.kids[0]))
            waiting.append(kid)
    return found
