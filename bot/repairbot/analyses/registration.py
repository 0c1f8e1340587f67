"""What was started or registered and does not end with its owner.

A registration alone proves nothing: the target may die first, or the whole process may be meant. Each problem
here stands on evidence: a teardown that undoes the siblings and not this, a removal that names something
else, a handle that nobody can reach again, a target that is known to live longer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from repairbot.analyses.facts import Registered
from repairbot.lazily import regex
from repairbot.lifetimes.ops import Container, Registration, Removal, Unit
from repairbot.model import Confidence, SafePattern, Step

_ENDS = regex(
    r"(?i)destroy|close|dispos|stop|end|clean|detach|remove|unregister|unsub|unmount|disconnect|teardown|shut|off|cancel"
    r"|abort|reset|finish|release|clear|done|exit|quit|leave|unbind|unlisten|deactivate|unload|free|final|kill|drop|undo"
)
"""In the name of a method with which something ends."""


def analyse(unit: Unit) -> tuple[Registered, ...]:
    """The registrations of a file with which something is wrong, in the order of the source."""
    containers = {container.name: container for container in unit.containers}
    found: list[Registered] = []
    for registration in unit.registrations:
        container = containers.get(registration.owner)
        check = {"task": _task, "timer": _timer, "listener": _listener, "hook": _hook}[registration.what]
        siblings = [
            other
            for other in unit.registrations
            if other.owner == registration.owner and other.what == registration.what
        ]
        found += check(registration, container, siblings)
    return tuple(found)


def undone(unit: Unit) -> tuple[SafePattern, ...]:
    """The listeners of a file that are seen to be taken back at the end of their owner's life."""
    found: list[SafePattern] = []
    for it in unit.registrations:
        removal = next(
            (other for other in it.removals if other.teardown and other.handler == it.handler), None
        )
        if it.what == "listener" and removal is not None and it.holds in ("method", "self"):
            reason = (
                f"{it.handler} is removed from {it.target} in {removal.method}() (line {removal.at.line})"
            )
            found.append(SafePattern(unit.path, it.at.line, it.symbol, "listener taken back", reason))
    return tuple(found)


Steps = tuple[Step, ...]


def _task(it: Registration, container: Container | None, _: list[Registration]) -> Iterator[Registered]:
    started = Step(it.at.line, "the task starts here")
    if it.pending:
        again = "and again in each round" if it.looped else "and once more at each call"
        steps: Steps = (
            Step(it.at.line, "made here for one wait"),
            Step(it.statement.end_line, f"left behind here, {again}"),
        )
        yield Registered(it, "uncancelled", steps, container, evidence=it.evidence)
    elif it.resumes:
        steps = (started, Step(it.resumes, "the service runs; behind it nothing cancels the task"))
        sure: Confidence = "high" if it.endless else "medium"
        yield Registered(it, "uncancelled", steps, container, confidence=sure, evidence=it.evidence)
    elif not it.handle:
        lost = "nobody can end it" if it.remove == ".terminate" else "the loop keeps a weak reference only"
        steps = (Step(it.at.line, f"its handle is dropped: {lost}"),)
        yield Registered(it, "dropped", steps, container, it.teardown, it.keeper, "medium", it.evidence)
    elif not it.kept and it.teardown:
        steps = (
            started,
            Step(_line(container, it.teardown, it.at.line), f"{it.teardown}() does not cancel it"),
        )
        sure = "high" if it.endless else "low"
        yield Registered(
            it, "uncancelled", steps, container, it.teardown, confidence=sure, evidence=it.evidence
        )


def _timer(it: Registration, container: Container | None, _: list[Registration]) -> Iterator[Registered]:
    started = Step(it.at.line, "the timer starts here")
    if not it.handle:
        if it.teardown:
            steps: Steps = (
                started,
                Step(it.at.line, "it comes back here for ever, and nothing can reach it"),
            )
            yield Registered(it, "dropped", steps, container, it.teardown, confidence="medium")
    elif not it.kept and it.teardown:
        steps = (
            started,
            Step(_line(container, it.teardown, it.at.line), f"{it.teardown}() does not stop it"),
        )
        sure: Confidence = "high" if it.endless else "low" if it.fading else "medium"
        yield Registered(it, "uncancelled", steps, container, it.teardown, confidence=sure)
    elif it.looped:
        steps = (Step(it.at.line, "a new timer takes the place of one that may still run"),)
        again: Confidence = "medium" if it.preset else "low"  # an object that is not ready for a second start
        yield Registered(it, "overwritten", steps, container, it.teardown, confidence=again)


def _hook(it: Registration, container: Container | None, _: list[Registration]) -> Iterator[Registered]:
    if it.guarded:
        return
    steps: Steps = (
        Step(it.at.line, f"{it.target} holds {it.handler}, and with it the object, until the process ends"),
    )
    sure: Confidence = "high" if it.evidence else "medium" if it.teardown else "low"
    yield Registered(it, "strong", steps, container, it.teardown, confidence=sure, evidence=it.evidence)


def _listener(
    it: Registration, container: Container | None, siblings: list[Registration]
) -> Iterator[Registered]:
    if it.shared and it.holds == "made":
        if not it.guarded and not it.removals and it.method:
            steps: Steps = (Step(it.at.line, "one more at each call; the target keeps them all"),)
            sure: Confidence = (
                "high" if it.telling else "medium" if it.method in ("__init__", "constructor") else "low"
            )
            yield Registered(
                it, "duplicate", steps, container, it.teardown, confidence=sure, evidence=it.evidence
            )
        return
    if it.kept:
        return
    if it.keeper:
        steps = (
            Step(it.at.line, "what would end it is dropped"),
            Step(it.at.line, f"the class keeps others with {it.keeper.partition('(')[0]}()"),
        )
        yield Registered(it, "dropped", steps, container, it.teardown, it.keeper, "high", it.evidence)
        return
    matching = [removal for removal in it.removals if removal.handler == it.handler]
    if it.holds == "throwaway" or not any(removal.key == it.key for removal in matching):
        wrong = next((removal for removal in it.removals if _misses(it, removal, siblings)), None)
        if wrong is not None:
            steps = (
                Step(it.at.line, f"registers {_cut(it.handler)}"),
                Step(wrong.at.line, f"removes {_cut(wrong.handler)}, which is another one"),
            )
            yield Registered(it, "mismatched", steps, container, wrong.method, evidence=it.evidence)
            return
    if matching:
        yield from _keys(it, matching, container, siblings)
        if it.swept and it.holds == "self" and not it.own:
            line = _line(container, it.swept, it.at.line)
            steps = (
                Step(it.at.line, "registers the object"),
                Step(matching[0].at.line, "removed here"),
                Step(line, f"but not when {it.swept}() ends it"),
            )
            yield Registered(
                it, "never-removed", steps, container, it.swept, confidence="medium", evidence=it.evidence
            )
        return
    yield from _never(it, container, siblings)


def _never(
    it: Registration, container: Container | None, siblings: list[Registration]
) -> Iterator[Registered]:
    """Nothing in the container removes this one."""
    if any(not _definite(removal.handler) for removal in it.removals):
        return  # some removal takes handlers out of a variable: it may well be this one
    line = _line(container, it.teardown, it.at.line)
    if it.holds in ("method", "self") and not it.own:
        undone = [
            removal
            for removal in it.removals
            if any(removal.handler == other.handler for other in siblings if other is not it)
        ]
        if undone and (it.outlives or _same_owner(it.target, undone[0].target)):
            steps: Steps = (
                Step(it.at.line, f"registers {it.handler}"),
                Step(undone[0].at.line, f"removes {undone[0].handler} and leaves this one"),
            )
            # Where the object does not end, the others may well be meant to go on listening.
            ends = any(removal.method == it.teardown or _ENDS.search(removal.method) for removal in undone)
            sure: Confidence = "high" if ends else "low"
            yield Registered(
                it, "never-removed", steps, container, undone[0].method, evidence=it.evidence, confidence=sure
            )
        elif it.teardown and not it.removals and ((it.telling and it.outlives) or _deep(it)):
            steps = (
                Step(it.at.line, f"registers {it.handler}"),
                Step(line, f"{it.teardown}() does not remove it"),
            )
            yield Registered(
                it, "never-removed", steps, container, it.teardown, confidence="medium", evidence=it.evidence
            )
    elif it.holds == "throwaway" and it.telling and it.outlives and it.teardown and not it.removals:
        steps = (
            Step(it.at.line, f"registers {_cut(it.handler)}, which no removal can name"),
            Step(line, f"{it.teardown}() does not remove it"),
        )
        yield Registered(
            it, "never-removed", steps, container, it.teardown, evidence=it.evidence, confidence="medium"
        )
    elif it.holds == "made" and not it.removals:
        if it.outlives and it.teardown and "." in it.target:
            steps = (
                Step(it.at.line, f"registers {it.handler}"),
                Step(line, f"{it.teardown}() does not remove it"),
            )
            yield Registered(
                it, "never-removed", steps, container, it.teardown, confidence="medium", evidence=it.evidence
            )
        elif "." in it.handler and _of_self(it.target) and it.looped:
            steps = (Step(it.at.line, "one more at each call, and none is ever taken out"),)
            yield Registered(
                it, "never-removed", steps, container, it.teardown, confidence="medium", evidence=it.evidence
            )


def _keys(
    it: Registration, matching: list[Removal], container: Container | None, siblings: list[Registration]
) -> Iterator[Registered]:
    """The same handler is removed, but under another event."""
    if not _literal(it.key) or any(
        not _literal(removal.key) or removal.key == it.key for removal in matching
    ):
        return
    known = {other.key for other in siblings}
    wrong = next((removal for removal in matching if removal.key not in known), None)
    if wrong is not None:
        steps: Steps = (
            Step(it.at.line, f"registers for {it.key}"),
            Step(wrong.at.line, f"removes for {wrong.key}"),
        )
        yield Registered(it, "mismatched", steps, container, wrong.method, evidence=it.evidence)


def _misses(it: Registration, removal: Removal, siblings: list[Registration]) -> bool:
    """Whether a removal is meant for this registration and names another handler."""
    if removal.target != it.target or removal.key != it.key:
        return False
    if _thrown(removal.handler):
        return True
    if any(
        other.handler == removal.handler and (other.target == it.target or "." not in other.target)
        for other in siblings
    ):
        return False  # it is meant for that one (a local name may well be the same target)
    alone = sum(other.target == it.target and other.key == it.key for other in siblings) == 1
    if it.holds == "throwaway":
        return alone and _of_self(removal.handler)
    local = re.fullmatch(r"[\w$]+", it.handler) and re.fullmatch(r"[\w$]+", removal.handler)
    return alone and it.holds == "method" and bool(local or _definite(removal.handler))


def _thrown(handler: str) -> bool:
    """Whether a handler is made on the spot, and so equals no other."""
    return re.match(r"lambda\b|(functools\.)?partial\(|function\b|[^\n]*(?:=>|\.bind\()", handler) is not None


def _definite(handler: str) -> bool:
    return handler == "self" or re.fullmatch(r"(?:self|this)\.[\w#$]+(?:, this)?", handler) is not None


def _of_self(name: str) -> bool:
    """Whether a name is a member of the object."""
    return name.startswith(("self.", "this."))


def _literal(key: str) -> bool:
    return key[:1] in "\"'" and key != ""


def _deep(it: Registration) -> bool:
    """A list of callbacks inside something that a member of this object leads to."""
    return _of_self(it.target) and it.target.count(".") >= 2 and it.remove in ("remove", "discard")


def _same_owner(one: str, other: str) -> bool:
    return one.partition(".")[0] == other.partition(".")[0] and not _of_self(one)


def _cut(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:37]}..."


def _line(container: Container | None, method: str, default: int) -> int:
    if container is not None and method in container.methods:
        return container.methods[method].line
    return default
