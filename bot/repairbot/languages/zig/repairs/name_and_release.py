"""A nested value gets a name and a `defer` (or an `errdefer`) before the statement that it stands in."""

from __future__ import annotations

import re

from tree_sitter import Node

from repairbot.languages.zig.repairs import _binding, _naming, _owners, _paths, _release
from repairbot.languages.zig.repairs._binding import Binding
from repairbot.languages.zig.repairs._source import Source, named, walk
from repairbot.languages.zig.syntax import text
from repairbot.lifetimes.intents import NAME_AND_RELEASE, Refusal
from repairbot.lifetimes.ops import Intent
from repairbot.model import Edit

WRITES = (NAME_AND_RELEASE,)

_STATEFUL = re.compile(
    r"^(?:next|read|take|pop|remove|advance|expect|eat|consume|write|print|append|put|recv|send|lock|poll|step|skip|seek|peek|fetch)"
)
_AROUND = ("try_expression", "parenthesized_expression")


def write(source: Source, intent: Intent) -> tuple[Edit, ...] | Refusal:
    """The edits that hoist a nested value."""
    release = intent.args["release"]
    node = source.node(intent.at)
    call = next((each for each in walk(node) if each.type == "call_expression"), None)
    if call is None:
        return Refusal("what makes the value is no call")
    value = _whole(source, node)
    row = source.row(value)
    if row is None:
        return Refusal("no statement can stand before it")
    if why := _stored(value):
        return Refusal(why)
    held = _binding.holds(source, value, release)
    if held not in ("value", "optional"):
        return Refusal("on some way the expression holds what was not made here")
    body = _paths.conditional(source, value, row)
    if body is not None and not _statement(source, body, row):
        return Refusal("it is made on one way of an expression, before which no statement can stand")
    around = body if body is not None else row
    if why := _earlier(value, around):
        return Refusal(why)
    name = _naming.suggested(source, call, intent.args.get("name", "") or "value")
    keyword = "const" if _constant(source, value, release) else "var"
    on_error = intent.args.get("on") == "error"
    cleanup = _release.statement(source, value, release, name, optional=held == "optional")
    shown = text(value)
    if shown.startswith("(") and shown.endswith(")"):
        shown = shown[1:-1]
    lines = [f"{keyword} {name} = {shown};", f"{'errdefer' if on_error else 'defer'} {cleanup}"]
    named_now = Edit(value.start_byte, value.end_byte, name)
    if body is not None:
        return _braced(source, body, lines, named_now, row)
    if on_error and row.parent is not None:
        owners = [
            each for each in _owners.owner_rows(source, intent.owners) if each.start_byte > row.start_byte
        ] or [row]
        if any(_owners.fails_behind(source, each, row.parent) for each in owners):
            if row.type == "variable_declaration" and row.children[0].type in ("const", "var"):
                return Refusal(
                    "something behind its new owner can fail, where an errdefer would release it again"
                )
            return _owners.narrowed(source, row, row, lines, named_now)
    return (source.before(row, lines), named_now)


def _stored(value: Node) -> str:
    """Why the value has an owner where it stands, or ""."""
    parent = value.parent
    if parent is not None and parent.type in ("variable_declaration", "assignment_expression"):
        target = text(named(parent)[0])
        if not target.startswith(".") and target != "_":
            return f"{target} keeps it"
        if target.startswith(".") and "ArenaAllocator" in text(value):
            return "an arena is kept by value: one with a name would not hold what is made from the one that is kept"
    return ""


def _whole(source: Source, node: Node) -> Node:
    """The value with its `try`, its handler that leaves, and its parentheses."""
    current = node
    while (parent := current.parent) is not None:
        first = bool(named(parent)) and named(parent)[0] == current
        leaves = parent.type == "catch_expression" or (
            parent.type == "binary_expression" and any(child.type == "orelse" for child in parent.children)
        )
        if parent.type in _AROUND or (
            leaves and first and _binding.holds(source, parent.children[-1], ".") == "nothing"
        ):
            current = parent
        else:
            break
    return current


def _statement(source: Source, body: Node, row: Node) -> bool:
    """Whether a body may become a block: it jumps, or nobody takes its value."""
    if body.type in _paths.JUMPS:
        return True
    current = body
    while current != row:
        parent = current.parent
        if parent is None or parent.type not in (
            "if_statement",
            "else_clause",
            "for_statement",
            "while_statement",
            "labeled_statement",
            "switch_case",
            "switch_expression",
            "expression_statement",
        ):
            return False
        if (
            parent.type == "while_statement"
            and named(parent)[-1] != current
            and current.type != "else_clause"
        ):
            return False
        current = parent
    return row.type != "variable_declaration"


def _braced(
    source: Source, body: Node, lines: list[str], named_now: Edit, row: Node
) -> tuple[Edit, ...] | Refusal:
    """The body as a block that begins with the lines."""
    if body.type == "expression_statement":
        body = named(body)[0]
    start = body.start_byte
    shown = text(body).encode()
    whole = shown[: named_now.start - start] + named_now.text.encode() + shown[named_now.end - start :]
    own = row.type in ("if_statement", "labeled_statement")
    return (source.braced(body, [*lines, f"{whole.decode()};"], own),)


def _earlier(value: Node, around: Node) -> str:
    """Why the value may not be made before what stands before it in its statement, or ""."""
    for node in walk(around):
        if node.type != "call_expression" or node.end_byte > value.start_byte:
            continue
        last = text(named(node)[0]).rpartition(".")[2]
        if _STATEFUL.match(last) and not _is_callee(node):
            return f"{last}() comes before it in the same statement"
    return ""


def _is_callee(node: Node) -> bool:
    parent = node.parent
    return parent is not None and parent.type == "field_expression" and named(parent)[0] == node


def _constant(source: Source, value: Node, release: str) -> bool:
    if not release.startswith("."):
        return True
    made = Binding("declared", None, value=value, const=value)
    return not _binding.variable(source, made, release)
