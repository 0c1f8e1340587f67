"""A weak handle is upgraded where its object is needed: around one statement, or at the top of what uses it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from tree_sitter import Node

from repairbot.languages.rust.repairs._source import Source, named, walk
from repairbot.languages.rust.syntax import text
from repairbot.lifetimes.intents import Refusal
from repairbot.model import Edit

_UNITS = frozenset(
    {"for_expression", "while_expression", "if_expression", "match_expression", "loop_expression"}
)
SHORT = 5
"""A statement of more lines stays where it is: what upgrades the handle stands before it."""
_PLAIN = re.compile(r"(?:true|false|None|Ok\(\(\)\)|(?:\w+::)*\w+::\w+(?:\(\(\)\))?)")
"""What a closure may well return when there is nothing to do, where it does so already."""


@dataclass(frozen=True)
class Weak:
    """A weak handle: what it is called, what the strong one is called, and how it is upgraded (".upgrade()")."""

    name: str
    strong: str
    call: str


def upgraded(source: Source, body: Node, uses: Sequence[Node], weak: Weak) -> tuple[Edit, ...] | Refusal:
    """The edits by which a closure's (or a task's) body upgrades the handle where it uses it."""
    if not uses:
        return Refusal(f"{weak.strong} is not used there")
    row = _common(source, body, uses)
    way = leaving(source, body) if body.type == "block" else None
    if row is not None and (way is None or _short(row) or row.parent != body):
        return around(source, row, weak)
    if way is None:
        return Refusal(_undecided(weak))
    rows = source.rows(body)
    first = next(each for each in rows if _holds(each, uses))
    return (source.before(first, otherwise(source, weak, way)),)


def _short(row: Node) -> bool:
    return row.end_point[0] - row.start_point[0] <= SHORT


def _undecided(weak: Weak) -> str:
    return f"what is to be returned when {weak.strong} is gone is not seen here"


def otherwise(source: Source, weak: Weak, way: str) -> list[str]:
    """The lines that upgrade the handle, or leave."""
    if way == "?":
        return [f"let {weak.strong} = {weak.name}{weak.call}?;"]
    if source.let_else:
        return [f"let Some({weak.strong}) = {weak.name}{weak.call} else {{", f"\t{way};", "};"]
    return [
        f"let {weak.strong} = match {weak.name}{weak.call} {{",
        f"\tSome({weak.strong}) => {weak.strong},",
        f"\tNone => {way},",
        "};",
    ]


def around(source: Source, row: Node, weak: Weak) -> tuple[Edit, ...] | Refusal:
    """The statement in an `if let`, a step further in."""
    inside = _further(source, row)
    if inside is None:
        return Refusal("a text of several lines stands in the statement")
    blanks, nl = source.indentation(row.start_byte), source.newline
    head = f"if let Some({weak.strong}) = {weak.name}{weak.call} {{{nl}{blanks}{source.unit}"
    end = row.end_byte
    return (Edit(row.start_byte, row.start_byte, head), *inside, Edit(end, end, f"{nl}{blanks}}}"))


def _further(source: Source, row: Node) -> tuple[Edit, ...] | None:
    """The lines of a statement behind its first, a step further in; None where a text would change."""
    for node in walk(row):
        if node.type in ("string_literal", "raw_string_literal") and node.start_point[0] != node.end_point[0]:
            return None
    edits = []
    at = source.data.find(b"\n", row.start_byte, row.end_byte)
    while at >= 0:
        if source.data[at + 1 : source.line_end(at + 1)].strip():
            edits.append(Edit(at + 1, at + 1, source.unit))
        at = source.data.find(b"\n", at + 1, row.end_byte)
    return tuple(edits)


def _holds(node: Node, uses: Sequence[Node]) -> bool:
    return any(node.start_byte <= use.start_byte < node.end_byte for use in uses)


def _common(source: Source, body: Node, uses: Sequence[Node]) -> Node | None:
    """The innermost statement of a body that holds every use, outside of closures in it where there is one."""
    level = len(source.closures(body))
    best: Node | None = None
    current = uses[0]
    while current != body and current.parent is not None and current.start_byte >= body.start_byte:
        parent = current.parent
        whole = all(current.start_byte <= use.start_byte < current.end_byte for use in uses)
        if parent.type == "block" and whole and _statement(source, current):
            if len(source.closures(current)) == level:
                return current
            best = best or current
        current = parent
    return best


def _statement(source: Source, row: Node) -> bool:
    """Whether a row can stand in an `if let` of its own: a statement whose value nobody takes."""
    if row.type != "expression_statement":
        return False
    if text(row).endswith(";"):
        return True
    return (
        named(row)[0].type in _UNITS and source.rows(row.parent)[-1] != row
        if row.parent is not None
        else False
    )


def unit(source: Source, block: Node) -> bool:
    """Whether a block's value is `()` for certain."""
    rows = source.rows(block)
    if not rows:
        return True
    last = rows[-1]
    if last.type == "expression_statement":
        if text(last).endswith(";"):
            return True
        last = named(last)[0]
    if last.type in ("let_declaration", "for_expression", "while_expression"):
        return True
    if last.type == "if_expression" and last.child_by_field_name("alternative") is None:
        return True
    if last.type == "match_expression" and _empty_arm(last):
        return True
    return any(not named(each) for each in returns(source, block))


def _empty_arm(match: Node) -> bool:
    """Whether an arm of a match is `{}` or `()`, so that all of them give nothing."""
    body = match.child_by_field_name("body")
    arms = [each for each in (named(body) if body is not None else ()) if each.type == "match_arm"]
    return any(text(arm.child_by_field_name("value")) in ("{}", "()") for arm in arms)


def returns(source: Source, block: Node) -> list[Node]:
    """The `return`s of the closure, task or function whose body a block is."""
    level = [each.start_byte for each in source.closures(block)]
    return [
        node
        for node in walk(block)
        if node.type == "return_expression" and [each.start_byte for each in source.closures(node)] == level
    ]


def leaving(source: Source, block: Node) -> str | None:
    """How a body can leave early: "return", "return X" as it does already, "?", or None where that is not known."""
    if unit(source, block):
        return "return"
    values = {text(named(each)[0]) for each in returns(source, block) if named(each)}
    if len(values) == 1 and _PLAIN.fullmatch(value := values.pop()):
        return f"return {value}"
    rows = source.rows(block)
    last = rows[-1] if rows else None
    if last is not None and re.match(r"Some\(", text(last)):
        return "?"
    return f"return {text(last)}" if last is not None and _PLAIN.fullmatch(text(last)) else None
