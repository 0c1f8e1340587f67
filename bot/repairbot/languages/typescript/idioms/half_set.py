"""An initialiser that fails half way resets what its callers wait for, and not what tells them that all is done.

async init() {
  if (this.model) return;
  this.loading = this.load();             // sets this.model, then goes on
  try { await this.loading } catch (error) { this.loading = null; throw error }
}
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from repairbot.languages.typescript.classes import Classes, View
from repairbot.languages.typescript.syntax import Module, statement_of
from repairbot.languages.typescript.tree import N
from repairbot.lifetimes.intents import INSERT_AFTER
from repairbot.lifetimes.ops import Idiom, Intent
from repairbot.model import Step


def find(module: Module, classes: Classes) -> Iterator[Idiom]:
    """Initialisers of classes that reset one member when they fail and leave another."""
    for view in classes.views:
        for name, method in view.methods.items():
            body = module.text(method)
            if "catch" in body and "await" in body and "= null" in body.replace("undefined", "null"):
                yield from _initialiser(module, view, name, method)


def _initialiser(module: Module, view: View, name: str, method: N) -> Iterator[Idiom]:
    for node in method.walk():
        clause = node.of("catch_clause") if node.kind == "try_statement" else None
        if clause is None:
            continue
        resets = [kid for kid in clause.walk() if _is_reset(module, kid)]
        handler = module.text(clause)
        if not resets or "throw" not in handler:
            continue
        reset = module.dotted(resets[0].kids[0])
        tried = module.text(node.kids[0])
        helpers = _helpers(module, view, method, reset, tried)
        for done in _asked_first(module, method, node):
            if done == reset or re.search(rf"{re.escape(done)}\s*=[^=]", handler):
                continue
            setting = next((step for helper in helpers if (step := _sets(module, view, helper, done))), 0)
            if not setting:
                continue
            at = module.span(statement_of(resets[0]))
            yield Idiom(
                "partial-initialization",
                module.symbol_at(resets[0]),
                done,
                at,
                f"{name}() fails and leaves {done} as it is: the next call takes the object for ready",
                (Step(setting, f"{done} is set"), Step(at.line, f"reset on failure, and {done} is not")),
                intents=(
                    Intent(
                        INSERT_AFTER,
                        at,
                        done,
                        f"reset {done} as well",
                        {"lines": f"{done} = {module.text(resets[0].kids[-1])}"},
                        (at,),
                    ),
                ),
            )


def _is_reset(module: Module, node: N) -> bool:
    if node.kind != "assignment_expression" or node.kids[-1].kind not in ("null", "undefined"):
        return False
    return re.fullmatch(r"this\.[\w#$]+", module.dotted(node.kids[0])) is not None


def _asked_first(module: Module, method: N, tried: N) -> Iterator[str]:
    """The members of which the method asks, before it begins, whether they are there, and leaves then."""
    head = module.source[method.start : tried.start].decode("utf-8", "replace")
    for match in re.finditer(
        r"if\s*\((this\.[\w#$]+)(?:\s*!==?\s*(?:null|undefined))?\)\s*\{?\s*return\b", head
    ):
        yield match[1]


def _helpers(module: Module, view: View, method: N, reset: str, tried: str) -> list[str]:
    """The methods that do the work: what is tried calls them, or waits for a promise of theirs."""
    text = module.text(method)
    names = re.findall(r"await\s+this\.([\w#$]+)\(", tried)
    names += re.findall(rf"{re.escape(reset)}\s*=\s*this\.([\w#$]+)\(", text)
    return [name for name in names if name in view.methods]


def _sets(module: Module, view: View, helper: str, done: str) -> int:
    """The line where a method sets a member, 0 for nowhere."""
    node = view.methods[helper]
    found = re.search(rf"{re.escape(done)}\s*=[^=]", module.text(node))
    return (
        module.line(node.start + len(module.text(node)[: found.start()].encode())) if found is not None else 0
    )
