"""Structs, their members, and the places that make one of them: where a member more has to be set."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tree_sitter import Node

from repairbot.languages.rust.repairs._source import Source, named, walk
from repairbot.languages.rust.syntax import base, text
from repairbot.lifetimes.intents import Refusal
from repairbot.model import Edit


def struct(source: Source, name: str) -> Node | None:
    """The struct of this name with named members."""
    for node in walk(source.root):
        if node.type == "struct_item" and text(node.child_by_field_name("name")) == name:
            body = node.child_by_field_name("body")
            return node if body is not None and body.type == "field_declaration_list" else None
    return None


def members(node: Node) -> dict[str, Node]:
    """The declarations of a struct's members."""
    body = node.child_by_field_name("body")
    return {
        text(each.child_by_field_name("name")): each
        for each in (named(body) if body is not None else ())
        if each.type == "field_declaration"
    }


def type_of(member: Node) -> str:
    """The text of a member's type."""
    return text(member.child_by_field_name("type"))


def implemented(node: Node) -> str:
    """The name of the type whose impl block a node stands in, "" for none."""
    current: Node | None = node
    while current is not None:
        if current.type == "impl_item":
            return base(text(current.child_by_field_name("type")))
        current = current.parent
    return ""


def impls(source: Source, name: str) -> list[Node]:
    """The impl blocks of a type, those of traits too."""
    return [
        node
        for node in walk(source.root)
        if node.type == "impl_item" and base(text(node.child_by_field_name("type"))) == name
    ]


def functions(source: Source, name: str) -> dict[str, Node]:
    """The functions in the impl blocks of a type."""
    found: dict[str, Node] = {}
    for block in impls(source, name):
        body = block.child_by_field_name("body")
        for each in named(body) if body is not None else ():
            if each.type == "function_item":
                found.setdefault(text(each.child_by_field_name("name")), each)
    return found


def constructors(source: Source, name: str) -> Iterator[Node]:
    """The expressions that make one: `Name { .. }`, and `Self { .. }` in its impl blocks."""
    for node in walk(source.root):
        if node.type != "struct_expression":
            continue
        shown = base(text(node.child_by_field_name("name")))
        if shown == name or (shown == "Self" and implemented(node) == name):
            yield node


def places(source: Source, container: str, member: str) -> Iterator[Node]:
    """Where a member of such an object is named: on `self`, on `this`, on what is typed as one."""
    for node in walk(source.root):
        if node.type == "field_expression" and text(node.child_by_field_name("field")) == member:
            on = node.child_by_field_name("value")
            if on is None or on.type not in ("self", "identifier"):
                continue
            if text(on) in ("self", "this"):
                if implemented(node) == container:
                    yield node
            elif re.search(rf"\b{container}\b|\bSelf\b", _typed(source, node, text(on))):
                yield node


def _typed(source: Source, near: Node, name: str) -> str:
    """The type that is written down for a name around a place, or the value that a `let` gives it."""
    for above in source.ancestors(near):
        if above.type == "block":
            for row in reversed(source.rows(above)):
                ahead = row.type == "let_declaration" and row.end_byte <= near.start_byte
                if ahead and text(row.child_by_field_name("pattern")) == name:
                    value = row.child_by_field_name("value")
                    made = value if value is not None and value.type == "struct_expression" else None
                    shown = text(made.child_by_field_name("name")) if made is not None else ""
                    return text(row.child_by_field_name("type")) or shown
        listed = above.child_by_field_name("parameters")
        for each in named(listed) if listed is not None else ():
            if text(each.child_by_field_name("pattern")) == name:
                return text(each.child_by_field_name("type"))
            if text(each) == name:
                return ""
        if above.type == "function_item":
            return ""
    return ""


def add_member(
    source: Source, container: str, member: str, typed: str, empty: str, beside: str
) -> tuple[Edit, ...] | Refusal:
    """A member more, behind another one: in the struct, and in every expression that makes one."""
    node = struct(source, container)
    if node is None:
        return Refusal(f"{container} is not a struct of this file with named members")
    declared = members(node)
    if member in declared:
        return Refusal(f"{container} has a member {member} already")
    if beside not in declared:
        return Refusal(f"{container} has no member {beside}")
    if re.search(
        rb"\bpub(?:\([^)]*\))?\s+" + beside.encode(), source.data[node.start_byte : node.end_byte]
    ) and all(_public(each) for each in declared.values()):
        return Refusal(f"other files may make a {container}: all its members are public")
    edits = [_behind(source, declared[beside], f"{member}: {typed},")]
    made = 0
    for expression in constructors(source, container):
        body = expression.child_by_field_name("body")
        fields = (
            [each for each in named(body) if each.type.endswith("initializer")] if body is not None else []
        )
        if any(each.type == "base_field_initializer" for each in fields):
            made += 1
            continue  # `..Default::default()` sets it
        there = next((each for each in fields if _field(each) == beside), None)
        if there is None:
            return Refusal(f"one place that makes a {container} does not set {beside}")
        edits.append(_behind(source, there, f"{member}: {empty},"))
        made += 1
    if not made and not _derives(source, node, "Default"):
        return Refusal(f"no place in this file makes a {container}")
    return tuple(edits)


def _public(member: Node) -> bool:
    return any(child.type == "visibility_modifier" for child in member.children)


def _field(initializer: Node) -> str:
    return text(initializer.child_by_field_name("field") or named(initializer)[0])


def _derives(source: Source, node: Node, trait: str) -> bool:
    before = node.prev_sibling
    while before is not None and before.type in ("attribute_item", "line_comment"):
        if re.search(rf"\b{trait}\b", text(before)):
            return True
        before = before.prev_sibling
    return any(
        base(text(each.child_by_field_name("trait"))) == trait
        for each in impls(source, text(node.child_by_field_name("name")))
    )


def _behind(source: Source, node: Node, line: str) -> Edit:
    """One element more behind another of a list that ends with commas."""
    end = node.end_byte
    comma = re.match(rb"\s*,", source.data[end:])
    blanks = source.indentation(node.start_byte)
    alone = source.first_on_line(node.start_byte)
    if comma is None:
        return Edit(end, end, f",{source.newline}{blanks}{line}" if alone else f", {line.rstrip(',')}")
    end += comma.end()
    if not alone:
        return Edit(end, end, f" {line}")
    last = source.line_end(end)
    if source.data[end:last].strip() and not source.data[end:last].strip().startswith(b"//"):
        return Edit(end, end, f" {line}")
    return Edit(last, last, f"{source.newline}{blanks}{line}")
