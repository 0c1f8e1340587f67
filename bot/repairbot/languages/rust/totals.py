"""A total that looks at the last element only, where the type has a cumulative figure."""

from __future__ import annotations

import re
from typing import Final

from repairbot.languages.rust.body import Body, method
from repairbot.languages.rust.syntax import Definition, Member
from repairbot.languages.rust.tree import N
from repairbot.lifetimes.intents import REPLACE_TEXT
from repairbot.lifetimes.ops import Intent
from repairbot.model import Step

_TOTAL: Final = re.compile(r"(?:get_)?(?:total|overall|cumulative)_\w+|\w+_total")
_WHOLE: Final = re.compile(r"(?:cumulative|accumulated|overall|all_time|lifetime)_?(\w*)")


def totals(body: Body) -> None:
    """Report a method that calls itself a total and reads the last element."""
    owner = body.owner
    if owner is None or "self" not in body.definition.receiver or not _TOTAL.fullmatch(body.definition.name):
        return
    whole = next(
        (
            member
            for member in owner.members.values()
            if (match := _WHOLE.fullmatch(member.name)) and _about(match[1], body.definition.name)
        ),
        None,
    )
    if whole is None or f"self.{whole.name}" in body.flat(body.root):
        return
    found = _last(body)
    if found is not None:
        _report(body, whole, *found)


def _about(what: str, name: str) -> bool:
    """Whether a figure and a total speak of the same: they share a word."""
    words = set(what.split("_")) - {""}
    return not words or bool(words & set(name.split("_")))


def _last(body: Body) -> tuple[N, str] | None:
    """The expression that reads the last element, itself or through a method of this object."""
    for call in body.calls:
        if method(call) == "last" and body.flat(call).startswith("self."):
            return call, "reads the last element only"
        if body.flat(call.first) in {f"self.{each.name}" for each in _last_readers(body)}:
            name = method(call)
            return call, f"{name}() reads the last element only"
    return None


def _last_readers(body: Body) -> list[Definition]:
    return [
        each
        for each in body.module.functions
        if each.owner == body.definition.owner
        and each is not body.definition
        and re.search(rb"\.last\(\)|\.len\(\)\s*-\s*1|\.iter\(\)\s*\.rev\(\)\s*\.next\(\)", each.source)
        and re.search(r"last|latest|recent", each.name)
    ]


_UNWRAPS: Final = frozenset({"unwrap_or_default", "unwrap_or", "unwrap_or_else", "unwrap", "expect"})
_HANDS_ON: Final = frozenset({"cloned", "copied", "as_ref"})


def _taken(body: Body, read: N) -> N | None:
    """The element itself: behind what takes it out of its `Option`, None where it is not taken out there."""
    found = read
    for parent in body.around(read):
        if parent.kind == "try":
            return parent
        if parent.kind == "call" and parent.first.kind == "field" and parent.first.first is found:
            if method(parent) in _UNWRAPS:
                return parent
            if method(parent) not in _HANDS_ON:
                return None
            found = parent
        elif parent.kind != "field":
            return None
    return None


def _report(body: Body, whole: Member, read: N, how: str) -> None:
    node = body.definition.node
    at = body.module.span(node.start_byte, body.root.start)
    chained = _taken(body, read)
    intent = Intent(
        REPLACE_TEXT,
        body.module.at(chained or read),
        f"self.{whole.name}",
        f"take self.{whole.name}",
        {"text": f"self.{whole.name}", "import": ""},
        safety="unsafe",
        choice="the figure counts everything, not the last element alone",
        why=f"{whole.name} is the cumulative figure (line {whole.at.line})",
    )
    body.report(
        "underreported-usage",
        at,
        body.definition.name,
        f"{body.definition.name}() counts the last element only; {whole.name} counts all",
        (Step(body.line(read), how),),
        evidence=(Step(whole.at.line, "the cumulative figure"),),
        confidence="medium",
        intents=(intent,) if chained is not None else (),
    )
