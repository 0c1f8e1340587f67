"""The durable queue, as those see it who put work in and look at it: DBOS's tables in SQLite or in PostgreSQL.

A task is a DBOS workflow under an id made of what it is about and what asked for it, so that a delivery that comes
twice is one job. The queue is partitioned into lanes, one job at a time in each. A pull request always has the same
lane, and an installation one lane less than there are places for jobs: it never holds them all, and lanes are drawn
at random. A try that fails is followed by the next one as a job of its own, after a pause. `worker` does the work.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from dbos import DBOS, DBOSClient, EnqueueOptions, WorkflowStatus, error
from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlalchemy.exc import SQLAlchemyError

from repairbot.github.redact import redact
from repairbot.service.task import Failed, Finished, Kind, Standing, Task, tasks
from repairbot.service.web import QueueDown
from repairbot.service.webhook import Work

NAME: Final = "pulls"
JOB: Final = "job"
VERSION: Final = "1"
"""Of the job's form. Fixed, so that jobs outlive an upgrade; DBOS would leave those of other versions alone."""
FAILED: Final = ["ERROR", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"]
WAITING: Final = ["ENQUEUED", "DELAYED"]
AGAIN: Final = "again"
"""The outcome of a try that the next one follows."""
_LATER: Final = "~"
_KEPT: Final = 30 * 86_400.0
"""Seconds for which a job that ended well is kept: as long as GitHub can deliver what asked for it once more."""
_BATCH: Final = 500


class Shelved(Exception):
    """A job failed for good: `Error: words`, without a token."""


class Queue:
    """An open queue. All methods may be called from any thread and raise SQLAlchemyError, `put` QueueDown alone."""

    def __init__(self, client: DBOSClient, engine: Engine, lanes: Callable[[], int]) -> None:
        self._client, self._engine, self._lanes = client, engine, lanes
        self._table = sa.table(
            "workflow_status",
            *(sa.column(name) for name in ("queue_name", "status", "created_at")),
            schema="dbos" if engine.dialect.name == "postgresql" else None,
        )

    # What is put in

    def put(self, work: Work) -> None:
        """Keep what a delivery asks for; twice is once, and one that failed runs again. Raises QueueDown."""
        try:
            for task in tasks(work):
                self.add(task)
        except SQLAlchemyError as why:
            raise QueueDown(f"the queue's database fails ({type(why).__name__})") from None

    def add(self, task: Task, turn: int = 1, tried: int = 0, pause: float = 0.0) -> bool:
        """Keep a job. `turn`: counts its turns; `tried`: those that failed; `pause`: seconds before it may begin.

        False where it was there already; if it had failed for good, it runs again.
        """
        options: EnqueueOptions = {
            "workflow_name": JOB,
            "queue_name": NAME,
            "workflow_id": job_id(task, turn),
            "workflow_id_reuse_policy": "reject",
            "app_version": VERSION,
            "queue_partition_key": self._lane(task),
            "attributes": {"kind": task.kind, "repo": task.repo, "number": task.number},
        }
        if pause:
            options["delay_seconds"] = pause
        try:
            self._client.enqueue(options, asdict(task), turn, tried)
        except error.DBOSWorkflowIDInUseError:
            if turn == 1:
                self._failed_again(task.id)
            return False
        return True

    def _lane(self, task: Task) -> str:
        about = f"{task.repo}#{task.number}" if task.number else task.place
        return f"{task.installation}/{zlib.crc32(about.encode()) % max(1, self._lanes())}"

    def _failed_again(self, job: str) -> None:
        """Run a job that GitHub delivered once more again, if it failed."""
        for each in self._rows(workflow_id_prefix=job, status=FAILED):
            if each.workflow_id.partition(_LATER)[0] == job:
                self.again(each.workflow_id)

    # What is looked at

    def ready(self) -> bool:
        """Whether the database answers."""
        try:
            self.depth()
        except SQLAlchemyError:
            return False
        return True

    def depth(self) -> tuple[int, int, float]:
        """How many wait, how many run, and since when the oldest waits (seconds since 1970, 0 where none does)."""
        table = self._table
        asked = (
            sa.select(table.c.status, sa.func.count(), sa.func.min(table.c.created_at))
            .where(table.c.queue_name == NAME, table.c.status.in_([*WAITING, "PENDING"]))
            .group_by(table.c.status)
        )
        with self._engine.connect() as line:
            found = {status: (count, since) for status, count, since in line.execute(asked)}
        waiting = [found[status] for status in WAITING if status in found]
        since = min((since for _, since in waiting), default=0) / 1000
        return sum(count for count, _ in waiting), found.get("PENDING", (0, 0))[0], since

    def standing(self, most: int = 100) -> list[Standing]:
        """The jobs that run, then those that wait, the oldest first."""
        rows = [*self._rows(status="PENDING", limit=most), *self._rows(status=WAITING, limit=most)]
        return [_standing(each) for each in rows[:most]]

    def failed(self, most: int = 100) -> list[Failed]:
        """Those that failed for good and were not run again, the newest first."""
        found = self._rows(status=FAILED, limit=most, sort_desc=True, load_output=True)
        return [_failed(each) for each in found]

    def finished(self, most: int = 100) -> list[Finished]:
        """Those that ended well, the newest first."""
        found = self._rows(status="SUCCESS", limit=most, sort_desc=True, load_output=True)
        return [_finished(each) for each in found if each.output and each.output["outcome"] != AGAIN]

    def find(self, job: str) -> Standing | Failed | Finished | None:
        """One job, whatever became of it; None where there is none of this id."""
        for each in self._rows(workflow_ids=[job], load_output=True):
            return _seen(each)
        return None

    def asked_by(self, delivery: str, prefix: str) -> dict[str, Standing | Failed | Finished]:
        """The jobs that this asked for and whose ids begin so, by the id of their first turn, each as its last one
        stands."""
        last: dict[str, WorkflowStatus] = {}
        for each in self._rows(workflow_id_prefix=prefix, load_output=True):
            first = each.workflow_id.partition(_LATER)[0]
            if first.rpartition(":")[2] == delivery:
                last[first] = each  # they come in the order in which they were queued
        return {first: _seen(each) for first, each in last.items()}

    def again(self, job: str) -> bool:
        """Try a job on the shelf once more, now; False where it is none of them."""
        (row,) = self._rows(workflow_ids=[job], status=FAILED) or (None,)
        if row is None:
            return False
        try:
            self._client.rewind_workflow(
                job, queue_name=NAME, queue_partition_key=row.queue_partition_key, application_version=VERSION
            )
        except error.DBOSNonExistentWorkflowError:
            return False
        return True

    def prune(self, seconds: float = _KEPT) -> int:
        """Forget jobs that ended well so long ago; how many."""
        before = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - seconds))
        count = 0
        while old := self._rows(status="SUCCESS", end_time=before, limit=_BATCH):
            self._client.delete_workflows([each.workflow_id for each in old])
            count += len(old)
        return count

    def later(self, task: Task) -> bool:
        """Whether another job of its place is queued, which will see what this one would."""
        return bool(self._rows(workflow_id_prefix=f"{task.place}:", status="ENQUEUED", limit=1))

    def rivals(self, task: Task) -> list[str]:
        """The jobs that run for its pull request or commit at this moment, itself among them."""
        kinds: tuple[Kind, ...] = ("review", "command") if task.number else (task.kind,)
        places = [replace(task, kind=kind).place for kind in kinds]
        rows = self._rows(workflow_id_prefix=[f"{place}:" for place in places], status="PENDING")
        return [each.workflow_id for each in rows]

    def _rows(self, *, load_output: bool = False, **asked: Any) -> list[WorkflowStatus]:
        return self._client.list_workflows(
            queue_name=NAME, load_input=False, load_output=load_output, **asked
        )


def job_id(task: Task, turn: int) -> str:
    """The id of one turn of a task's job."""
    return task.id if turn == 1 else f"{task.id}{_LATER}{turn}"


def _seen(row: WorkflowStatus) -> Standing | Failed | Finished:
    if row.status in FAILED:
        return _failed(row)
    return _finished(row) if row.status == "SUCCESS" and row.output else _standing(row)


def _standing(row: WorkflowStatus) -> Standing:
    running, since = row.status == "PENDING", (row.created_at or 0) / 1000
    return Standing(row.workflow_id, *_about(row), running, since, _kind(row))


def _failed(row: WorkflowStatus) -> Failed:
    at = (row.completed_at or row.updated_at or 0) / 1000
    return Failed(row.workflow_id, *_about(row), _why(row), at, _kind(row))


def _finished(row: WorkflowStatus) -> Finished:
    held: dict[str, Any] = row.output or {}
    at = (row.completed_at or 0) / 1000
    return Finished(row.workflow_id, *_about(row), str(held["outcome"]), str(held["said"]), at, _kind(row))


def _about(row: WorkflowStatus) -> tuple[str, int]:
    held = row.attributes or {}
    return str(held.get("repo", "")), int(held.get("number", 0))


def _kind(row: WorkflowStatus) -> str:
    return str((row.attributes or {}).get("kind", ""))


def _why(row: WorkflowStatus) -> str:
    """Why it failed. It may hold what GitHub said: no token is shown."""
    if row.status == "MAX_RECOVERY_ATTEMPTS_EXCEEDED":
        return "Killed: its process died each time that it was tried; is there memory enough?"
    failed = row.error
    if isinstance(failed, Shelved):
        return redact(str(failed))
    return redact(f"{type(failed).__name__}: {failed}") if failed else ""


def address(folder: Path, database: str) -> str:
    """The database as SQLAlchemy knows it."""
    if not database:
        return f"sqlite:///{folder / 'queue.sqlite'}"
    return "postgresql+psycopg://" + database.partition("://")[2]


def engine(folder: Path, database: str, size: int = 5) -> Engine:
    """The way to the queue's database. What is committed outlives a loss of power."""
    made = sa.create_engine(
        address(folder, database),
        pool_size=size,
        max_overflow=0,
        pool_timeout=8,
        pool_pre_ping=bool(database),
    )
    if not database:

        @event.listens_for(made, "connect")
        def connected(line: Any, _record: object) -> None:
            line.isolation_level = "IMMEDIATE"  # as DBOS has it: who begins to write, writes
            for pragma in ("busy_timeout=8000", "foreign_keys=ON", "journal_mode=WAL", "synchronous=FULL"):
                line.execute(f"PRAGMA {pragma}")

    return made


@contextmanager
def opened(folder: Path, database: str = "", lanes: Callable[[], int] = lambda: 1) -> Iterator[Queue]:
    """Open the queue, made where it is missing. Raises SQLAlchemyError, OSError.

    `database`: a PostgreSQL address, "" for a file in `folder`. `lanes`: how many jobs of one installation may run at a
    time, asked for each job that is put in.
    """
    if not database:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    DBOS.migrate(address(folder, database))
    held = engine(folder, database)
    client = DBOSClient(system_database_engine=held, retry_connection_errors=False)
    try:
        yield Queue(client, held, lanes)
    finally:
        client.destroy()
        held.dispose()


def age(since: float) -> float:
    """Seconds since a moment that `depth` told; 0 where none waits."""
    return max(0.0, time.time() - since) if since else 0.0
