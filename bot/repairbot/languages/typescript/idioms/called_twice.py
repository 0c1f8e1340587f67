"""A callback is called because there is nothing to wait for, and then registered all the same.

if (ready) { callback(false); }      // no return
emitter.once("ready", () => callback(true));
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from repairbot.languages.typescript.classes import Classes
from repairbot.languages.typescript.syntax import Module, statement_of
from repairbot.languages.typescript.tree import N
from repairbot.lazily import regex
from repairbot.lifetimes.intents import INSERT_AFTER
from repairbot.lifetimes.ops import Idiom, Intent
from repairbot.model import Step

_REGISTERS: Final = regex(rb"\.(?:once|on|addListener|addEventListener)\(")


def find(module: Module, _: Classes) -> Iterator[Idiom]:
    """A branch that calls the callback and falls through to a registration of the same callback."""
    if not _REGISTERS.search(module.source):
        return
    for node in module.all("if_statement"):
        if len(node.kids) == 2 and node.up is not None:
            siblings = node.up.kids
            position = siblings.index(node)
            if position + 1 < len(siblings):
                yield from _pair(module, node, siblings[position + 1])


def _pair(module: Module, branch: N, following: N) -> Iterator[Idiom]:
    body = branch.kids[1]
    statement = body.kids[-1] if body.kind == "statement_block" and body.kids else body
    called = re.fullmatch(r"(callback|cb|done|next|resolve)\(.*\);?", module.text(statement), re.DOTALL)
    function = module.around(branch)
    if statement.kind != "expression_statement" or called is None or function is None:
        return
    if called[1] not in function.parameters:
        return
    text = module.text(following)
    registered = re.match(r"[\w.$\[\]]+\.(?:once|on|addListener|addEventListener)\(", text)
    if (
        registered is None
        or not re.search(rf"\b{called[1]}\(", text)
        or following.kind != "expression_statement"
    ):
        return
    at = module.span(following)
    yield Idiom(
        "unremoved-listener",
        module.symbol_at(following),
        called[1],
        at,
        f"{called[1]} was called already, and is registered for another call that may never come",
        (Step(module.line(statement.start), "called, without a return"), Step(at.line, "registered as well")),
        confidence="high",
        intents=(
            Intent(
                INSERT_AFTER,
                module.span(statement_of(statement)),
                called[1],
                "return once it was called",
                {"lines": "return"},
                (module.span(statement),),
                "unsafe",
                "the function returns nothing then",
            ),
        ),
    )
