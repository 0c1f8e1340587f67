"""Tasks that never end by themselves: loops around a wait, and timers that start themselves again."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from repairbot.languages.rust.body import Body, chain, method, receiver
from repairbot.languages.rust.syntax import Definition, Module
from repairbot.languages.rust.tree import N

_ASKS: Final = re.compile(r"update|update_in|read_with|read")


def uses(closure: N, this: str) -> Iterator[tuple[N, N | None]]:
    """The calls on a handle inside a closure, each with the node around it."""
    parents = {id(part): node for node in closure.walk() for part in node.parts if part is not None}
    for node in closure.walk():
        if node.kind == "call" and _ASKS.fullmatch(method(node)):
            root = receiver(node)
            if root is not None and root.kind == "name" and root.text == this:
                yield node, parents.get(id(node))


def holds_strongly(closure: N, this: str, known: bool) -> bool:
    """Whether a task's handle is a strong one: what it is asked cannot fail, and is never upgraded.

    `known`: another task of the file shows that handles are strong there.
    """
    for node in closure.walk():
        if node.kind == "field" and node.text in ("upgrade", "downgrade") and node.first.text == this:
            return False
    found = list(uses(closure, this))
    if any(around is not None and around.kind in ("try", "field") for _, around in found):
        return False
    if known:
        return bool(found)
    if any(around is not None and around.kind in ("statement", "unary") for _, around in found):
        return True
    return bool(found) and _only_tails(closure, this)


def _only_tails(closure: N, this: str) -> bool:
    """Whether every call on the handle ends a loop's block, where a result would not be allowed."""
    parents = {id(part): node for node in closure.walk() for part in node.parts if part is not None}
    for _, around in uses(closure, this):
        outer = parents.get(id(around)) if around is not None else None
        if around is None or around.kind != "block" or outer is None:
            return False
        if outer.kind not in ("while", "for", "loop"):
            return False
    return True


def strong_tasks(module: Module) -> bool:
    """Whether the tasks of a file are given strong handles: some of them shows it (see holds_strongly)."""
    if module.strong_tasks is None:
        module.strong_tasks = b"spawn_weak(" in module.source or any(
            holds_strongly(node, node.names[0], known=False)
            for definition in module.functions
            if re.search(rb"\bspawn\(\s*(?:move\s*)?\|this", definition.source)
            and definition.body is not None
            for node in definition.body.walk()
            if node.kind == "closure" and len(node.names) == 2 and node.names[0] == "this"
        )
    return module.strong_tasks


_WAITS: Final = re.compile(r"next|recv|changed|tick|read_message|select_next_some|recv_timeout")


def endless(body: Body, closure: N, this: str) -> N | None:
    """A loop in a task that waits in each round and uses the handle, without an end of its own."""
    for node in closure.walk():
        if node.kind == "while":
            head = node.parts[0]
            waits = head is not None and any(
                _WAITS.fullmatch(method(each)) for each in head.walk() if each.kind == "call"
            )
        elif node.kind == "loop":
            waits = any(each.kind == "await" for each in node.walk())
            waits = waits and any(
                _WAITS.fullmatch(method(each)) or method(each) in ("timer", "after", "sleep")
                for each in node.walk()
                if each.kind == "call"
            )
        else:
            continue
        if not waits or not any(each.kind == "name" and each.text == this for each in node.walk()):
            continue
        if not any(_runs_out(body, name, closure.start, set()) for name in _waited_for(node)):
            return node
    return None


def _waited_for(loop: N) -> list[str]:
    """The channels and streams that a loop waits for, by the names they have."""
    found: list[str] = []
    for each in loop.walk():
        if each.kind == "call" and _WAITS.fullmatch(method(each)):
            last = list(chain(receiver(each)))[-1:]
            found += [last[0].text] if last and last[0].kind == "name" else []
    return found


def _runs_out(body: Body, name: str, before: int, seen: set[str]) -> bool:
    """Whether a channel was made here, and only feeds from code that comes to an end."""
    let = body.let_of(name, before)
    if let is None or len(let.names) != 2 or let.names[1] != name or name in seen:
        return False
    seen.add(name)
    sender = let.names[0]
    for node in body.nodes:
        if node.kind == "member" and any(each.kind == "name" and each.text == sender for each in node.walk()):
            return False
        if node.kind not in ("closure", "async"):
            continue
        if not any(each.kind == "name" and each.text == sender for each in node.walk()):
            continue
        for loop in node.walk():
            if loop.kind == "loop":
                return False
            if loop.kind == "while" and not all(
                _runs_out(body, other, loop.start, seen) for other in _waited_for(loop)
            ):
                return False
    return True


def rearms(body: Body, closure: N, this: str) -> bool:
    """Whether what a task calls on its object comes back to the method that starts it, or to one that does so."""
    if not any(method(each) in ("after", "timer", "sleep") for each in closure.walk() if each.kind == "call"):
        return False
    methods = {
        each.name: each
        for each in body.module.functions
        if each.owner == body.definition.owner and each.owner
    }
    start = {name for name in _called(closure, this) if name in methods}
    return any(_comes_back(name, methods) for name in start)


def _called(node: N, this: str) -> set[str]:
    """The methods that are called on an object inside a node."""
    found: set[str] = set()
    for each in node.walk():
        if each.kind == "call" and each.first.kind == "field":
            last = list(chain(receiver(each)))[-1]
            if last.kind == "name" and last.text == this:
                found.add(method(each))
    return found


def _comes_back(name: str, methods: dict[str, Definition]) -> bool:
    """Whether a method calls itself in the end, through others of its type, a task between them."""
    seen: set[str] = set()
    waiting = [name]
    while waiting:
        current = waiting.pop()
        if current in seen or current not in methods:
            continue
        seen.add(current)
        inside = methods[current].body
        if inside is None:
            continue
        called = _called(inside, "this") | _called(inside, "self")
        if current in called:
            return True
        waiting.extend(called)
    return False
