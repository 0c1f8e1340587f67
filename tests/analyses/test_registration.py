"""The registration analysis on the text form alone: which registrations are a problem, and how sure that is."""

from __future__ import annotations

import pytest

from repairbot.analyses import loading, registration
from repairbot.analyses.facts import Registered
from repairbot.lifetimes import text

CLASS = """
container Server class @1-40 teardowns=close
  method start @5-9
  method close @30-33
"""


def analyse(source: str) -> list[Registered]:
    return list(registration.analyse(text.parse(CLASS + source)))


def problem(source: str) -> tuple[str, str] | None:
    """The problem of the first registration and how sure it is; None when there is none."""
    found = analyse(source)
    return (found[0].problem, found[0].confidence) if found else None


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("", ("dropped", "medium")),
        ("pending", ("uncancelled", "high")),
        ("resumes=8 endless", ("uncancelled", "high")),
        ("resumes=8", ("uncancelled", "medium")),
        ("handle=self.task teardown=close endless", ("uncancelled", "high")),
        ("handle=self.task teardown=close", ("uncancelled", "low")),
        ("handle=self.task teardown=close endless kept", None),
        ("handle=self.task endless", None),
    ],
)
def test_tasks(words: str, expected: tuple[str, str] | None) -> None:
    assert (
        problem(f"registration task Server.start @6 owner=Server method=start call=spawn {words}") == expected
    )


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("endless teardown=close", ("dropped", "medium")),
        ("endless", None),
        ("handle=self.timer endless teardown=close", ("uncancelled", "high")),
        ("handle=self.timer teardown=close", ("uncancelled", "medium")),
        ("handle=self.timer teardown=close fading", ("uncancelled", "low")),
        ("handle=self.timer teardown=close kept", None),
        ("handle=self.timer teardown=close kept looped preset", ("overwritten", "medium")),
        ("handle=self.timer teardown=close kept looped", ("overwritten", "low")),
    ],
)
def test_timers(words: str, expected: tuple[str, str] | None) -> None:
    assert problem(f"registration timer Server.start @6 owner=Server method=start {words}") == expected


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("teardown=close", ("strong", "medium")),
        ("", ("strong", "low")),
        ("guarded", None),
    ],
)
def test_hooks(words: str, expected: tuple[str, str] | None) -> None:
    assert problem(f"registration hook Server.start @6 owner=Server handler=self.close {words}") == expected


def test_a_thread_ends_long_before_the_process() -> None:
    hook = "registration hook Server.start @6 owner=Server handler=self.close\n  evidence @1 thread"
    assert problem(hook) == ("strong", "high")


ON = "registration listener Server.start @6 owner=Server method=start holds=method remove=off teardown=close"


def listener(words: str, *removals: str) -> tuple[str, str] | None:
    lines = "".join(f"\n  removal {removal}" for removal in removals)
    return problem(f"{ON} handler=self.one target=bus {words}{lines}")


def test_a_bare_registration_proves_nothing() -> None:
    assert listener("") is None
    assert listener("outlives") is None
    assert listener("telling") is None


def test_a_telling_one_on_what_lives_longer() -> None:
    assert listener("telling outlives") == ("never-removed", "medium")
    assert listener("telling outlives own") is None
    assert listener("telling outlives kept") is None


def test_it_is_removed() -> None:
    assert listener("telling outlives", "close @31 target=bus handler=self.one teardown") is None


def test_the_removal_takes_handlers_out_of_a_variable() -> None:
    assert listener("telling outlives", "close @31 target=bus handler=handler teardown") is None


def test_a_sibling_is_removed_and_this_one_is_not() -> None:
    removal = "removal close @31 target=bus handler=self.two teardown"
    found = analyse(
        f"{ON} handler=self.one target=bus outlives\n  {removal}\n"
        f"{ON} handler=self.two target=bus outlives\n  {removal}\n"
    )
    [it] = found
    assert (it.registration.handler, it.problem, it.teardown) == ("self.one", "never-removed", "close")
    assert [step.line for step in it.steps] == [6, 31]


def test_the_removal_names_another_function() -> None:
    assert listener("", "close @31 target=bus handler=self.two teardown") == ("mismatched", "high")
    assert listener("", "close @31 target=other handler=self.two teardown") is None


def test_the_removal_names_another_event() -> None:
    removal = "close @31 target=bus handler=self.one key=\"'shut'\" teardown"
    assert listener("key=\"'open'\"", removal) == ("mismatched", "high")
    assert listener("key=event", removal) is None


def test_what_is_made_on_the_spot_equals_no_other() -> None:
    shown = '"lambda: 1"'
    words = f"registration listener Server.start @6 owner=Server holds=throwaway handler={shown} target=bus"
    assert problem(f"{words}\n  removal close @31 target=bus handler={shown} teardown") == (
        "mismatched",
        "high",
    )
    assert problem(words) is None


def test_a_teardown_that_speaks_to_the_target_and_does_not_remove() -> None:
    words = "registration listener Server.then @6 owner=Server holds=self handler=self target=self.backend swept=close"
    removal = "  removal done @20 target=self.backend handler=self"
    assert problem(f"{words} outlives\n{removal}") == ("never-removed", "medium")
    assert problem(f"{words} outlives own\n{removal}") is None


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("telling", ("duplicate", "high")),
        ("method=__init__", ("duplicate", "medium")),
        ("method=configure", ("duplicate", "low")),
        ("telling guarded", None),
    ],
)
def test_one_more_at_each_call(words: str, expected: tuple[str, str] | None) -> None:
    method = "" if "method" in words else "method=get_logger"
    words = f"registration listener get_logger @6 shared outlives holds=made handler=handler {method} {words}"
    assert problem(words) == expected


def test_loads_without_a_bound() -> None:
    unit = text.parse("loading query rows @3 call=all\nloading query some @9 call=all bounded")
    assert [load.symbol for load in loading.analyse(unit)] == ["rows"]


def test_what_is_taken_back_is_said_to_be_safe() -> None:
    unit = text.parse(
        f"{ON} handler=self.one target=bus\n  removal close @31 target=bus handler=self.one teardown\n"
        f"{ON} handler=self.two target=bus\n  removal other @20 target=bus handler=self.two\n"
    )
    assert [safe.reason for safe in registration.undone(unit)] == [
        "self.one is removed from bus in close() (line 31)"
    ]
