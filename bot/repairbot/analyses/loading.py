"""Loading: what is read whole."""

from __future__ import annotations

from repairbot.lifetimes.ops import Load, Unit


def analyse(unit: Unit) -> tuple[Load, ...]:
    """The loads in which no limit was seen. Reads the model alone."""
    return tuple(load for load in unit.loads if not load.bounded)
