"""A subscription is made later, when what would end it may already have run.

let handle;
load().then(() => { handle = source.subscribe(observer); });
return () => { if (handle) handle.unsubscribe(); };
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from repairbot.languages.typescript.classes import Classes
from repairbot.languages.typescript.syntax import Definition, Module, bare, statement_of
from repairbot.languages.typescript.tree import FUNCTIONS, N
from repairbot.lifetimes.intents import INSERT_EACH
from repairbot.lifetimes.ops import Idiom, Intent
from repairbot.model import Step


def find(module: Module, _: Classes) -> Iterator[Idiom]:
    """Functions that return what ends a handle, where the handle is only set in a callback of a promise."""
    if b".then(" not in module.source:
        return
    for definition in module.functions:
        ending = _ending(definition)
        if ending is None:
            continue
        ended = re.findall(
            r"(?<![\w.])([\w$]+)(?:\?)?\.(?:unsubscribe|dispose|close|disconnect|remove)\(",
            module.text(ending),
        )
        for name in dict.fromkeys(ended):
            yield from _late(module, definition, ending, name)


def _ending(definition: Definition) -> N | None:
    """The function that is returned at the end."""
    if (
        definition.body is None
        or not definition.body.kids
        or definition.body.kids[-1].kind != "return_statement"
    ):
        return None
    returned = definition.body.kids[-1]
    value = bare(returned.kids[0]) if returned.kids else None
    return value if value is not None and value.kind in FUNCTIONS else None


def _late(module: Module, definition: Definition, ending: N, name: str) -> Iterator[Idiom]:
    for node in definition.node.walk():
        if (
            node.kind != "assignment_expression"
            or module.text(node.kids[0]) != name
            or node.start > ending.start
        ):
            continue
        callback = next((up for up in node.above() if up.kind in FUNCTIONS), None)
        listing = callback.up if callback is not None else None
        call = listing.up if listing is not None and listing.kind == "arguments" else None
        if callback is None or call is None or not module.callee(call).endswith(".then"):
            continue
        before = module.source[callback.start : node.start].decode("utf-8", "replace")
        if re.search(r"\bif\s*\(|\?\s", before):
            continue  # something is asked first
        at = module.span(statement_of(node))
        line = module.line(ending.start)
        yield Idiom(
            "unremoved-listener",
            module.symbol_at(node),
            name,
            at,
            f"{name} is set later, and by then what line {line} returns may have run: nothing ends it then",
            (Step(at.line, "made when the promise is there"), Step(line, "ends it, if it is set by then")),
            confidence="medium",
            intents=_asked(module, definition, ending, node, name),
        )


def _asked(module: Module, definition: Definition, ending: N, node: N, name: str) -> tuple[Intent, ...]:
    """What ends it notes that it ran; the callback asks for that first."""
    body = definition.body
    rows = body.kids if body is not None else []
    declared = next(
        (row for row in rows if re.match(rf"(?:let|var)\s+{re.escape(name)}\b", module.text(row))), None
    )
    inside = ending.kids[-1]
    first = inside.kids[0] if inside.kind == "statement_block" and inside.kids else None
    flag = next(
        (word for word in ("closed", "ended") if not re.search(rf"\b{word}\b", module.text(body))), ""
    )
    if declared is None or first is None or not flag:
        return ()
    spans = (module.span(declared), module.span(statement_of(node)), module.span(first))
    lines = f"let {flag} = false\fif ({flag}) return\f{flag} = true"
    title = f"make no {name} when it has been ended by then"
    return (Intent(INSERT_EACH, module.span(statement_of(node)), "", title, {"lines": lines}, spans),)
