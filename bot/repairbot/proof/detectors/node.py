"""Node: the heap after forced collections, active handles, listeners that pile up.

Works through NODE_OPTIONS=--require with a file of ours (`probes/node/probe.cjs`).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from typing import Any

from repairbot.model import Frame, Point
from repairbot.proof.detectors.base import KIB, PROBES, Seen, Series, Tally, located, own
from repairbot.proof.detectors.python import rows
from repairbot.proof.run import Ran

NAME = "node"
ABOUT = "the heap after forced collections, active handles, MaxListenersExceeded; up to 1.4 times slower"
SUFFIXES = (".ts", ".tsx", ".js", ".jsx", ".mjs", ".cjs", ".mts", ".cts")
ALWAYS = True

LEAST = 96.0 * KIB
"""Growth of the heap in all that is none yet: code is compiled, inline caches fill up."""
_FRAME = re.compile(
    r"^\s+at (?:(?P<name>.+?) \()?(?:file://)?(?P<path>/[^\n]*?):(?P<line>\d+):\d+\)?$", re.MULTILINE
)


def environment(given: Mapping[str, str], scratch: str) -> Mapping[str, str]:
    """Our file before all others, traces that reach far enough and name the lines of TypeScript."""
    require = (
        f'--require "{os.path.join(PROBES, "node", "probe.cjs")}" --stack-trace-limit=30 --enable-source-maps'
    )
    return {
        "NODE_OPTIONS": " ".join(filter(None, (require, given.get("NODE_OPTIONS")))),
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
        if not (name.startswith("node.") and name.endswith(".jsonl")):
            continue
        seen = True
        readings: list[dict[str, Any]] = []
        for row in rows(os.path.join(ran.scratch, name)):
            if "heap" in row:
                readings.append(row)
            elif "warning" in row:
                tally.add("too many listeners", own(frames(str(row["trace"]), ran.top)))
        longest = max(longest, readings, key=len)
    return Seen(tally.leaks() if seen else None, tuple(_series(longest, ran)) if seen else ())


def frames(stack: str, top: str) -> list[Frame]:
    """The places of a stack trace of V8, Node's own left out."""
    return [
        Frame(located(found["path"], top), int(found["line"]), found["name"] or "")
        for found in _FRAME.finditer(stack)
        if not found["path"].startswith(PROBES)
    ]


def _series(readings: list[dict[str, Any]], ran: Ran) -> Iterator[Series]:
    per = ran.per
    kept = [r for r in readings if not ran.ticks or ran.ticks[0] <= r["t"] <= ran.ticks[-1]]
    heap = tuple(Point(ran.x(row["t"]), float(row["heap"])) for row in kept)
    yield Series("heap after collection", "bytes", heap, per, LEAST)
    handles = tuple(Point(ran.x(row["t"]), float(sum(row["handles"].values()))) for row in kept)
    yield Series("active handles", "handles", handles, per, 4.0)
