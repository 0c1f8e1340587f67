"""What a review costs: requests to GitHub, and time of our own."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.commands import REPAIRBOT
from tests.github.reviewing import NUMBER, REPO, Desk, keep, leaks, opened
from tests.github.rig.server import Rig

FILES = {f"m{number}.py": leaks("one", "two") for number in range(4)} | {
    "m4.py": "from shared import closing_reader\n\n\n" + leaks("five")
}


@pytest.fixture
def desk(rig: Rig, tmp_path: Path) -> Desk:
    """A pull request of five changed files, one of which imports from a file that it does not change."""
    base = {"shared.py": "def closing_reader(path):\n    return open(path)\n"}
    base |= dict.fromkeys(FILES, "X = 1\n")
    return opened(rig, tmp_path, base, FILES)


def test_a_first_review_costs_at_most_twenty_requests_and_a_second_one_twelve(desk: Desk) -> None:
    desk.review()
    first = len(desk.rig.log)
    desk.rig.log.clear()
    done = desk.review()
    assert done.nothing
    again = len(desk.rig.log)
    assert first <= 20, "\n".join(map(str, desk.rig.log))
    assert again <= 12, "\n".join(map(str, desk.rig.log))


def test_a_push_costs_no_more_than_a_first_review(desk: Desk) -> None:
    desk.review()
    desk.push(m0__py=leaks("one", "two", fixed="one two"))
    desk.rig.log.clear()
    desk.review()
    assert len(desk.rig.log) <= 20, "\n".join(map(str, desk.rig.log))


def test_the_command_posts_all_of_it_and_its_own_time_can_be_read(desk: Desk, tmp_path: Path) -> None:
    said = tmp_path / "said"
    with said.open("wb") as output:
        running = subprocess.Popen(
            [REPAIRBOT, "review", "--repo", REPO, "--pr", str(NUMBER)],
            env={**os.environ, **desk.rig.environment(desk.token), "XDG_CACHE_HOME": str(tmp_path / "xdg")},
            cwd=tmp_path,
            stdout=output,
            stderr=output,
        )
        # Processor time, its own and its children's: the machine may be busy, and waiting is the network's.
        _, status, used = os.wait4(running.pid, 0)
        running.returncode = os.waitstatus_to_exitcode(status)
    assert running.returncode == 0, said.read_text()
    assert len(desk.open()) == 9
    keep("review-time.txt", [f"{used.ru_utime:.2f} s user, {used.ru_stime:.2f} s system for 5 files"])
