"""`repairbot jobs`, beside a worker that lives and after it: what is there, why it failed, and once more."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from repairbot.service import ledger as ledgers
from repairbot.service import queue as queues
from repairbot.service.ledger import Ended
from repairbot.service.task import Task
from repairbot.service.webhook import Work
from repairbot.service.worker import Ending, working
from tests.commandline import Ran, environment
from tests.commands import REPAIRBOT
from tests.service.test_queue import QUICK, rested, until


@dataclass
class Moods:
    """Does tasks; those of repositories in `bad` fail."""

    bad: set[str]

    def __call__(self, task: Task) -> Ending:
        if task.repo in self.bad:
            raise PermissionError(f"Denied: of {task.repo} ghs_123_eyJh.eyJi.c2ln \x1b[31m")
        return Ending("clean", "no leaks")


def put(queue: queues.Queue, *repos: str) -> None:
    for repo in repos:
        queue.put(Work(f"of-{repo.partition('/')[2]}", 3, repo, (7,), "a" * 40))


def command(folder: Path, *arguments: str) -> Ran:
    done = subprocess.run(
        [REPAIRBOT, "jobs", *arguments],
        env={**environment(folder), "REPAIRBOT_HOME": str(folder)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return Ran(done.returncode, done.stdout, done.stderr)


@pytest.mark.slow
def test_list_show_and_retry(tmp_path: Path) -> None:
    moods = Moods({"octo/bad", "octo/worse"})
    good, bad = "review:octo/good#7:of-good", "review:octo/bad#7:of-bad"
    with queues.opened(tmp_path, lanes=lambda: 8) as queue:
        put(queue, "octo/good", "octo/bad", "octo/worse")
        listed = command(tmp_path)
        assert listed.out.count("waiting") == 3
        with working(moods, queue, tmp_path, retries=QUICK):
            until(lambda: rested(queue))
            listed = command(tmp_path, "list", "--failed")
            assert listed.code == 0
            assert sorted(line.split()[0] for line in listed.out.splitlines()) == ["failed", "failed"]
            assert "ghs_" not in listed.out
            assert "\x1b" not in listed.out
            assert "2 failed jobs" in listed.err
            shown = command(tmp_path, "show", bad)
            assert "Denied" in shown.out
            assert f"repairbot jobs retry {bad}" in shown.out
            moods.bad.clear()
            assert command(tmp_path, "retry", bad).out == f"queued again: {bad}\n"
            until(lambda: rested(queue) and not any(each.id == bad for each in queue.failed()))
            again = command(tmp_path, "retry", bad)
            assert (again.code, "not among the failed jobs" in again.err) == (2, True)
            assert command(tmp_path, "retry", "--all").out.count("queued again") == 1
            until(lambda: rested(queue) and not queue.failed())
    with ledgers.opened(tmp_path) as ledger:
        ledger.ended(Ended(good, "of-good", "octo/good", 7, "clean", "b" * 40, waited=1, steps={"audit": 2}))
    shown = command(tmp_path, "show", good)
    assert "waited 1.0 s, took 2.0 s, 0 leaks at bbbbbbbbbbbb" in shown.out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(("show", "nothing"), "is no job of this queue"), (("retry",), "give the ID of a failed job")],
)
def test_what_is_not_there_is_said(tmp_path: Path, arguments: tuple[str, ...], words: str) -> None:
    with queues.opened(tmp_path):
        done = command(tmp_path, *arguments)
    assert done.code == 2
    assert words in done.err
    assert "Traceback" not in done.err


def test_without_a_queue_it_says_where_it_looked(tmp_path: Path) -> None:
    done = command(tmp_path, "list")
    assert done.code == 2
    assert str(tmp_path) in done.err
    assert not (tmp_path / "queue.sqlite").exists()
