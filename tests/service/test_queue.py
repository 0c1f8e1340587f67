"""The durable queue on SQLite: once, in turn, the newest alone, tried again, shelved, and through kill -9."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from repairbot.github.event import Said
from repairbot.service.queue import SUPERSEDED, Durable, Retries, opened
from repairbot.service.webhook import Work

QUICK = Retries(attempts=3, pause=0.05)
CHILD = """\
import sys, time
from pathlib import Path
from repairbot.service.queue import opened
from repairbot.service.webhook import Work
folder, count = Path(sys.argv[1]), int(sys.argv[2])
def do(work):
    with open(folder / "log", "a") as log: log.write(work.delivery + "\\n")
    time.sleep(0.05)
    return "done"
with opened(do, folder) as queue:
    for number in range(count):
        queue.put(Work(f"d-{number}", 3, "octo/leaky", (number + 1,)))
    print("queued", flush=True)
    while any(job.status in ("PENDING", "ENQUEUED") for job in queue.jobs()):
        time.sleep(0.1)
    print("done", flush=True)
"""


def work(delivery: str, number: int = 7, said: Said | None = None) -> Work:
    return Work(delivery, 3, "octo/leaky", (number,), "a" * 40, said)


def until(true: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.05)


def rested(queue: Durable) -> bool:
    return all(job.status not in ("PENDING", "ENQUEUED") for job in queue.jobs())


def test_one_job_at_a_time_for_a_pull_request_and_the_last_review_counts(tmp_path: Path) -> None:
    seen: list[str] = []
    begun, go = threading.Event(), threading.Event()

    def do(asked: Work) -> str:
        seen.append(asked.delivery)
        begun.set()
        go.wait(30)
        return "done"

    with opened(do, tmp_path, workers=4) as queue:
        queue.put(work("d-1"))
        assert begun.wait(30)
        heard = Said(7, 5, "issues", "/repairbot help", "mona")
        for each in (work("d-2"), work("d-3"), work("d-3"), work("d-4", said=heard), work("e-1", 8)):
            queue.put(each)
        until(lambda: "e-1" in seen)  # another pull request does not wait
        assert set(seen) == {"d-1", "e-1"}
        go.set()
        until(lambda: rested(queue))
        ended = {job.id.rpartition(":")[2]: job.said for job in queue.jobs()}
    assert sorted(seen) == ["d-1", "d-3", "d-4", "e-1"]
    assert ended == {"d-1": "done", "d-2": SUPERSEDED, "d-3": "done", "d-4": "done", "e-1": "done"}


def test_a_job_that_fails_is_tried_again_then_shelved_and_can_be_run_again(tmp_path: Path) -> None:
    tried: list[str] = []
    down = True

    def do(asked: Work) -> str:
        tried.append(asked.delivery)
        if down:
            raise OSError("GitHub is away")
        return "done"

    with opened(do, tmp_path, retries=QUICK) as queue:
        queue.put(work("d-1"))
        until(lambda: bool(queue.shelf()))
        assert tried == ["d-1"] * QUICK.attempts
        (failed,) = queue.shelf()
        assert "GitHub is away" in failed.said
        down = False
        queue.again(failed.id)
        until(lambda: len(tried) > QUICK.attempts and rested(queue))
        assert queue.shelf() == []


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
    assert len(ran) <= count + 2  # only the job that a kill cut runs again
