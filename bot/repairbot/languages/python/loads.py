"""The loads of a file. Another branch fills this in."""

from __future__ import annotations

from repairbot.languages.python.syntax import Module
from repairbot.lifetimes.ops import Load

TRIGGERS: frozenset[bytes] = frozenset()


def collect(module: Module) -> list[Load]:
    """None yet."""
    return []
