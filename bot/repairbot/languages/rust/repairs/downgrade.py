"""A strong handle that keeps its own object is made weak: downgraded before, upgraded where it is used."""

from __future__ import annotations

import re

from tree_sitter import Node

from repairbot.languages.rust.repairs._source import Source, arguments, method, named, squeezed, walk
from repairbot.languages.rust.repairs._upgrade import Weak, around, otherwise, upgraded
from repairbot.languages.rust.syntax import text
from repairbot.lifetimes.intents import DOWNGRADE, Refusal
from repairbot.lifetimes.ops import Intent
from repairbot.model import Edit

WRITES = (DOWNGRADE,)
Edits = tuple[Edit, ...]

_LOOPS = frozenset({"while_expression", "loop_expression", "for_expression"})


def write(source: Source, intent: Intent) -> Edits | Refusal:
    """The edits that hold it weakly."""
    if not intent.args.get("task"):
        return _captured(source, intent)
    if intent.args["weak"] == "spawn_weak":
        return _spawned(source, intent)
    return _given(source, intent)


def _how(source: Source, weak: str, context: str) -> str:
    """How such a handle is upgraded: those of gpui before its second version look their object up in the context."""
    first = weak == "cx.weak_handle()" or re.search(rb"\b(?:View|Model)Handle\b|\bspawn_weak\b", source.data)
    if "::downgrade" not in weak and first:
        return f".upgrade({context})"
    return ".upgrade()"


# A closure that captures it


def _captured(source: Source, intent: Intent) -> Edits | Refusal:
    made, body = source.node(intent.at), source.node(intent.spans[0])
    name, weak = intent.args["name"], intent.args["weak"]
    let = next((each for each in source.ancestors(made) if each.type == "let_declaration"), None)
    closure = body if body.type == "closure_expression" else body.parent
    if let is None or let.parent is None or closure is None or closure.type != "closure_expression":
        return Refusal("the handle is not named before the closure")
    if let.child_by_field_name("type") is not None:
        return Refusal("the handle's type is written down")
    uses = list(source.uses(name, body))
    if any(source.data[use.end_byte :].startswith((b".downgrade()", b".weak_handle()")) for use in uses):
        return Refusal(f"{name} is downgraded there already")
    call = _how(source, weak, _context(source, closure))
    outside = [
        use
        for use in source.uses(name, let.parent)
        if use.start_byte >= let.end_byte and not closure.start_byte <= use.start_byte < closure.end_byte
    ]
    if not outside:
        edits = upgraded(source, body, uses, Weak(name, name, call))
        return edits if isinstance(edits, Refusal) else (Edit(made.start_byte, made.end_byte, weak), *edits)
    row = _row_in(source, closure, let.parent)
    if row is None or not source.first_on_line(row.start_byte):
        return Refusal(f"{name} is used elsewhere, too")
    other = source.fresh(closure, f"weak_{name}", f"{name}_handle")
    edits = upgraded(source, body, uses, Weak(other, name, call))
    if isinstance(edits, Refusal):
        return edits
    counted = re.match(r"(?:Arc|Rc)::", weak)
    made_weak = f"{counted[0]}downgrade(&{name})" if counted else f"{name}.downgrade()"
    return (source.before(row, [f"let {other} = {made_weak};"]), *edits)


def _row_in(source: Source, node: Node, block: Node) -> Node | None:
    """The statement of a block that a node stands in."""
    return next((row for row in source.rows(block) if row.start_byte <= node.start_byte < row.end_byte), None)


def _context(source: Source, closure: Node) -> str:
    parameters = closure.child_by_field_name("parameters")
    if parameters is not None and source.mentions("cx", parameters):
        return "cx" if b"async" not in source.data[parameters.end_byte : parameters.end_byte + 12] else "&cx"
    return "cx"


# A task that is given it by what spawns it


def _spawned(source: Source, intent: Intent) -> Edits | Refusal:
    call, name = source.node(intent.at), intent.args["name"]
    if call.type != "call_expression":
        call = next(
            (node for node in walk(call) if node.type == "call_expression" and method(node) == "spawn"), call
        )
    closure = next((each for each in arguments(call) if each.type == "closure_expression"), None)
    task = closure.child_by_field_name("body") if closure is not None else None
    if closure is None or task is None:
        return Refusal("the task is not a closure of its own")
    block = (
        task if task.type == "block" else next((each for each in named(task) if each.type == "block"), None)
    )
    if task.type != "async_block" or block is None:
        return Refusal("the task is no async block")
    inside = _rows(source, block, name)
    if isinstance(inside, Refusal):
        return inside
    callee = call.child_by_field_name("function")
    field = callee.child_by_field_name("field") if callee is not None else None
    if field is None or text(field) != "spawn":
        return Refusal("it is not spawned by a method that gives it its handle")
    if b"spawn_weak" in source.data:
        return (Edit(field.start_byte, field.end_byte, "spawn_weak"), *inside)
    return _downgraded(source, closure, task, name, inside)


def _downgraded(source: Source, closure: Node, task: Node, name: str, inside: Edits) -> Edits | Refusal:
    """`|this, cx| async move {..}` becomes `|this, cx| { let this = this.downgrade(); async move {..} }`."""
    from repairbot.languages.rust.repairs._upgrade import _further

    further = _further(source, task)
    if further is None:
        return Refusal("a text of several lines stands in the task")
    blanks, nl = source.indentation(closure.start_byte), source.newline
    step = f"{nl}{blanks}{source.unit}"
    head = f"{{{step}let {name} = {name}.downgrade();{step}"
    shifted = [edit._replace(text=_step(source, edit.text)) for edit in inside]
    at = {edit.start for edit in shifted if edit.start == edit.end}
    return (
        Edit(task.start_byte, task.start_byte, head),
        *(edit for edit in further if edit.start not in at),
        *shifted,
        Edit(task.end_byte, task.end_byte, f"{nl}{blanks}}}"),
    )


def _step(source: Source, shown: str) -> str:
    return shown.replace(source.newline, source.newline + source.unit)


def _rows(source: Source, block: Node, name: str) -> Edits | Refusal:
    """The upgrades in a task: once a round in its loops, around the statements outside of them."""
    weak = Weak(name, name, _how(source, "", "&cx"))
    edits: list[Edit] = []
    for row in source.rows(block):
        uses = list(source.uses(name, row))
        if not uses:
            continue
        inner = named(row)[0] if row.type == "expression_statement" else row
        loop = inner if inner.type in _LOOPS else None
        found = _in_loop(source, loop, name, weak) if loop is not None else _outside(source, row, weak)
        if isinstance(found, Refusal):
            return found
        edits += found
    return tuple(edits)


def _in_loop(source: Source, loop: Node, name: str, weak: Weak) -> Edits | Refusal:
    body = loop.child_by_field_name("body")
    head = loop.child_by_field_name("condition") or loop.child_by_field_name("value")
    if body is None or (head is not None and source.mentions(name, head)):
        return Refusal(f"{name} is used in the loop's own condition")
    rows = source.rows(body)
    using = [number for number, row in enumerate(rows) if source.mentions(name, row)]
    edits = [source.before(rows[using[0]], otherwise(source, weak, "break"))]
    waits = [
        number
        for number in range(using[0] + 1, len(rows))
        if any(node.type == "await_expression" for node in walk(rows[number]))
    ]
    if waits:
        if waits[0] <= using[-1]:
            return Refusal(f"{name} is used before and behind a wait")
        edits.append(source.before(rows[waits[0]], [f"drop({name});"]))
    return tuple(edits)


def _outside(source: Source, row: Node, weak: Weak) -> Edits | Refusal:
    if row.type == "let_declaration":
        return Refusal(f"{weak.strong} is used before the loop")
    if row.type == "expression_statement" and text(row).endswith(";"):
        return around(source, row, weak)
    call = named(row)[0] if row.type == "expression_statement" else row
    closure = (
        next((each for each in arguments(call) if each.type == "closure_expression"), None)
        if (call.type == "call_expression" and method(call) == "update")
        else None
    )
    body = closure.child_by_field_name("body") if closure is not None else None
    if (
        body is not None
        and body.type == "block"
        and source.rows(body)
        and text(source.rows(body)[-1]).endswith(";")
    ):
        return around(source, row, weak)
    return Refusal(f"what the task gives when {weak.strong} is gone is not seen here")


# A counted object that is given to a function


def _given(source: Source, intent: Intent) -> Edits | Refusal:
    given = source.node(intent.at)
    call = next((each for each in source.ancestors(given) if each.type == "call_expression"), None)
    called = method(call)
    functions = [
        node
        for node in walk(source.root)
        if node.type == "function_item" and text(node.child_by_field_name("name")) == called
    ]
    if call is None or len(functions) != 1:
        return Refusal("the function that is given it is not in this file")
    function = functions[0]
    if any(child.type == "visibility_modifier" for child in function.children):
        return Refusal(f"other files may call {called}()")
    number = next(
        (n for n, each in enumerate(arguments(call)) if each.start_byte <= given.start_byte < each.end_byte),
        -1,
    )
    listed = function.child_by_field_name("parameters")
    parameters = [each for each in (named(listed) if listed is not None else ()) if each.type == "parameter"]
    if not 0 <= number < len(parameters):
        return Refusal(f"what {called}() takes is not seen")
    pattern, typed = (parameters[number].child_by_field_name(part) for part in ("pattern", "type"))
    match = re.fullmatch(r"(?:\w+::)*(Arc|Rc)<(.*)>", text(typed), re.DOTALL)
    body = function.child_by_field_name("body")
    if match is None or typed is None or body is None:
        return Refusal(f"{called}() takes it as {text(typed)}")
    edits: list[Edit] = [
        Edit(typed.start_byte, typed.end_byte, f"{_weak_type(source, match[1])}<{match[2]}>")
    ]
    for node in walk(source.root):
        if node.type != "call_expression" or method(node) != called:
            continue
        each = arguments(node)[number] if number < len(arguments(node)) else None
        strong = re.fullmatch(r"(\w+)\.clone\(\)|(?:Arc|Rc)::clone\(&(\w+)\)", squeezed(text(each)))
        if each is None or strong is None:
            return Refusal(f"{called}() is also called with a handle that is not cloned there")
        edits.append(
            Edit(each.start_byte, each.end_byte, f"{match[1]}::downgrade(&{strong[1] or strong[2]})")
        )
    name = text(pattern)
    inside = upgraded(source, body, list(source.uses(name, body)), Weak(name, name, ".upgrade()"))
    return inside if isinstance(inside, Refusal) else (*edits, *inside)


def _weak_type(source: Source, counted: str) -> str:
    """The weak type by a name that this file knows."""
    if re.search(rb"^use [^;]*\bWeak\b", source.data, re.MULTILINE):
        return "Weak"
    return "std::sync::Weak" if counted == "Arc" else "std::rc::Weak"


__all__ = ["WRITES", "write"]
