"""The rules of "held and not released" on the text form: their words, their witness, what they ask for."""

from __future__ import annotations

import pytest

from repairbot.analyses import pairing, setup
from repairbot.analyses.facts import Facts
from repairbot.lifetimes import intents, text
from repairbot.lifetimes.ops import Idiom
from repairbot.model import Settings, Step
from repairbot.rule import Report, all_rules


def reports(source: str) -> dict[str, Report]:
    """What each rule says of a text; at most one report a rule."""
    unit = text.parse(source)
    facts = Facts(unit, pairing=pairing.analyse(unit), setup=setup.analyse(unit))
    found: dict[str, Report] = {}
    for rule in all_rules():
        for report in rule.check(facts, Settings()):
            assert rule.id not in found
            found[rule.id] = report
    return found


def one(source: str, rule: str) -> Report:
    found = reports(source)
    assert set(found) == {rule}
    return found[rule]


BRANCH = "function f() @1\n b0: acquire f file @2\n -> b1 | -> b2\n b1: exit @4 at=@4\n "
RETURNED = """
function dial(address) @1-9
  b0: acquire s socket @2
      -> b1
  b1: use s @3 fallible
      -> b2 | error @3 "connect() raises"
  b2: escape s returned @4
      exit @4
"""
NARROW = """
function Client.send() @1-9 async
  b0: acquire r response @2
      -> b1
  b1: use r @4 fallible
      -> b2 | error -> b3 @4 "read() raises" | error @4 "read() is cancelled" passes=@5
  b2: escape r returned @7
      exit @7
  b3: release r @6 cleanup
      error
"""
FORGOTTEN = """
container Server class @1-30 teardowns=close
  method __init__ @2-9
  method close @20-22
  member log
    init __init__ @3 resource=file
    release close @21
  member sock
    init __init__ @4 resource=socket
"""


@pytest.mark.parametrize(
    ("source", "rule", "message", "intent"),
    [
        (
            'function f() @1\n b0: acquire f file @2\n exit @4 "return"',
            "never-released",
            "f is never closed",
            intents.RELEASE_ON_EXIT,
        ),
        (
            "resource file release=.close\nfunction f() @1\n b0: acquire %1 file @2\n exit @4",
            "nameless-resource",
            "this file has no name and is never closed",
            intents.NAME_AND_RELEASE,
        ),
        (
            BRANCH + "b2: release f @5\n exit",
            "early-exit-leak",
            "f is not closed when it leaves at line 4",
            intents.RELEASE_ON_EXIT,
        ),
        (
            BRANCH + "b2: escape f returned @5\n exit",
            "early-exit-leak",
            "f is not closed when it leaves at line 4",
            intents.RELEASE_BEFORE,
        ),
        (RETURNED, "error-path-leak", "s is not closed when connect() raises", intents.RELEASE_ON_ERROR),
        (NARROW, "error-path-leak", "r is not closed when send() is cancelled", intents.WIDEN_HANDLER),
        (
            "resource pool release=.shutdown\n"
            + "function f() @1\n b0: acquire f pool @2\n acquire f file @3\n release f @4\n exit",
            "overwritten-resource",
            "f is replaced at line 3 and the old one is not shut down",
            intents.RELEASE_ON_EXIT,
        ),
        (FORGOTTEN, "incomplete-teardown", "self.sock is not closed in close()", intents.ADD_TO_TEARDOWN),
        (
            FORGOTTEN + "    release close @22\n    init reconnect @12 resource=socket repeats\n",
            "overwritten-resource",
            "self.sock is replaced in reconnect() and the old one is not closed",
            intents.RELEASE_OLD,
        ),
        (
            'resource db "a database"\nfunction f() @1\n b0: acquire con db @2 detail=scope\n exit',
            "context-does-not-close",
            "con is not closed by its `with`",
            intents.SCOPE_CLOSING,
        ),
    ],
)
def test_words_and_intent(source: str, rule: str, message: str, intent: str) -> None:
    found = one(source, rule)
    assert found.message == message
    assert found.intents[0].do == intent
    assert found.witness[0].line in (2, 4)


def test_the_line_in_the_teardown_asks_first_where_the_member_may_be_empty() -> None:
    sure = one(FORGOTTEN, "incomplete-teardown").intents[0]
    assert sure.args == {"container": "Server", "method": "close", "line": "self.sock.close()", "after": ""}
    maybe = one(FORGOTTEN + "    clear stop @9\n", "incomplete-teardown").intents[0]
    assert maybe.args["line"] == "if self.sock is not None:\n    self.sock.close()"


@pytest.mark.parametrize(
    ("head", "offered"), [("", 0), ("function Server.close() @20 async\n b0: exit\n", 1)]
)
def test_an_awaited_release_needs_a_coroutine(head: str, offered: int) -> None:
    source = (
        "resource socket release=.close asynchronous\n".replace("asynchronous", "async") + head + FORGOTTEN
    )
    found = one(source, "incomplete-teardown")
    assert len(found.intents) == offered
    assert bool(found.refusals) is not bool(offered)


def test_a_constructor_that_fails_half_way() -> None:
    found = one(
        """
        resource fd "a descriptor" release=os.close collected=no
        container Child class @1
        function Child.__init__(self) @2-9 owner=Child
          b0: acquire self.read fd @3
              acquire self.write fd @3
              -> b1
          b1: call @4 detail=subprocess.Popen fallible
              -> b2 | error @4 "Popen() raises"
          b2: exit
        """,
        "partial-initialization",
    )
    assert found.message == "self.read and self.write are not closed when Popen() raises"
    assert found.intents[0].args["statements"] == "os.close(self.write)\nos.close(self.read)"


def test_what_another_owner_gets_on_one_path_is_not_released_on_all() -> None:
    found = one(
        """
        resource link release=.close severity=high
        function dial(addresses) @1-9
          b0: -> b1 | -> b4
          b1: acquire s link @3
              -> b2
          b2: use s @4 fallible
              -> b3 | error -> b0 @4 "connect() can raise"
          b3: escape s passed @5
              -> b4
          b4: exit @6
        """,
        "early-exit-leak",
    )
    assert found.intents == ()


def test_an_idiom_of_the_language_is_reported_as_it_is() -> None:
    unit = text.parse("function f() @1\n b0: exit")
    step = Step(2, "opened")
    unit.idioms.append(Idiom("context-does-not-close", "f", "db", text.span(2), "db stays open", (step,)))
    (rule,) = [rule for rule in all_rules() if rule.id == "context-does-not-close"]
    (found,) = rule.check(Facts(unit), Settings())
    assert (found.message, found.witness) == ("db stays open", (step,))
