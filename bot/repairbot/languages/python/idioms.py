"""The idioms of a file. Another branch fills this in."""

from __future__ import annotations

from repairbot.languages.python.syntax import Module
from repairbot.lifetimes.ops import Idiom

TRIGGERS: frozenset[bytes] = frozenset()


def collect(module: Module) -> list[Idiom]:
    """None yet."""
    return []
