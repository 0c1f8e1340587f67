"""Let a cleanup handler see every error."""

from __future__ import annotations

import libcst as cst

from repairbot.languages.python.repairs._cst import Source
from repairbot.lifetimes.intents import WIDEN_HANDLER, Refusal
from repairbot.lifetimes.ops import Intent
from repairbot.model import Edit

WRITES = (WIDEN_HANDLER,)


def write(source: Source, intent: Intent) -> tuple[Edit, ...] | Refusal:
    """See WIDEN_HANDLER. Only the last handler of a `try` can be widened: those behind it would be dead."""
    named = source.expression(intent.spans[0])
    handler = source.parent(named) if named is not None else None
    block = source.parent(handler) if handler is not None else None
    if named is None or not isinstance(handler, cst.ExceptHandler) or not isinstance(block, cst.Try):
        return Refusal("there is no handler at this place")
    if block.handlers[-1] is not handler:
        return Refusal("handlers stand behind it that would never be reached")
    return (Edit(source.outer_start(named), source.outer_end(named), intent.args["type"]),)
