"""`errdefer` right behind the acquisition, or a `catch` at the one step that can fail before another owner has it."""

from __future__ import annotations

from dataclasses import replace

from tree_sitter import Node

from repairbot.languages.zig.repairs import _binding, _owners, _paths, _release
from repairbot.languages.zig.repairs._binding import Binding
from repairbot.languages.zig.repairs._source import Source, named, walk
from repairbot.languages.zig.repairs.release_on_exit import elements, held, moved_up
from repairbot.languages.zig.syntax import text
from repairbot.lifetimes.intents import RELEASE_ON_ERROR, Refusal
from repairbot.lifetimes.ops import Intent
from repairbot.model import Edit

WRITES = (RELEASE_ON_ERROR,)


def write(source: Source, intent: Intent) -> tuple[Edit, ...] | Refusal:
    """The edits of a release on errors alone."""
    place, release = intent.place, intent.args["release"]
    if place.endswith("[]"):
        return held(source, intent, "errdefer")
    binding = _binding.bind(source, intent.at, place, release)
    if isinstance(binding, Refusal):
        return _moved(source, intent) or binding
    spot = _spot(source, binding, place)
    if isinstance(spot, Refusal):
        return spot
    block = spot if spot.type == "block" else spot.parent
    assert block is not None
    changed = _binding.variable(source, binding, release)
    line = f"errdefer {_release.statement(source, spot, release, place, optional=binding.optional)}"
    inside = elements(source, binding, intent)
    if isinstance(inside, Refusal):
        return inside
    added = source.at_start(spot, [line]) if spot.type == "block" else source.after(spot, [line, *inside])
    old = _superfluous(source, block, added.start, place, release)
    owners = [row for row in _owners.owner_rows(source, intent.owners) if row.start_byte >= block.start_byte]
    if not any(_owners.fails_behind(source, row, block) for row in owners):
        return (*changed, added, *(source.without(row) for row in old))
    if old:
        return Refusal("something behind its new owner can fail, where an errdefer would release it again")
    one = len(owners) == 1 and spot.type != "block" and owners[0].parent == block
    narrow = _owners.narrowed(source, spot, owners[0], (), added) if one else Refusal("")
    if not isinstance(narrow, Refusal) and not changed:
        return narrow
    caught = _caught(source, intent, binding)
    if isinstance(caught, Refusal):
        return narrow if isinstance(narrow, Refusal) and narrow.why else caught
    return (*changed, *caught)


def _moved(source: Source, intent: Intent) -> tuple[Edit, ...] | Refusal | None:
    """A cleanup of the whole that begins too late moves up, where the value is a member of something by then."""
    root, dot, _ = intent.place.partition(".")
    row = source.row(source.node(intent.at))
    declared = _binding.declaration(source, row, root) if row is not None and dot else None
    if declared is None:
        return None
    for other in source.behind(declared):
        if (
            other.type == "defer_statement"
            and other.start_byte > intent.at.start
            and source.mentions(root, other)
        ):
            span = source.module.span(other.start_byte, other.end_byte)
            return moved_up(source, replace(intent, spans=(span,)))
    return None


def _spot(source: Source, binding: Binding, place: str) -> Node | Refusal:
    """The row behind which the `errdefer` stands, or the block at whose start it stands."""
    if binding.kind == "captured":
        assert binding.body is not None
        return binding.body
    if binding.row is not None and binding.kind in ("declared", "member"):
        return binding.row
    declared = binding.declared
    if declared is None:
        return Refusal(f"{place} does not get its value in a statement of its own")
    first = _binding.value_of(declared)
    if binding.optional and text(first) == "null":
        return declared
    if binding.row is not None and binding.row.parent == declared.parent and text(first) == "undefined":
        return binding.row
    return Refusal(f"{place} may hold what was not made here when the step fails")


def _superfluous(source: Source, block: Node, start: int, place: str, release: str) -> list[Node]:
    """Releases of this value before an error leaves, which the `errdefer` does from now on."""
    found: list[Node] = []
    for each in _release.every(source, block, place, release):
        if each.call.start_byte < start or not each.alone:
            continue
        late = each.kind == "errdefer" and each.row.parent == block
        if late or (each.kind == "plain" and _then_fails(source, each.row)):
            found.append(each.row)
    return found


def _then_fails(source: Source, row: Node) -> bool:
    """Whether an error leaves right behind a row."""
    behind = source.behind(row)
    if not behind or behind[-1].type != "expression_statement":
        return False
    last = named(behind[-1])[0]
    return last.type == "return_expression" and _paths.raises(source, last)


def _caught(source: Source, intent: Intent, binding: Binding) -> tuple[Edit, ...] | Refusal:
    """`step() catch |err| { release; return err; }` where one step alone can fail before the new owner has it."""
    place, release = intent.place, intent.args["release"]
    tries: list[Node] = []
    for span in intent.spans:
        node = source.node(span)
        if node.type == "block" or binding.row == node:
            return Refusal("what fails is not one step")
        tries += [child for child in walk(node) if child.type == "try_expression"]
    if len(tries) != 1:
        return Refusal("something behind its new owner can fail, where an errdefer would release it again")
    step = tries[0]
    row = source.row(step)
    if row is None or _paths.conditional(source, step, row) is not None or step.parent is None:
        return Refusal("the step that fails is not a statement of its own")
    if step.parent.type not in ("expression_statement", "variable_declaration"):
        return Refusal("the step that fails is not a statement of its own")
    blanks = source.indentation(row.start_byte)
    name = source.fresh(step, "err", "e", "failure")
    line = _release.statement(source, row, release, place, optional=binding.optional)
    lines = "".join(f"{source.newline}{blanks}{source.unit}{each}" for each in (line, f"return {name};"))
    keyword = step.children[0]
    start = named(step)[0].start_byte
    return (
        Edit(keyword.start_byte, start, ""),
        Edit(step.end_byte, step.end_byte, f" catch |{name}| {{{lines}{source.newline}{blanks}}}"),
    )
