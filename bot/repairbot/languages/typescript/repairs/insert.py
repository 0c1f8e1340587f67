"""Statements before or behind a statement."""

from __future__ import annotations

from repairbot.languages.typescript.repairs import _members
from repairbot.languages.typescript.repairs._source import Source
from repairbot.languages.typescript.repairs.release_before import ahead
from repairbot.lifetimes.intents import CLEAR_BEFORE_SET, INSERT_AFTER, INSERT_BEFORE, Refusal
from repairbot.lifetimes.ops import Intent
from repairbot.model import Edit

WRITES = (INSERT_AFTER, INSERT_BEFORE, CLEAR_BEFORE_SET)


def write(source: Source, intent: Intent) -> tuple[Edit, ...] | Refusal:
    """The lines, at the statement's indentation."""
    lines = intent.args["lines"].replace("    ", "\t").split("\n")
    found = source.node(intent.at if intent.do == CLEAR_BEFORE_SET else intent.spans[0])
    statement = found if source.is_row(found) else source.row(found)
    if intent.do == INSERT_AFTER:
        if statement is None:
            return Refusal("no statement can stand behind it")
        return (source.after(statement, lines),)
    if intent.do == CLEAR_BEFORE_SET:
        lines = _members.ended(source, intent.place, lines, found)
    if statement is not None and found.kind.endswith("_statement") and found is not statement:
        return ahead(source, found, lines)
    if statement is None or not statement.start <= found.start:
        return Refusal("no statement can stand before it")
    return (source.before(statement, lines),)
