"""What the tests of the lowering share: source in, the graph or the leaks out."""

from __future__ import annotations

import re
from textwrap import dedent

from repairbot.analyses import pairing
from repairbot.languages.base import Project
from repairbot.languages.python.frontend import FRONTEND
from repairbot.lifetimes.ops import Unit
from repairbot.lifetimes.resources import load
from repairbot.lifetimes.text import write_function

_PLACES = re.compile(r" (?:expression=|at=|passes=)?@\d+(?:-\d+)?(?::\d+)?(?:\[\d+\.\.\d+\])?")


def unit(source: str, path: str = "example.py", project: Project | None = None, own: object = ()) -> Unit:
    """The lowered file. `own`: the project's own resources, as in its configuration."""
    resources = load("python", own)  # type: ignore[arg-type]
    return FRONTEND.lower(dedent(source).encode(), path, resources, project or Project())


def graph(source: str, symbol: str = "") -> str:
    """The text form of one function (the first by default), without its places in the source."""
    functions = unit(source).functions
    found = next(item for item in functions if symbol in ("", item.symbol))
    return _PLACES.sub("", write_function(found))


def leaks(source: str, project: Project | None = None, own: object = ()) -> list[str]:
    """What pairing says of the source: "function place shape", in the order of the source."""
    facts = pairing.analyse(unit(source, project=project, own=own))
    return [f"{leak.function} {leak.place} {leak.shape}" for leak in facts.leaks]
