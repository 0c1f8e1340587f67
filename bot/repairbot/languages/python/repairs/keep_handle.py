"""Keep the handle of a task in a set until the task is done."""

from __future__ import annotations

import libcst as cst

from repairbot.languages.python.repairs._cst import Row, Source
from repairbot.lazily import regex
from repairbot.lifetimes.intents import KEEP_HANDLE, Refusal
from repairbot.lifetimes.ops import Intent
from repairbot.model import Edit

WRITES = (KEEP_HANDLE,)

KEEPER = "_background_tasks"
_ANNOTATED = regex(rb"\)[ \t]*->[^\n]*:")
"""A function that says what it returns."""


def write(source: Source, intent: Intent) -> tuple[Edit, ...] | Refusal:
    """See KEEP_HANDLE; `keeper` names the set that is there already, "" asks for one in the module."""
    statement = source.statement(intent.at)
    if not isinstance(statement, cst.Expr) or not isinstance(statement.value, cst.Call):
        return Refusal("the call is not a statement of its own")
    if not source.alone(statement):
        return Refusal("the call shares its line with other statements")
    function = source.function(statement)
    if function is None:
        return Refusal("the task is started outside of any function")
    keeper = intent.args.get("keeper", "")
    edits: list[Edit] = []
    if not keeper:
        keeper = KEEPER
        if not _at_module_level(source, keeper):
            keeper = source.fresh(keeper)
            edits.append(_new_set(source, keeper))
    wanted = ("task", "background_task", "started")
    name = next((name for name in wanted if not source.mentions(name, function)), None) or source.fresh(
        "task"
    )
    start = source.start(statement)
    return (
        *edits,
        Edit(start, start, f"{name} = "),
        *source.insert_after(statement, f"{keeper}.add({name})\n{name}.add_done_callback({keeper}.discard)"),
    )


def _at_module_level(source: Source, name: str) -> bool:
    return any(
        isinstance(row, cst.SimpleStatementLine)
        and source.text(row.body[0]).startswith((f"{name} =", f"{name}:"))
        for row in source.module.body
    )


def _end_of_imports(source: Source) -> Row:
    """The last row at the top of the module that imports something, under a condition or not."""
    last = source.row(source.imports[-1])
    assert last is not None
    rows = source.rows(last)
    for row in rows[rows.index(last) + 1 :]:
        if not isinstance(row, (cst.If, cst.Try)) or not all(_imports(item) for item in row.body.body):
            break
        last = row
    return last


def _imports(item: cst.CSTNode) -> bool:
    return isinstance(item, cst.SimpleStatementLine) and isinstance(
        item.body[0], (cst.Import, cst.ImportFrom)
    )


def _new_set(source: Source, name: str) -> Edit:
    """A set behind the imports, annotated where the file annotates its functions."""
    annotated = _ANNOTATED.search(source.data) is not None and any(
        isinstance(item, cst.Import) and source.text(item) == "import asyncio" for item in source.imports
    )
    line = f"{name}: set[asyncio.Task[object]] = set()" if annotated else f"{name} = set()"
    if not source.imports:
        rows = list(source.module.body)
        place = source.line_start(source.start(rows[0]))
        return Edit(place, place, line + source.newline * 2)
    last = _end_of_imports(source)
    place = source.line_end(source.end(last) - 1)
    return Edit(place, place, source.newline + line + source.newline)
