"""Store an exception without its frames; let a frame forget what it returns."""

from __future__ import annotations

import libcst as cst

from repairbot.languages.python.repairs._cst import FUNCTIONS, Source, walk
from repairbot.languages.python.repairs._draft import Draft
from repairbot.lifetimes.intents import DROP_EXCEPTION, DROP_LOCAL, Refusal
from repairbot.lifetimes.ops import Intent
from repairbot.model import Edit

WRITES = (DROP_EXCEPTION, DROP_LOCAL)


def write(source: Source, intent: Intent) -> tuple[Edit, ...] | Refusal:
    """See DROP_EXCEPTION and DROP_LOCAL."""
    if intent.do == DROP_LOCAL:
        return _drop_local(source, intent)
    name = source.expression(intent.at)
    if not isinstance(name, cst.Name):
        return Refusal("what is stored is not the plain exception")
    return (Edit(source.end(name), source.end(name), ".with_traceback(None)"),)


def _drop_local(source: Source, intent: Intent) -> tuple[Edit, ...] | Refusal:
    statement = source.statement(intent.spans[0])
    function = source.function(statement) if statement is not None else None
    if not isinstance(statement, cst.Return) or function is None or not source.alone(statement):
        return Refusal("the return does not stand on a line of its own")
    name = intent.place
    for node in walk(function.body):
        if isinstance(node, FUNCTIONS) and _captures(source, node, name):
            return Refusal(f"a function inside still needs {name}")
    row = source.row(statement)
    assert row is not None
    start, end = source.line_start(source.start(row)), source.line_end(source.end(row) - 1)
    draft = Draft(source)
    draft.put(start, source.indentation(row), "try:")
    draft.shift(start, end)
    draft.put(end, source.indentation(row), f"finally:\n{source.unit}del {name}")
    return draft.edits()


def _captures(source: Source, node: cst.FunctionDef | cst.Lambda, name: str) -> bool:
    parameters = node.params
    own = {
        item.name.value
        for item in (*parameters.params, *parameters.kwonly_params, *parameters.posonly_params)
    }
    return name not in own and bool(source.mentions(name, node.body))
