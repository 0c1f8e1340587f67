"""What the tests of the Rust front end share: source in, the graph or what is said of it out."""

from __future__ import annotations

from textwrap import dedent

from repairbot.analyses import analyse, pairing
from repairbot.languages.base import Project
from repairbot.languages.rust.frontend import FRONTEND
from repairbot.lifetimes.ops import Unit
from repairbot.lifetimes.resources import load
from repairbot.model import Settings
from repairbot.rule import enabled


def unit(source: str) -> Unit:
    """The lowered file."""
    return FRONTEND.lower(dedent(source).encode(), "example.rs", load("rust"), Project())


def leaks(source: str) -> list[str]:
    """What pairing says of the source: "function place shape", in the order of the source."""
    return [f"{leak.function} {leak.place} {leak.shape}" for leak in pairing.analyse(unit(source)).leaks]


def said(source: str) -> list[str]:
    """All that the rules say of the source: "rule line variable"."""
    facts = analyse(unit(source))
    rules = (rule for rule in enabled(Settings()) if "rust" in rule.languages)
    found = ((rule.id, report) for rule in rules for report in rule.check(facts, Settings()))
    return [f"{name} {report.at.line} {report.variable}" for name, report in found]
