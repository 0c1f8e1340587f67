"""A nameless value gets a name, and a release on every way out."""

from __future__ import annotations

from repairbot.languages.typescript.repairs import _release, _wrap
from repairbot.languages.typescript.repairs._source import Source
from repairbot.languages.typescript.syntax import bare
from repairbot.languages.typescript.tree import FUNCTIONS, N
from repairbot.lifetimes.intents import NAME_AND_RELEASE, Refusal
from repairbot.lifetimes.ops import Intent
from repairbot.model import Edit

WRITES = (NAME_AND_RELEASE,)


def write(source: Source, intent: Intent) -> tuple[Edit, ...] | Refusal:
    """`const name = ...` before the statement, and a `try` around it and what needs its names."""
    node = _whole(source.node(intent.at))
    row = source.row(node)
    if row is None or row.up is None or row.up.kind == "program":
        return Refusal("no statement can stand before it")
    if node.up is not None and node.up.kind == "expression_statement":
        return Refusal("nothing uses the value, so what it is made for is not known")
    if any(up.kind in FUNCTIONS for up in _between(node, row)) or _guarded(node, row):
        return Refusal("what stands before it in the statement decides whether it is made")
    if row.kind in ("for_statement", "while_statement", "do_statement", "for_in_statement") and not _once(
        node, row
    ):
        return Refusal("it is made in each round")
    name = source.fresh(node, intent.args.get("name") or "resource", "held")
    waited = node.kind == "await_expression"
    release = _release.lines(source, node, intent.args, name)
    rows = _wrap.extended(source, [row])
    tail = (
        _wrap.handled(source, node, release) if intent.args.get("on") == "error" else _wrap.at_last(release)
    )
    edits = _wrap.wrap(source, rows, tail, name)
    if isinstance(edits, Refusal):
        return edits
    start = source.line_start(row.start)
    blanks = source.indentation(row.start)
    declared = f"{blanks}{source.shown(f'const {name} = {source.text(node)}')}{source.newline}"
    start = min(edit.start for edit in edits if edit.start <= start)
    parenthesized = node.up is not None and node.up.kind == "parenthesized_expression" and waited
    at = node.up if parenthesized and node.up is not None else node
    return (Edit(start, start, declared), *edits, *_returned(source, row, node), Edit(at.start, at.end, name))


def _returned(source: Source, row: N, node: N) -> tuple[Edit, ...]:
    """`await` for a promise that is returned and uses the value."""
    value = bare(row.kids[0]) if row.kind == "return_statement" and row.kids else None
    if (
        value is None
        or value.kind != "call_expression"
        or value.start == node.start
        or not source.asynchronous(row)
    ):
        return ()
    return (Edit(value.start, value.start, "await "),)


def _whole(node: N) -> N:
    """The call with the `await` before it."""
    up = node.up
    return up if up is not None and up.kind == "await_expression" else node


def _between(node: N, row: N) -> list[N]:
    found: list[N] = []
    for up in node.above():
        if up is row:
            break
        found.append(up)
    return found


def _guarded(node: N, row: N) -> bool:
    """Whether a condition inside of the statement decides whether the expression runs."""
    below = node
    for up in [*_between(node, row), row]:
        if up.kind == "ternary_expression" and below is not up.kids[0]:
            return True
        if up.kind == "binary_expression" and below is not up.kids[0] and len(up.kids) == 2:
            return True
        if up.kind == "if_statement" and below is not up.kids[0]:
            return True
        below = up
    return False


def _once(node: N, row: N) -> bool:
    """Whether an expression of a loop's head runs but once: what a `for ... of` goes over."""
    return (
        row.kind == "for_in_statement"
        and len(row.kids) > 1
        and row.kids[1].start <= node.start < row.kids[1].end
    )
