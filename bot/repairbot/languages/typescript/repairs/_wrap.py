"""`try` around rows, with a `finally` or a handler behind them; what it takes with it and what it may not part."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from repairbot.languages.typescript.repairs._source import Source
from repairbot.languages.typescript.syntax import bare
from repairbot.languages.typescript.tree import CLASSES, N
from repairbot.lifetimes.intents import Refusal
from repairbot.model import Edit

_MODULE_ROWS = ("import_statement", "export_statement")


def handled(source: Source, near: N, release: Sequence[str]) -> list[str]:
    """What stands behind `try { ...`: a handler that releases and throws again."""
    name = source.fresh(near, "error", "err", "failure")
    return [f"}} catch ({name}) {{", *(f"\t{line}" for line in release), f"\tthrow {name}", "}"]


def at_last(release: Sequence[str]) -> list[str]:
    """What stands behind `try { ...`: a `finally`."""
    return ["} finally {", *(f"\t{line}" for line in release), "}"]


def clause(source: Source, tried: N, lines: Sequence[str]) -> str:
    """A `finally` for a `try` that is there."""
    blanks, nl = source.indentation(tried.start), source.newline
    return (
        f"finally {{{nl}"
        + "".join(f"{blanks}{source.shown(f'	{line}')}{nl}" for line in lines)
        + f"{blanks}}}"
    )


def finally_of(source: Source, tried: N, lines: Sequence[str], place: str) -> tuple[Edit, ...] | Refusal:
    """A `finally` behind what a `try` that is there has already."""
    waits = awaited(source, source.rows(tried.kids[0]), place)
    return (
        waits
        if isinstance(waits, Refusal)
        else (Edit(tried.end, tried.end, f" {clause(source, tried, lines)}"), *waits)
    )


def wrap(
    source: Source, rows: Sequence[N], tail: Sequence[str], place: str, removed: Collection[N] = ()
) -> tuple[Edit, ...] | Refusal:
    """`try {` before the first row, `tail` behind the last; the `removed` statements go.

    Rows are neighbours in one block. An `await` is put before what is returned while it is still in the making.
    """
    if not rows:
        return Refusal("nothing stands behind the acquisition")
    if why := _unfit(source, rows):
        return Refusal(why)
    waits = awaited(source, rows, place)
    if isinstance(waits, Refusal):
        return waits
    nl, blanks = source.newline, source.indentation(rows[0].start)
    start = _with_comments(source, rows[0])
    end = source.line_end(rows[-1].end)
    behind = "".join(f"{nl}{blanks}{source.shown(line)}" for line in tail)
    gone = [(source.line_start(row.start), source.line_end(row.end)) for row in removed]
    edits = [Edit(start, start, f"{blanks}try {{{nl}")]
    if any(row is rows[-1] for row in removed):
        last = rows[-1]
        begins = len(source.data[: source.line_start(last.start)].rstrip())
        edits.append(Edit(begins, end, behind))
        end = begins
    else:
        edits.append(Edit(end, end, behind))
    edits += [source.without(row) for row in removed if row is not rows[-1]]
    edits += _indented(source, start, end, gone)
    return (*edits, *waits)


def begun(source: Source, rows: Sequence[N]) -> tuple[Edit, ...]:
    """`try {` before rows that move into a block which goes on behind them."""
    start = _with_comments(source, rows[0])
    blanks = source.indentation(rows[0].start)
    shifted = _indented(source, start, source.line_end(rows[-1].end), ())
    return (Edit(start, start, f"{blanks}try {{{source.newline}"), *shifted)


def extended(source: Source, rows: Sequence[N]) -> list[N]:
    """These rows, and all behind them in their block where names declared in them are used there."""
    rest = source.behind(rows[-1]) if rows else []
    names = source.declared(rows)
    if any(source.mentions(name, other) for name in names for other in rest):
        return [*rows, *rest]
    return list(rows)


def _unfit(source: Source, rows: Sequence[N]) -> str:
    for row in rows:
        if row.kind in _MODULE_ROWS:
            return f"line {source.module.line(row.start)} must stand at the top of the file"
        if row.kind in ("function_declaration", *CLASSES) and row.kids:
            name = source.text(row.kids[0])
            function = source.function(row) or source.root
            inside = {id(node) for other in rows for node in source.mentions(name, other)}
            if any(id(node) not in inside for node in source.mentions(name, function)):
                return f"{name} is used before it is declared"
    if not source.first_on_line(rows[0].start) or not source.last_on_line(rows[-1].end):
        return "the statements share their line with others"
    return ""


def awaited(source: Source, rows: Sequence[N], place: str) -> list[Edit] | Refusal:
    """`await` for the promises that are returned and still use the place."""
    edits: list[Edit] = []
    for row in rows:
        for node in source.own(row):
            if node.kind != "return_statement" or not node.kids:
                continue
            value = bare(node.kids[0])
            if value is None or value.kind != "call_expression" or not source.mentions(place, value):
                continue
            if source.asynchronous(node):
                edits.append(Edit(value.start, value.start, "await "))
            elif _promised(source, node, value):
                return Refusal("it would be released before the promise that is returned is settled")
    return edits


def _promised(source: Source, node: N, value: N) -> bool:
    function = source.function(node)
    head = source.slice(function.start, function.kids[-1].start) if function is not None else ""
    return (
        re.search(r"\)\s*:\s*Promise\b", head) is not None
        or re.search(r"\.(?:then|catch|finally)\(|\bPromise\b", source.text(value)) is not None
    )


def _with_comments(source: Source, row: N) -> int:
    """The start of a row's first line, with the comments of its own that stand right above it."""
    start = source.line_start(row.start)
    while start > 0:
        above = source.line_start(start - 1)
        line = source.data[above:start].strip()
        if not line.startswith(b"//"):
            return start
        start = above
    return start


def _indented(source: Source, start: int, end: int, gone: Sequence[tuple[int, int]]) -> list[Edit]:
    """One step more before each line, those inside of template strings apart."""
    texts = [
        (node.start, node.end)
        for node in source.root.walk()
        if node.kind in ("template_string", "string") and node.start < end and node.end > start
    ]
    edits, at = [], start
    while at < end:
        line_end = source.line_end(at)
        blank = not source.data[at:line_end].strip()
        inside = any(first < at < last for first, last in texts)
        if not blank and not inside and not any(first <= at <= last for first, last in gone):
            edits.append(Edit(at, at, source.unit))
        following = source.data.find(b"\n", line_end)
        if following < 0:
            break
        at = following + 1
    return edits
