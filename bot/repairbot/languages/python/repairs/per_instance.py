"""Make what a class body made in the constructor; make a parameter's default in the call."""

from __future__ import annotations

import libcst as cst

from repairbot.languages.python.repairs._cst import Compound, Row, Source
from repairbot.lifetimes.intents import PER_CALL, PER_INSTANCE, Refusal
from repairbot.lifetimes.ops import Intent
from repairbot.model import Edit

WRITES = (PER_INSTANCE, PER_CALL)


def write(source: Source, intent: Intent) -> tuple[Edit, ...] | Refusal:
    """See PER_INSTANCE and PER_CALL."""
    return _per_call(source, intent) if intent.do == PER_CALL else _per_instance(source, intent)


def _per_instance(source: Source, intent: Intent) -> tuple[Edit, ...] | Refusal:
    member = intent.args["member"]
    owner = source.find_class(intent.args["container"])
    statement = source.statement(intent.at)
    if owner is None or not isinstance(statement, (cst.Assign, cst.AnnAssign)) or statement.value is None:
        return Refusal("the assignment in the class body was not found")
    constructor = source.find_function(f"{intent.args['container']}.__init__")
    if constructor is None or source.class_around(constructor) is not owner:
        return Refusal("the class has no constructor of its own")
    if "__setattr__" in source.names or "__dict__" in source.names or "__slots__" in source.names:
        return Refusal("attributes of this class are set in a way of its own")
    row = source.row(statement)
    if row is None or not source.alone(statement):
        return Refusal("the assignment shares its line")
    line = f"self.{member} = {source.text(statement.value)}"
    if not isinstance(constructor.body, cst.IndentedBlock):
        return Refusal("the constructor has no line of its own")
    return (*_take_out(source, row), *_first(source, constructor.body, line))


def _first(source: Source, body: cst.IndentedBlock, lines: str) -> list[Edit]:
    """Put lines at the top of a function: behind its docstring, and behind the call of a base's constructor."""
    rows = [item for item in body.body if isinstance(item, (cst.SimpleStatementLine, Compound))]
    above: Row | None = None
    for row in rows:
        first = row.body[0] if isinstance(row, cst.SimpleStatementLine) else None
        if not isinstance(first, cst.Expr):
            break
        documents = row is rows[0] and isinstance(first.value, (cst.SimpleString, cst.ConcatenatedString))
        if not documents and "__init__(" not in source.text(first):
            break
        above = row
    if above is not None:
        return source.insert_after(source.last_of_row(above), lines)
    top = rows[0]
    return source.insert_before(top.body[0] if isinstance(top, cst.SimpleStatementLine) else top, lines)


def _take_out(source: Source, row: Row) -> list[Edit]:
    """The row goes, with the blank lines behind it when it opened the class's body."""
    rows = source.rows(row)
    edits = source.remove_row(row)
    if rows[0] is not row or len(rows) < 2:
        return edits
    start = edits[0].start
    end = source.line_start(source.start(rows[1]))
    between = source.slice(edits[0].end, end)
    return [Edit(start, end, "")] if not between.strip() else edits


def _per_call(source: Source, intent: Intent) -> tuple[Edit, ...] | Refusal:
    function = source.find_function(intent.args["function"])
    default = source.expression(intent.at)
    if function is None or default is None or source.function(default) is not function:
        return Refusal("the default was not found")
    name = intent.args["name"]
    if not isinstance(function.body, cst.IndentedBlock):
        return Refusal("the function has no block of lines")
    lines = f"if {name} is None:\n{source.unit}{name} = {source.text(default)}"
    return (source.replace(default, "None"), *_first(source, function.body, lines))
