"""`with X as c` ends a transaction: `with closing(X) as c, c` closes the connection too."""

from __future__ import annotations

import libcst as cst

from repairbot.languages.python.repairs._cst import Source
from repairbot.lifetimes.intents import SCOPE_CLOSING, Refusal
from repairbot.lifetimes.ops import Intent
from repairbot.model import Edit

WRITES = (SCOPE_CLOSING,)


def write(source: Source, intent: Intent) -> tuple[Edit, ...] | Refusal:
    """See SCOPE_CLOSING. The transaction stays: the value is entered itself behind `closing`."""
    value = source.expression(intent.at)
    item = source.parent(value) if value is not None else None
    if value is None or not isinstance(item, cst.WithItem):
        return Refusal("the value is not what the with statement enters")
    block = source.parent(item)
    if not isinstance(block, cst.With) or block.asynchronous is not None:
        return Refusal("an async with has no closing for this value")
    if intent.args.get("release", ".close") != ".close":
        return Refusal("the value is not released by close()")
    closing, imports = source.import_name("contextlib", "closing")
    start, end = source.outer_start(value), source.outer_end(value)
    if item.asname is None:
        name = source.fresh(intent.args.get("name") or "connection", block)
        tail = f") as {name}, {name}"
        place = end
        return (Edit(start, start, f"{closing}("), Edit(place, place, tail), *imports)
    if not isinstance(item.asname.name, cst.Name):
        return Refusal("the with statement gives the value no plain name")
    name = item.asname.name.value
    place = source.end(item.asname.name)
    return (Edit(start, start, f"{closing}("), Edit(end, end, ")"), Edit(place, place, f", {name}"), *imports)
