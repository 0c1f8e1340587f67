"""Who may change `self`: a method that takes `&self` and is to change it takes `&mut self`, and so do its callers."""

from __future__ import annotations

import re

from tree_sitter import Node

from repairbot.languages.rust.repairs._source import Source, method, receiver, walk
from repairbot.languages.rust.repairs._types import functions, implemented
from repairbot.languages.rust.syntax import text
from repairbot.lifetimes.intents import Refusal
from repairbot.model import Edit

_UPDATES = frozenset({"update", "update_in", "update_model", "update_window"})
"""Methods that hand a closure its object so that it may be changed."""


def changing(source: Source, function: Node) -> tuple[Edit, ...] | Refusal:
    """The edits by which a method can change `self`; callers of this file follow, those of other files cannot."""
    edits: set[Edit] = set()
    waiting, done = [function], set[int]()
    while waiting:
        each = waiting.pop()
        if each.start_byte in done:
            continue
        done.add(each.start_byte)
        taken = _self(each)
        if taken is None:
            return Refusal(f"{_name(each)}() has no self")
        shown = re.sub(r"\s+", " ", text(taken))
        if "mut " in shown:
            continue
        if not re.fullmatch(r"&(?:'\w+ )?self", shown):
            return Refusal(f"{_name(each)}() takes {shown}")
        if _shared(each):
            return Refusal(f"{_name(each)}() takes &self, and other files may call it with no more than that")
        edits.add(Edit(taken.end_byte - 4, taken.end_byte - 4, "mut "))
        callers = _callers(source, each)
        if isinstance(callers, Refusal):
            return callers
        more, named_ = callers
        waiting += more
        edits |= named_
    return tuple(edits)


def _name(function: Node) -> str:
    return text(function.child_by_field_name("name"))


def _self(function: Node) -> Node | None:
    listed = function.child_by_field_name("parameters")
    found = (
        (child for child in listed.children if child.type == "self_parameter") if listed is not None else ()
    )
    return next(iter(found), None)


def _shared(function: Node) -> bool:
    """Whether others may call it: it is public, or a trait says how it is called."""
    block = function.parent.parent if function.parent is not None else None
    if block is None or block.type != "impl_item" or block.child_by_field_name("trait") is not None:
        return True
    return any(child.type == "visibility_modifier" for child in function.children)


def _callers(source: Source, function: Node) -> tuple[list[Node], set[Edit]] | Refusal:
    """The methods that call it on their own `self`, and the names that have to become `mut`."""
    name, owner = _name(function), implemented(function)
    methods: list[Node] = []
    edits: set[Edit] = set()
    for node in walk(source.root):
        if node.type == "scoped_identifier" and text(node) in (f"Self::{name}", f"{owner}::{name}"):
            return Refusal(f"{name}() is handed on as a function that takes &self")
        if node.type != "call_expression" or method(node) != name:
            continue
        on = receiver(node)
        if on is None or (caller := source.function(node)) is None:
            return Refusal(f"{name}() is called in a way that is not followed")
        if _borrowed(source, node, text(on)):
            return Refusal(f"{name}() is called while a part of {text(on)} is in use")
        given = _given(source, node, text(on))
        if given == "mutable":
            continue
        if given == "self" and implemented(node) == owner:
            methods.append(caller)
        elif isinstance(given, Node):
            edits.add(Edit(given.start_byte, given.start_byte, "mut "))
        else:
            return Refusal(f"{name}() is called on {text(on)}, which cannot be changed there for certain")
    return methods, edits


def _borrowed(source: Source, call: Node, on: str) -> bool:
    """Whether the object is looked into around a call: in what a loop runs over, or in an argument."""
    listed = call.child_by_field_name("arguments")
    shown = text(listed)
    if re.search(rf"&(?:mut )?{re.escape(on)}\b", shown):
        return True
    for above in source.ancestors(call):
        if above.type == "function_item":
            return False
        looked = above.child_by_field_name(
            "value" if above.type in ("for_expression", "match_expression") else "condition"
        )
        if (
            (
                above.type in ("for_expression", "match_expression", "if_expression", "while_expression")
                and looked is not None
            )
            and looked.end_byte <= call.start_byte
            and _lends(text(looked), on)
        ):
            return True
    return False


def _lends(shown: str, on: str) -> bool:
    """Whether an expression may hold a reference into an object: it names it, and does not end in a copy."""
    return re.search(rf"\b{re.escape(on)}\b", shown) is not None and not re.search(
        r"(?:\.clone\(\)|\.cloned\(\)|\.collect\w*(?:::<.*>)?\(\)|\.(?:is|has)_\w+\([^()]*\)|[<>=!]=?.*)$",
        shown,
        re.DOTALL,
    )


def _given(source: Source, node: Node, on: str) -> Node | str:
    """What a name is at a place: "self", "mutable", the pattern of a `let` that could be `mut`, "" for unknown."""
    if not re.fullmatch(r"\w+", on):
        return ""
    for above in source.ancestors(node):
        if above.type == "closure_expression":
            parameters = above.child_by_field_name("parameters")
            if parameters is not None and source.mentions(on, parameters):
                around = above.parent.parent if above.parent is not None else None
                return "mutable" if around is not None and method(around) in _UPDATES else ""
        if above.type == "block":
            for row in reversed(source.rows(above)):
                if row.type != "let_declaration" or row.end_byte > node.start_byte:
                    continue
                pattern = row.child_by_field_name("pattern")
                if pattern is None or not source.mentions(on, pattern):
                    continue
                if any(child.type == "mutable_specifier" for child in row.children):
                    return "mutable"
                value = row.child_by_field_name("value")
                made = (
                    pattern.type == "identifier" and value is not None and value.type == "struct_expression"
                )
                return pattern if made else ""
        if above.type == "function_item":
            return "self" if on == "self" else _parameter(above, on)
    return ""


def _parameter(function: Node, name: str) -> str:
    """Whether a parameter is a reference by which its object can be changed."""
    listed = function.child_by_field_name("parameters")
    for child in listed.named_children if listed is not None else ():
        if text(child.child_by_field_name("pattern")) == name:
            return "mutable" if text(child.child_by_field_name("type")).startswith("&mut") else ""
    return ""


def changes_self(source: Source, node: Node) -> tuple[Edit, ...] | Refusal:
    """The edits by which the place of a node can change `self`, where it stands in a method and in no closure."""
    function = source.function(node)
    if function is None:
        return Refusal("it does not stand in a method")
    if source.closures(node):
        return Refusal("it stands in a closure, where self is not at hand")
    return changing(source, function)


__all__ = ["changes_self", "changing", "functions"]
