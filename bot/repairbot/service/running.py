"""The App as a process: what it opens, in which order, and how it stops within 20 seconds."""

from __future__ import annotations

import contextlib
import logging
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Final

import psycopg
import uvicorn
from sqlalchemy.exc import SQLAlchemyError
from starlette.types import ASGIApp

from repairbot.commands.pages import infos
from repairbot.github.transport import Site
from repairbot.service import ledger as ledgers
from repairbot.service import listening, metrics, queue, slots, web, worker
from repairbot.service import setup as setups
from repairbot.service.job import Desk
from repairbot.service.ledger import Ledger
from repairbot.service.login import Login
from repairbot.service.queue import Queue
from repairbot.service.room import Room
from repairbot.service.settings import Settings
from repairbot.service.status import Status
from repairbot.service.sweeper import Sweeper
from repairbot.service.sweeping import Sweeping
from repairbot.service.task import Task
from repairbot.service.tokens import App
from repairbot.service.worker import Ending, Workers

_LOG: Final = logging.getLogger(__name__)
_GRACE: Final = 3
"""Seconds that requests under way get when the process is to stop; jobs get worker.STOP."""
_HOUR: Final = 3_600.0
_PROCESSES: Final = 4
"""As many are thought to come, as long as none has: jobs that are put in meanwhile find lanes enough."""


class Server(uvicorn.Server):
    """uvicorn without its handlers of signals: they would raise the signal once more after the end."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to `stopping`."""
        yield


@dataclass(slots=True)
class Open:
    """What a process has open. `workers` is None where it does no jobs."""

    app: App
    queue: Queue
    ledger: Ledger
    workers: Workers | None


@contextmanager
def stopping(stop: Callable[[], None]) -> Iterator[None]:
    """SIGTERM and SIGINT call `stop` in this block; a second one ends the process at once."""
    asked = False

    def handle(number: int, _frame: FrameType | None) -> None:
        nonlocal asked
        if asked:
            slots.end_now()
        asked = True
        _LOG.info("%s: stopping; what is under way is finished or handed back", signal.Signals(number).name)
        stop()

    before = {number: signal.signal(number, handle) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def opened(settings: Settings, folder: Path, kind: str) -> Iterator[Open]:
    """Open all that a process needs, until the block is left. Raises Taken, SQLAlchemyError, psycopg.Error, OSError."""
    with ExitStack() as stack:
        slot = 0
        shared: slots.Shared | None = None
        lanes = partial(max, 1, settings.jobs - 1)
        if settings.database:
            lanes = Lanes(settings).count  # type: ignore[assignment]
            if settings.jobs:
                shared = slots.Shared(settings.database, slots.end_now)
                slot = shared.take()
                stack.callback(shared.close)
        else:
            slot = stack.enter_context(slots.alone(folder))
        held = stack.enter_context(queue.opened(folder, settings.database, lanes))
        ledger = stack.enter_context(ledgers.opened(folder, settings.database, kind))
        app = App(settings.app, settings.key, settings.site)
        workers = None
        if settings.jobs:
            room = Room(note=lambda words: setattr(ledger, "note", words))
            cache = str(folder / "cache")
            sweeping = Sweeping(app, cache, infos, room)
            desk = Desk(app, cache, held.add, infos, ledger, room, {"sweep": sweeping.do})
            workers = stack.enter_context(
                worker.working(
                    desk.do, held, folder, settings.database, settings.jobs, None, slot, noting(ledger)
                )
            )
            if shared is not None:
                threading.Thread(
                    target=shared.watch, args=(worker.recover,), name="slots", daemon=True
                ).start()
        stack.enter_context(beside("prune", partial(_prune, held)))
        yield Open(app, held, ledger, workers)
    if workers is not None and workers.running:
        # Their threads would be waited for; the slot comes free with the process, and they are done again.
        logging.shutdown()
        slots.end_now()


def noting(ledger: Ledger) -> Callable[[Task, Ending, str], None]:
    """Has the ledger count jobs that a desk does not note itself."""

    def note(task: Task, ending: Ending, name: str) -> None:
        done = ledgers.Ended(name, task.delivery, task.repo, task.number, ending.outcome, said=ending.said)
        try:
            ledger.ended(done)
        except SQLAlchemyError as error:
            _LOG.warning("not noted for the status page: %s", type(error).__name__)

    return note


class Lanes:
    """One less than all processes have places, asked for now and then."""

    def __init__(self, settings: Settings) -> None:
        self._settings, self._count, self._until = settings, 1, 0.0

    def count(self) -> int:
        """How many jobs of one installation may run at a time. The last figure where the database does not answer."""
        now = time.monotonic()
        if now >= self._until:
            self._until = now + 5.0
            try:
                alive = slots.alive(self._settings.database) or _PROCESSES
                self._count = max(1, alive * max(1, self._settings.jobs) - 1)
            except psycopg.Error:
                pass  # the queue's own answer says so
        return self._count


@contextmanager
def beside(name: str, run: Callable[[threading.Event], object]) -> Iterator[None]:
    """Run something in a thread until the block is left; the event tells it."""
    over = threading.Event()
    thread = threading.Thread(target=run, args=(over,), name=name, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(_GRACE)


def _prune(held: Queue, over: threading.Event) -> None:
    """Forget old jobs each hour."""
    while True:
        with contextlib.suppress(SQLAlchemyError):  # it is tried again in an hour
            held.prune()
        if over.wait(_HOUR):
            return


def listen(app: ASGIApp, host: str, port: int, begun: Callable[[str], None], stop: threading.Event) -> None:
    """Serve until a signal comes or `stop` is set. `begun` hears the address. Raises SystemExit where it is in use."""
    config = listening.config(app, host, port, timeout_graceful_shutdown=_GRACE)
    server = Server(config)

    def end() -> None:
        stop.wait()
        server.should_exit = True

    threading.Thread(target=end, daemon=True).start()
    with config.bind_socket() as socket, stopping(stop.set):
        shown = f"[{host}]" if ":" in host else host
        begun(f"http://{shown}:{socket.getsockname()[1]}")
        server.run([socket])
    stop.set()


def set_up(
    environment: Mapping[str, str], folder: Path, host: str, port: int, say: Callable[[str], None]
) -> bool:
    """The first start: the page that makes the App. Whether it was made."""
    made = threading.Event()
    over = threading.Event()

    def done() -> None:
        made.set()
        over.set()

    site = Site.of(environment)
    setup = setups.Setup(folder, site, done, environment.get("PUBLIC_URL", ""))
    listen(
        setup.app(),
        host,
        port,
        lambda url: say(f"no App yet: open {url}/setup?key={setup.key} to make it"),
        over,
    )
    return made.is_set()


def serve(
    settings: Settings, environment: Mapping[str, str], folder: Path, say: Callable[[str], None]
) -> None:
    """Take deliveries in and show pages, and do jobs beside, until a signal comes."""
    with opened(settings, folder, "server" if settings.jobs else "web") as held:
        ledger = held.ledger
        status = Status(
            ledger, held.queue, Login.of(environment), settings.site.server, environment.get("APP_URL", "")
        )
        app = web.app(
            settings.secret,
            held.queue,
            lambda event, how: ledger.count("deliveries", event, how),
            [*status.routes(), *metrics.routes(ledger, held.queue)],
        )
        sweeper = partial(Sweeper(held.app, ledger).run, every=60.0 * settings.sweep)
        with beside("sweeper", sweeper) if settings.sweep else contextlib.nullcontext():
            listen(
                app, settings.host, settings.port, lambda url: say(f"listening on {url}"), threading.Event()
            )


def work(settings: Settings, folder: Path, say: Callable[[str], None]) -> None:
    """Do jobs until a signal comes."""
    stop = threading.Event()
    with stopping(stop.set), opened(settings, folder, "worker"):
        say(f"working on {settings.jobs} jobs at a time")
        stop.wait()
