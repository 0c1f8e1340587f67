"""Timers: who keeps the handle, what stops them, whether a new one takes the place of one that runs."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tree_sitter import Node

from repairbot.languages.python.handles import kept, made, setting, source_of
from repairbot.languages.python.registry import Pair
from repairbot.languages.python.sites import ancestors, fate, flat, positional, reached_from
from repairbot.languages.python.syntax import Definition, Module, captures, text
from repairbot.lifetimes.ops import Registration

_STARTS = frozenset("__init__ __post_init__ setUp run open __enter__ __aenter__".split())
_STARTING = ("start", "begin", "init", "setup", "connect")


def timer(module: Module, call: Node, pair: Pair) -> Iterator[Registration]:
    """A timer, when nothing can stop it or a new one takes its place."""
    function, owner = module.function_at(call.start_byte), module.class_at(call.start_byte)
    arguments = positional(call)
    if function is None or owner is None or len(arguments) <= pair.handler:
        return
    handler = flat(arguments[pair.handler])
    periodic = text(call.child_by_field_name("function")).endswith("PeriodicCallback")
    rearms = _rearms(module, owner, function, handler)
    what = fate(call)
    if what.kind == "named" and re.fullmatch(r"self\.\w+", what.place):
        member = what.place[5:]
        cancelled = _cancels(module, owner, member, pair.undo)
        overwritten = cancelled and not rearms and _unseen_before(module, owner, function, call, member)
        yield made(
            module,
            call,
            function,
            "timer",
            handle=what.place,
            handler=handler,
            endless=periodic or (rearms and not _may_stop(function, call)),
            fading=not periodic and rearms,
            kept=kept(module, owner, member),
            looped=overwritten and not _starts_once(function),
            remove=pair.undo[0],
            alive=pair.alive,
            **setting(module, owner, member),
        )
        return
    dropped = what.kind == "dropped" or (what.kind == "chained" and what.method == "start")
    if dropped and (periodic or (rearms and not _may_stop(function, call))):
        yield made(
            module, call, function, "timer", handle="", handler=handler, endless=True, remove=pair.undo[0]
        )


def _cancels(module: Module, owner: Definition, member: str, undo: tuple[str, ...]) -> bool:
    names = b"|".join(re.escape(name.lstrip(".").encode()) for name in undo)
    pattern = rb"self\s*\.\s*" + re.escape(member.encode()) + rb"\s*\.\s*(?:" + names + rb")\s*\("
    return re.compile(pattern).search(module.source, owner.start, owner.end) is not None


def _rearms(module: Module, owner: Definition, function: Definition, handler: str) -> bool:
    """Whether the handler, when it runs, comes to this same registration again."""
    if not handler.startswith("self.") or not handler[5:].isidentifier():
        return False
    return function.name in reached_from(module, owner, (handler[5:],))


def _unseen_before(module: Module, owner: Definition, function: Definition, call: Node, member: str) -> bool:
    """Whether nothing on the way to the registration looks at the member, nor a method called on that way."""
    before = module.source[function.start : call.start_byte]
    assignment = rb"self\s*\.\s*" + re.escape(member.encode()) + rb"\b"
    if len(re.findall(assignment, before)) > 1:  # the assignment's own left side is one
        return False
    called = {name.decode() for name in re.findall(rb"self\s*\.\s*(\w+)\s*\(", before)}
    methods = {child.name: child for child in owner.children}
    for name in reached_from(module, owner, tuple(sorted(called))):
        if re.search(assignment, source_of(module, methods[name])):
            return False
    return not any(
        parent.type in ("if_statement", "elif_clause") for parent in ancestors(call, function.node)
    )


def _starts_once(function: Definition) -> bool:
    """Whether a method's name says that it is called once in an object's life."""
    return function.name in _STARTS or function.name.startswith(_STARTING)


def _may_stop(function: Definition, call: Node) -> bool:
    """Whether a condition decides if the timer is set again."""
    if any(
        parent.type in ("if_statement", "elif_clause", "while_statement")
        for parent in ancestors(call, function.node)
    ):
        return True
    returns = captures("(return_statement) @r (raise_statement) @r", function.node).get("r", [])
    return any(node.start_byte < call.start_byte for node in returns)
