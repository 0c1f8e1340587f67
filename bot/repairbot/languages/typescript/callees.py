"""What well-known callees do with what they are given: the table typescript-callees.toml."""

from __future__ import annotations

import re
from functools import cache
from typing import Final

from repairbot.lazily import dataclass, regex
from repairbot.lifetimes.resources import tables

CLOSERS: Final = regex(
    r"(?:^|[._])_?(?:safe|quiet(?:ly)?|try|maybe|force)?_?(?:close|release|dispose|destroy|cleanup|cleanUp|shutdown|terminate|kill|free"
    r"|discard|disconnect|unsubscribe|abort|stop|teardown|tearDown|clear|remove|finish|end)\w*$",
    re.IGNORECASE,
)
"""Names of callees that may well release what they are given: who owns it afterwards is not known."""
ASKERS: Final = regex(
    r"(?:^|\.)_*(?:is|has|assert|check|validate|verify|ensure|log|debug|warn|print|inspect|format|describe|expect|to)(?:[A-Z_]\w*)?$"
)
"""Names of callees that only look at what they are given."""
HARMLESS: Final = regex(
    r"(?:^|\.)(?:is|has|log|debug|warn|info|error|trace)(?:[A-Z_]\w*)?$"
    r"|^(?:console|Math|Number|String|Boolean|Symbol|Date|performance|Object|Array|Reflect|logger|log|debug)\b"
)
"""Names of callees that do not fail in practice; an error path from each would be noise."""


@dataclass(frozen=True, slots=True)
class Callees:
    """Qualified names, and ".method" for any receiver, by what they do (see the head of the table's file)."""

    borrows: frozenset[str]
    owns: frozenset[str]
    stores: frozenset[str]
    keeps: frozenset[str]
    safe: frozenset[str]
    ends: frozenset[str]
    runs: frozenset[str]


@cache
def callees() -> Callees:
    """The table, read once."""
    data = tables("typescript-callees")
    return Callees(**{name: frozenset(names) for name, names in data.items()})


def among(names: frozenset[str] | tuple[str, ...], qualified: str) -> bool:
    """Whether a qualified callee is one of these names."""
    head, dot, last = qualified.rpartition(".")
    return qualified in names or (bool(dot or head) and f".{last}" in names)
