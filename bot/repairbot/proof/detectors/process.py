"""For anything: resident memory, descriptors, threads and children of the process tree (psutil)."""

from __future__ import annotations

from collections.abc import Mapping

from repairbot.model import Leak, Point
from repairbot.proof.detectors.base import KIB, Seen, Series
from repairbot.proof.run import Ran

NAME = "process"
ABOUT = "resident memory, descriptors, threads and children of the process tree, for any program"
SUFFIXES = ()
ALWAYS = True

MEMORY_NOISE = 512 * KIB
"""An allocator takes and gives back memory in pieces: growth below is none."""


def environment(given: Mapping[str, str], scratch: str) -> Mapping[str, str]:
    """Nothing to set."""
    return {}


def command(command: str, scratch: str) -> str:
    """As it is."""
    return command


def read(ran: Ran) -> Seen:
    """The samples as series, and processes that outlived the command as leaks."""
    per = ran.per
    # Behind the last iteration the program tidies up.
    samples = [s for s in ran.samples if not ran.ticks or ran.ticks[0] <= s.time <= ran.ticks[-1]]
    series = tuple(
        Series(
            what,
            unit,
            tuple(Point(ran.x(sample.time), float(sample[index])) for sample in samples),
            per,
            least,
        )
        for index, what, unit, least in (
            (1, "resident memory", "bytes", float(MEMORY_NOISE)),
            (2, "open descriptors", "descriptors", 4.0),
            (3, "threads", "threads", 4.0),
            (4, "child processes", "processes", 4.0),
        )
    )
    left = (Leak("a process was left behind", ran.left),) if ran.left else ()
    return Seen(left, series)
