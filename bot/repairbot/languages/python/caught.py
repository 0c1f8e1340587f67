"""Values that a handler releases before it raises again: the function itself says that it owns them, whatever
made them. They are tracked for one question only: does the handler catch all that it should?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from tree_sitter import Node

from repairbot.languages.python.acquiring import Acquiring
from repairbot.languages.python.syntax import captures, text
from repairbot.lazily import regex
from repairbot.lifetimes.ops import Resource

_HANDLER: Final = regex(
    rb"^([ \t]+)except[ \t]+Exception\b[^\n]*:[^\n]*\n(?:\1[ \t]+[^\n]*\n){0,3}?"
    rb"\1[ \t]+(await[ \t]+)?([A-Za-z_]\w*)\.(close|aclose|disconnect|terminate|abort)\(\)",
    re.MULTILINE,
)


def made(acquiring: Acquiring) -> Iterator[Node]:
    """The calls that make such values, now known to acquire a resource that has no acquiring names."""
    source = acquiring.module.source
    if b"except Exception" not in source:
        return
    for match in _HANDLER.finditer(source):
        function = acquiring.module.function_at(match.start())
        if function is None:
            continue
        name = match[3].decode()
        resource = Resource(
            f"{name}, released in a handler",
            name,
            (),
            (f".{match[4].decode()}",),
            asynchronous=match[2] is not None,
            origin="inferred",
        )
        for call in assigned(function.node, name):
            if (call.start_byte, call.end_byte) not in acquiring.sites:
                acquiring.sites[call.start_byte, call.end_byte] = resource
                yield call


def assigned(function: Node, name: str) -> list[Node]:
    """The calls whose values the name is given, none when it also gets something else."""
    found: list[Node] = []
    for assignment in captures("(assignment) @a", function).get("a", []):
        left, right = assignment.child_by_field_name("left"), assignment.child_by_field_name("right")
        if text(left) != name or right is None or right.type == "none":
            continue
        call = right.named_children[0] if right.type == "await" and right.named_children else right
        if call.type != "call":
            return []
        found.append(call)
    return found
