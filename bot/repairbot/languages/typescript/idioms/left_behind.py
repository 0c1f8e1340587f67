"""What a method hands out to undo it ends the thing, and leaves its entry in the collection.

this.handles.push(handle);
return () => { handle.unsubscribe(); };
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from repairbot.languages.typescript.classes import Classes
from repairbot.languages.typescript.syntax import Module, arguments, bare, statement_of
from repairbot.languages.typescript.tree import FUNCTIONS, N
from repairbot.lazily import regex
from repairbot.lifetimes.intents import INSERT_AFTER
from repairbot.lifetimes.ops import Idiom, Intent
from repairbot.model import Step

_ENDS = r"(?:unsubscribe|dispose|close|destroy|cancel|stop|remove|abort|disconnect)"


_ADDS = regex(rb"this\.[\w#$]+\.(?:push|add)\(")


def find(module: Module, classes: Classes) -> Iterator[Idiom]:
    """Methods that add an entry and return a function that ends the entry and does not take it out."""
    for view in classes.views:
        for method in view.methods.values():
            if not _ADDS.search(module.source, method.start, method.end):
                continue
            for returned in method.walk():
                if returned.kind == "return_statement" and (undo := _undo(returned)) is not None:
                    yield from _method(module, method, undo)


def _undo(returned: N) -> N | None:
    """The function that is returned, alone or as the `dispose` of an object."""
    value = bare(returned.kids[0]) if returned.kids else None
    if value is None:
        return None
    if value.kind in FUNCTIONS:
        return value
    parts = (
        [kid.kids[-1] if kid.kind == "pair" else kid for kid in value.kids] if value.kind == "object" else []
    )
    return parts[0] if len(parts) == 1 and parts[0].kind in FUNCTIONS else None


def _method(module: Module, method: N, undo: N) -> Iterator[Idiom]:
    code = module.text(undo)
    for call in method.walk():
        if call.kind != "call_expression" or call.start > undo.start:
            continue
        callee = module.callee(call)
        given = arguments(call)
        added = re.fullmatch(r"(this\.[\w#$]+)\.(?:push|add)", callee)
        if added is None or len(given) != 1 or given[0].kind != "identifier":
            continue
        entry, place = module.text(given[0]), added[1]
        if not re.search(rf"(?<![\w.]){re.escape(entry)}\??\.{_ENDS}\(", code) or place in code:
            continue
        line = module.line(undo.start)
        intents = _taken_out(module, undo, entry, place, callee.endswith(".add"))
        yield Idiom(
            "unbounded-collection",
            module.symbol_at(call),
            place,
            module.span(statement_of(call)),
            f"{place} keeps each {entry}, also when what line {line} returns has ended it",
            (Step(module.line(call.start), "put in"), Step(line, "ended here, and not taken out")),
            intents=intents,
        )


def _taken_out(module: Module, undo: N, entry: str, place: str, unordered: bool) -> tuple[Intent, ...]:
    """The entry leaves the collection right behind its end."""
    ending = rf"{re.escape(entry)}\??\.{_ENDS}\([^()]*\)"
    for row in undo.walk():
        if row.kind == "expression_statement" and re.fullmatch(rf"{ending};?", module.text(row)):
            span = module.span(row)
            lines = f"const index = {place}.indexOf({entry})\nif (index !== -1) {{\n\t{place}.splice(index, 1)\n}}"
            if unordered:
                lines = f"{place}.delete({entry})"
            title = f"take it out of {place} where it ends"
            return (Intent(INSERT_AFTER, span, place, title, {"lines": lines}, (span,)),)
    return ()
