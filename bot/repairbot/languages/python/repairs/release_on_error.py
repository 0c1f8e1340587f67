"""Release what is owned elsewhere in the end when a step before that fails; the same for constructors."""

from __future__ import annotations

import libcst as cst

from repairbot.languages.python.repairs._cst import Row, Source, walk
from repairbot.languages.python.repairs._guard import guard, release_call, row_in
from repairbot.lifetimes.intents import RELEASE_ON_ERROR, RESET_ON_ERROR, Refusal
from repairbot.lifetimes.ops import Intent
from repairbot.model import Edit

WRITES = (RELEASE_ON_ERROR, RESET_ON_ERROR)


def write(source: Source, intent: Intent) -> tuple[Edit, ...] | Refusal:
    """See RELEASE_ON_ERROR and RESET_ON_ERROR: the failing steps move into a `try` that cleans up."""
    statement = source.statement(intent.at)
    row = source.row(statement) if statement is not None else None
    if not isinstance(row, cst.SimpleStatementLine):
        return Refusal("the value is not acquired by a statement on a line of its own")
    block = list(source.rows(row))
    made = next(number for number, item in enumerate(block) if item is row)
    steps = [row_in(source, block, span) for span in intent.spans]
    steps = [number for number in steps if number != made]
    if not steps or min(steps) <= made:
        return Refusal(f"the step that can fail stands outside of the block that makes {intent.place}")
    first, last = min(steps), max(steps)
    if intent.do == RESET_ON_ERROR:
        last = max(number for number, item in enumerate(block) if number == last or _can_fail(source, item))
        lines: str | Refusal = intent.args["statements"]
    else:
        lines = release_call(source, intent, intent.place, row)
    if isinstance(lines, Refusal):
        return lines
    rows = block[first : last + 1]
    if (refusal := _unsound(source, intent, rows)) is not None:
        return refusal
    return guard(source, rows, lines)


def _can_fail(source: Source, row: Row) -> bool:
    """Whether a row calls, awaits or raises something."""
    return any(isinstance(node, (cst.Call, cst.Await, cst.Raise)) for node in walk(row, into_functions=False))


def _unsound(source: Source, intent: Intent, rows: list[Row]) -> Refusal | None:
    """The handler must release the same value, and a generator's end must not look like an error."""
    name = intent.place
    if name.isidentifier():
        for item in source.mentions(name, rows):
            if source.is_store(item):
                line = source.line_number(source.start(item))
                return Refusal(f"{name} gets a new value at line {line}")
    function = source.function(rows[0])
    if function is not None and any(
        isinstance(node, cst.Yield) for node in walk(function, into_functions=False)
    ):
        return Refusal("a generator hands its values out in the middle: who owns them then is not known")
    return None
