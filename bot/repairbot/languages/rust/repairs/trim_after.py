"""The oldest entries go behind the growth, when there are more than the bound."""

from __future__ import annotations

import re

from tree_sitter import Node

from repairbot.languages.rust.repairs._source import Source
from repairbot.languages.rust.syntax import text
from repairbot.lifetimes.intents import TRIM_AFTER, Refusal
from repairbot.lifetimes.ops import Intent
from repairbot.model import Edit

WRITES = (TRIM_AFTER,)


def write(source: Source, intent: Intent) -> tuple[Edit, ...] | Refusal:
    """The edits behind each growing statement."""
    bound, kind = intent.args["bound"], intent.args["kind"]
    targets = intent.args["target"].split("\n")
    edits: list[Edit] = []
    for span, target in zip(intent.spans, targets, strict=True):
        row = source.row(source.node(span))
        if row is None or row.type != "expression_statement" or not text(row).endswith(";"):
            return Refusal("there is no place behind the growth")
        lines = _lines(source, row, target, bound, kind, intent)
        if isinstance(lines, Refusal):
            return lines
        edits.append(source.after(row, lines))
    return tuple(edits)


def _lines(
    source: Source, row: Node, target: str, bound: str, kind: str, intent: Intent
) -> list[str] | Refusal:
    test = f"if {target}.len() > {bound} {{"
    if kind == "list":
        return [test, f"\t{target}.remove(0);", "}"]
    if kind == "deque":
        return [test, f"\t{target}.pop_front();", "}"]
    if kind == "map" and re.search(r"\bBTreeMap\b", intent.args.get("map", "")):
        first = source.fresh(row, "oldest", "first_key")
        return [
            test,
            f"\tlet {first} = {target}.keys().next().cloned();",
            f"\tif let Some({first}) = {first} {{",
            f"\t\t{target}.remove(&{first});",
            "\t}",
            "}",
        ]
    return Refusal("its entries have no order: which one is the oldest is not known")
