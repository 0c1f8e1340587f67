"""Give a cache decorator a bound."""

from __future__ import annotations

import libcst as cst

from repairbot.languages.python.repairs._cst import Source
from repairbot.lifetimes.intents import BOUND_CACHE, Refusal
from repairbot.lifetimes.ops import Intent
from repairbot.model import Edit

WRITES = (BOUND_CACHE,)


def write(source: Source, intent: Intent) -> tuple[Edit, ...] | Refusal:
    """See BOUND_CACHE: `cache` becomes `lru_cache(maxsize=N)`, and a `maxsize` of None the bound."""
    decorator = source.expression(intent.at)
    if decorator is None:
        return Refusal("the decorator was not found")
    bound = intent.args["bound"]
    if isinstance(decorator, cst.Call) and decorator.args:
        for argument in decorator.args:
            if source.text(argument.value) == "None":
                return (source.replace(argument.value, bound),)
        return Refusal("the cache has a bound already")
    name, edits = source.import_name("functools", "lru_cache")
    return (source.replace(decorator, f"{name}(maxsize={bound})"), *edits)
