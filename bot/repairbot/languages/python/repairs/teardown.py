"""Add the forgotten line to a teardown that exists.

What still calls the object (a task, a timer, a listener) is ended first, what the object uses is released last.
"""

from __future__ import annotations

import re

import libcst as cst

from repairbot.languages.python.repairs._cst import Row, Source, walk
from repairbot.lazily import regex
from repairbot.lifetimes.intents import ADD_TO_TEARDOWN, CANCEL_IN_TEARDOWN, Refusal
from repairbot.lifetimes.ops import Intent
from repairbot.model import Edit

WRITES = (ADD_TO_TEARDOWN, CANCEL_IN_TEARDOWN)

FIRST = regex(r"\.(cancel|pop|discard|unregister|off|unsubscribe|unlisten|unobserve|remove\w*|un\w+hook)\(")
"""Calls that end what may still call the object."""


def write(source: Source, intent: Intent) -> tuple[Edit, ...] | Refusal:
    """See ADD_TO_TEARDOWN: at the end, before a return or the parent's own teardown; or early."""
    edits = add(
        source,
        intent.args["container"],
        intent.args["method"],
        intent.args["line"],
        intent.args.get("after", ""),
        early=bool(intent.args.get("early")),
    )
    if isinstance(edits, Refusal):
        return edits
    return (*edits, *source.ensure_import(intent.args.get("import", "")))


def add(
    source: Source, container: str, method: str, lines: str, after: str = "", *, early: bool = False
) -> list[Edit] | Refusal:
    """The edits that add lines to a method of a class; other repairs use it too.

    `early`: before everything but the docstring and the guards at the top, for what must not be called any more.
    """
    function = source.find_function(f"{container}.{method}" if container else method)
    if function is None:
        return Refusal(f"{container} has no method {method}")
    if (refusal := _unfit(source, function, lines)) is not None:
        return refusal
    if not isinstance(function.body, cst.IndentedBlock):
        return _into_one_line(source, function, lines)
    rows = [
        row
        for row in function.body.body
        if isinstance(row, (cst.SimpleStatementLine, cst.BaseCompoundStatement))
    ]
    if len(rows) == 1 and _is_nothing(rows[0]):
        start = source.line_start(source.start(rows[0]))
        text = source.lay_out(lines, source.indentation(rows[0]))
        return [Edit(start, source.line_end(source.end(rows[0]) - 1), text)]
    last = rows[-1]
    if early:
        first = next((row for row in rows if not _is_prelude(row)), None)
        if first is not None:
            item = first.body[0] if isinstance(first, cst.SimpleStatementLine) else first
            return source.insert_before(item, lines)
    if after:
        word = re.compile(rf"\bself\.{re.escape(after)}\b")
        found = [row for row in rows if word.search(source.text(row))]
        if found and not _leaves(source, found[-1]):
            return source.insert_after(source.last_of_row(found[-1]), lines)
    if FIRST.search(lines.splitlines()[-1]):
        first = next((row for row in rows if not _is_prologue(row)), None)
        if first is not None and not _is_parents(source, first, method):
            return source.insert_before(
                first.body[0] if isinstance(first, cst.SimpleStatementLine) else first, lines
            )
    if _leaves(source, last) or _is_parents(source, last, method):
        return source.insert_before(
            last.body[0] if isinstance(last, cst.SimpleStatementLine) else last, lines
        )
    return source.insert_after(source.last_of_row(last), lines)


def _unfit(source: Source, function: cst.FunctionDef, lines: str) -> Refusal | None:
    """Why this method cannot take the lines."""
    name = function.name.value
    marks = " ".join(source.text(item) for item in function.decorators)
    if re.search(r"abstractmethod|staticmethod|classmethod|overload|property", marks):
        return Refusal(f"{name} is {marks}: the release cannot stand there")
    first = next(iter(function.params.params), None)
    if "self." in lines and (first is None or first.name.value != "self"):
        return Refusal(f"{name} does not call its object self")
    if re.search(r"\bawait\b", lines) and function.asynchronous is None:
        return Refusal(f"the release must be awaited, and {name} is not async")
    if any(isinstance(node, cst.Yield) for node in walk(function, into_functions=False)):
        return Refusal(f"{name} is a generator")
    if re.search(r"raise NotImplementedError", source.text(function)):
        return Refusal(f"{name} is left to subclasses")
    body = [line.strip() for line in source.text(function).splitlines()]
    if all(line.strip() in body for line in lines.splitlines()):
        return Refusal(f"{name} has the line already")
    return None


def _is_prelude(row: Row) -> bool:
    """A docstring, or a guard that only leaves: `if self.closed: return`."""
    if isinstance(row, cst.SimpleStatementLine):
        item = row.body[0]
        return isinstance(item, cst.Expr) and isinstance(
            item.value, (cst.SimpleString, cst.ConcatenatedString)
        )
    if not isinstance(row, cst.If) or row.orelse is not None:
        return False
    end = row.body.body[-1]
    if isinstance(end, cst.SimpleStatementLine):
        end = end.body[-1]
    return isinstance(end, (cst.Return, cst.Raise))


def _is_nothing(row: Row) -> bool:
    """`pass` or `...`."""
    if not isinstance(row, cst.SimpleStatementLine) or len(row.body) != 1:
        return False
    item = row.body[0]
    return isinstance(item, cst.Pass) or (isinstance(item, cst.Expr) and isinstance(item.value, cst.Ellipsis))


def _is_prologue(row: Row) -> bool:
    """A docstring, a check that leaves early, or a flag that is set."""
    if isinstance(row, cst.SimpleStatementLine):
        item = row.body[0]
        if isinstance(item, cst.Assign):
            return isinstance(item.value, cst.Name) and item.value.value in ("True", "False", "None")
        return isinstance(item, cst.Expr) and isinstance(
            item.value, (cst.SimpleString, cst.ConcatenatedString)
        )
    if not isinstance(row, cst.If) or not isinstance(row.body, cst.IndentedBlock):
        return False
    last = row.body.body[-1]
    return isinstance(last, cst.SimpleStatementLine) and isinstance(last.body[-1], cst.Return)


def _leaves(source: Source, row: Row) -> bool:
    """Whether nothing behind this row is reached."""
    return isinstance(row, cst.SimpleStatementLine) and isinstance(row.body[-1], (cst.Return, cst.Raise))


def _is_parents(source: Source, row: Row, method: str) -> bool:
    """Whether the row calls the same teardown of the parent class."""
    if not isinstance(row, cst.SimpleStatementLine):
        return False
    text = source.text(row)
    return (
        bool(re.search(rf"(\bsuper\(.*\)|\b[A-Z]\w*)\.{re.escape(method)}\(", text))
        and "self.super" not in text
    )


def _into_one_line(source: Source, function: cst.FunctionDef, lines: str) -> list[Edit] | Refusal:
    """`def close(self): pass` gets a body."""
    suite = function.body
    assert isinstance(suite, cst.SimpleStatementSuite)
    if len(suite.body) == 1 and _is_nothing(cst.SimpleStatementLine([suite.body[0]])):
        start = len(source.data[: source.start(suite)].rstrip(b" \t"))
        end = source.line_end(source.end(suite) - 1)
        if source.slice(source.end(suite), end).strip():
            return Refusal(f"{function.name.value} stands on one line with a comment")
        return [
            Edit(
                start, end, source.newline + source.lay_out(lines, source.indentation(function) + source.unit)
            )
        ]
    return source.insert_after(suite.body[-1], lines)
