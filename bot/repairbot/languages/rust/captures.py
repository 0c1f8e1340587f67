"""Closures and endless tasks that hold a strong handle of the object that keeps them.

Three shapes: a closure stored in the object (or in a part of it) captures a strong handle of the object; a callback of
a detached subscription captures the very thing it was taken on; a task that never ends by itself is given a strong
handle. A strong handle is one that is made on the spot: `cx.view().clone()`, `self.clone()` of an `Arc`, `x.clone()`
of an entity.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Literal

from repairbot.languages.rust.body import Body, bare, chain, method, receiver
from repairbot.languages.rust.endless import endless, holds_strongly, rearms, strong_tasks
from repairbot.languages.rust.tree import N
from repairbot.lifetimes.intents import DOWNGRADE
from repairbot.lifetimes.ops import Intent
from repairbot.model import Confidence, Step

RULE: Final = "strong-self-capture"
_HANDLE: Final = r"(?:View|Model|Entity|ModelHandle|ViewHandle)\s*<"
_OWN_HANDLE: Final = re.compile(r"cx\.(?:view|model|entity|handle)\(\)(?:\.clone\(\))?")
_WRAPS: Final = re.compile(r"(?:(?:Box|Arc|Rc)::new|Some|Box::pin)")
_SUBSCRIBES: Final = re.compile(r"(?:subscribe|observe)(?:_\w+)?")


@dataclass(frozen=True, slots=True)
class Handle:
    """A strong handle that a closure captures: its name there, the `let` that made it, whose it is, how it is weak.

    `weak`: the expression that makes a weak one instead; `of`: the name it was cloned from.
    """

    name: str
    made: N
    whose: Literal["own", "shared", "other"]
    weak: str
    of: str = ""


def captures(body: Body) -> None:
    """Report the closures of a function that hold what holds them."""
    for closure in body.nodes:
        if closure.kind == "closure":
            _stored(body, closure)
            _spawned(body, closure)
    _kept_tasks(body)


# What a closure captures


def _handles(body: Body, closure: N) -> Iterator[Handle]:
    """The strong handles that a closure captures."""
    seen: set[str] = set(closure.names)
    for node in closure.walk():
        if node.kind != "name" or node.text in seen:
            continue
        seen.add(node.text)
        let = body.let_of(node.text, closure.start)
        if let is not None and let.start < closure.start and (found := handle(body, let)) is not None:
            yield found


def handle(body: Body, let: N) -> Handle | None:
    """The strong handle that a `let` makes, if it makes one."""
    value = let.parts[0]
    if value is None or len(let.names) != 1:
        return None
    name, flat = let.names[0], body.flat(value)
    if _OWN_HANDLE.fullmatch(flat) and (
        flat.endswith(".clone()") or re.search(r"(?:handle|entity)\(\)$", flat)
    ):
        return Handle(name, let, "own", _weak_of_own(flat))
    cloned = re.fullmatch(r"(\w+)\.clone\(\)|(?:Arc|Rc)::clone\(&?(\w+)\)", flat)
    if not cloned:
        return None
    of = cloned[1] or cloned[2]
    if of == "self":
        counted = re.search(r"\b(Arc|Rc)<Self>", body.definition.receiver)
        if not counted:
            return None
        borrowed = "self" if "&" in body.definition.receiver else "&self"
        return Handle(name, let, "shared", f"{counted[1]}::downgrade({borrowed})", of)
    typed = let.label or body.definition.type_of(of)
    weak = f"{of}.downgrade()"
    if re.search(r"\bWeak", typed):
        return None
    source = body.let_of(of, let.start)
    if source is not None and source is not let and source.parts[0] is not None:
        typed = typed or source.label
        before = handle(body, source)
        if before is not None:
            return Handle(name, let, before.whose, weak, of)
        if re.match(r"cx\.(?:new|add|build)_?(?:view|model|window)?\(", body.flat(source.parts[0])):
            return Handle(name, let, "other", weak, of)
    if re.match(rf"&?(?:mut )?(?:\w+::)*{_HANDLE}", typed):
        return Handle(name, let, "other", weak, of)
    return None


def _weak_of_own(flat: str) -> str:
    if flat.startswith(("cx.view()", "cx.model()")):
        return f"{flat.removesuffix('.clone()')}.downgrade()"
    return "cx.weak_handle()" if "handle" in flat else "cx.weak_entity()"


# Where a closure goes


def _stored(body: Body, closure: N) -> None:
    """A closure that outlives the call: put in a member, given to a setter, to a constructor, to a subscription."""
    place, sink = _sink(body, closure)
    if place == "":
        return
    for it in _handles(body, closure):
        if place == "subscription":
            _subscribed(body, closure, sink, it)
        elif it.whose == "own" or (it.whose == "shared" and place == "put in self"):
            _report(body, closure, it, _WHERE[place].format(method(sink) or "it"), "high")


_WHERE: Final = {
    "setter": "stored by {}()",
    "constructor": "stored in what {}() makes",
    "member": "stored in a member",
    "put in self": "stored in the object by {}()",
}


def _sink(body: Body, closure: N) -> tuple[str, N]:
    """Where a closure is put for good, and by which node; "" for nowhere that is known."""
    node = closure
    for parent in body.around(closure):
        if parent.kind == "block" and parent.parts and parent.parts[-1] is node:
            node = parent
            continue
        if parent.kind == "call" and _WRAPS.fullmatch(body.flat(parent.first)) and node is not parent.first:
            node = parent
            continue
        if parent.kind == "call" and node is not parent.first:
            return _given(body, parent), parent
        if parent.kind == "member":
            return "member" if _in_constructor(body) and _kept(body, parent) else "", parent
        if parent.kind == "assign" and parent.text == "=" and parent.parts[1] is node:
            return "member" if body.flat(parent.first).startswith("self.") else "", parent
        break
    return "", closure


def _given(body: Body, call: N) -> str:
    """What a call does with a closure that it is given."""
    name = method(call)
    if call.first.kind == "field":
        if _SUBSCRIBES.fullmatch(name):
            return "subscription"
        if name.startswith("set_"):
            return "setter" if _in_constructor(body) else ""
        if name in ("insert", "push", "push_back", "replace"):
            root = list(chain(receiver(call)))[-1]
            return "put in self" if _of_self(body, root, call.start) else ""
        return ""
    if name == "new" or re.match(r"new_|with_|from_", name):
        return "constructor" if _in_constructor(body) and _kept(body, call) else ""
    return ""


def _in_constructor(body: Body) -> bool:
    """Whether this function makes the object, or a part that it is given out as."""
    returns = body.definition.returns
    context = next((each.type for each in body.definition.parameters if "Context<" in each.type), "")
    return "Self" in returns or ("Context<" in context and re.search(_HANDLE, returns) is not None)


def _kept(body: Body, node: N) -> bool:
    """Whether what a node makes becomes a member: directly, or by the name that it is given."""
    let: N | None = None
    for parent in body.around(node):
        if parent.kind == "member" or (parent.kind == "struct" and parent.text):
            return True
        if parent.kind == "call" and re.match(r"(?:Self|[A-Z]\w*)$", body.flat(parent.first)):
            return True  # a tuple struct
        if parent.kind == "assign":
            return body.flat(parent.first).startswith("self.")
        if parent.kind == "let":
            let = parent
            break
        if parent.kind in ("statement", "closure", "block"):
            return False
    if let is None or len(let.names) != 1:
        return False
    name = let.names[0]
    return any(
        member.kind == "member" and (value := bare(member.parts[0])) is not None and value.text == name
        for member in body.nodes
        if member.start > let.end and member.kind == "member"
    )


def _of_self(body: Body, root: N, before: int) -> bool:
    """Whether a place belongs to this object: `self`, or a guard that was taken from it."""
    if root.kind != "name":
        return False
    if root.text == "self":
        return True
    value = body.value_of(root.text, before)
    if value is None:
        return False
    last = list(chain(value))[-1]
    return last.kind == "name" and last.text == "self"


def _subscribed(body: Body, closure: N, call: N, it: Handle) -> None:
    """A callback of a subscription that nobody holds captures what it was taken on, or any entity for ever."""
    around = body.parents.get(id(call))
    outer = body.parents.get(id(around)) if around is not None else None
    if around is None or around.kind != "field" or around.text != "detach" or outer is None:
        return
    name = method(call)
    target = bare(call.parts[1]) if len(call.parts) > 1 else None
    if name.startswith("observe_global") and it.whose != "shared" and body.definition.owner:
        _report(body, closure, it, f"kept by {name}() for as long as the program runs", "high")
    elif target is not None and target.kind == "name" and target.text in (it.of, it.name):
        _report(body, closure, it, f"kept by the subscription to {it.of or it.name} itself", "high")


def _report(body: Body, closure: N, it: Handle, where: str, confidence: Confidence) -> None:
    value = it.made.first
    uses = tuple(
        body.module.at(node)
        for node in closure.walk()
        if node.kind == "name" and node.text == it.name and node.start != closure.start
    )
    inside = body.module.at(closure.first)
    intent = Intent(
        DOWNGRADE,
        body.module.at(value),
        it.name,
        f"capture {it.name} weakly",
        {"name": it.name, "weak": it.weak},
        (inside, *uses),
        why="a weak handle does not keep its object; when it is gone there is nothing to do",
    )
    line = body.line(closure)
    whom = "the object" if it.whose != "other" else it.of or it.name
    body.report(
        RULE,
        it.made,
        it.name,
        f"the closure in line {line} holds {whom} for ever: it is {where}",
        (Step(body.line(it.made), "a strong handle"), Step(line, f"captured by a closure, {where}")),
        confidence=confidence,
        intents=(intent,),
    )


# Tasks


def _spawned(body: Body, closure: N) -> None:
    """`cx.spawn(|this, cx| async move { while let Some(x) = rx.next().await { this.update(..) } })`."""
    call = body.parents.get(id(closure))
    if call is None or method(call) not in ("spawn", "spawn_in") or len(closure.names) < 2:
        return
    this = closure.names[0]
    if not holds_strongly(closure, this, strong_tasks(body.module)):
        return
    loop = endless(body, closure, this)
    if loop is not None:
        message = "this task holds its object for ever: it ends only when what it waits for ends"
        last = Step(body.line(loop), "the loop goes on, and the object with it")
    elif rearms(body, closure, this):
        message = "this timer holds its object for ever: each time it fires it starts the next"
        last = Step(body.line(closure), "what it calls starts it anew")
    else:
        return
    intent = Intent(
        DOWNGRADE,
        body.module.at(call),
        this,
        f"give the task a weak {this}",
        {"name": this, "weak": "spawn_weak", "task": "yes"},
        (body.module.at(closure.first),),
        why="the task upgrades it for each round and ends when the object is gone",
    )
    body.report(
        RULE,
        call,
        this,
        message,
        (Step(body.line(call), f"{this} is a strong handle"), last),
        intents=(intent,),
    )


_TASKS: Final = re.compile(r"\b(?:Task|JoinHandle|AbortHandle|RemoteHandle)\b")


def _kept_tasks(body: Body) -> None:
    """`let task = Self::run(this.clone()); this.state.lock().replace(State { task })`: a task kept by what it holds."""
    for name, lets in body.lets.items():
        for let in lets:
            if let.kind != "let" or not re.match(
                r"(?:Arc|Rc)::new\((?:Self|\w+)[{(:]", body.flat(let.parts[0])
            ):
                continue
            for given, task in _given_to_tasks(body, name, let):
                if (kept := _put_into(body, name, task)) is not None:
                    _report_kept(body, name, given, task, kept)


def _given_to_tasks(body: Body, name: str, let: N) -> Iterator[tuple[N, N]]:
    """The clones of a counted object that are given to a task, each with the `let` that holds the task."""
    for call in body.calls:
        if call.start < let.end or not re.fullmatch(
            rf"{name}\.clone\(\)|(?:Arc|Rc)::clone\(&{name}\)", body.flat(call)
        ):
            continue
        made = body.parents.get(id(call))
        holder = body.parents.get(id(made)) if made is not None else None
        if made is None or made.kind != "call" or holder is None or holder.kind != "let":
            continue
        called = method(made)
        known = next((each for each in body.module.functions if each.name == called), None)
        if known is not None and not known.asynchronous and _TASKS.search(known.returns):
            yield call, holder


def _put_into(body: Body, name: str, task: N) -> N | None:
    """Where a task, or what it became part of, is put into the object."""
    carried = set(task.names)

    def carries(nodes: Iterable[N]) -> bool:
        return any(each.kind == "name" and each.text in carried for node in nodes for each in node.walk())

    for node in body.nodes:
        if node.kind == "let" and node.end > task.end and node.parts[0] is not None and carries([node.first]):
            carried |= set(node.names)
        if node.start < task.end:
            continue
        if node.kind == "call" and method(node) in ("replace", "insert", "push", "set", "store"):
            last = list(chain(receiver(node)))[-1:]
            if last and last[0].text == name and carries(node.all()[1:]):
                return node
        if node.kind == "assign" and list(chain(node.first))[-1].text == name and carries(node.all()[1:]):
            return node
    return None


def _report_kept(body: Body, name: str, given: N, task: N, kept: N) -> None:
    counted = "Rc" if re.search(rf"\b{name}\s*=\s*Rc::", body.text(body.root)) else "Arc"
    intent = Intent(
        DOWNGRADE,
        body.module.at(given),
        name,
        f"give the task a weak {name}",
        {"name": name, "weak": f"{counted}::downgrade(&{name})", "task": "yes"},
        why="the object keeps the task, so the task may not keep the object",
    )
    body.report(
        RULE,
        given,
        name,
        f"{task.names[0]} holds {name}, which keeps {task.names[0]}: neither ever goes",
        (
            Step(body.line(given), "the task gets a strong handle"),
            Step(body.line(kept), f"and is stored in {name}"),
        ),
        intents=(intent,),
    )
