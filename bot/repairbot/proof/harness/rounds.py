"""What the harnesses of interpreted languages share: the rounds of both sides, read back and judged.

A script of ours in the language calls the function and writes JSON lines: readings (`x` calls, the memory, the
`entries` of each member, active `handles`), warnings of what was left open, or one line that says why it cannot
be called.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from repairbot.model import Frame, Leak, Measurement, Point, Side
from repairbot.proof import statistics
from repairbot.proof.detectors.base import located
from repairbot.proof.detectors.python import rows
from repairbot.proof.harness.calling import NotCalled, Target
from repairbot.proof.session import Bench
from repairbot.proof.worktrees import AFTER, BEFORE

ROUNDS = 10_000
SECONDS = 2.0
"""Processor time for the rounds of one side, about; where they take longer there are fewer."""
LEAST_ENTRIES = 8.0
LEAST_HANDLES = 4.0

Rows = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Reads:
    """How a script's readings are named. `memory`: their key, in bytes; `least`: growth that is none yet."""

    detector: str
    memory: str
    what: str
    least: float


def measure(
    bench: Bench,
    target: Target,
    reads: Reads,
    command: Callable[[str, str], str],
    more: Mapping[str, object],
) -> list[Measurement]:
    """First with three values that come again, then with new ones in each call; the first that leaks before counts.

    `command`: the shell's words for a worktree's top and the file of the specification, `more` goes into that
    file. Raises NotCalled.
    """
    held: list[Measurement] = []
    for fresh in (False, True):
        before, after = (_called(bench, target, side, fresh, command, more) for side in (BEFORE, AFTER))
        subject = f"{target.symbol}{' (new values)' if fresh else ''}"
        held = _measurements(target, reads, subject, before, after, bench.trees.side(BEFORE))
        if any(each.before.verdict == "leaks" for each in held):
            break
    return held


def _called(
    bench: Bench,
    target: Target,
    side: str,
    fresh: bool,
    command: Callable[[str, str], str],
    more: Mapping[str, object],
) -> Rows:
    scratch = bench.trees.scratch("call")
    out, spec = os.path.join(scratch, "out.jsonl"), os.path.join(scratch, "spec.json")
    with open(spec, "w", encoding="utf-8") as file:
        json.dump(
            {
                "top": bench.trees.side(side),
                "path": target.path,
                "symbol": target.symbol,
                "members": sorted({finding.variable for finding in target.findings if finding.variable}),
                "rounds": ROUNDS,
                "seconds": SECONDS,
                "fresh": fresh,
                "out": out,
                **more,
            },
            file,
        )
    ran = bench.once(command(bench.trees.side(side), spec), side, {})
    found = list(rows(out)) if os.path.exists(out) else []
    refused = next((str(row["refused"]) for row in found if "refused" in row), "")
    if not found or ran.timed_out:
        last = (ran.out.strip().splitlines() or ["it printed nothing"])[-1]
        refused = refused or ("it did not come back in time" if ran.timed_out else last[:200])
    if refused:
        raise NotCalled(refused if side == BEFORE else f"after the repair {refused}")
    return found


def _measurements(
    target: Target, reads: Reads, subject: str, before: Rows, after: Rows, top: str
) -> list[Measurement]:
    name_of = reads.detector
    every = tuple(sorted({finding.fingerprint for finding in target.findings}))
    found = []
    for name in sorted({finding.variable for finding in target.findings if finding.variable}):
        sides = [_entries(side, name) for side in (before, after)]
        if any(side.top for side in sides):
            ours = tuple(sorted(f.fingerprint for f in target.findings if f.variable == name))
            found.append(
                Measurement(name_of, name, "entries", "iteration", sides[0], sides[1], subject, ours)
            )
    memory = [
        _side([Point(row["x"], float(row[reads.memory])) for row in side if reads.memory in row], reads.least)
        for side in (before, after)
    ]
    found.append(Measurement(name_of, reads.what, "bytes", "iteration", memory[0], memory[1], subject, every))
    handles = [
        _side([Point(row["x"], float(row["handles"])) for row in side if "handles" in row], LEAST_HANDLES)
        for side in (before, after)
    ]
    if any(side.verdict == "leaks" for side in handles):
        found.append(
            Measurement(
                name_of, "active handles", "handles", "iteration", handles[0], handles[1], subject, every
            )
        )
    if any("warning" in row for row in before):
        open_ = [_left_open(side, top) for side in (before, after)]
        found.append(Measurement(name_of, "leaks", "leaks", "run", open_[0], open_[1], subject, every))
    # What did not leak names no finding.
    return [each if each.before.verdict == "leaks" else replace(each, findings=()) for each in found]


def _entries(side: Rows, name: str) -> Side:
    points = [Point(row["x"], float(row["entries"].get(name, 0))) for row in side if "entries" in row]
    return _side(points, LEAST_ENTRIES)


def _side(points: list[Point], least: float) -> Side:
    grown = statistics.judge(points, least)
    return Side(
        grown.verdict,
        grown.reason,
        slope=grown.slope,
        low=max(grown.low, -1e300),
        high=min(grown.high, 1e300),
        top=grown.top,
        points=statistics.thinned(points),
    )


def _left_open(side: Rows, top: str) -> Side:
    calls = max((int(row["x"]) for row in side if "x" in row), default=0)
    warned = [row for row in side if "warning" in row]
    if not warned:
        return Side("flat")
    trace = (Frame(located(str(warned[0]["path"]), top), int(warned[0]["line"])),)
    leak = Leak(f"left open, in {calls:,} calls", len(warned), 0, trace)
    return Side("leaks", count=len(warned), leaks=(leak,))
