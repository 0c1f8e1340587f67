"""Make a list a deque with a bound, or give a deque its bound."""

from __future__ import annotations

import re

from repairbot.languages.python.repairs._cst import Source
from repairbot.languages.python.repairs._made import annotation, empty, value_at
from repairbot.lifetimes.intents import BOUND_DEQUE, Refusal
from repairbot.lifetimes.ops import Intent
from repairbot.model import Edit

WRITES = (BOUND_DEQUE,)


def write(source: Source, intent: Intent) -> tuple[Edit, ...] | Refusal:
    """See BOUND_DEQUE. A bound kept in an attribute must be set before the collection is made."""
    value = value_at(source, intent.at)
    if value is None:
        return Refusal("the value that the collection starts with was not found")
    if not empty(value):
        return Refusal("the collection does not start empty")
    bound = intent.args["bound"]
    if not _set_before(source, bound, intent.at.start):
        return Refusal(f"{bound} is not set yet where the collection is made")
    name, edits = source.import_name("collections", "deque")
    typed = annotation(source, value, name)
    if isinstance(typed, Refusal):
        return typed
    return (source.replace(value, f"{name}(maxlen={bound})"), *typed, *edits)


def _set_before(source: Source, bound: str, offset: int) -> bool:
    if not bound.startswith("self."):
        return True
    before = source.data[:offset].decode("utf-8", "replace")
    start = max(before.rfind("\n    def "), before.rfind("\n\tdef "), before.rfind("\n  def "))
    return re.search(re.escape(bound) + r"\s*(?::[^=\n]+)?=[^=]", before[max(start, 0) :]) is not None
