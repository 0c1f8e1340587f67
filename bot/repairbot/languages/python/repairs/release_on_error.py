"""Release what is owned elsewhere in the end when a step before that fails; the same for constructors."""

from __future__ import annotations

from dataclasses import replace

import libcst as cst

from repairbot.languages.python.repairs import release_on_exit
from repairbot.languages.python.repairs._cst import Row, Source, walk
from repairbot.languages.python.repairs._guard import guard, release_call, row_in
from repairbot.languages.python.repairs._made_on import made_on_every_way, makers
from repairbot.lifetimes.intents import RELEASE_ON_ERROR, RELEASE_ON_EXIT, RESET_ON_ERROR, Refusal
from repairbot.lifetimes.ops import Intent
from repairbot.model import Edit, Span

WRITES = (RELEASE_ON_ERROR, RESET_ON_ERROR)


def write(source: Source, intent: Intent) -> tuple[Edit, ...] | Refusal:
    """See RELEASE_ON_ERROR and RESET_ON_ERROR: the failing steps move into a `try` that cleans up."""
    statement = source.statement(intent.at)
    row = source.row(statement) if statement is not None else None
    if not isinstance(row, cst.SimpleStatementLine):
        return Refusal("the value is not acquired by a statement on a line of its own")
    found = _after(source, intent, row)
    if isinstance(found, Refusal):
        return found
    block, made, steps = found
    first, last = min(steps), max(steps)
    lines: str | Refusal
    direct: str | Refusal
    if intent.do == RESET_ON_ERROR:
        last = max(number for number, item in enumerate(block) if number == last or _can_fail(item))
        lines = direct = intent.args["statements"]
    else:
        lines = release_call(source, intent, intent.place, row)
        direct = release_call(source, replace(intent, do=RELEASE_ON_EXIT), intent.place, row)
        own = [number for number in range(first, last + 1) if _releases(source, block[number], str(lines))]
        if own and own[0] > first:
            last = own[0] - 1
    if isinstance(lines, Refusal):
        return lines
    rows = block[first : last + 1]
    if (refusal := _unsound(source, intent, rows)) is not None:
        return refusal
    if intent.do == RELEASE_ON_ERROR and block[made] is row:
        written = _instead(source, intent, block[made + 1 :], {lines, str(direct)})
        if written is not None:
            return written
    return guard(source, rows, lines)


def _after(source: Source, intent: Intent, row: Row) -> tuple[list[Row], int, list[int]] | Refusal:
    """The block in which steps can fail behind the acquisition: its rows, where the acquisition stands in it,
    and the rows of the steps. The block may be further out when every way into it makes the value."""
    refusal = Refusal(f"the step that can fail stands outside of the block that makes {intent.place}")
    current: Row | None = row
    while current is not None:
        block = list(source.rows(current))
        made = next(number for number, item in enumerate(block) if item is current)
        steps = [number for span in intent.spans if (number := row_in(source, block, span)) > made]
        if steps:
            return block, made, steps
        above = source.parent(current)
        outer = source.row(above) if above is not None else None
        if outer is None or not made_on_every_way(source, outer, intent.place):
            return refusal
        if len(makers(source, outer, intent.place)) > 1:
            return Refusal(
                f"{intent.place} is made in several ways, and it is not known whether all need a release"
            )
        current = outer
    return refusal


def _releases(source: Source, row: Row, line: str) -> bool:
    """Whether a row holds the release statement itself."""
    return any(isinstance(node, cst.Expr) and source.text(node) == line for node in walk(row))


def _instead(source: Source, intent: Intent, rows: list[Row], lines: set[str]) -> tuple[Edit, ...] | None:
    """Where the release stands at the end of the block all the same, one cleanup for all ways out."""
    for row in rows:
        if (
            isinstance(row, cst.SimpleStatementLine)
            and len(row.body) == 1
            and source.text(row.body[0]) in lines
        ):
            start, end = source.start(row), source.end(row)
            at = Span(start, end, source.line_number(start), source.line_number(end), 1)
            written = release_on_exit.write(source, replace(intent, do=RELEASE_ON_EXIT, spans=(at,)))
            return None if isinstance(written, Refusal) else written
    return None


def _can_fail(row: Row) -> bool:
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
