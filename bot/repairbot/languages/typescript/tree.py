"""The syntax tree as plain nodes: one walk over tree-sitter's, which is slow to ask, and then Python objects alone.

Only named nodes are kept, without comments; types are leaves. Kinds are those of the grammars
(https://github.com/tree-sitter/tree-sitter-typescript, https://github.com/tree-sitter/tree-sitter-javascript).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Final

from tree_sitter import Language, Node, Parser

from repairbot.languages.grammar import binding

_DROPPED: Final = frozenset(
    {
        "comment",
        "optional_chain",
        "type_arguments",
        "type_parameters",
        "implements_clause",
        "override_modifier",
    }
)
_LEAVES: Final = frozenset(
    {
        "type_annotation", "interface_declaration", "type_alias_declaration", "import_statement", "string",
        "regex", "ambient_declaration", "enum_declaration", "abstract_method_signature", "method_signature",
        "generic_type", "union_type", "object_type", "array_type", "predefined_type", "function_type",
        "tuple_type", "intersection_type", "literal_type", "lookup_type", "type_query", "index_type_query",
        "parenthesized_type", "conditional_type", "readonly_type", "nested_type_identifier",
        "function_signature", "property_signature", "type_predicate_annotation", "asserts_annotation",
    }
)  # fmt: skip
"""Kinds below which nothing runs. What is imported is read from the text of the statement."""
_ENDS: Final = _LEAVES | {
    "identifier", "property_identifier", "private_property_identifier", "shorthand_property_identifier", "this",
    "super", "null", "undefined", "true", "false", "number", "type_identifier", "accessibility_modifier",
    "statement_identifier",     "shorthand_property_identifier_pattern", "jsx_text",
}  # fmt: skip
"""Kinds that have nothing below them, or nothing that matters."""
FUNCTIONS: Final = frozenset(
    {
        "function_declaration", "function_expression", "arrow_function", "method_definition",
        "generator_function_declaration", "generator_function",
    }
)  # fmt: skip
CALLS: Final = frozenset({"call_expression", "new_expression"})
CLASSES: Final = frozenset({"class_declaration", "abstract_class_declaration", "class"})


_LISTED: Final = (
    *sorted(FUNCTIONS | CALLS | CLASSES), "if_statement", "assignment_expression",
    "augmented_assignment_expression", "ERROR",
)  # fmt: skip


class N:
    """One node: its kind, its bytes from `start` to `end`, its children and its parent."""

    __slots__ = ("end", "kids", "kind", "start", "up")

    def __init__(self, kind: str, start: int, end: int, up: N | None) -> None:
        self.kind, self.start, self.end, self.up = kind, start, end, up
        self.kids: list[N] = []

    def __repr__(self) -> str:
        return f"<{self.kind} {self.start}..{self.end}>"

    def of(self, *kinds: str) -> N | None:
        """The first child of one of these kinds."""
        return next((kid for kid in self.kids if kid.kind in kinds), None)

    def above(self) -> Iterator[N]:
        """The nodes around it, the nearest first."""
        node = self.up
        while node is not None:
            yield node
            node = node.up

    def walk(self) -> Iterator[N]:
        """The node and all below it, in the order of the source."""
        waiting: list[N] = [self]
        while waiting:
            node = waiting.pop()
            yield node
            waiting.extend(reversed(node.kids))


@cache
def _parser(grammar: str) -> Parser:
    if grammar == "javascript":
        return Parser(Language(binding("tree_sitter_javascript").language()))
    return Parser(Language(getattr(binding("tree_sitter_typescript"), f"language_{grammar}")()))


def grammar_of(path: str, language: str) -> str:
    """The grammar for a file, by its suffix."""
    if language == "javascript":
        return "javascript"
    return "tsx" if path.endswith(".tsx") else "typescript"


def parse(source: bytes, grammar: str) -> Node:
    """tree-sitter's tree of a source."""
    return _parser(grammar).parse(source).root_node


def errors_of(root: Node) -> list[tuple[int, int]]:
    """The outermost places that do not parse, or lack something."""
    found: list[tuple[int, int]] = []
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if node.is_error or node.is_missing:
            found.append((node.start_byte, node.end_byte))
        elif node.has_error:
            waiting.extend(reversed(node.children))
    return found


class Tree:
    """The plain tree of a file, with the nodes of some kinds by their kind, in the order of the source."""

    def __init__(self, root: Node) -> None:
        self.top = N(root.type, root.start_byte, root.end_byte, None)
        self.by_kind: dict[str, list[N]] = {kind: [] for kind in _LISTED}
        self._inner: list[N] = []
        by_kind = self.by_kind
        waiting: list[tuple[Node, N]] = [(root, self.top)]
        inner = self._inner
        while waiting:
            node, made = waiting.pop()
            inner.append(made)
            kids = made.kids
            for child in node.named_children:
                kind = child.type
                if kind in _DROPPED:
                    continue
                kid = N(kind, child.start_byte, child.end_byte, made)
                kids.append(kid)
                if kind in _ENDS:
                    continue
                if kind in by_kind:
                    by_kind[kind].append(kid)
                waiting.append((child, kid))
        for nodes in by_kind.values():
            nodes.sort(key=_place)

    def close(self) -> None:
        """Take the nodes apart, which hold each other."""
        for node in self._inner:
            node.kids = []

    def of(self, *kinds: str) -> list[N]:
        """The nodes of some of the listed kinds, in the order of the source."""
        if len(kinds) == 1:
            return self.by_kind[kinds[0]]
        return sorted((node for kind in kinds for node in self.by_kind[kind]), key=_place)


def _place(node: N) -> tuple[int, int]:
    return node.start, -node.end
