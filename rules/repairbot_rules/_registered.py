"""What the rules of "registered and not removed" share: intents for the undoing, and reports of idioms."""

from __future__ import annotations

from collections.abc import Iterator

from repairbot.analyses.facts import Facts, Registered
from repairbot.lifetimes.intents import ADD_TO_TEARDOWN, CLEAR_BEFORE_SET
from repairbot.lifetimes.ops import Intent, Registration
from repairbot.model import Impact
from repairbot.rule import Report


def problems(facts: Facts, what: str, *wanted: str) -> Iterator[Registered]:
    """The registrations of one kind that have one of these problems."""
    for it in facts.registration:
        if it.registration.what == what and it.problem in wanted:
            yield it


def idioms(facts: Facts, name: str) -> Iterator[Report]:
    """A report for each idiom that the language's folder recognised under this rule's id."""
    for idiom in facts.unit.idioms:
        if idiom.name == name:
            yield Report(
                idiom.at,
                idiom.symbol,
                idiom.place,
                idiom.message,
                idiom.steps,
                idiom.evidence,
                idiom.confidence,
                intents=idiom.intents,
                refusals=()
                if idiom.intents
                else (idiom.refusal or "where it should be dropped is not decided in this file",),
            )


def report(
    it: Registered,
    variable: str,
    message: str,
    intents: tuple[Intent, ...],
    refusal: str = "",
    growth: str = "",
) -> Report:
    """The report of one registration; `refusal` stands where there is no intent, `growth` says what each costs."""
    registration = it.registration
    refusals = (refusal,) if refusal and not intents else ()
    return Report(
        registration.at,
        registration.symbol,
        variable,
        message,
        it.steps,
        it.evidence,
        it.confidence,
        intents=intents,
        refusals=refusals,
        impact=Impact(growth, "unbounded" if growth else "", "none left" if growth and intents else ""),
    )


def end_in_teardown(it: Registered, place: str, end: str) -> tuple[Intent, ...]:
    """Call `end` (".cancel") on the handle in the teardown, if the handle is there at all times."""
    registration = it.registration
    if not it.teardown or not registration.preset:
        return ()
    line = _ending(registration, place, end)
    title = f"end it in {it.teardown}()"
    args = {"container": registration.owner, "method": it.teardown, "line": line, "after": "", "early": "yes"}
    sure = it.teardown in _FINAL
    return (
        Intent(
            ADD_TO_TEARDOWN,
            registration.at,
            place,
            title,
            args,
            safety="safe" if sure else "unsafe",
            choice="" if sure else f"{it.teardown}() ends {place} for good",
        ),
    )


_FINAL = (
    "close",
    "aclose",
    "async_close",
    "shutdown",
    "async_shutdown",
    "disconnect",
    "__exit__",
    "__aexit__",
    "stop",
    "dispose",
    "destroy",
    "ngOnDestroy",
    "componentWillUnmount",
    "disconnectedCallback",
    "terminate",
    "toDisposable",
)
"""Teardowns behind which an object does nothing more by itself."""


def _ending(registration: Registration, place: str, end: str) -> str:
    """The lines that end what a handle stands for, whatever it holds by then."""
    tests = [f"{place} is not None"] if registration.optional else []
    if registration.alive:
        tests.append(f"{place}{registration.alive}")
    call = f"{place}{end}()" if end.startswith(".") else f"{end}({place})"
    return f"if {' and '.join(tests)}:\n\t{call}" if tests else call


def end_before_set(registration: Registration) -> Intent:
    """End what the handle stands for before it gets a new one."""
    return Intent(
        CLEAR_BEFORE_SET,
        registration.statement,
        registration.handle,
        "cancel the one before",
        {"lines": _ending(registration, registration.handle, registration.remove)},
        safety="unsafe",
        choice="the earlier timer no longer fires",
    )
