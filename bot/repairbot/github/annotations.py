"""Annotations of a check run: for what has no comment, and for repairs that no suggestion can carry."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from repairbot.config import FailOn
from repairbot.github.model import ANNOTATIONS_LIMIT, Annotation, Level
from repairbot.github.suggestions import patch
from repairbot.model import SEVERITIES, Finding, Severity
from repairbot.reports.markup import clip, visible

_MESSAGE: Final = 4_000
_TITLE: Final = 255
_DETAILS: Final = 64 * 1024
"""Bytes. Source: GitHub's OpenAPI description (checks/create)."""


def annotate(findings: Iterable[Finding], fail_on: FailOn) -> tuple[Annotation, ...]:
    """One a finding, in their order; plain text, the repair as a patch in `raw_details` where it fits."""
    return tuple(_annotation(finding, fail_on) for finding in findings)


def batches(every: Sequence[Annotation]) -> tuple[tuple[Annotation, ...], ...]:
    """In so many as one request takes."""
    starts = range(0, len(every), ANNOTATIONS_LIMIT)
    return tuple(tuple(every[start : start + ANNOTATIONS_LIMIT]) for start in starts)


def fails(severity: Severity, fail_on: FailOn) -> bool:
    """Whether a leak of this severity makes the check fail."""
    return fail_on != "never" and SEVERITIES.index(severity) <= SEVERITIES.index(fail_on)


def _annotation(finding: Finding, fail_on: FailOn) -> Annotation:
    line = max(finding.line, 1)
    return Annotation(
        finding.path,
        line,
        max(finding.end_line, line),
        _level(finding.severity, fail_on),
        clip("\n".join(_message(finding)), _MESSAGE),
        clip(visible(f"{finding.rule}: {finding.message}"), _TITLE),
        _details(finding),
    )


def _level(severity: Severity, fail_on: FailOn) -> Level:
    if fails(severity, fail_on):
        return "failure"
    return "notice" if severity == "low" else "warning"


def _message(finding: Finding) -> Iterator[str]:
    yield visible(finding.message)
    yield from (f"{step.line}  {visible(step.note)}" for step in finding.witness if step.line)
    if finding.fix is not None:
        yield visible(f"Repair ({finding.fix.safety}): {finding.fix.title}")
    elif finding.refusals:
        yield visible(f"No repair: {finding.refusals[0]}")


def _details(finding: Finding) -> str:
    """The repair for `git apply`; "" where there is none, or none that stays whole."""
    if finding.fix is None:
        return ""
    made = patch(finding.path, finding.fix)
    fits = not made.why_not and len(made.text.encode("utf-8", "surrogatepass")) <= _DETAILS
    return made.text if fits else ""
