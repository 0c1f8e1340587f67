"""Release what is owned elsewhere in the end when a step before that fails; the same for constructors."""

from __future__ import annotations

from dataclasses import replace

import libcst as cst

from repairbot.languages.python.repairs import release_on_exit
from repairbot.languages.python.repairs._cst import Row, Source, walk
from repairbot.languages.python.repairs._guard import guard, release_call, row_in
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
    if intent.do == RESET_ON_ERROR:
        last = max(number for number, item in enumerate(block) if number == last or _can_fail(item))
        lines: str | Refusal = intent.args["statements"]
    else:
        lines = release_call(source, intent, intent.place, row)
        own = [number for number in range(first, last + 1) if _releases(source, block[number], str(lines))]
        if own and own[0] > first:
            last = own[0] - 1
        using = [number for number in range(made + 1, first) if source.mentions(intent.place, block[number])]
        first = min([first, *using])
    if isinstance(lines, Refusal):
        return lines
    rows = block[first : last + 1]
    if (refusal := _unsound(source, intent, rows)) is not None:
        return refusal
    if intent.do == RELEASE_ON_ERROR and block[made] is row:
        written = _instead(source, intent, block[made + 1 :], lines)
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
        if outer is None or not _always_made(source, outer, intent.place):
            return refusal
        current = outer
    return refusal


def _always_made(source: Source, row: Row, name: str) -> bool:
    """Whether every way through a compound statement calls something for the name (or leaves)."""
    if isinstance(row, cst.If):
        return (
            row.orelse is not None
            and _makes(source, row.body, name)
            and _else_makes(source, row.orelse, name)
        )
    if isinstance(row, cst.Try) and row.orelse is None and row.finalbody is None:
        suites = [row.body, *(handler.body for handler in row.handlers)]
        return all(_makes(source, suite, name) for suite in suites)
    return False


def _else_makes(source: Source, part: cst.If | cst.Else, name: str) -> bool:
    return _always_made(source, part, name) if isinstance(part, cst.If) else _makes(source, part.body, name)


def _makes(source: Source, suite: cst.BaseSuite, name: str) -> bool:
    """Whether a suite gives the name the value of a call, or leaves."""
    if not isinstance(suite, cst.IndentedBlock):
        return False
    for row in suite.body:
        if isinstance(row, cst.SimpleStatementLine):
            item = row.body[-1]
            if isinstance(item, (cst.Raise, cst.Return, cst.Continue, cst.Break)):
                return True
            if isinstance(item, cst.Assign) and isinstance(item.value, cst.Call):
                target = item.targets[0].target
                if (
                    isinstance(target, cst.Name)
                    and target.value == name
                    and not source.mentions(name, item.value)
                ):
                    return True
        elif isinstance(row, (cst.If, cst.Try)) and _always_made(source, row, name):
            return True
    return False


def _releases(source: Source, row: Row, line: str) -> bool:
    """Whether a row holds the release statement itself."""
    return any(isinstance(node, cst.Expr) and source.text(node) == line for node in walk(row))


def _instead(source: Source, intent: Intent, rows: list[Row], line: str) -> tuple[Edit, ...] | None:
    """Where the release stands at the end of the block all the same, one cleanup for all ways out."""
    for row in rows:
        if isinstance(row, cst.SimpleStatementLine) and len(row.body) == 1 and _releases(source, row, line):
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
