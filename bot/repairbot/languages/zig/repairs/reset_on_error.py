"""An initialiser that fails half way: an `errdefer` behind what it made first."""

from __future__ import annotations

from repairbot.languages.zig.repairs._source import Source
from repairbot.lifetimes.intents import RESET_ON_ERROR, Refusal
from repairbot.lifetimes.ops import Intent
from repairbot.model import Edit

WRITES = (RESET_ON_ERROR,)


def write(source: Source, intent: Intent) -> tuple[Edit, ...] | Refusal:
    """The edit behind the acquiring statement."""
    row = source.row(source.node(intent.at))
    if row is None:
        return Refusal("it is not made in a block of statements")
    rows = [line.rstrip(";") for line in intent.args["statements"].split("\n")]
    if len(rows) == 1:
        return (source.after(row, [f"errdefer {rows[0]};"]),)
    return (source.after(row, ["errdefer {", *(f"{source.unit}{line};" for line in rows), "}"]),)
