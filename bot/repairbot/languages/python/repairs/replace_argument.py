"""Replace an expression by another, with the import that it needs."""

from __future__ import annotations

from repairbot.languages.python.repairs._cst import Source
from repairbot.lifetimes.intents import REPLACE_ARGUMENT, Refusal
from repairbot.lifetimes.ops import Intent
from repairbot.model import Edit

WRITES = (REPLACE_ARGUMENT,)


def write(source: Source, intent: Intent) -> tuple[Edit, ...] | Refusal:
    """See REPLACE_ARGUMENT: `text` stands where the span is, and `import` at the top."""
    start, end = intent.at.start, intent.at.end
    if source.slice(start, end) == intent.args["text"]:
        return Refusal("the expression is as it should be already")
    return (Edit(start, end, intent.args["text"]), *source.ensure_import(intent.args.get("import", "")))
