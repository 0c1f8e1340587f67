"""`defer` becomes `errdefer` where the value goes to the caller."""

from __future__ import annotations

from repairbot.languages.zig.repairs import _paths
from repairbot.languages.zig.repairs._source import Source, named
from repairbot.lifetimes.intents import ERRORS_ONLY, Refusal
from repairbot.lifetimes.ops import Intent
from repairbot.model import Edit

WRITES = (ERRORS_ONLY,)


def write(source: Source, intent: Intent) -> tuple[Edit, ...] | Refusal:
    """The edit of the keyword of the statement at `spans[0]`."""
    row = source.node(intent.spans[0])
    if row.type != "defer_statement":
        return Refusal("its cleanup is no defer")
    body = named(row)[0]
    if body.type == "block" and len(named(body)) > 1:
        return Refusal("its cleanup releases more than the value")
    if not _paths.fallible(source, row):
        return Refusal("the function cannot fail: its cleanup would never run")
    keyword = row.children[0]
    return (Edit(keyword.start_byte, keyword.end_byte, "errdefer"),)
