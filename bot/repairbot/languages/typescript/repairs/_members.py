"""Members of classes: how they are declared, whether they may be empty, where new ones stand."""

from __future__ import annotations

import re

from repairbot.languages.typescript.classes import CONSTRUCTOR, View
from repairbot.languages.typescript.repairs._source import Source
from repairbot.languages.typescript.tree import CLASSES, N
from repairbot.model import Edit

_FIELDS = ("public_field_definition", "field_definition")
_ENDS = re.compile(r"^((?:[\w.]+\.)?(?:clear|cancel)\w+)\((this\.[\w#$]+)\)$")


def declared(source: Source, near: N, name: str) -> str:
    """The text of a member's declaration in the class around a node, "" where there is none."""
    for up in near.above():
        if up.kind == "class_body":
            for kid in up.kids:
                if kid.kind in _FIELDS and source.classes.field_name(kid) == name:
                    return source.text(kid)
            return ""
    return ""


def nullable(source: Source, near: N, place: str) -> bool:
    """Whether a member may be null, which is more than the functions that end timers take."""
    name = place.removeprefix("this.")
    shown = declared(source, near, name)
    return (
        re.search(r"\bnull\b", shown) is not None
        or re.search(rf"this\.{re.escape(name)}\s*=\s*null\b", source.data.decode()) is not None
    )


def ended(source: Source, place: str, lines: list[str], near: N) -> list[str]:
    """The lines that end a timer, with a check where its member may be null."""
    if len(lines) != 1 or _ENDS.match(lines[0]) is None or not source.typed:
        return lines
    if not nullable(source, near, place):
        return lines
    return [f"if ({place}) {{", f"\t{lines[0]}", "}"]


def field(source: Source, view: View, line: str) -> Edit | None:
    """A new field behind the last one of a class (or first in it); None where the class is no such class."""
    if view.node.kind not in CLASSES:
        return None
    body = view.node.of("class_body")
    if body is None:
        return None
    fields = [kid for kid in body.kids if kid.kind in _FIELDS and not _function(kid)]
    constructor = view.methods.get(CONSTRUCTOR)
    if constructor is not None:
        fields = [kid for kid in fields if kid.end <= constructor.start] or fields
    if fields:
        end = source.line_end(fields[-1].end)
        blanks = source.indentation(fields[-1].start)
        return Edit(end, end, f"{source.newline}{blanks}{source.shown(line)}")
    opened = body.start + 1
    blanks = source.indentation(body.start) + source.unit
    gap = source.newline if body.kids else ""
    return Edit(opened, opened, f"{source.newline}{blanks}{source.shown(line)}{gap}")


def _function(kid: N) -> bool:
    return bool(kid.kids) and kid.kids[-1].kind in ("arrow_function", "function_expression")


def private(source: Source, view: View) -> str:
    """How this class marks a member that is its own affair: `private `, or a name that says so."""
    if not source.typed:
        return ""
    return "private "


def underscored(source: Source, view: View) -> bool:
    """Whether the private members of a class begin with an underscore."""
    names = [source.classes.field_name(kid) for kid in view.fields]
    marked = sum(name.startswith("_") for name in names)
    return marked * 2 > len(names)
