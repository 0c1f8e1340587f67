"""A status page on loopback with something to show, and a queue in memory behind it."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from starlette.applications import Starlette

from repairbot.service import ledger as ledgers
from repairbot.service import metrics
from repairbot.service.ledger import Ended, Leak, Ledger, Limit
from repairbot.service.login import Login, hashed
from repairbot.service.status import Status
from repairbot.service.task import Failed, Standing
from tests.service.servers import running

NOW = 1_795_000_000.0
DAY = 86_400.0
TOKEN = "the-token-of-the-status-page"
RULES = ("early-exit-leak", "unbounded-collection", "dangling-task", "unbounded-cache", "listener-leak")
REPOS = ("octo/leaky", "octo/waymark-with-a-rather-long-name-of-a-service", "hubot/api")


@dataclass
class Memory:
    """The queue. `ran_again`: what somebody asked to run again."""

    jobs: list[Standing] = field(default_factory=list)
    shelf: list[Failed] = field(default_factory=list)
    ran_again: list[str] = field(default_factory=list)

    def standing(self, most: int) -> Sequence[Standing]:
        return sorted(self.jobs, key=lambda each: (not each.running, each.since))[:most]

    def depth(self) -> tuple[int, int, float]:
        waiting = [each.since for each in self.jobs if not each.running]
        return len(waiting), len(self.jobs) - len(waiting), min(waiting, default=0.0)

    def failed(self, most: int) -> Sequence[Failed]:
        return self.shelf[:most]

    def again(self, job: str) -> bool:
        found = [each for each in self.shelf if each.id == job]
        self.shelf = [each for each in self.shelf if each.id != job]
        self.ran_again += [each.id for each in found]
        return bool(found)


@dataclass(frozen=True)
class Board:
    """Where the page is, and what stands behind it."""

    url: str
    jobs: Memory
    ledger: Ledger


def fill(ledger: Ledger, jobs: Memory) -> None:
    """Three months of work, two failures, a queue."""
    dice = random.Random(7)
    number = 0
    for day in range(84, 0, -1):
        for _ in range(dice.randint(0, 3)):
            number += 1
            at = NOW - day * DAY + dice.random() * DAY
            repo = dice.choice(REPOS)
            leaks = tuple(
                Leak(f"{number:04}{each}", dice.choice(RULES), "a.py", suggested=dice.random() < 0.7)
                for each in range(dice.choice((0, 0, 1, 2, 4)))
            )
            said = f"{len(leaks)} comments" if leaks else "no leaks"
            done = Ended(
                f"review:{repo}#{number}:d-{number}", f"d-{number}", repo, number, "commented", "a" * 40
            )
            done = replace(
                done,
                outcome="commented" if leaks else "clean",
                said=said,
                waited=dice.random() * 2,
                steps={"read": dice.random(), "audit": 4 * dice.random(), "post": 2 * dice.random()},
                requests=9,
                leaks=leaks,
            )
            ledger.ended(done, at)
            kept = tuple(
                replace(leak, dismissed=dice.random() < 0.3) for leak in leaks if dice.random() < 0.45
            )
            if leaks and at + 2 * DAY < NOW:
                ledger.ended(replace(done, job=f"{done.job}x", leaks=kept), at + 2 * DAY * dice.random())
    ledger.ended(
        Ended(
            "s", "s", "octo/leaky", 990, "skipped", said="it is a draft (`drafts = true` has these looked at)"
        ),
        NOW - 300,
    )
    ledger.limit(Limit(3, 4_412, 5_000, NOW + 1_900))
    for event, result, count in (("pull_request", "queued", 120), ("unsigned", "bad signature", 3)):
        ledger.count("deliveries", event, result, count)
    jobs.jobs = [
        Standing("review:octo/leaky#991:d-1", "octo/leaky", 991, True, NOW - 14),
        Standing("review:hubot/api#12:d-2", "hubot/api", 12, False, NOW - 9),
        Standing("command:hubot/api#12:d-3", "hubot/api", 12, False, NOW - 3, "command"),
    ]
    jobs.shelf = [
        Failed(
            "review:octo/leaky#980:d-9",
            "octo/leaky",
            980,
            "Denied: the token may not do this (POST /check-runs: Resource not accessible by integration)",
            NOW - 4_000,
        ),
        Failed("review:hubot/api#3:d-8", "hubot/api", 3, "Unreachable: no answer", NOW - 90_000),
    ]


@contextmanager
def served(folder: Path, *, filled: bool = True) -> Iterator[Board]:
    """The board, until the block is left."""
    jobs = Memory()
    with ledgers.opened(folder, kind="worker") as ledger:
        if filled:
            fill(ledger, jobs)
        ledger.beat(NOW)
        status = Status(
            ledger,
            jobs,
            Login(hashed(TOKEN)),
            "https://github.com",
            "https://github.com/apps/repairbot",
            lambda: NOW,
        )
        app = Starlette(routes=[*status.routes(), *metrics.routes(ledger, jobs)])
        with running(app) as url:
            yield Board(url, jobs, ledger)
