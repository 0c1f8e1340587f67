"""TypeScript's own rungs of the ladder: it parses, comments are kept, names are bound, other tokens as they were."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from tree_sitter import Node

from repairbot.languages.typescript.repairs._source import Source
from repairbot.languages.typescript.syntax import names_in
from repairbot.languages.typescript.tree import CLASSES, FUNCTIONS, N, parse
from repairbot.model import Check, Edit

_PATTERNS: Final = frozenset(
    {"identifier", "object_pattern", "array_pattern", "assignment_pattern", "rest_pattern", "required_parameter",
     "optional_parameter"}
)  # fmt: skip
_LEAVES: Final = frozenset({"string", "template_string", "regex", "comment", "jsx_text", "string_fragment"})


def inspect(before: bytes, after: bytes, edits: tuple[Edit, ...]) -> tuple[Check, ...]:
    """The checks in the order of their cost; those behind the first that fails are not made."""
    checks: list[Check] = []
    for check in (_parses, _comments, _bound):
        checks.append(check(before, after))
        if checks[-1].result == "failed":
            return tuple(checks)
    checks.append(_tokens(before, after, edits))
    return tuple(checks)


@lru_cache(maxsize=4)
def _source(data: bytes) -> Source:
    return Source(data)


@lru_cache(maxsize=4)
def _tree(data: bytes) -> Node:
    return parse(data, _source(data).module.grammar)


def _walk(node: Node) -> Iterator[Node]:
    waiting = [node]
    while waiting:
        current = waiting.pop()
        yield current
        if current.type not in _LEAVES:
            waiting.extend(reversed(current.children))


def _parses(before: bytes, after: bytes) -> Check:
    """By the tolerant parser: no error that was not there before."""
    was, now = (
        [node for node in _walk(_tree(data)) if node.is_error or node.is_missing]
        if _tree(data).has_error
        else []
        for data in (before, after)
    )
    if len(now) > len(was):
        return Check("parses", "failed", f"line {now[0].start_point[0] + 1} does not parse")
    return Check("parses", "passed")


def _comments(before: bytes, after: bytes) -> Check:
    lost = next(iter(_all_comments(before) - _all_comments(after)), None)
    if lost is not None:
        return Check("comments kept", "failed", f"lost: {lost[:60]}")
    return Check("comments kept", "passed")


@lru_cache(maxsize=4)
def _all_comments(data: bytes) -> Counter[str]:
    found = (node.text or b"" for node in _walk(_tree(data)) if node.type == "comment")
    return Counter(" ".join(text.decode("utf-8", "replace").split()) for text in found)


# Names


def _bound(before: bytes, after: bytes) -> Check:
    """Every name that a repair reads is declared where it is read (or was a global one before)."""
    known = {*_free(before), *_GLOBALS}
    lost = next((name for name in _free(after) if name not in known), None)
    if lost is not None:
        return Check("names bound", "failed", f"{lost} is not declared where it is used")
    return Check("names bound", "passed")


_GLOBALS: Final = frozenset(
    {"Error", "Object", "Array", "Map", "Set", "WeakMap", "WeakRef", "Promise", "URL", "undefined", "process",
     "clearTimeout", "clearInterval", "cancelAnimationFrame", "window", "document", "globalThis"}
)  # fmt: skip


@lru_cache(maxsize=4)
def _free(data: bytes) -> Counter[str]:
    """How often each name is read where nothing around declares it."""
    source = _source(data)
    scopes: dict[int, frozenset[str]] = {}

    def scope(node: N) -> frozenset[str]:
        if id(node) not in scopes:
            scopes[id(node)] = frozenset(_declares(source, node))
        return scopes[id(node)]

    found: Counter[str] = Counter()
    imported = set(source.module.imports)
    for node in source.root.walk():
        if node.kind not in ("identifier", "shorthand_property_identifier"):
            continue
        name = source.text(node)
        if name not in imported and not any(name in scope(up) for up in node.above()):
            found[name] += 1
    return found


def _declares(source: Source, node: N) -> set[str]:
    """The names that a node declares for what stands below it."""
    found: set[str] = set()
    if node.kind in FUNCTIONS:
        for kid in node.kids[:-1] if node.kids else ():
            if kid.kind == "formal_parameters" or kid.kind in _PATTERNS:
                found |= {source.text(name) for name in names_in(kid)}
        found |= _vars(source, node)
        found.add("arguments")
    elif node.kind in ("statement_block", "program", "switch_body", "class_static_block"):
        rows = node.kids if node.kind != "switch_body" else [row for case in node.kids for row in case.kids]
        for row in rows:
            inner = (
                row.kids[-1] if row.kind in ("export_statement", "ambient_declaration") and row.kids else row
            )
            found |= _row(source, inner)
        if node.kind == "program":
            found |= _vars(source, node)
    elif node.kind in ("for_statement", "for_in_statement", "catch_clause") and node.kids:
        found |= _row(source, node.kids[0])
        if node.kids[0].kind in _PATTERNS:
            found |= {source.text(name) for name in names_in(node.kids[0])}
    elif node.kind in CLASSES and node.kids:
        found.add(source.text(node.kids[0]))
    return found


def _row(source: Source, row: N) -> set[str]:
    if row.kind in ("lexical_declaration", "variable_declaration"):
        return {
            source.text(name)
            for kid in row.kids
            if kid.kind == "variable_declarator"
            for name in names_in(kid.kids[0])
        }
    if row.kind == "import_statement":
        return set()
    if row.kind in (*CLASSES, "function_declaration", "generator_function_declaration") and row.kids:
        return {source.text(row.kids[0])}
    if row.kind in ("enum_declaration", "internal_module", "module", "function_signature"):
        words = source.text(row).replace("(", " ").replace("{", " ").split()
        return set(words[:4])
    if (
        row.kind == "expression_statement"
        and row.kids
        and source.text(row).startswith(("using ", "await using "))
    ):
        return {source.text(name) for name in names_in(row.kids[0])}
    return set()


def _vars(source: Source, function: N) -> set[str]:
    """What `var` declares anywhere in a function, and functions in its blocks."""
    found: set[str] = set()
    waiting = list(function.kids)
    while waiting:
        node = waiting.pop()
        if node.kind in FUNCTIONS:
            if node.kind.endswith("_declaration") and node.kids:
                found.add(source.text(node.kids[0]))
            continue
        if node.kind == "variable_declaration":
            found |= _row(source, node)
        if node.kind not in CLASSES:
            waiting.extend(node.kids)
    return found


# Tokens


def _tokens(before: bytes, after: bytes, edits: tuple[Edit, ...]) -> Check:
    """Every token that no edit names is there as it was: nothing was joined, split or turned into a text."""
    was = _spelled(before, [(edit.start, edit.end) for edit in edits])
    places, shift = [], 0
    for edit in sorted(edits, key=lambda edit: (edit.start, edit.end)):
        size = len(edit.text.encode())
        places.append((edit.start + shift, edit.start + shift + size))
        shift += size - (edit.end - edit.start)
    now = _spelled(after, places)
    if was != now:
        lost = next(
            (word for word, other in zip(was, now, strict=False) if word != other), "one more or less"
        )
        return Check("tokens kept", "failed", f"another token than before: {lost[:40]}")
    return Check("tokens kept", "passed")


def _spelled(data: bytes, places: list[tuple[int, int]]) -> list[str]:
    """The tokens of a file that no place touches."""
    places = sorted(places)
    found: list[str] = []
    at = 0
    for node in _walk(_tree(data)):
        if node.child_count and node.type not in _LEAVES:
            continue
        while at < len(places) and places[at][1] < node.start_byte:
            at += 1
        touched = any(first < node.end_byte and node.start_byte < last for first, last in places[at : at + 8])
        if not touched and node.type != "comment" and node.type != ";":
            found.append(" ".join((node.text or b"").decode("utf-8", "replace").split()))
    return found
