"""`/metrics` for Prometheus, read from the ledger and the queue when it is asked for.

Whichever process answers, the figures are those of all of them, and a restart loses none: scrape one address, not each
worker. Only a counter's last second can be lost, and only when its process is killed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from prometheus_client import CollectorRegistry, exposition
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from repairbot.service.ledger import BUCKETS, Ledger
from repairbot.service.pages import PLAIN
from repairbot.service.status import Jobs

COUNTERS: Final = (
    ("deliveries", ("event", "result"), "Deliveries of GitHub's, by event and by what became of them"),
    ("jobs", ("outcome",), "Jobs that ended, by outcome"),
    ("found", ("rule",), "Leaks found in pull requests, each counted once however often it was pushed"),
    ("suggested", ("rule",), "Leaks for which a repair was suggested"),
    ("fixed", ("rule",), "Leaks that were found and are gone"),
    ("accepted", ("rule",), "Leaks with a suggested repair that are gone"),
    ("dismissed", ("rule",), "Leaks of which somebody did not want to hear"),
    ("requests", (), "Requests sent to GitHub"),
    ("redeliveries", (), "Failed deliveries that GitHub was asked to send again"),
)
"""By the counter's name in the ledger: its labels, and what it counts."""
_PREFIX: Final = "repairbot_"
_TYPE: Final = "text/plain; version=0.0.4"


@dataclass(frozen=True, slots=True, eq=False)  # the registry knows it by itself
class Figures(Collector):
    """What stands in the database at the moment it is asked."""

    ledger: Ledger
    jobs: Jobs
    now: Callable[[], float] = time.time

    def describe(self) -> list[Metric]:
        """Nothing ahead: nobody else registers names here."""
        return []

    def collect(self) -> Iterator[Metric]:
        """All figures. Raises SQLAlchemyError."""
        now = self.now()
        for name, labels, words in COUNTERS:
            counter = CounterMetricFamily(_PREFIX + name, words, labels=labels)
            for key, value in sorted(self.ledger.counts(name).items()):
                counter.add_metric(key[: len(labels)], value)
            yield counter
        yield self._steps()
        waiting, running, oldest = self.jobs.depth()
        yield GaugeMetricFamily(_PREFIX + "queue_waiting", "Jobs that wait", value=waiting)
        yield GaugeMetricFamily(_PREFIX + "queue_running", "Jobs that run", value=running)
        age = max(0.0, now - oldest) if waiting else 0.0
        yield GaugeMetricFamily(_PREFIX + "queue_age_seconds", "How long the oldest of them waits", value=age)
        shelf = len(self.jobs.failed(1_000))
        yield GaugeMetricFamily(
            _PREFIX + "shelf", "Failed jobs that nobody ran again (1,000 at most)", value=shelf
        )
        limits = self.ledger.limits(now)
        left = GaugeMetricFamily(
            _PREFIX + "github_limit_remaining",
            "Requests that GitHub still allows before its limit is renewed",
            labels=("installation",),
        )
        for limit in limits:
            left.add_metric((str(limit.installation),), limit.remaining)
        yield left
        memory = GaugeMetricFamily(
            _PREFIX + "memory_bytes", "Resident memory of living processes", labels=("kind", "process")
        )
        for each in self.ledger.processes(now):
            memory.add_metric((each.kind, each.name), each.memory)
        yield memory

    def _steps(self) -> HistogramMetricFamily:
        family = HistogramMetricFamily(_PREFIX + "step_seconds", "Time of jobs by step", labels=("step",))
        counts, sums = self.ledger.counts("step"), self.ledger.counts("step_sum")
        for step in sorted({step for step, _ in counts}):
            up_to, buckets = 0.0, []
            for limit in (*map(str, BUCKETS), "+Inf"):
                up_to += counts.get((step, limit), 0.0)
                buckets.append((limit, up_to))
            family.add_metric((step,), buckets, sums.get((step, ""), 0.0))
        return family


def routes(ledger: Ledger, jobs: Jobs) -> list[Route]:
    """`/metrics`. It names rules, events and processes, never a repository."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Figures(ledger, jobs))

    def figures() -> Response:
        try:
            ledger.flush()
            text = exposition.generate_latest(registry)
        except SQLAlchemyError:
            return PlainTextResponse("the database does not answer\n", 503, PLAIN)
        return Response(text, headers=PLAIN, media_type=_TYPE)

    async def answer(_: Request) -> Response:
        return await run_in_threadpool(figures)

    return [Route("/metrics", answer)]
