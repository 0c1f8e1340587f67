"""The durable queue: DBOS on SQLite, or on PostgreSQL where DATABASE_URL names one.

A job is a DBOS workflow of one step, under an id made of its pull request and its delivery: a delivery that comes twice
is one job. The queue is partitioned by pull request, one job at a time in each. A job that a dead process leaves
runs again from its start, so the work looks for what stands already before it posts (job.publish does).

DBOS keeps one instance a process, and so does this.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from dbos import DBOS, DBOSConfig, Queue, SetEnqueueOptions, SetWorkflowID, error
from sqlalchemy.exc import SQLAlchemyError

from repairbot.github.event import Said
from repairbot.github.redact import redact
from repairbot.service.web import QueueDown
from repairbot.service.webhook import Work

NAME: Final = "pulls"
SUPERSEDED: Final = "superseded: a later job of this pull request looks at its newest commit"
FAILED: Final = ["ERROR", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"]
_VERSION: Final = "1"
"""Of the job's form. Fixed, so that jobs outlive an upgrade; DBOS would leave those of other versions alone."""
_POLL: Final = 0.1
"""Seconds between looks for jobs; DBOS's own second is slow (github.md)."""

Do = Callable[[Work], str]
"""Does the work of one pull request and says how it ended. What it raises is tried again, then shelved."""


@dataclass(frozen=True, slots=True)
class Retries:
    """How often a job is tried, and the seconds before the second time; then three times as long each time."""

    attempts: int = 6
    pause: float = 10.0


@dataclass(frozen=True, slots=True)
class Job:
    """One job as it stands. `said`: how it ended, or what failed."""

    id: str
    status: str
    said: str


class Durable:
    """A queue that was opened; `put` and `ready` are what the web server asks of it."""

    def __init__(self, queue: Queue, job: Callable[[str, dict[str, Any]], str]) -> None:
        self._queue, self._job = queue, job

    def put(self, work: Work) -> None:
        """Keep a job for each of its pull requests; twice is once. Raises QueueDown."""
        try:
            for number in work.numbers:
                place = _place(work, number)
                with (
                    SetWorkflowID(f"{place}:{work.delivery}"),
                    SetEnqueueOptions(queue_partition_key=f"{work.repo}#{number}"),
                ):
                    self._queue.enqueue(self._job, place, asdict(work) | {"numbers": [number]})
        except SQLAlchemyError as why:
            raise QueueDown(f"the queue's database fails ({type(why).__name__})") from None

    def ready(self) -> bool:
        """Whether the database answers."""
        try:
            DBOS.list_workflows(limit=1, load_input=False, load_output=False)
        except SQLAlchemyError:
            return False
        return True

    def jobs(self) -> list[Job]:
        """All jobs, the oldest first."""
        return [
            Job(each.workflow_id, each.status, _why(each.error) or str(each.output or ""))
            for each in DBOS.list_workflows(queue_name=NAME)
        ]

    def shelf(self) -> list[Job]:
        """The jobs that failed for good and were not run again."""
        return [
            Job(each.workflow_id, each.status, _why(each.error))
            for each in DBOS.list_workflows(queue_name=NAME, status=FAILED)
            if not each.was_forked_from
        ]

    def again(self, job: str) -> None:
        """Run a failed job again, as a new one."""
        place = job.rpartition(":")[0]
        DBOS.fork_workflow(job, 1, queue_name=NAME, queue_partition_key=place.partition(":")[2])


@contextmanager
def opened(
    do: Do, folder: Path, database: str = "", workers: int = 1, retries: Retries | None = None, slot: int = 0
) -> Iterator[Durable]:
    """Open the queue and work on it until the block is left.

    `folder`: where SQLite's file lies, made where it is missing. `workers`: jobs at a time in this process.
    `slot`: which of several processes this is; two that run at once must not have the same, and a dead one's jobs
    come back with its slot.
    """
    tries = retries or Retries()
    if not database:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    config: DBOSConfig = {
        "name": "repairbot",
        "system_database_url": database or f"sqlite:///{folder / 'queue.sqlite'}",
        "executor_id": f"slot-{slot}",
        "application_version": _VERSION,
        "log_level": "ERROR",
        "enable_otlp": False,
    }
    DBOS(config=config)

    @DBOS.step(
        name="do",
        retries_allowed=True,
        interval_seconds=tries.pause,
        max_attempts=tries.attempts,
        backoff_rate=3.0,
    )
    def step(held: dict[str, Any]) -> str:
        return do(_work(held))

    @DBOS.workflow(name="job")
    def job(place: str, held: dict[str, Any]) -> str:
        # A review reads the head as it stands then, so the one that comes last is enough.
        if place.startswith("review:") and DBOS.list_workflows(
            workflow_id_prefix=f"{place}:", status="ENQUEUED", limit=1, load_input=False, load_output=False
        ):
            return SUPERSEDED
        return step(held)

    try:
        DBOS.launch()
        queue = DBOS.register_queue(
            NAME, partition_concurrency=1, worker_concurrency=workers, polling_interval_sec=_POLL
        )
        yield Durable(queue, job)
    finally:
        DBOS.destroy(destroy_registry=True)


def _why(failed: Exception | None) -> str:
    """What failed the last time, and not that DBOS gave up. It may hold what GitHub said: no token is shown."""
    if isinstance(failed, error.DBOSMaxStepRetriesExceeded) and failed.errors:
        failed = failed.errors[-1]
    return redact(f"{type(failed).__name__}: {failed}") if failed else ""


def _place(work: Work, number: int) -> str:
    return f"{'command' if work.said else 'review'}:{work.repo}#{number}"


def _work(held: dict[str, Any]) -> Work:
    said = Said(**held["said"]) if held["said"] else None
    return Work(**{**held, "numbers": tuple(held["numbers"]), "said": said})
