"""What travels through the pipeline: spans, edits, findings, fixes, outcomes, audits.

Frozen data, no behaviour to speak of. Lines and columns count from 1: a span's column in bytes of UTF-8, a
finding's in characters (Unicode code points). Offsets count bytes of the source as it stands in the file, from
0; an end is the first byte that is no longer part.
"""

from __future__ import annotations

from dataclasses import field
from enum import StrEnum
from typing import Literal, NamedTuple

from repairbot.lazily import dataclass

Severity = Literal["low", "medium", "high"]
Confidence = Literal["low", "medium", "high"]
Safety = Literal["safe", "unsafe"]

SEVERITIES: tuple[Severity, ...] = ("high", "medium", "low")
"""Worst first: the order of every report."""


class Span(NamedTuple):
    """A stretch of one source file."""

    start: int
    end: int
    line: int
    end_line: int
    column: int


class Edit(NamedTuple):
    """Replace the bytes `start..end` of a source by `text` (encoded as the file is)."""

    start: int
    end: int
    text: str


class Step(NamedTuple):
    """One line of a witness or a piece of evidence: a place and what happens there.

    `line` 0 means no place in particular. `code`: the text of that line without the blanks around it; rules
    leave it empty and `examine` fills it, so that reports need no source.
    """

    line: int
    note: str
    code: str = ""


class Check(NamedTuple):
    """One rung of the ladder that a patch climbed (or fell from)."""

    name: str
    result: Literal["passed", "failed", "not run"]
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Fix:
    """A repair that climbed the whole ladder.

    `safe` keeps behaviour; `unsafe` chooses for the user, and `choice` says what it chose. `why`: why this
    repair and this bound, with its evidence ("the last 100 an agent (line 52)"), from the intent.
    `diff`: unified, of this fix alone: `--- a/PATH`, `+++ b/PATH`, three lines of context, lines split at
    line feeds only, their ends as in the file, and git's marker where the last line has none.
    """

    safety: Safety
    title: str
    edits: tuple[Edit, ...]
    diff: str
    checks: tuple[Check, ...]
    choice: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class Impact:
    """What the leak costs, as a formula in words and, where it was counted, figures.

    `growth`: "one entry a request × the size of a job"; `before` and `after`: "unbounded", "at most 100
    an agent". Empty strings mean that nothing can be said.
    """

    growth: str = ""
    before: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """One leak. `line` is where the resource is acquired or the collection grows."""

    rule: str
    path: str
    line: int
    end_line: int
    column: int
    symbol: str
    variable: str
    severity: Severity
    confidence: Confidence
    message: str
    witness: tuple[Step, ...]
    evidence: tuple[Step, ...] = ()
    fingerprint: str = ""
    fix: Fix | None = None
    refusals: tuple[str, ...] = ()
    """Why there is no fix, one reason a candidate that was refused or fell."""
    impact: Impact = Impact()
    applied: bool = False
    """Its fix was written (in a dry run: would be). Always False in an audit."""


@dataclass(frozen=True, slots=True)
class SafePattern:
    """A place that looks like a leak and was seen to be none."""

    path: str
    line: int
    symbol: str
    pattern: str
    reason: str


class Outcome(StrEnum):
    """How a file ended. Every file that was given ends in exactly one of these."""

    REPAIRED = "repaired"
    REPORTED = "reported"
    CLEAN = "clean"
    SKIPPED = "skipped"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class FileResult:
    """What became of one file. `reason` is set when it was skipped or failed."""

    path: str
    language: str
    outcome: Outcome
    reason: str = ""
    findings: tuple[Finding, ...] = ()
    safe_patterns: tuple[SafePattern, ...] = ()
    notes: tuple[Step, ...] = ()
    """What a reader should know of the file: functions passed over and why, unused suppressions."""
    suppressed: int = 0
    encoding: str = "utf-8"
    """How the file's bytes become text (a Python codec name); a patch must be written in it."""


Verdict = Literal["leaks", "flat", "undecided"]
"""What a measurement says of one side."""


class Frame(NamedTuple):
    """A place on the trace of a leak. `path`: relative to the project's top where it lies in it, else as told."""

    path: str
    line: int
    function: str = ""


@dataclass(frozen=True, slots=True)
class Leak:
    """What a detector named: how often and how many bytes in one run, and where (innermost frame first)."""

    what: str
    count: int = 1
    bytes: int = 0
    trace: tuple[Frame, ...] = ()


class Point(NamedTuple):
    """One reading: after so many iterations (or seconds), so much."""

    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a measurement, before or after.

    Counted: `count` and `bytes` of one run. Growth: `slope` by iteration (or second) with its confidence
    interval `low..high`, and `points` of one run, thinned for a curve. `flaky`: the runs disagreed.
    """

    verdict: Verdict
    reason: str = ""
    count: int = 0
    bytes: int = 0
    slope: float = 0.0
    low: float = 0.0
    high: float = 0.0
    top: float = 0.0
    """The highest reading after the warm-up."""
    points: tuple[Point, ...] = ()
    leaks: tuple[Leak, ...] = ()
    flaky: bool = False


@dataclass(frozen=True, slots=True)
class Measurement:
    """One thing measured before and after. `per` is "run" where leaks are counted.

    `findings`: fingerprints of the findings that it names. `subject`: what was called, "" for the command.
    """

    detector: str
    what: str
    unit: str
    per: Literal["iteration", "second", "run"]
    before: Side
    after: Side
    subject: str = ""
    findings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Proof:
    """What `repairbot prove` measured. `before`, `after`: what the two sides were, in words."""

    command: str
    before: str
    after: str
    repeats: int
    measurements: tuple[Measurement, ...] = ()
    not_called: tuple[str, ...] = ()
    """What could not be called by itself, each with its reason."""
    notes: tuple[str, ...] = ()
    version: int = 1


@dataclass(frozen=True, slots=True)
class Audit:
    """The result of a run, from which every report is made. Files stand sorted by path.

    `mode` is "fix" when files were (or with `dry` would be) written, else "audit". `baselined` counts
    findings that a baseline file or `--base` subtracted.
    """

    root: str
    files: tuple[FileResult, ...]
    mode: Literal["audit", "fix"] = "audit"
    dry: bool = True
    base: str = ""
    seconds: float = 0.0
    baselined: int = 0
    hidden: int = 0
    """Findings below the confidence that is shown."""
    suppressed: int = 0
    unknown: int = 0
    """Operations at which the analysis stopped tracking because it did not know who owns the value."""
    problems: tuple[str, ...] = ()
    """What failed on the way and belongs to no file."""
    proof: Proof | None = None
    """What was measured before and after, from the file that `repairbot prove` wrote."""

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All findings, in the order of the files and of their lines."""
        return tuple(finding for file in self.files for finding in file.findings)

    def count(self, outcome: Outcome) -> int:
        """How many files ended so."""
        return sum(file.outcome is outcome for file in self.files)


@dataclass(frozen=True, slots=True)
class Settings:
    """What the analyses, rules and repairs may depend on. Part of the cache key: everything here counts.

    `rules`: ids switched on or off against their default; `bounds`: the default bound by rule id or "default".
    """

    rules: dict[str, bool] = field(default_factory=dict)
    severity: dict[str, Severity] = field(default_factory=dict)
    bounds: dict[str, int] = field(default_factory=lambda: {"default": 1000})
    resources: tuple[dict[str, object], ...] = ()
    """The project's own resources, each a table as in rules/repairbot_rules/resources/*.toml."""
    repair_from: Confidence = "low"
    """The least confidence of a finding for which a repair is written: what nobody will see needs none."""
