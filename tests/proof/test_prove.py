"""`repairbot prove` from end to end: real repositories, real programs, and everything put away afterwards."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from importlib.resources import files
from pathlib import Path

import jsonschema
import psutil
import pytest

from tests.commandline import LEAK, Ran, environment, git, repairbot
from tests.commands import REPAIRBOT
from tests.proof import programs

FAST = ("--repeat", "1", "--timeout", "60")
CALLS = "import sys, first\nfor _ in range(3):\n    first.first_line(sys.argv[0])\n"


def proven(folder: Path, *arguments: str) -> Ran:
    ran = repairbot(folder, "prove", *arguments)
    assert git(folder, "worktree", "list").count("\n") == 0, "a worktree was left behind"
    return ran


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A file that is left open three times, and a command that does so."""
    folder = tmp_path / "project"
    folder.mkdir()
    programs.committed(folder, {"first.py": LEAK, "calls.py": CALLS})
    return folder


RUN = ("--run", f"{sys.executable} calls.py", *FAST)


def test_a_leak_is_counted_before_and_gone_after_its_repair(project: Path) -> None:
    ran = proven(project, *RUN, "-o", "proof.json")
    assert ran.code == 0, ran.out + ran.err
    assert "before  3 leaks" in ran.out
    assert "after   no leaks" in ran.out
    assert "measured: first.py:2  never-released" in ran.out
    assert "it leaked before and does not after" in ran.out
    document = json.loads((project / "proof.json").read_text())
    schema = json.loads(files("repairbot_templates").joinpath("proof.schema.json").read_text())
    jsonschema.validate(document, schema)
    audit = repairbot(project, "audit", "--proof", "proof.json", "--format", "markdown")
    assert "#### Measured: it leaked before and does not after" in audit.out
    assert "| leaks (python) | 3 leaks | no leaks |" in audit.out
    again = repairbot(project, "audit", "--proof", "proof.json", "--format", "json")
    assert again.report["proof"] == document


def test_each_fix_by_itself(project: Path) -> None:
    (project / "second.py").write_text(LEAK)
    (project / "calls.py").write_text(CALLS + "import second\nsecond.first_line(sys.argv[0])\n")
    programs.committed(project, {})
    ran = proven(project, *RUN, "--one-by-one")
    assert ran.code == 1, ran.out + ran.err
    assert "first.py:2: leaks (python)" in ran.out
    assert "after   1 leak" in ran.out
    assert "second.py:2: leaks (python)" in ran.out
    assert "after   3 leaks" in ran.out


def test_before_may_be_a_revision_and_after_is_then_the_working_tree(project: Path) -> None:
    (project / "first.py").write_text("def first_line(path):\n    return 1\n")
    ran = proven(project, *RUN, "--base", "HEAD")
    assert ran.code == 0, ran.out + ran.err
    assert "before: HEAD · after: the working tree" in ran.out


def test_what_does_not_reach_the_leak_is_said(project: Path) -> None:
    ran = proven(project, "--run", f"{sys.executable} -c pass", *FAST)
    assert ran.code == 0
    assert "nothing leaked before either" in ran.out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--run", "exit 7"), "failed with exit code 7 before any repair"),
        (("--run", "no-such-compiler build"), "was not found"),
        (("--run", "sleep 60", "--timeout", "0.5"), "did not end within 0.5 seconds"),
        (("--run", "true", "--each", "done"), "no line of output holds 'done'"),
        (("--run", "true", "--setup", "exit 3"), "the set-up command 'exit 3' failed with exit code 3"),
    ],
)
def test_what_went_wrong_is_said(project: Path, arguments: tuple[str, ...], words: str) -> None:
    ran = proven(project, "--repeat", "1", *arguments)
    assert ran.code == 3
    assert words in ran.err


def test_a_dirty_tree_is_refused_or_taken_along(project: Path) -> None:
    (project / "new.py").write_text("")
    ran = proven(project, *RUN)
    assert (ran.code, "--allow-dirty" in ran.err) == (3, True)
    (project / "calls.py").write_text(CALLS + "import new\n")
    ran = proven(project, *RUN, "--allow-dirty")
    assert ran.code == 0, ran.err
    assert git(project, "status", "--porcelain") == "M calls.py\n?? new.py"


def test_outside_a_repository_it_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "first.py").write_text(LEAK)
    ran = repairbot(tmp_path, "prove", *RUN)
    assert (ran.code, "git init" in ran.err) == (3, True)


def test_usage(project: Path) -> None:
    assert "--run" in repairbot(project, "prove").err
    assert "there are" in repairbot(project, "prove", "--run", "true", "--detector", "x").err
    assert ".json" in repairbot(project, "prove", "--run", "true", "-o", "x.txt").err
    text = repairbot(project, "prove", "--help").out
    assert "This runs the code of the project with your rights." in text
    assert "valgrind" in text


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_worktrees_and_the_command_are_gone_when_prove_is_stopped(project: Path, number: int) -> None:
    alive = project.parent / "alive"
    command = f"echo $PPID $$ > {alive}; sleep 60"
    process = subprocess.Popen(
        [REPAIRBOT, "prove", "--run", command],
        cwd=project,
        env=environment(project) | {"TMPDIR": str(project.parent)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        _until(lambda: alive.exists() and bool(alive.read_text().split()))
        group = int(alive.read_text().split()[1])
        process.send_signal(number)
        process.communicate(timeout=30)
        _until(lambda: not list(project.parent.glob("repairbot-prove-*")))
        _until(lambda: git(project, "worktree", "list").count("\n") == 0)
        _until(lambda: not _alive(group))
    finally:
        process.kill()
        process.wait()


def _alive(group: int) -> bool:
    """Whether a process of the group still runs; one that nobody has waited for does not."""
    for process in psutil.process_iter():
        with suppress(psutil.Error, ProcessLookupError):
            if os.getpgid(process.pid) == group and process.status() != psutil.STATUS_ZOMBIE:
                return True
    return False


def _until(done: object, patience: float = 30.0) -> None:
    assert callable(done)
    end = time.monotonic() + patience
    while not done():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.05)


@pytest.mark.slow
def test_two_leaks_of_a_zig_program_are_repaired_and_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "program"
    programs.committed(program, {"main.zig": programs.ZIG.leaky, "build.zig": programs.ZIG_BUILD})
    zig = tmp_path / "bin" / "zig"  # the wheel of the compiler brings no command of this name
    zig.parent.mkdir()
    zig.write_text(f'#!/bin/sh\nexec {sys.executable} -m ziglang "$@"\n')
    zig.chmod(0o755)
    monkeypatch.setenv("PATH", f"{zig.parent}:{os.environ['PATH']}")
    ran = proven(program, "--run", "zig build run", *FAST)
    assert ran.code == 0, ran.out + ran.err
    assert "before  2 leaks" in ran.out
    assert "after   no leaks" in ran.out
    assert ran.out.count("measured: main.zig") == 2


@pytest.mark.slow
def test_growth_is_measured_by_iteration(tmp_path: Path) -> None:
    programs.repository(tmp_path, programs.PYTHON)
    ran = proven(tmp_path, "--run", programs.PYTHON.run, "--each", "done", "--base", "HEAD", *FAST)
    assert ran.code == 0, ran.out + ran.err
    assert "traced memory (python)\n  before  leaks: +10." in ran.out
    assert "bytes an iteration service.py:9" in ran.out, "the line that appends is named"
    assert "after   flat" in ran.out
