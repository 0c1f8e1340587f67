"""Tasks, timers, listeners and hooks of a Python file, each with what is seen of its end."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from tree_sitter import Node

from repairbot.languages.python import tasks, timers
from repairbot.languages.python.registry import Pair, registry
from repairbot.languages.python.sites import (
    call_of,
    fate,
    flat,
    keywords,
    loop_around,
    origin,
    positional,
    reached_from,
    receiver,
    resolve,
    single_assignment,
)
from repairbot.languages.python.syntax import Definition, Module, dotted, span, statement_of, text
from repairbot.lazily import regex
from repairbot.lifetimes.ops import Registration, Removal
from repairbot.model import Step

_SINK_WORDS = (b"callbacks", b"listeners", b"observers", b"subscribers")
_SINKS = rb"(?:callbacks|listeners|observers|subscribers)\s*\.\s*(?:append|add)(?=\s*\()"
_SINK = regex(r"(^|_)(callbacks|listeners|observers|subscribers)$")
_SINK_UNDO = {"add": ("discard", "remove", "pop", "clear"), "append": ("remove", "pop", "clear")}
_VERBS = {
    "add": ("remove", "discard", "delete", "drop"),
    "register": ("unregister", "deregister", "remove"),
    "subscribe": ("unsubscribe",),
    "attach": ("detach",),
}
_PAIRED = {
    f".{verb}_".encode(): (
        verb,
        regex(rb"\." + verb.encode() + rb"_(\w+)(?=\s*\(\s*self\s*[,)])"),
        tuple(f"{opposite}_".encode() for opposite in opposites),
    )
    for verb, opposites in _VERBS.items()
}


TRIGGERS = frozenset(word.encode() for word in registry().words()) | {b"append", b"add"}
"""A file with none of these words has nothing for this module."""


@cache
def _words() -> dict[bytes, bytes]:
    """The registering names, each with its pattern (which begins with plain text: that is what makes it fast)."""
    calls = [call for pair in registry().pairs for call in pair.calls]
    plain = {call.rpartition(".")[2].encode() for call in calls if not call.startswith(".")}
    methods = {call[1:].encode() for call in calls if call.startswith(".")} - plain
    patterns = {word: rb"\." + word + rb"(?=\s*\()" for word in methods}
    return patterns | {word: word + rb"(?=\s*\()" for word in plain}


def collect(module: Module) -> list[Registration]:
    """Every registration in the file of which something is known, in the order of the source."""
    found: list[Registration] = []
    source = module.source
    names: list[Node] = []
    for word in module.words.intersection(_words()):
        if word + b"(" not in source and word + b" (" not in source:
            continue  # `async` and `on` stand in most files, and are called in few
        names += [name for name in module.mentions(_words()[word]) if name.text == word]
    if any(word in source for word in _SINK_WORDS):
        names += module.mentions(_SINKS)
    for name in names:
        call = call_of(name)
        if call is not None:
            found += _registration(module, call)
    for start, (verb, pattern, opposites) in _PAIRED.items():
        if start in source and any(opposite in source for opposite in opposites):
            found += _paired(module, verb, pattern)
    found.sort(key=lambda registration: registration.at.start)
    return found


def _registration(module: Module, call: Node) -> Iterator[Registration]:
    name = dotted(call.child_by_field_name("function"))
    method = name.rpartition(".")[2]
    front = receiver(call)
    qualified = module.qualified(name)
    for pair in registry().pairs:
        if pair.matches(qualified, front, method):
            break
    else:
        if method in ("append", "add") and _SINK.search(front):
            yield from _listener(module, call, front, method, None)
        return
    if pair.what == "task":
        yield from tasks.task(module, call)
    elif pair.what == "timer":
        yield from timers.timer(module, call, pair)
    elif pair.what == "hook":
        yield from _hook(module, call, pair, qualified)
    else:
        yield from _listener(module, call, front, method, pair)


def _holds(
    module: Module, function: Definition | None, node: Node, owner: Definition | None
) -> tuple[str, str]:
    """What a handler is, and its text."""
    shown = flat(node)
    if node.type == "lambda":
        return "throwaway", shown
    if node.type == "call":
        callee = module.qualified(dotted(node.child_by_field_name("function")))
        if callee in ("functools.partial", "partial"):
            return "throwaway", shown
        if callee.rpartition(".")[2][:1].isupper():
            return "made", shown
        return "other", shown
    if shown == "self":
        return "self", shown
    if node.type == "attribute" and shown.startswith("self.") and owner is not None:
        if any(child.name == shown[5:] for child in owner.children):
            return "method", shown
        return "other", shown
    if node.type == "identifier":
        right = single_assignment(module, function, shown) if function is not None else None
        if right is not None and dotted(right).startswith("self."):
            return _holds(module, function, right, owner)
        return ("made" if function is not None and _made(module, function, shown) else "name"), shown
    if node.type == "attribute" and function is not None:
        head = dotted(node).partition(".")[0]
        if head.isidentifier() and _made(module, function, head) and _returned(module, function, head):
            return "made", shown
    return "other", shown


def _made(module: Module, function: Definition, name: str) -> bool:
    """Whether a local name is made by a call in the function, each time that it is set."""
    pattern = rb"(?m)^\s*" + re.escape(name.encode()) + rb"\s*(?::[^=\n]*)?=(?!=)\s*([^\n]*)"
    lines = re.compile(pattern).findall(module.source, function.start, function.end)
    values = [line for line in lines if not line.rstrip().endswith(b",")]  # those are named arguments
    made = re.compile(rb"(?:await\s+)?[\w.]*?(?:\b[A-Z]|_class\b)[\w.]*\(")
    return bool(values) and all(made.match(value) for value in values)


def _returned(module: Module, function: Definition, name: str) -> bool:
    pattern = re.compile(rb"\breturn\s+" + re.escape(name.encode()) + rb"\s*(?:#.*)?$", re.MULTILINE)
    return pattern.search(module.source, function.start, function.end) is not None


def _listener(
    module: Module, call: Node, front: str, method: str, pair: Pair | None, undo: tuple[str, ...] = ()
) -> Iterator[Registration]:
    arguments = positional(call)
    function, owner = module.function_at(call.start_byte), module.class_at(call.start_byte)
    index = pair.handler if pair is not None else 0
    if not arguments or fate(call).kind not in ("dropped", "awaited"):
        return
    if index >= len(arguments):
        return
    removal_names = pair.undo if pair is not None else (undo or _SINK_UNDO.get(method, ()))
    handler = arguments[index]
    holds, shown = _holds(module, function, handler, owner)
    if holds in ("name", "other"):
        return  # who it belongs to is not known here, so nothing can be said of its end
    target = resolve(module, function, front)
    where = origin(module, function, target)
    logger = _shared_logger(module, function, front) if method == "addHandler" else None
    teardown = _teardown(owner, function)
    key = ""
    if pair is not None and 0 <= pair.key < len(arguments) and pair.key != index % len(arguments):
        key = flat(arguments[pair.key])
    elif handler == arguments[-1]:
        key = _before(arguments)  # the removal will want them too
    removals = _removals(module, owner, removal_names, pair.key if pair is not None else -1)
    yield Registration(
        what="listener",
        symbol=module.symbol_at(call.start_byte),
        owner=owner.symbol if owner is not None else "",
        method=function.name if function is not None else "",
        at=span(call),
        statement=span(statement_of(call)),
        call=f"{front}.{method}",
        target=target,
        key=key,
        handler=shown,
        outlives=where.outlives or logger is not None,
        shared=logger is not None,
        looped=loop_around(call) is not None or (function is not None and function.name != "__init__"),
        guarded=_guarded(module, call, function, target, shown),
        remove=_removal_name(removal_names, removals),
        removals=removals,
        evidence=tuple(step for step in (where.step, logger) if step is not None),
        holds=holds,  # type: ignore[arg-type]
        own=where.standing in ("owned", "self", "made"),
        telling=_gives_out(module, function, front) if logger is not None else bool(pair and pair.strong),
        teardown=teardown,
        kept=text(keywords(call).get("weak")) == "True" or "weak" in shown.lower(),
        handler_at=span(handler),
        swept=_swept(module, owner, target, removals),
    )


_LOGGERS = regex(r"(^|\.)(getLogger|get_logger)\(?\)?$")


def _shared_logger(module: Module, function: Definition | None, front: str) -> Step | None:
    """The line that shows that a logger is one for the whole process."""
    if function is None:
        return None
    if front in ("logging.root", "logging"):
        return Step(function.node.start_point[0] + 1, "the root logger is one for the process")
    right = single_assignment(module, function, front) if front.isidentifier() else None
    if right is not None and _LOGGERS.search(dotted(right)):
        return Step(right.start_point[0] + 1, f"{front} is the same logger at each call")
    if _LOGGERS.search(front):
        return Step(function.node.start_point[0] + 1, "the same logger at each call")
    return None


def _gives_out(module: Module, function: Definition | None, front: str) -> bool:
    """Whether a function hands out the logger that it furnishes, and so is called again and again."""
    return function is not None and front.isidentifier() and _returned(module, function, front)


def _paired(module: Module, verb: str, pattern: re.Pattern[bytes]) -> Iterator[Registration]:
    """`X.add_thing(self)` and its kin, whose opposite the file also calls."""
    for match in pattern.finditer(module.source):
        name = module.root.descendant_for_byte_range(match.end() - 1, match.end())
        call = call_of(name) if name is not None else None
        if call is None:
            continue
        noun = match[1].decode()
        undo = tuple(f"{opposite}_{noun}" for opposite in _VERBS[verb])
        if any(name.encode() in module.words for name in undo):
            yield from _listener(module, call, receiver(call), f"{verb}_{noun}", None, undo)


def _hook(module: Module, call: Node, pair: Pair, qualified: str) -> Iterator[Registration]:
    arguments = positional(call) or list(keywords(call).values())
    function, owner = module.function_at(call.start_byte), module.class_at(call.start_byte)
    if not arguments or function is None or owner is None or function.parameters[:1] != ("self",):
        return
    handler = arguments[pair.handler if pair.handler < len(arguments) else 0]
    holds, shown = _holds(module, function, handler, owner)
    mentions_self = re.search(r"\bself\b", shown) is not None
    if not mentions_self or "weak" in shown.lower():
        return
    undone = any(undo.encode() in module.source for undo in pair.undo)
    teardown = _teardown(owner, function)
    yield Registration(
        what="hook",
        symbol=module.symbol_at(call.start_byte),
        owner=owner.symbol,
        method=function.name,
        at=span(call),
        statement=span(statement_of(call)),
        call=qualified,
        target=qualified.rpartition(".")[0] or qualified,
        handler=shown,
        outlives=True,
        guarded=undone or _single(module, owner),
        remove=pair.undo[0] if pair.undo else "",
        holds=holds,  # type: ignore[arg-type]
        teardown=teardown,
        handler_at=span(handler),
        weakly=_weakly(pair, arguments, handler),
        evidence=_thread(owner),
    )


def _weakly(pair: Pair, arguments: list[Node], handler: Node) -> str:
    """The handler as a function of the object, where the registry keeps the object weakly and passes it in."""
    if (
        not pair.hands_over
        or len(arguments) != 2
        or text(arguments[0]) != "self"
        or handler.type != "attribute"
    ):
        return ""
    return f"lambda obj: obj.{text(handler.child_by_field_name('attribute'))}(obj)"


def _thread(owner: Definition) -> tuple[Step, ...]:
    bases = text(owner.node.child_by_field_name("superclasses"))
    if re.search(r"\bThread\b", bases):
        line = owner.node.start_point[0] + 1
        return (Step(line, "a thread: done long before the process is"),)
    return ()


def _single(module: Module, owner: Definition) -> bool:
    """Whether a class looks as if it had one instance: kept in a module-level name or in a member of itself."""
    name = owner.name.encode()
    once = (
        rb"(?m)^\w+\s*(?::[^=\n]*)?=\s*"
        + name
        + rb"\s*\(|\b(?:_instance|__instance|_singleton)\b|[Ss]ingleton"
    )
    return re.search(once, module.source) is not None


def _teardown(owner: Definition | None, function: Definition | None) -> str:
    """The method of a class in which what a function does should be undone, "" when there is none."""
    if owner is None:
        return ""
    own = {child.name for child in owner.children if child.kind == "function"}
    return registry().teardown(own, function.name if function is not None else "")


def teardowns(owner: Definition) -> tuple[str, ...]:
    """All teardown methods of a class, the strongest first."""
    own = {child.name for child in owner.children if child.kind == "function"}
    return tuple(name for name in registry().teardowns if name in own)


def _swept(module: Module, owner: Definition | None, target: str, removals: tuple[Removal, ...]) -> str:
    """A teardown that speaks to the target and, itself and through its helpers, removes nothing."""
    if owner is None or not target.startswith("self."):
        return ""
    pattern = re.compile(re.escape(target.encode()) + rb"\s*\.")
    for method in owner.children:
        if method.name in registry().teardowns and pattern.search(module.source, method.start, method.end):
            reached = reached_from(module, owner, (method.name,))
            if not any(removal.method in reached for removal in removals):
                return method.name
    return ""


def _removal_name(names: tuple[str, ...], removals: tuple[Removal, ...]) -> str:
    used = {removal.call for removal in removals}
    return next((name for name in names if name in used), names[0] if names else "")


def _removals(
    module: Module, owner: Definition | None, names: tuple[str, ...], key: int
) -> tuple[Removal, ...]:
    """The calls of these names in a class (or in the file, for code outside of any)."""
    start, end = (owner.start, owner.end) if owner is not None else (0, len(module.source))
    pattern = rb"\.\s*(?:" + b"|".join(re.escape(name.encode()) for name in names) + rb")(?!\w)"
    ends = reached_from(module, owner, teardowns(owner)) if owner is not None else set()
    found: list[Removal] = []
    for name in module.mentions(pattern, start, end):
        function = module.function_at(name.start_byte)
        call = call_of(name)
        outer = function
        while outer is not None and outer.owner is None and outer.parent is not None:
            outer = outer.parent
        method = outer.name if outer is not None else ""
        if call is None:
            found.append(Removal(method, span(name), "", "", "", method in ends, text(name)))
            continue
        arguments = positional(call)
        shown, argument = "", None
        if arguments:
            argument = arguments[-1 if key == 0 and len(arguments) > 1 else 0]
            shown = _holds(module, function, argument, owner)[1]
            if key < 0 and len(arguments) > 1 and not shown.startswith("self"):
                argument = arguments[-1]
                shown = flat(argument)
        found.append(
            Removal(
                method=method,
                at=span(call),
                target=resolve(module, function, receiver(call)),
                key=_before(arguments) if arguments and argument == arguments[-1] else "",
                handler=shown,
                teardown=method in ends,
                call=text(name),
                statement=span(statement_of(call)),
                handler_at=span(argument) if argument is not None else None,
            )
        )
    return tuple(found)


def _before(arguments: list[Node]) -> str:
    """What stands in front of the last argument: the event that a handler, given last, is for."""
    return ", ".join(flat(argument) for argument in arguments[:-1])


def _guarded(module: Module, call: Node, function: Definition | None, target: str, handler: str) -> bool:
    """Whether a condition around the registration, or in front of it, looks whether it stands already."""
    if function is None:
        return False
    tail = target.rpartition(".")[2].partition("(")[0]
    body = module.source[function.start : function.end]
    if re.search(
        rb"\.\s*(?:handlers|hasHandlers|removeHandler)\b|\bglobal\b|[Cc]onfigured|basicConfig", body
    ):
        return True
    if any(re.search(r"cache|once|memo", text(node)) for node in function.decorators):
        return True
    words = {"handlers", "hasHandlers", "initialized", "_initialized", "configured", tail, "already"}
    current = call.parent
    while current is not None and current.id != function.node.id:
        if current.type in ("if_statement", "elif_clause", "conditional_expression"):
            condition = flat(current.child_by_field_name("condition"))
            if re.search(r"\bnot\b|\bin\b|\bis None\b", condition) and any(
                word in condition for word in words
            ):
                return True
        current = current.parent
    return False
