"""A type that owns what its members do not end by themselves gets a `Drop`."""

from __future__ import annotations

import re

from repairbot.languages.rust.repairs import _types
from repairbot.languages.rust.repairs._source import Source, walk
from repairbot.languages.rust.syntax import base, text
from repairbot.lifetimes.intents import ADD_DROP, Refusal
from repairbot.lifetimes.ops import Intent
from repairbot.model import Edit

WRITES = (ADD_DROP,)


def write(source: Source, intent: Intent) -> tuple[Edit, ...] | Refusal:
    """An `impl Drop` behind the type, or behind its first impl block."""
    name, member = intent.args["container"], intent.args["member"]
    node = _types.struct(source, name)
    if node is None:
        return Refusal(f"{name} is not a struct of this file with named members")
    if any(base(text(each.child_by_field_name("trait"))) == "Drop" for each in _types.impls(source, name)):
        return Refusal(f"{name} has a Drop already")
    if _moved_out(source, name):
        return Refusal(f"a {name} is taken apart, which a type with a Drop cannot be")
    lines = _ending(intent, member)
    if isinstance(lines, Refusal):
        return lines
    own = [each for each in _types.impls(source, name) if each.child_by_field_name("trait") is None]
    behind = own[0] if own else node
    parameters = node.child_by_field_name("type_parameters")
    declared = text(parameters) if parameters is not None else ""
    used = re.sub(r"\s*:[^,>]*", "", declared)
    where = next((f" {text(child)}" for child in node.children if child.type == "where_clause"), "")
    shown = [
        "",
        f"impl{declared} Drop for {name}{used}{where} {{",
        "\tfn drop(&mut self) {",
        *(f"\t\t{line}" for line in lines),
        "\t}",
        "}",
    ]
    end = source.line_end(behind.end_byte)
    return (Edit(end, end, f"{source.newline}{source.lines(shown, source.indentation(behind.start_byte))}"),)


def _ending(intent: Intent, member: str) -> list[str] | Refusal:
    """The statements that end the member, through the cell that it stands in."""
    end, cell = intent.args["end"], intent.args.get("cell", "")
    rows = [row.strip() for row in end.split(";") if row.strip()]
    if cell in ("", "Option", "RefCell", "Mutex"):
        if cell == "Option":
            name = member.lstrip("_")
            inner = [f"\t{row.format(name)};" for row in rows]
            return [f"if let Some({name}) = self.{member}.as_mut() {{", *inner, "}"]
        through = {"": f"self.{member}", "RefCell": f"self.{member}.borrow_mut()"}
        if cell == "Mutex":
            name = member.lstrip("_")
            return [
                f"if let Ok({name}) = self.{member}.get_mut() {{",
                *(f"\t{row.format(name)};" for row in rows),
                "}",
            ]
        return [f"{row.format(through[cell])};" for row in rows]
    return Refusal(f"{member} is shared: others may still use it")


def _moved_out(source: Source, name: str) -> bool:
    """Whether the file moves members out of such an object: `let Name { a, b } = x`, `..other`."""
    for node in walk(source.root):
        shown = base(text(node.child_by_field_name("type"))) if node.type == "struct_pattern" else ""
        if shown == name or (shown == "Self" and _types.implemented(node) == name):
            return True
        if node.type == "base_field_initializer":
            made = node.parent.parent if node.parent is not None else None
            shown = base(text(made.child_by_field_name("name"))) if made is not None else ""
            if shown == name or (shown == "Self" and _types.implemented(node) == name):
                return True
    return False
