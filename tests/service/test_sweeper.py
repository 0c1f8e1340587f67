"""What GitHub could not deliver is asked for again: once an attempt, with pauses, within limits."""

from __future__ import annotations

import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from repairbot.github.transport import Site
from repairbot.service import ledger as ledgers
from repairbot.service import sweeper
from repairbot.service.sweeper import Sweeper, Swept
from repairbot.service.tokens import App
from tests.github.rig.apps import Delivery, opened
from tests.github.rig.faults import Refuse, on
from tests.github.rig.server import Rig
from tests.service.processes import environment, serving
from tests.service.pulls import ONE, counted, done, pull

HEAD = "a" * 40


@dataclass
class Hook:
    """A webhook. `status`: what it answers; `got`: deliveries by id."""

    url: str = ""
    status: int = 503
    got: Counter[str] = field(default_factory=Counter)


@contextmanager
def hook() -> Iterator[Hook]:
    held = Hook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            held.got[self.headers["X-GitHub-Delivery"]] += 1
            self.send_response(held.status)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    held.url = f"http://127.0.0.1:{server.server_address[1]}/webhook"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield held
    server.shutdown()
    server.server_close()
    thread.join()


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


def app(rig: Rig) -> App:
    return App(rig.app.id, rig.app.key, Site.of(rig.environment("")))


def test_what_failed_is_delivered_after_all_and_no_more_than_once(rig: Rig, tmp_path: Path) -> None:
    with hook() as held, ledgers.opened(tmp_path) as ledger:
        rig.app.hook = held.url
        lost = [rig.app.deliver("pull_request", opened(each, HEAD)) for each in range(1, 4)]
        held.status = 202
        rig.app.deliver("pull_request", opened(4, HEAD))
        first, other = Sweeper(app(rig), ledger), Sweeper(app(rig), ledger)
        assert first.round() == Swept(3, 3)
        until(lambda: len(rig.app.deliveries) == 7)
        assert other.round() == first.round() == Swept(3, 0)
        assert {each.guid: held.got[each.guid] for each in lost} == {each.guid: 2 for each in lost}
        ledger.flush()
        assert ledger.counts("redeliveries") == {("", ""): 3}


def test_what_fails_again_is_asked_for_with_growing_pauses(rig: Rig, tmp_path: Path) -> None:
    with hook() as held, ledgers.opened(tmp_path) as ledger:
        rig.app.hook = held.url
        rig.app.deliver("pull_request", opened(1, HEAD))
        moment = time.time()
        each = Sweeper(app(rig), ledger, lambda: moment)
        asked = 0
        for _ in range(20):
            asked += each.round().asked
            until(lambda wanted=asked + 1: len(rig.app.deliveries) == wanted)  # type: ignore[misc]
            moment += sweeper.PAUSE
            for made in rig.app.deliveries:  # it is the pauses that count here, not its age
                made.at = moment
        assert asked == sweeper.TIMES
        assert sum(held.got.values()) == 1 + sweeper.TIMES


def test_what_is_too_old_or_would_fail_again_is_left(rig: Rig, tmp_path: Path) -> None:
    now = time.time()
    for number, (status, age) in enumerate([(503, 3 * 86_400), (413, 0), (400, 0), (401, 0), (0, 0)], 1):
        rig.app.deliveries.append(
            Delivery(number, f"g-{number}", "pull_request", opened(number, HEAD), now - age, status)
        )
    with hook() as held, ledgers.opened(tmp_path) as ledger:
        rig.app.hook, held.status = held.url, 202
        assert Sweeper(app(rig), ledger).round() == Swept(5, 2)
        until(lambda: set(held.got) == {"g-4", "g-5"})


@pytest.mark.slow
def test_many_are_asked_for_over_several_rounds_and_pages(rig: Rig, tmp_path: Path) -> None:
    for number in range(1, 121):
        rig.app.deliveries.append(
            Delivery(number, f"g-{number}", "pull_request", opened(number, HEAD), time.time(), 502)
        )
    rig.app.numbers = iter(range(1000, 2000))
    with hook() as held, ledgers.opened(tmp_path) as ledger:
        rig.app.hook, held.status = held.url, 202
        each = Sweeper(app(rig), ledger)
        rounds = [each.round() for _ in range(3)]
        assert [one.asked for one in rounds] == [60, 60, 0]
        assert rounds[0].left == 60
        until(lambda: sum(held.got.values()) == 120)
    assert any("cursor=v1_21" in one.query for one in rig.log)


def test_a_github_that_is_away_is_tried_again_next_time(rig: Rig, tmp_path: Path) -> None:
    over = threading.Event()
    rig.faults = on("GET", "/app/hook/deliveries", Refuse(401, None, "Bad credentials"))
    with hook() as held, ledgers.opened(tmp_path) as ledger:
        rig.app.hook = held.url
        rig.app.deliver("pull_request", opened(1, HEAD))
        held.status = 202
        thread = threading.Thread(target=Sweeper(app(rig), ledger).run, args=(over, 0.05))
        thread.start()
        until(lambda: any(each.again for each in rig.app.deliveries) or not thread.is_alive())
        over.set()
        thread.join(20)
        assert not thread.is_alive()


@pytest.mark.slow
def test_what_came_while_nobody_listened_is_reviewed_after_the_start(rig: Rig, tmp_path: Path) -> None:
    head = pull(rig, 7)
    rig.app.hook = "http://127.0.0.1:9/webhook"
    assert rig.app.deliver("pull_request", opened(7, head)).status == 0
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    # Where GitHub delivers is known before the start: what the first look asks for has to arrive.
    rig.app.hook = f"http://127.0.0.1:{port}/webhook"
    with serving(rig, environment(rig, tmp_path, PORT=str(port))) as running:
        until(lambda: done(rig, [7]))
        running.stop()
    assert counted(rig, 7) == ONE
