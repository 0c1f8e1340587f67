"""What the repairs of a collection's making share: the assignment around its value, and its annotation."""

from __future__ import annotations

import libcst as cst

from repairbot.languages.python.repairs._cst import Source
from repairbot.lifetimes.intents import Refusal
from repairbot.model import Edit, Span

_LISTS = ("list", "List", "typing.List", "t.List", "MutableSequence", "deque", "Deque", "collections.deque")
_DICTS = ("dict", "Dict", "typing.Dict", "t.Dict", "MutableMapping", "Mapping")


def value_at(source: Source, span: Span) -> cst.BaseExpression | None:
    """The expression at exactly this place."""
    node = source.expression(span)
    return (
        node
        if node is not None and (source.start(node), source.end(node)) == (span.start, span.end)
        else None
    )


def annotation(source: Source, value: cst.BaseExpression, name: str) -> list[Edit] | Refusal:
    """The edits that name the new collection in the annotation of its assignment; none where there is none."""
    statement = source.statement_of(value)
    if not isinstance(statement, cst.AnnAssign):
        return []
    declared = statement.annotation.annotation
    head = declared.value if isinstance(declared, cst.Subscript) else declared
    written = source.text(head)
    if written == name or written.rpartition(".")[2] in ("Any", "MutableMapping", "MutableSequence"):
        return []
    if written not in (*_LISTS, *_DICTS):
        return Refusal(f"its annotation says {written}")
    return [source.replace(head, name)]


def empty(value: cst.BaseExpression) -> bool:
    """Whether a collection starts with nothing in it."""
    if isinstance(value, (cst.List, cst.Set)):
        return not value.elements
    if isinstance(value, cst.Dict):
        return not value.elements
    return isinstance(value, cst.Call) and not value.args
