"""What a repair has to see of a file: the rest is blanked, so that a large file costs no more than a small one.

libcst builds Python objects for every token, at a cost of 50 microseconds a line and more. A repair inside one
definition reads that definition, the module's own statements and the definitions it names; the bodies of all
others become `pass` and blanks of the same length, so that every offset stays what it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from tree_sitter import Node, Parser

from repairbot.languages.python.syntax import LANGUAGE, text
from repairbot.lifetimes.ops import Intent

_FILLER = b"pass"
_WORD = re.compile(r"[^\W\d]\w*")


def seen(data: bytes, intent: Intent) -> bytes:
    """The source with the bodies blanked that this intent does not speak of; all of it for the module's own code."""
    root = Parser(LANGUAGE).parse(data).root_node
    if root.has_error:
        return data
    definitions = [
        (outer, inner) for outer in root.named_children if (inner := _definition(outer)) is not None
    ]
    spans = (intent.at, *intent.spans)
    if not all(any(_inside(span.start, outer) for outer, _ in definitions) for span in spans):
        return data
    named = {word for value in intent.args.values() for word in _WORD.findall(value)}
    parts, last = [], 0
    for start, end in _bodies(definitions, named, [span.start for span in spans]):
        parts += [data[last:start], _FILLER.ljust(end - start)]
        last = end
    return b"".join((*parts, data[last:]))


def _bodies(
    definitions: list[tuple[Node, Node]], named: set[str], places: list[int]
) -> Iterator[tuple[int, int]]:
    """The bodies to blank, in the order of the source."""
    for outer, inner in definitions:
        body = inner.child_by_field_name("body")
        if body is None or text(inner.child_by_field_name("name")) in named:
            continue
        if any(_inside(place, outer) for place in places) or body.end_byte - body.start_byte < len(_FILLER):
            continue
        yield body.start_byte, body.end_byte


def _definition(node: Node) -> Node | None:
    """The function or class that a statement of the module defines."""
    inner = node.child_by_field_name("definition") if node.type == "decorated_definition" else node
    return inner if inner is not None and inner.type in ("function_definition", "class_definition") else None


def _inside(place: int, node: Node) -> bool:
    return node.start_byte <= place < node.end_byte
