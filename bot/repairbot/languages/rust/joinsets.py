"""Sets of tasks (`JoinSet`) that are filled again and again and not drained: every finished task stays in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from repairbot.languages.rust.body import Body, chain, method, receiver
from repairbot.languages.rust.tree import N
from repairbot.lifetimes.intents import DRAIN, REPLACE_TEXT
from repairbot.lifetimes.ops import Intent
from repairbot.model import Step

RULE: Final = "unbounded-collection"
_SPAWNS: Final = frozenset(
    {"spawn", "spawn_on", "spawn_local", "spawn_blocking", "spawn_blocking_on", "spawn_local_on"}
)
_DRAINS: Final = re.compile(r"(?:try_|poll_)?join_next(?:_with_id)?|join_all|abort_all|shutdown|detach_all")
_ENDINGS: Final = re.compile(
    r"shutdown|stop|close|drop|wait|join|finish|terminate|abort|cancel|clear", re.IGNORECASE
)
_FEEDS: Final = re.compile(r"accept|recv|next|changed|tick|incoming|select")


def joinsets(body: Body) -> None:
    """Report the sets of tasks of one function that grow with every round of a loop, and those of its type."""
    if b"join_next" in body.definition.source:
        _disabled(body)
    for node in body.nodes:
        if node.kind == "let" and len(node.names) == 1 and _makes_set(body, node):
            _local(body, node, node.names[0])
    _of_type(body)


def _makes_set(body: Body, let: N) -> bool:
    made = let.parts[0]
    return made is not None and (
        re.fullmatch(r"(?:\w+::)*JoinSet(?:::<.*>)?::(?:new|default)\(\)", body.flat(made)) is not None
        or (re.match(r"(?:\w+::)*JoinSet\b", let.label) is not None and method(made) in ("new", "default"))
    )


def _local(body: Body, let: N, name: str) -> None:
    for call in _spawns(body, name):
        loop = next((each for each in body.around(call) if each.kind in ("loop", "while")), None)
        if loop is None or loop.start < let.start or not _goes_on(loop) or _drained(loop, name):
            continue
        intent = Intent(
            DRAIN,
            body.module.at(loop),
            name,
            f"take finished tasks out of {name} in each round",
            {"name": name},
            (body.module.at(body.statement(call)),),
            why="a JoinSet keeps the result of every task until somebody asks for it",
        )
        body.report(
            RULE,
            let,
            name,
            f"{name} keeps every task that ever finished: nothing takes them out while the loop runs",
            (
                Step(body.line(let), "made here"),
                Step(body.line(call), "one more task in each round"),
                Step(body.line(loop), "the loop never calls join_next()"),
            ),
            intents=(intent,),
        )
        return


def _spawns(body: Body, name: str) -> Iterator[N]:
    for call in body.calls:
        root = receiver(call)
        if method(call) in _SPAWNS and root is not None and root.kind == "name" and root.text == name:
            yield call


def _goes_on(loop: N) -> bool:
    """Whether a loop waits for what comes from outside, so that it may run for ever."""
    return any(
        each.kind == "select" or (each.kind == "call" and _FEEDS.fullmatch(method(each)))
        for each in loop.walk()
    )


def _drained(loop: N, name: str) -> bool:
    """Whether a loop takes tasks out of a set, or shows the set to somebody who may."""
    for each in loop.walk():
        if each.kind == "call" and (_DRAINS.fullmatch(method(each)) or method(each) == "len"):
            last = list(chain(receiver(each)))[-1:]
            if last and last[0].kind == "name" and last[0].text == name:
                return True
        if each.kind == "ref" and each.first.kind == "name" and each.first.text == name:
            return True
        if each.kind == "macro" and each.text not in ("vec", "dbg"):
            continue
    return False


def _disabled(body: Body) -> None:
    """`Some(Err(e)) = set.join_next()` in `select!`: a task that went well switches the arm off for that round."""
    for node in body.nodes:
        if node.kind != "select":
            continue
        for arm in node.all():
            future = arm.parts[0]
            if not re.match(r"Some\s*\(\s*Err\s*\(", arm.text) or method(future) != "join_next":
                continue
            name = body.text(receiver(future) if future is not None else None)
            if not any(each.kind in ("loop", "while") for each in body.around(node)):
                continue
            start = arm.start
            intent = Intent(
                REPLACE_TEXT,
                body.module.span(start, start + len(arm.text.encode())),
                name,
                "take every result, good or bad",
                {"pattern": arm.text},
                (body.module.at(arm),),
                why="a pattern that does not match disables its arm until the next round",
            )
            body.report(
                RULE,
                body.module.span(start, arm.end),
                f"{name}.join_next()",
                f"{name} is drained of failed tasks only: those that went well stay",
                (Step(body.line(arm), "Some(Ok(_)) does not match, and the arm is off for this round"),),
                intents=(intent,),
            )


def _of_type(body: Body) -> None:
    """A set in a member: filled by one method, and drained by none but the last that is ever called."""
    owner = body.owner
    if owner is None or _ENDINGS.search(body.definition.name) or "self" not in body.definition.receiver:
        return
    if not any(
        "JoinSet" in member.type
        for struct in body.module.structs.values()
        for member in struct.members.values()
    ):
        return
    for call in body.calls:
        if method(call) not in _SPAWNS or not (name := _in_member(body, call)):
            continue
        drains = [
            each
            for each in body.module.functions
            if each.owner == owner.name and re.search(rb"\bjoin_next\w*\(|\bjoin_all\(", each.source)
        ]
        if not drains or not all(_ENDINGS.search(each.name) and "next" not in each.name for each in drains):
            return
        last = drains[0]
        body.report(
            RULE,
            call,
            name,
            f"{name} keeps every task that ever finished: only {last.name}() takes them out",
            (
                Step(body.line(call), "one more task at each call"),
                Step(body.module.line(last.node.start_byte), f"{last.name}() is the only one that drains it"),
            ),
            confidence="medium",
        )
        return


def _in_member(body: Body, call: N) -> str:
    """The set that a call fills, where it is one of a member: `self.tasks`, or a name that was taken from it."""
    root = receiver(call)
    if root is None:
        return ""
    owner = body.owner
    for node in chain(root):
        if (
            node.kind == "field"
            and node.first.kind == "name"
            and node.first.text == "self"
            and owner is not None
        ):
            member = owner.members.get(node.text)
            return f"self.{node.text}" if member is not None and "JoinSet" in member.type else ""
    if root.kind != "name":
        return ""
    value = body.value_of(root.text, call.start)
    held = {
        name.rpartition(".")[0] or name
        for struct in body.module.structs.values()
        for name, member in struct.members.items()
        if "JoinSet" in member.type and struct.kind == "enum"
    }
    shown = body.text(value)
    return root.text if value is not None and any(re.search(rf"::{each}\b", shown) for each in held) else ""
