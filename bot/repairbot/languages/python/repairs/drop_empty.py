"""Delete a key with the last element of its bucket."""

from __future__ import annotations

import libcst as cst

from repairbot.languages.python.repairs._cst import Source
from repairbot.lifetimes.intents import DROP_EMPTY, Refusal
from repairbot.lifetimes.ops import Intent
from repairbot.model import Edit

WRITES = (DROP_EMPTY,)


def write(source: Source, intent: Intent) -> tuple[Edit, ...] | Refusal:
    """See DROP_EMPTY; `bucket` is the emptied one as the statement writes it."""
    statement = source.statement(intent.spans[0])
    if not isinstance(statement, (cst.Expr, cst.Assign, cst.AugAssign, cst.Del)):
        return Refusal("the bucket is emptied within a larger statement")
    bucket = intent.args["bucket"]
    if (loop := _loop(source, statement, bucket)) is not None:
        return _walking(source, statement, loop, bucket)
    container, key = intent.args["container"], intent.args["key"]
    if not container or not key:
        return Refusal("the key of the emptied bucket has no name here")
    return tuple(source.insert_after(statement, f"if not {bucket}:\n{source.unit}del {container}[{key}]"))


def _loop(source: Source, node: cst.CSTNode, bucket: str) -> cst.For | None:
    """The loop whose variable is the bucket."""
    for around in source.ancestors(node):
        if isinstance(around, cst.FunctionDef):
            return None
        if isinstance(around, cst.For):
            names = [name.value for name in source_names(around.target)]
            if bucket in names:
                return around
    return None


def source_names(target: cst.BaseExpression) -> list[cst.Name]:
    """The names that a loop's target binds, one level deep."""
    if isinstance(target, cst.Name):
        return [target]
    if isinstance(target, cst.Tuple):
        return [element.value for element in target.elements if isinstance(element.value, cst.Name)]
    return []


def _walking(
    source: Source, statement: cst.CSTNode, loop: cst.For, bucket: str
) -> tuple[Edit, ...] | Refusal:
    """The loop walks over a copy of keys and buckets, and deletes what became empty."""
    call, copied = loop.iter, False
    if isinstance(call, cst.Call) and source.text(call.func) in ("list", "tuple") and len(call.args) == 1:
        call, copied = call.args[0].value, True
    if not isinstance(call, cst.Call) or not isinstance(call.func, cst.Attribute):
        return Refusal("it is not plain what the loop walks over")
    container = source.text(call.func.value)
    edits: list[Edit] = []
    method = call.func.attr.value
    if method == "values" and isinstance(loop.target, cst.Name):
        key = source.fresh("key")
        edits.append(source.replace(loop.target, f"{key}, {bucket}"))
        edits.append(source.replace(loop.iter, f"list({container}.items())"))
    elif method == "items" and len(source_names(loop.target)) == 2:
        key = source_names(loop.target)[0].value
        if not copied:
            edits.append(source.replace(loop.iter, f"list({source.text(loop.iter)})"))
    else:
        return Refusal("it is not plain what the loop walks over")
    assert isinstance(statement, (cst.BaseSmallStatement, cst.BaseCompoundStatement))
    edits += source.insert_after(statement, f"if not {bucket}:\n{source.unit}del {container}[{key}]")
    return tuple(edits)
