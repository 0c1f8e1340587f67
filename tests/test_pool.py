"""How many processes a run is worth: by its files, and by their bytes."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest

from repairbot.child import kinds
from repairbot.model import Settings
from repairbot.pipeline import request
from repairbot.pool import Pool, Task

LARGE = b"value = 1\n" * 30_000


@pytest.mark.slow
@pytest.mark.parametrize(("source", "jobs", "processes"), [(b"", 2, 1), (LARGE, 2, 2), (LARGE, 1, 1)])
def test_a_second_process_starts_when_the_first_has_its_hands_full(
    source: bytes, jobs: int, processes: int
) -> None:
    before = set(psutil.Process().children())
    with Pool() as pool:
        pool.configure(Settings(), memory=1024, seconds=30, jobs=jobs)
        tasks = [Task(number, request(f"{number}.py", "python", {}), source) for number in range(6)]
        answers = sorted(answer.tag for answer in pool.run(tasks, len(tasks)))
        assert len(set(psutil.Process().children()) - before) == processes
    assert answers == list(range(6))


def test_a_process_gets_ready_for_the_files_that_there_are(tmp_path: Path) -> None:
    for name in (
        "build.zig",
        "src/a.zig",
        "src/b.zig",
        "docs/a.md",
        "docs/b.md",
        "deep/er/a.py",
        ".git/x.rs",
    ):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    assert kinds(str(tmp_path)) == ".zig,.md,"  # the last one is a folder's
    assert kinds(str(tmp_path / "nowhere")) == ""
