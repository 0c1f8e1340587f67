"""How many processes a run is worth: by its files, and by their bytes."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest

from repairbot.child import kinds
from repairbot.model import Settings
from repairbot.pipeline import request
from repairbot.pool import ASIDE_BYTES, Pool, Task, Waiting

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


def _file(tag: int, near: int = 0, source: bytes = b"") -> Task:
    return Task(tag, b"", source, near)


def _drawn(waiting: Waiting, *children: int) -> list[int | None]:
    return [task.tag if (task := waiting.draw(child)) is not None else None for child in children]


def test_a_file_goes_to_the_child_that_has_it_at_hand() -> None:
    waiting = Waiting([_file(1, near=7), _file(2, near=7), _file(3, near=8), _file(4)])
    assert _drawn(waiting, 8, 7, 8, 7, 7) == [3, 1, 4, 2, None]


def test_a_child_without_work_gets_what_another_has_at_hand() -> None:
    waiting = Waiting([_file(1, near=7), _file(2, near=7)])
    assert _drawn(waiting, 8, 8, 8) == [1, 2, None]


def test_little_is_put_aside() -> None:
    large = bytes(ASIDE_BYTES)
    waiting = Waiting([_file(1, 7, large), _file(2, near=8)])
    assert _drawn(waiting, 8, 8) == [1, 2]


def test_what_a_dead_child_left_comes_first_and_in_its_order() -> None:
    waiting = Waiting([_file(1), _file(2), _file(3)])
    first, second = waiting.draw(7), waiting.draw(7)
    assert first is not None
    assert second is not None
    waiting.give_back([first, second])
    assert _drawn(waiting, 8, 8, 8, 8) == [1, 2, 3, None]


@pytest.mark.slow
def test_no_child_waits_while_another_has_two_files() -> None:
    with Pool() as pool:
        pool.configure(Settings(), memory=1024, seconds=30, jobs=2)
        tasks = [Task(number, request(f"{number}.py", "python", {}), LARGE) for number in range(4)]
        first = {answer.tag: answer.by for answer in pool.run(tasks, 200, ahead=1)}
        assert len(set(first.values())) == 2
        again = [Task(task.tag, task.header, task.source, first[task.tag]) for task in tasks]
        assert {answer.tag for answer in pool.run(again, 200, ahead=1)} == set(range(4))


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
