"""Release before one exit that forgets it."""

from __future__ import annotations

import libcst as cst

from repairbot.languages.python.repairs._cst import Source
from repairbot.languages.python.repairs._guard import release_call
from repairbot.languages.python.repairs._hold import HARMLESS_AFTER, hands_on
from repairbot.lifetimes.intents import RELEASE_BEFORE, Refusal
from repairbot.lifetimes.ops import Intent
from repairbot.model import Edit

WRITES = (RELEASE_BEFORE,)


def write(source: Source, intent: Intent) -> tuple[Edit, ...] | Refusal:
    """See RELEASE_BEFORE. A returned value that still needs the place is worked out first."""
    leaving = source.statement(intent.spans[0])
    if not isinstance(leaving, (cst.Return, cst.Break, cst.Continue, cst.Raise)):
        return Refusal("the exit is no statement that a release could stand before")
    near = source.row(leaving) or leaving
    line = release_call(source, intent, intent.place, near)  # type: ignore[arg-type]
    if isinstance(line, Refusal):
        return line
    needed = [item for item in source.mentions(intent.place, leaving) if not _harmless(source, item)]
    if isinstance(leaving, cst.Return) and leaving.value is not None and needed:
        if any(hands_on(source, item, leaving.value) for item in needed):
            return Refusal(f"what is returned still needs {intent.place}")
        name = source.fresh("result", leaving)
        start, end = source.outer_start(leaving.value), source.outer_end(leaving.value)
        before = source.insert_before(leaving, f"{name} = {source.slice(start, end)}\n{line}")
        return (*before, Edit(start, end, name))
    if needed:
        return Refusal(f"the exit itself still needs {intent.place}")
    return tuple(source.insert_before(leaving, line))


def _harmless(source: Source, name: cst.Name) -> bool:
    parent = source.parent(name)
    return isinstance(parent, cst.Attribute) and parent.attr.value in HARMLESS_AFTER
