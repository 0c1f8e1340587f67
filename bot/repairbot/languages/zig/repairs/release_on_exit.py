"""`defer` right behind the acquisition; the explicit releases go, an `errdefer` becomes a `defer`, a late one moves."""

from __future__ import annotations

from tree_sitter import Node

from repairbot.languages.zig.repairs import _binding, _elements, _naming, _release
from repairbot.languages.zig.repairs._binding import Binding
from repairbot.languages.zig.repairs._owners import declared as declared_by
from repairbot.languages.zig.repairs._release import Release
from repairbot.languages.zig.repairs._source import Source, named, walk
from repairbot.languages.zig.syntax import text
from repairbot.lifetimes.intents import RELEASE_ON_EXIT, Refusal
from repairbot.lifetimes.ops import Intent
from repairbot.model import Edit

WRITES = (RELEASE_ON_EXIT,)
_LITERALS = frozenset({"struct_initializer", "anonymous_struct_initializer"})
_LEAVING = frozenset({"try_expression", "return_expression", "break_expression", "continue_expression"})


def write(source: Source, intent: Intent) -> tuple[Edit, ...] | Refusal:
    """The edits of a release on every way out."""
    place, release = intent.place, intent.args["release"]
    if place.endswith("[]"):
        return held(source, intent, "defer")
    moved = moved_up(source, intent)
    if moved is not None:
        return moved
    binding = _binding.bind(source, intent.at, place, release)
    if isinstance(binding, Refusal):
        return binding
    old = _old(source, intent)
    if isinstance(old, Refusal):
        return old
    spot = _spot(source, binding, place, release)
    if isinstance(spot, Refusal):
        return spot
    block = spot if spot.type == "block" else spot.parent
    assert block is not None
    if why := _wrong(source, old, block, place, release):
        return Refusal(why)
    changed = _binding.variable(source, binding, release)
    error = next((each for each in old if each.kind == "errdefer" and each.alone), None)
    if error is not None and _next(source, spot, error.row):
        keyword = error.row.children[0]
        rest = tuple(source.without(each.row) for each in old if each is not error)
        if intent.args.get("elements"):
            return Refusal("what it holds has to be released with it")
        return (*changed, Edit(keyword.start_byte, keyword.end_byte, "defer"), *rest)
    inside = elements(source, binding, intent)
    if isinstance(inside, Refusal):
        return inside
    line = f"defer {_release.statement(source, spot, release, place, optional=binding.optional)}"
    added = source.at_start(spot, [line]) if spot.type == "block" else source.after(spot, [line, *inside])
    return (*changed, added, *(source.without(each.row) for each in old))


def elements(source: Source, binding: Binding, intent: Intent) -> list[str] | Refusal:
    """The lines that release what the value holds, where it leaks with it."""
    release = intent.args.get("elements", "")
    if not release:
        return []
    if binding.declared is None:
        return Refusal(f"it is not known how to walk through {intent.place}")
    keyword = "errdefer" if intent.args.get("elements on") else "defer"
    return _elements.lines(source, binding.declared, intent.place, release, keyword)


def held(source: Source, intent: Intent, keyword: str) -> tuple[Edit, ...] | Refusal:
    """Releases what a local list or map holds, right behind the cleanup of the list itself (so: before it)."""
    place = intent.place.removesuffix("[]")
    row = source.row(source.node(intent.at))
    declared = _binding.declaration(source, row, place) if row is not None else None
    if declared is None:
        return Refusal(f"{place} is not declared in this function")
    lines = _elements.lines(source, declared, place, intent.args["release"], keyword)
    if isinstance(lines, Refusal):
        return lines
    spot = declared
    for other in source.behind(declared):
        if other.type in ("defer_statement", "errdefer_statement") and source.mentions(place, other):
            spot = other
    return (source.after(spot, lines),)


def _old(source: Source, intent: Intent) -> list[Release] | Refusal:
    """The explicit releases that a `defer` makes superfluous."""
    found: dict[int, Release] = {}
    for span in intent.spans:
        here = _release.releases(source, span, intent.place, intent.args["release"])
        if not here:
            return Refusal(f"what releases it in line {span.line} does more, or names it otherwise")
        found.update((each.call.start_byte, each) for each in here)
    return list(found.values())


def _spot(source: Source, binding: Binding, place: str, release: str) -> Node | Refusal:
    """The row behind which the `defer` stands, or the block at whose start it stands."""
    if binding.kind == "captured":
        assert binding.body is not None
        return binding.body
    if binding.kind == "member":
        return Refusal(f"{place} belongs to an object, which outlives this function")
    if binding.kind == "declared":
        assert binding.row is not None
        return binding.row
    declared = binding.declared
    assert declared is not None
    function = source.function(declared)
    assert function is not None
    for node in _binding.assignments(source, function, place):
        if _binding.holds(source, _binding.value_of(node), release) == "other":
            return Refusal(f"{place} also holds what was not made here")
    if (
        binding.row is not None
        and binding.row.parent == declared.parent
        and not _before(source, binding, place)
    ):
        return binding.row
    if binding.optional and text(_binding.value_of(declared)) == "null":
        return declared
    row = binding.row
    if row is not None and row.parent is not None and not _outside(source, declared, row.parent, place):
        return row
    return Refusal(f"{place} is made in an inner block and used outside of it")


def _before(source: Source, binding: Binding, place: str) -> bool:
    """Whether the place got a value before this one."""
    assert binding.row is not None
    assert binding.declared is not None
    value = _binding.value_of(binding.declared)
    if value is not None and text(value) not in ("undefined", "null"):
        return True
    function = source.function(binding.declared)
    assert function is not None
    return any(
        node.start_byte < binding.row.start_byte for node in _binding.assignments(source, function, place)
    )


def _outside(source: Source, declared: Node, inner: Node, name: str) -> bool:
    """Whether a local is mentioned outside of an inner block, its declaration apart."""
    assert declared.parent is not None
    return any(
        node.type == "identifier"
        and text(node) == name
        and not source.is_member(node)
        and not inner.start_byte <= node.start_byte < inner.end_byte
        and node.start_byte >= declared.end_byte
        for node in walk(declared.parent)
    )


def _wrong(source: Source, old: list[Release], block: Node, place: str, release: str) -> str:
    """Why a `defer` cannot take the place of these releases, or ""."""
    for each in old:
        line = each.call.start_point[0] + 1
        if not block.start_byte <= each.call.start_byte < block.end_byte:
            return f"line {line} releases it outside of the block that makes it"
        if each.conditional:
            return f"a condition of its own decides whether line {line} releases it"
        if not each.alone:
            return f"line {line} does more than release it"
        if each.kind == "plain" and _release.of_outside(release) and _work(source, each.row, block):
            return f"it is released in line {line} before other work goes on; a defer would hold it longer"
        if each.kind == "plain" and _again(source, each.row, place):
            return f"{place} gets a new value behind its release in line {line}"
    return ""


def _work(source: Source, row: Node, block: Node) -> bool:
    """Whether calls are made behind a row before its function's block ends."""
    current: Node | None = row
    while (
        current is not None
        and current.start_byte >= block.start_byte
        and current.type != "function_declaration"
    ):
        if current.parent is not None and current.parent.type == "block":
            for other in source.behind(current):
                first = named(other)[0] if other.type == "expression_statement" else other
                if other.type in ("defer_statement", "errdefer_statement"):
                    continue
                if any(node.type == "call_expression" for node in walk(other)):
                    return True
                if first.type in ("return_expression", "break_expression", "continue_expression"):
                    return False
        if current == block:
            break
        current = current.parent
    return False


def _again(source: Source, row: Node, place: str) -> bool:
    return any(
        child.type in ("variable_declaration", "assignment_expression") and text(named(child)[0]) == place
        for other in source.behind(row)
        for child in walk(other)
        if child.type in ("variable_declaration", "assignment_expression") and named(child)
    )


def _next(source: Source, spot: Node, row: Node) -> bool:
    """Whether a row follows right behind another."""
    if spot.parent is None or row.parent != spot.parent:
        return False
    behind = source.behind(spot)
    return bool(behind) and behind[0].start_byte == row.start_byte


# A cleanup that begins too late


def moved_up(source: Source, intent: Intent) -> tuple[Edit, ...] | Refusal | None:
    """Moves a `defer` up to where all that it names is there; None where there is none to move."""
    spans = [span for span in intent.spans if source.node(span).type == "defer_statement"]
    if len(spans) != 1 or len(intent.spans) != 1:
        return None
    cleanup = source.node(spans[0])
    block = cleanup.parent
    if block is None or block.type != "block":
        return None
    made = next((row for row in source.rows(block) if row.end_byte >= intent.at.end), None)
    if made is None or made.start_byte > intent.at.start or made.start_byte >= cleanup.start_byte:
        return None
    names = {text(node) for node in walk(cleanup) if node.type == "identifier" and not source.is_member(node)}
    declared = [
        row for row in source.rows(block) if row.start_byte < cleanup.start_byte and declared_by(row) & names
    ]
    if any(row.start_byte > made.start_byte for row in declared):
        return Refusal("the cleanup names what is only declared further down")
    if made not in declared:
        assigned = made.type == "variable_declaration"
        unset = any(text(_binding.value_of(row)) == "undefined" for row in declared)
        if not declared or (unset and not assigned):
            return Refusal("it is not known where its cleanup may begin")
        spot = made if assigned else declared[-1]
    else:
        spot = made
    if source.behind(spot)[0].start_byte == cleanup.start_byte:
        return None
    lines = text(cleanup).replace("\r\n", "\n").split("\n")
    blanks = source.indentation(cleanup.start_byte)
    shown = [lines[0], *(line.removeprefix(blanks) for line in lines[1:])]
    hoisted = _hoisted(source, spot, cleanup, names)
    if isinstance(hoisted, Refusal):
        return hoisted
    return (source.after(spot, shown), *hoisted, source.without(cleanup))


def _hoisted(source: Source, spot: Node, cleanup: Node, names: set[str]) -> list[Edit] | Refusal:
    """What can fail inside a literal goes ahead of it: the variable counts as set while its members are made."""
    edits: list[Edit] = []
    function = source.function(cleanup)
    found = [
        node
        for name in sorted(names)
        for node in (_binding.assignments(source, function, name) if function else ())
    ]
    for node in found:
        value = _binding.value_of(node)
        if (
            value is None
            or value.type not in _LITERALS
            or not spot.end_byte <= node.start_byte < cleanup.start_byte
        ):
            continue
        steps = [each for each in walk(value) if each.type in _LEAVING]
        row = source.row(node)
        if not steps:
            continue
        step = steps[0]
        call = next((each for each in walk(step) if each.type == "call_expression"), None)
        if len(steps) > 1 or step.type != "try_expression" or call is None or row is None:
            return Refusal("a literal that it is set to can fail half way")
        name = _naming.suggested(source, call, "value")
        edits.append(source.before(row, [f"const {name} = {text(step)};"]))
        edits.append(Edit(step.start_byte, step.end_byte, name))
    return edits
