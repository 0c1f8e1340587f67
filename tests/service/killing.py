"""kill -9 at random moments while deliveries come: after the last restart each has its one review, none twice.

python -m tests.service.killing --kills 200 --deliveries 500 --database postgresql --workers 3
"""

from __future__ import annotations

import argparse
import os
import random
import socket
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import psutil

from repairbot.service import queue as queues
from tests.github.rig import apps
from tests.github.rig.judge import Judge
from tests.github.rig.repository import Repository
from tests.github.rig.server import Rig, serve
from tests.github.rig.state import State
from tests.service import postgres
from tests.service.processes import Running, environment, start, until
from tests.service.pulls import ONE, REPO, Count, counted, done, pull

Backend = Literal["sqlite", "postgresql"]
INSTALLATIONS = 50
"""The pull requests are spread over as many, each with GitHub's limit on writes of its own."""


@dataclass(slots=True)
class Fleet:
    """The processes of one App, each started again when it is killed. The first takes deliveries in."""

    rig: Rig
    commands: Sequence[tuple[str, dict[str, str]]]
    running: list[Running]
    kills: Counter[str]

    def start(self, index: int) -> None:
        """Start a process. The first one keeps its address, which GitHub knows."""
        command, told = self.commands[index]
        self.running[index] = start(command, told)

    def end(self) -> None:
        """Kill all."""
        for each in self.running:
            each.kill()

    def kill(self, dice: random.Random) -> None:
        """Kill one of them, whatever it is doing. Those of ours are started again; a worker that `serve` started is
        its business."""
        index = dice.randrange(len(self.commands))
        name, process = self.commands[index][0], self.running[index].process
        found = psutil.Process(process.pid).children() if process.poll() is None else []
        if name == "serve" and found and dice.random() < 0.5:
            self.kills["worker of serve"] += 1
            found[0].kill()
            return
        self.kills[name] += 1
        self.running[index].kill()
        self.start(index)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it. `wrong`: pull requests that have not exactly one of each, with what they have."""

    kills: Counter[str]
    attempts: int
    wrong: dict[int, Count]
    violations: list[str]
    again: int
    shelf: int
    seconds: float
    requests: int


def run(
    backend: Backend, kills: int, deliveries: int, workers: int, seed: int, spread: float, jobs: int = 3
) -> Outcome:
    """Do it. `spread`: mean seconds between two kills."""
    dice, begun = random.Random(seed), time.monotonic()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="repairbot-kills-")))
        rig = stack.enter_context(serve(State(Repository(folder / "leaky.git")), Judge()))
        rig.app.everywhere = True
        database = stack.enter_context(postgres.running()) if backend == "postgresql" else ""
        numbers = list(range(1, deliveries + 1))
        heads = {number: pull(rig, number) for number in numbers}
        fleet = _fleet(rig, folder, database, workers, jobs)
        stack.callback(fleet.end)
        for index in range(len(fleet.commands)):
            fleet.start(index)
        over, calm = threading.Event(), threading.Event()
        sent, attempts = set[int](), Counter[int]()

        def deliver() -> None:
            """GitHub delivers once; what failed is asked for again, as the sweeper does."""
            waiting = list(numbers)
            while waiting and not over.is_set():
                number = waiting.pop(0)
                attempts[number] += 1
                payload = apps.opened(number, heads[number], REPO, number % INSTALLATIONS + 1)
                if rig.app.deliver("pull_request", payload, f"d-{number}").status == 202:
                    sent.add(number)
                    calm.wait(kills * spread * 0.8 / deliveries * dice.uniform(0.5, 1.5))
                else:
                    waiting.insert(min(len(waiting), dice.randrange(3)), number)
                    over.wait(0.1)

        sender = threading.Thread(target=deliver, daemon=True)
        sender.start()
        for count in range(kills):
            time.sleep(dice.expovariate(1 / spread))
            fleet.kill(dice)
            if count % 20 == 19:
                posted = len(rig.state.checks)
                print(
                    f"{count + 1} kills, {len(sent)} taken in, {posted} reviewed, load {os.getloadavg()[0]:.1f}",
                    flush=True,
                )
        calm.set()
        sender.join(600)
        patience = 60 + 3.0 * deliveries
        until(lambda: len(sent) == deliveries, 60, "not all deliveries were taken in")
        with queues.opened(folder / "home", database) as queue:
            until(
                lambda: (done(rig, numbers) and queue.depth()[:2] == (0, 0)) or queue.failed(1),
                patience,
                _said(fleet),
            )
            again = sum("~" in each.id for each in queue.finished(10 * deliveries))
            shelf = len(queue.failed())
            for each in queue.failed():
                print(each)
        over.set()
        time.sleep(1)
        found = {number: counted(rig, number) for number in numbers}
        wrong = {number: each for number, each in found.items() if each != ONE}
        api = sum(each.path.startswith("/api/") for each in rig.log)
        return Outcome(
            fleet.kills, attempts.total(), wrong, rig.violations, again, shelf, time.monotonic() - begun, api
        )


def _fleet(rig: Rig, folder: Path, database: str, workers: int, jobs: int) -> Fleet:
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    rig.app.hook = f"http://127.0.0.1:{port}/webhook"
    told = environment(rig, folder / "home", database, PORT=str(port), HOST="127.0.0.1", JOBS=str(jobs))
    if not database:
        commands = [("serve", told)]
    else:
        commands = [("serve", {**told, "JOBS": "0"}), *[("worker", told)] * workers]
    return Fleet(rig, commands, [start("--version", told) for _ in commands], Counter())


def _said(fleet: Fleet) -> str:
    return "\n".join(line for each in fleet.running for line in each.said[-20:])


def main() -> int:
    """Run it and say what came of it; 1 where something was lost or came twice."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--kills", type=int, default=200)
    asked.add_argument("--deliveries", type=int, default=500)
    asked.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    asked.add_argument("--workers", type=int, default=3)
    asked.add_argument("--jobs", type=int, default=3)
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--spread", type=float, default=3.0, help="mean seconds between two kills")
    given = asked.parse_args()
    load = os.getloadavg()[0]
    came = run(
        given.database, given.kills, given.deliveries, given.workers, given.seed, given.spread, given.jobs
    )
    kills = ", ".join(f"{what}: {count}" for what, count in came.kills.items())
    print(
        f"{given.database}: {came.kills.total()} kills ({kills}), {given.deliveries} deliveries in {came.attempts} "
        f"attempts, {given.deliveries - len(came.wrong)} with exactly one review, comment, report and check run, "
        f"{len(came.wrong)} otherwise {came.wrong}, {came.shelf} shelved, {len(came.violations)} wrong requests of "
        f"{came.requests:,}, {came.seconds:.0f} s, load average {load:.1f} to {os.getloadavg()[0]:.1f}"
    )
    for each in came.violations:
        print(f"    wrong: {each}")
    return 1 if came.wrong or came.violations or came.shelf else 0


if __name__ == "__main__":
    sys.exit(main())
