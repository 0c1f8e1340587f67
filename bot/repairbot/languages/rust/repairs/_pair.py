"""A handle kept together with an entry of a list: the list holds pairs then, and who runs over it takes them apart."""

from __future__ import annotations

import re

from tree_sitter import Node

from repairbot.languages.rust.repairs import _types
from repairbot.languages.rust.repairs._source import Source, arguments, method, named
from repairbot.languages.rust.syntax import text
from repairbot.lifetimes.intents import Refusal
from repairbot.lifetimes.ops import Intent
from repairbot.model import Edit

_OVER = frozenset(
    {
        "map",
        "filter_map",
        "find_map",
        "flat_map",
        "for_each",
        "any",
        "all",
        "position",
        "retain",
        "retain_mut",
    }
)
"""Methods that hand each entry to a closure, and hand on what that makes of it."""
_STEPS = frozenset({"iter", "iter_mut", "into_iter", "rev"})
_WHOLE = frozenset({"len", "is_empty", "clear"})


def paired(source: Source, intent: Intent, call: Node, made: Node) -> tuple[Edit, ...] | Refusal:
    """The edits by which `list.push(x)` becomes `list.push((x, handle))`."""
    name, keeper = intent.args["beside"], intent.args["keeper"]
    owner = _types.struct(source, intent.args["container"])
    members = _types.members(owner) if owner is not None else {}
    if name not in members or any(each.type == "visibility_modifier" for each in members[name].children):
        return Refusal(f"{name} is no private member of a struct of this file")
    typed = members[name].child_by_field_name("type")
    element = re.fullmatch(r"Vec<(.*)>", text(typed), re.DOTALL)
    held = re.fullmatch(r"(?:Vec|SmallVec)<\[?([\w:]+).*>", _types.type_of(members[keeper]))
    row = source.row(call)
    if typed is None or element is None or held is None or row is None or row.parent is None:
        return Refusal(f"{name} is no plain list")
    edits = [Edit(typed.start_byte, typed.end_byte, f"Vec<({element[1]}, {held[1]})>")]
    pushes = 0
    for node in _types.places(source, intent.args["container"], name):
        found = _use(node)
        if isinstance(found, Refusal):
            return found
        if found == "push":
            pushes += 1
            pushed = _call_of(node)
            at = source.row(pushed) if pushed is not None else None
            if (
                pushes > 1
                or pushed is None
                or at is None
                or at.parent != row.parent
                or at.start_byte > row.start_byte
            ):
                return Refusal(f"entries of {name} are made in several places")
            between = [
                each for each in source.rows(row.parent) if at.end_byte <= each.start_byte < row.start_byte
            ]
            if any(each.type == "let_declaration" for each in between):
                return Refusal("it needs what is made behind the entry")
            handle = source.fresh(call, "subscription", "handle")
            given = arguments(pushed)[0]
            edits.append(source.before(at, [f"let {handle} = {text(made)};"]))
            edits.append(Edit(given.start_byte, given.end_byte, f"({text(given)}, {handle})"))
        elif isinstance(found, Node):
            edits.append(Edit(found.start_byte, found.end_byte, f"({text(found)}, _)"))
    if pushes != 1:
        return Refusal(f"where an entry of {name} is made is not seen")
    return (*edits, source.without(row))


def _call_of(node: Node) -> Node | None:
    """The method call on a place: `x` gives `x.push(..)`."""
    parent = node.parent
    if parent is None or parent.type != "field_expression" or parent.child_by_field_name("value") != node:
        return None
    return parent.parent if parent.parent is not None and parent.parent.type == "call_expression" else None


def _use(place: Node) -> Node | str | Refusal:
    """What is done with the list: "push", "" for what does not see its entries, or the name that an entry is given."""
    name = text(place.child_by_field_name("field"))
    parent = place.parent
    if parent is not None and parent.type == "reference_expression":
        loop = parent.parent
        pattern = (
            loop.child_by_field_name("pattern")
            if loop is not None and loop.type == "for_expression"
            else None
        )
        if pattern is not None and pattern.type == "identifier":
            return pattern
        return Refusal(f"{name} is handed on in line {place.start_point[0] + 1}")
    call = _call_of(place)
    while call is not None and method(call) in _STEPS:
        call = _call_of(call)
    did = method(call)
    if did in _WHOLE or did == "push":
        return "push" if did == "push" else ""
    closure = arguments(call)[0] if call is not None and did in _OVER and arguments(call) else None
    listed = closure.child_by_field_name("parameters") if closure is not None else None
    given = named(listed) if listed is not None else []
    if len(given) == 1 and given[0].type == "identifier":
        return given[0]
    return Refusal(f"what line {place.start_point[0] + 1} does with {name} is not followed")
