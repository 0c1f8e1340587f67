"""Classes of a file that are resources themselves: their constructor acquires, and a method of theirs releases."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from tree_sitter import Node

from repairbot.languages.python.acquiring import Acquiring
from repairbot.languages.python.syntax import Definition, Module, dotted
from repairbot.lifetimes.ops import Resource

_ENDS: Final = (
    "close",
    "aclose",
    "shutdown",
    "disconnect",
    "terminate",
    "cleanup",
    "dispose",
    "stop",
    "release",
)


def made(acquiring: Acquiring, calls: list[Node]) -> Iterator[Resource]:
    """One resource for each class whose constructor keeps what one of these calls acquires and that can be ended."""
    seen: set[str] = set()
    for call in calls:
        member = _member(call)
        if not member:
            continue
        method = acquiring.module.function_at(call.start_byte)
        owner = method.owner if method is not None else None
        if method is None or owner is None or method.name != "__init__" or owner.symbol in seen:
            continue
        resource = _resource(acquiring, owner, member, call)
        if resource is not None:
            seen.add(owner.symbol)
            yield resource


def _resource(acquiring: Acquiring, owner: Definition, member: str, call: Node) -> Resource | None:
    held = acquiring.at(call)
    methods = {child.name: child for child in owner.children if child.kind == "function"}
    names = [name for name in _ENDS if name in methods and _ends(acquiring.module, methods[name], member)]
    if held is not None:
        # Where some release it by the resource's own means, one that only mentions it (a pause, a question) does not.
        names = [name for name in names if _releases(acquiring.module, methods[name], member, held)] or names
    ends = tuple(f".{name}" for name in names)
    if held is None or not ends or _hands_itself_out(acquiring.module, methods):
        return None
    scoped = "__exit__" in methods or "__aexit__" in methods
    name = owner.symbol
    return Resource(
        name,
        owner.name,
        (name,),
        ends + ((".__exit__", ".__aexit__") if scoped else ()),
        "releases" if scoped else "none",
        asynchronous=held.asynchronous,
        severity=held.severity,
        collected=held.collected,
        origin="inferred",
    )


def _hands_itself_out(module: Module, methods: dict[str, Definition]) -> bool:
    """Whether the constructor gives somebody the object or a method of it: then that one may end it."""
    body = methods["__init__"].body
    inside = module.source[body.start_byte : body.end_byte] if body is not None else b""
    given = re.finditer(rb"[(,=][ \t\n]*self(?:\.(\w+))?[ \t\n]*[,)]", inside)
    return any(match[1] is None or match[1].decode() in methods for match in given)


def _ends(module: Module, method: Definition, member: str) -> bool:
    source = module.source[method.start : method.end]
    return re.search(re.escape(member.encode()) + rb"\b", source) is not None


def _releases(module: Module, method: Definition, member: str, held: Resource) -> bool:
    source, name = module.source[method.start : method.end], re.escape(member.encode())
    for release in held.release:
        way = re.escape(release.partition("(")[0].encode())
        form = name + way + rb"\b" if release.startswith(".") else way + rb"\([ \t]*" + name + rb"\b"
        if re.search(form, source):
            return True
    return False


def _member(call: Node) -> str:
    """`self.x` when the call's value is assigned to it."""
    node: Node | None = call
    while node is not None and node.type in ("call", "await", "parenthesized_expression"):
        if node.type == "call" and node is not call:
            return ""
        node = node.parent
    if node is None or node.type != "assignment":
        return ""
    name = dotted(node.child_by_field_name("left"))
    return name if name.startswith("self.") and name.count(".") == 1 else ""
