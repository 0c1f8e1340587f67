"""Elements that own several things: released the way this file shows, by their own `deinit` or by a loop of its own.

A loop counts where it walks through a member of the same type of elements and does nothing but release: whoever gets
the list will release its elements so.
"""

from __future__ import annotations

import re

from tree_sitter import Node

from repairbot.languages.zig.repairs import _binding, _release
from repairbot.languages.zig.repairs._source import Source, named, squeezed, walk
from repairbot.languages.zig.syntax import Struct, text

_RELEASES = frozenset({"free", "destroy", "deinit", "close"})
_FREED = re.compile(r"([\w.]+)\.(?:free|destroy)\(")
_GIVEN = re.compile(r"\.deinit\(([\w.]+)\)")
_COMMENT = re.compile(r"[ \t]*//[^\n]*\n?")
_OTHERS = frozenset(
    {
        "return_expression", "try_expression", "break_expression", "continue_expression", "variable_declaration",
        "assignment_expression", "catch_expression", "else_clause", "defer_statement", "errdefer_statement",
    }
)  # fmt: skip


def lines(
    source: Source, declared: Node, place: str, values: list[Node], release: str, keyword: str
) -> list[str] | None:
    """The cleanup of the elements of a local list; None where the file does not show one, or not all are its own."""
    match = re.search(r"List\w*\((?:\w+\.)*(\w+)[,)]", squeezed(text(declared)))
    struct = source.module.struct(match[1]) if match is not None else None
    allocator = _release.allocator(release)
    if struct is None or struct.kind != "struct" or not allocator or not values:
        return None
    teardown = struct.functions.get("deinit")
    if teardown is not None:
        given = teardown.parameters[1:]
        if not teardown.method or len(given) > 1 or any("Allocator" not in each.type for each in given):
            return None
        if not all(_own(source, value, None, struct, release) for value in values):
            return None
        name = source.fresh(declared, "item", "element")
        return [f"{keyword} for ({place}.items) |*{name}| {name}.deinit({allocator if given else ''});"]
    for loop in walk(source.module.root, functions=True):
        shown = _loop(source, loop, struct, allocator) if loop.type == "for_statement" else None
        if shown is not None and all(_own(source, value, shown[0], struct, release) for value in values):
            head, *rest = shown[1]
            if not rest:
                return [f"{keyword} for ({place}.items) {head}"]
            inner = (f"{source.unit}{line}" for line in (f"for ({place}.items) {head}", *rest))
            return [f"{keyword} {{", *inner, "}"]
    return None


def _loop(source: Source, loop: Node, struct: Struct, allocator: str) -> tuple[set[str], list[str]] | None:
    """The members that a loop releases of each element, and its lines from the capture on."""
    parts = named(loop)
    if len(parts) != 3 or parts[1].type != "payload" or "," in text(parts[1]):
        return None
    sequence, payload, body = parts
    if not _walks(source, sequence, struct):
        return None
    if any(node.type in _OTHERS for node in walk(body)):
        return None
    calls = [node for node in walk(body) if node.type == "call_expression"]
    if not calls or any(text(named(call)[0]).rpartition(".")[2] not in _RELEASES for call in calls):
        return None
    shown = _COMMENT.sub("", text(loop).replace("\r\n", "\n")[payload.start_byte - loop.start_byte :])
    used = {*_FREED.findall(shown), *_GIVEN.findall(shown)}
    if len(used) != 1:
        return None
    (theirs,) = used
    shown = re.sub(rf"(?<![\w.]){re.escape(theirs)}(?=\.(?:free|destroy)\(|\))", allocator, shown)
    name = text(payload).strip("|* ")
    receiver = theirs.partition(".")[0]
    if receiver != allocator.partition(".")[0] and re.search(rf"\b{re.escape(receiver)}\b", shown):
        return None
    released = set(re.findall(rf"\b{re.escape(name)}\.(\w+)", shown))
    if not released:
        return None
    blanks = source.indentation(loop.start_byte)
    first, *rest = shown.split("\n")
    if not rest and not first.endswith(";"):
        first += ";"
    return released, [first, *(line.removeprefix(blanks) for line in rest if line.strip())]


def _walks(source: Source, sequence: Node, struct: Struct) -> bool:
    """Whether a loop walks through a member of an object that is a list or a slice of these elements."""
    member = squeezed(text(sequence)).removesuffix(".items").rpartition(".")[2]
    wanted = re.compile(rf"(?:\[\](?:const)?|List\w*\()(?:\w+\.)*{re.escape(struct.name)}\b(?!\()")
    function = source.function(sequence)
    around = [
        each
        for each in source.module.structs
        if function is not None and each.node.start_byte <= function.start_byte < each.node.end_byte
    ]
    return any(
        item.name == member and wanted.search(squeezed(item.type))
        for each in around
        for item in each.fields(source.module)
    )


def _own(source: Source, value: Node, released: set[str] | None, struct: Struct, release: str) -> bool:
    """Whether all that a cleanup releases of a value was made for it. `released`: None for all its members."""
    if value.type == "identifier":
        row = source.row(value)
        declared = _binding.declaration(source, row, text(value)) if row is not None else None
        made = _binding.value_of(declared) if declared is not None else None
        return (
            made is not None and made.type != "identifier" and _own(source, made, released, struct, release)
        )
    if value.type not in ("struct_initializer", "anonymous_struct_initializer"):
        return _made(source, value, release)
    listing = next((child for child in value.children if child.type == "initializer_list"), None)
    given: dict[str, Node] = {}
    for child in named(listing) if listing is not None else ():
        left, right = child.child_by_field_name("left"), child.child_by_field_name("right")
        if child.type != "assignment_expression" or left is None or right is None:
            return False
        given[text(left).lstrip(".")] = right
    for item in struct.fields(source.module):
        if released is not None and item.name not in released:
            continue
        if released is None and not re.search(r"\[\]|\[:|^\??\*|\(", item.type):
            continue  # a number, or what is copied whole
        part = given.get(item.name)
        if part is None or part.type == "null":
            if item.default != "null" and part is None:
                return False
        elif not _member(source, part, release):
            return False
    return True


def _member(source: Source, part: Node, release: str) -> bool:
    """Whether a member was made for its element."""
    if part.type == "identifier":
        row = source.row(part)
        declared = _binding.declaration(source, row, text(part)) if row is not None else None
        return declared is not None and _made(source, _binding.value_of(declared), release)
    return _made(source, part, release)


def _made(source: Source, value: Node | None, release: str) -> bool:
    """Whether an expression is a call that makes what it gives."""
    if value is None or not any(node.type == "call_expression" for node in walk(value)):
        return False
    return _binding.holds(source, value, release) in ("value", "optional")


__all__ = ["lines"]
