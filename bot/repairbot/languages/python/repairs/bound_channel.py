"""Give a queue a capacity."""

from __future__ import annotations

import libcst as cst

from repairbot.languages.python.repairs._cst import Source
from repairbot.lifetimes.intents import BOUND_CHANNEL, Refusal
from repairbot.lifetimes.ops import Intent
from repairbot.model import Edit

WRITES = (BOUND_CHANNEL,)


def write(source: Source, intent: Intent) -> tuple[Edit, ...] | Refusal:
    """See BOUND_CHANNEL."""
    call = source.expression(intent.at)
    if not isinstance(call, cst.Call):
        return Refusal("the queue's constructor was not found")
    if call.args:
        return Refusal("the queue is made with arguments of its own")
    text = f"{source.text(call.func)}({intent.args['keyword']}={intent.args['bound']})"
    return (source.replace(call, text),)
