"""One expression in the place of another."""

from __future__ import annotations

from repairbot.languages.typescript.repairs._source import Source
from repairbot.lifetimes.intents import REPLACE_ARGUMENT, Refusal
from repairbot.lifetimes.ops import Intent
from repairbot.model import Edit

WRITES = (REPLACE_ARGUMENT,)


def write(source: Source, intent: Intent) -> tuple[Edit, ...] | Refusal:
    """The text in the expression's place."""
    if intent.args.get("import"):
        return Refusal("it needs an import")
    return (Edit(intent.at.start, intent.at.end, intent.args["text"]),)
