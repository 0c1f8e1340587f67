"""A teardown that has begun its work leaves early, before it releases a member.

close() { this.socket.close(); if (this.queue.isEmpty()) return; ...; this.subscription?.dispose(); }
"""

from __future__ import annotations

from collections.abc import Iterator

from repairbot.languages.typescript.classes import Classes, View
from repairbot.languages.typescript.syntax import Module, statement_of
from repairbot.languages.typescript.tree import N
from repairbot.languages.typescript.vocabulary import TEARDOWNS
from repairbot.lazily import regex
from repairbot.lifetimes.intents import INSERT_BEFORE
from repairbot.lifetimes.ops import Idiom, Intent
from repairbot.model import Step

_RELEASE = regex(
    r"((?:this|self|that)(?:\.(\w+))?\.[\w#$]+)\??\.(dispose|destroy|unsubscribe|terminate|disconnect)\(\)"
)
_WORK = regex(
    r"\.(?:close|dispose|destroy|stop|end|disconnect|unsubscribe|terminate|removeAllListeners)\(|\bclear(?:Timeout|Interval)\("
)


def find(module: Module, classes: Classes) -> Iterator[Idiom]:
    """Releases at the end of a teardown that an early return skips."""
    for view in classes.views:
        for name, method in view.methods.items():
            if name in TEARDOWNS:
                for block in method.walk():
                    if block.kind == "statement_block":
                        yield from _block(module, view, name, block)


def _block(module: Module, view: View, name: str, block: N) -> Iterator[Idiom]:
    worked, left = False, None
    for statement in block.kids:
        text = module.text(statement)
        if (
            statement.kind == "if_statement"
            and worked
            and len(statement.kids) == 2
            and _returns(statement.kids[1])
        ):
            left = left or statement
        released = _RELEASE.search(text) if statement.kind == "expression_statement" else None
        if released is not None and released[2] and released[2] not in view.own:
            released = None
        if released is not None and left is not None and released[1] not in module.text(left):
            made = _made(module, view, released[1].rpartition(".")[2])
            if made is not None:
                exit_ = _returned(left)
                line = module.line(exit_.start)
                yield Idiom(
                    "incomplete-teardown",
                    module.symbol_at(made),
                    f"this.{released[1].rpartition('.')[2]}",
                    module.span(statement_of(made)),
                    f"{name}() leaves at line {line} without releasing {released[1]}",
                    (
                        Step(module.line(made.start), "made and kept"),
                        Step(line, "leaves here"),
                        Step(module.line(statement.start), "never reached then"),
                    ),
                    confidence="high",
                    intents=(
                        Intent(
                            INSERT_BEFORE,
                            module.span(statement),
                            released[1],
                            f"release it before line {line}, too",
                            {"lines": text.rstrip(";")},
                            (module.span(exit_),),
                        ),
                    ),
                )
        worked = worked or (statement.kind == "expression_statement" and _WORK.search(text) is not None)


def _returns(body: N) -> bool:
    """Whether a branch ends in a return."""
    return body.kind == "return_statement" or (bool(body.kids) and body.kids[-1].kind == "return_statement")


def _returned(branch: N) -> N:
    body = branch.kids[1]
    return body if body.kind == "return_statement" else body.kids[-1]


def _made(module: Module, view: View, name: str) -> N | None:
    """The first place where a member gets a value that is something."""
    for node in view.mentions.get(name, []):
        up = node.up
        given = up is not None and up.kind == "assignment_expression" and up.kids[0] is node
        if up is not None and given and up.kids[-1].kind not in ("null", "undefined"):
            return up
    return None
