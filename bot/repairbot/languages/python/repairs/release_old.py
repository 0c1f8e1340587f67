"""Keep the old value, assign the new one, release the old one."""

from __future__ import annotations

import libcst as cst

from repairbot.languages.python.repairs._cst import Source, walk
from repairbot.languages.python.repairs._guard import PARTING, release_call
from repairbot.languages.python.repairs._sight import CONSTRUCTORS
from repairbot.languages.python.repairs.release_on_exit import WAITING
from repairbot.lifetimes.intents import RELEASE_OLD, Refusal
from repairbot.lifetimes.ops import Intent
from repairbot.model import Edit

WRITES = (RELEASE_OLD,)


def write(source: Source, intent: Intent) -> tuple[Edit, ...] | Refusal:
    """See RELEASE_OLD. Releasing first would leave a dead value behind when making the new one fails."""
    statement = source.statement(intent.at)
    if not isinstance(statement, (cst.Assign, cst.AnnAssign)) or statement.value is None:
        return Refusal("the old value is not replaced by an assignment")
    if intent.args["release"] in WAITING | PARTING:
        return Refusal(
            f"{intent.args['release'][1:]}() of the old value could fail or wait, and the new one is there"
        )
    row = source.row(statement)
    if row is None or not source.alone(statement):
        return Refusal("the assignment shares its line with other statements")
    targets = (
        [item.target for item in statement.targets]
        if isinstance(statement, cst.Assign)
        else [statement.target]
    )
    target = targets[0]
    if len(targets) != 1 or not isinstance(target, (cst.Attribute, cst.Subscript, cst.Name)):
        return Refusal("several names get the new value")
    place = source.text(target)
    if place in source.text(statement.value):
        return Refusal(f"the new value is made of the old {place}")
    old, name = _old(source, target), source.fresh(f"old_{_stem(target)}", statement)
    line = release_call(source, intent, name, row)
    if isinstance(line, Refusal):
        return line
    before = source.insert_before(statement, f"{name} = {old}")
    after = source.insert_after(statement, f"if {name} is not None:\n    {line}")
    return (*before, *after)


def _stem(target: cst.BaseExpression) -> str:
    """A word for the old value: the member's name without its underscores."""
    while isinstance(target, cst.Subscript):
        target = target.value
    name = target.attr.value if isinstance(target, cst.Attribute) else getattr(target, "value", "")
    return name.strip("_") or "value"


def _old(source: Source, target: cst.BaseExpression) -> str:
    """How to read the old value without failing where there is none."""
    if isinstance(target, cst.Subscript) and len(target.slice) == 1:
        return f"{source.text(target.value)}.get({source.text(target.slice[0].slice)})"
    if isinstance(target, cst.Attribute) and not _exists(source, target):
        return f'getattr({source.text(target.value)}, "{target.attr.value}", None)'
    return source.text(target)


def _exists(source: Source, target: cst.Attribute) -> bool:
    """Whether the class or its constructor sets the attribute."""
    owner, function = source.class_around(target), source.function(target)
    if owner is None or not isinstance(target.value, cst.Name):
        return owner is None
    for item in owner.body.body:
        if isinstance(item, cst.SimpleStatementLine) and source.mentions(target.attr.value, item):
            return True
        if not isinstance(item, cst.FunctionDef) or item is function or item.name.value not in CONSTRUCTORS:
            continue
        if any(
            isinstance(node, cst.Attribute)
            and node.attr.value == target.attr.value
            and isinstance(source.parent(node), (cst.AssignTarget, cst.AnnAssign, cst.Element))
            for node in walk(item)
        ):
            return True
    return False
