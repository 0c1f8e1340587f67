"""A text that grows in an endless loop until a mark comes in, which whoever sends the data need never send.

for (var i = 1; ; i++) { if (data[i] == 255) break; length += data[i]; }
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from repairbot.languages.typescript.classes import Classes
from repairbot.languages.typescript.syntax import Module
from repairbot.languages.typescript.tree import N
from repairbot.lifetimes.intents import REPLACE_TEXT
from repairbot.lifetimes.ops import Idiom, Intent
from repairbot.model import Span, Step


def find(module: Module, _: Classes) -> Iterator[Idiom]:
    """Endless loops that add to a text and look at nothing but the data."""
    if b"+=" not in module.source:
        return
    for node in module.all("augmented_assignment_expression"):
        if (loop := _endless(module, node)) is not None:
            yield from _grown(module, node, loop)


def _endless(module: Module, node: N) -> N | None:
    """The loop without a condition around an assignment, None for any other."""
    for up in node.above():
        if up.kind == "while_statement":
            return up if re.fullmatch(r"\((?:true|1)\)", module.text(up.kids[0])) else None
        if up.kind == "for_statement":
            head = module.source[up.start : up.kids[-1].start].decode("utf-8", "replace")
            return up if re.search(r";\s*;", head) else None
        if up.kind in ("for_in_statement", "do_statement") or up.kind.endswith(
            ("function", "method_definition")
        ):
            return None
    return None


def _grown(module: Module, node: N, loop: N) -> Iterator[Idiom]:
    left, right = node.kids[0], node.kids[-1]
    if left.kind != "identifier" or b"+=" not in module.source[left.end : right.start]:
        return
    name, body = module.text(left), module.text(loop)
    function = module.around(node)
    code = module.text(function.node) if function is not None else ""
    if not re.search(rf"\b(?:var|let)\s+{re.escape(name)}\s*=\s*(?:''|\"\")", code) or "await" in body:
        return
    if re.search(rf"\b{re.escape(name)}\.length\s*[<>=]|\breturn\b|\bthrow\b", body):
        return
    if not re.search(r"if\s*\(\s*[\w$]+\[[^\]]+\]\s*===?\s*[\w'\"]+\s*\)\s*\{?\s*break", body):
        return
    at = module.span(node)
    yield Idiom(
        "unbounded-collection",
        module.symbol_at(node),
        name,
        at,
        f"{name} grows until a mark comes in, and nothing says that it ever does",
        (Step(module.line(loop.start), "loops until the mark"), Step(at.line, "grows here")),
        confidence="medium",
        intents=_bounded(module, loop),
    )


def _bounded(module: Module, loop: N) -> tuple[Intent, ...]:
    """The loop ends with the data: behind its end there is no mark any more."""
    head = module.source[loop.start : loop.kids[-1].start].decode("utf-8", "replace")
    counted = re.search(r"\b([\w$]+)\s*=\s*\d+\s*;(\s*);", head)
    read = re.search(r"if\s*\(\s*([\w$]+)\[\s*([\w$]+)\s*\]", module.text(loop))
    if counted is None or read is None or counted[1] != read[2]:
        return ()
    start = loop.start + len(head[: counted.start(2)].encode())
    line = module.line(start)
    at = Span(start, start + len(counted[2]), line, line, 1)
    args = {"text": f" {read[2]} < {read[1]}.length", "import": ""}
    return (Intent(REPLACE_TEXT, at, "", f"read no further than {read[1]} goes", args),)
