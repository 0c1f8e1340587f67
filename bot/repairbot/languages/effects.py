"""What a lowered function does with a parameter, and what it hands out: read off its graph, for any language."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import replace
from typing import Final

from repairbot.lifetimes.ops import EXIT, Effect, Function, Kind, Resource, aliases, moves

INSIDE: Final = "inside"
"""The `other` of an operation that returns something which only holds the value."""


def effect_in(function: Function, parameter: str) -> Effect:
    """What a function does with a parameter, whatever the path; "unknown" where paths differ."""
    names = aliases(moves(function), parameter)
    ops = [op for block in function.blocks for op in block.ops if op.place in names]
    details = {op.detail for op in ops if op.kind is Kind.ESCAPE}
    if details & {"stored", "kept", "captured", "yielded"}:
        return "keeps"
    if "passed" in details or any(op.kind is Kind.UNKNOWN for op in ops):
        return "unknown"
    released = any(op.kind is Kind.RELEASE for op in ops)
    if "returned" in details:
        return "unknown" if released else "returns"
    if released:
        return "releases" if _always(function, names) and not function.generator else "unknown"
    return "returns" if function.generator else "borrows"  # a generator goes on using it


def _always(function: Function, names: set[str]) -> bool:
    """Whether every normal way out passes a release."""
    waiting, seen = [0], {0}
    while waiting:
        block = function.blocks[waiting.pop()]
        if any(op.kind is Kind.RELEASE and op.place in names for op in block.ops):
            continue
        for edge in block.edges:
            if edge.kind == "error" or (edge.place in names and edge.empty):
                continue
            if edge.target == EXIT:
                return False
            if edge.target >= 0 and edge.target not in seen:
                seen.add(edge.target)
                waiting.append(edge.target)
    return True


def handed_out(function: Function) -> Resource | None:
    """The resource that a function makes, returns and gives to nobody else."""
    if function.generator:
        return None
    ops = [op for block in function.blocks for op in block.ops]
    found: Resource | None = None
    for op in ops:
        if op.kind is not Kind.ACQUIRE or op.resource is None or op.detail == "scope" or "." in op.place:
            continue
        names = aliases(moves(function), op.place)
        escapes = [other for other in ops if other.kind is Kind.ESCAPE and other.place in names]
        details = {"inside" if other.other == INSIDE else other.detail for other in escapes}
        if "returned" not in details:
            continue
        if details - {"returned"} or (found is not None and found.id != op.resource.id):
            return None
        found = op.resource
    return found


def several(function: Function, layouts: Set[tuple[str, ...]], handed_on: Resource | None) -> Resource | None:
    """The resource that a function makes and returns as elements of a tuple, the same ones in every return.

    `layouts`: the places in each tuple that it returns; `handed_on`: what it returns in the tuple it got.
    """
    if function.generator or (handed_on is not None and layouts):
        return None
    if handed_on is not None:
        return handed_on
    ops = [op for block in function.blocks for op in block.ops]
    made = {
        op.place: op.resource
        for op in ops
        if op.kind is Kind.ACQUIRE
        and op.resource is not None
        and op.detail != "scope"
        and "." not in op.place
    }
    slots = {tuple(index for index, place in enumerate(layout) if place in made) for layout in layouts}
    found = {made[place].id: made[place] for layout in layouts for place in layout if place in made}
    known = {place for layout in layouts for place in layout if place}
    shared = any(
        op.kind is Kind.ESCAPE and op.detail != "returned" for op in ops if op.place in known
    )  # somebody else has it, too
    if len(slots) != 1 or len(found) != 1 or shared or not known <= made.keys():
        return None
    return replace(found.popitem()[1], slots=slots.pop())
