"""From what the detectors saw in the runs of both sides to measurements with a verdict."""

from __future__ import annotations

import statistics as middle
from collections.abc import Iterable, Mapping, Sequence

from repairbot.model import Finding, Leak, Measurement, Side, Verdict
from repairbot.proof import statistics
from repairbot.proof.detectors.base import Seen, Series

Runs = Sequence[Mapping[str, Seen]]
"""What was seen in each run of one side, by detector."""
MOST_LEAKS = 20
LEAST_READINGS = 4
"""Of a line, for its growth to be told."""


def measurements(before: Runs, after: Runs, *, subject: str = "") -> list[Measurement]:
    """Everything that was measured on both sides: leaks counted, and growth by series."""
    found: list[Measurement] = []
    for name in dict.fromkeys(name for run in (*before, *after) for name in run):
        sides = [[run[name] for run in runs if name in run] for runs in (before, after)]
        if any(seen.leaks is not None for side in sides for seen in side):
            counted = [_counted(side) for side in sides]
            # What watches anything counts as a leak detector only where it counted something.
            if name != "process" or any(side.count for side in counted):
                found.append(Measurement(name, "leaks", "leaks", "run", counted[0], counted[1], subject))
        series = [s for side in sides for seen in side for s in seen.series if not s.trace]
        for what, first in {one.what: one for one in series}.items():
            per = first.per
            grown = [_grown(side, what) for side in sides]
            found.append(Measurement(name, what, first.unit, per, grown[0], grown[1], subject))
    return found


def names(measurement: Measurement, finding: Finding) -> bool:
    """Whether the measurement names the finding: a leak's trace has the finding's line, or one on its path."""
    lines = {step.line for step in (*finding.witness, *finding.evidence) if step.line}
    return any(
        frame.path == finding.path and (frame.line in lines or finding.line <= frame.line <= finding.end_line)
        for leak in measurement.before.leaks
        for frame in leak.trace
    )


def _counted(runs: Sequence[Seen]) -> Side:
    seen = [run.leaks for run in runs if run.leaks is not None]
    if not seen:
        return Side(
            "undecided", "the detector was not at work: the command failed, or its language is another"
        )
    counts = [sum(leak.count for leak in leaks) for leaks in seen]
    typical = sorted(range(len(seen)), key=lambda index: counts[index])[len(seen) // 2]
    leaks, count = seen[typical][:MOST_LEAKS], counts[typical]
    size = sum(leak.bytes for leak in seen[typical])
    if all(counts):
        flaky = max(counts) != min(counts)
        reason = f"between {min(counts)} and {max(counts)} in a run" if flaky else ""
        return Side("leaks", reason, count, size, leaks=leaks, flaky=flaky)
    if not any(counts):
        return Side("flat")
    leaking = sum(map(bool, counts))
    most = max(range(len(seen)), key=lambda index: counts[index])
    reason = f"flaky: it leaked in {leaking} of {len(counts)} runs"
    return Side("undecided", reason, count, size, leaks=seen[most][:MOST_LEAKS], flaky=True)


def _grown(runs: Sequence[Seen], what: str) -> Side:
    """One series over the runs: its verdict where they agree, and the run with the median slope to show."""
    held = [(one, seen) for seen in runs for one in seen.series if one.what == what]
    judged = [(statistics.judge(one.points, one.least), one, seen) for one, seen in held]
    if not judged:
        return Side("undecided", "nothing was read: the command failed, or its language is another")
    judged.sort(key=lambda item: item[0].slope)
    grown, one, seen = judged[len(judged) // 2]
    verdicts: list[Verdict] = [each.verdict for each, _, _ in judged]
    verdict, reason, flaky = _agreed(
        verdicts, grown.reason or next((j.reason for j, _, _ in judged if j.reason), "")
    )
    if verdict == "leaks" and one.per == "second":
        verdict = "undecided"
        reason = "it grew with time; name the lines of output that end an iteration with --each"
    return Side(
        verdict,
        reason,
        slope=grown.slope,
        low=max(grown.low, -1e300),
        high=min(grown.high, 1e300),
        top=middle.median(each.top for each, _, _ in judged),
        points=statistics.thinned(one.points),
        leaks=tuple(_by_line(seen.series)) if verdict == "leaks" and one is _first(seen.series) else (),
        flaky=flaky,
    )


def _first(series: Sequence[Series]) -> Series:
    """The series that the ones by line explain."""
    return next(one for one in series if not one.trace)


def _agreed(verdicts: Sequence[Verdict], reason: str) -> tuple[Verdict, str, bool]:
    """What most runs say, where none says the opposite."""
    leaks, flat = verdicts.count("leaks"), verdicts.count("flat")
    if leaks and flat:
        return "undecided", f"flaky: it grew in {leaks} of {len(verdicts)} runs", True
    if 2 * leaks > len(verdicts):
        return "leaks", "", False
    if 2 * flat > len(verdicts):
        return "flat", reason, False
    return "undecided", reason, False


def _by_line(series: Iterable[Series]) -> list[Leak]:
    """Where the growth comes from: lines that hold ever more. They explain a verdict and are none."""
    found = []
    for one in series:
        if not one.trace or len(one.points) < LEAST_READINGS:
            continue
        slope, _, _ = statistics.theil_sen(one.points)
        if slope * (one.points[-1].x - one.points[0].x) > one.least:
            found.append(Leak(f"+{slope:,.0f} {one.unit} an iteration", 1, round(slope), one.trace))
    return sorted(found, key=lambda leak: -leak.bytes)
