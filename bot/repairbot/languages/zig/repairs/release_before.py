"""A release right before one exit."""

from __future__ import annotations

from tree_sitter import Node

from repairbot.languages.zig.repairs import _binding, _paths, _release
from repairbot.languages.zig.repairs._source import Source, named, walk
from repairbot.languages.zig.syntax import text
from repairbot.lifetimes.intents import RELEASE_BEFORE, Refusal
from repairbot.lifetimes.ops import Intent
from repairbot.model import Edit

WRITES = (RELEASE_BEFORE,)


def write(source: Source, intent: Intent) -> tuple[Edit, ...] | Refusal:
    """The edits that release before `spans[0]` leaves."""
    place, release = intent.place, intent.args["release"]
    binding = _binding.bind(source, intent.at, place, release)
    if isinstance(binding, Refusal):
        return binding
    statement = source.node(intent.spans[0])
    jumps = _paths.jumps(source, statement)
    if len(jumps) != 1:
        return Refusal("the exit is not one jump of its own")
    jump = jumps[0]
    row = source.row(jump)
    if row is None:
        return Refusal("the exit is not in a block of statements")
    line = _release.statement(source, jump, release, place, optional=binding.optional)
    changed = _binding.variable(source, binding, release)
    kept = _hoisted(source, jump, place, release)
    if isinstance(kept, Refusal):
        return kept
    lines, edits = kept
    if jump.parent is not None and jump.parent.type == "expression_statement" and jump.parent == row:
        return (*changed, source.before(row, [*lines, line]), *edits)
    if lines:
        return Refusal(
            "the value that it returns would have to be named before, and no statement can stand there"
        )
    value = row.type == "variable_declaration"
    body = jump.parent if jump.parent is not None and jump.parent.type == "expression_statement" else jump
    own = body.type == "expression_statement" or (not value and _ends(source, jump))
    return (*changed, source.braced(jump, [line, f"{text(jump)};"], own))


def _ends(source: Source, jump: Node) -> bool:
    """Whether the jump's semicolon is that of its own statement, which a block does not have."""
    for above in source.ancestors(jump):
        if above.type in ("if_statement", "for_statement", "while_statement", "else_clause"):
            return True
        if above.type in ("catch_expression", "binary_expression", "switch_case", "expression_statement"):
            return False
    return False


def _hoisted(
    source: Source, jump: Node, place: str, release: str
) -> tuple[list[str], tuple[Edit, ...]] | Refusal:
    """Names the returned value first where it is made from the place, or where its error runs an `errdefer`."""
    value = next((child for child in named(jump) if child.type != "break_label"), None)
    if value is None:
        return [], ()
    function = source.function(jump)
    assert function is not None
    guarded = any(each.kind == "errdefer" for each in _release.every(source, function, place, release))
    root = place.partition(".")[0]
    reads = source.mentions(root, value)
    calls = any(child.type == "call_expression" for child in walk(value))
    failing = _paths.raises(source, jump)
    if not reads and not (guarded and failing):
        return [], ()
    if reads and not calls and value.type in ("identifier", "field_expression", "index_expression"):
        return Refusal(f"it returns what looks into {place}")
    if guarded and failing and value.type != "try_expression":
        return Refusal(f"an error that it returns releases {place} already")
    name = source.fresh(jump, "result", "returned")
    return [f"const {name} = {text(value)};"], (Edit(value.start_byte, value.end_byte, name),)
