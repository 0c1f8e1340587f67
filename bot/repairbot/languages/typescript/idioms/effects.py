"""Effects of components (React, Preact, Vue, Svelte) that register something and hand back nothing that undoes it.

useEffect(() => { window.addEventListener("resize", onResize); }, []);
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from repairbot.languages.typescript.classes import Classes
from repairbot.languages.typescript.syntax import Module, arguments, bare, statement_of
from repairbot.languages.typescript.tree import FUNCTIONS, N
from repairbot.lazily import regex
from repairbot.lifetimes.intents import INSERT_AFTER
from repairbot.lifetimes.ops import Idiom, Intent
from repairbot.model import Step

_EFFECTS: Final = frozenset({"useEffect", "useLayoutEffect", "useInsertionEffect", "onMounted", "onMount"})
_ENDS: Final = frozenset({"onUnmounted", "onBeforeUnmount", "onDestroy", "onScopeDispose", "onCleanup"})
_LASTING: Final = regex(
    r"(?:window|document|globalThis|process|navigator|screen|visualViewport|history)(?:\.\w+)*|\w+(?:Store|Bus|Emitter)"
)
"""What outlives every component."""
_LIVELY: Final = {
    "WebSocket": ("web socket", "close"),
    "EventSource": ("event source", "close"),
    "BroadcastChannel": ("channel", "close"),
    "RTCPeerConnection": ("connection", "close"),
    "Worker": ("worker", "terminate"),
    "SharedWorker": ("worker", "close"),
}
"""What is made, given handlers, and lives by them: what it is, and what ends it."""
_ONE_SHOT: Final = regex(r"\bonce\s*:\s*true|\bsignal\b|\b(?:take|first|takeUntil)\(")


def find(module: Module, _: Classes) -> Iterator[Idiom]:
    """Effects whose timers and listeners outlive the component."""
    endings = [
        module.text(arguments(call)[0]) for call, last in module.called if last in _ENDS and arguments(call)
    ]
    for call, last in module.called:
        given = arguments(call)
        if last not in _EFFECTS or not given or given[0].kind not in FUNCTIONS:
            continue
        body = given[0].kids[-1]
        if body.kind != "statement_block":
            continue
        returned = [module.text(node) for node in _own(body) if node.kind == "return_statement" and node.kids]
        if any(not re.search(r"=>|function\b", text) for text in returned):
            continue  # what another function gave undoes it, for all that is known
        yield from _effect(module, body, "\n".join((*returned, *endings)), bool(returned))


def _own(body: N) -> Iterator[N]:
    """The nodes of a function's own code."""
    waiting = [body]
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(kid for kid in reversed(node.kids) if kid.kind not in FUNCTIONS)


def _effect(module: Module, body: N, undone: str, returns: bool) -> Iterator[Idiom]:
    for call in _own(body):
        if call.kind == "new_expression" and module.dotted(call.kids[0]) in _LIVELY:
            yield from _lively(module, body, call, undone, returns)
        if call.kind != "call_expression":
            continue
        last = module.last_name(call)
        if last == "setInterval" and "clearInterval(" not in undone:
            yield _timer(module, body, call, returns)
        elif last in ("addEventListener", "addListener", "on", "subscribe"):
            yield from _listener(module, body, call, last, undone, returns)


def _lively(module: Module, body: N, call: N, undone: str, returns: bool) -> Iterator[Idiom]:
    """A connection or a worker that lives by its handlers."""
    what, end = _LIVELY[module.dotted(call.kids[0])]
    up = call.up
    name = module.text(up.kids[0]) if up is not None and up.kind == "variable_declarator" else ""
    code = module.text(body)
    if not name or re.search(
        rf"(?<![\w.]){re.escape(name)}\??\.(?:{end}|close|terminate)\(", f"{code}\n{undone}"
    ):
        return
    if not re.search(rf"(?<![\w.]){re.escape(name)}\.(?:on\w*\s*=|on\(|addEventListener\()", code):
        return
    if re.search(rf"(?:=|return|\(|,)\s*{re.escape(name)}\s*[;,)\n]", code):
        return  # it goes somewhere
    line = f"return () => {name}.{end}()" if not returns else ""
    yield Idiom(
        "never-released",
        module.symbol_at(call),
        name,
        module.span(statement_of(call)),
        f"{name} lives on when the component is gone, and one more each time the effect runs",
        (
            Step(module.line(call.start), f"the {what} is made by the effect"),
            Step(module.line(body.end - 1), "nothing ends it"),
        ),
        confidence="high",
        intents=_undoing(module, body, name, line),
    )


def _timer(module: Module, body: N, call: N, returns: bool) -> Idiom:
    up = call.up
    name = module.text(up.kids[0]) if up is not None and up.kind == "variable_declarator" else ""
    line = f"return () => clearInterval({name})" if name and not returns else ""
    return Idiom(
        "uncleared-timer",
        module.symbol_at(call),
        name or "setInterval",
        module.span(statement_of(call)),
        "the interval still runs when the component is gone, and one more each time the effect runs",
        (
            Step(module.line(call.start), "started by the effect"),
            Step(module.line(body.end - 1), "nothing stops it"),
        ),
        confidence="high",
        intents=_undoing(module, body, name, line),
    )


def _listener(module: Module, body: N, call: N, last: str, undone: str, returns: bool) -> Iterator[Idiom]:
    callee, given = bare(call.kids[0]), arguments(call)
    if callee is None or callee.kind != "member_expression" or _ONE_SHOT.search(module.text(call)):
        return
    target = module.text(callee.kids[0])
    if not _LASTING.fullmatch(target):
        return
    line = ""
    if last == "subscribe":
        dropped = call.up is not None and call.up.kind == "expression_statement"
        if not dropped or re.search(r"unsubscribe|dispose", undone):
            return
        handler = f"{target}.subscribe()"
    else:
        if len(given) < 2:
            return
        key, handler = module.text(given[0]), module.text(given[1])
        remove = "removeEventListener" if last == "addEventListener" else "off"
        if (
            re.search(r"(?:removeEventListener|removeListener|removeAllListeners|off)\(", undone)
            and key in undone
        ):
            return
        if given[1].kind == "identifier" and not returns:
            line = f"return () => {target}.{remove}({', '.join(module.text(each) for each in given)})"
    short = handler if "\n" not in handler and len(handler) <= 40 else "its handler"
    yield Idiom(
        "unremoved-listener",
        module.symbol_at(call),
        short,
        module.span(statement_of(call)),
        f"{short} stays registered on {target} when the component is gone",
        (
            Step(module.line(call.start), "registered by the effect"),
            Step(module.line(body.end - 1), "nothing removes it"),
        ),
        confidence="high",
        intents=_undoing(module, body, short, line),
    )


def _undoing(module: Module, body: N, place: str, line: str) -> tuple[Intent, ...]:
    """A cleanup at the end of an effect that has none."""
    if not line or not body.kids:
        return ()
    last = module.span(body.kids[-1])
    return (Intent(INSERT_AFTER, last, place, "hand back what undoes it", {"lines": line}, (last,)),)
