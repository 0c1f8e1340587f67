"""The old value is kept, the new one assigned, then the old one released: an error in between loses nothing."""

from __future__ import annotations

import re
from dataclasses import replace

from tree_sitter import Node

from repairbot.languages.zig.repairs import _binding, _release, release_on_error, release_on_exit
from repairbot.languages.zig.repairs._source import Source, named, squeezed, walk
from repairbot.languages.zig.syntax import text
from repairbot.lifetimes.intents import RELEASE_OLD, RELEASE_ON_ERROR, RELEASE_ON_EXIT, Refusal
from repairbot.lifetimes.ops import Intent
from repairbot.model import Edit

WRITES = (RELEASE_OLD,)


def write(source: Source, intent: Intent) -> tuple[Edit, ...] | Refusal:
    """The edits around the assignment at `intent.at`, with those that the new value needs."""
    edits = _around(source, intent)
    also = {"exit": RELEASE_ON_EXIT, "error": RELEASE_ON_ERROR}.get(intent.args.get("also", ""))
    if isinstance(edits, Refusal) or also is None:
        return edits
    writer = release_on_exit.write if also == RELEASE_ON_EXIT else release_on_error.write
    more = writer(source, replace(intent, do=also, at=intent.spans[0], spans=()))
    return more if isinstance(more, Refusal) else (*edits, *more)


def _around(source: Source, intent: Intent) -> tuple[Edit, ...] | Refusal:
    """The edits around the assignment alone."""
    place, release = intent.place, intent.args["release"]
    target = next((node for node in walk(source.node(intent.at)) if _assigns(node, place, intent)), None)
    if target is None:
        return Refusal(f"the statement that replaces {place} does more than assign it")
    value = _binding.value_of(target)
    row = source.row(target)
    if value is None or row is None:
        return Refusal("no statement can stand before the assignment")
    if _only_name(place) and _optional(source, row, place):
        release = _captured(release)
    release = _release.recaptured(source, target, release, "old", "held")
    root = re.split(r"[.\[]", place)[0]
    if not _can_fail(value) and not source.mentions(root, value):
        before, after = [f"{_release.call(release, place)};"], []
    else:
        name = source.fresh(target, f"old_{_last(place)}", "replaced")
        keyword = "var" if release.startswith(".") or "|*" in release else "const"
        before, after = [f"{keyword} {name} = {place};"], [f"{_release.call(release, name)};"]
    if row.start_byte == target.start_byte:
        edits = [source.before(row, before)]
        return (*edits, source.after(row, after)) if after else tuple(edits)
    parent = target.parent
    if parent is None or parent.type not in (
        "if_statement",
        "else_clause",
        "for_statement",
        "while_statement",
        "switch_case",
    ):
        return Refusal("the assignment is part of an expression")
    shown = text(target).rstrip(";")
    return (source.braced(target, [*before, f"{shown};", *after], parent.type != "switch_case"),)


def _assigns(node: Node, place: str, intent: Intent) -> bool:
    return (
        node.type in ("variable_declaration", "assignment_expression")
        and intent.at.start <= node.start_byte < intent.at.end
        and any(child.type == "=" for child in node.children)
        and bool(named(node))
        and squeezed(text(named(node)[0])) == squeezed(place)
    )


def _can_fail(value: Node) -> bool:
    return any(
        node.type in ("try_expression", "catch_expression", "return_expression") for node in walk(value)
    )


def _only_name(place: str) -> bool:
    return re.fullmatch(r"\w+", place) is not None


def _optional(source: Source, row: Node, place: str) -> bool:
    """Whether a local is declared as one that may be null."""
    declared = _binding.declaration(source, row, place)
    return declared is not None and _binding.may_be_null(declared)


def _captured(release: str) -> str:
    """The release of what may be null, with {} for its name."""
    if "|" in release:
        return release
    if release.startswith("."):
        return f"if ({{}}) |*value| {_release.call(release, 'value')}"
    return f"if ({{}}) |value| {_release.call(release, 'value')}"


def _last(place: str) -> str:
    words = re.findall(r"[A-Za-z_]\w*", place)
    return words[-1] if words else "value"
