"""One file through the whole pipeline: lower, analyse, rules, repairs, checks."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cached_property, partial

from repairbot.analyses.facts import Facts
from repairbot.candidates import Repairs, Try
from repairbot.edits import Transcoded, UndecodableError, transcode
from repairbot.languages.base import Language, Project, Unreadable
from repairbot.lazily import dataclass, regex
from repairbot.lifetimes.ops import Resource, Summary, Unit
from repairbot.lifetimes.resources import load
from repairbot.model import (
    SEVERITIES,
    FileResult,
    Finding,
    Outcome,
    SafePattern,
    Settings,
    Severity,
    Span,
    Step,
)
from repairbot.room import Room
from repairbot.rule import Report, Rule
from repairbot.verify import Reported

_BLANKS = regex(r"\s+")
_LOOSE = regex(r" ?([^\w\s]) ?")
LONGEST = 3
"""A place of more lines than this is known by its first line: its body may change."""


@dataclass(frozen=True, slots=True)
class Examined:
    """What is known of a file afterwards; `exports`, `asks`, `makers` and `resources` serve the pass across files.

    `waiting`: it has findings whose repairs are still to be written. This writes them, as if nobody had answered
    what the file asks; with answers the file has to be examined again.
    """

    result: FileResult
    exports: tuple[Summary, ...] = ()
    asks: tuple[str, ...] = ()
    makers: tuple[str, ...] = ()
    resources: tuple[Resource, ...] = ()
    unknown: int = 0
    waiting: Callable[[], Examined] | None = None


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

    `provisional`: others may still answer what the file asks. The repairs of one that asks something wait then.

    A file that others ask (`project.asked`) is lowered for their sake, even where nothing in it can leak, and nothing
    is said about it: that is another examination.

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
    room = Room(path, language, settings, project, resources)
    try:
        if project.asked:
            return _offering(room, text)
        facts = room.facts(text.data)
    except Unreadable as error:
        return _skipped(path, language, str(error))
    found = room.reported(facts)
    if found.reports and (why := language.frontend.broken(text.data)):
        return _skipped(path, language, why)  # the tolerant parser read it; the language itself does not
    unit = facts.unit
    wanted = _Findings(text, room, facts, found)
    waiting = provisional and fixes and bool(unit.asks or unit.makers) and wanted.repairable
    findings = wanted.all(fixes=fixes and not waiting) if found.reports else ()
    result = FileResult(
        path,
        language.name,
        Outcome.REPORTED if findings else Outcome.CLEAN,
        findings=findings,
        safe_patterns=tuple(_safe(path, facts, findings)),
        notes=tuple(sorted({*unit.skipped, *facts.pairing.given_up})),
        encoding=text.encoding,
    )
    unknown = unit.unknown + facts.pairing.unknown
    examined = replace(_offers(unit, result), unknown=unknown)
    return replace(examined, waiting=partial(wanted.finished, examined)) if waiting else examined


def _offers(unit: Unit, result: FileResult) -> Examined:
    return Examined(
        result,
        tuple(unit.exports.values()),
        tuple(sorted(unit.asks)),
        tuple(sorted(unit.makers)),
        tuple(unit.resources_made),
    )


def _offering(room: Room, text: Transcoded) -> Examined:
    """What a file offers to those that ask it. Raises Unreadable."""
    try:
        unit = room.lowered(text.data)
    except RecursionError:
        raise Unreadable("it is nested too deeply") from None
    return _offers(unit, FileResult(room.path, room.language.name, Outcome.CLEAN, encoding=text.encoding))


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


@dataclass
class _Findings:
    """Makes the findings of one file from what the rules say."""

    text: Transcoded
    room: Room
    facts: Facts
    found: Reported

    @property
    def repairable(self) -> bool:
        """Whether there is a repair to write."""
        return any(report.intents and self._shown(report) for _, report in self.found.reports)

    def finished(self, examined: Examined) -> Examined:
        """The same with the repairs of the findings."""
        return replace(examined, result=replace(examined.result, findings=self.all(fixes=True)))

    def _shown(self, report: Report) -> bool:
        """Whether it is sure enough to be repaired."""
        return SEVERITIES.index(report.confidence) <= SEVERITIES.index(self.room.settings.repair_from)

    def all(self, *, fixes: bool) -> tuple[Finding, ...]:
        """Every finding, in the order of the lines."""
        rules = {rule.id: rule for rule in self.room.rules}
        tries = [Try(self._finding(rules[name], report), name, report) for name, report in self.found.reports]
        if fixes:
            shown = [each for each in tries if self._shown(each.report)]
            Repairs(self.text, self.room, self.facts, self.found).write(shown)
        return tuple(each.ended() for each in tries)

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
            refusals=report.refusals,
            impact=report.impact,
        )


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
