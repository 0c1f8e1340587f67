"""Python: the class of a finding made with plain arguments from its annotations, its method called 10,000 times."""

from __future__ import annotations

import os
import shlex
import shutil
import sys

from repairbot.model import Measurement
from repairbot.proof.detectors.base import KIB, PROBES
from repairbot.proof.harness import rounds
from repairbot.proof.harness.calling import Target
from repairbot.proof.session import Bench

SUFFIXES = (".py",)
READS = rounds.Reads("python", "traced", "traced memory", least=16.0 * KIB)


def measure(bench: Bench, target: Target) -> list[Measurement]:
    """Called from a script of ours in the user's interpreter. Raises NotCalled."""

    def command(top: str, spec: str) -> str:
        return shlex.join([interpreter(top), "-B", os.path.join(PROBES, "call.py"), spec])

    return rounds.measure(bench, target, READS, command, {})


def interpreter(top: str) -> str:
    """The project's own interpreter where there is one, else the first on the path."""
    own = next(
        (o for n in (".venv", "venv") if os.access(o := os.path.join(top, n, "bin", "python"), os.X_OK)), ""
    )
    return own or shutil.which("python3") or shutil.which("python") or sys.executable
