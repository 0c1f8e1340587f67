"""What was made raw is not lost on a way out: it is owned until it is handed on, or taken back before the exit."""

from __future__ import annotations

import re

from tree_sitter import Node

from repairbot.languages.rust.repairs._source import Source, arguments, method, named, receiver, walk
from repairbot.languages.rust.syntax import text
from repairbot.lifetimes.intents import TAKE_BACK, Refusal
from repairbot.lifetimes.ops import Intent
from repairbot.model import Edit

WRITES = (TAKE_BACK,)

_BORROWS = {
    "into_raw_fd": "as_raw_fd",
    "into_raw_handle": "as_raw_handle",
    "into_raw_socket": "as_raw_socket",
}
"""Ways to give an owner up for good, and how to look at what it owns without that."""
_TRAITS = {"into_raw_fd": ("IntoRawFd", "AsRawFd"), "into_raw_handle": ("IntoRawHandle", "AsRawHandle")}


def write(source: Source, intent: Intent) -> tuple[Edit, ...] | Refusal:
    """The edits for the raw value of the `let` at `intent.at`."""
    let = source.node(intent.at)
    raw, name = intent.args["raw"], intent.args["name"]
    value = let.child_by_field_name("value")
    calls = (
        [node for node in walk(value) if node.type == "call_expression" and method(node) == raw]
        if value
        else []
    )
    if len(calls) != 1:
        return Refusal("how it was made raw is not seen")
    if raw in _BORROWS and len(intent.spans) > 1:
        return _owned(source, intent, calls[0], name, raw)
    return _before(source, intent, calls[0], name)


def _owned(source: Source, intent: Intent, call: Node, name: str, raw: str) -> tuple[Edit, ...] | Refusal:
    """Look at it raw, and give the owner up only where it is handed on."""
    owner = receiver(call)
    back = source.node(intent.spans[1])
    field = (call.child_by_field_name("function") or call).child_by_field_name("field")
    given = arguments(back)
    if owner is None or field is None or not re.fullmatch(r"\w+", text(owner)):
        return Refusal("its owner has no name")
    if len(given) != 1 or text(given[0]) != name:
        return Refusal("where it is handed on is not seen")
    edits = [
        Edit(field.start_byte, field.end_byte, _BORROWS[raw]),
        Edit(given[0].start_byte, given[0].end_byte, f"{text(owner)}.{raw}()"),
    ]
    into, look = _TRAITS.get(raw, ("", ""))
    if into:
        imported = _import(source, into, look)
        if isinstance(imported, Refusal):
            return imported
        edits += imported
    function = source.function(call)
    bounded = _bound(function, text(owner), into) if function is not None and into else None
    if bounded is not None:
        edits.append(Edit(bounded.end_byte, bounded.end_byte, f" + {look}"))
    return tuple(edits)


def _import(source: Source, known: str, wanted: str) -> tuple[Edit, ...] | Refusal:
    """The trait more beside its sibling in the file's own imports, nothing where it is there."""
    imports = [node for node in named(source.root) if node.type == "use_declaration"]
    if any(re.search(rf"\b{wanted}\b|\b(?:prelude|io|fd)::\*", text(node)) for node in imports):
        return ()
    for node in imports:
        for each in walk(node):
            if each.type == "identifier" and text(each) == known:
                if each.parent is not None and each.parent.type == "use_list":
                    behind = next(item for item in named(each.parent) if text(item) > wanted or item == each)
                    return (Edit(behind.start_byte, behind.start_byte, f"{wanted}, "),)
                return (Edit(each.start_byte, each.end_byte, f"{{{wanted}, {known}}}"),)
    return Refusal(f"{wanted} is not imported here")


def _bound(function: Node, owner: str, trait: str) -> Node | None:
    """The bound of the type parameter that the owner has, where it is one."""
    listed = function.child_by_field_name("parameters")
    typed = next(
        (
            text(each.child_by_field_name("type"))
            for each in (named(listed) if listed is not None else ())
            if text(each.child_by_field_name("pattern")) == owner
        ),
        "",
    )
    for node in walk(function):
        if node.type in ("where_predicate", "type_parameter", "constrained_type_parameter"):
            bounds = node.child_by_field_name("bounds")
            left = node.child_by_field_name("left") or node.child_by_field_name("name")
            if bounds is not None and text(left) == typed:
                return next((each for each in named(bounds) if text(each) == trait), None)
    return None


def _before(source: Source, intent: Intent, call: Node, name: str) -> tuple[Edit, ...] | Refusal:
    """Take it back right before the exit."""
    jump = source.node(intent.spans[0])
    row = source.row(jump)
    path = text(call.child_by_field_name("function")).rpartition("::")[0]
    if not path:
        return Refusal("what takes it back is not seen")
    line = f"drop(unsafe {{ {path}::from_raw({name}) }});"
    if row is None:
        return Refusal("the exit is not in a block of statements")
    exit_ = next((node for node in walk(jump) if node.type in ("return_expression", "try_expression")), jump)
    if exit_.type == "return_expression":
        if any(text(each) == name for each in walk(exit_) if each.type == "identifier"):
            return Refusal(f"{name} is part of what is returned")
        return (source.before(row, [line]),)
    inner = named(exit_)[0] if exit_.type == "try_expression" else None
    if inner is None or row.type != "expression_statement" or named(row)[0] != exit_:
        return Refusal("the exit is in the middle of an expression")
    error = source.fresh(exit_, "error", "failure")
    lines = [f"if let Err({error}) = {text(inner)} {{", f"\t{line}", f"\treturn Err({error}.into());", "}"]
    blanks = source.indentation(row.start_byte)
    return (Edit(row.start_byte, row.end_byte, source.lines(lines, blanks)[len(blanks) :]),)
