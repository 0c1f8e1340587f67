"""One expression in place of another; a pattern of `select!` that is too narrow for what its arm takes."""

from __future__ import annotations

import re

from tree_sitter import Node

from repairbot.languages.rust.repairs._source import Source, walk
from repairbot.lifetimes.intents import REPLACE_TEXT, Refusal
from repairbot.lifetimes.ops import Intent
from repairbot.model import Edit, Span

WRITES = (REPLACE_TEXT,)


def write(source: Source, intent: Intent) -> tuple[Edit, ...] | Refusal:
    """The edit at `intent.at`."""
    if "pattern" in intent.args:
        return _widened(source, intent)
    return (Edit(intent.at.start, intent.at.end, intent.args["text"]),)


def _texts(source: Source, arm: Span) -> list[Node]:
    """The texts in an arm."""
    return [node for node in walk(source.node(arm)) if node.type in ("string_literal", "raw_string_literal")]


def _widened(source: Source, intent: Intent) -> tuple[Edit, ...] | Refusal:
    """`Some(Err(e)) = set.join_next() => { .. }` takes every result and looks for the error inside."""
    match = re.fullmatch(r"Some\s*\(\s*(Err\s*\(.*\))\s*\)", intent.args["pattern"], re.DOTALL)
    arm = intent.spans[0]
    shown = source.data[arm.start : arm.end]
    arrow = re.search(rb"=>\s*\{", shown)
    if match is None or arrow is None or not shown.rstrip().endswith(b"}"):
        return Refusal("its arm is no block")
    opened = arm.start + arrow.end()
    closed = arm.start + len(shown.rstrip()) - 1
    body = source.data[opened:closed]
    blanks = source.indentation(arm.start)
    name = source.fresh(source.node(arm), "joined", "result")
    if any(node.start_point[0] != node.end_point[0] for node in _texts(source, arm)):
        return Refusal("a text of several lines stands in the arm")
    inner, nl = blanks + source.unit, source.newline
    rows = body.decode().strip("\r\n").rstrip().split(nl)
    if b"\n" not in body:
        rows = [f"{inner}{body.decode().strip()}"] if body.strip() else []
    moved = nl.join(f"{source.unit}{row}" if row.strip() else "" for row in rows)
    text = f"{nl}{inner}if let {match[1]} = {name} {{{nl}{moved}{nl}{inner}}}{nl}{blanks}"
    return (Edit(intent.at.start, intent.at.end, f"Some({name})"), Edit(opened, closed, text))
