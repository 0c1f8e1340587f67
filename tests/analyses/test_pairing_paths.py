"""Pairing against every path walked by hand: random graphs, the slow way and the fast way agree."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from repairbot.analyses import pairing
from repairbot.lifetimes import text
from repairbot.lifetimes.ops import EXIT, FAIL, Block, Edge, Function, Kind, Op, Unit

FILE = text.function("function f()\n b0: acquire f file").blocks[0].ops[0].resource
PLACES = st.sampled_from(["f", "g"])


def op(kind: Kind, place: str, line: int, other: str = "", fallible: bool = False) -> Op:
    resource = FILE if kind is Kind.ACQUIRE else None
    detail = "stored" if kind is Kind.ESCAPE else ""
    return Op(kind, place, text.span(line), other=other, resource=resource, detail=detail, fallible=fallible)


@st.composite
def graphs(draw: st.DrawFn) -> Function:
    """Acyclic functions of a few blocks: one acquisition of `f` first, then what may happen to it."""
    count = draw(st.integers(2, 6))
    blocks = [Block([op(Kind.ACQUIRE, "f", 1)], [Edge("normal", 1)])]
    for index in range(1, count):
        kinds = draw(
            st.lists(
                st.sampled_from([Kind.RELEASE, Kind.USE, Kind.MOVE, Kind.CLEAR, Kind.ESCAPE]), max_size=2
            )
        )
        ops = [
            op(kind, place := draw(PLACES), index * 10 + number, other="g" if place == "f" else "f")
            for number, kind in enumerate(kinds)
        ]
        ops.append(op(Kind.USE, "h", index * 10 + 9, fallible=draw(st.booleans())))
        later = st.sampled_from([*range(index + 1, count), EXIT])
        edges = [
            Edge("normal" if to >= 0 else "exit", to, index * 10 + 9)
            for to in draw(st.sets(later, min_size=1))
        ]
        if ops[-1].fallible:
            edges.append(
                Edge("error", draw(st.sampled_from([*range(index + 1, count), FAIL])), index * 10 + 9)
            )
        blocks.append(Block(ops, edges))
    return Function("f", (), text.span(1), blocks)


def leaks_on(
    function: Function, index: int = 0, names: frozenset[str] = frozenset(), state: str = "absent"
) -> bool:
    """Whether some path leaves (or drops the last name) while the value is held."""
    block = function.blocks[index]
    for item in block.ops:
        mine = item.place in names
        if item.kind is Kind.ACQUIRE:
            names, state = frozenset({item.place}), "held"
        elif item.kind is Kind.MOVE and mine:
            names |= {item.other}
        elif item.kind in (Kind.MOVE, Kind.CLEAR):
            lost = item.other if item.kind is Kind.MOVE else item.place
            if state == "held" and names == {lost}:
                return True
            names -= {lost}
        elif mine and state == "held" and item.kind is Kind.RELEASE:
            state = "released"
        elif mine and state == "held" and item.kind is Kind.ESCAPE:
            return False
    for edge in block.edges:
        if edge.target < 0:
            if state == "held":
                return True
        elif leaks_on(function, edge.target, names, state):
            return True
    return False


@settings(max_examples=300)
@given(graphs())
def test_every_path(function: Function) -> None:
    found = pairing.analyse(Unit("text", "text", [function])).leaks
    assert bool(found) == leaks_on(function), text.write_function(function)


@settings(max_examples=200)
@given(graphs(), st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=4))
def test_loops_end(function: Function, back: list[tuple[int, int]]) -> None:
    count = len(function.blocks)
    for start, end in back:
        function.blocks[start % count].edges.append(Edge("loop", end % count))
    found = pairing.analyse(Unit("text", "text", [function]))
    assert all(way.steps[0].line == 1 for leak in found.leaks for way in leak.ways)
