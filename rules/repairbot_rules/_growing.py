"""What the rules of growth share: words, witnesses and intents of a collection that grows."""

from __future__ import annotations

import re
from dataclasses import replace

from repairbot.analyses.facts import Bound, Growing
from repairbot.lazily import regex
from repairbot.lifetimes.intents import BOUND_DEQUE, INSERT_AFTER, TRIM_AFTER, WEAK
from repairbot.lifetimes.ops import Event, Idiom, Intent, Kind
from repairbot.model import Impact, Settings, Severity, Step
from repairbot.rule import Report

_LISTS = frozenset({"append", "extend", "+="})
_HELD = regex(r"(?i)client|connection|conn\b|conns\b|socket|session\(|open\(|process\b|executor|pool")
"""Values that somebody has to close."""
_DICTS = frozenset({"setitem", "set empty", "setdefault"})


def place(fact: Growing) -> str:
    """The collection as a reader of the class names it."""
    name = fact.member.name
    if fact.container.kind == "module":
        return name
    return f"{fact.container.name}.{name}" if fact.shared else f"{fact.container.this}.{name}"


def symbol(fact: Growing, event: Event) -> str:
    """The function in which an event stands."""
    if fact.container.kind == "module" or "." in event.method:
        return event.method or fact.container.name
    return f"{fact.container.name}.{event.method}" if event.method else fact.container.name


def configured(settings: Settings, rule: str) -> int:
    """The bound to use where the code names none."""
    return settings.bounds.get(rule, settings.bounds.get("default", 1000))


def chosen(fact: Growing, settings: Settings, rule: str) -> Bound:
    """The best bound there is: one that the code names, else the configured one."""
    if fact.bounds:
        return fact.bounds[0]
    count = configured(settings, rule)
    return Bound(str(count), "configured", Step(0, "nothing in the code names a bound"), False)


def report(fact: Growing, settings: Settings, rule: str) -> Report:
    """The report of one growing collection."""
    event = fact.grows[0]
    bound = chosen(fact, settings, rule)
    intents, refusals = repairs(fact, bound)
    return Report(
        at=event.at,
        symbol=symbol(fact, event),
        variable=place(fact),
        message=message(fact),
        witness=witness(fact),
        evidence=evidence(fact, bound),
        confidence=fact.confidence,
        severity=severity(fact),
        intents=intents,
        refusals=refusals,
        impact=impact(fact, bound) if intents else impact(fact, None),
    )


def severity(fact: Growing) -> Severity:
    """High where growth is sure; what is persisted loses data when it is trimmed, and is medium."""
    if fact.persisted:
        return "medium"
    return "high" if fact.confidence == "high" else "medium"


def message(fact: Growing) -> str:
    """One sentence: what grows, where, and what does not help."""
    methods = sorted({event.method.rpartition(".")[2] for event in fact.grows})
    where = " and ".join(f"{method}()" for method in methods[:2]) or "the module"
    text = f"{place(fact)} grows in {where}"
    if fact.ends is not None and fact.removal == "none":
        return f"{text}, and {fact.ends.method}() leaves the key of what is gone"
    if fact.removal == "partial":
        return f"{text}: {fact.why}"
    if fact.persisted:
        return f"{text} and is saved whole each time"
    return f"{text} and is never shrunk"


def witness(fact: Growing) -> tuple[Step, ...]:
    """Where it is made and where it grows."""
    made = next((event for event in fact.member.of(Kind.INIT)), None)
    steps = [Step(event.at.line, "grows here") for event in fact.grows[:3]]
    if made is not None and made.at.line != steps[0].line:
        steps.insert(0, Step(made.at.line, "made"))
    if fact.ends is not None:
        steps.append(Step(fact.ends.at.line, "read for the last time, not removed"))
    return tuple(steps)


def evidence(fact: Growing, bound: Bound) -> tuple[Step, ...]:
    """Why it counts as a leak, and where the bound comes from."""
    steps = list(fact.evidence)
    if fact.removal == "partial":
        removal = next(iter(fact.member.of(Kind.SHRINK, Kind.CLEAR)), None)
        if removal is not None:
            steps.append(Step(removal.at.line, "the removal there is"))
    if fact.key in ("per-request", "instance"):
        steps.append(Step(fact.grows[0].at.line, f"its keys ({_short(fact.grows[0].key)}) come and go"))
    if bound.source != "configured":
        steps.append(bound.evidence)
    return tuple(steps)


def impact(fact: Growing, bound: Bound | None) -> Impact:
    """The cost as a formula."""
    method = fact.grows[0].method.rpartition(".")[2]
    entries = f"one entry a call of {method}()" if method else "one entry each time"
    what = (
        f" × the size of {_short(fact.grows[0].argument)}"
        if re.fullmatch(r"[\w.]+", fact.grows[0].argument)
        else ""
    )
    keys = ", and as many lists as there are keys" if fact.per_key and fact.grows[0].key else ""
    if bound is None:
        after = ""
    elif fact.ends is not None or fact.weak:
        after = "what is in use"
    else:
        after = f"at most {_thousands(bound.text)}{_each(fact)}{keys}"
    return Impact(f"{entries}{what}", "unbounded", after)


def _short(text: str) -> str:
    line = text.partition("\n")[0]
    return line if len(line) <= 40 else f"{line[:37]}..."


def _each(fact: Growing) -> str:
    return f" for each {_short(fact.grows[0].key)}" if fact.per_key and fact.grows[0].key else ""


def repairs(fact: Growing, bound: Bound) -> tuple[tuple[Intent, ...], tuple[str, ...]]:
    """The repairs to try, cheapest first; or why none is offered."""
    if fact.persisted:
        return (), ("it is saved and loaded again, so trimming loses data: move old entries to an archive",)
    if fact.removal == "partial" and fact.why.startswith("it is filled"):
        return (), ("the removal must name the same key",)
    if fact.ends is not None and fact.removal == "none":
        return (_pop_at_end(fact, fact.ends),), ()
    if fact.weak:
        return (_weak(fact),), ()
    if bound.source == "configured" and (beside := _beside(fact)) is not None:
        return (beside,), ()
    if bound.source == "configured" and (needed := _needed(fact)):
        return (), (needed,)
    intents = []
    if fact.deque_ok and (not fact.per_key or bound.scope):
        intents.append(_deque(fact, bound))
    if bound.scope:
        if intents:
            return tuple(intents), ()
        return (), (
            f"{bound.text} has this name in {bound.scope}() alone, and a deque does not fit every use",
        )
    if any(_HELD.search(f"{event.argument} {fact.member.name}") for event in fact.grows):
        return tuple(intents), ("what is dropped would have to be closed, too",)
    trim = _trim(fact, bound)
    if isinstance(trim, Intent):
        intents.append(trim)
        return tuple(intents), ()
    return tuple(intents), () if intents else (trim,)


_WAITING = regex(r"(?i)waiter|waiting|future|pending|promise|deferred")
_THREADS = regex(r"ident\(\)$|current_thread\(\)$")


def _needed(fact: Growing) -> str:
    """Why the oldest entry may not simply be dropped, "" where that may be for the user to choose."""
    if _WAITING.search(fact.member.name):
        return "whoever waits for an entry that is dropped would wait for ever"
    if any(_THREADS.search(event.key) for event in fact.grows):
        return "each entry belongs to a thread that may still run: remove it when the thread ends"
    for event in fact.member.of(Kind.READ):
        if event.detail == "iterate" and event.method in fact.container.teardowns:
            return (
                f"{event.method}() ends each entry (line {event.at.line}): dropping one would leave it open"
            )
    return ""


def _words(fact: Growing, bound: Bound) -> tuple[str, str, str]:
    """Title, choice, why."""
    title = f"keep the last {_thousands(bound.text)}{_each(fact)}"
    where = f" (line {bound.evidence.line})" if bound.evidence.line else ""
    why = f"{bound.evidence.note}{where}"
    if bound.safe:
        return title, "", why
    if bound.source == "readers":
        return title, f"{why}; its length is read, too, and stops at {_thousands(bound.text)}.", why
    start = f"{why[0].upper()}{why[1:]}. "
    return title, f"{start}This keeps the last {_thousands(bound.text)} and drops the oldest.", why


def _thousands(text: str) -> str:
    return f"{int(text):,}" if text.isdigit() else text


def _deque(fact: Growing, bound: Bound) -> Intent:
    title, choice, why = _words(fact, bound)
    made = fact.member.of(Kind.INIT)[0]
    return Intent(
        BOUND_DEQUE,
        made.at,
        place(fact),
        title,
        {"bound": bound.text},
        safety="safe" if bound.safe else "unsafe",
        choice=choice,
        why=why,
    )


def _trim(fact: Growing, bound: Bound) -> Intent | str:
    kinds = {_shape(fact, event) for event in fact.grows}
    if len(kinds) != 1 or "" in kinds:
        return "it grows in a way that has no oldest entry to drop"
    kind = kinds.pop()
    targets = [_target(event) for event in fact.grows]
    if not all(targets) or any(event.statement is None for event in fact.grows):
        return "there is no place behind the growth for a trim"
    title, choice, why = _words(fact, bound)
    if kind == "list" and (sliced := _sliced(fact)):
        why += f"; trimmed, not a deque, because line {sliced} slices"
    safe = bound.safe and kind == "list"
    return Intent(
        TRIM_AFTER,
        fact.grows[0].at,
        place(fact),
        title,
        {"target": "\n".join(targets), "bound": bound.text, "kind": kind},
        tuple(event.statement for event in fact.grows if event.statement is not None),
        safety="safe" if safe else "unsafe",
        choice=choice or ("" if safe else f"This drops the oldest beyond {_thousands(bound.text)}."),
        why=why,
    )


def _sliced(fact: Growing) -> int:
    """The line where somebody slices the list, 0 for none."""
    depth = fact.grows[0].depth
    slices = (e for e in fact.member.of(Kind.READ) if e.depth == depth and e.detail in ("last", "slice"))
    return next((event.at.line for event in slices), 0)


def _shape(fact: Growing, event: Event) -> str:
    if event.how in _LISTS and (fact.kind == "list" or fact.per_key) and "set" not in fact.kind:
        return "list"
    if (
        event.how in _DICTS
        and event.depth == 0
        and fact.kind.startswith(("dict", "OrderedDict", "defaultdict"))
    ):
        return "OrderedDict" if fact.kind == "OrderedDict" else "dict"
    return ""


def _target(event: Event) -> str:
    """The collection as it can be written behind the growth."""
    made = re.fullmatch(r"(.*)\.setdefault\(.*\)", event.target, re.DOTALL)
    if made is not None:
        return f"{made[1]}[{event.key}]"
    return event.target if re.fullmatch(r"[\w.]+(?:\[[^\n]*\])?", event.target) else ""


def _weak(fact: Growing) -> Intent:
    inits = fact.member.of(Kind.INIT)
    locks = all("Lock(" in event.argument or "Semaphore(" in event.argument for event in fact.grows)
    choice = "" if locks else "An entry goes when nothing else holds its object any more."
    return Intent(
        WEAK,
        inits[0].at,
        place(fact),
        f"hold them weakly ({fact.weak})",
        {"type": fact.weak},
        tuple(event.at for event in inits[1:]),
        safety="safe" if locks else "unsafe",
        choice=choice,
        why="whoever uses an entry holds it himself"
        if locks
        else "others like it in this class are held weakly",
    )


def _pop_at_end(fact: Growing, end: Event) -> Intent:
    head = fact.grows[0].target.partition("[")[0]
    statement = end.statement if end.statement is not None else end.at
    return Intent(
        INSERT_AFTER,
        statement,
        place(fact),
        f"remove the key in {end.method}()",
        {"lines": _drop(fact, head, end.key)},
        (statement,),
        why=f"{end.method}() is called when {end.key} goes, and reads it last",
    )


def _beside(fact: Growing) -> Intent | None:
    """The key goes where it is read for the last time and a sibling that is filled under it loses it."""
    if fact.container.this != "this":
        return None
    filling = {event.method for event in fact.grows}
    for read in fact.member.of(Kind.READ):
        if read.detail != "key" or not read.key or read.method in filling:
            continue
        siblings = [
            event
            for name, other in fact.container.members.items()
            if name != fact.member.name
            for event in other.of(Kind.SHRINK)
            if event.method == read.method and event.key == read.key and event.how in ("del", "discard")
        ]
        sibling = max(
            (e for e in siblings if e.at.start < read.at.start), key=lambda e: e.at.start, default=None
        )
        if sibling is not None:
            head = (read.target or fact.grows[0].target).partition("[")[0]
            return Intent(
                INSERT_AFTER,
                sibling.at,
                place(fact),
                f"delete the key in {read.method}(), where its sibling's goes",
                {"lines": _drop(fact, head, read.key)},
                (sibling.statement or sibling.at, read.at),
                why=f"line {sibling.at.line} deletes the same key, and line {read.at.line} reads this one last",
                safety="unsafe",
                choice=f"nothing may ask for {read.key} once {read.method}() has seen it",
            )
    return None


def _drop(fact: Growing, head: str, key: str) -> str:
    """The statement that takes a key out."""
    if fact.container.this == "self":
        return f"{head}.pop({key}, None)"
    made = next(iter(fact.member.of(Kind.INIT)), None)
    return (
        f"{head}.delete({key})"
        if made is not None and made.argument.startswith("new Map")
        else f"delete {head}[{key}]"
    )


def of_idiom(idiom: Idiom, settings: Settings) -> Report:
    """The report of what the language's folder recognised; a bound that it leaves open is the configured one."""
    count = configured(settings, idiom.name)
    return Report(
        at=idiom.at,
        symbol=idiom.symbol,
        variable=idiom.place,
        message=idiom.message,
        witness=idiom.steps,
        evidence=idiom.evidence,
        confidence=idiom.confidence,
        intents=tuple(_bounded(intent, count) for intent in idiom.intents),
        refusals=(idiom.refusal,) if idiom.refusal and not idiom.intents else (),
    )


def _bounded(intent: Intent, count: int) -> Intent:
    if intent.args.get("bound") != "":
        return intent
    choice = f"Nothing in the code names a bound. This keeps {count:,}: {intent.choice}."
    return replace(intent, args={**intent.args, "bound": str(count)}, choice=choice)
