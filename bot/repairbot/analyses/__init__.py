"""The analyses: a lowered file in, facts out. They never see source text."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from repairbot.analyses.facts import Facts
from repairbot.lifetimes.ops import Unit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from repairbot.analyses.facts import Followed, Growth, Pairing


def analyse(unit: Unit, followed: Sequence[Followed] | None = None) -> Facts:
    """Run every analysis over one file. `followed`: what is known of its acquisitions already."""
    if unit.bare:
        return Facts(unit)
    from repairbot.analyses import growth, loading, pairing, registration, setup

    grown = growth.analyse(unit)
    paired = pairing.analyse(unit) if followed is None else pairing.told(unit, followed)
    return Facts(
        unit=unit,
        pairing=_without(paired, grown, unit),
        growth=grown,
        registration=registration.analyse(unit),
        undone=registration.undone(unit),
        loading=loading.analyse(unit),
        setup=setup.analyse(unit),
    )


def _without(pairing: Pairing, growth: Growth, unit: Unit) -> Pairing:
    """The pairs without those members that something else is said of: they are not safe."""
    told = {(found.container.name, found.member.name) for found in growth.growing}
    told.update(
        (owned.container.name, owned.member.name)
        for owned in pairing.members
        if owned.forgotten or owned.overwritten
    )
    told.update((idiom.symbol.rpartition(".")[0], idiom.place.rpartition(".")[2]) for idiom in unit.idioms)
    kept = tuple(safe for safe in pairing.safe if (safe.symbol, safe.pattern) not in told)
    return pairing if len(kept) == len(pairing.safe) else replace(pairing, safe=kept)
