"""Whether a series of readings grows: a robust slope with its confidence interval, and a verdict in words.

The warm-up is left out. What remains is cut into blocks and each is represented by its lowest reading: what
is left when the work is at its lowest grows only with a leak, while what comes and goes does not count. The
slope is Theil-Sen's, its interval Sen's (P. K. Sen 1968, by Kendall's variance); it must be above zero over
the whole and over the later half, so that something that settles is no leak.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TypedDict

from repairbot.model import Point, Verdict

WARM_UP = 0.25
"""The part of the readings at the start that is left out."""
BLOCKS = 24
LEAST_POINTS = 12
"""Readings after the warm-up below which nothing is decided."""
Z = 2.807
"""Quantile of the normal distribution: each interval holds the slope with 99.5 percent."""
KEEPS_GROWING = 0.4
"""A leak's slope in the later half is at least this part of the slope over the whole."""


class _Said(TypedDict):
    slope: float
    low: float
    high: float
    top: float


@dataclass(frozen=True, slots=True)
class Growth:
    """A judged series: the slope by unit of x, its interval, and the highest reading after the warm-up."""

    verdict: Verdict
    reason: str = ""
    slope: float = 0.0
    low: float = 0.0
    high: float = 0.0
    top: float = 0.0


def judge(points: Sequence[Point], least: float = 0.0) -> Growth:
    """Whether the readings grow. `least`: growth over the whole series that is none yet, in the unit of y."""
    kept = points[math.floor(len(points) * WARM_UP) :]
    if len(kept) < LEAST_POINTS:
        return Growth("undecided", f"only {len(points)} readings; let it run longer")
    span = kept[-1].x - kept[0].x
    if span <= 0:
        return Growth("undecided", "no iteration was seen to end")
    blocks = minima(kept)
    slope, low, high = theil_sen(blocks)
    later, later_low, _ = theil_sen(blocks[len(blocks) // 2 :])
    top = max(point.y for point in kept)
    grown = slope * span
    spread = _spread(blocks, slope)
    said: _Said = {"slope": slope, "low": low, "high": high, "top": top}
    floor = max(least, spread)
    if low > 0 and grown > floor:
        if later_low > 0 and later >= KEEPS_GROWING * slope:
            return Growth("leaks", **said)
        if later_low <= 0 and later * span <= max(least, grown / 10):
            return Growth("flat", "it grew at first and settled", **said)
        return Growth("undecided", "it grows ever more slowly; let it run longer", **said)
    if high * span <= least or (low <= 0 and grown <= max(least, spread)):
        return Growth("flat", **said)
    if grown <= least:
        return Growth("flat", "it grew by less than can be told from noise", **said)
    return Growth("undecided", "it grew, but by no more than it goes up and down", **said)


def minima(points: Sequence[Point]) -> list[Point]:
    """The lowest reading of each block; the readings themselves where there are few."""
    if len(points) < 2 * BLOCKS:
        return list(points)
    size = len(points) / BLOCKS
    return [min(points[int(i * size) : int((i + 1) * size)], key=lambda p: p.y) for i in range(BLOCKS)]


def theil_sen(points: Sequence[Point]) -> tuple[float, float, float]:
    """The median of all slopes between two readings, and the two ends of its confidence interval."""
    slopes = sorted((b.y - a.y) / (b.x - a.x) for a, b in combinations(points, 2) if b.x > a.x)
    if not slopes:
        return 0.0, -math.inf, math.inf
    count = len(points)
    reach = Z * math.sqrt(count * (count - 1) * (2 * count + 5) / 18)
    first = math.floor((len(slopes) - reach) / 2)
    last = math.ceil((len(slopes) + reach) / 2)
    low = slopes[first] if first >= 0 else -math.inf
    high = slopes[last] if last < len(slopes) else math.inf
    return statistics.median(slopes), low, high


def thinned(points: Sequence[Point], most: int = 120) -> tuple[Point, ...]:
    """At most so many points, evenly chosen, the last among them."""
    if len(points) <= most:
        return tuple(points)
    step = (len(points) - 1) / (most - 1)
    return tuple(points[round(index * step)] for index in range(most))


def _spread(points: Sequence[Point], slope: float) -> float:
    """How far the readings lie around the line, as twice the median distance to it."""
    middle = statistics.median(p.y - slope * p.x for p in points)
    return 2 * statistics.median(abs(p.y - slope * p.x - middle) for p in points)
