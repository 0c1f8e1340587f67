"""`repairbot sweep`: every repository of an installation audited by the App's workers, with progress."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from repairbot.service import queue as queues
from tests.commandline import Ran
from tests.commands import REPAIRBOT
from tests.github.reviewing import leaks
from tests.github.rig.server import Rig
from tests.service.processes import environment, serving


def sweep(told: dict[str, str], *arguments: str) -> Ran:
    done = subprocess.run(
        [REPAIRBOT, "sweep", *arguments], env=told, capture_output=True, text=True, check=False, timeout=90
    )
    return Ran(done.returncode, done.stdout, done.stderr)


@pytest.mark.slow
def test_every_repository_gets_its_issue_and_a_second_sweep_of_the_day_adds_nothing(
    rig: Rig, tmp_path: Path
) -> None:
    rig.state.repository.commit("main", {"README.md": "leaky\n", "a.py": leaks("one", "two")})
    told = environment(rig, tmp_path)
    with serving(rig, told) as app:
        first = sweep(told, "--org", "octo")
        assert (first.code, "swept" in first.out) == (0, True), "\n".join([first.err, *app.said])
        assert "1/1" in first.out
        assert "2 leaks on main; the issue: made" in first.out
        (issue,) = rig.state.issues.values()
        assert "a.py" in issue.body
        rig.log.clear()
        again = sweep(told, "--org", "octo")
        assert "1/1" in again.out
        assert rig.writes() == [each for each in rig.writes() if "access_tokens" in each.path]
        rig.state.repository.commit("main", {"a.py": leaks("one", "two", fixed="one two")})
        third = sweep(told, "--org", "octo", "--name", "after-the-fix")
        assert "0 leaks on main; the issue: closed" in third.out
        assert app.process.poll() is None


def test_an_account_without_the_app_is_said(rig: Rig, tmp_path: Path) -> None:
    told = environment(rig, tmp_path)
    with queues.opened(tmp_path):
        done = sweep(told, "--org", "nobody")
    assert done.code == 3
    assert "not installed on nobody" in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize("wrong", [{"APP_ID": ""}, {"REPAIRBOT_HOME": "/nowhere"}])
def test_what_is_missing_is_said(rig: Rig, tmp_path: Path, wrong: dict[str, str]) -> None:
    done = sweep({**environment(rig, tmp_path), **wrong}, "--org", "octo")
    assert done.code == 2
    assert "APP_ID" in done.err or "/nowhere" in done.err
