"""Make a list a deque with a bound, or give a deque its bound."""

from __future__ import annotations

import re

import libcst as cst

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
    if isinstance(value, cst.Call) and value.args and source.text(value.func).endswith("defaultdict"):
        return _buckets(source, value, intent.args["bound"])
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


def _buckets(source: Source, value: cst.Call, bound: str) -> tuple[Edit, ...] | Refusal:
    """`defaultdict(list)` makes deques instead; the lists in its annotation are named anew."""
    made = value.args[0].value
    if len(value.args) != 1 or source.text(made) != "list":
        return Refusal("the buckets are not plain lists")
    name, edits = source.import_name("collections", "deque")
    statement = source.statement_of(value)
    typed: list[Edit] = []
    if isinstance(statement, cst.AnnAssign):
        declared = statement.annotation.annotation
        held = declared.slice[-1].slice if isinstance(declared, cst.Subscript) and declared.slice else None
        inner = held.value if isinstance(held, cst.Index) else None
        head = inner.value if isinstance(inner, cst.Subscript) else inner
        if head is None or source.text(head) not in ("list", "List", "typing.List"):
            return Refusal("its annotation does not say what it holds")
        typed = [source.replace(head, name)]
    return (source.replace(made, f"lambda: {name}(maxlen={bound})"), *typed, *edits)


def _set_before(source: Source, bound: str, offset: int) -> bool:
    if not bound.startswith("self."):
        return True
    before = source.data[:offset].decode("utf-8", "replace")
    start = max(before.rfind("\n    def "), before.rfind("\n\tdef "), before.rfind("\n  def "))
    return re.search(re.escape(bound) + r"\s*(?::[^=\n]+)?=[^=]", before[max(start, 0) :]) is not None
