"""Cancel what a wait for the first of several tasks leaves behind."""

from __future__ import annotations

import libcst as cst

from repairbot.languages.python.repairs._cst import Source
from repairbot.lazily import regex
from repairbot.lifetimes.intents import CANCEL_PENDING, Refusal
from repairbot.lifetimes.ops import Intent
from repairbot.model import Edit

WRITES = (CANCEL_PENDING,)


def write(source: Source, intent: Intent) -> tuple[Edit, ...] | Refusal:
    """See CANCEL_PENDING. Cancelling a task that is done does nothing, so named tasks need no question."""
    tasks = [name for name in intent.args["tasks"].split(", ") if name]
    statement = source.statement(intent.at)
    if statement is not None and tasks:
        wait = _wait_behind(source, statement, tasks)
        if wait is None:
            return Refusal("the wait is not a statement of the same block")
        return tuple(source.insert_after(wait, "\n".join(f"{name}.cancel()" for name in tasks)))
    function = source.function(statement) if statement is not None else None
    if statement is None or function is None:
        return Refusal("the wait is not a statement of a function")
    task = next((name for name in ("task", "left") if not source.mentions(name, function)), None)
    if task is None:
        return Refusal("the function uses every name that the loop could have")
    if isinstance(statement, cst.Expr):
        rest = "pending" if not source.mentions("pending", function) else source.fresh("pending")
        start = source.start(statement)
        edits = [Edit(start, start, f"_, {rest} = ")]
    elif isinstance(statement, cst.Assign) and isinstance(statement.targets[0].target, cst.Tuple):
        second = statement.targets[0].target.elements[1].value
        rest = source.text(second)
        edits = []
        if rest.startswith("_"):
            rest = "pending" if not source.mentions("pending", function) else source.fresh("pending")
            edits = [source.replace(second, rest)]
    else:
        return Refusal("what the wait gives back is used in another way")
    return (*edits, *source.insert_after(statement, f"for {task} in {rest}:\n\t{task}.cancel()"))


def _wait_behind(
    source: Source, statement: cst.BaseSmallStatement | cst.BaseCompoundStatement, tasks: list[str]
) -> cst.BaseSmallStatement | None:
    """The statement behind the spawning one that waits for these tasks."""
    row = source.row(statement)
    if row is None:
        return None
    body = source.rows(row)
    for item in body[body.index(row) :]:
        if isinstance(item, cst.SimpleStatementLine):
            waits = _WAIT.search(source.text(item.body[0])) is not None
            if waits and (item is row or any(source.mentions(name, item) for name in tasks)):
                return item.body[0]
    return None


_WAIT = regex(r"\b(?:await|yield\s+from)\s+(?:\w+\s*\.\s*)*wait\s*\(")
"""The wait itself, and not a coroutine of this name that becomes a task."""
