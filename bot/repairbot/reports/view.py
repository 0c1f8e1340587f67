"""What several formats say in the same way: the order of findings, what became of them, totals in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final

from repairbot.lazily import dataclass, regex
from repairbot.model import SEVERITIES, Audit, Finding, Outcome, Step
from repairbot.reports import Options

_PLACE: Final = regex(r"^line [0-9]+(?:: | (?=is|has))")
"""Where in its file a reason stands, when it says that first."""


@dataclass(frozen=True, slots=True)
class Sorted:
    """The findings by what the reader has to do with them, each list by severity, path and line.

    `repaired`: carries a repair that is (or would be) applied; `decide`: left to the reader, for want of a
    repair or because it is unsafe; `potential`: neither sure nor repaired, only worth a look.
    """

    repaired: tuple[Finding, ...]
    decide: tuple[Finding, ...]
    potential: tuple[Finding, ...]


def plural(count: int, one: str, many: str = "") -> str:
    """ "1 file", "3 files", "1,200 entries"."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def by_severity(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Worst first, then by place."""
    return tuple(
        sorted(findings, key=lambda f: (SEVERITIES.index(f.severity), f.path, f.line, f.column, f.rule))
    )


def applies(finding: Finding, audit: Audit, options: Options) -> bool:
    """Whether its repair was applied (dry: would be); in an audit, whether it is of the kind that is offered."""
    if audit.mode == "fix":
        return finding.applied
    return finding.fix is not None and (finding.fix.safety == "safe" or options.unsafe)


def sort(audit: Audit, options: Options) -> Sorted:
    """Put every finding into exactly one of the three lists."""
    repaired: list[Finding] = []
    decide: list[Finding] = []
    potential: list[Finding] = []
    for finding in by_severity(audit.findings):
        if applies(finding, audit, options):
            repaired.append(finding)
        elif finding.confidence == "low" or (finding.confidence == "medium" and finding.fix is None):
            potential.append(finding)
        else:
            decide.append(finding)
    return Sorted(tuple(repaired), tuple(decide), tuple(potential))


def path_of(finding: Finding) -> tuple[Step, ...]:
    """Witness and evidence as one path where the lines only go down; otherwise the evidence behind it.

    Steps of one line that follow each other are one step; those with no line come last.
    """
    lines = [step.line for step in finding.witness]
    steps = list({(step.line, step.note): step for step in (*finding.witness, *finding.evidence)}.values())
    if lines == sorted(lines):
        steps.sort(key=lambda step: step.line)
    path: list[Step] = []
    for step in steps:
        if path and step.line and step.line == path[-1].line:
            path[-1] = path[-1]._replace(note=f"{path[-1].note}; {step.note}")
        else:
            path.append(step)
    return tuple(sorted(path, key=lambda step: not step.line))


def why(finding: Finding) -> tuple[str, str]:
    """A label and why this repair: growth gets a "bound", the rest a "why". Both empty: nothing to say."""
    if finding.fix is None:
        return "", ""
    grows = finding.impact.before == "unbounded"
    text = finding.fix.why or (finding.impact.after if grows else "")
    if text.lower() in finding.fix.choice.lower():
        return "", ""
    return ("bound" if grows else "why", text) if text else ("", "")


def reasons(audit: Audit, outcome: Outcome) -> list[tuple[str, int]]:
    """Why files ended so, the most frequent reason first; where in the file it is, is left to its own line."""
    counts = Counter(
        _PLACE.sub("", file.reason) or "no reason given" for file in audit.files if file.outcome is outcome
    )
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def also(audit: Audit) -> list[str]:
    """What was left aside on purpose, in words."""
    said = []
    if audit.suppressed:
        said.append(f"{audit.suppressed:,} suppressed in the code")
    if audit.hidden:
        said.append(f"{audit.hidden:,} of low confidence (--all)")
    if audit.baselined:
        said.append(f"{audit.baselined:,} known before ({'at the base' if audit.base else 'baseline'})")
    return said
