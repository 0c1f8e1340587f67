"""The rules' Rust examples are compiled, and those that hold tests are run: these fail before the repair, not after.

An example's test counts what is left: tasks alive, subscriptions held, entries, strong handles, drops. The types that
it takes from crates are those of `standins/`, one small file a crate. All examples become one program; they keep to
what the compiler of Debian 12 (1.63) knows.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from repairbot.rule import Quiet, Repair, all_rules
from tests import tools

STANDINS = sorted((Path(__file__).parent / "standins").glob("*.rs"))
EDITION = ("--edition", "2021", "-C", "debuginfo=0", "-C", "opt-level=0")
TEST = "#[test]"
RAN = re.compile(r"^test (\w+)::(\w+) \.\.\. (ok|FAILED)$", re.MULTILINE)


def sources() -> dict[str, str]:
    """The code of every Rust example by rule, number and side ("before", "after", "quiet")."""
    found: dict[str, str] = {}
    for rule in all_rules():
        for number, example in enumerate(rule.examples):
            stem = f"{rule.id.replace('-', '_')}_{number}"
            if example.language != "rust":
                continue
            if isinstance(example, Quiet):
                found[f"{stem}_quiet"] = example.code
            elif isinstance(example, Repair):
                found[f"{stem}_before"] = example.before
                if example.after is not None:
                    found[f"{stem}_after"] = example.after
    return found


def rustc(place: Path, *arguments: str) -> None:
    """Run the compiler in a folder; what it refuses fails the test in its own words."""
    compiler = tools.find("rustc")
    assert compiler
    done = subprocess.run(
        [compiler, *EDITION, *arguments], cwd=place, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-4000:]


def build(place: Path, files: dict[str, str]) -> Path:
    """One program of all files, a module each."""
    with ThreadPoolExecutor() as pool:
        crates = [pool.submit(rustc, place, "--crate-type", "rlib", str(path)) for path in STANDINS]
        for crate in crates:
            crate.result()
    for name, code in files.items():
        (place / f"{name}.rs").write_text(code, encoding="utf-8")
    modules = "".join(f"mod {name};\n" for name in files)
    (place / "all.rs").write_text(f"#![allow(dead_code)]\n{modules}", encoding="utf-8")
    known = [part for path in STANDINS for part in ("--extern", f"{path.stem}=lib{path.stem}.rlib")]
    rustc(place, "--test", *known, "all.rs")
    return place / "all"


def run(program: Path) -> str:
    """What a program says, until it ends; the processes that it leaves behind (one example does) end with it."""
    output, errors = program.with_suffix(".out"), program.with_suffix(".err")
    with (
        output.open("wb") as out,
        errors.open("wb") as err,
    ):  # threads panic in the middle of a line of the other
        process = subprocess.Popen([program], stdout=out, stderr=err, start_new_session=True)
        process.wait()
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    return output.read_text(encoding="utf-8") + errors.read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.needs("rustc")
def test_examples_compile_and_leak_before_their_repair_alone(tmp_path: Path) -> None:
    files = sources()
    program = build(tmp_path, files)
    said = run(program)
    ran = {name: word == "ok" for name, _, word in RAN.findall(said)}
    assert set(ran) == {name for name, code in files.items() if TEST in code}, said
    assert {name: good for name, good in ran.items() if good == name.endswith("_before")} == {}


@pytest.mark.needs("rustfmt")
def test_rustfmt_has_nothing_to_change_in_the_examples(tmp_path: Path) -> None:
    formatter = tools.find("rustfmt")
    assert formatter
    for name, code in sources().items():
        (tmp_path / f"{name}.rs").write_text(code, encoding="utf-8")
    command = [formatter, "--edition", "2021", "--check", *sorted(map(str, tmp_path.iterdir()))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_rule_that_says_something_of_rust_has_an_example_that_counts() -> None:
    counted = {name.rpartition("_")[0].rpartition("_")[0] for name, code in sources().items() if TEST in code}
    repaired = {
        rule.id.replace("-", "_")
        for rule in all_rules()
        for example in rule.examples
        if example.language == "rust" and isinstance(example, Repair) and example.after is not None
    }
    assert repaired - counted <= {"check_then_insert"}  # what is asked twice is no leak
