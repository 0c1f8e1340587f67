"""Values that are forgotten on purpose and never taken back: `mem::forget`, `into_raw`, `Box::leak`."""

from __future__ import annotations

import re
from typing import Final

from repairbot.languages.rust.body import Body, bare, method
from repairbot.languages.rust.tree import N
from repairbot.lifetimes.intents import TAKE_BACK
from repairbot.lifetimes.ops import Intent
from repairbot.model import Step

RULE: Final = "forgotten-memory"
_CHANNEL: Final = re.compile(
    r"(?:unbounded|channel|unbounded_channel|bounded|sync_channel|oneshot|watch|broadcast)(?:_with)?"
)
_RAW: Final = re.compile(r"into_raw(?:_fd|_handle|_socket|_parts)?")
_BACK: Final = re.compile(r"from_raw(?:_fd|_handle|_socket|_parts)?|close|drop_in_place|dealloc")


def memory(body: Body) -> None:
    """Report what one function forgets."""
    source = body.definition.source
    if b"forget(" in source:
        _forgotten(body)
    if b"into_raw" in source:
        _raw(body)


def _forgotten(body: Body) -> None:
    """`mem::forget(receiver)`: the other end goes on sending to a channel that nobody reads or closes."""
    for call in body.calls:
        if (
            method(call) != "forget"
            or len(call.parts) != 2
            or not re.fullmatch(r"(?:(?:std|core)::)?(?:mem::)?forget", body.flat(call.first))
        ):
            continue
        given = call.parts[1]
        let = body.let_of(given.text, call.start) if given is not None and given.kind == "name" else None
        if (
            let is None
            or given is None
            or len(let.names) != 2
            or not _CHANNEL.fullmatch(method(bare(let.parts[0])))
        ):
            continue
        receives = let.names[1] == given.text
        what = (
            "what is sent stays in the channel for ever"
            if receives and "unbounded" in method(bare(let.parts[0]))
            else "the other end never learns that this one is gone"
        )
        statement = body.statement(call)
        together = body.parents.get(id(let)) is body.parents.get(id(statement))
        body.report(
            RULE,
            # On one branch alone, that branch is what is wrong; else the pair is.
            body.module.span(let.start, call.end) if together else call,
            given.text,
            f"{given.text} is forgotten, and the channel with it: {what}",
            (
                Step(body.line(let), "one end of a channel"),
                Step(body.line(call), "never closed, never freed"),
            ),
        )


def _raw(body: Body) -> None:
    """`let fd = x.into_raw_fd();`, a way out, and only then `from_raw_fd(fd)`."""
    for let in body.nodes:
        if let.kind != "let" or len(let.names) != 1 or not _RAW.fullmatch(method(bare(let.parts[0]))):
            continue
        block = body.parents.get(id(let))
        if block is None or block.kind != "block":
            continue
        name = let.names[0]
        out: N | None = None
        for statement in block.all():
            if statement.start <= let.start:
                continue
            back = _taken_back(statement, name)
            if back is not None:
                if out is not None:
                    _report_raw(body, let, name, out, back)
                break
            if _handed_on(statement, name):
                break
            out = out or next((node for node in statement.walk() if node.kind == "try" or _fails(node)), None)


def _fails(node: N) -> bool:
    """`return Err(..)` and other returns."""
    return node.kind == "return"


def _taken_back(statement: N, name: str) -> N | None:
    for node in statement.walk():
        if node.kind == "call" and _BACK.fullmatch(method(node)) and len(node.parts) > 1:
            given = bare(node.parts[1])
            if given is not None and given.kind == "name" and given.text == name:
                return node
    return None


def _handed_on(statement: N, name: str) -> bool:
    """Whether it becomes part of something else, or is given out."""
    for node in statement.walk():
        if node.kind in ("member", "return", "let") and node.parts:
            value = bare(node.parts[0])
            if value is not None and value.kind == "name" and value.text == name:
                return True
    return False


def _report_raw(body: Body, let: N, name: str, out: N, back: N) -> None:
    value = let.first
    intent = Intent(
        TAKE_BACK,
        body.module.at(let),
        name,
        f"let {name} be owned until it is handed on",
        {"name": name, "back": body.text(back), "raw": method(bare(value))},
        (body.module.at(out), body.module.at(back)),
    )
    body.report(
        RULE,
        let,
        name,
        f"{name} is lost when the function leaves in line {body.line(out)}",
        (
            Step(body.line(let), "ownership is given up"),
            Step(body.line(out), "leaves here"),
            Step(body.line(back), "never taken back then"),
        ),
        intents=(intent,),
    )
