"""`# repairbot: ignore[rule, rule] reason` takes findings away; one that takes nothing away is reported.

It covers the lines of the statement it stands in (of a compound one, its head), where the language tells them;
on a line of its own it covers the next line of code.
"""

from __future__ import annotations

import re
from dataclasses import field, replace

from repairbot.languages.base import Extents, Language
from repairbot.lazily import dataclass
from repairbot.model import FileResult, Finding, Outcome, Step

MARK = b"repairbot:"


@dataclass(slots=True)
class Suppression:
    """One comment: where it stands, the lines it speaks of, the rules it names, and which of them it met."""

    line: int
    covers: tuple[int, ...]
    rules: tuple[str, ...]
    met: set[str] = field(default_factory=set)


def suppress(source: bytes, language: Language, result: FileResult) -> FileResult:
    """The result without the findings that a comment suppresses, with notes on comments that do nothing."""
    if MARK not in source or result.outcome in (Outcome.SKIPPED, Outcome.FAILED):
        return result
    text = source.decode(result.encoding, "replace")
    found, notes = _comments(text, language.comment)
    if not found and not notes:
        return result
    statement = language.extents(text.encode("utf-8", "replace"))
    kept = tuple(finding for finding in result.findings if not _met(finding, found, statement))
    for each in found:
        idle = [rule for rule in each.rules if rule not in each.met]
        notes += [Step(each.line, f"unused suppression: {rule} finds nothing here") for rule in idle]
    outcome = result.outcome if kept or not result.findings else Outcome.CLEAN
    return replace(
        result,
        outcome=outcome,
        findings=kept,
        notes=result.notes + tuple(sorted(notes)),
        suppressed=result.suppressed + len(result.findings) - len(kept),
    )


def _met(finding: Finding, suppressions: list[Suppression], statement: Extents | None) -> bool:
    lines = range(finding.line, max(finding.line, finding.end_line) + 1)
    if statement is not None:
        lines = statement(finding.line)
    hits = [s for s in suppressions if finding.rule in s.rules and any(line in lines for line in s.covers)]
    for each in hits:
        each.met.add(finding.rule)
    return bool(hits)


def _comments(source: str, comment: str) -> tuple[list[Suppression], list[Step]]:
    """The suppressions of a source, and notes on those that name no rule."""
    pattern = re.compile(re.escape(comment) + r"\s*repairbot:\s*ignore\b(\[([^\]\n]*)\])?")
    found: list[Suppression] = []
    notes: list[Step] = []
    lines = source.split("\n")
    for number, text in enumerate(lines, 1):
        if "repairbot:" not in text or not (match := pattern.search(text)):
            continue
        rules = tuple(name.strip() for name in (match[2] or "").split(",") if name.strip())
        if not rules:
            notes.append(Step(number, "this suppression names no rule: write ignore[rule-id] and a reason"))
            continue
        alone = not text[: match.start()].strip()
        found.append(
            Suppression(number, (number, _next(lines, number, comment)) if alone else (number,), rules)
        )
    return found, notes


def _next(lines: list[str], number: int, comment: str) -> int:
    """The line of the first code behind line `number`."""
    for index in range(number, len(lines)):
        text = lines[index].strip()
        if text and not text.startswith(comment):
            return index + 1
    return number
