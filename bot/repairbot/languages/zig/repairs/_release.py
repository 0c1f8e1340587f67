"""The text of a release, and the releases of a place that stand in the code already."""

from __future__ import annotations

import re

from tree_sitter import Node

from repairbot.languages.zig.repairs._source import Source, named, squeezed
from repairbot.languages.zig.syntax import text
from repairbot.lazily import dataclass
from repairbot.model import Span

_CAPTURE = re.compile(r"\|\*?(\w+)\|")
_LATER = re.compile(r"^\.?(?:\w+\.)*(?:close|join|wait|kill|stop|unlock|shutdown|detach)\b")


def call(release: str, place: str) -> str:
    """The call that releases a place: `gpa.free` and `x` give `gpa.free(x)`."""
    if "{}" in release:
        return release.replace("{}", place)
    if release.startswith("."):
        return f"{place}{release}" if release.endswith(")") else f"{place}{release}()"
    return f"{release}({place})"


def statement(source: Source, near: Node, release: str, place: str, *, optional: bool) -> str:
    """The statement that releases a place, captured first where it may be null."""
    if not optional:
        return f"{call(release, place)};"
    name = source.fresh(near, "value", "held")
    capture = f"|*{name}|" if release.startswith(".") else f"|{name}|"
    return f"if ({place}) {capture} {call(release, name)};"


def recaptured(source: Source, near: Node, shown: str, *wanted: str) -> str:
    """A release that captures what may be null, with a name for it that is free there."""
    match = _CAPTURE.search(shown)
    if match is None:
        return shown
    name = source.fresh(near, *wanted, match[1])
    return shown[: match.start()] + re.sub(rf"\b{match[1]}\b", name, shown[match.start() :])


def of_outside(release: str) -> bool:
    """Whether the release is seen outside of this process's memory: when it comes then matters."""
    return bool(_LATER.match(release))


def allocator(release: str) -> str:
    """The allocator that a release names, or ""."""
    if match := re.fullmatch(r"\.\w+\((.*)\)", release):
        return match[1]
    if "{}" in release or release.startswith("."):
        return ""
    return release.rpartition(".")[0]


@dataclass(frozen=True, slots=True)
class Release:
    """A release that stands in the code: its call, and the largest statement around it that does nothing else.

    `kind`: defer, errdefer, or plain. `conditional`: a condition that is not the place's own decides on it.
    """

    call: Node
    row: Node
    kind: str
    conditional: bool = False
    alone: bool = True
    """The statement does nothing else."""


def releases(source: Source, span: Span, place: str, release: str) -> list[Release]:
    """The releases of a place within a statement."""
    calls = source.calls(source.node(span))
    return [_around(source, call, place) for call in calls if _releases(source, call, place, release)]


def every(source: Source, within: Node, place: str, release: str) -> list[Release]:
    """All releases of a place below a node."""
    span = source.module.span(within.start_byte, within.end_byte)
    return releases(source, span, place, release)


def _releases(source: Source, node: Node, place: str, release: str) -> bool:
    callee, *arguments = named(node)
    if release.startswith("."):
        if callee.type != "field_expression" or len(named(callee)) < 2:
            return False
        receiver, member = named(callee)[0], named(callee)[-1]
        return text(member) == release.lstrip(".").partition("(")[0] and _is(source, receiver, place)
    name = release.partition("(")[0].rpartition(".")[2]
    return text(callee).rpartition(".")[2] == name and any(_is(source, each, place) for each in arguments)


def _is(source: Source, node: Node, place: str) -> bool:
    """Whether an expression is the place: itself, unwrapped, or by a capture of it."""
    shown = squeezed(text(node)).removesuffix(".?").removesuffix(".*")
    if shown == squeezed(place):
        return True
    if node.type != "identifier":
        return False
    for above in source.ancestors(node):
        if above.type in ("if_statement", "if_expression"):
            payload = next((child for child in above.children if child.type == "payload"), None)
            if payload is not None and shown in text(payload).strip("|").replace("*", "").split(","):
                condition = named(above)[0]
                return squeezed(text(condition)) == squeezed(place)
    return False


def _around(source: Source, node: Node, place: str) -> Release:
    """Climbs from a call to the largest statement that is nothing but it."""
    kind, conditional, alone, bare = "plain", False, True, True
    current = row = node
    while (parent := current.parent) is not None:
        if parent.type in ("defer_statement", "errdefer_statement"):
            kind = parent.type.partition("_")[0]
            row = parent if alone else row
        elif parent.type == "block":
            if alone and current.is_named:
                row = current
            alone = alone and len(named(parent)) == 1
            bare = bare and len(named(parent)) == 1
        elif parent.type in ("if_statement", "if_expression"):
            own = _asks(named(parent)[0], place)
            whole = not any(child.type == "else_clause" for child in parent.children)
            alone = alone and own and whole
            conditional = conditional or (bare and not own)
        elif parent.type not in ("expression_statement", "block_expression"):
            conditional = conditional or (bare and parent.type in ("switch_case", "catch_expression"))
            break
        current = parent
    return Release(node, row, kind, conditional, row.parent is not None and row.parent.type == "block")


def _asks(condition: Node, place: str) -> bool:
    """Whether a condition only asks whether the place is there."""
    return squeezed(text(condition)) in (squeezed(place), squeezed(f"{place}!=null"))
