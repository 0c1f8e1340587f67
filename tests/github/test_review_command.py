"""`repairbot review` as people call it: what it prints, its exit codes, and what it says when it cannot."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.commands import REPAIRBOT
from tests.github.reviewing import NUMBER, REPO, Desk, leaks, opened
from tests.github.rig.server import Rig


@pytest.fixture
def desk(rig: Rig, tmp_path: Path) -> Desk:
    """A pull request with two leaks."""
    return opened(rig, tmp_path, {}, {"a.py": leaks("one", "two")})


def run(desk: Desk, folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """`repairbot review ARGUMENTS`; without arguments, of pull request 7."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GITHUB_")}
    return subprocess.run(
        [REPAIRBOT, "review", *(arguments or ("--repo", REPO, "--pr", str(NUMBER)))],
        env={
            **kept,
            **desk.rig.environment(desk.token),
            "XDG_CACHE_HOME": str(folder / "xdg"),
            **environment,
        },
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_dry_run_prints_exactly_what_is_posted_afterwards(desk: Desk, tmp_path: Path) -> None:
    shown = run(desk, tmp_path, "--repo", REPO, "--pr", str(NUMBER), "--dry-run")
    assert shown.returncode == 0, shown.stderr
    assert desk.rig.writes() == []
    posted = run(desk, tmp_path)
    assert posted.returncode == 0, posted.stderr
    bodies = [each.comments[0].body for each in desk.ours()] + desk.reports()
    bodies += [run.summary or "" for run in desk.rig.state.checks]
    assert len(bodies) == 4
    for body in bodies:
        assert body.removesuffix("\n") in shown.stdout


def test_it_says_what_it_did_and_that_there_was_nothing_left_to_do(desk: Desk, tmp_path: Path) -> None:
    assert "comments: 2" in run(desk, tmp_path).stderr
    again = run(desk, tmp_path)
    assert (again.returncode, again.stdout) == (0, "")
    assert "nothing to post" in again.stderr


def test_what_cannot_be_posted_goes_to_annotations_and_the_step_summary(desk: Desk, tmp_path: Path) -> None:
    desk.token = desk.rig.token("ghs_fork", contents="read", pull_requests="read", checks="read")
    summary = tmp_path / "summary.md"
    done = run(desk, tmp_path, GITHUB_ACTIONS="true", GITHUB_STEP_SUMMARY=str(summary))
    assert done.returncode == 3
    assert [line.partition(",")[0] for line in done.stdout.splitlines() if line.startswith("::")] == [
        "::warning file=a.py",
        "::warning file=a.py",
    ]
    told = summary.read_text()
    assert "`a.py:2`" in told
    assert "Not posted:" in told
    assert "no comments: the token may not do this" in told


@pytest.mark.parametrize(
    ("arguments", "environment", "code", "says"),
    [
        ((), {"GITHUB_TOKEN": "ghp_wrongwrongwrong"}, 2, "GITHUB_TOKEN"),
        ((), {"GITHUB_TOKEN": ""}, 2, "set GITHUB_TOKEN"),
        (("--repo", REPO, "--pr", "99"), {}, 2, "no pull request 99 in octo/leaky"),
        (("--repo", "octo/none", "--pr", "7"), {}, 2, "no pull request 7 in octo/none"),
        (("--repo", "leaky", "--pr", "7"), {}, 3, "OWNER/NAME"),
        (("--repo", REPO, "--pr", "0"), {}, 2, "0"),
        ((), {"GITHUB_API_URL": "nonsense"}, 3, "GITHUB_API_URL"),
    ],
)
def test_errors_say_what_to_do(
    desk: Desk, tmp_path: Path, arguments: tuple[str, ...], environment: dict[str, str], code: int, says: str
) -> None:
    done = run(desk, tmp_path, *arguments, **environment)
    assert done.returncode == code, done.stderr
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert "wrongwrong" not in done.stderr + done.stdout


@pytest.mark.slow
def test_two_hundred_files_the_cap_and_what_was_left_out(rig: Rig, tmp_path: Path) -> None:
    desk = opened(rig, tmp_path, {}, {f"m{n:03}.py": leaks("one", "two") for n in range(200)})
    shown = run(desk, tmp_path, "--repo", REPO, "--pr", str(NUMBER), "--dry-run")
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.count("\ncomment on ") == 10
    assert "left out: 390 leaks" in shown.stdout
    posted = run(desk, tmp_path)
    assert posted.returncode == 0, posted.stderr
    assert len(desk.open()) == 10
    (report,) = desk.reports()
    assert len(report) <= 65_536
    assert sum(len(each.annotations) for each in rig.state.checks) == 390
