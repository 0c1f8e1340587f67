"""Finished tasks are taken out of their set: by an arm of the `select!` that the loop waits in, or in each round."""

from __future__ import annotations

import re

from tree_sitter import Node

from repairbot.languages.rust.repairs._source import Source, walk
from repairbot.languages.rust.syntax import text
from repairbot.lifetimes.intents import DRAIN, Refusal
from repairbot.lifetimes.ops import Intent
from repairbot.model import Edit

WRITES = (DRAIN,)

_LOOPS = frozenset({"loop_expression", "while_expression"})


def write(source: Source, intent: Intent) -> tuple[Edit, ...] | Refusal:
    """The edits that drain `args["name"]`."""
    loop, name = _loop(source.node(intent.at)), intent.args["name"]
    select = _select(source, loop)
    if select is not None:
        return _arm(source, select, name)
    row = source.row(source.node(intent.spans[0]))
    if row is None:
        return Refusal("the spawning is no statement of a block")
    return (source.before(row, [f"while {name}.try_join_next().is_some() {{}}"]),)


def _loop(node: Node) -> Node:
    """The loop itself, without the statement that it may be."""
    return next((each for each in walk(node) if each.type in _LOOPS), node)


def _select(source: Source, loop: Node) -> Node | None:
    """The arms of a `select!` that is a statement of the loop's own block, None where there is none."""
    body = loop.child_by_field_name("body")
    for row in source.rows(body) if body is not None else ():
        invoked = (
            row
            if row.type == "macro_invocation"
            else next((child for child in row.children if child.type == "macro_invocation"), None)
        )
        if invoked is not None and re.search(r"\bselect$", text(invoked.child_by_field_name("macro"))):
            return next((child for child in invoked.children if child.type == "token_tree"), None)
    return None


def _arm(source: Source, arms: Node, name: str) -> tuple[Edit, ...] | Refusal:
    """One arm more, behind the others: a set that is empty would end it at once, so it is asked first."""
    last = next((child for child in reversed(arms.children) if child.type == "token_tree"), None)
    if (
        last is None
        or not text(last).startswith("{")
        or source.data[last.end_byte : arms.end_byte - 1].strip() not in (b"", b",")
    ):
        return Refusal("the last arm of its select! is no block")
    first = next(child for child in walk(arms) if child.is_named and child.start_byte > arms.start_byte)
    blanks = source.indentation(first.start_byte)
    end = last.end_byte + (1 if source.data[last.end_byte : last.end_byte + 1] == b"," else 0)
    line = f"Some(_) = {name}.join_next(), if !{name}.is_empty() => {{}}"
    return (Edit(end, end, f"{source.newline}{blanks}{line}"),)
