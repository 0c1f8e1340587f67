"""A time limit that goes on when the work has won.

Promise.race([work(), new Promise((_, reject) => setTimeout(reject, 60_000))]);
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from repairbot.languages.typescript.classes import Classes
from repairbot.languages.typescript.syntax import Module, arguments, statement_of
from repairbot.languages.typescript.tree import N
from repairbot.lazily import regex
from repairbot.lifetimes.ops import Idiom
from repairbot.model import Step

_LIMIT: Final = regex(r"^new Promise\b.*\bsetTimeout\(", re.DOTALL)
_SHORT: Final = 1000
"""Milliseconds; what is over so soon holds nothing for long."""


def find(module: Module, _: Classes) -> Iterator[Idiom]:
    """Races against a timer that nobody can stop."""
    if b"Promise.race(" not in module.source:
        return
    for call, last in module.called:
        if last != "race" or module.callee(call) != "Promise.race" or not arguments(call):
            continue
        runners = arguments(call)[0]
        if runners.kind != "array" or len(runners.kids) < 2:
            continue
        function = module.around(call)
        if function is not None and "clearTimeout" in module.text(function.node):
            continue
        for runner in runners.kids:
            text = module.text(runner)
            if runner.kind == "new_expression" and _LIMIT.search(text) and not _over(text):
                yield _idiom(module, call, runner)


def _over(text: str) -> bool:
    """Whether the limit is a short one."""
    delay = re.search(r",\s*(\d[\d_]*)\s*\)", text)
    return "unref" in text or (delay is not None and int(delay[1].replace("_", "")) <= _SHORT)


def _idiom(module: Module, call: N, runner: N) -> Idiom:
    at = module.span(runner)
    return Idiom(
        "dangling-task",
        module.symbol_at(call),
        "",
        at,
        "the timer goes on when the other side has won, one more at each call",
        (
            Step(at.line, "started for this race"),
            Step(module.span(statement_of(call)).end_line, "left behind here"),
        ),
        confidence="medium",
    )
