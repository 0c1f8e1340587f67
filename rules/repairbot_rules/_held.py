"""What the rules of "held and not released" share: words, witnesses and intents of an acquisition."""

from __future__ import annotations

import re
from dataclasses import replace

from repairbot.analyses.facts import Leak, Way
from repairbot.lifetimes.intents import NAME_AND_RELEASE, RELEASE_BEFORE, RELEASE_ON_ERROR, RELEASE_ON_EXIT
from repairbot.lifetimes.ops import Intent, Op, Resource
from repairbot.model import Confidence, Span, Step
from repairbot.rule import Report

_DONE = {
    "free": "freed",
    "destroy": "destroyed",
    "deinit": "deinitialized",
    "close": "closed",
    "aclose": "closed",
    "disconnect": "disconnected",
    "stop": "stopped",
    "shutdown": "shut down",
    "terminate": "terminated",
    "quit": "ended",
    "logout": "ended",
    "cleanup": "removed",
    "unlink": "removed",
    "remove": "removed",
    "rmtree": "removed",
    "cancel": "cancelled",
    "join": "joined",
    "wait": "waited for",
}


_TAKEN = {"socket": "sock"}
"""Names that would hide a module of the same name."""


def done(resource: Resource) -> str:
    """What has not happened, as a participle: "closed", "shut down", "released"."""
    text = resource.release[0] if resource.release else ""
    calls = re.findall(r"(\w+)\((?!\{\}\) \|)", text) or [text.rpartition(".")[2]]
    name = calls[-1]
    return _DONE.get(name, _DONE.get(name.removeprefix("a"), "released"))


def release_args(resource: Resource) -> dict[str, str]:
    """The arguments of the intents that release."""
    return {
        "release": resource.release[0] if resource.release else ".close",
        "scope": resource.scope,
        "asynchronous": "yes" if resource.asynchronous else "",
        **({"guarded": "yes"} if resource.guarded else {}),
    }


def waits(resource: Resource) -> bool:
    """Whether releasing only waits for its end, which may never come by itself."""
    return resource.release[:1] in ((".wait",), (".join",))


def release_line(resource: Resource, place: str) -> str:
    """The statement that releases a place."""
    release = resource.release[0] if resource.release else ".close"
    if "{}" in release:
        call = release.replace("{}", place)
    elif release.startswith("."):
        call = f"{place}{release}" if release.endswith(")") else f"{place}{release}()"
    else:
        call = f"{release}({place})"
    return f"await {call}" if resource.asynchronous else call


def _named(leak: Leak) -> str:
    inside = leak.place.endswith("[]")
    return f"what {leak.place[:-2]} holds" if inside else leak.place


def _on_errors(leak: Leak) -> bool:
    """Whether only errors leave it behind."""
    return all(way.kind == "error" for way in leak.ways)


def _args(leak: Leak) -> dict[str, str]:
    """The arguments of the intents that release, with those for what the value holds."""
    args = release_args(leak.resource)
    if leak.holds is not None:
        args["elements"] = leak.holds.resource.release[0]
        args["elements on"] = "error" if _on_errors(leak.holds) else ""
    return args


def _alone(intent: Intent) -> Intent:
    """The same for the value itself, without what it holds."""
    return replace(intent, args={name: text for name, text in intent.args.items() if "elements" not in name})


def on_exit(leak: Leak) -> Intent:
    """Release it on every way out, right behind the acquisition."""
    return Intent(
        RELEASE_ON_EXIT,
        leak.acquired.at,
        leak.place,
        f"release {_named(leak)} on every way out",
        _args(leak),
        statements(leak.releases),
    )


def on_error(leak: Leak) -> Intent:
    """Release it when a step fails before it has another owner."""
    failing = [way.failing for way in leak.ways if way.failing is not None]
    return Intent(
        RELEASE_ON_ERROR,
        leak.acquired.at,
        leak.place,
        f"release {_named(leak)} when a later step fails",
        _args(leak),
        statements(failing),
        owners=owners(leak),
    )


def owners(leak: Leak) -> tuple[Span, ...]:
    """The statements that give the value to another owner, a return apart."""
    return statements([*(op for op in leak.escapes if op.detail != "returned"), *leak.moves])


def before_exits(leak: Leak) -> tuple[Intent, ...]:
    """A release before the first exit that forgets it; later ones are found again afterwards."""
    exits = [way for way in leak.ways if way.exit is not None and way.kind in ("return", "loop")]
    return tuple(
        Intent(
            RELEASE_BEFORE,
            leak.acquired.at,
            leak.place,
            f"release {leak.place} before it leaves at line {way.at_line}",
            release_args(leak.resource),
            (way.exit,),
        )
        for way in exits[:1]
        if way.exit is not None
    )


def named(leak: Leak, on: str = "") -> Intent:
    """Give the nameless value a name, and release it on every way out (`on` "error": when a later step fails)."""
    at = leak.acquired.expression or leak.acquired.at
    name = leak.resource.what.split()[-1].lower()
    args = {**release_args(leak.resource), "name": _TAKEN.get(name, name)}
    if on:
        args["on"] = on
    return Intent(NAME_AND_RELEASE, at, leak.place, f"name the {leak.resource.what} and release it", args)


def statements(ops: tuple[Op, ...] | list[Op]) -> tuple[Span, ...]:
    """Where these operations stand, each statement once."""
    return tuple(dict.fromkeys(op.at for op in ops))


_GIVEN = frozenset({"returned", "stored", "passed", "captured"})


def owned_elsewhere(leak: Leak) -> bool:
    """Another owner gets the value on some path."""
    return any(op.detail in _GIVEN for op in leak.escapes) or bool(_taken(leak))


_OVER = frozenset({"emptied", "closed already"})
"""Words of front ends for a value that is still there, with nothing left in it to release."""


def _taken(leak: Leak) -> dict[Span, str]:
    """The statements in which somebody takes the value over who will release it (`os.fdopen(descriptor)`)."""
    return {op.at: op.other for op in leak.escapes if op.detail == "kept" and op.other not in _OVER}


def worst(leak: Leak) -> Way:
    """The way to show: a return before an error, the first of them."""
    order = {"return": 0, "overwritten": 1, "loop": 2, "error": 3}
    return min(leak.ways, key=lambda way: (order[way.kind], way.at_line))


def failing_step(way: Way) -> str:
    """The words for what fails on a way ("fetch() raises"), or ""."""
    note = way.steps[1].note if way.failing is not None and len(way.steps) > 1 else ""
    if note == "raise":
        return f"it raises at line {way.at_line}"
    note = note.replace(" can fail", " fails")
    return note.replace(" can raise", " raises").replace("await can be", "it is").replace(" can be ", " is ")


def _twice(taker: str) -> str:
    who = taker if " " in taker else f"{taker}() owns it from then on"
    return f"{who}: it must not be released twice"


def report(
    leak: Leak,
    message: str,
    way: Way,
    intents: tuple[Intent, ...],
    confidence: Confidence | None = None,
    refusals: tuple[str, ...] = (),
    evidence: tuple[Step, ...] = (),
) -> Report:
    """The report of a leak with one way as its witness.

    What has become an element of something is released one by one, where that ends. Where somebody who saw it may
    own it, its release is a choice.
    """
    taken = _taken(leak)
    fitting = tuple(it for it in intents if it.do != RELEASE_ON_EXIT and not taken.keys() & set(it.spans))
    if taken and fitting != intents:
        intents = fitting
        refusals = (*refusals, _twice(next(iter(taken.values()))))
    if leak.place.endswith("[]"):
        message = message.replace(leak.place, f"what {leak.place[:-2]} holds")
        intents = (on_error(leak) if _on_errors(leak) else on_exit(leak),)
    elif leak.holds is not None:
        intents = (*intents, *(_alone(intent) for intent in intents if "elements" in intent.args))
    elif leak.place.startswith("%"):
        message = message.replace(leak.place, f"this {leak.resource.what}")
    if leak.shown and leak.confidence == "low":
        keeps = f"that nobody keeps {_named(leak)}"
        intents = tuple(replace(each, safety="unsafe", choice=keeps) for each in intents)
    return Report(
        leak.acquired.at,
        leak.function,
        "" if leak.place.startswith("%") else leak.place,
        message,
        way.steps,
        evidence=evidence,
        confidence=confidence or leak.confidence,
        severity=leak.resource.severity,
        intents=intents,
        refusals=refusals,
    )
