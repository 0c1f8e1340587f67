"""Leaks that are idioms of Python: each module here recognises some and names the rule that speaks of them."""

from __future__ import annotations

from repairbot.languages.python.idioms import closures, defaults, exceptions, inherited, removals
from repairbot.languages.python.syntax import Module
from repairbot.lifetimes.ops import Idiom

_PARTS = (closures, defaults, exceptions, inherited, removals)

TRIGGERS: frozenset[bytes] = frozenset().union(*(part.TRIGGERS for part in _PARTS))
"""A file with none of these words has nothing for this package."""


def collect(module: Module) -> list[Idiom]:
    """Every idiom in the file, in the order of the source."""
    found: list[Idiom] = []
    for part in _PARTS:
        if not part.TRIGGERS.isdisjoint(module.words):
            found += part.collect(module)
    found.sort(key=lambda idiom: idiom.at.start)
    return found
