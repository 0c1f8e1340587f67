"""Timers and callbacks: end the one before, give one a name that lives, register once."""

from __future__ import annotations

import re
from collections.abc import Sequence

import libcst as cst

from repairbot.languages.python.repairs._cst import Row, Source, walk
from repairbot.languages.python.repairs._draft import Draft
from repairbot.lifetimes.intents import CLEAR_BEFORE_SET, KEEP_CALLBACK, REGISTER_ONCE, Refusal
from repairbot.lifetimes.ops import Intent
from repairbot.model import Edit

WRITES = (CLEAR_BEFORE_SET, KEEP_CALLBACK, REGISTER_ONCE)


def write(source: Source, intent: Intent) -> tuple[Edit, ...] | Refusal:
    """See CLEAR_BEFORE_SET, KEEP_CALLBACK and REGISTER_ONCE."""
    if intent.do == REGISTER_ONCE:
        return _register_once(source, intent)
    span = intent.at if intent.do == CLEAR_BEFORE_SET else intent.spans[0]
    statement = source.statement(span)
    if statement is None:
        return Refusal("there is no statement at this place")
    if intent.do == CLEAR_BEFORE_SET:
        return tuple(source.insert_before(statement, intent.args["lines"]))
    callback = source.expression(intent.at)
    if not isinstance(callback, cst.Lambda):
        return Refusal("the callback is not made on the spot")
    name = _free_member(source, intent.args["name"])
    return (
        *source.insert_before(statement, f"{name} = {source.text(callback)}"),
        source.replace(callback, name),
    )


def _free_member(source: Source, name: str) -> str:
    """A dotted name whose last part no other name of the file has."""
    head, dot, last = name.rpartition(".")
    number, wanted = 2, last
    while wanted in source.names:
        wanted, number = f"{last}_{number}", number + 1
    return f"{head}{dot}{wanted}"


def _register_once(source: Source, intent: Intent) -> tuple[Edit, ...] | Refusal:
    """Put the making of the handlers and their registrations under the question whether there are any."""
    statement = source.statement(intent.spans[0])
    row = source.row(statement) if statement is not None else None
    if row is None or not isinstance(row, cst.SimpleStatementLine):
        return Refusal("the registration does not stand in a block of its own lines")
    call = re.match(r"[\w.]+\(", source.text(row))
    if call is None:
        return Refusal("the registration is not a plain call")
    body = source.rows(row)
    registrations = [item for item in body if source.text(item).startswith(call[0])]
    first = min(_first(source, body, item) for item in registrations)
    last = max(body.index(item) for item in registrations)
    wrapped, rest = body[first : last + 1], body[last + 1 :]
    target = intent.place
    if any(source.mentions(target, item) for item in wrapped if item not in registrations):
        return Refusal(f"{target} is set up between the handlers as well")
    for name in {
        node.value
        for item in wrapped
        for node in walk(item)
        if isinstance(node, cst.Name) and source.is_store(node)
    }:
        if any(source.mentions(name, item) for item in rest):
            return Refusal(f"{name} is used behind the registration")
    if any(isinstance(node, cst.Return) for item in wrapped for node in walk(item)):
        return Refusal("the function returns between the handlers")
    start, end = source.line_start(source.start(wrapped[0])), source.block_end(wrapped[-1])
    draft = Draft(source)
    draft.put(start, source.indentation(row), f"if {intent.args['test']}:")
    draft.shift(start, end)
    return draft.edits()


def _first(source: Source, body: Sequence[Row], registration: Row) -> int:
    """Where the making of what a row registers begins: the first row in front of it that names it."""
    index = body.index(registration)
    match = re.search(r"\((\w+)\)$", source.text(registration))
    if match is None:
        return index
    named = [number for number, item in enumerate(body[:index]) if source.mentions(match[1], item)]
    return min(named, default=index)
