"""The text form: readable, and the same model after writing and reading."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repairbot.lifetimes import text
from repairbot.lifetimes.ops import (
    EXIT,
    FAIL,
    Block,
    Container,
    Edge,
    Event,
    Function,
    Kind,
    Load,
    Member,
    Op,
    Registration,
    Removal,
    Resource,
    Unit,
)
from repairbot.model import SafePattern, Span, Step

READ = """\
function Loader.read(path, *rest) @1-6 owner=Loader async
  b0: acquire f file @2 fallible
      -> b1 | error @2 "open() raises"
  b1: use f @3 fallible cleanup
      -> b2 if f | -> b3 if not f | error -> b4 @3 "parse() raises"
  b2: release f @4
      loop -> b1
  b3: exit @5 "return"
  b4: escape f stored @6
      move f @6 other=g
      error
"""


def test_a_function_reads_as_it_is_written() -> None:
    function = text.function(READ.replace("move f @6 other=g", "move f g @6"))
    assert function.symbol == "Loader.read"
    assert function.parameters == ("path", "*rest")
    assert function.asynchronous
    assert [len(block.ops) for block in function.blocks] == [1, 1, 1, 0, 2]
    acquired = function.blocks[0].ops[0]
    assert acquired.kind is Kind.ACQUIRE
    assert acquired.resource is not None
    assert acquired.resource.release == (".close",)
    assert function.blocks[1].edges == [
        Edge("normal", 2, place="f", empty=False),
        Edge("normal", 3, place="f", empty=True),
        Edge("error", 4, 3, "parse() raises"),
    ]
    assert function.blocks[3].edges == [Edge("exit", EXIT, 5, "return")]
    assert function.blocks[4].edges == [Edge("error", FAIL)]
    assert function.blocks[4].ops[1].other == "g"


def test_writing_gives_the_text_back() -> None:
    plain = READ.replace("move f @6 other=g", "move f g @6")
    assert text.write(text.parse(plain)) == plain


def test_a_container_with_its_events() -> None:
    unit = text.parse(
        """
        resource conn "a connection" acquire=connect,.connect release=.close scope=other
        container Cache class @1 lives=long teardowns=close
          evidence @1 "made at module level"
          method close @9
          member items
            init __init__ @3 detail=list
            grow put @5 how=append argument=x repeats
          member db
            init __init__ @4 resource=conn
        registration task Cache.start @7 call=create_task looped
          removal close @9 target=self teardown
        loading file Cache.load @8 call=f.read
        """
    )
    (container,) = unit.containers
    assert container.teardowns == ("close",)
    assert [event.kind for event in container.members["items"].events] == [Kind.INIT, Kind.GROW]
    made = container.members["db"].events[0].resource
    assert made == Resource("conn", "a connection", ("connect", ".connect"), (".close",), "other")
    assert unit.registrations[0].removals[0].teardown
    assert unit.loads[0].call == "f.read"


@pytest.mark.parametrize(
    ("bad", "line"),
    [
        ("function f()\n  b1: exit", 2),
        ("function f()\n  use x", 2),
        ("function f()\n  b0: use x maybe", 2),
        ("function f()\n  b0: -> 3", 2),
        ("function f()\n  b0: use x @two", 2),
        ("widget f", 1),
        ("container A class\n  init __init__ @3", 2),
        ('function f()\n  b0: use "x', 2),
    ],
)
def test_a_mistake_names_its_line(bad: str, line: int) -> None:
    with pytest.raises(text.TextError, match=f"line {line}:"):
        text.parse(bad)


words = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
names = st.one_of(
    st.sampled_from(["f", "self.conn", "%1", "fallible", "not", "->", "b1", "a b", "@3"]), words
)
numbers = st.integers(0, 10**6)
spans = st.builds(Span, numbers, numbers, numbers, numbers, numbers)
kept = [
    Resource("file", "file", ("file",), (".close",), "releases"),
    Resource("fd", "a descriptor", ("os.open",), ("os.close",)),
]
resources = st.one_of(st.none(), st.sampled_from(kept))
ops = st.builds(
    Op, st.sampled_from(Kind), names, spans, detail=words, other=words, value=words,
    expression=st.one_of(st.none(), spans), resource=resources, fallible=st.booleans(), cleanup=st.booleans(),
)  # fmt: skip
edges = st.one_of(
    st.builds(
        Edge,
        st.sampled_from(["normal", "error", "loop", "exit"]),
        st.integers(-2, 9),
        numbers,
        words,
        st.just(""),
        st.none(),
        st.none(),
        st.none(),
    ),
    st.builds(
        Edge, st.just("normal"), st.integers(-2, 9), numbers, words, names, st.booleans(), spans, spans
    ),
)
blocks = st.builds(Block, st.lists(ops, max_size=3), st.lists(edges, max_size=3))
functions = st.builds(
    Function, names, st.lists(names, max_size=3).map(tuple), spans, st.lists(blocks, max_size=3),
    names, st.booleans(), st.booleans(),
)  # fmt: skip
steps = st.lists(st.builds(Step, numbers, words, st.just("")), max_size=2).map(tuple)
events = st.builds(
    Event, st.sampled_from(Kind), words, spans, how=words, key=words, argument=words, detail=words,
    repeats=st.booleans(), conditional=st.booleans(), alias=st.booleans(), resource=resources,
    statement=st.one_of(st.none(), spans),
)  # fmt: skip
members = st.dictionaries(names, st.lists(events, max_size=3), max_size=3).map(
    lambda found: {name: Member(name, of) for name, of in found.items()}
)
containers = st.builds(
    Container, names, st.sampled_from(["class", "struct", "module"]), spans,
    bases=st.lists(words, max_size=2).map(tuple), members=members,
    methods=st.dictionaries(names, spans, max_size=2), teardowns=st.lists(words, max_size=2).map(tuple),
    lives=st.sampled_from(["module", "long", "unknown"]), evidence=steps,
)  # fmt: skip
removals = st.builds(Removal, words, spans, words, words, words, st.booleans())
registrations = st.builds(
    Registration, st.sampled_from(["task", "timer"]), words, words, words, spans, spans, words,
    handler=words, looped=st.booleans(), removals=st.lists(removals, max_size=2).map(tuple), evidence=steps,
)  # fmt: skip
loads = st.builds(
    Load, st.just("file"), words, words, spans, spans, words, bounded=st.booleans(), evidence=steps
)
patterns = st.builds(SafePattern, st.just("text"), numbers, words, words, words)


@given(
    st.lists(functions, max_size=2), st.lists(containers, max_size=2), st.lists(registrations, max_size=2),
    st.lists(loads, max_size=2), st.lists(patterns, max_size=2),
)  # fmt: skip
def test_round_trip(
    functions: list[Function], containers: list[Container], registrations: list[Registration],
    loads: list[Load], safe: list[SafePattern],
) -> None:  # fmt: skip
    unit = Unit("text", "text", functions, containers, registrations, loads, safe=safe)
    assert text.parse(text.write(unit)) == unit
