"""A raw value that a function of C gave, and the statements that release it."""

from __future__ import annotations

from tree_sitter import Node

from repairbot.languages.rust.repairs._source import Source, named, squeezed, walk
from repairbot.languages.rust.syntax import text
from repairbot.lifetimes.intents import Refusal
from repairbot.lifetimes.ops import Intent


def bound(source: Source, intent: Intent) -> Node | Refusal:
    """The `let` that names what was acquired."""
    call = source.node(intent.at)
    for above in source.ancestors(call):
        if above.type == "let_declaration":
            if text(above.child_by_field_name("pattern")) == intent.place:
                return above
            break
        if above.type in ("function_item", "closure_expression"):
            break
    return Refusal(f"{intent.place} is not named where it is acquired")


def releases(source: Source, near: Node, template: str, place: str) -> list[Node]:
    """The calls in a function that release a place."""
    wanted = squeezed(template.format(place))
    function = source.function(near)
    return [
        node
        for node in (walk(function) if function is not None else ())
        if node.type == "call_expression" and squeezed(text(node)) == wanted
    ]


def statement(source: Source, call: Node) -> Node | None:
    """The statement that is a release and nothing else, with the `unsafe` around it; None where it is more."""
    row = source.row(call)
    if row is None or (row != call and (row.type != "expression_statement" or named(row)[0] != call)):
        return None
    block = row.parent
    outer = block.parent if block is not None else None
    if outer is None or outer.type != "unsafe_block" or block is None or len(source.rows(block)) > 1:
        return row
    around = source.row(outer)
    return around if around is not None and named(around)[:1] == [outer] else None
