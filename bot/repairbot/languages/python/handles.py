"""Handles of tasks and timers: which member keeps them, and who sees that member."""

from __future__ import annotations

import re
from typing import Any

from tree_sitter import Node

from repairbot.languages.python.registry import registry
from repairbot.languages.python.syntax import Definition, Module, dotted, span, statement_of, text
from repairbot.lifetimes.ops import Registration

LOOKED_AT = frozenset(
    "done add_done_callback set_name get_name cancelled exception result is_alive start".split()
)
"""What may be asked of a handle without ending what it stands for."""


def source_of(module: Module, function: Definition) -> bytes:
    """The bytes of a function or class."""
    return module.source[function.start : function.end]


def made(module: Module, call: Node, function: Definition, what: str, **known: Any) -> Registration:
    """A registration at a call, with what its surroundings say and what is `known` beside that."""
    owner = module.class_at(call.start_byte)
    own = {child.name for child in owner.children if child.kind == "function"} if owner is not None else set()
    teardown = registry().teardown(own, function.name)
    return Registration(
        what=what,  # type: ignore[arg-type]
        symbol=module.symbol_at(call.start_byte),
        owner=owner.symbol if owner is not None else "",
        method=function.name,
        at=span(call),
        statement=span(statement_of(call)),
        call=dotted(call.child_by_field_name("function")),
        teardown=teardown,
        **known,
    )


def setting(module: Module, owner: Definition, member: str) -> dict[str, bool]:
    """Whether a member is set in the constructor, and whether it may be None at times."""
    pattern = rb"self\s*\.\s*" + re.escape(member.encode()) + rb"\s*(?::[^=\n]*)?=(?!=)"
    constructor = next((child for child in owner.children if child.name == "__init__"), None)
    preset = constructor is not None and re.search(pattern, source_of(module, constructor)) is not None
    body = owner.body
    if body is not None and not preset:
        classwide = rb"(?m)^\s+" + re.escape(member.encode()) + rb"\s*(?::[^=\n]*)?=(?!=)"
        preset = re.search(classwide, module.source[body.start_byte : body.end_byte]) is not None
    emptied = re.search(
        rb"self\s*\.\s*" + re.escape(member.encode()) + rb"\s*(?::[^=\n]*)?=\s*None", module.source
    )
    return {"preset": preset and not _placeholder(module, member), "optional": emptied is not None}


def _placeholder(module: Module, member: str) -> bool:
    """Whether the member holds, at times, what has no method of a handle and is not None."""
    other = rb"\s*(?::[^=\n]*)?=\s*(?:[A-Z_][A-Z_0-9]*|object\(\)|False|0)[ \t]*(?:#.*)?$"
    pattern = rb"\b" + re.escape(member.encode()) + other
    return re.search(pattern, module.source, re.MULTILINE) is not None


def kept(module: Module, owner: Definition, member: str) -> bool:
    """Whether anything in the file sees the member and may end what it stands for."""
    for node in module.mentions(rb"\.\s*" + re.escape(member.encode()) + rb"(?!\w)"):
        attribute = node.parent
        parent = attribute.parent if attribute is not None else None
        if attribute is None or parent is None:
            return True
        if (
            text(attribute.child_by_field_name("object")) != "self"
            or module.class_at(node.start_byte) is not owner
        ):
            return True
        if parent.type == "assignment" and parent.child_by_field_name("left") == attribute:
            continue
        if parent.type == "type":
            continue
        if parent.type == "attribute":
            if text(parent.child_by_field_name("attribute")) not in LOOKED_AT:
                return True
        elif parent.type not in (
            "comparison_operator",
            "not_operator",
            "if_statement",
            "elif_clause",
            "boolean_operator",
        ):
            return True
    return False
