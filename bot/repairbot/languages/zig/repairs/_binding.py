"""How a place came to hold its value: by a declaration, an assignment, or a capture; and what it may hold besides."""

from __future__ import annotations

import re
from typing import Literal

from tree_sitter import Node

from repairbot.languages.zig.repairs import _release
from repairbot.languages.zig.repairs._source import Source, named, squeezed, walk
from repairbot.languages.zig.syntax import Definition, text
from repairbot.lazily import dataclass
from repairbot.lifetimes.intents import Refusal
from repairbot.model import Edit, Span

Holds = Literal["value", "optional", "empty", "nothing", "other"]
"""What an expression gives: a value to release, one or null, an empty literal, nothing (it jumps), something else."""

_BY_VALUE = re.compile(
    r"\bparseFrom\w+\(|ArenaAllocator\.init\(|\b(?:openFile|createFile|openSelfExe)\w*\(|\bThread\.spawn\(|tcpConnect\w*\("
    r"|\bPriorityQueue\(|\b(?:ArrayList|ArrayListAligned|Managed)\([^;]*\)\.(?:init|initCapacity|fromOwnedSlice)\("
)
"""What makes values of the standard library whose release takes them by value: a `const` will do."""
_NULLABLE = re.compile(r"\b(?:readUntilDelimiterOrEofAlloc|takeDelimiter)\(")


@dataclass(frozen=True, slots=True)
class Binding:
    """Where a place got its value.

    `row`: the statement behind which a cleanup may stand, None for a capture. `body`: the block of a capture.
    `declared`: the declaration's node where there is one. `const`: the keyword when it is `const`.
    """

    kind: Literal["declared", "assigned", "captured", "member"]
    row: Node | None
    body: Node | None = None
    declared: Node | None = None
    value: Node | None = None
    const: Node | None = None
    optional: bool = False


def bind(source: Source, at: Span, place: str, release: str) -> Binding | Refusal:
    """Find the binding of a place that is acquired at a span."""
    node = source.node(at)
    if node.type == "payload":
        return _captured(source, node, place, release)
    row = source.row(node)
    if row is None:
        return Refusal("it is not made in a block of statements")
    found = _declaration(row, place)
    if found is not None:
        return _declared(source, row, place, release)
    target = next(
        (
            each
            for each in walk(node if node.type in ("variable_declaration", "assignment_expression") else row)
            if each.type in ("variable_declaration", "assignment_expression")
            and (first := named(each)[:1])
            and squeezed(text(first[0])) == squeezed(place)
            and not _keyword(each)
            and at.start <= each.start_byte < at.end
        ),
        None,
    )
    if target is not None:
        return _assigned(source, target, place, release)
    if row.type in ("if_statement", "labeled_statement"):
        for each in walk(row):
            if each.type == "payload" and place in _names(each):
                return _captured(source, each, place, release)
    return Refusal(f"what gives {place} its value is not a plain declaration")


def _names(payload: Node) -> list[str]:
    return [name.strip() for name in text(payload).strip("|").replace("*", "").split(",")]


def _keyword(node: Node) -> Node | None:
    return next((child for child in node.children if child.type in ("const", "var")), None)


def _declaration(row: Node, place: str) -> Node | None:
    """The row where it declares the place alone."""
    if row.type != "variable_declaration" or _keyword(row) is None:
        return None
    names = [child for child in row.children if child.type == "identifier"]
    return row if names and text(names[0]) == place else None


def value_of(declaration: Node) -> Node | None:
    """The value of a declaration or an assignment."""
    cut = next((i for i, child in enumerate(declaration.children) if child.type == "="), None)
    if cut is None:
        return None
    return next(
        (child for child in declaration.children[cut + 1 :] if child.type not in ("comment", ";")), None
    )


def _type_of(declaration: Node) -> str:
    seen = False
    for child in declaration.children:
        if child.type == ":":
            seen = True
        elif seen and child.is_named:
            return text(child)
        elif child.type == "=":
            break
    return ""


def _declared(source: Source, row: Node, place: str, release: str) -> Binding | Refusal:
    keyword, value = _keyword(row), value_of(row)
    if sum(child.type in ("const", "var") for child in row.children) > 1:
        return Refusal("several values are declared at once")
    held = holds(source, value, release) if value is not None else "value"
    if held == "other":
        return Refusal(f"on some way {place} holds what was not made here")
    optional = held == "optional" or _type_of(row).startswith("?")
    const = keyword if keyword is not None and keyword.type == "const" else None
    return Binding("declared", row, None, row, value, const, optional)


def _captured(source: Source, payload: Node, place: str, release: str) -> Binding | Refusal:
    parent = payload.parent
    body = next(
        (
            child
            for child in (parent.children if parent is not None else ())
            if child.start_byte >= payload.end_byte and child.is_named and child.type != "comment"
        ),
        None,
    )
    if body is not None and body.type == "block_expression":
        body = next((child for child in body.children if child.type == "block"), None)
    if body is None or body.type != "block":
        return Refusal(f"the code that {place} is captured for is no block")
    condition = text(named(parent)[0]) if parent is not None else ""
    kept = _BY_VALUE.search(squeezed(condition)) or not _mutates(release)
    if release.startswith(".") and f"*{place}" not in squeezed(text(payload)) and not kept:
        return Refusal(f"{place} is captured as a constant, which its release cannot change")
    return Binding("captured", None, body)


def _mutates(release: str) -> bool:
    return not _release.of_outside(release)


def _assigned(source: Source, target: Node, place: str, release: str) -> Binding | Refusal:
    row = source.row(target)
    if row is None:
        return Refusal("it is not made in a block of statements")
    value = value_of(target)
    if "." in place or "[" in place:
        return Binding("member", row if _same(row, target) else None, value=value)
    declared = declaration(source, row, place)
    if declared is None:
        return Refusal(f"{place} is not declared in this function")
    held = holds(source, value, release) if value is not None else "value"
    if held == "other":
        return Refusal(f"on some way {place} holds what was not made here")
    first = value_of(declared)
    null = first is not None and text(first) == "null"
    optional = null or _type_of(declared).startswith("?")
    return Binding("assigned", row if _same(row, target) else None, None, declared, value, None, optional)


def _same(row: Node, target: Node) -> bool:
    return row.start_byte == target.start_byte


def declaration(source: Source, row: Node, name: str) -> Node | None:
    """The declaration of a local that is visible at a row."""
    for above in (row, *source.ancestors(row)):
        if above.type == "block":
            for each in named(above):
                if each.start_byte >= row.start_byte:
                    break
                if _declaration(each, name) is not None:
                    return each
    return None


def may_be_null(declared: Node) -> bool:
    """Whether a declaration says that its local may be null."""
    first = value_of(declared)
    return _type_of(declared).startswith("?") or (first is not None and text(first) == "null")


def assignments(source: Source, function: Node, name: str) -> list[Node]:
    """Every plain assignment to a local."""
    return [
        node
        for node in walk(function)
        if node.type in ("variable_declaration", "assignment_expression")
        and _keyword(node) is None
        and named(node)
        and text(named(node)[0]) == name
    ]


# What a value may be

_JUMPS = ("return_expression", "break_expression", "continue_expression")


def holds(source: Source, node: Node | None, release: str) -> Holds:
    """What an expression gives, as far as it can be seen."""
    if node is None:
        return "nothing"
    if node.type == "null":
        return "optional"
    if node.type == "unreachable":
        return "nothing"
    parts = named(node)
    match node.type:
        case "try_expression" | "parenthesized_expression" | "comptime_expression" | "await_expression":
            return holds(source, parts[-1], release)
        case "null_coercion_expression":
            return _without_null(holds(source, parts[0], release))
        case "catch_expression":
            handler = node.children[-1]
            return _either(holds(source, parts[0], release), holds(source, handler, release))
        case "binary_expression" if any(child.type == "orelse" for child in node.children):
            return _either(
                _without_null(holds(source, parts[0], release)), holds(source, node.children[-1], release)
            )
        case "if_expression" | "if_statement":
            return _branches(source, node, release)
        case "switch_expression":
            found: Holds = "nothing"
            for case in parts[1:]:
                if case.type == "switch_case":
                    found = _either(found, holds(source, case.children[-1], release))
            return found
        case "labeled_type_expression" | "labeled_statement" | "block" | "block_expression":
            return _block(source, node, release)
        case "string":
            return "empty" if text(node) == '""' else "other"
        case "call_expression":
            return _call(source, node, release)
        case "struct_initializer" | "anonymous_struct_initializer":
            return "value" if release.startswith(".") else "other"
        case "field_expression" if text(node).endswith((".empty", ".init")):
            return "value" if release.startswith(".") else "other"
    if node.type in _JUMPS or text(node) == "undefined":
        return "nothing"
    return "empty" if re.fullmatch(r"&\[_\][\w.]+\{\}|&\.\{\}", squeezed(text(node))) else "other"


def _without_null(held: Holds) -> Holds:
    return "value" if held == "optional" else held


def _either(one: Holds, other: Holds) -> Holds:
    kinds: set[Holds] = {kind for kind in (one, other) if kind != "nothing"}
    if not kinds:
        return "nothing"
    if len(kinds) == 1:
        return kinds.pop()
    if "other" in kinds:
        return "other"
    return "optional" if "optional" in kinds else "value"


def _branches(source: Source, node: Node, release: str) -> Holds:
    condition = True
    found: Holds = "nothing"
    otherwise = False
    for child in node.children:
        if child.type in ("if", "(", ")", "payload", "comment", ";"):
            continue
        if condition:
            condition = False
        elif child.type == "else":
            otherwise = True
        elif child.type == "else_clause":
            otherwise = True
            found = _either(found, holds(source, child.children[-1], release))
        else:
            found = _either(found, holds(source, child, release))
    return found if otherwise else "other"


def _block(source: Source, node: Node, release: str) -> Holds:
    """What the breaks of a labelled block give; a block that ends in a jump gives nothing."""
    label = next((child for child in node.children if child.type == "block_label"), None)
    name = text(label).rstrip(": ").strip() if label is not None else ""
    found: Holds = "nothing"
    for child in walk(node):
        if child.type == "break_expression" and name:
            target = next((part for part in child.children if part.type == "break_label"), None)
            if target is not None and text(target).lstrip(": ") == name:
                given = child.children[-1]
                found = _either(
                    found, "other" if given.type == "break_label" else _local(source, given, node, release)
                )
    return found


def _local(source: Source, given: Node, within: Node, release: str) -> Holds:
    """What a break gives; a name that the block declares is what it was made as."""
    if given.type == "identifier":
        for child in walk(within):
            if child.type == "variable_declaration" and _declaration(child, text(given)) is not None:
                return holds(source, value_of(child), release)
    return holds(source, given, release)


def _call(source: Source, node: Node, release: str) -> Holds:
    shown = text(node)
    allocator = _release.allocator(release)
    if (
        allocator
        and squeezed(allocator).rpartition(".")[2] not in re.findall(r"\w+", shown)
        and not _makes(source, node)
    ):
        return "other"
    if _NULLABLE.search(shown) or returns(source, node).lstrip("!").startswith("?"):
        return "optional"
    return "value"


def _makes(source: Source, node: Node) -> bool:
    """Whether the callee is a method: its receiver knows the allocator."""
    callee = named(node)[0]
    return callee.type == "field_expression" and text(callee).partition(".")[0] not in ("std", "mem", "fmt")


def returns(source: Source, node: Node) -> str:
    """The type that a function of this file returns, without its error set; "" for others."""
    found = _called(source, node)
    kinds = {each.returns.rpartition("!")[2].strip() for each in found}
    return kinds.pop() if len(kinds) == 1 else ""


def _called(source: Source, node: Node) -> list[Definition]:
    """The functions of this file that a call may mean: of its container, where it names one."""
    owner, _, last = text(named(node)[0]).rpartition(".")
    found = [each for each in source.module.functions if each.name == last]
    return [each for each in found if owner in (each.owner.name, *each.owner.aliases)] or found


# const or var


def variable(source: Source, binding: Binding, release: str) -> tuple[Edit, ...]:
    """`const` to `var` where the release needs to change the value."""
    if binding.const is None or not release.startswith("."):
        return ()
    if _release.of_outside(release) and not _directory(binding):
        return ()
    if binding.value is not None and _constant(source, binding.value, binding.declared):
        return ()
    return (Edit(binding.const.start_byte, binding.const.end_byte, "var"),)


def _directory(binding: Binding) -> bool:
    """Directories are changed when they are closed (std.fs.Dir.close takes a pointer)."""
    return binding.value is not None and bool(re.search(r"[dD]ir\w*\(|OpenPath", text(binding.value)))


def _constant(source: Source, value: Node, declared: Node | None) -> bool:
    """Whether a constant can be released: a pointer, or a value whose release takes it by value."""
    if declared is not None and _type_of(declared).lstrip("?").startswith("*"):
        return True
    if _BY_VALUE.search(squeezed(text(value))):
        return True
    calls = [node for node in walk(value) if node.type == "call_expression"]
    if not calls:
        return False
    returned = returns(source, calls[0]).lstrip("?")
    if returned.startswith("*"):
        return True
    struct = source.module.struct(returned) if returned else None
    if struct is None and returned in ("Self", "@This()"):
        found = _called(source, calls[0])
        struct = found[0].owner if found else None
    if struct is None or "deinit" not in struct.functions:
        return False
    parameters = struct.functions["deinit"].parameters
    return bool(parameters) and not parameters[0].type.startswith("*")
