"""What the App's processes have in common, and the one that does jobs. They stop within 20 seconds."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Final

import psycopg
from sqlalchemy.exc import SQLAlchemyError

from repairbot.commands.pages import infos
from repairbot.service import ledger as ledgers
from repairbot.service import queue, slots, worker
from repairbot.service.job import Desk
from repairbot.service.ledger import Ledger
from repairbot.service.queue import Queue
from repairbot.service.room import Room
from repairbot.service.settings import Settings
from repairbot.service.sweeping import Sweeping
from repairbot.service.task import Task
from repairbot.service.tokens import App
from repairbot.service.worker import Ending

_LOG: Final = logging.getLogger(__name__)
_PATIENCE: Final = 5.0
"""Seconds in which a worker may still be ending whose `serve` was killed."""
_PROCESSES: Final = 4
"""As many are thought to come, as long as none has: jobs that are put in meanwhile find lanes enough."""
Say = Callable[[str], None]
"""Tells the person who started the process."""


@contextmanager
def stopping(stop: Callable[[], None], *, again: bool = True) -> Iterator[None]:
    """SIGTERM and SIGINT call `stop` in this block; with `again` a second one ends the process at once."""
    asked = False

    def handle(number: int, _frame: FrameType | None) -> None:
        nonlocal asked
        if asked and again:
            slots.end_now()
        if not asked:
            asked = True
            _LOG.info(
                "%s: stopping; what is under way is finished or handed back", signal.Signals(number).name
            )
            stop()

    before = {number: signal.signal(number, handle) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def beside(name: str, run: Callable[[threading.Event], object], patience: float = 3.0) -> Iterator[None]:
    """Run something in a thread until the block is left: the event tells it, and it gets `patience` seconds."""
    over = threading.Event()
    thread = threading.Thread(target=run, args=(over,), name=name, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(patience)


@contextmanager
def books(settings: Settings, folder: Path, kind: str) -> Iterator[tuple[Queue, Ledger]]:
    """The queue and the ledger, open until the block is left. Raises SQLAlchemyError, OSError."""
    lanes = Lanes(settings).count if settings.database else partial(max, 1, settings.jobs - 1)
    with (
        queue.opened(folder, settings.database, lanes) as held,
        ledgers.opened(folder, settings.database, kind) as ledger,
    ):
        yield held, ledger


class Lanes:
    """One less than all processes have places, asked for now and then."""

    def __init__(self, settings: Settings) -> None:
        self._settings, self._count, self._until = settings, 1, 0.0

    def count(self) -> int:
        """How many jobs of one installation may run at a time; the last figure while the database does not answer."""
        now = time.monotonic()
        if now >= self._until:
            self._until = now + 5.0
            try:
                alive = slots.alive(self._settings.database) or _PROCESSES
            except psycopg.Error:
                return self._count  # the queue says so when something is put in
            self._count = max(1, alive * max(1, self._settings.jobs) - 1)
        return self._count


def work(settings: Settings, folder: Path, say: Say, *, child: bool = False) -> None:
    """Do jobs until a signal comes. Raises Taken, SQLAlchemyError, psycopg.Error, OSError.

    `child`: `serve` started this process, and it ends when that one dies (its end of standard input closes).
    """
    stop, jobs = threading.Event(), max(1, settings.jobs)
    with ExitStack() as stack:
        stack.enter_context(stopping(stop.set, again=not child))
        if child:
            threading.Thread(target=_orphaned, args=(stop,), daemon=True).start()
        shared: slots.Shared | None = None
        if settings.database:
            shared = slots.Shared(settings.database, slots.end_now)
            slot = shared.take()
            stack.callback(shared.close)
        else:
            slot = stack.enter_context(slots.alone(folder, "worker", _PATIENCE if child else 0.0))
        held, ledger = stack.enter_context(books(settings, folder, "worker"))
        room = Room(note=lambda words: setattr(ledger, "note", words))
        app = App(settings.app, settings.key, settings.site)
        cache = str(folder / "cache")
        sweeping = Sweeping(app, cache, infos, room)
        desk = Desk(app, cache, held.add, infos, ledger, room, {"sweep": sweeping.do})
        workers = stack.enter_context(
            worker.working(
                desk.do, held, folder, settings.database, jobs, slot=slot, noted=partial(_noted, ledger)
            )
        )
        if shared is not None:
            threading.Thread(target=shared.watch, args=(worker.recover,), name="slots", daemon=True).start()
        say(f"working on {jobs} jobs at a time")
        stop.wait()
    if workers.running:
        # Their threads would be waited for; the slot comes free with the process, and they are done again.
        logging.shutdown()
        slots.end_now()


def _orphaned(stop: threading.Event) -> None:
    """End when the process that started this one dies."""
    while os.read(0, 1):
        pass
    if not stop.wait(1):
        slots.end_now()


def _noted(ledger: Ledger, task: Task, ending: Ending, name: str) -> None:
    """Have the ledger count a job that the desk did not note."""
    done = ledgers.Ended(name, task.delivery, task.repo, task.number, ending.outcome, said=ending.said)
    try:
        ledger.ended(done)
    except SQLAlchemyError as error:
        _LOG.warning("not noted for the status page: %s", type(error).__name__)
