"""Which functions to call by themselves, language by language, and what was measured of each."""

from __future__ import annotations

import importlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pkgutil import iter_modules
from typing import Protocol, cast

from repairbot.model import Finding, Measurement
from repairbot.proof import harness
from repairbot.proof.session import Bench


@dataclass(frozen=True, slots=True)
class Target:
    """A function and the findings in it. `path`: from the repository's top."""

    path: str
    symbol: str
    findings: tuple[Finding, ...]


class NotCalled(Exception):
    """It cannot be called by itself; the message says why."""


class Harness(Protocol):
    """A module of this package: these names at its top level."""

    SUFFIXES: tuple[str, ...]

    def measure(self, bench: Bench, target: Target) -> list[Measurement]:
        """Call it on both sides. Raises NotCalled."""
        ...


@cache
def _walk() -> dict[str, Harness]:
    """The harness by the suffix of files."""
    found: dict[str, Harness] = {}
    for each in iter_modules(harness.__path__):
        module = importlib.import_module(f"{harness.__name__}.{each.name}")
        found |= dict.fromkeys(getattr(module, "SUFFIXES", ()), cast(Harness, module))
    return found


def call(bench: Bench, findings: Sequence[Finding], subject: str) -> tuple[list[Measurement], list[str]]:
    """Call the function of each finding on both sides: what was measured, and why the others were not called."""
    grouped: dict[tuple[str, str], list[Finding]] = {}
    for finding in findings:
        grouped.setdefault((finding.path, finding.symbol), []).append(finding)
    measured: list[Measurement] = []
    reasons: list[str] = []
    for (path, symbol), held in grouped.items():
        if subject and not any(f"{finding.path}:{finding.line}" == subject for finding in held):
            continue
        where = f"{path}:{held[0].line} {symbol}".rstrip()
        chosen = _walk().get(os.path.splitext(path)[1])
        try:
            if not symbol:
                raise NotCalled("it stands in no function")
            if chosen is None:
                raise NotCalled("there is no harness for its language")
            bench.say(f"call {symbol}")
            measured += chosen.measure(bench, Target(path, symbol, tuple(held)))
        except NotCalled as error:
            reasons.append(f"{where}: {error}")
    return measured, reasons
