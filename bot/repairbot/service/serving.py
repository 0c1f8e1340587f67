"""The process that takes deliveries in and shows pages, with a worker in a process of its own beside it.

The worker's work slows no answer down, and its death (memory ran out) takes nobody along.
"""

from __future__ import annotations

import contextlib
import logging
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Final

import uvicorn
from sqlalchemy.exc import SQLAlchemyError
from starlette.types import ASGIApp

from repairbot.github.transport import Site
from repairbot.service import listening, metrics, slots, web, worker
from repairbot.service import setup as setups
from repairbot.service.login import Login
from repairbot.service.queue import Queue
from repairbot.service.running import Say, beside, books, stopping
from repairbot.service.settings import Settings
from repairbot.service.status import Status
from repairbot.service.sweeper import Sweeper
from repairbot.service.tokens import App

_LOG: Final = logging.getLogger(__name__)
_GRACE: Final = 2
"""Seconds that requests under way get when the process is to stop; jobs get worker.STOP."""
_HOUR: Final = 3_600.0
_WORKER: Final = (sys.executable, "-P", "-c", "from repairbot.cli import main; main()", "worker", "--child")


class Server(uvicorn.Server):
    """uvicorn without its handlers of signals: they would raise the signal once more after the end."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to `stopping`."""
        yield


def serve(settings: Settings, environment: Mapping[str, str], folder: Path, say: Say) -> None:
    """Take deliveries in and show pages until a signal comes. Raises Taken, SQLAlchemyError, OSError.

    `environment`: what the worker is told; there is none where `settings.jobs` is 0.
    """
    with ExitStack() as stack:
        if not settings.database:
            stack.enter_context(slots.alone(folder, "serve"))
        held, ledger = stack.enter_context(books(settings, folder, "web"))
        app = App(settings.app, settings.key, settings.site)
        stack.enter_context(beside("prune", partial(_prune, held)))
        if settings.jobs:
            stack.enter_context(beside("worker", partial(_helped, environment), worker.STOP + 3))
        status = Status(
            ledger, held, Login.of(environment), settings.site.server, environment.get("APP_URL", "")
        )
        server = web.app(
            settings.secret,
            held,
            lambda event, how: ledger.count("deliveries", event, how),
            [*status.routes(), *metrics.routes(ledger, held)],
        )

        def begun(url: str) -> None:
            say(f"listening on {url}")
            # Not before: what it asks for would come to a closed door, and then wait for sweeper.PAUSE.
            if settings.sweep:
                sweep = partial(Sweeper(app, ledger).run, every=60.0 * settings.sweep)
                stack.enter_context(beside("sweeper", sweep))

        listen(server, settings.host, settings.port, begun, threading.Event())


def _helped(environment: Mapping[str, str], over: threading.Event) -> None:
    """Keep a worker running until it is over."""
    pause = 0.5
    while not over.is_set():
        begun = time.monotonic()
        # In a group of its own: a Ctrl-C is for this process to pass on.
        with subprocess.Popen(
            _WORKER, stdin=subprocess.PIPE, env=dict(environment), process_group=0
        ) as child:
            while child.poll() is None and not over.wait(0.2):
                pass
            if over.is_set():
                child.terminate()
                try:
                    child.wait(worker.STOP + 2)
                except subprocess.TimeoutExpired:
                    child.kill()
                return
        pause = 0.5 if time.monotonic() > begun + 5 else min(10.0, pause * 2)
        _LOG.error("the worker ended with code %d; the next one starts in %.1f s", child.returncode, pause)
        over.wait(pause)


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
        socket.listen(config.backlog)  # whoever comes from now on waits until the server is there
        shown = f"[{host}]" if ":" in host else host
        begun(f"http://{shown}:{socket.getsockname()[1]}")
        server.run([socket])
    stop.set()


def set_up(environment: Mapping[str, str], folder: Path, host: str, port: int, say: Say) -> bool:
    """The first start: the page that makes the App. Whether it was made."""
    made, over = threading.Event(), threading.Event()

    def done() -> None:
        made.set()
        over.set()

    setup = setups.Setup(folder, Site.of(environment), done, environment.get("PUBLIC_URL", ""))

    def begun(url: str) -> None:
        say(f"no App yet: open {url}/setup?key={setup.key} to make it")

    listen(setup.app(), host, port, begun, over)
    return made.is_set()
