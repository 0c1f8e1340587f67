"""The App under load: answers to deliveries beside Probot's, and reviews a second by workers.

    python -m tests.benchmarks.serving load --rate 100 --seconds 60     `repairbot serve` on SQLite, then Probot
    python -m tests.benchmarks.serving workers --reviews 60             1, 2 and 4 workers on PostgreSQL

Time counts from the moment at which a delivery was due, so that a late answer makes the next ones late too. The load
average of the machine stands beside each figure, because seconds alone say more of the machine than of the program.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import hmac
import json
import multiprocessing
import os
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from tests import npm
from tests.github.rig import apps
from tests.github.rig.descriptions import description
from tests.github.rig.judge import Judge
from tests.github.rig.prism import NODE
from tests.github.rig.repository import Repository
from tests.github.rig.server import Rig, serve
from tests.github.rig.state import State
from tests.service import postgres
from tests.service.processes import environment, serving, start, until
from tests.service.pulls import REPO, done, pull

PROBOT = "probot@14.3.2"
EMPTY = """\
import { run } from "probot";
run((app) => { app.on("pull_request", async () => {}); });
"""
PULLS = 40
"""Pull requests that most deliveries are about, so that many are out of date when their turn comes; one in ten is about
one of its own, and is reviewed."""
INSTALLATIONS = 50
LINES = 24
"""Connections that deliveries come over."""


@dataclass(slots=True)
class Heard:
    """What came back. `times`: seconds from the moment that a delivery was due to its answer."""

    statuses: Counter[int] = field(default_factory=Counter)
    times: list[float] = field(default_factory=list)
    memory: list[int] = field(default_factory=list)
    processor: float = 0.0
    load: float = 0.0

    def at(self, share: float) -> float:
        """A percentile, in ms."""
        return 1000 * sorted(self.times)[min(len(self.times) - 1, int(share * len(self.times)))]

    def line(self, name: str) -> str:
        """For people."""
        first, last = self.memory[0] >> 20, self.memory[-1] >> 20
        answers = ", ".join(f"{status}: {count:,}" for status, count in sorted(self.statuses.items()))
        return (
            f"{name}: {len(self.times):,} deliveries ({answers}); answered in p50 {self.at(0.5):.1f} ms, "
            f"p95 {self.at(0.95):.1f}, p99 {self.at(0.99):.1f}, most {self.at(1):.0f}; resident {first} MiB at the "
            f"start, {max(self.memory) >> 20} at most, {last} at the end; processor {self.processor:.1f} s; "
            f"load average {self.load:.1f}"
        )


@dataclass(frozen=True, slots=True)
class Delivery:
    """A signed request, ready to be sent."""

    head: bytes
    body: bytes


def deliveries(rig: Rig, count: int) -> list[Delivery]:
    """Payloads as large as GitHub's own, about pull requests that are there."""
    numbers = [PULLS + index if index % 10 == 0 else index % PULLS + 1 for index in range(1, count + 1)]
    heads = {number: pull(rig, number) for number in set(numbers)}
    recorded = next(
        each["examples"][0]
        for each in json.loads(description("webhooks.json").read_text())
        if each["name"] == "pull_request"
    )
    made = []
    for index, number in enumerate(numbers):
        payload = {
            **recorded,
            **apps.opened(number, heads[number], REPO, number % INSTALLATIONS + 1, "synchronize"),
        }
        payload["pull_request"] = {**recorded["pull_request"], **payload["pull_request"]}
        body = json.dumps(payload).encode()
        signed = hmac.new(rig.app.secret.encode(), body, hashlib.sha256).hexdigest()
        head = (
            f"POST {{path}} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            f"X-GitHub-Event: pull_request\r\nX-GitHub-Delivery: {index:08}-aaaa-bbbb-cccc-dddddddddddd\r\n"
            f"X-Hub-Signature-256: sha256={signed}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        made.append(Delivery(head.encode(), body))
    return made


async def _sent(port: int, path: str, sending: list[Delivery], rate: float, heard: Heard) -> None:
    """Send at a fixed rate, whatever comes back, over a few connections."""
    waiting: asyncio.Queue[tuple[float, Delivery] | None] = asyncio.Queue()

    async def line() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while (taken := await waiting.get()) is not None:
            due, each = taken
            writer.write(each.head.replace(b"{path}", path.encode()) + each.body)
            try:
                answer = await reader.readuntil(b"\r\n\r\n")
                length = next(
                    (
                        int(row[15:])
                        for row in answer.lower().split(b"\r\n")
                        if row.startswith(b"content-length:")
                    ),
                    0,
                )
                await reader.readexactly(length)
                heard.statuses[int(answer[9:12])] += 1
                closed = b"connection: close" in answer.lower()
            except (asyncio.IncompleteReadError, ConnectionError):
                heard.statuses[0] += 1
                closed = True
            heard.times.append(time.perf_counter() - due)
            if closed:
                writer.close()
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.close()

    lines = [asyncio.create_task(line()) for _ in range(LINES)]
    begun = time.perf_counter() + 0.2
    for index, each in enumerate(sending):
        due = begun + index / rate
        if (left := due - time.perf_counter()) > 0:
            await asyncio.sleep(left)
        waiting.put_nowait((due, each))
    for _ in lines:
        waiting.put_nowait(None)
    await asyncio.gather(*lines)


def bombarded(process: int, port: int, path: str, sending: list[Delivery], rate: float) -> Heard:
    """Send all, from a process that does nothing else, and look at the server's memory meanwhile."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_bombarded, (process, port, path, sending, rate))


def _bombarded(process: int, port: int, path: str, sending: list[Delivery], rate: float) -> Heard:
    heard, watched = Heard(), psutil.Process(process)
    over = False

    async def both() -> None:
        nonlocal over

        async def watch() -> None:
            while not over:
                heard.memory.append(watched.memory_info().rss)
                await asyncio.sleep(1)

        watcher = asyncio.create_task(watch())
        await _sent(port, path, sending, rate, heard)
        over = True
        await watcher

    busy = sum(watched.cpu_times()[:2])
    asyncio.run(both())
    heard.processor = sum(watched.cpu_times()[:2]) - busy
    heard.load = os.getloadavg()[0]
    return heard


@contextmanager
def probot(rig: Rig, folder: Path) -> Iterator[tuple[int, int]]:
    """Probot with a handler that does nothing: its process and port."""
    home = npm.package(PROBOT).parents[1]
    program = home / "empty.mjs"
    program.write_text(EMPTY)
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    told = {
        **os.environ,
        **rig.app.settings(),
        "PORT": str(port),
        "WEBHOOK_PATH": "/webhook",
        "NODE_ENV": "production",
    }
    with (folder / "probot.log").open("w") as log:
        running = subprocess.Popen(
            [sys.executable, "-c", NODE, str(program)],
            cwd=folder,
            env={**told, "LOG_LEVEL": "error", "HOST": "127.0.0.1"},
            stdout=log,
            stderr=log,
        )
        try:
            until(lambda: _answers(port) or running.poll() is not None, 60)
            found = psutil.Process(running.pid)
            node = next((each for each in found.children(recursive=True)), found)
            yield node.pid, port
        finally:
            for each in [*psutil.Process(running.pid).children(recursive=True), psutil.Process(running.pid)]:
                each.kill()
            running.wait()


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


@contextmanager
def github() -> Iterator[tuple[Rig, Path]]:
    """A rig in a folder of its own."""
    with (
        tempfile.TemporaryDirectory(prefix="repairbot-bench-") as folder,
        serve(State(Repository(Path(folder) / "leaky.git")), Judge()) as rig,
    ):
        rig.app.everywhere = True
        yield rig, Path(folder)


def load(rate: float, seconds: float, say: Callable[[str], None] = print) -> dict[str, Heard]:
    """Both servers, one after the other, with the same deliveries."""
    found: dict[str, Heard] = {}
    with github() as (rig, folder):
        sending = deliveries(rig, int(rate * seconds))
        say(f"{len(sending):,} deliveries of {len(sending[0].body):,} bytes at {rate:.0f} a second")
        told = environment(rig, folder / "home", HOST="127.0.0.1", LOG_LEVEL="warning")
        with serving(rig, told) as app:
            port = int(app.url.rpartition(":")[2])
            found["repairbot"] = heard = bombarded(app.process.pid, port, "/webhook", sending, rate)
            reviewed = len(rig.state.checks)
            say(heard.line("repairbot serve, SQLite"))
            with sqlite3.connect(folder / "home" / "queue.sqlite") as line:
                states = dict(
                    line.execute(
                        "select status, count(*) from workflow_status where queue_name = 'pulls' group by status"
                    )
                )
                asked = "select count(distinct substr(workflow_uuid, instr(workflow_uuid, '#'))) from workflow_status"
                kept = line.execute(
                    f"{asked} where queue_name = 'pulls' and workflow_uuid not like '%~%'"
                ).fetchone()[0]
            lost = heard.statuses[202] - kept
            say(
                f"    in the queue: {kept:,}, lost: {lost}; {states}; {reviewed} reviews were posted meanwhile"
            )
            assert lost == 0
        with probot(rig, folder) as (process, port):
            found["probot"] = heard = bombarded(process, port, "/webhook", sending, rate)
            say(heard.line(f"{PROBOT}, empty handler"))
    return found


def throughput(
    counts: list[int], reviews: int, jobs: int, say: Callable[[str], None] = print
) -> dict[int, float]:
    """Reviews a second by number of workers, all jobs being queued before the workers start."""
    rates: dict[int, float] = {}
    for workers in counts:
        rates[workers] = _rate(workers, reviews, jobs, say)
    return rates


def _rate(workers: int, reviews: int, jobs: int, say: Callable[[str], None]) -> float:
    with github() as (rig, folder), postgres.running() as database:
        told = environment(rig, folder / "home", database, HOST="127.0.0.1", LOG_LEVEL="warning")
        numbers = list(range(1, reviews + 1))
        heads = {number: pull(rig, number) for number in numbers}
        with serving(rig, {**told, "JOBS": "0"}) as app:
            for number in numbers:
                sent = rig.app.deliver("pull_request", apps.opened(number, heads[number], REPO, number))
                assert sent.status == 202, (sent.status, sent.seconds, app.said)
        running = [start("worker", {**told, "JOBS": str(jobs)}) for _ in range(workers)]
        try:
            until(lambda: all(any("working" in row for row in each.said) for each in running), 120)
            until(lambda: rig.state.checks, 120)
            begun, first = time.monotonic(), len(rig.state.checks)
            busy = _processor(running_pids := [each.process.pid for each in running])
            until(lambda: done(rig, numbers), 60 + 10 * reviews)
            seconds = time.monotonic() - begun
            used = _processor(running_pids) - busy
        finally:
            for each in running:
                each.kill()
        rate = (reviews - first) / seconds
        say(
            f"{workers} workers of {jobs} jobs: {rate:.2f} reviews a second ({reviews - first} in {seconds:.1f} s), "
            f"{used / (reviews - first):.2f} s of processor each, load average {os.getloadavg()[0]:.1f}"
        )
        return rate


def _processor(pids: list[int]) -> float:
    """Processor seconds of processes and of their children that ended."""
    return sum(sum(psutil.Process(pid).cpu_times()[:4]) for pid in pids)


def main() -> None:
    """Measure and print."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    kinds: Any = asked.add_subparsers(dest="what", required=True)
    loading = kinds.add_parser("load")
    loading.add_argument("--rate", type=float, default=100)
    loading.add_argument("--seconds", type=float, default=60)
    working = kinds.add_parser("workers")
    working.add_argument("--reviews", type=int, default=60)
    working.add_argument("--jobs", type=int, default=2)
    working.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4])
    given = asked.parse_args()
    if given.what == "load":
        load(given.rate, given.seconds)
    else:
        throughput(given.workers, given.reviews, given.jobs)


if __name__ == "__main__":
    main()
