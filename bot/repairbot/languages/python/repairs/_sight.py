"""What a repair has to see of a file: the rest is blanked, so that a large file costs no more than a small one.

libcst builds Python objects for every token, at a cost of 50 microseconds a line and more. A repair inside one
definition reads that definition, the module's own statements, and the definitions and imports that it names.
All other definitions keep their decorators and their name alone, long values that the module keeps become a
word, and imports keep their first name; blanks take up the difference, so that every offset stays what it is.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import NamedTuple

from tree_sitter import Node

from repairbot.languages.python.syntax import parsed, text
from repairbot.lazily import regex
from repairbot.lifetimes.ops import Intent

CONSTRUCTORS = frozenset({"__init__", "__new__", "__post_init__", "setUp"})
"""Methods that are always seen: they say which members an object has from its start."""
_LONG = 60
"""Bytes from which on a value of the module is not seen."""
_WORD = regex(r"[^\W\d]\w*")


class _Dark(NamedTuple):
    """Bytes that are not seen, and what stands there instead, blanks behind it."""

    start: int
    end: int
    text: bytes


def seen(data: bytes, intent: Intent) -> bytes:
    """The source with what this intent does not speak of blanked; all of it for the module's own code."""
    root = parsed(data).root_node
    places = [span.start for span in (intent.at, *intent.spans)]
    if root.has_error or not all(
        any(_inside(place, outer) for outer, _ in _definitions(root)) for place in places
    ):
        return data
    named = {word for value in intent.args.values() for word in _WORD.findall(value)} | CONSTRUCTORS
    parts, last = [], 0
    for dark in sorted((*_definitions_unseen(root, places, named), *_statements_unseen(root, named))):
        if len(dark.text) <= dark.end - dark.start:
            parts += [data[last : dark.start], dark.text.ljust(dark.end - dark.start)]
            last = dark.end
    return b"".join((*parts, data[last:]))


def _definitions_unseen(suite: Node, places: list[int], named: set[str]) -> Iterator[_Dark]:
    """The definitions in a module or a class, from behind their name to their end."""
    for outer, inner in _definitions(suite):
        name, body = inner.child_by_field_name("name"), inner.child_by_field_name("body")
        if name is None or body is None:
            continue
        if any(_inside(place, outer) for place in places):
            if inner.type == "class_definition":
                yield from _definitions_unseen(body, places, named)
        elif text(name) not in named:
            head = b":pass" if inner.type == "class_definition" else b"():pass"
            yield _Dark(name.end_byte, body.end_byte, head)


def _statements_unseen(root: Node, named: set[str]) -> Iterator[_Dark]:
    """The long values that the module's names are given, and the long imports of other people's names."""
    for statement in root.named_children:
        if statement.type == "import_from_statement":
            yield from _import_unseen(statement, named)
        elif statement.type == "expression_statement" and statement.named_child_count == 1:
            assigned = statement.named_children[0]
            value = assigned.child_by_field_name("right") if assigned.type == "assignment" else None
            if value is not None and value.end_byte - value.start_byte >= _LONG:
                yield _Dark(value.start_byte, value.end_byte, b"()")


def _import_unseen(statement: Node, named: set[str]) -> Iterator[_Dark]:
    """The names behind the first in `from module import (a, b)`, unless the intent or a repair may look for one."""
    module = text(statement.child_by_field_name("module_name"))
    names = statement.children_by_field_name("name")
    if (
        len(names) < 2
        or module.partition(".")[0] in sys.stdlib_module_names
        or not named.isdisjoint(_WORD.findall(text(statement)))
    ):
        return
    bracket = statement.children[-1]
    if bracket.type == ")":
        yield _Dark(names[0].end_byte, bracket.start_byte, b"")


def _definitions(suite: Node) -> Iterator[tuple[Node, Node]]:
    """The functions and classes that stand in a suite, with their decorators and without."""
    for outer in suite.named_children:
        inner = outer.child_by_field_name("definition") if outer.type == "decorated_definition" else outer
        if inner is not None and inner.type in ("function_definition", "class_definition"):
            yield outer, inner


def _inside(place: int, node: Node) -> bool:
    return node.start_byte <= place < node.end_byte
