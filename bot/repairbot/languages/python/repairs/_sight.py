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

CONSTRUCTORS = frozenset({"__init__", "__new__", "__post_init__", "setUp"})
"""Methods that are always seen: they say which members an object has from its start."""
_FILLER = b"pass"
_WORD = re.compile(r"[^\W\d]\w*")


def seen(data: bytes, intent: Intent) -> bytes:
    """The source with the bodies blanked that this intent does not speak of; all of it for the module's own code."""
    root = Parser(LANGUAGE).parse(data).root_node
    places = [span.start for span in (intent.at, *intent.spans)]
    if root.has_error or not all(
        any(_inside(place, outer) for outer, _ in _definitions(root)) for place in places
    ):
        return data
    named = {word for value in intent.args.values() for word in _WORD.findall(value)} | CONSTRUCTORS
    parts, last = [], 0
    for body in _dark(root, places, named):
        parts += [data[last : body.start_byte], _FILLER.ljust(body.end_byte - body.start_byte)]
        last = body.end_byte
    return b"".join((*parts, data[last:]))


def _dark(suite: Node, places: list[int], named: set[str]) -> Iterator[Node]:
    """The bodies to blank in a module or a class, in the order of the source."""
    for outer, inner in _definitions(suite):
        body = inner.child_by_field_name("body")
        if body is None:
            continue
        if any(_inside(place, outer) for place in places):
            if inner.type == "class_definition":
                yield from _dark(body, places, named)
        elif text(inner.child_by_field_name("name")) not in named and len(body.text or b"") >= len(_FILLER):
            yield body


def _definitions(suite: Node) -> Iterator[tuple[Node, Node]]:
    """The functions and classes that stand in a suite, with their decorators and without."""
    for outer in suite.named_children:
        inner = outer.child_by_field_name("definition") if outer.type == "decorated_definition" else outer
        if inner is not None and inner.type in ("function_definition", "class_definition"):
            yield outer, inner


def _inside(place: int, node: Node) -> bool:
    return node.start_byte <= place < node.end_byte
