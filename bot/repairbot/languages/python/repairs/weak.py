"""Make a collection weak, wherever it is made."""

from __future__ import annotations

from repairbot.languages.python.repairs._cst import Source
from repairbot.languages.python.repairs._made import annotation, empty, value_at
from repairbot.lifetimes.intents import WEAK, Refusal
from repairbot.lifetimes.ops import Intent
from repairbot.model import Edit

WRITES = (WEAK,)


def write(source: Source, intent: Intent) -> tuple[Edit, ...] | Refusal:
    """See WEAK; `spans` are the further places where the collection is made."""
    name, edits = source.import_name("weakref", intent.args["type"])
    for span in (intent.at, *intent.spans):
        value = value_at(source, span)
        if value is None or not empty(value):
            return Refusal("the collection does not start empty everywhere")
        typed = annotation(source, value, name)
        if isinstance(typed, Refusal):
            return typed
        edits = [*edits, source.replace(value, f"{name}()"), *typed]
    return tuple(edits)
