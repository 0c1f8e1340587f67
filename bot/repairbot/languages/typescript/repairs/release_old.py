"""What a member holds is released when it gets another value."""

from __future__ import annotations

import re

from repairbot.languages.typescript.repairs import _release
from repairbot.languages.typescript.repairs._source import Source
from repairbot.languages.typescript.syntax import bare
from repairbot.languages.typescript.tree import N
from repairbot.lifetimes.intents import RELEASE_OLD, Refusal
from repairbot.lifetimes.ops import Intent
from repairbot.model import Edit

WRITES = (RELEASE_OLD,)


def write(source: Source, intent: Intent) -> tuple[Edit, ...] | Refusal:
    """Released first where making the new one waits for nothing and does not need it; kept until then otherwise."""
    place = intent.place.partition("#")[0]
    if intent.args.get("also"):
        return Refusal("the new value has to be released as well")
    row = source.row(source.node(intent.at))
    target = (
        next((node for node in row.walk() if _assigns(source, node, place)), None)
        if row is not None
        else None
    )
    if row is None or target is None or target.up is not row:
        return Refusal(f"the statement that replaces {place} does more than assign it")
    value = target.kids[-1]
    made = _release.made_by(value)
    asynchronous = intent.args.get("asynchronous") == "yes" and source.asynchronous(row)
    if _waits(value) or place in source.text(value):
        last = re.sub(r"\W", "", place.rpartition(".")[2])
        name = source.fresh(row, f"old{last[:1].upper()}{last[1:]}", "replaced")
        release = _release.call(source, made, intent.args["release"], name, asynchronous=asynchronous)
        return (
            source.before(row, [f"const {name} = {place}"]),
            source.after(row, _release.unless_empty(source, release, name)),
        )
    release = _release.call(source, made, intent.args["release"], place, asynchronous=asynchronous)
    return (source.before(row, _release.unless_empty(source, release, place)),)


def _assigns(source: Source, node: N, place: str) -> bool:
    return (
        node.kind == "assignment_expression"
        and source.text(node.kids[0]) == place
        and bare(node.kids[-1]) is not None
    )


def _waits(value: N) -> bool:
    return any(node.kind in ("await_expression", "yield_expression") for node in value.walk())
