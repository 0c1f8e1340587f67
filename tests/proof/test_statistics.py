"""Growth told from noise at a stated error rate, over seeded simulations of how memory behaves."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Callable

import pytest

from repairbot.model import Point
from repairbot.proof.statistics import judge, theil_sen

RUNS = 150
KIB = 1024.0
Series = Callable[[random.Random, int], float]


def noise(rng: random.Random, _: int) -> float:
    return 20e6 + rng.gauss(0, 50 * KIB)


def sawtooth(rng: random.Random, at: int) -> float:
    return 20e6 + (at % 17) * 40 * KIB + rng.gauss(0, 10 * KIB)


def settling(rng: random.Random, at: int) -> float:
    return 20e6 + 4e6 * (1 - math.exp(-at / 25)) + rng.gauss(0, 20 * KIB)


def a_late_step(rng: random.Random, at: int) -> float:
    return 20e6 + (2e6 if at > 120 else 0) + rng.gauss(0, 20 * KIB)


def drifting() -> Series:
    """Noise that remembers: each reading leans on the one before."""
    held = 0.0

    def read(rng: random.Random, at: int) -> float:
        nonlocal held
        held = (0.8 * held if at else 0.0) + rng.gauss(0, 20 * KIB)
        return 20e6 + held

    return read


def leaking(clean: Series, by: float) -> Series:
    return lambda rng, at: clean(rng, at) + by * at


def verdicts(series: Series, seed: int) -> Counter[str]:
    rng = random.Random(seed)
    return Counter(
        judge([Point(at, series(rng, at)) for at in range(200)], least=256 * KIB).verdict for _ in range(RUNS)
    )


@pytest.mark.parametrize("clean", [noise, sawtooth, settling, a_late_step, drifting()])
def test_a_clean_program_is_called_leaking_in_less_than_one_of_a_hundred_runs(clean: Series) -> None:
    assert verdicts(clean, 1)["leaks"] <= RUNS / 100


@pytest.mark.parametrize("clean", [noise, sawtooth, drifting(), settling])
def test_a_planted_leak_is_found_in_more_than_ninety_five_of_a_hundred_runs(clean: Series) -> None:
    assert verdicts(leaking(clean, 20 * KIB), 2)["leaks"] >= RUNS * 0.95


def test_the_interval_holds_the_slope_that_was_planted() -> None:
    rng = random.Random(3)
    held = 0
    for _ in range(RUNS):
        points = [Point(x, 5 * x + rng.gauss(0, 30)) for x in range(24)]
        _, low, high = theil_sen(points)
        held += low <= 5 <= high
    assert held >= RUNS * 0.98


def test_too_few_readings_are_not_judged() -> None:
    assert judge([Point(x, x) for x in range(8)]).verdict == "undecided"
    assert "longer" in judge([Point(x, x) for x in range(8)]).reason


def test_steady_readings_are_flat_and_exact_growth_is_exact() -> None:
    assert judge([Point(x, 7.0) for x in range(40)]).verdict == "flat"
    grown = judge([Point(x, 3.0 * x) for x in range(40)])
    assert (grown.verdict, grown.slope, grown.low, grown.high) == ("leaks", 3.0, 3.0, 3.0)
