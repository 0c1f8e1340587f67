"""Give a value that is made inside an expression a name, and release it when the statement is over."""

from __future__ import annotations

import libcst as cst

from repairbot.languages.python.repairs._cst import COMPREHENSIONS, Compound, Row, Small, Source, walk
from repairbot.languages.python.repairs._draft import Draft
from repairbot.languages.python.repairs._guard import release_call
from repairbot.languages.python.repairs._hold import (
    against,
    consumed,
    derived_from,
    hands_on,
    last_word,
    spent,
)
from repairbot.languages.python.repairs.release_on_exit import AWAITED_SCOPES, WAITING
from repairbot.lifetimes.intents import NAME_AND_RELEASE, Refusal
from repairbot.lifetimes.ops import Intent
from repairbot.model import Edit

WRITES = (NAME_AND_RELEASE,)


def write(source: Source, intent: Intent) -> tuple[Edit, ...] | Refusal:
    """See NAME_AND_RELEASE."""
    value = source.expression(intent.at)
    statement = source.statement_of(value) if value is not None else None
    if value is None or statement is None:
        return Refusal("there is no expression at this place")
    if isinstance(statement, cst.With):
        return _into_items(source, intent, value, statement)
    row = source.row(statement)
    if row is None or (isinstance(statement, Small) and not source.alone(statement)):
        return Refusal("the statement shares its line with others")
    if isinstance(statement, cst.Expr) and statement.value is value:
        return _at_once(source, intent, value)
    alone = statement.value if isinstance(statement, cst.Expr) else None
    if isinstance(alone, cst.Await) and alone.expression is value:
        return _entered(source, intent, value, alone, row)
    if (refusal := _order(source, value, statement)) is not None:
        return refusal
    if isinstance(statement, cst.If):
        return _before_condition(source, intent, value, statement)
    if isinstance(statement, Compound) and not isinstance(statement, cst.For):
        return Refusal("the value is made again each time the statement looks at it")
    rows = _rows(source, value, statement, row)
    return rows if isinstance(rows, Refusal) else _wrap(source, intent, value, rows)


def _at_once(source: Source, intent: Intent, value: cst.BaseExpression) -> tuple[Edit, ...] | Refusal:
    """`open(path, "w")` alone: its effect stays, and it is released at once."""
    release = intent.args["release"]
    if release in WAITING:
        return Refusal("nothing here waits for it: it may be meant to run on")
    if not release.startswith(".") or intent.args.get("asynchronous") == "yes":
        return Refusal("the value is made for its effect and cannot be released in the same expression")
    end = source.outer_end(value)
    return (Edit(end, end, f"{release}()"),)


def _entered(
    source: Source, intent: Intent, value: cst.BaseExpression, awaited: cst.Await, row: Row
) -> tuple[Edit, ...] | Refusal:
    """`await session.post(url)` alone: entered and left again, which waits for the same and releases it."""
    enters = isinstance(value, cst.Call) and last_word(source, value) in AWAITED_SCOPES
    if not enters or intent.args.get("scope") != "releases":
        return Refusal("the value is made for its effect and cannot be released in the same expression")
    margin, end = source.indentation(row), source.line_end(source.end(row) - 1)
    return (
        Edit(source.start(awaited), source.start(value), "async with "),
        Edit(source.end(awaited), source.end(awaited), ":"),
        Edit(end, end, f"{margin}{source.unit}pass{source.newline}"),
    )


def _order(source: Source, value: cst.BaseExpression, statement: Small | Compound) -> Refusal | None:
    """Whether making the value before the statement would change what runs when, or how often."""
    inner: cst.CSTNode = value
    rounds: list[cst.CSTNode] = []
    for node in source.ancestors(value):
        if node is statement:
            break
        if isinstance(node, (cst.Lambda, cst.FunctionDef)):
            return Refusal("the value is made when a function is called, not here")
        if isinstance(node, cst.BooleanOperation) and node.right is inner:
            return Refusal("the value is made only if the first operand asks for it")
        if isinstance(node, cst.IfExp) and node.test is not inner:
            return Refusal("the value is made on one branch of a conditional expression only")
        if isinstance(node, COMPREHENSIONS):
            if not (inner is node.for_in and _is_first_iterable(source, value, node)):
                return Refusal("the value is made again in each round of a comprehension")
            if isinstance(node, cst.GeneratorExp) and not consumed(source, node):
                return Refusal("a generator still uses the value when the statement is over")
            rounds.append(node)
        inner = node
    start = source.start(value)
    for node in walk(statement, into_functions=False):
        if isinstance(node, (cst.Call, cst.Await, cst.Yield, cst.NamedExpr)) and source.end(node) <= start:
            around = list(source.ancestors(node))
            if not any(isinstance(each, cst.AssignTarget) or each in rounds for each in around):
                return Refusal(
                    "another call of the statement comes first: naming the value would change the order"
                )
    return None


def _is_first_iterable(source: Source, value: cst.BaseExpression, node: cst.BaseComp) -> bool:
    first = node.for_in.iter
    return source.start(first) <= source.start(value) and source.end(value) <= source.end(first)


def _rows(
    source: Source, value: cst.BaseExpression, statement: Small | Compound, row: Row
) -> list[Row] | Refusal:
    """The rows that need the value: the statement, and those that use what it makes of it."""
    if isinstance(statement, cst.For):
        return [row]
    if isinstance(statement, cst.Return) and statement.value is not None:
        if hands_on(source, value, statement.value):
            return Refusal("what is returned still needs it")
        return [row]
    if not isinstance(statement, (cst.Assign, cst.AnnAssign)) or statement.value is None:
        return [row]
    if spent(source, value, statement.value) or not hands_on(source, value, statement.value):
        return [row]
    targets = statement.targets if isinstance(statement, cst.Assign) else [statement]
    if not all(isinstance(item.target, (cst.Name, cst.Tuple)) for item in targets):
        return Refusal("what is stored still needs it")
    names = {node.value for item in targets for node in walk(item.target) if isinstance(node, cst.Name)}
    following = list(source.rows(row))
    following = following[following.index(row) + 1 :]
    last, _, names = derived_from(source, following, names)
    rows = [row, *following[: last + 1]]
    refusal = against(source, next(iter(sorted(names))), names, rows[1:], [])
    if refusal is not None:
        return Refusal("what is made of it is used further than a block around it can reach")
    end = source.end(rows[-1])
    scope = source.scope(row)
    if any(source.start(item) >= end for name in names for item in source.mentions(name, scope)):
        return Refusal("what is made of it is used further than a block around it can reach")
    return rows


def _head(source: Source, intent: Intent, value: cst.BaseExpression, name: str) -> tuple[str, list[Edit]]:
    """The `with` line for the value, "" where only a `finally` can release it; and imports."""
    text = source.slice(source.outer_start(value), source.outer_end(value))
    scope, release = intent.args.get("scope", "none"), intent.args["release"]
    awaited = intent.args.get("asynchronous") == "yes"
    if scope == "releases" and not isinstance(value, cst.Await):
        parent = source.parent(value)
        if isinstance(parent, cst.Await):
            return "", []
        return f"{'async ' if awaited else ''}with {text} as {name}:", []
    if release == ".close" and not awaited:
        closing, imports = source.import_name("contextlib", "closing")
        return f"with {closing}({text}) as {name}:", imports
    return "", []


def _wrap(
    source: Source, intent: Intent, value: cst.BaseExpression, rows: list[Row]
) -> tuple[Edit, ...] | Refusal:
    """The rows inside a block that holds the value by a name."""
    name = source.fresh(intent.args.get("name") or "value", rows[0])
    head, imports = _head(source, intent, value, name)
    draft = Draft(source)
    margin = source.indentation(rows[0])
    start, end = source.line_start(source.start(rows[0])), source.block_end(rows[-1])
    outer = _awaited(source, value) if not head else value
    draft.write(Edit(_argument_start(source, outer), source.outer_end(outer), name))
    if source.line_number(source.start(outer)) != source.line_number(source.end(outer)):
        return Refusal("the expression runs over several lines")
    if head:
        draft.put(start, margin, head)
        draft.shift(start, end)
    else:
        line = release_call(source, intent, name, rows[0])
        if isinstance(line, Refusal):
            return line
        text = source.slice(source.outer_start(outer), source.outer_end(outer))
        draft.put(start, margin, f"{name} = {text}\ntry:")
        draft.shift(start, end)
        draft.put(end, margin, f"finally:\n{source.unit}{line}")
    return (*draft.edits(), *imports)


def _argument_start(source: Source, value: cst.BaseExpression) -> int:
    """Where to write the name: right behind the bracket when the value was the only argument on a line below."""
    start = source.outer_start(value)
    arg = source.parent(value)
    call = source.parent(arg) if isinstance(arg, cst.Arg) else None
    if isinstance(call, cst.Call) and len(call.args) == 1 and source.end(call) == source.outer_end(value) + 1:
        before = source.data[:start].rstrip()
        if before.endswith(b"("):
            return len(before)
    return start


def _awaited(source: Source, value: cst.BaseExpression) -> cst.BaseExpression:
    parent = source.parent(value)
    return parent if isinstance(parent, cst.Await) else value


def _before_condition(
    source: Source, intent: Intent, value: cst.BaseExpression, statement: cst.If
) -> tuple[Edit, ...] | Refusal:
    """`if x in open(p).read():`: what the condition needs of the value is worked out before it."""
    if isinstance(source.parent(statement), cst.If):
        return Refusal("the condition is looked at only when those before it fail")
    part: cst.BaseExpression = value
    while True:
        parent = source.parent(part)
        while isinstance(parent, (cst.Arg, cst.Attribute)):
            parent = source.parent(parent)
        if not isinstance(parent, cst.Call):
            break
        part = parent
        if spent(source, value, part):
            break
    if part is value or not spent(source, value, part):
        return Refusal("the condition needs the value itself")
    name = source.fresh(intent.args.get("name") or "value", statement)
    result = source.fresh("content", statement)
    head, imports = _head(source, intent, value, name)
    if not head:
        return Refusal("only a finally could release it, and the value is used in a condition")
    start, end = source.outer_start(part), source.outer_end(part)
    inner = source.slice(start, source.outer_start(value)) + name + source.slice(source.outer_end(value), end)
    lines = f"{head}\n{source.unit}{result} = {inner}"
    return (*source.insert_before(statement, lines), Edit(start, end, result), *imports)


def _into_items(
    source: Source, intent: Intent, value: cst.BaseExpression, statement: cst.With
) -> tuple[Edit, ...] | Refusal:
    """The value is used by another item of a `with`: it becomes an item before that one."""
    item = next(
        (each for each in statement.items if source.start(each) <= source.start(value) < source.end(each)),
        None,
    )
    if item is None or item.item is value or statement.asynchronous is not None:
        return Refusal("the value does not stand in what a with statement enters")
    if (refusal := _order(source, value, statement)) is not None:
        return refusal
    name = source.fresh(intent.args.get("name") or "value", statement)
    head, imports = _head(source, intent, value, name)
    if not head.startswith("with "):
        return Refusal("the value cannot be entered by this with statement")
    text = head.removeprefix("with ").removesuffix(":")
    place = source.start(item)
    return (
        Edit(place, place, f"{text}, "),
        Edit(source.outer_start(value), source.outer_end(value), name),
        *imports,
    )
