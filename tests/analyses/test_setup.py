"""Constructors that fail half way, on the text form."""

from __future__ import annotations

from repairbot.analyses import setup
from repairbot.lifetimes import text

PIPES = """
resource fd "a descriptor" acquire=os.pipe release=os.close collected=no
container Child class @1 teardowns=close
function Child.__init__(self) @2-9 owner=Child
  b0: acquire self.read fd @3
      acquire self.write fd @3
      -> b1
  b1: call @4 detail=subprocess.Popen fallible
      -> b2 | error @4 "Popen() raises"
  b2: exit
"""


def test_what_was_made_before_the_failing_step() -> None:
    (found,) = setup.analyse(text.parse(PIPES))
    assert [op.place for op in found.made] == ["self.read", "self.write"]
    assert found.fails.at.line == 4
    assert found.teardown == "close"
    assert found.steps[-1].note == "Popen() raises"


def test_a_local_that_is_stored_is_still_lost() -> None:
    (found,) = setup.analyse(
        text.parse(
            PIPES.replace("acquire self.write fd @3", "acquire w fd @3\n escape w stored @3 other=self.write")
        )
    )
    assert [op.place for op in found.made] == ["self.read", "w"]


def test_released_in_a_handler() -> None:
    handled = PIPES.replace(
        'error @4 "Popen() raises"\n  b2: exit',
        "error -> b3\n  b2: exit\n  b3: release self.read @6\n  release self.write @7 cleanup\n  error",
    )
    assert setup.analyse(text.parse(handled)) == ()


def test_only_constructors() -> None:
    assert setup.analyse(text.parse(PIPES.replace("__init__", "run"))) == ()


def test_nothing_can_fail_afterwards() -> None:
    assert setup.analyse(text.parse(PIPES.replace(' | error @4 "Popen() raises"', ""))) == ()


def test_the_step_that_is_likeliest_to_fail_is_named() -> None:
    two = PIPES.replace(
        "b2: exit",
        'b2: call @5 detail=raise fallible\n error @5 "raise"',
    )
    (found,) = setup.analyse(text.parse(two))
    assert found.fails.at.line == 5
    assert found.confidence == "high"
