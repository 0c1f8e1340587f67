"""Statements before or behind a statement."""

from __future__ import annotations

from repairbot.languages.typescript.repairs import _members
from repairbot.languages.typescript.repairs._source import Source
from repairbot.languages.typescript.repairs.release_before import ahead
from repairbot.lifetimes.intents import (
    CLEAR_BEFORE_SET,
    INSERT_AFTER,
    INSERT_BEFORE,
    INSERT_EACH,
    REGISTER_ONCE,
    Refusal,
)
from repairbot.lifetimes.ops import Intent
from repairbot.model import Edit

WRITES = (INSERT_AFTER, INSERT_BEFORE, CLEAR_BEFORE_SET, INSERT_EACH, REGISTER_ONCE)


def write(source: Source, intent: Intent) -> tuple[Edit, ...] | Refusal:
    """The lines, at the statement's indentation."""
    if intent.do == INSERT_EACH:
        return _each(source, intent)
    if intent.do == REGISTER_ONCE:
        return _once(source, intent)
    lines = intent.args["lines"].replace("    ", "\t").split("\n")
    found = source.node(intent.at if intent.do == CLEAR_BEFORE_SET else intent.spans[0])
    statement = found if source.is_row(found) else source.row(found)
    if intent.do == INSERT_AFTER:
        if statement is None:
            return Refusal("no statement can stand behind it")
        if len(intent.spans) > 1:
            statement = next(
                (row for row in source.behind(statement) if row.start <= intent.spans[1].start < row.end),
                statement,
            )
        return (source.after(statement, lines),)
    if intent.do == CLEAR_BEFORE_SET:
        lines = _members.ended(source, intent.place, lines, found)
    if statement is not None and found.kind.endswith("_statement") and found is not statement:
        return ahead(source, found, lines)
    if statement is None or not statement.start <= found.start:
        return Refusal("no statement can stand before it")
    return (source.before(statement, lines),)


def _each(source: Source, intent: Intent) -> tuple[Edit, ...] | Refusal:
    """Lines before each of several statements."""
    edits: list[Edit] = []
    for span, lines in zip(intent.spans, intent.args["lines"].split("\f"), strict=True):
        row = source.node(span)
        if not source.is_row(row):
            return Refusal("no statement can stand before it")
        edits.append(source.before(row, lines.split("\n")))
    return tuple(edits)


def _once(source: Source, intent: Intent) -> tuple[Edit, ...] | Refusal:
    """The statement under a condition."""
    row = source.node(intent.spans[0])
    if not source.is_row(row) or not source.alone(row):
        return Refusal("the registration is no statement of its own")
    return source.under(row, intent.args["test"])
