"""One function as the recognisers look at it: its nodes with what stands around them, and its local names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from typing import Final

from repairbot.languages.rust.syntax import Definition, Module, Struct, base
from repairbot.languages.rust.tree import N
from repairbot.lifetimes.ops import Idiom, Intent, Load
from repairbot.model import Confidence, Span, Step

_HANDS_ON: Final = frozenset({"try", "await", "ref", "deref", "unary", "cast"})


class Body:
    """One function's body. Raises TooDeep when it is made."""

    def __init__(self, module: Module, definition: Definition) -> None:
        self.module, self.definition = module, definition
        root = definition.body
        assert root is not None
        self.root = root
        self.nodes = list(root.walk())
        self.idioms: list[Idiom] = []
        self.loads: list[Load] = []

    @cached_property
    def parents(self) -> dict[int, N]:
        """What stands around each node, by the node's id()."""
        return {id(part): node for node in self.nodes for part in node.parts if part is not None}

    @cached_property
    def calls(self) -> list[N]:
        """All calls, in the order of the source."""
        return [node for node in self.nodes if node.kind == "call"]

    @cached_property
    def lets(self) -> dict[str, list[N]]:
        """The `let`s that bind each name."""
        found: dict[str, list[N]] = {}
        for node in self.nodes:
            if node.kind in ("let", "test"):
                for name in node.names:
                    found.setdefault(name, []).append(node)
        return found

    @property
    def owner(self) -> Struct | None:
        """The struct whose method this is, where it stands in this file."""
        return self.module.structs.get(self.definition.owner)

    def around(self, node: N) -> Iterator[N]:
        """What stands around a node, from the inside."""
        parent = self.parents.get(id(node))
        while parent is not None:
            yield parent
            parent = self.parents.get(id(parent))

    def statement(self, node: N) -> N:
        """The statement that a node stands in, of the innermost block."""
        found = node
        for parent in self.around(node):
            if parent.kind == "block":
                return found
            found = parent
        return found

    def value_of(self, name: str, before: int) -> N | None:
        """The value that the name was last given by a `let` that is in scope there."""
        found: N | None = None
        for let in self.lets.get(name, ()):
            if let.end <= before and let.kind == "let" and self._reaches(let, before):
                found = let.parts[0]
        return found

    def let_of(self, name: str, before: int) -> N | None:
        """The `let` that gave the name last."""
        found: N | None = None
        for let in self.lets.get(name, ()):
            if let.end <= before and let.kind == "let" and self._reaches(let, before):
                found = let
        return found

    def _reaches(self, let: N, offset: int) -> bool:
        block = self.parents.get(id(let))
        return block is None or block.start <= offset <= block.end

    def text(self, node: N | None) -> str:
        """A node's source text."""
        return self.module.text(node)

    def flat(self, node: N | None) -> str:
        """A node's text without blanks."""
        return self.module.flat(node)

    def line(self, node: N) -> int:
        """The line where a node begins."""
        return self.module.line(node.start)

    def report(
        self,
        rule: str,
        node: N | Span,
        place: str,
        message: str,
        steps: tuple[Step, ...],
        *,
        evidence: tuple[Step, ...] = (),
        confidence: Confidence = "high",
        intents: tuple[Intent, ...] = (),
        refusal: str = "",
    ) -> None:
        """A leak that is an idiom: the rule of that name reports it."""
        at = node if isinstance(node, Span) else self.module.at(node)
        self.idioms.append(
            Idiom(
                rule,
                self.definition.symbol,
                place,
                at,
                message,
                steps,
                evidence,
                confidence,
                intents,
                refusal,
            )
        )


def method(node: N | None) -> str:
    """The name of the method or function that a call calls, without its path; "" for other nodes."""
    if node is None or node.kind != "call":
        return ""
    callee = node.first
    return callee.text.rpartition("::")[2] if callee.kind in ("field", "path", "name") else ""


def receiver(node: N) -> N | None:
    """The object of a method call."""
    return node.first.parts[0] if node.kind == "call" and node.first.kind == "field" else None


def bare(node: N | None) -> N | None:
    """What stands below `?`, `.await`, `&`, `*` and casts."""
    while node is not None and node.kind in _HANDS_ON:
        node = node.parts[0]
    return node


def chain(node: N | None) -> Iterator[N]:
    """A chain of calls and members from its end to its root: `a.b().c` gives `.c`, `b()`, `a`."""
    while node is not None:
        yield node
        if node.kind == "call":
            node = node.first.parts[0] if node.first.kind == "field" else None
        elif node.kind in ("field", "index", *_HANDS_ON):
            node = node.parts[0]
        else:
            return


def mentions(node: N | None, name: str) -> bool:
    """Whether a name is used in a node; macros are not looked into here."""
    return node is not None and any(each.kind == "name" and each.text == name for each in node.walk())


def named(text: str, name: str) -> bool:
    """Whether a name occurs in a text as a word of its own."""
    return re.search(rf"(?<![\w.]){re.escape(name)}\b", text) is not None


def inner(typed: str, wrapper: str) -> str:
    """What stands in the angle brackets of a wrapper in a type: `Option<Vec<T>>`, Vec gives T; "" for none."""
    match = re.search(rf"\b{wrapper}\s*<", typed)
    if not match:
        return ""
    depth, start = 0, match.end()
    for position in range(match.end() - 1, len(typed)):
        depth += (
            {"<": 1, ">": -1}.get(typed[position], 0) if typed[position - 1 : position + 1] != "->" else 0
        )
        if depth == 0:
            return typed[start:position].strip()
    return ""


__all__ = ["Body", "bare", "base", "chain", "inner", "mentions", "method", "named", "receiver"]
