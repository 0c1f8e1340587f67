"""Statements before or behind a statement."""

from __future__ import annotations

from repairbot.languages.zig.repairs._source import Source
from repairbot.lifetimes.intents import INSERT_AFTER, INSERT_BEFORE, Refusal
from repairbot.lifetimes.ops import Intent
from repairbot.model import Edit

WRITES = (INSERT_AFTER, INSERT_BEFORE)


def write(source: Source, intent: Intent) -> tuple[Edit, ...] | Refusal:
    """The edit at `spans[0]`."""
    node = source.node(intent.spans[0])
    row = source.row(node)
    if row is None or row.start_byte != node.start_byte:
        return Refusal("it does not stand in a block of statements")
    lines = [
        line if line.endswith((";", "{", "}")) else f"{line};" for line in intent.args["lines"].split("\n")
    ]
    return (source.after(row, lines) if intent.do == INSERT_AFTER else source.before(row, lines),)
