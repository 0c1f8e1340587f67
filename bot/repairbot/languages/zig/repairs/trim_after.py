"""The oldest entries of a list go behind its growth, where the code names a bound and an entry owns nothing."""

from __future__ import annotations

import re

from repairbot.languages.zig.repairs._source import Source
from repairbot.lifetimes.intents import TRIM_AFTER, Refusal
from repairbot.lifetimes.ops import Intent
from repairbot.model import Edit

WRITES = (TRIM_AFTER,)
_PLAIN = re.compile(rb"(?:[ui]\d+|[ui]size|f\d+|bool|Instant|(?:std\.)?time\.Instant)")


def write(source: Source, intent: Intent) -> tuple[Edit, ...] | Refusal:
    """One loop behind each growth. `args` as in TRIM_AFTER."""
    if intent.choice.startswith("Nothing in the code names a bound"):
        return Refusal("nothing in the code names a bound, and what an entry owns must be released with it")
    if intent.args["kind"] != "list":
        return Refusal("a map does not know which of its entries is the oldest")
    bound = intent.args["bound"]
    edits: list[Edit] = []
    for span, target in zip(intent.spans, intent.args["target"].split("\n"), strict=True):
        member = re.escape(target.rpartition(".")[2]).encode()
        typed = re.search(rb"\b" + member + rb"\s*:\s*[\w.]*ArrayList\w*\(([^()]*)\)", source.data)
        if typed is None or not _PLAIN.fullmatch(typed.group(1).strip()):
            return Refusal("what is dropped may own something that would have to be released")
        row = source.row(source.node(span))
        if row is None:
            return Refusal("it does not grow in a block of statements")
        edits.append(
            source.after(row, [f"while ({target}.items.len > {bound}) _ = {target}.orderedRemove(0);"])
        )
    return tuple(edits)
