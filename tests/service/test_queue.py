"""The durable queue on SQLite: once, in turn, the newest alone, fair, tried again, shelved, and through kill -9."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from repairbot.github.event import Said
from repairbot.service import queue as queues
from repairbot.service.queue import Queue
from repairbot.service.task import Task
from repairbot.service.webhook import Work
from repairbot.service.worker import Again, Do, Ending, Retries, working

QUICK = Retries(attempts=3, pause=0.05)
CHILD = """\
import sys, time
from pathlib import Path
from repairbot.service.queue import opened
from repairbot.service.webhook import Work
from repairbot.service.worker import Ending, working
folder, count = Path(sys.argv[1]), int(sys.argv[2])
def do(task):
    with open(folder / "log", "a") as log: log.write(task.delivery + "\\n")
    time.sleep(0.05)
    return Ending("done")
with opened(folder) as queue, working(do, queue, folder):
    for number in range(count):
        queue.put(Work(f"d-{number}", 3, "octo/leaky", (number + 1,)))
    print("queued", flush=True)
    while sum(queue.depth()[:2]):
        time.sleep(0.1)
    print("done", flush=True)
"""


def work(delivery: str, number: int = 7, said: Said | None = None, installation: int = 3) -> Work:
    return Work(delivery, installation, "octo/leaky", (number,), "a" * 40, said)


def until(true: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.05)


def rested(queue: Queue) -> bool:
    return queue.depth()[:2] == (0, 0)


@contextmanager
def busy(do: Do, folder: Path, jobs: int = 4, lanes: int = 8) -> Iterator[Queue]:
    with queues.opened(folder, lanes=lambda: lanes) as queue, working(do, queue, folder, "", jobs, QUICK):
        yield queue


def test_one_job_at_a_time_for_a_pull_request_and_the_last_review_counts(tmp_path: Path) -> None:
    seen: list[str] = []
    begun, go = threading.Event(), threading.Event()

    def do(task: Task) -> Ending:
        seen.append(task.delivery)
        begun.set()
        go.wait(30)
        return Ending("done")

    with busy(do, tmp_path) as queue:
        queue.put(work("d-1"))
        assert begun.wait(30)
        heard = Said(7, 5, "issues", "/repairbot help", "mona")
        for each in (work("d-2"), work("d-3"), work("d-3"), work("d-4", said=heard), work("e-1", 8)):
            queue.put(each)
        until(lambda: "e-1" in seen)  # another pull request does not wait
        assert set(seen) == {"d-1", "e-1"}
        assert queue.depth()[:2] == (3, 2)
        assert [(each.number, each.running) for each in queue.standing()][2:] == [(7, False)] * 3
        go.set()
        until(lambda: rested(queue))
        ended = {job.id.rpartition(":")[2]: job.outcome for job in queue.finished()}
    assert sorted(seen) == ["d-1", "d-3", "d-4", "e-1"]
    assert ended == {"d-1": "done", "d-2": "superseded", "d-3": "done", "d-4": "done", "e-1": "done"}


def test_no_installation_holds_all_places(tmp_path: Path) -> None:
    running: list[int] = []
    go = threading.Event()

    def do(task: Task) -> Ending:
        running.append(task.installation)
        go.wait(30)
        return Ending("done")

    with busy(do, tmp_path, jobs=3, lanes=2) as queue:
        for number in range(40):
            queue.put(work(f"d-{number}", number + 1))
        until(lambda: running == [3, 3])
        queue.put(work("e-1", 100, installation=4))
        until(lambda: running == [3, 3, 4], 5)
        go.set()
        until(lambda: rested(queue))


def test_a_job_that_fails_is_tried_again_then_shelved_and_can_be_run_again(tmp_path: Path) -> None:
    tried: list[str] = []
    down = True

    def do(task: Task) -> Ending:
        tried.append(task.delivery)
        if down and task.delivery == "d-1":
            raise Again("Unreachable: GitHub is away")
        return Ending("done")

    with busy(do, tmp_path, jobs=1) as queue:
        queue.put(work("d-1"))
        queue.put(work("e-1", 8))
        until(lambda: bool(queue.failed()))
        assert tried.count("d-1") == QUICK.attempts
        assert tried[:2] == ["d-1", "e-1"] or tried[0] == "e-1"  # nobody waits for the pause of another
        (failed,) = queue.failed()
        assert failed.said == "Unreachable: GitHub is away"
        assert not queue.again("review:octo/leaky#9:none")
        assert queue.again(failed.id)
        until(lambda: tried.count("d-1") == QUICK.attempts + 1 and bool(queue.failed()))
        down = False
        queue.put(work("d-1"))  # GitHub delivers it once more
        until(lambda: tried.count("d-1") == QUICK.attempts + 2 and rested(queue))
        assert queue.failed() == []
        assert [each.outcome for each in queue.finished()].count("done") == 2


def test_old_jobs_are_forgotten_and_failed_ones_are_not(tmp_path: Path) -> None:
    def do(task: Task) -> Ending:
        if task.delivery == "d-1":
            raise KeyError("x")
        return Ending("done")

    with busy(do, tmp_path) as queue:
        queue.put(work("d-1"))
        queue.put(work("d-2", 8))
        until(lambda: rested(queue))
        assert queue.prune() == 0
        time.sleep(1.1)
        assert queue.prune(0.0) == 1
        assert (len(queue.finished()), len(queue.failed())) == (0, 1)


def test_what_nobody_foresaw_is_shelved_at_once(tmp_path: Path) -> None:
    def do(task: Task) -> Ending:
        raise KeyError("ghs_16C7e42F292c6912E7710c838347Ae178B4a")

    with busy(do, tmp_path) as queue:
        queue.put(work("d-1"))
        until(lambda: bool(queue.failed()))
        assert queue.failed()[0].said == "KeyError: '[token removed]'"


@pytest.mark.slow
def test_nothing_is_lost_when_the_process_is_killed(tmp_path: Path) -> None:
    count = 12
    arguments = [sys.executable, "-c", CHILD, str(tmp_path), str(count)]
    for moment in (0.0, 0.3):
        with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as child:
            assert child.stdout is not None
            assert child.stdout.readline() == "queued\n"
            time.sleep(moment)
            child.send_signal(signal.SIGKILL)
    done = subprocess.run(arguments, capture_output=True, text=True, check=True, timeout=90)
    assert done.stdout.endswith("done\n")
    ran = (tmp_path / "log").read_text().split()
    assert set(ran) == {f"d-{number}" for number in range(count)}
    assert len(ran) <= count + 4  # only the jobs that a kill cut run again
