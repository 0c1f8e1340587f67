"""Slots: which of several processes this one is. A dead process's slot comes free, and its jobs with it.

DBOS knows by a name who runs a job, and runs a name's jobs again when a process of that name starts: two processes must
never have the same name, and a dead one's jobs wait for its name to come back. So a process takes a lock on a number,
which the kernel or PostgreSQL frees when it dies, and is named after it.
"""

from __future__ import annotations

import fcntl
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import psycopg

_LOG: Final = logging.getLogger(__name__)
_CLASS: Final = 7_203_115
"""PostgreSQL's advisory locks of slots have this first number, and the slot as their second."""
_LOOK: Final = 1.0
"""Seconds between two looks at the own lock and at those of others."""
_GRACE: Final = 2.0
"""Seconds for which a slot must be free before its jobs are taken over: its owner may have lost a connection alone."""
_MOST: Final = 10_000
_ALIVE: Final = (
    "select objid from pg_locks where locktype = 'advisory' and classid = %s and granted and database ="
    " (select oid from pg_database where datname = current_database())"
)
_LEFT: Final = "select distinct executor_id from dbos.workflow_status where status = 'PENDING'"


class Taken(Exception):
    """Another process works on this folder. One line for a person."""


def name(slot: int) -> str:
    """What DBOS knows the process by."""
    return f"slot-{slot}"


@contextmanager
def alone(folder: Path, what: str, patience: float = 0.0) -> Iterator[int]:
    """The one slot of a folder for this kind of process, until the block is left. Raises Taken, OSError.

    `patience`: seconds in which another process may still be ending.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folder / f"{what}.lock").open("a") as file:
        until = time.monotonic() + patience
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= until:
                    raise Taken(
                        f"`repairbot {what}` runs in {folder} already: stop it, or set DATABASE_URL to have several"
                    ) from None
            time.sleep(0.1)
        yield 0


def alive(database: str) -> int:
    """How many processes hold slots. Raises psycopg.Error."""
    with psycopg.connect(_plain(database), autocommit=True, connect_timeout=5) as line:
        return len(line.execute(_ALIVE, (_CLASS,)).fetchall())


@dataclass(slots=True)
class Shared:
    """A slot among others of one PostgreSQL. `lost` is called when it is another's all of a sudden: the process must
    end, for its jobs run elsewhere."""

    database: str
    lost: Callable[[], None]
    number: int = -1
    _line: psycopg.Connection | None = None
    _over: threading.Event = field(default_factory=threading.Event)
    _free: dict[int, float] = field(default_factory=dict)

    def take(self) -> int:
        """Take the lowest free slot. Raises psycopg.Error."""
        self._line = self._connected()
        for slot in range(_MOST):
            if self._lock(slot):
                self.number = slot
                return slot
        raise AssertionError("no process has so many neighbours")

    def watch(self, recover: Callable[[str], int]) -> None:
        """Keep the own lock and look after others', until `close`. `recover`: puts a dead process's jobs back into the
        queue; how many."""
        while not self._over.wait(_LOOK):
            try:
                if self._line is None:
                    self._line = self._connected()
                    if not self._lock(self.number):
                        _LOG.error("slot %d was lost while the database was away", self.number)
                        self.lost()
                        return
                self._look(recover)
            except psycopg.Error as error:
                _LOG.warning("the database does not answer (%s)", type(error).__name__)
                self._drop()

    def _look(self, recover: Callable[[str], int]) -> None:
        assert self._line is not None
        held = {int(row[0]) for row in self._line.execute(_ALIVE, (_CLASS,))}
        left = {str(row[0]) for row in self._line.execute(_LEFT)}
        dead = {slot for each in left if (slot := _number(each)) >= 0} - held - {self.number}
        now = time.monotonic()
        self._free = {slot: self._free.get(slot, now) for slot in dead}
        for slot in (slot for slot, since in self._free.items() if now >= since + _GRACE):
            if self._lock(slot):
                try:
                    if count := recover(name(slot)):
                        _LOG.warning(
                            "the process of slot %d died: its jobs are done here", slot, extra={"jobs": count}
                        )
                finally:
                    self._line.execute("select pg_advisory_unlock(%s, %s)", (_CLASS, slot))

    def close(self) -> None:
        """Give the slot back."""
        self._over.set()
        self._drop()

    def _drop(self) -> None:
        if self._line is not None:
            self._line.close()
            self._line = None

    def _connected(self) -> psycopg.Connection:
        return psycopg.connect(
            _plain(self.database),
            autocommit=True,
            connect_timeout=5,
            keepalives_idle=5,
            keepalives_interval=2,
            keepalives_count=3,
            application_name="repairbot",
        )

    def _lock(self, slot: int) -> bool:
        assert self._line is not None
        found = self._line.execute("select pg_try_advisory_lock(%s, %s)", (_CLASS, slot)).fetchone()
        return bool(found and found[0])


def _number(executor: str) -> int:
    kind, _, number = executor.partition("-")
    return int(number) if kind == "slot" and number.isdecimal() else -1


def _plain(database: str) -> str:
    return "postgresql://" + database.partition("://")[2]


def end_now() -> None:
    """End this process without another word: what it holds is freed, and who looks after it starts it again."""
    os._exit(75)
