"""Trim a collection behind each place where it grows."""

from __future__ import annotations

import libcst as cst

from repairbot.languages.python.repairs._cst import Source
from repairbot.lifetimes.intents import TRIM_AFTER, Refusal
from repairbot.lifetimes.ops import Intent
from repairbot.model import Edit

WRITES = (TRIM_AFTER,)

_GROWING = (cst.Expr, cst.Assign, cst.AnnAssign, cst.AugAssign)


def write(source: Source, intent: Intent) -> tuple[Edit, ...] | Refusal:
    """See TRIM_AFTER: one trim behind each of the growing statements, each with its own text for the target."""
    edits: list[Edit] = []
    targets = intent.args["target"].split("\n")
    for span, target in zip(intent.spans, targets, strict=True):
        statement = source.statement(span)
        if not isinstance(statement, _GROWING):
            return Refusal("it grows within a larger statement, and nothing can be put right behind it")
        edits += source.insert_after(
            statement, _lines(target, intent.args["bound"], intent.args["kind"], source)
        )
    return tuple(edits)


def _lines(target: str, bound: str, kind: str, source: Source) -> str:
    if kind == "list":
        return f"del {target}[:-{bound}]"
    oldest = (
        f"{target}.popitem(last=False)" if kind == "OrderedDict" else f"{target}.pop(next(iter({target})))"
    )
    return f"while len({target}) > {bound}:\n{source.unit}{oldest}"
