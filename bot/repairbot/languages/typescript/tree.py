"""The syntax tree as plain nodes: one walk over tree-sitter's, which is slow to ask, and then Python objects alone.

Only named nodes are kept, without comments; types are leaves. Kinds are those of the grammars
(https://github.com/tree-sitter/tree-sitter-typescript, https://github.com/tree-sitter/tree-sitter-javascript).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Final

import tree_sitter_javascript
import tree_sitter_typescript
from tree_sitter import Language, Node, Parser

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
        "type_annotation", "interface_declaration", "type_alias_declaration", "import_statement", "string", "regex",
        "ambient_declaration", "enum_declaration", "abstract_method_signature", "method_signature",
        "function_signature", "property_signature", "type_predicate_annotation", "asserts_annotation",
    }
)  # fmt: skip
"""Kinds below which nothing runs. What is imported is read from the text of the statement."""
FUNCTIONS: Final = frozenset(
    {
        "function_declaration", "function_expression", "arrow_function", "method_definition",
        "generator_function_declaration", "generator_function",
    }
)  # fmt: skip
CALLS: Final = frozenset({"call_expression", "new_expression"})
CLASSES: Final = frozenset({"class_declaration", "abstract_class_declaration", "class"})


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
    languages = {
        "typescript": tree_sitter_typescript.language_typescript,
        "tsx": tree_sitter_typescript.language_tsx,
        "javascript": tree_sitter_javascript.language,
    }
    return Parser(Language(languages[grammar]()))


def grammar_of(path: str, language: str) -> str:
    """The grammar for a file, by its suffix."""
    if language == "javascript":
        return "javascript"
    return "tsx" if path.endswith(".tsx") else "typescript"


def parse(source: bytes, grammar: str) -> Node:
    """tree-sitter's tree of a source."""
    return _parser(grammar).parse(source).root_node


def convert(root: Node) -> tuple[N, list[N], list[N]]:
    """The plain tree, the functions and classes in it, and the calls (`new` among them), in the order of the source."""
    top = N(root.type, root.start_byte, root.end_byte, None)
    found: list[N] = []
    calls: list[N] = []
    waiting: list[tuple[Node, N]] = [(root, top)]
    while waiting:
        node, made = waiting.pop()
        kids = made.kids
        for child in node.named_children:
            kind = child.type
            if kind in _DROPPED:
                continue
            kid = N(kind, child.start_byte, child.end_byte, made)
            kids.append(kid)
            if kind in _LEAVES:
                continue
            if child.named_child_count:
                waiting.append((child, kid))
            if kind in CALLS:
                calls.append(kid)
            elif kind in FUNCTIONS or kind in CLASSES:
                found.append(kid)
    found.sort(key=lambda node: (node.start, -node.end))
    calls.sort(key=lambda node: (node.start, -node.end))
    return top, found, calls
