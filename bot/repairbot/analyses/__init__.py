"""The analyses: a lowered file in, facts out. They never see source text."""

from __future__ import annotations

from repairbot.analyses.facts import Facts
from repairbot.lifetimes.ops import Unit


def analyse(unit: Unit) -> Facts:
    """Run every analysis over one file."""
    if unit.bare:
        return Facts(unit)
    from repairbot.analyses import growth, loading, pairing, registration, setup

    return Facts(
        unit=unit,
        pairing=pairing.analyse(unit),
        growth=growth.analyse(unit),
        registration=registration.analyse(unit),
        undone=registration.undone(unit),
        loading=loading.analyse(unit),
        setup=setup.analyse(unit),
    )
