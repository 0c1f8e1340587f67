"""Lowers the statements of one function to blocks and edges."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from tree_sitter import Node

from repairbot.languages.flow import Loop
from repairbot.languages.python.acquiring import Acquiring
from repairbot.languages.python.callees import among, callees
from repairbot.languages.python.scopes import Scopes
from repairbot.languages.python.summaries import Oracle
from repairbot.languages.python.syntax import Definition, dotted, span, text
from repairbot.languages.python.values import TooDeep, Value, only
from repairbot.lifetimes.ops import EXIT, Edge, Function, Kind, Op, Resource

MODULE: Final = "<module>"
_MOST_GATHERED: Final = 4
_FAILS: Final = frozenset({"self.fail", "pytest.fail", "pytest.skip", "self.skipTest", "parser.error"})


class Lowering(Scopes):
    """One function (or the module's own code) while it is lowered."""

    def __init__(
        self, acquiring: Acquiring, oracle: Oracle, definition: Definition | None, seeds: dict[str, Resource]
    ) -> None:
        super().__init__(acquiring, oracle, seeds)
        self.definition = definition
        self.resumed = definition is not None and any(
            dotted(node.child_by_field_name("function") if node.type == "call" else node).endswith("fixture")
            for node in definition.decorators
        )
        self.mixed = False
        """Some return gives a value that is not tracked."""
        self.single = False
        """Some return gives one value, be it tracked or not."""
        self.layouts: set[tuple[str, ...]] = set()
        """The tuples that are returned: the tracked place of each element, "" for any other value."""
        self.derived: dict[str, str] = {}
        """Names of what was made of a place and lives by it: `response = connection.getresponse()`."""
        self.handed_on: Resource | None = None
        """Resources that come in a tuple and are returned in it as they come: `return os.pipe()`."""
        self.flow.escapes_errors = definition is not None
        self._flags: dict[str, bool] = {}

    def run(self, parameters: dict[str, Resource] | None = None) -> Function:
        """The function's graph. `parameters`: places that hold something from the start (for summaries)."""
        body = self.definition.body if self.definition else self.module.root
        assert body is not None
        whole = self.definition.node if self.definition else self.module.root
        self.at = span(whole)
        for place, resource in (parameters or {}).items():
            self.hold(place, resource)
            self.emit(Kind.ACQUIRE, place, whole, resource=resource)
        self.block(body)
        if self.flow.current is not None:
            if self.definition is None:
                for place in sorted(self.tracked):
                    if not place.startswith("%"):
                        self.emit(Kind.ESCAPE, place, whole, detail="stored", other="the module")
            last = span(body).end_line
            self.flow.blocks[self.flow.current].edges.append(Edge("exit", EXIT, last, "the end"))
        symbol = self.definition.symbol if self.definition else MODULE
        owner = self.definition.owner if self.definition else None
        return Function(
            symbol,
            self.definition.parameters if self.definition else (),
            span(whole),
            self.flow.finish(self.tracked),
            owner.symbol if owner else "",
            self.definition.asynchronous if self.definition else False,
            self.generator,
        )

    # Blocks and statements

    def block(self, node: Node | None) -> None:
        """The statements of a block, as far as control comes."""
        for child in node.named_children if node is not None else ():
            if self.flow.current is None:
                return
            self.statement(child)

    def statement(self, node: Node) -> None:
        """One statement."""
        before, self.at = self.at, span(node)
        handler: Callable[[Node], None] | None = getattr(self, f"_{node.type}", None)
        if handler is not None:
            handler(node)
        elif node.type not in ("comment", "pass_statement", "import_statement", "import_from_statement"):
            self.plain(node)
        self.at = before

    def _expression_statement(self, node: Node) -> None:
        for child in node.named_children:
            if child.type == "assignment":
                self._assignment(child)
            elif child.type == "augmented_assignment":
                self.evaluate(child.child_by_field_name("right"))
            elif child.type == "call" and dotted(child.child_by_field_name("function")) in _FAILS:
                self.evaluate(child)
                self.flow.current = None
            else:
                self.evaluate(child)

    def _return_statement(self, node: Node) -> None:
        given = only(node)
        value = self.evaluate(given) if given is not None else Value()
        if given is not None:
            self._note_return(given, value)
            if base := self._base(given):
                self.emit(Kind.ESCAPE, base, node, detail="returned")
        self.each(value, Kind.ESCAPE, node, detail="returned")
        self.flow.leave("return", self.at)

    def _base(self, node: Node) -> str:
        """The tracked place by which a value lives that is made of it, "" for any other value."""
        if node.type == "identifier":
            return self.derived.get(text(node), "")
        if node.type != "call":
            return ""
        function = node.child_by_field_name("function")
        if function is None or function.type != "attribute":
            return ""
        place = self.place_of(function.child_by_field_name("object"))
        method = text(function.child_by_field_name("attribute"))
        return place if place in self.tracked and among(callees().views, f"x.{method}") else ""

    def _note_return(self, given: Node, value: Value) -> None:
        """What callers get, where that is more than one thing or not known."""
        if given.type in ("expression_list", "tuple"):
            self.mixed = True
            elements = [child for child in given.named_children if child.type != "comment"]
            layout = tuple(
                place if (place := self.place_of(child)) in self.tracked else "" for child in elements
            )
            if any(layout) or not any(child.type == "none" for child in elements):
                self.layouts.add(layout)
            return
        called = given
        while called.type in ("await", "parenthesized_expression") and called.named_children:
            called = called.named_children[0]
        resource = self.acquiring.at(called) if called.type == "call" else None
        if resource is not None and resource.slots:
            self.handed_on = resource
        elif value.empty != "none":
            self.single = True
        self.mixed |= not value.places and value.empty != "none"

    def _raise_statement(self, node: Node) -> None:
        name = ""
        for child in node.named_children:
            target = child.child_by_field_name("function") if child.type == "call" else child
            name = name or dotted(target)
            if child.type == "call":
                for value, _ in self.arguments(child):
                    self.each(value, Kind.ESCAPE, node, detail="passed", other=name)
        if self.flow.current is None:
            return
        op = Op(
            Kind.CALL, "", self.at, "raise", expression=self.at, fallible=True, cleanup=self.flow.cleaning > 0
        )
        known = name if name[:1].isupper() or name.rpartition(".")[2][:1].isupper() else ""
        self.flow.raising(op, "raise", known)

    def _assert_statement(self, node: Node) -> None:
        self.plain(node)
        self.emit(Kind.CALL, "", node, note="the assertion can fail", detail="assert", fallible=True)

    def _break_statement(self, node: Node) -> None:
        self.flow.leave("break", self.at)

    def _continue_statement(self, node: Node) -> None:
        self.flow.leave("continue", self.at)

    def _delete_statement(self, node: Node) -> None:
        for child in node.named_children:
            for target in child.named_children if child.type == "expression_list" else (child,):
                place = self.place_of(target)
                if place:
                    self.emit(Kind.CLEAR, place, node, detail="none")
                else:
                    self.plain(target)

    def _global_statement(self, node: Node) -> None:
        self.outer.update(text(child) for child in node.named_children)

    _nonlocal_statement = _global_statement

    def _function_definition(self, node: Node) -> None:
        self.capture(node)

    def _class_definition(self, node: Node) -> None:
        self.capture(node)

    def _decorated_definition(self, node: Node) -> None:
        self.capture(node)

    # Assignments

    def _assignment(self, node: Node) -> None:
        targets, value = [node.child_by_field_name("left")], node.child_by_field_name("right")
        while value is not None and value.type == "assignment":
            targets.append(value.child_by_field_name("left"))
            value = value.child_by_field_name("right")
        if value is None:
            return
        first = next((target for target in targets if target is not None and self.place_of(target)), None)
        if first is None or text(first) in self.outer:
            target = targets[0]
            if target is not None and target.type in ("pattern_list", "tuple_pattern", "list_pattern"):
                self._unpack(target, value, node)
                return
            found = self.evaluate(value)
            for each in targets:
                self._store(each, found, node)
            return
        place = self.place_of(first)
        if base := self._base(value):
            self.derived[place] = base
        found = self.evaluate(value, "" if self._member(place, value) else place)
        if place.partition(".")[0] in ("self", "cls") and "." in place and found.places != (place,):
            self._store(first, found, node)
        else:
            self.settle(place, found, node)
        for each in targets:
            if each is not None and each != first:
                self._store(each, found if found.empty != "settled" else Value((place,)), node)

    def _member(self, place: str, value: Node) -> bool:
        """Whether a member is set to a name: then that name is stored, and goes on holding the value."""
        return "." in place and self.place_of(value) in self.tracked

    def _store(self, target: Node | None, value: Value, node: Node) -> None:
        """Something held is assigned to a place."""
        if target is None:
            return
        place = self.place_of(target)
        if place and "." not in place and place not in self.outer:
            if target.type == "identifier":
                self.settle(place, value, node)
            return
        if target.type in ("subscript", "attribute"):
            for child in target.named_children[: 1 if target.type == "attribute" else None]:
                self.evaluate(child)
        if not value.places and place:
            self.emit(Kind.CLEAR, place, node, detail=value.empty)
        if place:
            for held in value.places:
                self.hold(place, self.held.get(held))
        self.each(
            value, Kind.ESCAPE, node, detail="stored", other=place or dotted(target) or text(target)[:40]
        )

    def _unpack(self, target: Node, value: Node, node: Node) -> None:
        """`a, b = ...`."""
        parts = [child for child in target.named_children if child.type != "comment"]
        source = value
        while source.type in ("await", "parenthesized_expression") and source.named_children:
            source = source.named_children[0]
        resource = self.acquiring.at(source) if source.type == "call" else None
        self.evaluate(value) if source.type not in ("tuple", "expression_list") else None
        if resource is not None and resource.slots:
            self._slots(parts, source, resource)
            return
        if source.type in ("tuple", "expression_list") and len(source.named_children) == len(parts):
            for part, element in zip(parts, source.named_children, strict=True):
                place = self.place_of(part)
                found = self.evaluate(element, place if place and "." not in place else "")
                self._store(part, found, node)
            return
        for part in parts:
            self._store(part, Value(), node)

    def _slots(self, parts: list[Node], call: Node, resource: Resource) -> None:
        for index in resource.slots:
            place = self.place_of(parts[index]) if index < len(parts) else ""
            if not place and index < len(parts) and parts[index].type == "attribute":
                continue
            if place and place not in self.outer:
                self.hold(place, resource)
                # Told apart by where each element's name stands: the call is one, what it gives is several.
                self.emit(Kind.ACQUIRE, place, call, resource=resource)

    # Branches

    def _if_statement(self, node: Node) -> None:
        after = self.flow.block()
        clauses = [node, *(child for child in node.children_by_field_name("alternative"))]
        for position, clause in enumerate(clauses):
            self.at = span(clause)
            if clause.type == "else_clause":
                self.block(clause.child_by_field_name("body"))
                break
            yes, no = self.flow.block(), self.flow.block()
            known = self.condition(clause.child_by_field_name("condition"), yes, no)
            self.flow.current = yes
            seen = len(self.released)
            body = clause.child_by_field_name("consequence")
            self.block(body)
            released = self.released[seen:]
            falls = self.flow.current is not None
            self.flow.go(after)
            if released and falls and not known and position == len(clauses) - 1 and body is not None:
                places = [place for place in released if not self._released_below(place, node)]
                self.unknown_unless(no, places, clause)
            self.flow.current = no
        self.flow.join(after)

    def _released_below(self, place: str, node: Node) -> bool:
        """Whether the text below a statement names the place again, with one of its releases."""
        end = self.definition.end if self.definition else len(self.module.source)
        below = self.module.source[node.end_byte : end]
        return any(re.search(ending, below) for ending in self.endings(place, re.escape(place.encode())))

    def is_flag(self, name: str) -> bool:
        """Whether a local is only ever set to constants."""
        if name in self._flags:
            return self._flags[name]
        definition = self.definition
        source = self.module.source[definition.start : definition.end] if definition else self.module.source
        spelled = re.escape(name.encode())
        every = len(re.findall(rb"(?<![\w.])" + spelled + rb"\s*=(?!=)", source))
        plain = len(re.findall(rb"(?<![\w.])" + spelled + rb"\s*=\s*(?:True|False|None|0|1)\b", source))
        known = plain > 0 and every == plain and not (definition and name in definition.parameters)
        self._flags[name] = known
        return known

    def _match_statement(self, node: Node) -> None:
        self.use(self.evaluate(node.child_by_field_name("subject")), node, "match")
        after = self.flow.block()
        body = node.child_by_field_name("body")
        for clause in body.named_children if body is not None else ():
            if clause.type != "case_clause":
                continue
            self.at = span(clause)
            yes, no = self.flow.block(), self.flow.block()
            self.flow.edge("normal", yes)
            guard = clause.child_by_field_name("guard")
            patterns = [child for child in clause.named_children if child.type == "case_pattern"]
            if guard is not None or not any(_matches_all(each) for each in patterns):
                self.flow.edge("normal", no)
            self.flow.current = yes
            if guard is not None:
                inside = self.flow.block()
                self.condition(guard.named_children[0], inside, no)
                self.flow.current = inside
            self.block(clause.child_by_field_name("consequence"))
            self.flow.go(after)
            self.flow.current = no if self.entered(no) else None
        self.flow.go(after)
        self.flow.current = after

    # Loops

    def _while_statement(self, node: Node) -> None:
        header, body, over, after = (self.flow.block() for _ in range(4))
        self.flow.join(header)
        self.flow.frames.append(Loop(header, after))
        self.condition(node.child_by_field_name("condition"), body, over)
        self.flow.current = body
        self.block(node.child_by_field_name("body"))
        self.flow.go(header, "loop")
        self.flow.frames.pop()
        self._otherwise(node, over, after)

    def _for_statement(self, node: Node) -> None:
        right = node.child_by_field_name("right")
        asynchronous = node.children[0].type == "async"
        left = node.child_by_field_name("left")
        gathered = self._gathered(right)
        if gathered and left is not None and left.type == "identifier":
            self._for_each(node, gathered, left)
            return
        value = self.evaluate(right)
        header, body, over, after = (self.flow.block() for _ in range(4))
        self.flow.join(header)
        if right is not None:
            for place in value.places:
                self.emit(Kind.USE, place, right, note="reading can raise", detail="iteration", fallible=True)
            if asynchronous:
                self.emit(
                    Kind.CALL, "", right, note="the iteration can raise", detail="async for", fallible=True
                )
        self.flow.edge("normal", body)
        self.flow.edge("normal", over)
        self.flow.current = body
        self.flow.frames.append(Loop(header, after))
        for target in left.named_children if left is not None and left.named_children else (left,):
            place = self.place_of(target)
            if place and target is not None:
                self.emit(Kind.CLEAR, place, target)
        self.block(node.child_by_field_name("body"))
        self.flow.go(header, "loop")
        self.flow.frames.pop()
        self._otherwise(node, over, after)

    def _gathered(self, right: Node | None) -> tuple[str, ...]:
        """The tracked places that a display names, also inside `filter(None, ...)` and the like; () when there are
        none or too many."""
        if right is not None and right.type == "call":
            if dotted(right.child_by_field_name("function")) not in ("filter", "reversed", "list", "tuple"):
                return ()
            listing = right.child_by_field_name("arguments")
            right = listing.named_children[-1] if listing is not None and listing.named_children else None
        if right is None or right.type not in ("tuple", "list", "set"):
            return ()
        places = tuple(
            place for child in right.named_children if (place := self.place_of(child)) in self.tracked
        )
        return places if len(places) <= _MOST_GATHERED else ()

    def _for_each(self, node: Node, places: tuple[str, ...], left: Node) -> None:
        """`for f in (a, b):` runs for every one of them: what it does to `f` it does to each."""
        over, after = self.flow.block(), self.flow.block()
        for place in places:
            following = self.flow.block()
            self.move(place, text(left), left)
            self.flow.frames.append(Loop(following, after))
            self.block(node.child_by_field_name("body"))
            self.flow.frames.pop()
            self.flow.go(following)
            self.flow.current = following if self.entered(following) else None
        self.flow.go(over)
        self._otherwise(node, over, after)

    def _otherwise(self, node: Node, over: int, after: int) -> None:
        """A loop's else, and what follows the loop."""
        self.flow.current = over if self.entered(over) else None
        alternative = node.child_by_field_name("alternative")
        if alternative is not None and self.flow.current is not None:
            self.block(alternative.child_by_field_name("body"))
        self.flow.go(after)
        self.flow.current = after if self.entered(after) else None


def _matches_all(pattern: Node) -> bool:
    shown = text(pattern)
    return shown == "_" or shown.isidentifier()


__all__ = ["MODULE", "Lowering", "TooDeep"]
