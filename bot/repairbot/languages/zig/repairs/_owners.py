"""Where a cleanup for errors may stand: it must end when another owner has the value.

An `errdefer` runs for every error that leaves its block, also for one behind `try list.append(x)`: then the list's
owner releases `x`, and the `errdefer` as well. So the block ends there, or the one step that can fail is caught.
"""

from __future__ import annotations

from collections.abc import Sequence

from tree_sitter import Node

from repairbot.languages.zig.repairs._paths import JUMPS, fails
from repairbot.languages.zig.repairs._source import Source, named
from repairbot.languages.zig.syntax import text
from repairbot.lifetimes.intents import Refusal
from repairbot.model import Edit, Span

_MOST_ROWS = 8
_LOOPS = ("for_statement", "while_statement", "for_expression", "while_expression")


def fails_behind(source: Source, row: Node, block: Node) -> bool:
    """Whether something can fail behind a row before the block ends in which its value was made."""
    current = row
    while (parent := current.parent) is not None:
        if parent.type == "block" and current.is_named:
            rows = source.behind(current)
            if any(fails(source, other) for other in rows):
                return True
            if parent == block or (rows and _leaves(rows[-1])) or _leaves(current):
                return False
        elif parent.type in _LOOPS and fails(source, parent):
            return True
        if parent == block:
            return False
        current = parent
    return False


def _leaves(row: Node) -> bool:
    return row.type == "expression_statement" and named(row)[0].type in JUMPS


def owner_rows(source: Source, owners: Sequence[Span]) -> list[Node]:
    """The innermost statements in which another owner gets the value.

    A local literal that it becomes part of is one only where a cleanup names it.
    """
    found = []
    for span in owners:
        row = source.row(source.node(span))
        if row is not None and (not declared(row) or _cleaned(source, row)):
            found.append(row)
    return found


def declared(row: Node) -> set[str]:
    """What a row declares."""
    if row.type != "variable_declaration" or not any(
        child.type in ("const", "var") for child in row.children
    ):
        return set()
    return {text(child) for child in row.children if child.type == "identifier"}


def _cleaned(source: Source, row: Node) -> bool:
    """Whether a cleanup behind a declaration names what it declares."""
    return any(
        other.type in ("defer_statement", "errdefer_statement") and source.mentions(name, other)
        for other in source.behind(row)
        for name in declared(row)
    )


def narrowed(
    source: Source, first: Node, last: Node, lines: Sequence[str], added: Edit | None
) -> tuple[Edit, ...] | Refusal:
    """The rows from `first` to `last` in a block of their own.

    `lines` stand before the first row (and `added` is an edit within the rows), so that their cleanup ends there.
    """
    assert first.parent is not None
    rows = [row for row in source.rows(first.parent) if first.start_byte <= row.start_byte <= last.start_byte]
    if len(rows) > _MOST_ROWS:
        return Refusal("what can fail behind its new owner is too far away for a block around both")
    names = [name for row in rows for name in sorted(declared(row))]
    for other in source.behind(last):
        if name := next((name for name in names if source.mentions(name, other)), None):
            return Refusal(f"{name} is used behind the step that gives it to another owner")
    if not source.first_on_line(first.start_byte):
        return Refusal("it stands on a line with other statements")
    blanks = source.indentation(first.start_byte)
    start, end = first.start_byte, last.end_byte
    shown = source.slice(start, end)
    if added is not None:
        if not start <= added.start <= end:
            end = source.line_end(end)
        whole = (
            source.data[start : added.start]
            + added.text.encode()
            + source.data[added.end : max(end, added.start)]
        )
        shown = whole.decode()
    body = [*lines, *shown.replace("\r\n", "\n").split("\n")]
    inner = [body[0], *(line.removeprefix(blanks) for line in body[1:])]
    text_ = "".join(
        f"{source.newline}{blanks}{source.unit}{line}" if line.strip() else source.newline for line in inner
    )
    return (Edit(start, max(end, start), f"{{{text_}{source.newline}{blanks}}}"),)
