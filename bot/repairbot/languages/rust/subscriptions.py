"""Subscriptions whose handle is let go where the type keeps such handles.

A subscription ends when its handle is dropped; `detach()` makes it last as long as what it was taken on. That alone is
no leak. It is one where the type has a member for subscriptions and this one is not in it, or where it captures a
strong handle (see captures.py).
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from repairbot.languages.rust.body import Body, bare, chain, inner, mentions, method, receiver
from repairbot.languages.rust.syntax import Member, Struct
from repairbot.languages.rust.tree import N
from repairbot.lifetimes.intents import KEEP_HANDLE
from repairbot.lifetimes.ops import Intent
from repairbot.model import Confidence, Step

_SUBSCRIBES: Final = re.compile(r"(?:subscribe|observe|listen|watch|on)(?:_\w+)?")
_MAKES: Final = re.compile(
    r"new(?:_\w+)?|add_(?:model|view|window)|build(?:_view|_model)?|open_window|focus_handle|single_line|multi_line"
)
_HOLDS: Final = re.compile(r"(?<!::)\bSubscription\b|\bgpui::Subscription\b")
"""Of the types of this name only gpui's ends a subscription when it is dropped."""
_NOT_ENTITIES: Final = re.compile(r"observe_(?:new\w*|global\w*)|on_action\w*")
"""Registrations for the whole program: they have no object that goes."""


def subscriptions(body: Body) -> None:
    """Report the subscriptions of a method that are detached beside a member that keeps them."""
    owner = body.owner
    if owner is None:
        return
    keepers = _keepers(owner)
    if not keepers:
        return
    for call in body.calls:
        if method(call) != "detach" or len(call.parts) != 1:
            continue
        made = receiver(call)
        name = method(made)
        if made is None or not _SUBSCRIBES.fullmatch(name) or _NOT_ENTITIES.fullmatch(name):
            continue
        if _foreign(body, call) or _own(body, made):
            continue
        keeper = _keeper(body, keepers)
        if keeper is not None:
            _report(body, call, made, keeper, owner)


def _keepers(owner: Struct) -> list[Member]:
    """The members that hold subscriptions: one, several, or one by key."""
    return [member for member in owner.members.values() if _HOLDS.search(member.type)]


def _keeper(body: Body, keepers: list[Member]) -> Member | None:
    """A list that takes any, or the one member that this method itself empties or fills anew."""
    for member in keepers:
        if re.match(r"(?:Vec|SmallVec)\s*<", member.type) and "(" not in inner(member.type, "Vec"):
            return member
    flat = body.flat(body.root)
    for member in keepers:
        place = rf"self\.{re.escape(member.name)}(?:\.take\(|\.clear\(|=None)"
        if member.type.startswith("Option<") and re.search(place, flat):
            return member
    return None


def _foreign(body: Body, call: N) -> bool:
    """Whether it stands in a closure that works on another object than this one."""
    for parent in body.around(call):
        if parent.kind != "closure":
            continue
        around = body.parents.get(id(parent))
        name = method(around)
        if name in ("update", "update_in", "update_with") and around is not None:
            root = list(chain(receiver(around)))[-1:]
            if root and root[0].kind == "name" and root[0].text in ("this", "self"):
                continue
        if name in ("when", "when_some", "map", "and_then", "for_each", "log_err", "with"):
            continue
        if name and _MAKES.fullmatch(name):
            return body.definition.returns.find("Self") < 0 and not _makes_owner(body, parent)
        return True
    return False


def _makes_owner(body: Body, closure: N) -> bool:
    owner = body.definition.owner
    return any(node.kind == "struct" and node.text in ("Self", owner) for node in closure.walk())


def _target(made: N) -> N | None:
    """What it is taken on: the first argument of `cx.subscribe(..)`, else what the method is called on."""
    on = receiver(made)
    if on is not None and on.kind == "name" and on.text in ("cx", "window"):
        return bare(made.parts[1]) if len(made.parts) > 1 else None
    return on


def _own(body: Body, made: N) -> bool:
    """Whether it is taken on something that this object made itself: both end together."""
    target = _target(made)
    if target is None or target.kind == "closure" or target.text in ("window", "cx", "self"):
        return True  # on the object itself, or on the window that shows it
    if target.kind == "name":
        value = body.value_of(target.text, made.start)
        return value is not None and any(
            _MAKES.fullmatch(method(node)) or re.match(r"(?:\w+::)+new\b", body.text(node))
            for node in chain(value)
            if node.kind == "call"
        )
    return False


def _report(body: Body, call: N, made: N, keeper: Member, owner: Struct) -> None:
    target = body.text(_target(made))
    kind = "option" if keeper.type.startswith("Option") else "list"
    statement = body.statement(call)
    title = f"keep it in {keeper.name}"
    args = {"container": owner.name, "what": "subscription", "keeper": keeper.name, "kind": kind}
    intent = Intent(
        KEEP_HANDLE,
        body.module.at(call),
        f"self.{keeper.name}",
        title,
        args,
        (body.module.at(statement), body.module.at(made)),
        why=f"{owner.name} keeps its subscriptions there (line {keeper.at.line})",
    )
    many = bool(body.definition.receiver) and _comes(body, _target(made), made.start)
    intents: tuple[Intent, ...] = (intent,)
    if many:  # one for each call: a list of them would grow, too
        intent = replace(
            intent, safety="unsafe", choice=f"one more is kept at each call of {body.definition.name}()"
        )
        beside = _listed(body, target, keeper) if kind == "list" else None
        intents = (_paired(intent, beside), intent) if beside is not None else (intent,)
    confidence: Confidence = "high" if body.definition.receiver and not many else "medium"
    shown = target if re.fullmatch(r"[\w.()]{1,40}", target) else "what it listens to"
    body.report(
        "unremoved-listener",
        made,
        method(made),
        f"this subscription to {shown} is let go: it stays when {owner.name} ends",
        (Step(body.module.line(call.end - 1), "its handle is detached"),),
        evidence=(Step(keeper.at.line, f"{owner.name} keeps its subscriptions here"),),
        confidence=confidence,
        intents=intents,
    )


def _comes(body: Body, target: N | None, before: int) -> bool:
    """Whether it comes with each call: as a parameter, in a pattern (an event's content), or from such a one."""
    *_, root = (None, *chain(target))
    if root is None or root.kind != "name" or root.text in ("self", "this"):
        return False
    if body.definition.type_of(root.text):
        return True
    value = body.value_of(root.text, before)
    return value is None or _comes(body, bare(value), value.start)


def _listed(body: Body, target: str, keeper: Member) -> Member | None:
    """The list to which this method adds an entry for what it subscribes to."""
    owner = body.owner
    for call in body.calls:
        place = receiver(call)
        if owner is None or method(call) != "push" or len(call.parts) != 2 or body.flat(place)[:5] != "self.":
            continue
        member = owner.members.get(body.flat(place)[5:])
        given = call.parts[1]
        value = body.value_of(given.text, call.start) if given is not None and given.kind == "name" else given
        if (
            member is not None
            and member is not keeper
            and (mentions(value, target) or mentions(given, target))
        ):
            return member
    return None


def _paired(intent: Intent, beside: Member) -> Intent:
    """Keep it with the entry of that list."""
    return replace(
        intent,
        place=f"self.{beside.name}",
        title=f"keep it with its entry of {beside.name}",
        args={**intent.args, "kind": "pair", "beside": beside.name},
        why=f"both are for the same object; the entry's end is the subscription's (line {beside.at.line})",
        safety="safe",
        choice="",
    )
