"""A line more in a teardown, in the reverse order of making: next to its neighbours, before the object itself goes."""

from __future__ import annotations

import re

from tree_sitter import Node

from repairbot.languages.zig.repairs._source import Source, named
from repairbot.languages.zig.syntax import Definition, Struct, text
from repairbot.lifetimes.intents import ADD_TO_TEARDOWN, CANCEL_IN_TEARDOWN, Refusal
from repairbot.lifetimes.ops import Intent
from repairbot.model import Edit

WRITES = (ADD_TO_TEARDOWN, CANCEL_IN_TEARDOWN)

_LAST = re.compile(r"\b(?:destroy|free)\(\s*(\w+)\s*\)|^\s*(\w+)\.\*\s*=\s*undefined\b")
_RELEASES = re.compile(r"\b(?:deinit\w*|free\w*|destroy\w*|close|release|unref|join|kill|stop)\s*\(")


def write(source: Source, intent: Intent) -> tuple[Edit, ...] | Refusal:
    """The edit that adds the line."""
    container, method = intent.args["container"], intent.args["method"]
    struct = next((each for each in source.module.structs if container in (each.symbol, each.name)), None)
    teardown = struct.functions.get(method) if struct is not None else None
    body = teardown.body_node if teardown is not None else None
    if struct is None or teardown is None or body is None:
        return Refusal(f"{container} has no {method}() in this file")
    if _constant(teardown) and re.search(r"\.deinit\(\w|\|\*", intent.args["line"]):
        return Refusal(f"{method}() takes its object as a constant, which the release cannot change")
    lines = [
        line if line.endswith(("}", "{", ";")) else f"{line};" for line in intent.args["line"].split("\n")
    ]
    spot, behind = _spot(source, struct, teardown, body, intent)
    if spot is None:
        return (source.at_start(body, lines),)
    return (source.after(spot, lines) if behind else source.before(spot, lines),)


def _constant(teardown: Definition) -> bool:
    """Whether the receiver cannot be changed."""
    typed = teardown.parameters[0].type if teardown.parameters else ""
    return not typed.startswith("*") or typed.startswith("*const")


def _member(place: str) -> str:
    return place.partition(".")[2].partition(".")[0].partition("[")[0]


def _spot(
    source: Source, struct: Struct, teardown: Definition, body: Node, intent: Intent
) -> tuple[Node | None, bool]:
    """The row to stand next to, and whether behind it."""
    receiver = teardown.parameters[0].name if teardown.parameters else "self"
    mine = _member(intent.place)
    rows = source.rows(body)
    fields = [field.name for field in struct.fields(source.module)]
    released = [(row, names) for row in rows if (names := _released(row, receiver, fields))]
    for row, names in released:
        if mine in names:
            return row, False  # what a collection holds goes before the collection
    last = next((row for row in rows if _ends(row, receiver)), None)
    usual = [pair for pair in released if last is None or pair[0].start_byte < last.start_byte]
    if not usual:
        return (last, False) if last is not None else ((rows[-1], True) if rows else (None, False))
    if mine in fields:
        order = [fields.index(names[0]) for _, names in usual]
        if len(order) > 1 and order == sorted(order):
            before = [row for row, names in usual if fields.index(names[0]) < fields.index(mine)]
            return (before[-1], True) if before else (usual[0][0], False)
        earlier = next((row for row, names in usual if fields.index(names[0]) < fields.index(mine)), None)
        if earlier is not None:
            return earlier, False
    return usual[-1][0], True


def _released(row: Node, receiver: str, fields: list[str]) -> list[str]:
    """The members that a row releases."""
    if row.type in ("defer_statement", "errdefer_statement"):
        return []
    shown = text(row)
    if not _RELEASES.search(shown):
        return []
    found = re.findall(rf"\b{re.escape(receiver)}\.(\w+)", shown)
    return [name for name in found if name in fields and name not in ("allocator", "gpa", "alloc")]


def _ends(row: Node, receiver: str) -> bool:
    """Whether the object is gone behind a row."""
    if row.type == "expression_statement" and named(row)[0].type == "return_expression":
        return True
    match = _LAST.search(text(row))
    return match is not None and receiver in match.groups()
