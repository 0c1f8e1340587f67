"""All that looking at one file depends on: lower, analyse, ask the rules, for the file and its repaired versions."""

from __future__ import annotations

import importlib
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from functools import cached_property

from repairbot.analyses import analyse
from repairbot.analyses.facts import Facts
from repairbot.languages.base import Language, PartFrontend, Printer, Project, Unreadable
from repairbot.lazily import dataclass, regex
from repairbot.lifetimes.ops import Resource, Unit
from repairbot.model import SEVERITIES, Settings
from repairbot.rule import Report, Rule, enabled
from repairbot.verify import Key, Reported


@dataclass(frozen=True)
class Room:
    """All that looking at one file, and again at its repaired versions, depends on."""

    path: str
    language: Language
    settings: Settings
    project: Project
    resources: tuple[Resource, ...]

    @cached_property
    def rules(self) -> tuple[Rule, ...]:
        """The rules that are on and speak this language."""
        return tuple(rule for rule in enabled(self.settings) if self.language.name in rule.languages)

    @cached_property
    def printer(self) -> Printer:
        """The language's printer: heavy, so it is loaded when the first repair is written."""
        printer: Printer = importlib.import_module(self.language.load_printer).PRINTER
        return printer

    def facts(self, data: bytes) -> Facts:
        """Lower and analyse. Raises Unreadable."""
        try:
            return analyse(self.lowered(data))
        except RecursionError:
            raise Unreadable("it is nested too deeply") from None

    def lowered(self, data: bytes) -> Unit:
        """The model of a version of the file. Raises Unreadable, RecursionError."""
        return self.language.frontend.lower(data, self.path, self.resources, self.project)

    def reported(self, facts: Facts) -> Reported:
        """What the rules say, one report a place and variable, in the order of the lines."""
        given_up = (*facts.unit.skipped, *facts.pairing.given_up)
        unread = Counter(_NUMBER.sub("", step.note) for step in given_up)
        if facts.unit.bare:  # most files: asking every rule costs more than reading them did
            return Reported(unread=unread)
        found = [
            (rule, self._weighed(rule, report))
            for rule in self.rules
            for report in rule.check(facts, self.settings)
        ]
        misuses: Counter[Key] = Counter(
            (misuse.kind, misuse.function, misuse.place) for misuse in facts.pairing.misuses
        )
        reports = tuple((rule.id, report) for rule, report in _one_a_place(found))
        return Reported(reports, misuses, unread=unread)

    def _weighed(self, rule: Rule, report: Report) -> Report:
        """The report with no more confidence than its rule, or its language, has in test code."""
        if self.language.tests and re.search(self.language.tests, f"{self.path} {report.symbol}"):
            return replace(report, confidence="low")
        return _in_test(rule, report)

    def again(self, base: Unit, data: bytes, symbols: frozenset[str] | None = None) -> Reported:
        """The same of a repaired version of a file (`base`); with `symbols` of these functions alone."""
        frontend = self.language.frontend
        try:
            if symbols is None or not isinstance(frontend, PartFrontend):
                return self.reported(self.facts(data))
            return self.reported(self.part(frontend, base, data, symbols)).within(symbols)
        except Unreadable as error:
            return Reported(wrong=f"the repaired file cannot be read: {error}")
        except RecursionError:
            return Reported(wrong="the repaired file is nested too deeply")

    def part(self, frontend: PartFrontend, base: Unit, data: bytes, symbols: frozenset[str]) -> Facts:
        """The analysis of these functions of a version alone. Raises Unreadable, RecursionError."""
        return analyse(frontend.lower_part(base, data, self.resources, self.project, symbols))


_NUMBER = regex(r"\d+")
"""In a note: a line, or the number of a nameless value; they differ between versions of a file."""
_TEST = regex(
    r"(?:^|\.)(?:test_\w+|Test[A-Z_]\w*|\w+Tests?|\w+TestCase|\w*TestBase|(?:async)?[sS]etUp\w*|tearDown\w*)(?:\.|$)"
)
"""The symbol of a place in test code."""


def _in_test(rule: Rule, report: Report) -> Report:
    """The report with no more confidence than its rule has in test code."""
    if rule.in_tests == "high" or not _TEST.search(report.symbol):
        return report
    sure = max(rule.in_tests, report.confidence, key=SEVERITIES.index)
    return replace(report, confidence=sure)


def _one_a_place(found: Iterable[tuple[Rule, Report]]) -> list[tuple[Rule, Report]]:
    """Where several rules report the same line and variable, the one that says most stays.

    The order: the higher `Rule.precedence`, then the higher confidence, then one that has repairs, then the
    higher severity, then the rule's id.
    """
    best: dict[tuple[int, str], tuple[Rule, Report]] = {}
    for rule, report in sorted(found, key=lambda pair: _weight(*pair)):
        best.setdefault((report.at.line, report.variable or report.symbol), (rule, report))
    return sorted(best.values(), key=lambda pair: (pair[1].at.start, pair[0].id))


def _weight(rule: Rule, report: Report) -> tuple[int, int, bool, int, str]:
    severity = report.severity or rule.severity
    return (
        -rule.precedence,
        SEVERITIES.index(report.confidence),
        not report.intents,
        SEVERITIES.index(severity),
        rule.id,
    )
