"""A removal makes the entry that it wants to remove something from, and leaves it there.

del(id, room) { this.sids[id] = this.sids[id] || {}; delete this.sids[id][room]; }
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from repairbot.languages.typescript.classes import Classes
from repairbot.languages.typescript.syntax import Module, statement_of
from repairbot.languages.typescript.tree import N
from repairbot.lifetimes.intents import REPLACE_TEXT
from repairbot.lifetimes.ops import Idiom, Intent
from repairbot.model import Span, Step


def find(module: Module, _: Classes) -> Iterator[Idiom]:
    """Entries made with an empty value right before something is deleted from them."""
    if b"delete " not in module.source and b".delete(" not in module.source:
        return
    for node in module.all("assignment_expression"):
        if node.kids[0].kind != "subscript_expression":
            continue
        entry, value = module.text(node.kids[0]), module.text(node.kids[-1])
        empty = re.fullmatch(
            re.escape(entry) + r"\s*(?:\|\||\?\?)\s*(?:\{\}|\[\]|new (?:Set|Map)(?:<.*>)?\(\))", value
        )
        function = module.around(node)
        if empty is None or function is None:
            continue
        below = module.source[node.end : function.node.end].decode("utf-8", "replace")
        spelled = re.escape(entry)
        if not re.search(rf"\bdelete\s+{spelled}\[|{spelled}\.delete\(", below) or re.search(
            rf"{spelled}\[[^\]]+\]\s*=[^=]|{spelled}\.(?:add|set|push)\(|\bdelete\s+{spelled}\s*[;}}\n]",
            below,
        ):
            continue
        at = module.span(statement_of(node))
        yield Idiom(
            "unbounded-collection",
            module.symbol_at(node),
            module.dotted(node.kids[0].kids[0]),
            at,
            f"removing from {entry} makes the entry when it is gone already, and it stays for ever",
            (Step(at.line, "made, empty"), Step(at.line + 1, "only to delete from it")),
            confidence="high",
            intents=_asked(module, node, entry),
        )


def _asked(module: Module, node: N, entry: str) -> tuple[Intent, ...]:
    """Only where the entry is there something is deleted from it: the two statements become one under a condition."""
    made = statement_of(node)
    rows = made.up.kids if made.up is not None else []
    behind = next((row for row in rows if row.start >= made.end), None)
    removal = module.text(behind)
    if behind is None or not re.match(
        rf"(?:delete\s+{re.escape(entry)}\[|{re.escape(entry)}\.delete\()", removal
    ):
        return ()
    if module.source[made.end : behind.start].strip():
        return ()
    first, last = module.span(made), module.span(behind)
    both = Span(first.start, last.end, first.line, last.end_line, first.column)
    title = "delete only from an entry that is there"
    return (Intent(REPLACE_TEXT, both, "", title, {"text": f"if ({entry}) {removal}", "import": ""}),)
