"""A release right before one exit, as the other ways out write it."""

from __future__ import annotations

from repairbot.languages.rust.repairs import _release
from repairbot.languages.rust.repairs._source import Source, walk
from repairbot.languages.rust.syntax import text
from repairbot.lifetimes.intents import RELEASE_BEFORE, Refusal
from repairbot.lifetimes.ops import Intent
from repairbot.model import Edit

WRITES = (RELEASE_BEFORE,)


def write(source: Source, intent: Intent) -> tuple[Edit, ...] | Refusal:
    """The release that stands elsewhere in the function, before `spans[0]` leaves."""
    let = _release.bound(source, intent)
    if isinstance(let, Refusal):
        return let
    others = [
        row
        for call in _release.releases(source, let, intent.args["release"], intent.place)
        if (row := _release.statement(source, call)) is not None
    ]
    jump = source.node(intent.spans[0])
    row = source.row(jump)
    if row is None or not others:
        return Refusal("no other way out shows how it is released")
    if any(text(node) == intent.place for node in walk(jump) if node.type == "identifier"):
        return Refusal(f"it returns what is made from {intent.place}")
    line = source.slice(others[0].start_byte, source.end(others[0]))
    return (source.before(row, [line if line.endswith(";") else f"{line};"]),)
