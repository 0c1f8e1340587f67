"""Statements before or behind a statement."""

from __future__ import annotations

from repairbot.languages.rust.repairs._source import Source
from repairbot.lifetimes.intents import INSERT_AFTER, INSERT_BEFORE, Refusal
from repairbot.lifetimes.ops import Intent
from repairbot.model import Edit

WRITES = (INSERT_AFTER, INSERT_BEFORE)


def write(source: Source, intent: Intent) -> tuple[Edit, ...] | Refusal:
    """The edit at `spans[0]`."""
    row = source.row(source.node(intent.spans[0]))
    if row is None:
        return Refusal("it does not stand in a block of statements")
    lines = [
        line if line.endswith((";", "{", "}")) else f"{line};" for line in intent.args["lines"].split("\n")
    ]
    if intent.do == INSERT_BEFORE:
        return (source.before(row, lines),)
    if not source.slice(row.start_byte, row.end_byte).endswith((";", "}")):
        return Refusal("it is the value of its block: nothing can stand behind it")
    return (source.after(row, lines),)
