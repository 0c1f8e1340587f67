"""What was done, written down once by however many processes, and read back as figures."""

from __future__ import annotations

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from repairbot.service.ledger import Ended, Leak, Limit, opened
from tests.service import postgres

WEEK = 7 * 86_400.0
NOW = 100 * WEEK
ONE = Leak("aa", "early-exit-leak", "a.py", suggested=True)
TWO = Leak("bb", "dangling-task", "b.py")
DONE = Ended("review:octo/leaky#7:d-1", "d-1", "octo/leaky", 7, "commented", leaks=(ONE, TWO))
COUNTER = """\
import sys
from pathlib import Path
from repairbot.service.ledger import opened
with opened(Path(sys.argv[1])) as ledger:
    for _ in range(500):
        ledger.count("deliveries", "pull_request", "queued")
        ledger.flush()
"""


def test_a_job_that_runs_twice_is_one_job(tmp_path: Path) -> None:
    with opened(tmp_path) as ledger:
        for _ in range(3):
            ledger.ended(DONE, NOW)
        assert ledger.counts("jobs") == {("commented", ""): 1}
        assert ledger.counts("found") == {("early-exit-leak", ""): 1, ("dangling-task", ""): 1}
        assert ledger.counts("suggested") == {("early-exit-leak", ""): 1}
        assert [(each.repo, each.number, each.leaks) for each in ledger.recent()] == [("octo/leaky", 7, 2)]


def test_a_leak_is_found_once_over_many_pushes_then_fixed_or_dismissed(tmp_path: Path) -> None:
    with opened(tmp_path) as ledger:
        ledger.ended(DONE, NOW - 3 * WEEK)
        ledger.ended(replace(DONE, job="2"), NOW - 2 * WEEK)
        ledger.ended(replace(DONE, job="3", leaks=(replace(TWO, dismissed=True),)), NOW - WEEK)
        assert sum(ledger.counts("found").values()) == 2
        assert ledger.counts("fixed") == ledger.counts("accepted") == {("early-exit-leak", ""): 1}
        assert ledger.counts("dismissed") == {("dangling-task", ""): 1}
        first, second = ledger.trends(NOW, WEEK, 4)
        assert (first.rule, first.open, first.fixed, first.dismissed) == (
            "dangling-task",
            0,
            (0, 0, 0, 0),
            (0, 0, 0, 1),
        )
        assert (second.rule, second.fixed) == ("early-exit-leak", (0, 0, 0, 1))
        ledger.ended(replace(DONE, job="4"), NOW)  # it comes back, and goes again
        ledger.ended(replace(DONE, job="5", leaks=()), NOW)
        assert ledger.counts("fixed") == {("early-exit-leak", ""): 1, ("dangling-task", ""): 1}


def test_of_a_file_that_could_not_be_looked_at_nothing_is_fixed(tmp_path: Path) -> None:
    with opened(tmp_path) as ledger:
        ledger.ended(DONE, NOW)
        ledger.ended(replace(DONE, job="2", leaks=(), unseen=frozenset({"a.py"})), NOW)
        assert ledger.counts("fixed") == {("dangling-task", ""): 1}
        ledger.ended(replace(DONE, job="3", outcome="skipped", leaks=None), NOW)
        assert ledger.counts("fixed") == {("dangling-task", ""): 1}


@pytest.mark.slow
def test_processes_that_count_at_once_lose_nothing(tmp_path: Path) -> None:
    with opened(tmp_path):
        started = [subprocess.Popen([sys.executable, "-c", COUNTER, str(tmp_path)]) for _ in range(3)]
        assert [each.wait(60) for each in started] == [0, 0, 0]
    with opened(tmp_path, kind="") as ledger:
        assert ledger.counts("deliveries") == {("pull_request", "queued"): 1500}
        assert ledger.processes() == []  # each took itself off the list


def test_a_living_process_is_seen_with_its_memory(tmp_path: Path) -> None:
    with opened(tmp_path, kind="worker") as ledger:
        ledger.beat()
        (each,) = ledger.processes()
        assert (each.kind, each.memory > 1e6) == ("worker", True)
        assert ledger.processes(time.time() + 100) == []


def test_a_delivery_is_asked_for_again_with_growing_pauses_and_not_for_ever(tmp_path: Path) -> None:
    with opened(tmp_path) as ledger:
        tries = [(1, 0), (1, 1_000), (2, 30), (2, 60), (3, 61), (3, 239), (3, 241), (4, 10_000)]
        asked = [ledger.claim("g", attempt, NOW + at, times=3, pause=60) for attempt, at in tries]
        assert asked == [True, False, False, True, False, False, True, False]


def test_limits_that_were_renewed_are_forgotten(tmp_path: Path) -> None:
    with opened(tmp_path) as ledger:
        ledger.limit(Limit(3, 4000, 5000, NOW + 10))
        ledger.limit(Limit(3, 3999, 5000, NOW + 10))
        assert [each.remaining for each in ledger.limits(NOW)] == [3999]
        assert ledger.limits(NOW + 11) == []


@pytest.mark.slow
def test_on_postgresql_it_is_the_same(tmp_path: Path) -> None:
    with postgres.running() as database, opened(tmp_path, database, "worker") as ledger:
        with ThreadPoolExecutor(4) as threads:  # as processes that start at once would
            others = list(threads.map(lambda number: counted(tmp_path, database, number), range(8)))
        assert others == [None] * 8
        ledger.ended(DONE, NOW - WEEK)
        ledger.ended(DONE, NOW - WEEK)
        hostile = replace(DONE, job="2", said="zero \0 byte \udce9", leaks=(replace(TWO, dismissed=True),))
        ledger.ended(hostile, NOW)
        assert ledger.counts("deliveries") == {("pull_request", "queued"): 800}
        assert ledger.counts("jobs") == {("commented", ""): 2}
        assert ledger.counts("fixed") == ledger.counts("accepted") == {("early-exit-leak", ""): 1}
        assert [each.dismissed[-1] for each in ledger.trends(NOW, WEEK, 4)] == [1, 0]
        assert ledger.recent()[0].said.startswith("zero \\x00 byte \\udce9")
        assert ledger.claim("g", 1, NOW, 3, 60)
        assert not ledger.claim("g", 1, NOW + 1000, 3, 60)
        ledger.limit(Limit(3, 10, 5000, NOW + 10))
        assert ledger.limits(NOW) == [Limit(3, 10, 5000, NOW + 10)]
        assert [each.kind for each in ledger.processes()] == ["worker"]
        assert not list(tmp_path.iterdir())


def counted(folder: Path, database: str, number: int) -> None:
    with opened(folder, database, kind="") as ledger:
        for _ in range(100):
            ledger.count("deliveries", "pull_request", "queued")
            if number % 2:
                ledger.flush()
