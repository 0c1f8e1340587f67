"""Doing what the queue holds: jobs in threads of this process, each once, whatever dies on the way.

What a dead process leaves runs again from its start, so the work looks for what stands already before it posts
(github.job.publish does). DBOS keeps one instance a process, and so does this.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from dbos import DBOS, DBOSConfig

from repairbot.service import queue as queues
from repairbot.service import slots
from repairbot.service.logs import about
from repairbot.service.queue import AGAIN, JOB, NAME, VERSION, Queue, Shelved
from repairbot.service.task import Task

_LOG: Final = logging.getLogger(__name__)
SUPERSEDED: Final = "superseded"
_POLL: Final = 0.1
"""Seconds between looks for jobs; DBOS's own second is slow (github.md)."""
_DEATHS: Final = 20
"""How often a job may take its process along before it is shelved."""
STOP: Final = 14
"""Seconds that jobs get to end when the process is to stop; what is not done by then runs again elsewhere."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How a job ended well. `outcome`: one word ("commented", "clean", ...); `said`: a line for people."""

    outcome: str
    said: str = ""


class Again(Exception):
    """It failed, and may go well later. `pause`: seconds that somebody asked us to wait, 0 for the usual ones."""

    def __init__(self, said: str, pause: float = 0.0) -> None:
        super().__init__(said)
        self.pause = pause


Do = Callable[[Task], Ending]
"""Does a task. Raises Again; what else it raises shelves the job."""


Noted = Callable[[Task, Ending, str], None]
"""Hears of jobs that ended without being done, or failed for good, with the job's id."""


@dataclass(frozen=True, slots=True)
class Retries:
    """How often a job is tried, and the seconds before the second time; then three times as long each time."""

    attempts: int = 8
    pause: float = 10.0

    def before(self, tried: int) -> float:
        """Seconds before the next try, after `tried` tries; not the same for all, lest all come at once."""
        return self.pause * 3.0 ** (tried - 1) * random.uniform(1.0, 1.2)


@dataclass(slots=True)
class Workers:
    """The jobs that run in this process."""

    do: Do
    queue: Queue
    retries: Retries
    noted: Noted
    _running: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def running(self) -> int:
        """How many jobs run at the moment."""
        return len(self._running)

    def job(
        self, held: dict[str, Any], turn: int, tried: int, step: Callable[[dict[str, Any]], dict[str, Any]]
    ) -> Any:
        """One turn of a job. What comes back is its outcome, or that a next turn follows. Raises Shelved."""
        task = Task.of(held)
        name = queues.job_id(task, turn)
        with about(delivery=task.delivery, job=name):
            if task.kind == "review" and self.queue.later(task):
                # A review reads the head as it stands then, so the one that comes last is enough.
                return {
                    "outcome": SUPERSEDED,
                    "said": "a later job of this pull request looks at its newest commit",
                }
            if any(each != name for each in self.queue.rivals(task)):
                # Its lane is another since workers came or went: two at once could post twice.
                self.queue.add(task, turn + 1, tried, random.uniform(0.5, 1.5))
                return {"outcome": AGAIN, "said": "another job of this pull request runs"}
            with self._lock:
                self._running.add(name)
            try:
                ended = step(held)
            finally:
                with self._lock:
                    self._running.discard(name)
            if ended["outcome"] != AGAIN:
                return ended
            if tried + 1 >= self.retries.attempts:
                _LOG.error("shelved after %d tries: %s", tried + 1, ended["said"])
                self.noted(task, Ending("failed", ended["said"]), name)
                raise Shelved(ended["said"])
            pause = max(ended["pause"], self.retries.before(tried + 1))
            _LOG.warning("try %d failed, the next in %.0f s: %s", tried + 1, pause, ended["said"])
            self.queue.add(task, turn + 1, tried + 1, pause)
            return ended

    def step(self, held: dict[str, Any]) -> dict[str, Any]:
        """Do the task. Once this is answered it is not done again, whatever dies."""
        try:
            ending = self.do(Task.of(held))
        except Again as error:
            return {"outcome": AGAIN, "said": str(error), "pause": error.pause}
        return asdict(ending)


@contextmanager
def working(
    do: Do,
    queue: Queue,
    folder: Path,
    database: str = "",
    jobs: int = 2,
    retries: Retries | None = None,
    slot: int = 0,
    noted: Noted = lambda _task, _ending, _job: None,
) -> Iterator[Workers]:
    """Work on the queue until the block is left, which takes STOP seconds at most.

    `jobs`: at a time in this process. `slot`: which of several processes this is; two that run at once must not have
    the same, and a dead one's jobs come back with its slot. Raises SQLAlchemyError.
    """
    config: DBOSConfig = {
        "name": "repairbot",
        "system_database_url": queues.address(folder, database),
        "executor_id": slots.name(slot),
        "application_version": VERSION,
        "log_level": "ERROR",
        "enable_otlp": False,
    }
    if not database:
        config["system_database_engine"] = queues.engine(folder, database)
    DBOS(config=config)
    workers = Workers(do, queue, retries or Retries(), noted)

    @DBOS.step(name="do")
    def step(held: dict[str, Any]) -> dict[str, Any]:
        return workers.step(held)

    @DBOS.workflow(name=JOB, max_recovery_attempts=_DEATHS)
    def job(held: dict[str, Any], turn: int, tried: int) -> Any:
        return workers.job(held, turn, tried, step)

    try:
        DBOS.launch()
        DBOS.register_queue(
            NAME, partition_concurrency=1, worker_concurrency=jobs, polling_interval_sec=_POLL
        )
        yield workers
    finally:
        until = time.monotonic() + STOP
        DBOS.destroy(destroy_registry=True, workflow_completion_timeout_sec=STOP if workers.running else 0)
        if workers.running:
            _LOG.warning("stopped with %d jobs under way: they are done again", workers.running)
        _LOG.debug("stopped with %.1f s left", until - time.monotonic())


def recover(executor: str) -> int:
    """Put the jobs of a dead process back into the queue; how many."""
    return len(
        DBOS._recover_pending_workflows([executor])
    )  # the public resume_workflow asks not whose they are
