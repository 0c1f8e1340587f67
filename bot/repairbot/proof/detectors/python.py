"""Python: memory by line over time (tracemalloc), ResourceWarning, coroutines and tasks that nobody awaited.

Works through a sitecustomize of ours on PYTHONPATH (`probes/python`), which runs the one it stands before.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from typing import Any

from repairbot.model import Frame, Point
from repairbot.proof.detectors.base import KIB, PROBES, Seen, Series, Tally, located, own
from repairbot.proof.run import Ran

NAME = "python"
ABOUT = "memory by line, ResourceWarning, what was never awaited; tracemalloc, 2 to 4 times slower"
SUFFIXES = (".py",)
ALWAYS = True

LEAST = 32.0 * KIB
"""Growth of traced memory in all that is none yet: caches of the interpreter fill up."""
MOST_LINES = 10
_CREATED = re.compile(r'File "([^"]+)", line (\d+), in (\S+)')
_DESTROYED = re.compile(r"^Task was destroyed but it is pending!", re.MULTILINE)


def environment(given: Mapping[str, str], scratch: str) -> Mapping[str, str]:
    """Our folder in front of the PYTHONPATH, and output that is not held back."""
    path = os.pathsep.join(filter(None, (os.path.join(PROBES, "python"), given.get("PYTHONPATH"))))
    return {
        "PYTHONPATH": path,
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0",
        "REPAIRBOT_PROBE": scratch,
    }


def command(command: str, scratch: str) -> str:
    """As it is."""
    return command


def read(ran: Ran) -> Seen:
    """What the process with most readings held, and what all of them warned of."""
    tally = Tally()
    longest: list[dict[str, Any]] = []
    seen = False
    for name in sorted(os.listdir(ran.scratch)):
        if not (name.startswith("python.") and name.endswith(".jsonl")):
            continue
        seen = True
        readings: list[dict[str, Any]] = []
        for row in rows(os.path.join(ran.scratch, name)):
            if "traced" in row:
                readings.append(row)
            elif "warning" in row:
                _warned(row, ran.top, tally)
        longest = max(longest, readings, key=len)
    pending = len(_DESTROYED.findall(ran.out))
    if pending:
        tally.add("a task was destroyed while pending", (), pending)
    return Seen(tally.leaks() if seen else None, tuple(_series(longest, ran)) if seen else ())


def rows(path: str) -> Iterator[dict[str, Any]]:
    """JSON lines; the last may be cut off."""
    with open(path, encoding="utf-8", errors="replace") as file:
        for line in file:
            try:
                yield json.loads(line)
            except ValueError:
                return


def _warned(row: Mapping[str, Any], top: str, tally: Tally) -> None:
    text = str(row["text"])
    created = _CREATED.findall(text)
    trace = [Frame(located(path, top), int(line), name) for path, line, name in reversed(created)]
    trace += [Frame(located(str(path), top), int(line)) for path, line in row["trace"]]
    first = text.splitlines()[0]
    what = first if "never awaited" in first else re.split(r"[ :(<]", first.removeprefix("unclosed "))[0]
    tally.add(what if "never" in what else f"unclosed {what or first}", own(trace))


def _series(readings: list[dict[str, Any]], ran: Ran) -> Iterator[Series]:
    per = ran.per
    kept = [r for r in readings if not ran.ticks or ran.ticks[0] <= r["t"] <= ran.ticks[-1]]
    yield Series(
        "traced memory",
        "bytes",
        tuple(Point(ran.x(row["t"]), float(row["traced"])) for row in kept),
        per,
        LEAST,
    )
    grown: dict[str, float] = {}
    kept = [row for row in kept if "lines" in row]
    if kept:
        middle = kept[len(kept) // 2]["lines"]
        grown = {line: size - middle.get(line, 0) for line, size in kept[-1]["lines"].items()}
    for line in sorted(grown, key=lambda line: -grown[line])[:MOST_LINES]:
        path, _, number = line.rpartition(":")
        points = tuple(Point(ran.x(row["t"]), float(row["lines"].get(line, 0))) for row in kept)
        trace = (Frame(located(path, ran.top), int(number)),)
        yield Series(f"memory from {path}:{number}", "bytes", points, per, LEAST / 4, trace)
