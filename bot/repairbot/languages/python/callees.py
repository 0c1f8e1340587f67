"""What well-known callees do with what they are given: the table python-callees.toml."""

from __future__ import annotations

import re
from functools import cache
from typing import Final

from repairbot.lazily import dataclass, regex
from repairbot.lifetimes.resources import tables

CLOSERS: Final = regex(
    r"(?:^|[._])(?:safe_?|quiet_?|silent_?)?(?:a?close|release|dispose|destroy|cleanup|clean_up|shutdown|terminate|kill|free|discard|"
    r"return_?to_?pool|put_?back|checkin|disconnect|unlink|give_?back|finalize|closing|close_?quietly)\w*$",
    re.IGNORECASE,
)
"""Names of callees that may well release what they are given: who owns it afterwards is not known."""
ASKERS: Final = regex(
    r"(?:^|[._])_*(?:verify|check|validate|ensure|assert|is|has|log|debug|describe|raise_for|inspect|show|print|format|set|"
    r"configure|prepare)(?:_\w+|[A-Z]\w*)?$"
)
"""Names of callees that only look at what they are given, or set something of it."""
HARMLESS: Final = regex(
    r"(?:^|[._])_*(?:is|has|print|log|debug|format)(?:_\w+)?$|(?:headers|kwargs|environ|options|opts|params|config|settings)\.get$"
)
"""Names of callees that do not fail in practice; an error path from each would be noise."""
RETRIERS: Final = regex(r"(?:^|[._])_*retry(?:_\w+)?$|^(?:sorted|map|filter|max|min|any|all)$")
"""Names of callees that call the function they are given before they return."""


@dataclass(frozen=True, slots=True)
class Callees:
    """Qualified names, and ".method" for any receiver, by what they do (see the head of the table's file)."""

    borrows: frozenset[str]
    owns: frozenset[str]
    views: frozenset[str]
    stores: frozenset[str]
    keeps: frozenset[str]
    safe: frozenset[str]
    ends: frozenset[str]


@cache
def callees() -> Callees:
    """The table, read once."""
    data = tables("python-callees")
    return Callees(**{name: frozenset(names) for name, names in data.items()})


def among(names: frozenset[str] | tuple[str, ...], qualified: str) -> bool:
    """Whether a qualified callee is one of these names."""
    head, dot, last = qualified.rpartition(".")
    return qualified in names or (bool(dot or head) and f".{last}" in names)
