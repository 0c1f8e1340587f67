"""Timers, listeners and subscriptions of classes: who keeps the handle, and whether the class's end undoes them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from repairbot.languages.typescript.classes import AT_END, CONSTRUCTOR, Classes, Locate, View
from repairbot.languages.typescript.lives import lifetime
from repairbot.languages.typescript.syntax import Module, arguments, bare, statement_of
from repairbot.languages.typescript.tree import FUNCTIONS, N
from repairbot.lazily import regex
from repairbot.lifetimes.ops import Registration, Removal
from repairbot.model import Step

_TIMERS: Final = {
    "setInterval": "clearInterval",
    "setTimeout": "clearTimeout",
    "requestAnimationFrame": "cancelAnimationFrame",
    "requestIdleCallback": "cancelIdleCallback",
}
_CLEARS: Final = frozenset(_TIMERS.values())
_ADDS: Final = {
    "addEventListener": "removeEventListener",
    "on": "off",
    "once": "off",
    "addListener": "removeListener",
    "prependListener": "removeListener",
    "attachEvent": "detachEvent",
}
_REMOVES: Final = frozenset(
    {"removeEventListener", "off", "removeListener", "un", "detachEvent", "removeAllListeners", "unbind"}
)
_WORKERS: Final = frozenset({"new Worker", "new SharedWorker", "new worker_threads.Worker"})
"""What runs on until somebody ends it."""
_GLOBALS: Final = regex(
    r"(?:window|document|globalThis|process|navigator|screen|visualViewport|location|history|body)(?:\.\w+)*"
    r"|this\.[\w#]*(?:[wW]indow|[dD]ocument|ownerDocument)|window\.matchMedia\(\)|matchMedia\(\)"
)
"""What lives as long as the page or the process."""
_SHARED_NAMES: Final = regex(
    r"(?i)(?:service|manager|store|bus|emitter|hub|registry|dispatcher|events?|app|core|editor|workspace|map|scene|game|player|viewer"
    r"|router|session|context|document|window|root|parent|socket\.io|api|provider|controller|engine|host)\$?$"
)
"""Names of what many objects share."""
_SHORT_DELAY: Final = 100
"""Milliseconds; a timer that fires so soon is over before its owner's end matters."""
_SUBSCRIBES: Final = regex(r"^(?:on[A-Z]\w*|subscribe|addDisposable\w*|observe)$")
_ONE_SHOT: Final = regex(
    r"\b(?:take|first|takeUntil|takeUntilDestroyed|takeWhile|untilDestroyed|firstValueFrom)\(|\bhttp\b|\bAbortSignal\b"
)
_SAFE_OPTIONS: Final = regex(r"\bonce\s*:\s*true|\bsignal\b")


@dataclass(frozen=True, slots=True)
class _Listened:
    """One call that adds or removes a listener: target, event, handler, context or capture flag."""

    call: N
    view: View | None
    method: str
    target: str
    key: str
    handler: str
    handler_at: N
    repeats: bool
    removes: bool
    name: str


class Registrations:
    """Collects the registrations of one file."""

    def __init__(self, module: Module, classes: Classes) -> None:
        self.module, self.classes = module, classes
        self._locates: dict[int, Locate] = {}

    def collect(self) -> list[Registration]:
        """All of which something is known, in the order of the source."""
        found: list[Registration] = []
        heard: list[_Listened] = []
        for call, last in self.module.called:
            if call.kind != "call_expression":
                if self.module.callee(call) in _WORKERS:
                    found.extend(self._worker(call))
                continue
            if last in _TIMERS:
                found.extend(self._timer(call, last))
            elif last in _ADDS or last in _REMOVES:
                heard.extend(self._heard(call, last))
            elif _SUBSCRIBES.match(last):
                found.extend(self._subscribed(call))
        found.extend(self._listeners(heard))
        found.sort(key=lambda item: item.at.start)
        return found

    # Places

    def _last(self, call: N) -> str:
        return self.module.last_name(call)

    def _view(self, node: N) -> View | None:
        around = [view for view in self.classes.views if view.node.start <= node.start < view.node.end]
        inner = max(around, key=lambda view: view.node.start, default=None)
        if inner is not None and any(fn.start <= node.start < fn.end for fn in inner.methods.values()):
            return inner
        for view in self.classes.views:
            if any(fn.start <= node.start < fn.end for fn in view.methods.values()):
                return view
        return inner

    def _method(self, view: View, node: N) -> tuple[str, bool]:
        if id(view) not in self._locates:
            self._locates[id(view)] = self.classes.locator(view)
        return self._locates[id(view)](node)

    def _registration(self, call: N, view: View | None, method: str, **more: object) -> Registration:
        name = view.definition.symbol if view is not None and view.definition is not None else ""
        owner = name or (view.name if view is not None else self._symbol(call))
        base = Registration(
            what="listener",
            symbol=self.module.symbol_at(call),
            owner=owner,
            method=method,
            at=self.module.span(call),
            statement=self.module.span(statement_of(call)),
            call=self.module.callee(call),
        )
        return replace(base, **more)  # type: ignore[arg-type]

    # Workers

    def _worker(self, call: N) -> Iterator[Registration]:
        """A worker that a class with a teardown starts, and of which nobody keeps the handle."""
        view = self._view(call)
        if view is None or not view.teardowns or not self._dropped(call):
            return
        method, repeats = self._method(view, call)
        if method in view.teardowns:
            return
        yield self._registration(
            call, view, method, what="task", handler=self.module.callee(call).removeprefix("new "), looped=repeats,
            teardown=view.teardowns[0], remove=".terminate",
        )  # fmt: skip

    # Timers

    def _timer(self, call: N, last: str) -> Iterator[Registration]:
        callee = self.module.callee(call)
        receiver = callee.rpartition(".")[0]
        if receiver and not re.fullmatch(
            r"(?:window|globalThis|self|global|timers)|this\.[\w#]*(?:[wW]indow|[sS]cheduler)", receiver
        ):
            return
        view = self._view(call)
        if view is None:
            return
        method, repeats = self._method(view, call)
        name = self._kept_in(call)
        given = arguments(call)
        handler = given[0] if given else None
        handler_text = self.module.text(handler)
        teardown = view.teardowns[0] if view.teardowns else ""
        rearmed = (
            bool(method)
            and re.search(rf"\b{re.escape(method)}\(|\b{re.escape(method)}\b\s*[,)]", handler_text)
            is not None
        )
        endless = last == "setInterval" or (rearmed and method != CONSTRUCTOR)
        common = {
            "what": "timer",
            "handler": _called(handler_text),
            "target": receiver,
            "remove": f"{receiver}.{_TIMERS[last]}" if receiver else _TIMERS[last],
            "endless": endless,
            "teardown": teardown,
            "preset": True,
            "optional": False,
        }
        if name:
            yield from self._kept_timer(call, view, name, method, repeats, last, common)
        elif last == "setInterval" and self._dropped(call) and teardown and method != teardown:
            yield self._registration(call, view, method, **common)

    def _kept_in(self, call: N) -> str:
        """The member that a call's value goes into, "" for none."""
        up = call.up
        while up is not None and up.kind in (
            "as_expression",
            "parenthesized_expression",
            "non_null_expression",
        ):
            up = up.up
        if up is not None and up.kind == "assignment_expression":
            name = self.module.dotted(up.kids[0])
            if re.fullmatch(r"(?:this|self|that|_this)\.[\w#$]+", name):
                return name.partition(".")[2]
        return ""

    def _dropped(self, call: N) -> bool:
        return call.up is not None and call.up.kind == "expression_statement"

    def _kept_timer(
        self, call: N, view: View, name: str, method: str, repeats: bool, last: str, common: dict[str, object]
    ) -> Iterator[Registration]:
        """A timer that a member keeps."""
        mentions = view.mentions.get(name, [])
        clears, asked, handed = [], [], False
        for node in mentions:
            place, _ = self._method(view, node)
            fate = self._fate(node)
            if fate == "cleared":
                clears.append((place, node))
            elif fate == "asked":
                asked.append((place, node))
            elif fate == "handed":
                handed = True
        reached = self.classes.reached(view, view.teardowns)
        ended = any(place in reached for place, _ in clears)
        before = [node for place, node in (*clears, *asked) if place == method and node.start < call.start]
        delay = self._delay(call)
        short = last != "setInterval" and (delay is not None and delay < _SHORT_DELAY)
        if last == "requestAnimationFrame" or handed:
            return
        handle = f"this.{name}"
        weak = view.teardowns[:1] in (("stop",), ("end",), ("release",), ("detach",)) and not clears
        if not ended and view.teardowns and not short and method != view.teardowns[0] and not weak:
            touches = "this" in self.module.text(arguments(call)[0]) if arguments(call) else False
            yield self._registration(
                call,
                view,
                method,
                **{**common, "handle": handle, "fading": not (common["endless"] or touches or clears)},
            )
        elif (
            not before and method not in ("", CONSTRUCTOR) and (clears or last == "setInterval") and not short
        ):
            if self._only_from_constructor(view, method):
                return
            around = view.methods.get(method)
            start = around.start if around is not None else call.start
            head = self.module.source[start : call.start].decode("utf-8", "replace")
            hidden = method.startswith(("#", "_")) or re.match(r"(?:private|protected)\b", head) is not None
            if (hidden and last != "setInterval") or re.search(r"\bif\s*\([^)]*\)\s*\{?\s*throw\b", head):
                return
            yield self._registration(
                call, view, method, **{**common, "handle": handle, "teardown": "", "looped": True}
            )

    def _only_from_constructor(self, view: View, method: str) -> bool:
        """Whether a private method is called by the constructor alone."""
        callers = {self._method(view, node)[0] for node in view.mentions.get(method, [])}
        return bool(callers) and callers <= {CONSTRUCTOR, ""}

    def _fate(self, node: N) -> str:
        """What is done with a timer's handle: cleared, asked about, set, handed on."""
        up = node.up
        if up is None:
            return ""
        if up.kind in ("non_null_expression", "as_expression", "parenthesized_expression"):
            return self._fate(up)
        if up.kind == "arguments" and up.up is not None:
            last = self.module.callee(up.up).rpartition(".")[2]
            return "cleared" if last in _CLEARS or re.search(r"(?i)clear|cancel|stop", last) else "handed"
        if up.kind == "assignment_expression":
            return "set" if up.kids[0] is node else "handed"
        if up.kind == "member_expression":
            last = self.module.text(up.kids[-1])
            return "cleared" if re.search(r"(?i)clear|cancel|close|dispose|stop", last) else "asked"
        if up.kind in ("return_statement", "pair", "array", "variable_declarator", "spread_element"):
            return "handed"
        return "asked"

    def _delay(self, call: N) -> int | None:
        given = arguments(call)
        if len(given) < 2:
            return 0
        text = self.module.text(given[1]).replace("_", "")
        return int(text) if text.isdigit() else None

    # Listeners

    def _heard(self, call: N, last: str) -> Iterator[_Listened]:
        callee = bare(call.kids[0])
        given = arguments(call)
        view = self._view(call)
        if callee is None:
            return
        texts = [self.module.text(argument) for argument in given]
        receiver = self._chain(callee.kids[0]) if callee.kind == "member_expression" else ""
        if len(given) >= 3 and texts[0][:1] not in "'\"`" and texts[1][:1] in "'\"`":
            # A function of a helper: on(target, 'event', handler, context)
            receiver, given, texts = texts[0], given[1:], texts[1:]
        if not receiver or (not texts and last != "removeAllListeners"):
            return
        texts = texts or [""]
        method, repeats = self._method(view, call) if view is not None else (self._symbol(call), True)
        removes = last in _REMOVES
        if len(given) < 2 and not removes:
            return
        handler_at = given[1] if len(given) > 1 else call
        rest = texts[2] if len(texts) > 2 else ""
        if not removes and (last == "once" or _SAFE_OPTIONS.search(rest)):
            return
        handler = texts[1] if len(texts) > 1 else ""
        flag = self._flag(rest)
        yield _Listened(
            call,
            view,
            method,
            receiver,
            texts[0],
            f"{handler}, {flag}" if flag else handler,
            handler_at,
            repeats,
            removes,
            last,
        )

    def _chain(self, node: N) -> str:
        """The target of a chain of registrations: `socket` of `socket.on(...).on(...)`."""
        inner = bare(node)
        while (
            inner is not None and inner.kind == "call_expression" and self._last(inner) in (*_ADDS, *_REMOVES)
        ):
            head = bare(inner.kids[0])
            if head is None or head.kind != "member_expression":
                break
            inner = bare(head.kids[0])
        return self.module.text(inner) if inner is not None else ""

    def _flag(self, text: str) -> str:
        """The context, or the capture flag where it is set; other options make no difference to the removal."""
        if not text or text in ("false", "undefined", "null"):
            return ""
        if text.startswith("{"):
            return "true" if re.search(r"\bcapture\s*:\s*true", text) else ""
        return text

    def _symbol(self, call: N) -> str:
        """The outermost function around a call."""
        function = self.module.around(call)
        found = ""
        while function is not None:
            found = function.symbol
            function = self.module.around(function.node)
        return found

    def _listeners(self, heard: list[_Listened]) -> Iterator[Registration]:
        groups: dict[tuple[int, str], list[_Listened]] = {}
        for item in heard:
            groups.setdefault(self._scope(item), []).append(item)
        added = {(item.key, item.handler): item.target for item in heard if not item.removes}
        for items in groups.values():
            removals = [item for item in items if item.removes]
            for item in items:
                if not item.removes:
                    mine = [other for other in removals if other.target == item.target]
                    yield from self._listener(
                        item, [other for other in mine if self._meant(item, other, added)]
                    )

    def _scope(self, item: _Listened) -> tuple[int, str]:
        """What a target's name means the same thing in: the class, or the function that declares the name."""
        root = re.match(r"[\w$]+", item.target)
        name = root[0] if root is not None else ""
        if item.view is not None and name in ("this", "self", "that", "_this"):
            return id(item.view), ""
        function = self.module.around(item.call)
        while function is not None:
            if name == "this" or name in self.module.declared(function):
                return function.start, name
            function = self.module.around(function.node)
        return (id(item.view) if item.view is not None else 0), name

    def _meant(self, item: _Listened, removal: _Listened, added: dict[tuple[str, str], str]) -> bool:
        """Whether a removal may be meant for a registration: its handler is known, and not that of another target."""
        if removal.handler == item.handler:
            return True
        if added.get((removal.key, removal.handler), item.target) != item.target:
            return False
        plain = re.fullmatch(r"[\w$]+", removal.handler)
        return plain is None or any(found.name == removal.handler for found in self.module.functions)

    def _listener(self, item: _Listened, removals: list[_Listened]) -> Iterator[Registration]:
        view = item.view
        teardown = view.teardowns[0] if view is not None and view.teardowns else ""
        reached = self.classes.reached(view, view.teardowns) if view is not None else set()
        if view is not None and (item.method in view.teardowns or item.method == AT_END):
            return
        if any(not other.handler and other.key in ("", item.key) for other in removals):
            return  # all of them go at once
        shared = _GLOBALS.fullmatch(item.target.replace("!", "").replace("?", "")) is not None
        outlives = shared or (view is not None and self._given(view, item.target))
        own = view is not None and (item.target == "this" or self._own(view, item.target))
        again = not removals and self._once_more(item)
        yield self._registration(
            item.call,
            view,
            item.method,
            target=item.target,
            key=item.key,
            handler=item.handler,
            handler_at=self.module.span(item.handler_at),
            remove=self._undo(item, removals),
            removals=tuple(self._removal(other, reached) for other in removals),
            holds="made" if again or self._each_time(item, view) else self._holds(item.handler_at),
            outlives=outlives,
            shared=shared or again,
            own=own,
            telling=(shared or self._forgotten(view, item, reached))
            and item.key.strip("'\"`") not in ("exit", "load", "DOMContentLoaded", "unload", "beforeunload"),
            teardown=teardown,
            looped=item.repeats,
            evidence=(Step(self.module.line(item.call.start), f"{item.target} outlives it"),)
            if outlives
            else (),
        )

    def _forgotten(self, view: View | None, item: _Listened, reached: set[str]) -> bool:
        """Whether the target was given to an object whose teardown never touches it."""
        name = re.match(r"this\.([\w#$]+)", item.target)
        if view is None or name is None or not view.teardowns or not self._given(view, item.target):
            return False
        if not _SHARED_NAMES.search(item.target):
            return False
        return not any(self._method(view, node)[0] in reached for node in view.mentions.get(name[1], []))

    def _once_more(self, item: _Listened) -> bool:
        """Whether a callback that runs for each event puts one more on an emitter of the whole process."""
        if item.name not in ("on", "addListener", "prependListener") or item.target.startswith("this"):
            return False
        head = item.target.partition(".")[0]
        outer = self.module.around(item.call)
        while outer is not None:
            own = re.search(rf"\b(?:const|let|var)\s+{re.escape(head)}\b", self.module.text(outer.body))
            asked = [up.kids[0] for up in _up_to(item.call, outer.node) if up.kind == "if_statement"]
            if (
                head in outer.parameters
                or own
                or any("isteners(" in self.module.text(test) for test in asked)
            ):
                return False
            call = (
                outer.node.up.up if outer.node.up is not None and outer.node.up.kind == "arguments" else None
            )
            if (
                call is not None
                and call.kind == "call_expression"
                and self._last(call) in ("on", "addListener")
            ):
                known = head == "process" or head in self.module.imports or self._of_module(head)
                return known and self._chain_head(call) != item.target
            outer = self.module.around(outer.node)
        return False

    def _chain_head(self, call: N) -> str:
        callee = bare(call.kids[0])
        return (
            self.module.text(callee.kids[0])
            if callee is not None and callee.kind == "member_expression"
            else ""
        )

    def _of_module(self, name: str) -> bool:
        """Whether the module itself makes an emitter of this name."""
        made = rf"(?m)^(?:export\s+)?const\s+{re.escape(name)}\b[^=\n]*=\s*new\s"
        return re.search(made, self.module.text(self.module.tree)) is not None

    def _undo(self, item: _Listened, removals: list[_Listened]) -> str:
        """How this kind is undone here: as the siblings are."""
        return removals[0].name if removals and item.name != "addEventListener" else _ADDS[item.name]

    def _removal(self, item: _Listened, reached: set[str]) -> Removal:
        return Removal(
            item.method,
            self.module.span(item.call),
            item.target,
            item.key,
            item.handler,
            item.method in reached,
            self.module.callee(item.call),
            self.module.span(statement_of(item.call)),
            self.module.span(item.handler_at),
        )

    def _each_time(self, item: _Listened, view: View | None) -> bool:
        """A handler made for each object, and given to the process, by a class that has no end."""
        if view is None or view.teardowns or item.target != "process" or item.method != CONSTRUCTOR:
            return False
        lives, evidence = lifetime(self.module, view.name, (), view.node)
        single = lives == "long" and any(
            "made at" in step.note or "one for" in step.note for step in evidence
        )
        return not single and self._holds(item.handler_at) == "throwaway"

    def _holds(self, handler: N) -> str:
        inner = bare(handler)
        if inner is None:
            return "other"
        if inner.kind in FUNCTIONS:
            return "throwaway"
        if inner.kind == "call_expression" and self._last(inner) == "bind":
            return "throwaway"
        return "method" if inner.kind in ("member_expression", "identifier") else "other"

    def _given(self, view: View, target: str) -> bool:
        """Whether the target came from outside: a parameter of the constructor, kept or not."""
        name = re.match(r"this\.([\w#$]+)", target)
        constructor = view.methods.get(CONSTRUCTOR)
        listing = constructor.of("formal_parameters") if constructor is not None else None
        parameters = self.module.text(listing) if listing is not None else ""
        if name is None:
            return re.match(rf"{re.escape(target.partition('.')[0])}$", parameters) is not None
        if re.search(
            rf"\b(?:private|public|protected|readonly)\s+(?:readonly\s+)?{re.escape(name[1])}\b", parameters
        ):
            return True
        made = any(self.classes.field_name(kid) == name[1] for kid in view.fields)
        for node in view.mentions.get(name[1], []):
            up = node.up
            if up is not None and up.kind == "assignment_expression" and up.kids[0] is node:
                value = bare(up.kids[-1])
                made = made or value is None or value.kind not in ("null", "undefined")
                if value is not None and value.kind == "identifier":
                    function = self.module.around(node)
                    if function is not None and self.module.text(value) in function.parameters:
                        return True
        return not made and bool(view.bases)  # a base class has it

    def _own(self, view: View, target: str) -> bool:
        """Whether the object made the target itself."""
        name = re.match(r"this\.([\w#$]+)", target)
        if name is None:
            return False
        for kid in view.fields:
            if self.classes.field_name(kid) == name[1] and re.search(
                r"=\s*(?:\w+\.)*(?:new\b|create|this\.)", self.module.text(kid)
            ):
                return True
        for node in view.mentions.get(name[1], []):
            up = node.up
            if (
                up is not None
                and up.kind == "assignment_expression"
                and up.kids[0] is node
                and re.match(
                    r"(?:await\s+)?(?:new\b|[\w.]*create|[\w.]*spawn|[\w.]*connect)",
                    self.module.text(up.kids[-1]),
                )
            ):
                return True
        return False

    # Subscriptions whose handle is dropped

    def _subscribed(self, call: N) -> Iterator[Registration]:
        """`emitter.onEvent(callback)` of which nobody keeps the disposable, in a class that keeps others."""
        given = arguments(call)
        view = self._view(call)
        if (
            view is None
            or not self._dropped(call)
            or not given
            or given[0].kind not in (*FUNCTIONS, "member_expression", "object")
        ):
            return
        callee = bare(call.kids[0])
        if callee is None or callee.kind != "member_expression" or _ONE_SHOT.search(self.module.text(call)):
            return
        method, _repeats = self._method(view, call)
        target = self.module.text(callee.kids[0])
        last = self._last(call)
        keeps = bool(view.keeper) and (
            last != "subscribe" or "ubscri" in view.keeper or "ispos" in view.keeper
        )
        if not keeps or not self._given(view, target) or last == "observe":
            return
        yield self._registration(
            call,
            view,
            method,
            target=target,
            key=f"'{last}'",
            handler=_first_line(self.module.text(given[0])),
            holds="throwaway",
            outlives=True,
            keeper=f"{view.keeper}({{}})",
            teardown=view.teardowns[0] if view.teardowns else "",
            remove="dispose",
        )


def _called(handler: str) -> str:
    """A timer's callback in a word."""
    found = re.search(r"((?:this\.)?[\w#$]+(?:\.[\w#$]+)*)\(", handler)
    short = re.fullmatch(r"[\w.#$]+", handler) is not None
    return (
        handler if short else f"{found[1]}()" if found is not None and "\n" not in handler else "its callback"
    )


def _up_to(node: N, last: N) -> Iterator[N]:
    for up in node.above():
        if up is last:
            return
        yield up


def _first_line(text: str) -> str:
    line = text.partition("\n")[0]
    return line if len(line) <= 60 else f"{line[:57]}..."
