"""Values of unknown calls that a function shows to be its own, by how it ends them.

Two pictures are evidence enough: the value is closed in a handler or in `finally`; or it goes back to the very
object it was taken from (`x = pool.get()` and `pool.give_back(x)`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from tree_sitter import Node

from repairbot.languages.python.acquiring import Acquiring
from repairbot.languages.python.syntax import Definition, Module, dotted
from repairbot.lifetimes.ops import Resource

_CLOSES: Final = re.compile(rb"\.(?:a?close|dispose|disconnect|shutdown)\(\)")
_GIVES: Final = re.compile(rb"\.\w*(?:return|release|give_back|put_?conn|putback|check_?in)\w*\((\w+)\)")
_TAKES: Final = re.compile(r"(?:^|_)(?:get|take|acquire|checkout|check_out|borrow|pop|lease)(?:_|$)|^_?(?:connection|getconn)$")
_CLEANUP: Final = frozenset({"finally_clause", "except_clause", "except_group_clause"})


def found(acquiring: Acquiring) -> Iterator[tuple[Node, Resource]]:
    """The calls whose values are owned, with what they give."""
    module = acquiring.module
    if b".close()" in module.source or b"close()" in module.source:
        for match in _CLOSES.finditer(module.source):
            yield from _closed(module, match)
    for match in _GIVES.finditer(module.source):
        yield from _given_back(module, match)


def _call_at(module: Module, match: re.Match[bytes]) -> Node | None:
    """The call whose callee's last dot is where the match begins."""
    node = module.root.descendant_for_byte_range(match.start(), match.start() + 1)
    attribute = node if node is not None and node.type == "attribute" else node.parent if node is not None else None
    call = attribute.parent if attribute is not None and attribute.type == "attribute" else None
    return call if call is not None and call.type == "call" else None


def _closed(module: Module, match: re.Match[bytes]) -> Iterator[tuple[Node, Resource]]:
    close = _call_at(module, match)
    function = module.function_at(match.start()) if close is not None else None
    if close is None or function is None or not _in_cleanup(close, function):
        return
    name, _, method = dotted(close.child_by_field_name("function")).rpartition(".")
    if not name.isidentifier() or name in function.parameters:
        return
    made = _assigned(module, function, name)
    if made is not None:
        callee = dotted(made.child_by_field_name("function"))
        yield made, Resource(
            f"{name} of {callee}", f"value of {callee}()", (callee,), (f".{method}",), origin="inferred", severity="medium"
        )


def _given_back(module: Module, match: re.Match[bytes]) -> Iterator[tuple[Node, Resource]]:
    give = _call_at(module, match)
    function = module.function_at(match.start()) if give is not None else None
    if give is None or function is None:
        return
    callee, name = dotted(give.child_by_field_name("function")), match[1].decode()
    receiver = callee.rpartition(".")[0]
    made = _assigned(module, function, name)
    if not receiver or made is None or name in function.parameters:
        return
    taker, _, method = dotted(made.child_by_field_name("function")).rpartition(".")
    if taker == receiver and _TAKES.search(method):
        release = module.qualified(callee)
        taken = f"{taker}.{method}"
        yield made, Resource(
            f"{name} of {taken}", f"value of {taken}()", (taken,), (release,), origin="inferred", collected=False
        )


def _in_cleanup(node: Node, function: Definition) -> bool:
    current = node.parent
    while current is not None and current.start_byte > function.start:
        if current.type in _CLEANUP:
            return True
        if current.type in ("function_definition", "lambda"):
            return False
        current = current.parent
    return False


def _assigned(module: Module, function: Definition, name: str) -> Node | None:
    """The one call whose value the name is given in a function; None when there are several, or other values."""
    form = re.compile(rb"(?<![\w.])" + re.escape(name.encode()) + rb"[ \t]*(?::[^=\n]+)?=(?!=)")
    calls: list[Node] = []
    for match in form.finditer(module.source, function.start, function.end):
        node = module.root.descendant_for_byte_range(match.start(), match.start() + 1)
        assignment = node.parent if node is not None else None
        if assignment is None or assignment.type != "assignment" or module.function_at(match.start()) is not function:
            continue
        value = assignment.child_by_field_name("right")
        while value is not None and value.type in ("await", "yield", "parenthesized_expression") and value.named_children:
            value = value.named_children[0]
        if value is not None and value.type == "call":
            calls.append(value)
        elif value is not None and value.type != "none":
            return None
    return calls[0] if len(calls) == 1 else None


__all__ = ["Acquiring", "found"]
