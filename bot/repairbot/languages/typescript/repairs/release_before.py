"""A release before one way out."""

from __future__ import annotations

from repairbot.languages.typescript.repairs import _release
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
    if source.mentions(place, exits):
        return Refusal(f"what is returned still needs {place}")
    asynchronous = intent.args.get("asynchronous") == "yes" and source.asynchronous(exits)
    made = _release.made_by(source.node(intent.at))
    line = _release.call(source, made, intent.args["release"], place, asynchronous=asynchronous)
    return ahead(source, exits, [line])


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
