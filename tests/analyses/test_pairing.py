"""Pairing on the text form: what is held where a function ends, and the path that shows it."""

from __future__ import annotations

import pytest

from repairbot.analyses import pairing
from repairbot.analyses.facts import Leak, Pairing
from repairbot.lifetimes import text


def facts(body: str) -> Pairing:
    return pairing.analyse(text.parse(body if "function" in body else f"function f() @1-20\n{body}"))


def leak(body: str) -> Leak:
    found = facts(body).leaks
    assert len(found) == 1, found
    return found[0]


def ways(found: Leak) -> list[tuple[str, int]]:
    return [(way.kind, way.at_line) for way in found.ways]


QUIET = {
    "released at the end": """
      b0: acquire f file @2 fallible
          -> b1 | error
      b1: release f @3
          exit
    """,
    "returned": """
      b0: acquire f file @2 fallible
          -> b1 | error
      b1: escape f returned @3
          exit
    """,
    "released in finally, on both ways": """
      b0: acquire f file @2 fallible
          -> b1 | error
      b1: use f @3 fallible
          -> b2 | error -> b3
      b2: release f @5 cleanup
          exit
      b3: release f @5 cleanup
          error
    """,
    "None first, then released if there is something": """
      b0: clear f @2 detail=none
          -> b1
      b1: acquire f file @3 fallible
          -> b2 | error -> b3
      b2: use f @4 fallible
          -> b3 | error -> b3
      b3: -> b4 if f | -> b5 if not f
      b4: release f @6 cleanup
          exit
      b5: exit
    """,
    "an alias is released": """
      b0: acquire f file @2
          move f g @3
          release g @4
          exit
    """,
    "an owner flag": """
      b0: clear own @2 detail=none
          -> b1 | -> b2
      b1: acquire f file @3 fallible
          -> b3 | error
      b2: -> b4 if own | -> b5 if not own
      b3: clear own @4 detail=some
          -> b2
      b4: release f @6
          exit
      b5: exit
    """,
    "passed to an unknown callee": """
      b0: acquire f file @2
          escape f passed @3 fallible
          -> b1 | error
      b1: exit
    """,
    "released on errors, taken over when it works": """
      b0: acquire f file @2
          -> b1
      b1: escape f passed @3 fallible
          -> b2 | error -> b3
      b2: exit
      b3: release f @5 cleanup
          error
    """,
    "not known any more": """
      b0: acquire f file @2
          unknown f "eval" @3
          exit
    """,
    "an object keeps it": """
      b0: acquire self.f file @2
          exit
    """,
    "a release that fails has released": """
      b0: acquire f file @2
          release f @3 fallible
          exit | error
    """,
    "a wrapper that owns what it wraps": """
      b0: acquire s socket @2
          -> b1
      b1: move s w @3 fallible
          -> b2 | error -> b3
      b2: release w @4
          exit
      b3: release s @6 cleanup
          error
    """,
}  # fmt: skip


@pytest.mark.parametrize("body", QUIET.values(), ids=QUIET.keys())
def test_quiet(body: str) -> None:
    assert facts(body).leaks == ()


def test_never_released() -> None:
    found = leak("""
      b0: acquire f file @2 fallible
          -> b1 | error
      b1: use f @3 fallible
          exit @4 "return" | error @3 "read() raises"
    """)
    assert found.shape == "never"
    assert found.ownership == "sure"
    assert ways(found) == [("error", 3), ("return", 4)]
    assert [step.line for step in found.ways[0].steps] == [2, 3]


def test_not_released_when_a_step_between_fails() -> None:
    found = leak("""
      b0: acquire f file @2 fallible
          -> b1 | error @2
      b1: use f @3 fallible
          -> b2 | error @3 "fetch() raises"
      b2: release f @4
          exit @5
    """)
    assert found.shape == "error"
    assert ways(found) == [("error", 3)]
    assert [(step.line, step.note) for step in found.ways[0].steps] == [
        (2, "acquired"),
        (3, "fetch() raises"),
        (4, "never reached then"),
    ]
    assert [op.at.line for op in found.fallible] == [3]


def test_a_cleanup_that_begins_too_late() -> None:
    found = leak("""
      b0: acquire f file @2 fallible
          -> b1 | error
      b1: call @3 fallible
          -> b2 | error @3 "prepare() raises"
      b2: use f @5 fallible
          -> b3 | error -> b4
      b3: release f @7 cleanup
          exit
      b4: release f @7 cleanup
          error
    """)
    assert found.shape == "late"
    assert ways(found) == [("error", 3)]


def test_one_exit_forgets() -> None:
    found = leak("""
      b0: acquire f file @2
          -> b1 | -> b2
      b1: exit @4 "return" at=@4
      b2: release f @5
          exit @6
    """)
    assert found.shape == "early-exit"
    assert found.ways[0].exit == text.span(4)


def test_released_on_errors_only() -> None:
    found = leak("""
      b0: acquire f file @2
          -> b1
      b1: use f @3 fallible
          -> b2 | error -> b4
      b2: -> b3 | -> b5
      b3: exit @5 "return"
      b4: release f @8 cleanup
          error
      b5: escape f returned @9
          exit @9
    """)
    assert found.shape == "wrong-exit"
    assert ways(found) == [("return", 5)]


def test_fails_before_it_is_returned() -> None:
    found = leak("""
      b0: acquire s socket @2
          -> b1
      b1: use s @3 fallible
          -> b2 | error @3 "connect() raises"
      b2: escape s returned @4
          exit @4
    """)
    assert found.shape == "error"
    assert not found.releases


def test_a_handler_that_is_too_narrow() -> None:
    found = leak("""
    function Client.send() @1-9 async
      b0: acquire r response @2
          -> b1
      b1: use r @4 fallible
          -> b2 | error -> b3 @4 "read() raises" | error @4 "read() is cancelled" passes=@5
      b2: escape r returned @7
          exit @7
      b3: release r @6 cleanup
          error
    """)
    assert found.shape == "handler-misses"
    assert found.ways[0].passes == text.span(5)
    assert found.asynchronous


def test_overwritten_while_held() -> None:
    found = leak("""
      b0: acquire f file @2
          acquire f socket @3
          release f @4
          exit
    """)
    assert found.shape == "overwritten"
    assert found.acquired.at.line == 2
    assert ways(found) == [("overwritten", 3)]


def test_made_again_in_the_next_round() -> None:
    found = leak("""
      b0: -> b1 | -> b2
      b1: acquire f file @3
          use f @4
          loop -> b0
      b2: exit
    """)
    assert found.shape == "never"
    assert ("loop", 3) in ways(found)


def test_a_continue_that_forgets() -> None:
    found = leak("""
      b0: -> b1 | -> b4
      b1: acquire f file @3
          -> b2 | -> b3
      b2: loop -> b0 at=@5
      b3: release f @6
          loop -> b0
      b4: exit
    """)
    assert found.shape == "early-exit"
    assert {way.exit for way in found.ways} == {text.span(5)}


def test_nameless() -> None:
    assert leak("b0: acquire %1 file @2\n exit @2").shape == "nameless"


def test_nameless_and_handed_on_in_the_same_expression() -> None:
    assert not facts("""
      b0: acquire %1 file @2
          -> b1
      b1: call @2 fallible
          -> b2 | error
      b2: escape %1 passed @2
          exit
    """).leaks


def test_a_scope_that_ends_something_else() -> None:
    found = leak("""
    resource db "a database" scope=other
    function f() @1
      b0: acquire con db @2 detail=scope
          use con @3
          exit
    """)
    assert found.shape == "context"


def test_a_loan_when_it_is_released_afterwards() -> None:
    found = leak("""
      b0: acquire f file @2
          -> b1
      b1: escape f passed @3 fallible
          -> b2 | error @3 "parse() raises"
      b2: release f @4
          exit
    """)
    assert found.shape == "error"
    assert found.ownership == "sure"


def test_misuse() -> None:
    found = facts("""
      b0: acquire f file @2
          release f @3
          use f @4
          release f @5
          exit
    """).misuses
    assert [(item.kind, item.second.at.line) for item in found] == [
        ("double-release", 5),
        ("use-after-release", 4),
    ]


def test_closed_although_it_is_returned() -> None:
    (found,) = facts("""
      b0: acquire f file @2
          escape f returned @3
          release f @4
          exit
    """).misuses
    assert (found.kind, found.second.at.line) == ("use-after-release", 3)


def test_returned_and_closed_only_when_it_failed() -> None:
    assert not facts("""
      b0: clear ok @1 detail=none
          acquire f file @2
          -> b1
      b1: use f @3 fallible
          -> b2 | error -> b3
      b2: clear ok @4 detail=some
          escape f returned @5
          -> b3
      b3: -> b4 if not ok | exit if ok
      b4: release f @7
          error
    """).misuses


def test_safe_patterns_say_why() -> None:
    found = facts("""
      b0: acquire f file @2
          -> b1
      b1: use f @3 fallible
          -> b2 | error -> b3
      b2: release f @5 cleanup
          exit
      b3: release f @5 cleanup
          error
    """).safe
    assert [(item.line, item.reason) for item in found] == [
        (2, "released in cleanup code at line 5, on every path")
    ]


def test_what_is_not_known_is_counted() -> None:
    assert facts('b0: acquire f file @2\n unknown f "eval" @3\n exit').unknown == 1


def _flags(leave: str) -> str:
    """A function of 14 flags that are asked ahead of an acquisition and behind it; `leave`: what ends it."""
    branches = 14
    lines = ["function f() @1"]
    for index in range(branches):
        lines.append(f"b{index * 3}: -> b{index * 3 + 1} if p{index} | -> b{index * 3 + 2} if not p{index}")
        lines.append(f"b{index * 3 + 1}: -> b{index * 3 + 3}")
        lines.append(f"b{index * 3 + 2}: -> b{index * 3 + 3}")
    at = branches * 3
    lines.append(f"b{at}: acquire f file @9\n-> b{at + 1}")
    last = at + branches + 1
    for index in range(branches):
        at += 1
        lines.append(f"b{at}: -> b{at + 1} if p{index} | -> b{last} if not p{index}")
    lines.append(f"b{last}: {leave}")
    return "\n".join(lines)


def test_too_many_paths_are_given_up_and_counted() -> None:
    found = pairing.analyse(text.parse(_flags("exit")))
    assert found.leaks == ()
    assert [step.line for step in found.given_up] == [9]


def test_what_is_right_on_every_path_is_so_however_many_there_are() -> None:
    found = pairing.analyse(text.parse(_flags("release f @12 cleanup\n exit")))
    assert (found.leaks, found.given_up) == ((), ())
    assert [(item.line, item.reason) for item in found.safe] == [
        (9, "released in cleanup code at line 12, on every path")
    ]


CLASS = """
container Server class @1-30 teardowns=close
  method __init__ @2-9
  method close @20-22
  member log
    init __init__ @3 resource=file
    release close @21
  member sock
    init __init__ @4 resource=socket
"""


def test_a_forgotten_member() -> None:
    log, sock = facts(CLASS + "function f() @1\n b0: exit").members
    assert not log.forgotten
    assert sock.forgotten
    assert sock.teardown == "close"
    assert sock.confidence == "high"
    assert [step.line for step in sock.evidence] == [21]


@pytest.mark.parametrize(
    "event", ["release stop @15", "read get @15 detail=escape", "escape start @15", "unknown start @15"]
)
def test_a_member_that_somebody_else_may_release(event: str) -> None:
    found = facts(CLASS + f"    {event}\nfunction f() @1\n b0: exit").members
    assert not found[1].forgotten


def test_a_member_that_may_be_given() -> None:
    found = facts(CLASS + "    init __init__ @5 detail=parameter\nfunction f() @1\n b0: exit").members
    assert found[1].confidence == "low"


@pytest.mark.parametrize(
    ("line", "more", "overwritten"),
    [
        ("init reconnect @12 resource=socket repeats", "", 1),
        ("init reconnect @12 resource=socket repeats conditional", "", 0),
        ("init reconnect @12 resource=socket", "", 0),
        ("init _open @12 resource=socket repeats", "", 0),
        ("init reconnect @12 resource=socket repeats", "release reconnect @11", 0),
        ("init reconnect @12 resource=socket repeats", "read reconnect @11", 0),
    ],
)
def test_an_overwritten_member(line: str, more: str, overwritten: int) -> None:
    found = facts(CLASS + f"    {line}\n    {more}\nfunction f() @1\n b0: exit").members
    assert len(found[1].overwritten) == overwritten
