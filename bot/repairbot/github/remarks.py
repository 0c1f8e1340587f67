"""What is said at one place of the diff: where it stands, and the repair as a suggestion or as a patch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from repairbot import edits
from repairbot.github import hunks as diffs
from repairbot.github.model import ChangedFile
from repairbot.github.suggestions import NoSuggestion, Patch, Suggestion, patch, suggest
from repairbot.model import Finding, Fix


@dataclass(frozen=True, slots=True)
class Remark:
    """Findings of one file that one repair ends (or a finding without a repair), and where to say so.

    `line` is 0 where no line of the diff can carry it. `why`: why the repair is no suggestion. `waits`: it
    would be one, and another one stands on its lines.
    """

    findings: tuple[Finding, ...]
    line: int = 0
    start_line: int | None = None
    suggestion: Suggestion | None = None
    patch: Patch | None = None
    why: str = ""
    waits: bool = False

    @property
    def path(self) -> str:
        """The file it speaks of."""
        return self.findings[0].path

    def behind(self, others: Iterable[Suggestion]) -> Remark:
        """The same where other suggestions stand: with a patch in place of its own if they meet."""
        fix = self.findings[0].fix
        if fix is None or self.suggestion is None or not any(map(self.suggestion.meets, others)):
            return self
        return replace(self, suggestion=None, patch=patch(self.path, fix), waits=True)


def compose(
    findings: Sequence[Finding], file: ChangedFile | None, source: bytes | None, encoding: str
) -> list[Remark]:
    """What to say of the findings of one file, those with the same repair together, in their order."""
    groups: dict[object, list[Finding]] = {}
    for finding in findings:
        groups.setdefault((finding.fix.edits if finding.fix else id(finding)), []).append(finding)
    return [_remark(tuple(group), file, source, encoding) for group in groups.values()]


def _remark(
    findings: tuple[Finding, ...], file: ChangedFile | None, source: bytes | None, encoding: str
) -> Remark:
    hunks = file.hunks if file else None
    plain = Remark(findings, _anchor(findings, hunks or ()))
    fix = findings[0].fix
    if fix is None:
        return plain
    made = _suggestion(findings[0], fix, hunks, source, encoding)
    if isinstance(made, NoSuggestion):
        return replace(plain, patch=patch(plain.path, fix, encoding), why=made.why)
    start = made.first if made.first < made.last else None
    return replace(plain, line=made.last, start_line=start, suggestion=made)


def without_suggestion(remark: Remark, why: str, encoding: str) -> Remark:
    """The same with its repair as a patch, for a comment that stands where the suggestion would not fit."""
    fix = remark.findings[0].fix
    if remark.suggestion is None or fix is None:
        return remark
    return replace(remark, suggestion=None, patch=patch(remark.path, fix, encoding), why=why)


def _suggestion(
    finding: Finding, fix: Fix, hunks: diffs.Hunks | None, source: bytes | None, encoding: str
) -> Suggestion | NoSuggestion:
    if source is None:
        return NoSuggestion("was made for a file that could not be read again")
    try:
        checked = edits.apply(source, fix.edits, encoding)
        if edits.unified(source, checked, finding.path, encoding) == fix.diff:
            return suggest(source, fix.edits, hunks, encoding)
    except (edits.BadEditsError, UnicodeError):
        pass  # the edits belong to other bytes than these
    return NoSuggestion("was made for another version of the file")


def _anchor(findings: Sequence[Finding], hunks: diffs.Hunks) -> int:
    """The finding's line, else the first line of its path that the diff shows, else 0."""
    lines = diffs.commentable(hunks)
    for finding in findings:
        for line in (finding.line, *(step.line for step in finding.witness)):
            if line in lines:
                return line
    return 0
