"""What runs at an object's end without being a method of it: `this._register(toDisposable(() => ...))`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from repairbot.languages.typescript.classes import CONSTRUCTOR, View, arguments_before
from repairbot.languages.typescript.repairs._source import Source
from repairbot.languages.typescript.tree import FUNCTIONS, N
from repairbot.languages.typescript.vocabulary import CALLED_AT_END
from repairbot.lifetimes.intents import Refusal
from repairbot.model import Edit

_PLAIN = re.compile(r"(?:\w+\()?(?:\(\)\s*=>\s*)$")


@dataclass(frozen=True, slots=True)
class Ending:
    """A callback that runs at the end, and the statement that registers it."""

    function: N
    row: N


def endings(source: Source, view: View) -> list[Ending]:
    """The callbacks of a class that run at its end, in the order of the source."""
    found: list[Ending] = []
    for node in view.node.walk():
        if node.kind not in FUNCTIONS or arguments_before(node):
            continue
        listing = node.up
        if listing is None or listing.kind != "arguments" or listing.up is None:
            continue
        row = source.row(node)
        if row is not None and CALLED_AT_END.search(source.module.callee(listing.up)) is not None:
            found.append(Ending(node, row))
    return found


def add(source: Source, view: View, made: N, lines: list[str]) -> tuple[Edit, ...] | Refusal:
    """Lines that run at the end: beside the making as its siblings do, in a callback that is there, or in one more."""
    there = endings(source, view)
    written = [each for each in there if source.function(each.row) is view.methods.get(CONSTRUCTOR)]
    row = source.row(made)
    constructor = view.methods.get(CONSTRUCTOR)
    single = [
        each for each in written if each.function.kids and each.function.kids[-1].kind != "statement_block"
    ]
    if single and row is not None and constructor is not None and source.function(row) is constructor:
        return (source.after(row, _like(source, single[0], lines)),)
    blocks = [
        each for each in written if each.function.kids and each.function.kids[-1].kind == "statement_block"
    ]
    if blocks:
        return (source.at_end(blocks[-1].function.kids[-1], lines),)
    if single:
        return (source.after(single[-1].row, _like(source, single[-1], lines)),)
    return Refusal("nothing in its constructor runs at the end")


def _like(source: Source, ending: Ending, lines: list[str]) -> list[str]:
    """The statement that registers a callback with these lines, written as the one that is there."""
    head = source.slice(ending.row.start, ending.function.start)
    tail = source.slice(ending.function.end, ending.row.end)
    if len(lines) == 1:
        return [f"{head}() => {lines[0]}{tail}"]
    return [f"{head}() => {{", *(f"\t{line}" for line in lines), f"}}{tail}"]
