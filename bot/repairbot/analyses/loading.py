"""What is loaded whole: the loads of a file without those that have a bound."""

from __future__ import annotations

from repairbot.lifetimes.ops import Load, Unit


def analyse(unit: Unit) -> tuple[Load, ...]:
    """The unbounded loads, one a place, in the order of the source."""
    seen: set[tuple[str, int]] = set()
    found: list[Load] = []
    for load in unit.loads:
        key = (load.what, load.at.start)
        if not load.bounded and (key not in seen or not load.at.start):
            seen.add(key)
            found.append(load)
    return tuple(found)
