"""What the tests of the Zig front end share: source in, the graph or the leaks out."""

from __future__ import annotations

import re
from textwrap import dedent

from repairbot.analyses import analyse, pairing
from repairbot.languages.base import Project
from repairbot.languages.zig.frontend import FRONTEND
from repairbot.lifetimes.ops import Unit
from repairbot.lifetimes.resources import load
from repairbot.lifetimes.text import write_function
from repairbot.model import Settings
from repairbot.rule import enabled

_PLACES = re.compile(r" (?:expression=|at=|passes=)?@\d+(?:-\d+)?(?::\d+)?(?:\[\d+\.\.\d+\])?")
HEAD = 'const std = @import("std");\nconst Allocator = std.mem.Allocator;\n'


def unit(source: str, path: str = "example.zig", project: Project | None = None) -> Unit:
    """The lowered file."""
    return FRONTEND.lower((HEAD + dedent(source)).encode(), path, load("zig"), project or Project())


def graph(source: str, symbol: str = "") -> str:
    """The text form of one function (the first by default), without its places in the source."""
    found = next(item for item in unit(source).functions if symbol in ("", item.symbol))
    return _PLACES.sub("", write_function(found))


def leaks(source: str, project: Project | None = None) -> list[str]:
    """What pairing says of the source: "function place shape", in the order of the source."""
    facts = pairing.analyse(unit(source, project=project))
    return [f"{leak.function} {leak.place} {leak.shape}" for leak in facts.leaks]


def releases(source: str) -> list[str]:
    """The releases of what leaks, as templates."""
    facts = pairing.analyse(unit(source))
    return [leak.resource.release[0] for leak in facts.leaks]


def said(source: str, rule: str) -> list[str]:
    """The messages of one rule."""
    facts = analyse(unit(source))
    found = next(item for item in enabled(Settings()) if item.id == rule)
    return [report.message for report in found.check(facts, Settings())]
