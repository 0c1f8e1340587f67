"""Put the rest of a block into `try`, with something to undo in its `finally`."""

from __future__ import annotations

import libcst as cst

from repairbot.languages.python.repairs._cst import Small, Source
from repairbot.languages.python.repairs._draft import Draft
from repairbot.lifetimes.intents import CANCEL_ON_EXIT, UNREGISTER_ON_EXIT, Refusal
from repairbot.lifetimes.ops import Intent
from repairbot.model import Edit

WRITES = (CANCEL_ON_EXIT, UNREGISTER_ON_EXIT)


def write(source: Source, intent: Intent) -> tuple[Edit, ...] | Refusal:
    """See CANCEL_ON_EXIT and UNREGISTER_ON_EXIT."""
    statement = source.statement(intent.at)
    if not isinstance(statement, (cst.Expr, cst.Assign, cst.AnnAssign)) or not source.alone(statement):
        return Refusal("the call is not a statement of its own")
    if intent.do == UNREGISTER_ON_EXIT:
        return _wrap(source, statement, intent.args["line"], Draft(source))
    function = source.function(statement)
    if function is None:
        return Refusal("the task is started outside of any function")
    name = intent.args["name"]
    draft = Draft(source)
    if not name:
        wanted = ("task", "background_task")
        name = next((item for item in wanted if not source.mentions(item, function)), None) or source.fresh(
            "task"
        )
        start = source.start(statement)
        draft.write(Edit(start, start, f"{name} = "))
    return _wrap(source, statement, f"{name}.cancel()", draft)


def _wrap(source: Source, statement: Small, line: str, draft: Draft) -> tuple[Edit, ...] | Refusal:
    row = source.row(statement)
    if row is None:
        return Refusal("the call does not stand in a block of its own lines")
    body = source.rows(row)
    rest = body[body.index(row) + 1 :]
    if not rest:
        return Refusal("nothing follows in this block")
    margin = source.indentation(row)
    first, behind = source.line_end(source.end(row) - 1), source.block_end(rest[-1])
    while first < behind and not source.line_text(first).strip():
        first = source.line_end(first)
    draft.put(first, margin, "try:")
    draft.shift(first, behind)
    draft.put(behind, margin, f"finally:\n{source.unit}{line}")
    return draft.edits()
