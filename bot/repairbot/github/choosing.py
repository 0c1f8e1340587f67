"""Which findings are the pull request's business: those it brings in or touches, and those that stand near."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass

from repairbot.github import hunks as diffs
from repairbot.github.model import Look
from repairbot.model import Finding
from repairbot.reports.view import by_severity


@dataclass(frozen=True, slots=True)
class Choice:
    """The findings of the head, each in one of three lists, worst first.

    `introduced`: not there at the base; `touched`: there before, and the change rewrites a line of its path;
    `others`: the rest of what stands in the files that it touches.
    """

    introduced: tuple[Finding, ...]
    touched: tuple[Finding, ...]
    others: tuple[Finding, ...]

    @property
    def ours(self) -> tuple[Finding, ...]:
        """What the change is answerable for, worst first; of the same severity, what it introduced first."""
        ranked = {finding: rank for rank, finding in enumerate((*self.introduced, *self.touched))}
        worst = {finding: rank for rank, finding in enumerate(by_severity(ranked))}
        severities = ("high", "medium", "low")
        new = set(self.introduced)
        return tuple(sorted(ranked, key=lambda f: (severities.index(f.severity), f not in new, worst[f])))


def choose(look: Look) -> Choice:
    """Sort the findings. Of equal ones (one fingerprint), those on changed lines are the new ones."""
    changed = {file.path: diffs.added(file.hunks or ()) for file in look.files}
    groups: defaultdict[str, list[Finding]] = defaultdict(list)
    for finding in look.audit.findings:
        groups[finding.fingerprint].append(finding)
    introduced: list[Finding] = []
    touched: list[Finding] = []
    others: list[Finding] = []
    known = Counter(look.known)
    for fingerprint, group in groups.items():
        group.sort(key=lambda finding: not _touches(finding, changed.get(finding.path, frozenset())))
        new = max(len(group) - known[fingerprint], 0)
        introduced += group[:new]
        for finding in group[new:]:
            near = _touches(finding, changed.get(finding.path, frozenset()))
            (touched if near else others).append(finding)
    return Choice(by_severity(introduced), by_severity(touched), by_severity(others))


def _touches(finding: Finding, changed: frozenset[int]) -> bool:
    """Whether the finding's own lines, or one of the path that leads to the leak, were added or rewritten."""
    own = range(finding.line, max(finding.end_line, finding.line) + 1)
    return any(line in changed for line in own) or any(step.line in changed for step in finding.witness)
