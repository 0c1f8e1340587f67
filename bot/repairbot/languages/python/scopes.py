"""Lowers what surrounds code and runs on its ways out: try with its handlers and cleanup, and with."""

from __future__ import annotations

import re
from abc import abstractmethod
from typing import Final

from tree_sitter import Node

from repairbot.languages.flow import Cleanup, Handler, Handlers
from repairbot.languages.python.callees import CLOSERS
from repairbot.languages.python.expressions import Expressions
from repairbot.languages.python.syntax import dotted, span
from repairbot.languages.python.values import Value
from repairbot.lifetimes.ops import Kind

_EVERYTHING: Final = frozenset({"BaseException"})


class Scopes(Expressions):
    """The part of a function's lowering that handles try and with."""

    @abstractmethod
    def block(self, node: Node | None) -> None:
        """The statements of a block, as far as control comes."""

    def entered(self, block: int) -> bool:
        """Whether anything leads to a block that was made before what leads there."""
        return block in self.flow.reached

    def _try_statement(self, node: Node) -> None:
        final = next((child for child in node.named_children if child.type == "finally_clause"), None)
        clauses = [
            child for child in node.named_children if child.type in ("except_clause", "except_group_clause")
        ]
        after = self.flow.block()
        if final is not None:
            block = next((child for child in final.named_children if child.type == "block"), None)
            self.flow.frames.append(Cleanup(lambda: self.block(block)))
        handlers = [self._handler(clause) for clause in clauses]
        if handlers:
            self.flow.frames.append(Handlers(handlers))
        self.block(node.child_by_field_name("body"))
        if handlers:
            self.flow.frames.pop()
        alternative = next((child for child in node.named_children if child.type == "else_clause"), None)
        if alternative is not None and self.flow.current is not None:
            self.block(alternative.child_by_field_name("body"))
        joined = self.flow.block()
        self.flow.go(joined)
        for clause, handler in zip(clauses, handlers, strict=True):
            self.flow.current = handler.entry if self.entered(handler.entry) else None
            self.flow.cleaning += 1
            for child in clause.named_children:
                if child.type == "block":
                    self.block(child)
            self.flow.cleaning -= 1
            self.flow.go(joined)
        self.flow.current = joined if self.entered(joined) else None
        if final is not None:
            self.flow.pop()
        self.flow.go(after)
        self.flow.current = after if self.entered(after) else None

    def _handler(self, clause: Node) -> Handler:
        heads = [child for child in clause.named_children if child.type not in ("comment", "block")]
        kind = heads[0] if heads else None
        if kind is not None and kind.type == "as_pattern":
            kind = kind.named_children[0]
        reraises = re.search(rb"\braise\b", clause.text or b"") is not None
        if kind is None:
            return Handler(self.flow.block(), "all")
        parts = kind.named_children if kind.type == "tuple" else [kind]
        names = frozenset(dotted(part) for part in parts)
        if names & _EVERYTHING:
            return Handler(self.flow.block(), "all", names, span(kind), reraises)
        if "Exception" in names:
            wide = any(name.endswith(("CancelledError", "KeyboardInterrupt")) for name in names)
            return Handler(self.flow.block(), "all" if wide else "exceptions", names, span(kind), reraises)
        # One that cleans up was written for the errors that matter there.
        return Handler(
            self.flow.block(), "all" if self._cleans_up(clause) else "some", names, span(kind), reraises
        )

    def _cleans_up(self, clause: Node) -> bool:
        """Whether a handler releases something that is tracked."""
        body = clause.text or b""
        for place in self.tracked:
            name = rb"(?<![\w.])" + re.escape(place.encode())
            if any(re.search(ending, body) for ending in self.endings(place, name)):
                return True
            passed = re.finditer(rb"([\w.]+)\(\s*" + name + rb"\b", body)
            if any(CLOSERS.search(match[1].decode()) for match in passed):
                return True
        return False

    # with

    def _with_statement(self, node: Node) -> None:
        self._with(node, _with_items(node))

    def _with(self, node: Node, items: list[Node]) -> None:
        if not items:
            self.block(node.child_by_field_name("body"))
            return
        item, rest = items[0], items[1:]
        asynchronous = node.children[0].type == "async"
        value, alias = _with_parts(item)
        place = self.place_of(alias) if alias is not None else ""
        callee = dotted(value.child_by_field_name("function")) if value.type == "call" else ""
        if callee.rpartition(".")[2] == "suppress":
            self._suppressing(node, value, rest)
            return
        found = self._entering(value, place)
        at = self.at
        resources = [held for name in found.places if (held := self.held.get(name)) is not None]
        closing = callee.rpartition(".")[2] in ("closing", "aclosing")
        ends = bool(found.places) and (closing or all(held.scope == "releases" for held in resources))
        if not ends:
            if asynchronous:
                self.emit(Kind.CALL, "", value, note="entering can raise", detail="async with", fallible=True)
            self._with(node, rest)
            return

        def leave() -> None:
            outside, self.at = self.at, at
            for name in found.places:
                self.emit(Kind.RELEASE, name, value, detail="scope")
            self.at = outside

        self.flow.frames.append(Cleanup(leave))
        if asynchronous:
            self.emit(Kind.CALL, "", value, note="entering can raise", detail="async with", fallible=True)
        self._with(node, rest)
        self.flow.pop()

    def _entering(self, value: Node, place: str) -> Value:
        """The value of a with item; one that is acquired there is held by the scope."""
        inner = value.named_children[0] if value.type == "await" and value.named_children else value
        resource = self.acquiring.at(inner) if inner.type == "call" else None
        if resource is not None and not resource.slots and place not in self.outer:
            for argument, _ in self.arguments(inner):
                self.pass_to_maker(argument, resource, dotted(inner.child_by_field_name("function")), inner)
            self.receiver(inner.child_by_field_name("function"))
            name = place or self.nameless(inner)
            self.hold(name, resource)
            callee = dotted(inner.child_by_field_name("function"))
            self.emit(
                Kind.ACQUIRE,
                name,
                inner,
                note=f"{callee}() can raise",
                resource=resource,
                fallible=True,
                detail="scope",
            )
            return Value((name,))
        found = self.evaluate(value, place)
        if place:
            self.settle(place, found, value)
        return found

    def _suppressing(self, node: Node, value: Node, rest: list[Node]) -> None:
        """`with suppress(...)`: errors go on behind it."""
        after = self.flow.block()
        names = frozenset(dotted(child) for child in _children(value.child_by_field_name("arguments")))
        catches = "all" if names & _EVERYTHING else "exceptions" if "Exception" in names else "some"
        handler = Handler(self.flow.block(), catches, names)  # type: ignore[arg-type]
        self.flow.frames.append(Handlers([handler]))
        self._with(node, rest)
        self.flow.frames.pop()
        self.flow.go(after)
        self.flow.current = handler.entry
        self.flow.join(after)
        self.flow.current = after if self.entered(after) else None


def _children(node: Node | None) -> list[Node]:
    return node.named_children if node is not None else []


def _with_items(node: Node) -> list[Node]:
    clause = next((child for child in node.named_children if child.type == "with_clause"), None)
    items = [child for child in _children(clause) if child.type == "with_item"]
    if len(items) == 1 and items[0].named_children and items[0].named_children[0].type == "tuple":
        return [child for child in items[0].named_children[0].named_children if child.type != "comment"]
    return items


def _with_parts(item: Node) -> tuple[Node, Node | None]:
    """The value and the target of a with item."""
    value = item.named_children[0] if item.type == "with_item" else item
    if value.type == "as_pattern":
        alias = value.child_by_field_name("alias")
        target = alias.named_children[0] if alias is not None and alias.named_children else None
        return value.named_children[0], target
    return value, None
