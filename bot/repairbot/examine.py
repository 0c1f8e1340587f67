"""One file through the whole pipeline: lower, analyse, rules, repairs, checks."""

from __future__ import annotations

import importlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cached_property, partial

from repairbot.analyses import analyse
from repairbot.analyses.facts import Facts
from repairbot.edits import Transcoded, UndecodableError, apply, transcode, unified
from repairbot.languages.base import Language, PartFrontend, Printer, Project, Unreadable
from repairbot.lazily import dataclass, regex
from repairbot.lifetimes.intents import Refusal
from repairbot.lifetimes.ops import Intent, Resource, Summary
from repairbot.lifetimes.resources import load
from repairbot.model import (
    SEVERITIES,
    Edit,
    FileResult,
    Finding,
    Fix,
    Outcome,
    SafePattern,
    Settings,
    Severity,
    Span,
    Step,
)
from repairbot.rule import Report, Rule, enabled
from repairbot.verify import Climb, Key, Reported, climb

_BLANKS = regex(r"\s+")
_LOOSE = regex(r" ?([^\w\s]) ?")
LONGEST = 3
"""A place of more lines than this is known by its first line: its body may change."""


@dataclass(frozen=True, slots=True)
class Examined:
    """What is known of a file afterwards; `exports`, `asks`, `makers` and `resources` serve the pass across files.

    `waiting`: it has findings whose repairs are still to be written, by another examination.
    """

    result: FileResult
    exports: tuple[Summary, ...] = ()
    asks: tuple[str, ...] = ()
    makers: tuple[str, ...] = ()
    resources: tuple[Resource, ...] = ()
    unknown: int = 0
    waiting: bool = False


def examine(
    source: bytes,
    path: str,
    language: Language,
    settings: Settings,
    project: Project | None = None,
    *,
    fixes: bool = True,
    provisional: bool = False,
) -> Examined:
    """Audit one file; with `fixes` every finding carries its checked repair or the reasons why there is none.

    `provisional`: others may still answer what the file asks. One that asks something gets no repairs then, since
    it may be examined again.

    A file that others ask (`project.asked`) is lowered even where nothing in it can leak.

    Never raises for what a file holds: what cannot be read ends as skipped, with its reason.
    """
    try:
        text = transcode(source)
    except UndecodableError as error:
        return _skipped(path, language, str(error))
    resources = load(language.name, settings.resources)
    project = project or Project()
    if not project.asked and language.frontend.dismiss(text.data, resources):
        return Examined(FileResult(path, language.name, Outcome.CLEAN, encoding=text.encoding))
    room = _Room(path, language, settings, project, resources)
    try:
        facts = room.facts(text.data)
    except Unreadable as error:
        return _skipped(path, language, str(error))
    found = room.reported(facts)
    if found.reports and (why := language.frontend.broken(text.data)):
        return _skipped(path, language, why)  # the tolerant parser read it; the language itself does not
    unit = facts.unit
    wanted = _Findings(text, room, found)
    waiting = provisional and fixes and bool(unit.asks or unit.makers) and wanted.repairable
    findings = tuple(wanted.all(fixes=fixes and not waiting)) if found.reports else ()
    result = FileResult(
        path,
        language.name,
        Outcome.REPORTED if findings else Outcome.CLEAN,
        findings=findings,
        safe_patterns=tuple(_safe(path, facts, findings)),
        notes=tuple(sorted({*unit.skipped, *facts.pairing.given_up})),
        encoding=text.encoding,
    )
    return Examined(
        result,
        tuple(unit.exports.values()),
        tuple(sorted(unit.asks)),
        tuple(sorted(unit.makers)),
        tuple(unit.resources_made),
        unit.unknown + facts.pairing.unknown,
        waiting,
    )


def _skipped(path: str, language: Language, reason: str) -> Examined:
    return Examined(FileResult(path, language.name, Outcome.SKIPPED, reason))


def _safe(path: str, facts: Facts, findings: tuple[Finding, ...]) -> Iterator[SafePattern]:
    """The safe patterns of all analyses; a place with a finding is not safe."""
    lines = {finding.line for finding in findings}
    seen: set[tuple[int, str]] = set()
    everything = (*facts.unit.safe, *facts.pairing.safe, *facts.growth.safe, *facts.undone)
    for pattern in sorted(everything, key=lambda pattern: (pattern.line, pattern.symbol)):
        if pattern.line not in lines and (pattern.line, pattern.pattern) not in seen:
            seen.add((pattern.line, pattern.pattern))
            yield replace(pattern, path=path)


@dataclass(frozen=True)
class _Room:
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
            return analyse(self.language.frontend.lower(data, self.path, self.resources, self.project))
        except RecursionError:
            raise Unreadable("it is nested too deeply") from None

    def reported(self, facts: Facts) -> Reported:
        """What the rules say, one report a place and variable, in the order of the lines."""
        if facts.unit.bare:  # most files: asking every rule costs more than reading them did
            return Reported()
        found = [
            (rule, self._weighed(rule, report))
            for rule in self.rules
            for report in rule.check(facts, self.settings)
        ]
        misuses: Counter[Key] = Counter(
            (misuse.kind, misuse.function, misuse.place) for misuse in facts.pairing.misuses
        )
        return Reported(tuple((rule.id, report) for rule, report in _one_a_place(found)), misuses)

    def _weighed(self, rule: Rule, report: Report) -> Report:
        """The report with no more confidence than its rule, or its language, has in test code."""
        if self.language.tests and re.search(self.language.tests, f"{self.path} {report.symbol}"):
            return replace(report, confidence="low")
        return _in_test(rule, report)

    def again(self, data: bytes, symbols: frozenset[str] | None = None) -> Reported:
        """The same of a repaired version; with `symbols` of these functions alone."""
        frontend = self.language.frontend
        try:
            if symbols is None or not isinstance(frontend, PartFrontend):
                return self.reported(self.facts(data))
            unit = frontend.lower_part(data, self.path, self.resources, self.project, symbols)
            return self.reported(analyse(unit)).within(symbols)
        except Unreadable as error:
            return Reported(wrong=f"the repaired file cannot be read: {error}")
        except RecursionError:
            return Reported(wrong="the repaired file is nested too deeply")


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


@dataclass
class _Findings:
    """Makes the findings of one file from what the rules say."""

    text: Transcoded
    room: _Room
    found: Reported

    @property
    def repairable(self) -> bool:
        """Whether there is a repair to write."""
        return any(report.intents and self._shown(report) for _, report in self.found.reports)

    def _shown(self, report: Report) -> bool:
        """Whether it is sure enough to be repaired."""
        return SEVERITIES.index(report.confidence) <= SEVERITIES.index(self.room.settings.repair_from)

    def all(self, *, fixes: bool) -> Iterator[Finding]:
        """Every finding, in the order of the lines."""
        rules = {rule.id: rule for rule in self.room.rules}
        for name, report in self.found.reports:
            finding = self._finding(rules[name], report)
            yield self._repaired(finding, name, report) if fixes and self._shown(report) else finding

    @cached_property
    def _lines(self) -> list[str]:
        return re.split(r"\r\n|\r|\n", self.text.data.decode())

    def _column(self, at: Span) -> int:
        """A span's column in characters, as readers of reports count; front ends count bytes."""
        ahead = self.text.data[at.start - at.column + 1 : at.start].decode("utf-8", "replace")
        return len(ahead.removeprefix("\ufeff")) + 1

    def _step(self, step: Step) -> Step:
        if step.code or not 0 < step.line <= len(self._lines):
            return step
        return step._replace(code=self._lines[step.line - 1].strip().removeprefix("\ufeff"))

    def _finding(self, rule: Rule, report: Report) -> Finding:
        severity: Severity = self.room.settings.severity.get(rule.id) or report.severity or rule.severity
        return Finding(
            rule.id,
            self.room.path,
            report.at.line,
            report.at.end_line,
            self._column(report.at),
            report.symbol,
            report.variable,
            severity,
            report.confidence,
            report.message,
            tuple(self._step(step) for step in report.witness),
            tuple(self._step(step) for step in report.evidence),
            fingerprint(rule.id, report.symbol, self.text.data, report.at),
            refusals=tuple(dict.fromkeys(report.refusals)),
            impact=report.impact,
        )

    def _repaired(self, finding: Finding, rule: str, report: Report) -> Finding:
        """The finding with the first candidate that climbs the whole ladder, or with the reasons of all."""
        reasons = list(report.refusals)
        for intent in report.intents:
            fix = self._candidate(rule, report, intent)
            if isinstance(fix, Fix):
                return replace(finding, fix=fix)
            reasons.append(fix)
        return replace(finding, refusals=tuple(dict.fromkeys(reasons)))

    def _candidate(self, rule: str, report: Report, intent: Intent) -> Fix | str:
        data = self.text.data
        written = self.room.printer.write(data, intent)
        if isinstance(written, Refusal):
            return written.why
        symbols = self._touched(report, written)
        found = self.found if symbols is None else self.found.within(symbols)
        again = partial(self.room.again, symbols=symbols)
        result: Climb = climb(data, written, rule, report, found, again, self.room.printer)
        if result.fell:
            return f"the repair ({intent.title or intent.do}) did not hold: {result.fell}"
        try:
            edits = self.text.back(written)
        except UnicodeEncodeError:
            return f"the repair cannot be written in the file's encoding, {self.text.encoding}"
        stored = self.text.back_to_bytes()
        after = apply(stored, edits, self.text.encoding)
        diff = unified(stored, after, self.room.path, self.text.encoding)
        return Fix(intent.safety, intent.title, edits, diff, result.checks, intent.choice, intent.why)

    def _touched(self, report: Report, edits: tuple[Edit, ...]) -> frozenset[str] | None:
        """The functions that a repair changes, where it changes nothing else and its finding is about one of them.

        The others say what they said; a member of a container may be spoken of anywhere, so all is looked at again.
        """
        frontend = self.room.language.frontend
        if not isinstance(frontend, PartFrontend) or "." in report.variable:
            return None
        symbols = frontend.touched(self.text.data, tuple((edit.start, edit.end) for edit in edits))
        return symbols if symbols is not None and report.symbol in symbols else None


def fingerprint(rule: str, symbol: str, source: bytes, at: Span) -> str:
    """What a finding is known by in other versions of its file: rule, symbol and the code without its blanks.

    It survives moved lines and new indentation. Equal code in one function has equal fingerprints: they are
    counted, not numbered, since a number would change when the first of two is repaired.
    """
    from hashlib import sha256  # loads OpenSSL, which a file without findings does not need

    code = source[at.start : at.end].decode("utf-8", "replace")
    if at.end_line - at.line >= LONGEST:
        code = code.partition("\n")[0]
    code = _LOOSE.sub(r"\1", _BLANKS.sub(" ", code).strip()).replace(",)", ")").replace(",]", "]")
    return sha256("\0".join((rule, symbol, code)).encode()).hexdigest()[:20]
