"""What a stranger meets first: the clone, the README, the installed package, CI."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
ACTIONS = sorted((ROOT / ".github" / "actions").rglob("action.yml"))
README = (ROOT / "README.md").read_text()
SAMPLE = [line for line in README.partition("## Set-up")[0].splitlines() if line.startswith("    ")]
"""What the README shows of the demo."""


def run(
    *command: str | Path, cwd: Path = ROOT, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command and keep what it says."""
    return subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**os.environ, **(env or {})},
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """What git holds of this work tree, and nothing else."""
    listed = run("git", "ls-files", "-z").stdout.split("\0")
    for name in filter(None, listed):
        if (ROOT / name).is_file():
            target = tmp_path / "clone" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target)
    return tmp_path / "clone"


def roots(folder: Path) -> str:
    """The three source roots of a folder, as PYTHONPATH wants them."""
    return os.pathsep.join(str(folder / root) for root in ("bot", "rules", "templates"))


@pytest.mark.slow
def test_a_fresh_clone_shows_the_demo(clone: Path, tmp_path: Path) -> None:
    # The environment is this one: that pip can install the dependencies is what CI's own set-up shows.
    ready = tmp_path / "ready"
    ready.touch()
    done = run(
        "make",
        f"VENV={sys.prefix}",
        f"READY={ready}",
        "demo",
        cwd=clone,
        env={"PYTHONPATH": roots(clone), "XDG_CACHE_HOME": str(tmp_path / "cache")},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Nothing was written" in done.stdout
    shown = {line.strip() for line in done.stdout.splitlines()}
    assert {line.strip() for line in SAMPLE} <= shown | {"..."}, "the README shows other words"


@pytest.mark.slow
def test_the_wheel_holds_all_that_the_command_needs(clone: Path, tmp_path: Path) -> None:
    built = run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path / "dist", cwd=clone)
    assert built.returncode == 0, built.stderr
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "installed")
    env = {"PYTHONPATH": str(tmp_path / "installed"), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    leak = tmp_path / "leak.py"
    leak.write_text("import json\n\n\ndef load(path):\n    return json.loads(open(path).read())\n")
    command = (sys.executable, "-c", "from repairbot.cli import main; main()")
    shown = run(*command, "audit", "--format", "markdown", leak, cwd=tmp_path, env=env)
    assert shown.returncode == 1, shown.stderr
    assert "nameless-resource" in shown.stdout
    fixed = run(*command, "fix", leak, cwd=tmp_path, env=env)
    assert "with open(path) as" in leak.read_text(), fixed.stdout + fixed.stderr


def test_the_readme_sets_up_with_two_commands() -> None:
    _, _, after = README.partition("## Set-up\n")
    section, _, _ = after.partition("\n## ")
    commands = [line.split("#")[0].strip() for line in section.splitlines() if line.startswith("    ")]
    assert commands == ["make demo", "make test"]


@pytest.mark.parametrize(
    "command", sorted(set(re.findall(r"^\s+repairbot (\w[\w-]*)", README, re.MULTILINE)))
)
def test_the_readme_names_commands_and_options_that_exist(command: str) -> None:
    lines = [line for line in README.splitlines() if re.match(rf"\s+(\$ )?repairbot {command}\b", line)]
    options = {option for line in lines for option in re.findall(r" (--[\w-]+)", line)}
    shown = run(BIN / "repairbot", command, "--help")
    assert shown.returncode == 0, shown.stderr
    assert {option for option in options if option not in shown.stdout} == set()


def test_links_of_the_readme_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert (ROOT / target).exists(), target


@pytest.mark.slow
@pytest.mark.parametrize("workflow", [*WORKFLOWS, *ACTIONS], ids=lambda path: path.name)
def test_workflows_and_actions_are_valid_and_sound(workflow: Path) -> None:
    kind = "vendor.github-actions" if workflow in ACTIONS else "vendor.github-workflows"
    schema = run(BIN / "check-jsonschema", "--builtin-schema", kind, workflow)
    assert schema.returncode == 0, schema.stdout
    audit = run(BIN / "zizmor", "--offline", "--persona=pedantic", "--no-progress", workflow)
    assert audit.returncode == 0, audit.stdout


@pytest.mark.parametrize("workflow", [*WORKFLOWS, *ACTIONS], ids=lambda path: path.name)
def test_actions_are_pinned_by_commit(workflow: Path) -> None:
    used = re.findall(r"^\s*-?\s*uses:\s*(\S+)", workflow.read_text(), re.MULTILINE)
    assert used
    assert [
        name for name in used if not name.startswith("$/") and not re.search(r"@[0-9a-f]{40}$", name)
    ] == []


@pytest.mark.parametrize(
    ("says", "status", "ends"),
    [
        ("12 passed in 3.41s", 0, 0),
        ("============ 12 passed, 3 warnings in 3.41s ============", 0, 0),
        ("12 passed, 1 skipped in 3.41s", 0, 1),
        ("12 passed, 1 xfailed in 3.41s", 0, 1),
        ("1 failed, 11 passed in 3.41s", 2, 2),
        ("no tests ran in 0.01s", 0, 1),
        ("error: the linter found something", 2, 2),
    ],
)
def test_ci_fails_when_anything_was_not_tested(
    clone: Path, tmp_path: Path, says: str, status: int, ends: int
) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    make = tools / "make"
    make.write_text(f'#!/bin/sh\n[ "$*" = test ] || exit 9\necho "{says}"\nexit {status}\n')
    make.chmod(0o755)
    done = run("bash", ".ci/run", cwd=clone, env={"PATH": f"{tools}{os.pathsep}{os.environ['PATH']}"})
    assert done.returncode == ends, done.stdout + done.stderr
    if ends == 0:
        assert done.stdout.rstrip().splitlines()[-1] == says
