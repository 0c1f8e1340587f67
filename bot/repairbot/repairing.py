"""Putting checked fixes into whole files: as many at a time as do not touch, then the file is examined again.

Each fix was checked alone. Together they must hold as well: after every round the findings that are left have
to be the ones that were there before without the repaired ones. Where they are not, half as many go in, down to
one by one, and one that does not hold is left out with its reason.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import field, replace
from typing import Protocol

from repairbot import edits, languages, wire
from repairbot.lazily import dataclass
from repairbot.links import Answers
from repairbot.model import Check, Edit, FileResult, Finding, Outcome
from repairbot.pipeline import Examination, Run, request, told
from repairbot.pool import AHEAD_FILES, Answer, Task

ROUNDS = 200
"""A file that is not done by then stays as it is: its repairs do not come to an end."""
AT_ONCE = 200
"""Files that are held in memory together."""

Wanted = Callable[[Finding], bool]


class Children(Protocol):
    """What examines the drafts: see pool.Pool."""

    def run(self, tasks: Iterable[Task], expected: int = 1, ahead: int = AHEAD_FILES) -> Iterator[Answer]:
        """Examine all tasks; answers come in any order."""
        ...


@dataclass(slots=True)
class Work:
    """One file being repaired: as it was, as it stands now, and what was done to it.

    `original`: the findings that are shown; `current`: all that is known of the file as it stands now.
    `applied` and `refused` are fingerprints of the findings that `original` holds; a fix is in `refused` with
    the reason why it did not go in. `trouble`: why the file as a whole could not be repaired, or "". `most`: how
    many fixes go in together at most, 0 for any number.
    """

    original: FileResult
    current: FileResult
    before: bytes
    answers: Answers
    now: bytes = b""
    applied: Counter[str] = field(default_factory=Counter)
    refused: dict[str, str] = field(default_factory=dict)
    trouble: str = ""
    most: int = 0

    def __post_init__(self) -> None:
        self.now = self.before

    @property
    def changed(self) -> bool:
        """Whether there is something to write."""
        return self.now != self.before and not self.trouble

    def checked(self, check: Check) -> None:
        """One rung more for the fixes that were applied."""
        self.original = replace(
            self.original,
            findings=tuple(
                replace(each, fix=replace(each.fix, checks=(*each.fix.checks, check)))
                if each.fix is not None and self.applied[each.fingerprint]
                else each
                for each in self.original.findings
            ),
        )

    def ended(self) -> FileResult:
        """The file's result with what was applied marked, and reasons where a fix was left out."""
        if self.trouble:
            return replace(self.original, outcome=Outcome.FAILED, reason=self.trouble)
        left = Counter(self.applied)
        findings = []
        for finding in self.original.findings:
            if left[finding.fingerprint] > 0:
                left[finding.fingerprint] -= 1
                finding = replace(finding, applied=True)
            elif why := self.refused.get(finding.fingerprint):
                finding = replace(finding, refusals=(*finding.refusals, why))
            findings.append(finding)
        outcome = Outcome.REPAIRED if self.changed else self.original.outcome
        return replace(self.original, outcome=outcome, findings=tuple(findings))


def gather(run: Run, shown: Iterable[FileResult], wanted: Wanted) -> Iterator[list[Work]]:
    """The files among `shown` with something to repair, read again, some at a time.

    A file whose bytes changed since they were examined comes with `trouble`.
    """
    by_path: dict[str, Examination] = {each.entry.path: each for each in run.examinations if each.wanted}
    batch: list[Work] = []
    for result in shown:
        if not any(wanted(finding) and finding.fix for finding in result.findings):
            continue
        each = by_path[result.path]
        source = run.fresh(each)
        work = Work(result, each.result or result, source or b"", each.answers or {})
        if source is None:
            work.trouble = "changed while it was looked at: run again"
        batch.append(work)
        if len(batch) == AT_ONCE:
            yield batch
            batch = []
    if batch:
        yield batch


def repair(works: Sequence[Work], pool: Children, wanted: Wanted) -> None:
    """Apply every wanted fix to the works, in rounds over all of them."""
    active = [work for work in works if not work.trouble]
    for _ in range(ROUNDS):
        chosen = {tag: _choose(work, wanted) for tag, work in enumerate(active)}
        chosen = {tag: findings for tag, findings in chosen.items() if findings}
        if not chosen:
            return
        drafts = {
            tag: edits.apply(active[tag].now, _edits(findings), active[tag].current.encoding)
            for tag, findings in chosen.items()
        }
        tasks = (
            Task(
                tag,
                request(active[tag].original.path, active[tag].original.language, active[tag].answers),
                draft,
            )
            for tag, draft in drafts.items()
        )
        for answer in pool.run(tasks, len(drafts), ahead=1):
            work = active[answer.tag]
            failure, result = answer.failure, None
            if not failure:
                try:
                    first = answer.frame.partition(b"\n")[0]
                    result = told(first, work.original.path, work.original.language)
                except wire.Malformed as error:
                    failure = f"the answer about it was malformed: {error}"
                else:
                    failure = _judge(work.current, result, chosen[answer.tag])
            if result is None or failure:
                _back(work, chosen[answer.tag], failure)
                continue
            work.now, work.current, work.most = drafts[answer.tag], result, 2 * work.most
            work.applied.update(finding.fingerprint for finding in chosen[answer.tag])
    for work in active:
        if _choose(work, wanted):
            work.trouble = "its repairs do not come to an end; it stays as it is"


def _choose(work: Work, wanted: Wanted) -> list[Finding]:
    """Fixes to apply together next: those that do not touch each other, in the order of the file; no more than `most`.

    Fixes that declare the same name wait for each other, where their language's printer does not see to that: the
    next one is written anew, with another name.
    """
    neighbourly = languages.walk()[work.original.language].neighbourly
    chosen: list[Finding] = []
    taken: set[Edit] = set()
    names: set[str] = set()
    for finding in work.current.findings:
        if finding.fix is None or not wanted(finding) or finding.fingerprint in work.refused:
            continue
        declared = set() if neighbourly else edits.declared(finding.fix.edits)
        if edits.overlap(finding.fix.edits, taken) or names & declared:
            continue
        chosen.append(finding)
        names |= declared
        taken.update(finding.fix.edits)
        if len(chosen) == work.most:
            break
    return chosen


def _edits(findings: Iterable[Finding]) -> set[Edit]:
    """All edits of these findings' fixes; the same edit (an import that two need) counts once."""
    return {edit for finding in findings if finding.fix for edit in finding.fix.edits}


def _judge(before: FileResult, after: FileResult, repaired: Sequence[Finding]) -> str:
    """Why this round must not stand, or ""."""
    if after.outcome in (Outcome.SKIPPED, Outcome.FAILED):
        return f"the repaired file {after.outcome}: {after.reason}"
    gone = Counter(finding.fingerprint for finding in repaired)
    allowed = Counter(finding.fingerprint for finding in before.findings) - gone
    extra = Counter(finding.fingerprint for finding in after.findings) - allowed
    if not extra:
        return ""
    first = next(finding for finding in after.findings if extra[finding.fingerprint])
    return f"together with the file's other repairs it leaves {first.rule} in line {first.line}"


def _back(work: Work, chosen: Sequence[Finding], failure: str) -> None:
    """A round did not hold: try half as many, or leave this one out."""
    work.most = len(chosen) // 2
    if not work.most:
        work.refused[chosen[0].fingerprint] = failure or "the repaired file could not be examined"
