"""JavaScript and TypeScript: the class or function of a finding called 10,000 times by Node, with --expose-gc.

A line is appended to the module's private copy that hands out its names. Plain arguments are made from the
annotations of TypeScript, from JSDoc, and of what tells no type, texts.
"""

from __future__ import annotations

import os
import shlex
import shutil

from repairbot.model import Measurement
from repairbot.proof.detectors.base import KIB, PROBES
from repairbot.proof.harness import rounds, typed
from repairbot.proof.harness.calling import NotCalled, Target
from repairbot.proof.session import Bench
from repairbot.proof.worktrees import AFTER, BEFORE

SUFFIXES = (".js", ".mjs", ".cjs", ".jsx", ".ts", ".mts", ".cts", ".tsx")
READS = rounds.Reads("node", "heap", "heap after collection", least=96.0 * KIB)
HAND_OUT = "\n;globalThis.__repairbot = (repairbotName) => eval(repairbotName);\n"


def measure(bench: Bench, target: Target) -> list[Measurement]:
    """Called from a script of ours in the user's Node. Raises NotCalled."""
    node = shutil.which("node") or shutil.which("nodejs")
    if node is None:
        raise NotCalled("there is no Node: put node on the PATH")
    if target.path.endswith(".jsx"):
        raise NotCalled("JSX is read by no Node")
    sources: dict[str, str] = {}
    try:
        for side in (BEFORE, AFTER):
            path = os.path.join(bench.trees.side(side), target.path)
            with open(path, encoding="utf-8", newline="") as file:
                sources[path] = file.read()
            with open(path, "a", encoding="utf-8", newline="") as file:
                file.write(HAND_OUT)
        recipes = typed.recipes(next(iter(sources.values())), target.path, target.symbol)

        def command(top: str, spec: str) -> str:
            return shlex.join([node, "--expose-gc", os.path.join(PROBES, "node", "call.cjs"), spec])

        return rounds.measure(bench, target, READS, command, {"recipes": recipes})
    finally:
        for path, source in sources.items():
            with open(path, "w", encoding="utf-8", newline="") as file:
                file.write(source)
