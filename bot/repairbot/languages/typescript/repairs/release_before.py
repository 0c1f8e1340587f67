"""A release before one way out."""

from __future__ import annotations

from repairbot.languages.typescript.repairs import _release, _wrap
from repairbot.languages.typescript.repairs._source import Source
from repairbot.languages.typescript.tree import N
from repairbot.lifetimes.intents import RELEASE_BEFORE, Refusal
from repairbot.lifetimes.ops import Intent
from repairbot.model import Edit

WRITES = (RELEASE_BEFORE,)


def write(source: Source, intent: Intent) -> tuple[Edit, ...] | Refusal:
    """The release in front of the exit at `spans[0]`."""
    place = intent.place.partition("#")[0]
    exits = source.node(intent.spans[0])
    if not exits.kind.endswith("_statement"):
        return Refusal("it leaves at the end of the function, not by a statement")
    lines = _release.lines(source, source.node(intent.at), intent.args, place)
    if source.mentions(place, exits):
        return _around(source, exits, place, lines)
    return ahead(source, exits, lines)


def _around(source: Source, exits: N, place: str, lines: list[str]) -> tuple[Edit, ...] | Refusal:
    """What leaves still needs the value: the release stands in a `finally`, of the `try` that is there if it is one."""
    block = exits.up
    tried = block.up if block is not None else None
    if not source.is_row(exits) or block is None:
        return Refusal(f"what is returned still needs {place}")
    alone = (
        tried is not None
        and tried.kind == "try_statement"
        and tried.kids[0] is block
        and len(block.kids) == 1
    )
    if alone and tried is not None and tried.of("finally_clause") is None:
        return _wrap.finally_of(source, tried, lines, place)
    return _wrap.wrap(source, [exits], _wrap.at_last(lines), place)


def ahead(source: Source, statement: N, lines: list[str]) -> tuple[Edit, ...] | Refusal:
    """Lines in front of a statement, in braces where it had none."""
    if source.is_row(statement):
        return (source.before(statement, lines),)
    up = statement.up
    if up is None or up.kind not in (
        "if_statement",
        "else_clause",
        "for_statement",
        "for_in_statement",
        "while_statement",
    ):
        return Refusal("no statement can stand there")
    return (source.braced(statement, [*lines, source.text(statement)]),)
