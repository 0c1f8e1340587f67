"""What the tests of repairs share: intents made by hand against texts, and the texts they give."""

from __future__ import annotations

import ast

from repairbot.languages.python.printer import PRINTER
from repairbot.lifetimes.ops import Intent
from repairbot.model import Span


def span(source: str, piece: str, nth: int = 0) -> Span:
    """Where a piece of text stands; `nth` counts its occurrences from 0."""
    data, wanted = source.encode(), piece.encode()
    start = -1
    for _ in range(nth + 1):
        start = data.index(wanted, start + 1)
    end = start + len(wanted)
    line, last = data.count(b"\n", 0, start) + 1, data.count(b"\n", 0, end) + 1
    return Span(start, end, line, last, start - data.rfind(b"\n", 0, start))


def written(source: str, intent: Intent) -> str:
    """The source with the intent fulfilled, or "refused: why"."""
    edits = PRINTER.write(source.encode(), intent)
    if not isinstance(edits, tuple):
        return f"refused: {edits.why}"
    data = source.encode()
    behind = len(data)
    for edit in sorted(edits, reverse=True):
        assert edit.end <= behind, "edits overlap"
        behind = edit.start
        data = data[: edit.start] + edit.text.encode() + data[edit.end :]
    ast.parse(data)
    return data.decode()
