"""Entries of maps: overwritten without undoing what they stood for, and looked up twice before they are put in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from repairbot.languages.rust.body import Body, bare, chain, method, receiver
from repairbot.languages.rust.syntax import Definition
from repairbot.languages.rust.tasks import removals
from repairbot.languages.rust.tree import N
from repairbot.lifetimes.intents import ENTRY_API, UNDO_OLD
from repairbot.lifetimes.ops import Intent
from repairbot.model import Step

_UNDOES: Final = re.compile(
    r"remove\w*|unregister\w*|unsubscribe\w*|cancel|abort|close|stop|kill|release\w*|delete\w*|deregister\w*"
)


# What an entry stood for


def registries(body: Body) -> None:
    """`this.ids.insert(key, ids);` where the removal of an entry takes back what the entry stood for."""
    owner = body.owner
    if owner is None or b".insert(" not in body.definition.source:
        return
    for call in body.calls:
        if method(call) != "insert" or len(call.parts) != 3:
            continue
        place = receiver(call)
        if place is None or place.kind != "field" or place.first.kind != "name":
            continue
        if place.first.text not in ("self", "this") or place.text not in owner.members:
            continue
        if not _dropped(body, call) or _asked_before(body, call, place.text):
            continue
        for other, removal in removals(body, place.text):
            undone = _undone(body, other, removal)
            if undone is not None and other is not body.definition:
                _report_overwritten(body, call, place, other, removal, undone)
                break


def _dropped(body: Body, call: N) -> bool:
    """Whether the old value, which `insert` gives back, goes nowhere."""
    parent = body.parents.get(id(call))
    return parent is not None and parent.kind == "statement"


def _asked_before(body: Body, call: N, name: str) -> bool:
    """Whether this function looks at the entry, or takes it out, before it puts the new one in."""
    for other in body.calls:
        if other.start < call.start and method(other) in (
            "contains_key",
            "get",
            "get_mut",
            "remove",
            "entry",
            "take",
        ):
            place = receiver(other)
            if place is not None and place.kind == "field" and place.text == name:
                return True
    return False


def _undone(body: Body, other: Definition, removal: N) -> N | None:
    """`if let Some(ids) = self.ids.remove(key) { registry.remove(&ids) }`: the call that undoes what was removed."""
    root = other.body
    for node in root.walk() if root is not None else ():
        if node.kind != "if" or len(node.parts) < 2:
            continue
        test, then = node.parts[0], node.parts[1]
        if test is None or then is None or test.kind != "test" or not test.names:
            continue
        value = bare(test.parts[0])
        if value is None or value.start > removal.start or value.end < removal.end:
            continue
        for call in then.walk():
            if call.kind != "call" or not _UNDOES.fullmatch(method(call)):
                continue
            given = [
                each.text
                for part in call.parts[1:]
                if part is not None
                for each in part.walk()
                if each.kind == "name"
            ]
            on = receiver(call)
            if set(given) & set(test.names) or (on is not None and list(chain(on))[-1].text in test.names):
                return call
    return None


def _report_overwritten(body: Body, call: N, place: N, other: Definition, removal: N, undone: N) -> None:
    owner = body.owner
    assert owner is not None
    shown = body.flat(place)
    intent = Intent(
        UNDO_OLD,
        body.module.at(call),
        shown,
        "take back what the old entry stood for",
        {
            "map": body.text(place),
            "key": body.text(call.parts[1]),
            "value": body.text(call.parts[2]),
            "undo": body.text(undone),
            "removed": body.text(removal),
        },
        (body.module.at(body.statement(call)), body.module.at(undone), body.module.at(removal)),
        why=f"{other.name}() does so when the entry is removed (line {body.module.line(undone.start)})",
    )
    body.report(
        "duplicate-registration",
        call,
        place.text,
        f"{place.text} may have this key already: what the old entry stood for stays registered",
        (
            Step(body.module.line(call.start), "the old entry is overwritten"),
            Step(
                body.module.line(undone.start),
                f"{other.name}() takes back what an entry stands for; this does not",
            ),
        ),
        evidence=(Step(owner.members[place.text].at.line, "one entry a key"),),
        intents=(intent,),
    )


# Looked up twice


def twice(body: Body) -> None:
    """`if !map.contains_key(&k) { map.insert(k, v); }`, which the entry API does with one look."""
    if b"contains_key" not in body.definition.source:
        return
    for node in body.nodes:
        if node.kind != "if" or len(node.parts) < 3:
            continue
        asked, then, other = node.parts[0], node.parts[1], node.parts[2]
        if asked is None or then is None or other is not None or asked.kind != "unary" or asked.text != "!":
            continue
        look = asked.parts[0]
        if look is None or method(look) != "contains_key" or len(look.parts) != 2:
            continue
        place, key = body.flat(receiver(look)), body.flat(bare(look.parts[1]))
        for insert in _inserts(body, then, place, key):
            intent = Intent(
                ENTRY_API,
                body.module.at(node),
                place,
                "ask the map once",
                {"map": place, "key": body.text(insert.parts[1]), "value": body.text(insert.parts[2])},
                (body.module.at(then), body.module.at(insert)),
                why="the entry that was looked up is the one that is filled",
            )
            body.report(
                "check-then-insert",
                node,
                place,
                f"{place} is searched twice for {key}: once to look, once to insert",
                (Step(body.line(look), "looked up"), Step(body.line(insert), "and again")),
                intents=(intent,),
            )
            break


def _inserts(body: Body, then: N, place: str, key: str) -> Iterator[N]:
    """The insertion that a look was made for, as the only one of its block."""
    found = [
        call
        for call in then.walk()
        if call.kind == "call"
        and method(call) == "insert"
        and len(call.parts) == 3
        and body.flat(receiver(call)) == place
        and body.flat(bare(call.parts[1])).removesuffix(".clone()").removesuffix(".to_string()")
        == key.removesuffix(".clone()")
    ]
    others = [
        call
        for call in then.walk()
        if call.kind == "call" and call not in found and body.flat(receiver(call)).startswith(place)
    ]
    own = len(found) == 1 and body.parents.get(id(body.statement(found[0]))) is then
    if own and not others and not any(each.kind == "await" for each in then.walk()):
        yield found[0]
