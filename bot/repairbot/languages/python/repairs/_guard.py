"""Rows in a `try` whose handler cleans up and raises again; and the statement that releases a place."""

from __future__ import annotations

from repairbot.languages.python.repairs._cst import Row, Source
from repairbot.languages.python.repairs._draft import Draft
from repairbot.lifetimes.intents import RELEASE_ON_ERROR, Refusal
from repairbot.lifetimes.ops import Intent
from repairbot.model import Edit, Span

PARTING = frozenset({".quit", ".logout"})
"""Releases that talk to the other side first: after an error the connection may not be there."""


def release_call(source: Source, intent: Intent, place: str, near: Row | None) -> str | Refusal:
    """The statement that releases `place` by the intent's `release`, awaited where it must be."""
    release = source.shown(intent.args["release"])
    if intent.do == RELEASE_ON_ERROR and release in PARTING:
        release = ".close"
    call = f"{place}{release}()" if release.startswith(".") else f"{release}({place})"
    if intent.args.get("asynchronous") != "yes":
        return call
    function = source.function(near) if near is not None else None
    if function is None or function.asynchronous is None:
        return Refusal("its release must be awaited, and this function is not async")
    return f"await {call}"


def row_in(source: Source, block: list[Row], span: Span) -> int:
    """The index of the row of a block that a span stands in, -1 for none."""
    return next(
        (
            number
            for number, row in enumerate(block)
            if source.start(row) <= span.start and span.end <= source.end(row)
        ),
        -1,
    )


def guard(source: Source, rows: list[Row], lines: str) -> tuple[Edit, ...]:
    """The rows inside `try:`, then `except BaseException:` with the lines, then `raise`."""
    draft = Draft(source)
    margin = source.indentation(rows[0])
    start = source.line_start(source.start(rows[0]))
    while start and source.line_text(start - 1).startswith(margin + "#"):
        start = source.line_start(start - 1)
    end = source.block_end(rows[-1])
    draft.put(start, margin, "try:")
    draft.shift(start, end)
    body = "".join(f"{source.unit}{line}\n" for line in [*lines.splitlines(), "raise"])
    draft.put(end, margin, f"except BaseException:\n{body}")
    return draft.edits()
