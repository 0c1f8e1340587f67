"""The rules' Zig examples are compiled and run: they leak before their repair, and not after.

An example that holds a `test` runs it under `std.testing.allocator`, which counts what is not freed; most of them by
`std.testing.checkAllAllocationFailures`, which lets each allocation fail in turn. All are compiled at once.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from repairbot.languages.zig.compiler import compiler
from repairbot.rule import Quiet, Repair, all_rules

RUNNER = Path(__file__).parent / "runner.zig"
TEST = "\ntest "
FREED = ("arena_rebuilt_", "unbounded_cache_", "unbounded_collection_")
"""Rules of what an allocator does not call a leak: it is freed in the end."""


@dataclass(frozen=True)
class Ran:
    """What became of one test: the name of its error, and whether it leaked."""

    failure: str
    leaked: bool

    @property
    def leaks(self) -> bool:
        """Whether memory was left, at its end or after an allocation that failed."""
        return self.leaked or self.failure == "MemoryLeakDetected"


def sources() -> dict[str, str]:
    """The examples to run: their code by rule, number and side ("before", "after", "quiet")."""
    found: dict[str, str] = {}
    for rule in all_rules():
        for number, example in enumerate(rule.examples):
            stem = f"{rule.id.replace('-', '_')}_{number}"
            if example.language != "zig":
                continue
            if isinstance(example, Quiet):
                found[f"{stem}_quiet"] = example.code
            elif isinstance(example, Repair) and example.after is not None:
                found[f"{stem}_before"], found[f"{stem}_after"] = example.before, example.after
    return {name: code for name, code in found.items() if TEST in code}


def run(place: Path, files: dict[str, str]) -> dict[str, Ran]:
    """Compile the files into one program and run its tests, by the name of the file."""
    for name, code in files.items():
        (place / f"{name}.zig").write_text(code, encoding="utf-8")
    everything = "".join(f'    _ = @import("{name}.zig");\n' for name in files)
    (place / "all.zig").write_text(f"test {{\n{everything}}}\n", encoding="utf-8")
    done = subprocess.run(
        [compiler(), "test", "all.zig", "--test-runner", RUNNER, "--cache-dir", str(place / "cache")],
        cwd=place,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    lines = [line.split("\t") for line in done.stdout.splitlines()]
    return {name.partition(".")[0]: Ran(failure, leaked == "true") for name, failure, leaked in lines}


@pytest.mark.slow
def test_examples_leak_before_their_repair_and_not_after(tmp_path: Path) -> None:
    files = sources()
    ran = run(tmp_path, files)
    leaky = {name for name in files if name.endswith("_before") and not name.startswith(FREED)}
    assert {name for name in leaky if not ran[name].leaks} == set()
    assert {name: ran[name] for name in files if name not in leaky and ran[name] != Ran("", False)} == {}


def test_every_rule_of_zig_has_an_example_that_runs() -> None:
    spoken = {rule.id for rule in all_rules() if "zig" in rule.languages}
    covered = {name.rpartition("_")[0].rpartition("_")[0].replace("_", "-") for name in sources()}
    assert spoken - covered == set()
