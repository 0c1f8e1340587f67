"""Lowers the statements of one Zig function to blocks and edges."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from tree_sitter import Node

from repairbot.languages.flow import Cleanup, Loop
from repairbot.languages.zig.acquiring import CONTAINER, Acquiring, shape
from repairbot.languages.zig.callees import callees
from repairbot.languages.zig.calls import Growing
from repairbot.languages.zig.expressions import Expressions
from repairbot.languages.zig.members import Store
from repairbot.languages.zig.prospects import Prospects
from repairbot.languages.zig.summaries import Oracle
from repairbot.languages.zig.syntax import Definition
from repairbot.languages.zig.tree import Block, N, read
from repairbot.languages.zig.values import TRY, Value, inside
from repairbot.languages.zig.words import has_word
from repairbot.lifetimes.ops import EXIT, Edge, Function, Idiom, Kind, Resource

_DECLARED: Final = re.compile(
    rb"(?:comptime\s+)?(?:const|var)\s+(\w+)\s*(?::[^=;]*)?(,|=\s*(?:null|undefined)\s*;)?"
)
_JUMPS: Final = re.compile(rb"(?:return|break|continue|unreachable|defer|errdefer)\b")
_FLAG: Final = re.compile(rb"var\s+(\w+)\s*(?::\s*bool\s*)?=\s*(?:true|false)\s*;")

Seeds = dict[str, Resource | None]
"""Places, and what they hold where that is known."""


class Lowering(Expressions):
    """One function while it is lowered."""

    def __init__(
        self,
        acquiring: Acquiring,
        oracle: Oracle,
        prospects: Prospects,
        definition: Definition,
        *,
        brief: bool = False,
    ) -> None:
        super().__init__(acquiring, oracle, prospects, definition, brief=brief)
        self.results = []
        self.stores: list[Store] = []
        self.idioms: list[Idiom] = []
        self.flags = {name.decode("utf-8", "replace") for name in _FLAG.findall(definition.text)}
        self.looped: set[str] = set()
        """Captures of `for`: elements that the loop may only just make."""
        self.ended = False
        """A brief look met cleanup of what it follows: on which ways has to be looked at."""
        self.mixed = False
        """Some return gives a value that this function does not own."""

    @property
    def seeds(self) -> Seeds:
        """What was found to hold something, by name."""
        return {place: self.held.get(place) for place in sorted(self.tracked) if not place.startswith("%")}

    def seed(self, seeds: Seeds) -> None:
        """What an earlier look at the same function found to hold something, is known from the start."""
        for place, held in seeds.items():
            self.track(place)
            if held is not None:
                self.held[place] = held

    def run(self, parameters: dict[str, Resource] | None = None) -> Function:
        """The function's graph. `parameters`: places that hold something from the start (for summaries)."""
        body = self.definition.body
        assert body is not None
        head = N("opaque", self.definition.node.start_byte, body.start)
        for place, resource in (parameters or {}).items():
            self.hold(place, resource)
            self.emit(Kind.ACQUIRE, place, head, resource=resource)
            self.followed.add(place)
        for number, parameter in enumerate(self.definition.parameters):
            if "Allocator" in parameter.type and self.acquiring.given.arena(self.definition, number):
                self.arenas.add(parameter.name)
        try:
            self.block(body)
        finally:
            self.cleanups.clear()  # they know this lowering, and it should be gone with its last user
            self.flow.frames.clear()
        node = self.definition.node
        whole = self.module.span(node.start_byte, node.end_byte)
        if self.flow.current is not None:
            self.flow.blocks[self.flow.current].edges.append(Edge("exit", EXIT, whole.end_line, "the end"))
        owner = self.definition.owner
        return Function(
            self.definition.symbol,
            tuple(parameter.name for parameter in self.definition.parameters),
            whole,
            self.flow.finish(self.tracked),
            owner.symbol,
            heedless=b"errdefer" not in self.module.source,
        )

    # Blocks and statements

    def block(self, node: N) -> None:
        """The statements of a block, as far as control comes; its cleanups run at its end."""
        assert isinstance(node, Block)
        depth, scope, within = len(self.flow.frames), dict(self.scope), self.within
        self.within = node.end
        for raw in node.statements:
            if self.flow.current is None:
                break
            if self._passes(raw):
                continue
            statement = node.read(raw)
            before, self.at = self.at, self.module.at(statement)
            self.statement(statement)
            self.at = before
        while len(self.flow.frames) > depth:
            self.flow.pop()
        self.scope, self.within = scope, within

    def _passes(self, raw: Node) -> bool:
        """Whether a statement is passed over unread; the name that it declares is looked at when it is asked for."""
        start, end = raw.start_byte, raw.end_byte
        if not self.interest.quiet(start, end):
            return False
        if self.interest.leaves(start, end) if self.alive else self.interest.breaks(start, end):
            return False
        if raw.type == "variable_declaration":
            declared = _DECLARED.match(self.module.source, start, end)
            if declared is not None:
                if declared[2]:
                    return False
                before, self.at = self.at, self.module.span(start, end)
                self.pending[self.declare(declared[1].decode("utf-8", "replace"))] = raw
                self.at = before
            return True
        return not _JUMPS.match(self.module.source, start, end)

    def typed(self, place: str) -> str:
        """The text of a place's type; a declaration that was passed over is read now."""
        raw = self.pending.pop(place, None)
        if raw is not None:
            node = read(raw)
            self._allocator(place, place.partition("#")[0], node)
            self.types[place] = node.text or self._type(node.parts[0])
        return self.types.get(place, "")

    def statement(self, node: N) -> None:
        """One statement."""
        handler = _STATEMENTS.get(node.kind)
        if handler is not None:
            handler(self, node)
        elif node.kind == "block" and not node.label:
            self.block(node)
        elif node.kind not in ("opaque", "case"):
            self.evaluate(node)

    def _statement(self, node: N) -> None:
        if node.parts[0] is not None:
            self.statement(node.parts[0])

    def _decl(self, node: N) -> None:
        value = node.parts[0]
        if len(node.names) != 1:
            found = self.evaluate(value)
            parts = dict(found.labels)
            for number, name in enumerate(node.names):
                place = self.declare(name)
                for source in found.places:
                    if parts.get(source, f"#{number}") == f"#{number}":
                        self.move(source, place, node)
            return
        name = node.names[0]
        # The value is read in the scope before the name is there.
        scope = dict(self.scope)
        place = self.declare(name)
        mine, self.scope = self.scope, scope
        self.expected = node.text
        self._allocator(place, name, node)
        fresh = self._container(place, node)
        if fresh:
            self.scope = mine
            self.emit(Kind.CLEAR, place, node)
            return
        if node.label == "var" and value is not None and value.kind in ("null", "undefined"):
            self.track(place)  # what it gets later may be released by cleanup that is lowered before
        found = self.evaluate(value, place)
        self.expected = ""
        self.scope = mine
        self.types[place] = node.text or self._type(value)
        if self.flow.current is not None and value is not None:
            self.settle(place, found, value)

    def _type(self, value: N | None) -> str:
        """The text of a value's type."""
        while value is not None and value.kind in ("try", "catch", "orelse", "unwrap"):
            value = value.parts[0]
        if value is None:
            return ""
        if value.kind == "struct":
            return value.text
        if value.kind == "call":
            callee = value.first
            if callee.kind == "field" and callee.text == "create" and len(value.parts) == 2:
                return "*" + self.module.text(value.parts[1])
            found = self.resolve(callee)
            if found is not None:
                returned = found.returns.rpartition("!")[2].strip()
                bare = returned.lstrip("?*")
                return found.owner.name if bare in ("Self", "@This()", *found.owner.aliases) else returned
            if callee.kind == "field" and re.match(r"init|create|from|open", callee.text):
                return self.module.text(callee.first)
        if value.kind in ("name", "field"):
            return self.type_of(value)
        if value.kind == "unary" and value.text == "&":
            return "*" + self.type_of(value.parts[0])
        return ""

    def _allocator(self, place: str, name: str, node: N) -> None:
        """A name for an allocator: an arena's, or one that only may be an arena's."""
        value = node.parts[0]
        if value is None:
            return
        shown = self.module.text(value)
        if value.kind in ("if", "orelse", "switch") and re.search(r"alloc|arena|gpa", shown):
            arms = [part for part in value.parts[1 if value.kind != "orelse" else 0 :] if part is not None]
            if not all(self.is_arena(self.module.text(arm)) for arm in arms):
                self.plain.add(place)
            else:
                self.arenas.add(place)
        elif self.is_arena(shown) and (
            self.allocators.is_one(shown) or shown.endswith((".allocator()", ".get()"))
        ):
            self.arenas.add(place)

    def _container(self, place: str, node: N) -> bool:
        """`var list: std.ArrayList(T) = .empty;` and its kin: empty until it grows."""
        value = node.parts[0]
        if value is None or node.label == "const":
            return False
        typed = node.text
        empty = (value.kind == "enum" and value.text in ("empty", "init")) or (
            value.kind == "struct" and not value.parts
        )
        method, texts = "", [""]
        if value.kind == "struct" and not value.parts and value.text:
            typed = value.text
        elif value.kind == "field" and value.text == "empty":
            typed, empty = self.module.text(value.first), True
        elif value.kind == "call" and value.first.kind in ("field", "enum") and value.first.text == "init":
            method = "init"
            typed = typed if value.first.kind == "enum" else self.module.text(value.first.first)
            texts = [self.module.text(part) for part in value.parts[1:]]
        if not typed or typed.startswith("?"):
            return False
        base = self.acquiring.kind(typed).partition("(")[0]
        known = callees()
        if method and base in known.managed and not self.acquiring.arena(typed):
            allocator = self.acquiring.allocator(texts)
            if not allocator:
                return False
            self.types[place] = typed
            if not self.is_arena(allocator):
                self.lists[place] = Growing(node, (node.start, node.end), CONTAINER)
                self.hold(place, CONTAINER)
            return True
        if empty and base in known.unmanaged:
            self.types[place] = typed
            allocator = self.handed_to(node.names[0])
            if allocator and not self.is_arena(allocator):
                resource = Resource(
                    "container", "container", ("init",), (f".deinit({allocator})",), collected=False
                )
                self.lists[place] = Growing(node, (node.start, node.end), resource)
                self.hold(place, resource)
            return True
        return False

    def _assign(self, node: N) -> None:
        target, value = node.parts
        if target is None or value is None:
            return
        if node.text != "=":
            self.evaluate(value)
            return
        if target.kind == "name" and target.text == "_":
            self.evaluate(value)
            return
        place = self.place_of(target)
        if place:
            self.expected = self.typed(place)
            found = self.evaluate(value, "" if self._names(value, place) else place)
            self.expected = ""
            if self.flow.current is not None:
                self.settle(place, found, node)
            return
        self.evaluate(target.parts[0] if target.parts else None)
        self.expected = self.type_of(target)
        found = self.evaluate(value)
        self.expected = ""
        if self.flow.current is None:
            return
        self.views_handed_on(value, node)
        if target.kind == "field":
            self._note(target, value, found, node)
        self._store(target, found, node)

    def _note(self, target: N, value: N, found: Value, node: N) -> None:
        """A member gets what was made here; what this function releases itself is only lent."""
        if value.kind == "name" and value.text in self.oracle.releases.of(self.definition):
            return
        root = self.root(target)
        if not found.places and root in self.parameters and (guess := self._guess(value)) is not None:
            self._stored(target, value, guess, node, root, guessed=True)
        for place in found.places:
            held = self.held.get(place)
            if found.inside or held is None or "[]" in place or held.id == "anything":
                continue
            self._stored(target, value, held, node, root)

    def _stored(
        self, target: N, value: N, held: Resource, node: N, root: str, *, guessed: bool = False
    ) -> None:
        shown, at = self.module.text(target), self.module.at(node)
        self.stores.append(
            Store(
                self.struct_of(self.type_of(target.first)),
                self.typed(root).lstrip("*? ").removeprefix("const ").rpartition(".")[2] or root,
                target.text,
                shown,
                held,
                at,
                at,
                self.definition,
                bool(root) and root not in self.parameters and (root in self.looped or self.local(root)),
                self._copies(value, shown),
                guessed,
            )
        )

    def _guess(self, value: N) -> Resource | None:
        """`try other.Editor.init(gpa, ...)`: a constructor of another file that is given an allocator and can fail."""
        if value.kind != "try" or value.first.kind != "call":
            return None
        callee = value.first.first
        if callee.kind != "field" or not re.fullmatch(r"init\w*|create\w*|from\w*", callee.text):
            return None
        owner = self.module.text(callee.first)
        texts = [self.module.text(part) for part in value.first.parts[1:]]
        allocator = self.acquiring.allocator(texts)
        if not re.fullmatch(r"(?:\w+\.)*[A-Z]\w*", owner) or not allocator or self.is_arena(allocator):
            return None
        if self.resolve(callee) is not None or self.acquiring.kind(owner).startswith("std."):
            return None
        return Resource(owner, owner, ("init",), (".deinit",), collected=False, origin="inferred")

    def _copies(self, value: N, target: str) -> bool:
        """`x.path = if (x.path) |p| try gpa.dupe(u8, p) else ...`: the old value is there and is only copied."""
        if value.kind != "if" or not value.names or self.module.text(value.parts[0]) != target:
            return False
        return bool(re.search(rf"\.dupeZ?\([^()]*\b{value.names[0]}\)", self.module.text(value.parts[1])))

    def _names(self, value: N, place: str) -> bool:
        """Whether the new value is made from the old one."""
        return has_word(self.module.text(value), place.partition("#")[0])

    def _store(self, target: N, found: Value, node: N) -> None:
        """A value is put into a member, an element, or behind a pointer."""
        root = self.root(target)
        for place in found.places:
            if root and root not in self.parameters and place != root and self.local(root):
                self.put(place, root, node, self._member(target, found, place))
            else:
                self.emit(Kind.ESCAPE, place, node, detail="stored", other=self.module.text(target)[:40])
        self.loan(found, node, "a member")

    def _member(self, target: N, found: Value, place: str) -> str:
        """The member of a local that a value goes into, "" where it is none of its own."""
        if found.inside:
            return found.member(place) if target.kind == "deref" else ""
        if target.kind == "deref":
            return "*"
        return target.text if target.kind == "field" and self.place_of(target.parts[0]) else ""

    # Jumps

    def _return(self, node: N) -> None:
        value = node.parts[0]
        if value is not None and value.kind == "error":
            self.raising(node, f"it returns {value.text}")
            return
        if value is not None and value.kind == "name" and self.place_of(value) in self.errors:
            self.raising(node, "it returns the error")
            return
        self.expected = self.definition.returns.rpartition("!")[2].strip().lstrip("?")
        found = self.evaluate(value, "", TRY if self.definition.fails else None)
        self.expected = ""
        if self.flow.current is None:
            return
        if value is not None and not found.places and found.empty != "none":
            self.mixed = True
        self.each(found, Kind.ESCAPE, node, detail="returned")
        self.loan(found, node, "return")
        self.views_handed_on(value, node)
        self.flow.leave("return", self.at)

    def _break(self, node: N) -> None:
        value = node.parts[0]
        entry = (
            next((item for item in reversed(self.results) if item[0] == node.label), None)
            if node.label
            else None
        )
        into = entry[1] if entry is not None else ""
        found = self.evaluate(value, into)
        if self.flow.current is None:
            return
        if entry is not None:
            if into and found.places and into not in found.places:
                self.settle(into, found, node)
                found = Value((into,), mixed=found.mixed)
            entry[2].append(found)
        self.flow.leave("break", self.at, node.label)

    def _continue(self, node: N) -> None:
        self.flow.leave("continue", self.at, node.label)

    def _defer(self, node: N) -> None:
        body = node.parts[0]
        if body is None:
            return
        scope, at = dict(self.scope), self.at
        self.ended |= self.brief and not self.interest.quiet(node.start, node.end)
        if node.kind == "errdefer":
            # From here on an empty list counts as one that holds something: its release was thought of.
            shown = self.module.text(body)
            for name, place in scope.items():
                if place in self.lists and has_word(shown, name):
                    self.grow(place, body)

        def emit() -> None:
            before, now = self.scope, self.at
            self.scope, self.at = dict(scope), at
            self.statement(body)
            self.scope, self.at = before, now

        frame = Cleanup(emit, errors_only=node.kind == "errdefer")
        self.cleanups.append((frame, self.module.text(body), scope))
        self.flow.frames.append(frame)

    # Loops

    def _turns(self, node: N) -> None:
        """What one round makes, the next one may still hold."""
        self.alive |= not self.brief and not self.interest.quiet(node.start, node.end)

    def _while(self, node: N) -> None:
        condition, step, body, otherwise = node.parts
        self._turns(node)
        header, start, over, after, again = (self.flow.block() for _ in range(5))
        scope = dict(self.scope)
        self.flow.join(header)
        frame = Loop(again if step is not None else header, after, node.label)
        if node.names:
            self.capture(node, condition, start, over)
        else:
            self.condition(condition, start, over)
        self.flow.frames.append(frame)
        self.resume(start)
        if body is not None and self.flow.current is not None:
            self.statement(body)
        if step is not None:
            self.flow.go(again)
            self.resume(again)
            if self.flow.current is not None:
                self.statement(step)
        self.flow.go(header, "loop")
        self.flow.pop()
        self.scope = scope
        self.resume(over)
        if otherwise is not None and self.flow.current is not None:
            for name in node.other:
                self.errors.add(self.declare(name))
            self.statement(otherwise)
            self.scope = scope
        self.flow.go(after)
        self.resume(after)

    def _for(self, node: N) -> None:
        *inputs, body, otherwise = node.parts
        self._turns(node)
        values = [self.evaluate(item) for item in inputs]
        for value in values:
            for place in value.places:
                if inputs[0] is not None:
                    self.emit(Kind.USE, place, inputs[0], detail="iteration")
        header, start, over, after = (self.flow.block() for _ in range(4))
        scope = dict(self.scope)
        self.flow.join(header)
        self.flow.edge("normal", start)
        element = next((part for value in values for part in inside(value) if part in self.tracked), "")
        if element:  # a loop over elements runs at least once where there is one
            self.flow.edge("normal", over, place=element, empty=True)
        else:
            self.flow.edge("normal", over)
        self.flow.frames.append(Loop(header, after, node.label))
        self.flow.current = start
        for number, name in enumerate(node.names):
            if name != "_":
                place = self.declare(name)
                self.looped.add(place)
                if number < len(values):
                    self.view(place, inside(values[number]))
        if body is not None:
            self.statement(body)
        self.flow.go(header, "loop")
        self.flow.pop()
        self.scope = scope
        self.resume(over)
        if otherwise is not None and self.flow.current is not None:
            self.statement(otherwise)
        self.flow.go(after)
        self.resume(after)


_STATEMENTS: Final[dict[str, Callable[[Lowering, N], None]]] = {
    "statement": Lowering._statement,
    "decl": Lowering._decl,
    "assign": Lowering._assign,
    "return": Lowering._return,
    "break": Lowering._break,
    "continue": Lowering._continue,
    "defer": Lowering._defer,
    "errdefer": Lowering._defer,
    "while": Lowering._while,
    "for": Lowering._for,
}

__all__ = ["Lowering", "shape"]
