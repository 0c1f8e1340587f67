"""Insert statements before or behind a statement."""

from __future__ import annotations

from repairbot.languages.python.repairs._cst import Source
from repairbot.lifetimes.intents import INSERT_AFTER, INSERT_BEFORE, Refusal
from repairbot.lifetimes.ops import Intent
from repairbot.model import Edit

WRITES = (INSERT_AFTER, INSERT_BEFORE)


def write(source: Source, intent: Intent) -> tuple[Edit, ...] | Refusal:
    """See INSERT_AFTER and INSERT_BEFORE; `import` may name a line that must stand at the top."""
    statement = source.statement(intent.spans[0])
    if statement is None:
        return Refusal("there is no statement at this place")
    lines = intent.args["lines"]
    insert = source.insert_after if intent.do == INSERT_AFTER else source.insert_before
    return (*insert(statement, lines), *source.ensure_import(intent.args.get("import", "")))
