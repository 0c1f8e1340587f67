"""Python: the class of a finding made with plain arguments from its annotations, its method called 10,000 times."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import sys
from dataclasses import replace
from typing import Any

from repairbot.model import Frame, Leak, Measurement, Point, Side
from repairbot.proof import statistics
from repairbot.proof.detectors.base import KIB, PROBES, located
from repairbot.proof.detectors.python import rows
from repairbot.proof.harness.calling import NotCalled, Target
from repairbot.proof.session import Bench
from repairbot.proof.worktrees import AFTER, BEFORE

SUFFIXES = (".py",)
ROUNDS = 10_000
SECONDS = 2.0
"""Processor time for the rounds of one side, about; where they take longer there are fewer."""
LEAST_MEMORY = 16.0 * KIB
LEAST_ENTRIES = 8.0

Rows = list[dict[str, Any]]


def measure(bench: Bench, target: Target) -> list[Measurement]:
    """First with three values that come again, then with new ones in each call; the first that leaks before counts."""
    held: list[Measurement] = []
    for fresh in (False, True):
        before = _called(bench, target, BEFORE, fresh)
        after = _called(bench, target, AFTER, fresh)
        subject = f"{target.symbol}{' (new values)' if fresh else ''}"
        held = _measurements(target, subject, before, after, bench.trees.side(BEFORE))
        if any(each.before.verdict == "leaks" for each in held):
            break
    return held


def _called(bench: Bench, target: Target, side: str, fresh: bool) -> Rows:
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
            },
            file,
        )
    script = os.path.join(PROBES, "call.py")
    # -P: the folder of our script is no place to import from.
    ran = bench.once(shlex.join([interpreter(bench.trees.side(side)), "-B", script, spec]), side, {})
    found = list(rows(out)) if os.path.exists(out) else []
    refused = next((str(row["refused"]) for row in found if "refused" in row), "")
    if not found or ran.timed_out:
        last = (ran.out.strip().splitlines() or ["it printed nothing"])[-1]
        refused = refused or ("it did not come back in time" if ran.timed_out else last[:200])
    if refused:
        raise NotCalled(refused if side == BEFORE else f"after the repair {refused}")
    return found


def interpreter(top: str) -> str:
    """The project's own interpreter where there is one, else the first on the path."""
    own = next(
        (o for n in (".venv", "venv") if os.access(o := os.path.join(top, n, "bin", "python"), os.X_OK)), ""
    )
    return own or shutil.which("python3") or shutil.which("python") or sys.executable


def _measurements(target: Target, subject: str, before: Rows, after: Rows, top: str) -> list[Measurement]:
    every = tuple(sorted({finding.fingerprint for finding in target.findings}))
    found = []
    for name in sorted({finding.variable for finding in target.findings if finding.variable}):
        sides = [_entries(side, name) for side in (before, after)]
        if any(side.top for side in sides):
            ours = tuple(sorted(f.fingerprint for f in target.findings if f.variable == name))
            found.append(
                Measurement("python", name, "entries", "iteration", sides[0], sides[1], subject, ours)
            )
    memory = [
        _side([Point(row["x"], float(row["traced"])) for row in side if "traced" in row], LEAST_MEMORY)
        for side in (before, after)
    ]
    found.append(
        Measurement("python", "traced memory", "bytes", "iteration", memory[0], memory[1], subject, every)
    )
    if any("warning" in row for row in before):
        open_ = [_left_open(side, top) for side in (before, after)]
        found.append(Measurement("python", "leaks", "leaks", "run", open_[0], open_[1], subject, every))
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
