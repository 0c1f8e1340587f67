"""A raw descriptor gets an owner right behind its acquisition, which closes it on every way out."""

from __future__ import annotations

import re

from tree_sitter import Node

from repairbot.languages.rust.repairs import _release
from repairbot.languages.rust.repairs._source import Source, named, walk
from repairbot.languages.rust.syntax import text
from repairbot.lifetimes.intents import RELEASE_ON_EXIT, Refusal
from repairbot.lifetimes.ops import Intent
from repairbot.model import Edit

WRITES = (RELEASE_ON_EXIT,)

_MODULE = "std::os::unix::io"
"""OwnedFd stands there since Rust 1.63 (https://doc.rust-lang.org/std/os/fd/struct.OwnedFd.html)."""


def write(source: Source, intent: Intent) -> tuple[Edit, ...] | Refusal:
    """`let _owner = unsafe { OwnedFd::from_raw_fd(fd) };`, and the releases by hand go."""
    place, release = intent.place, intent.args["release"]
    if not release.endswith("close({})"):
        return Refusal("there is no type in the standard library that owns it")
    let = _release.bound(source, intent)
    if isinstance(let, Refusal):
        return let
    behind = _made(source, let, place)
    if behind is None:
        return Refusal(
            f"{place} is not checked before it is used, and an owner must not hold what was not opened"
        )
    edits = []
    for call in _release.releases(source, let, release, place):
        row = _release.statement(source, call)
        if row is None or row.parent is None:
            return Refusal("what the release returns is looked at")
        after = [each for each in source.rows(row.parent) if each.start_byte > row.start_byte]
        if len(after) > 1 or any(each.type == "let_declaration" for each in after):
            return Refusal(f"more is done after {place} was closed by hand")
        edits.append(source.without(row))
    owner = source.fresh(let, "_owner", f"_{place}_owner")
    line = f"let {owner} = unsafe {{ OwnedFd::from_raw_fd({place}) }};"
    return (*_imports(source), source.after(behind, [line]), *edits)


def _made(source: Source, let: Node, place: str) -> Node | None:
    """The row behind which the value is there for certain: the `let` itself, or the test for failure behind it."""
    value = let.child_by_field_name("value")
    if value is not None and value.type == "try_expression":
        return let
    rows = source.rows(let.parent) if let.parent is not None else []
    after = next((row for row in rows if row.start_byte > let.start_byte), None)
    test = after if after is None or after.type == "if_expression" else next(iter(named(after)), None)
    if after is None or test is None or test.type != "if_expression":
        return None
    asked = re.sub(r"\s+", "", text(test.child_by_field_name("condition")))
    then = test.child_by_field_name("consequence")
    left = then is not None and any(
        node.type == "return_expression" or text(node).startswith(("bail!", "panic!")) for node in walk(then)
    )
    failed = re.fullmatch(rf"{re.escape(place)}(?:<0|==-1|<=-1)|0>{re.escape(place)}", asked)
    return after if failed and left and test.child_by_field_name("alternative") is None else None


def _imports(source: Source) -> tuple[Edit, ...]:
    """The names that are needed, in an import of their own at its place in the alphabet."""
    imports = [node for node in named(source.root) if node.type == "use_declaration"]
    shown = "\n".join(text(node) for node in imports)
    needed = [name for name in ("FromRawFd", "OwnedFd") if not re.search(rf"\b{name}\b", shown)]
    if not needed:
        return ()
    names = needed[0] if len(needed) == 1 else f"{{{', '.join(needed)}}}"
    line = f"use {_MODULE}::{names};"
    last = next((node for node in reversed(imports) if text(node) < line), None)
    if last is not None:
        return (source.after(last, [line]),)
    first = next((node for node in named(source.root) if node.type != "inner_attribute_item"), None)
    if first is None:
        return ()
    gap = "" if first.type == "use_declaration" else source.newline
    return (Edit(first.start_byte, first.start_byte, f"{line}{source.newline}{gap}"),)
