"""A loop that reads is left when there is nothing more to read."""

from __future__ import annotations

import re

from tree_sitter import Node

from repairbot.languages.rust.repairs._source import Source, named
from repairbot.languages.rust.syntax import text
from repairbot.lifetimes.intents import LEAVE_AT_END, Refusal
from repairbot.lifetimes.ops import Intent
from repairbot.model import Edit

WRITES = (LEAVE_AT_END,)


def write(source: Source, intent: Intent) -> tuple[Edit, ...] | Refusal:
    """The reading statement becomes the test of an `if`."""
    row = source.row(source.node(intent.at))
    loop = source.row(source.node(intent.spans[0]))
    if row is None or loop is None or row.type != "expression_statement":
        return Refusal("the read is no statement of its own")
    way = _way(source, loop)
    if way is None:
        return Refusal("how the loop can be left is not seen here")
    shown = text(named(row)[0])
    blanks = source.indentation(row.start_byte)
    behind = source.lines([f"\t{way};", "}"], blanks)
    return (Edit(row.start_byte, row.end_byte, f"if {shown} == 0 {{{source.newline}{behind}"),)


def _way(source: Source, loop: Node) -> str | None:
    """`break` where something follows the loop, or nothing is given back; else what says that all went well."""
    if loop.parent is None or source.closures(loop):
        return None
    if source.rows(loop.parent)[-1] != loop:
        return "break"
    function = source.function(loop)
    returned = function.child_by_field_name("return_type") if function is not None else None
    if function is None or loop.parent != function.child_by_field_name("body"):
        return None
    if returned is None:
        return "break"
    return "return Ok(())" if re.fullmatch(r"(?:\w+::)*Result<\(\)(?:,.*)?>", text(returned)) else None
