"""A removal makes the entry that it wants to remove something from, and leaves it there.

del(id, room) { this.sids[id] = this.sids[id] || {}; delete this.sids[id][room]; }
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from repairbot.languages.typescript.classes import Classes
from repairbot.languages.typescript.syntax import Module, statement_of
from repairbot.lifetimes.ops import Idiom
from repairbot.model import Step


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
        )
