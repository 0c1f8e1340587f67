"""What the tests of the TypeScript front end share: source in, the graph, the leaks or the words of a rule out."""

from __future__ import annotations

import re
from textwrap import dedent

from repairbot.analyses import analyse, pairing
from repairbot.languages.base import Project
from repairbot.languages.typescript.frontend import TypeScriptFrontend
from repairbot.lifetimes.ops import Unit
from repairbot.lifetimes.resources import load
from repairbot.lifetimes.text import write_function
from repairbot.model import Settings
from repairbot.rule import enabled

_PLACES = re.compile(r" (?:expression=|at=|passes=)?@\d+(?:-\d+)?(?::\d+)?(?:\[\d+\.\.\d+\])?")


def language_of(path: str) -> str:
    """The language of a path."""
    return "javascript" if re.search(r"\.[cm]?jsx?$", path) else "typescript"


def unit(source: str, path: str = "service.ts", project: Project | None = None) -> Unit:
    """The lowered file."""
    language = language_of(path)
    frontend = TypeScriptFrontend(language)
    return frontend.lower(dedent(source).encode(), path, load(language), project or Project())


def graph(source: str, symbol: str = "") -> str:
    """The text form of one function (the first by default), without its places in the source."""
    found = next(item for item in unit(source).functions if symbol in ("", item.symbol))
    return _PLACES.sub("", write_function(found))


def leaks(source: str, path: str = "service.ts", project: Project | None = None) -> list[str]:
    """What pairing says of the source: "function place shape", in the order of the source, but for what is unlikely."""
    found = pairing.analyse(unit(source, path, project)).leaks
    return [f"{leak.function} {leak.place} {leak.shape}" for leak in found if leak.confidence != "low"]


def said(
    source: str, rule: str, path: str = "service.ts", least: tuple[str, ...] = ("medium", "high")
) -> list[str]:
    """What one rule says, as "line message", of the confidences that are shown."""
    facts = analyse(unit(source, path))
    found = next(item for item in enabled(Settings()) if item.id == rule)
    reports = found.check(facts, Settings())
    return [f"{report.at.line} {report.message}" for report in reports if report.confidence in least]
