"""What the App did, for its pages and figures: reviews, leaks and what became of them, counters, living processes.

Tables of our own beside the queue's: a SQLite file in the same folder, or the same PostgreSQL. All processes write
to the one ledger, so that figures read from it are those of all of them. What a job writes, it writes once however
often it runs: a review is known by its job, a leak by its pull request and fingerprint.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

import psutil
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from repairbot.service import tables
from repairbot.service.tables import ASKED, COUNT, LEAK, LIMIT, PROCESS, REVIEW

State = Literal["open", "fixed", "dismissed"]
BUCKETS: Final = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 900.0)
"""Seconds: the limits between which the times of steps are counted."""
KEPT: Final = 90 * 86_400.0
"""Seconds that a review is shown. Counters and leaks stay, for the trends."""
TRENDS: Final = 400 * 86_400.0
"""Seconds that a leak is kept after something last happened to it."""
ALIVE: Final = 30.0
"""Seconds after its last sign of life that a process counts as gone."""
_BEAT: Final = 5.0
_FLUSH: Final = 1.0


@dataclass(frozen=True, slots=True)
class Leak:
    """One leak as a review found it. `id`: what its marker knows it by. `suggested`: its comment holds a repair."""

    id: str
    rule: str
    path: str
    suggested: bool = False
    dismissed: bool = False


@dataclass(frozen=True, slots=True)
class Ended:
    """How a job ended. `outcome`: one word ("commented", "clean", "skipped", "superseded", "failed", ...); `said`: the
    line for people; `waited`: seconds in the queue; `steps`: seconds by step; `requests`: sent to GitHub.

    `leaks`: all that stand in the pull request now, None where it was not looked at. `unseen`: paths of files that
    could not be looked at, so that nothing is known of their leaks.
    """

    job: str
    delivery: str
    repo: str
    number: int
    outcome: str
    head: str = ""
    said: str = ""
    waited: float = 0.0
    steps: Mapping[str, float] = field(default_factory=dict)
    requests: int = 0
    leaks: tuple[Leak, ...] | None = None
    unseen: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Review:
    """One row of what was done lately. `ended`: seconds since 1970; `seconds`: of work, without the wait."""

    job: str
    repo: str
    number: int
    head: str
    outcome: str
    said: str
    leaks: int
    waited: float
    seconds: float
    ended: float


@dataclass(frozen=True, slots=True)
class Process:
    """A process that gave a sign of life. `kind`: "web", "worker"; `memory`: bytes; `note`: what it wants known."""

    name: str
    kind: str
    memory: float
    note: str
    started: float
    seen: float


@dataclass(frozen=True, slots=True)
class Limit:
    """What GitHub lets one installation do: requests left of how many, until when (seconds since 1970)."""

    installation: int
    remaining: int
    most: int
    reset: float


@dataclass(frozen=True, slots=True)
class Trend:
    """What became of one rule's leaks: by span of time, the oldest first."""

    rule: str
    open: int
    fixed: tuple[int, ...]
    dismissed: tuple[int, ...]


class Ledger:
    """An open ledger. All methods may be called from any thread and raise SQLAlchemyError; `count` never does."""

    def __init__(self, engine: Engine, kind: str) -> None:
        self._engine, self.kind = engine, kind
        self._insert = (postgresql if engine.dialect.name == "postgresql" else sqlite).insert
        self._waiting: Counter[tuple[str, str, str]] = Counter()
        self._lock = threading.Lock()
        self._process = psutil.Process()
        self._name = f"{socket.gethostname()}:{os.getpid()}:{self._process.create_time():.0f}"
        self._pruned = 0.0
        self.note = ""

    # What happened

    def count(self, name: str, a: str = "", b: str = "", n: float = 1) -> None:
        """Add to a counter. Kept in memory for a second at most; a process that is killed takes that along."""
        with self._lock:
            self._waiting[name, a, b] += n  # type: ignore[assignment]

    def flush(self) -> None:
        """Write the counters down."""
        with self._lock:
            taken, self._waiting = self._waiting, Counter()
        if not taken:
            return
        try:
            with self._engine.begin() as line:
                self._bump(line, taken)
        except SQLAlchemyError:
            with self._lock:
                self._waiting.update(taken)
            raise

    def ended(self, done: Ended, now: float | None = None) -> None:
        """Note how a job ended; a job that was noted before changes nothing."""
        at = time.time() if now is None else now
        row = {
            "job": done.job,
            "delivery": done.delivery,
            "repo": done.repo,
            "number": done.number,
            "head": done.head,
            "outcome": done.outcome,
            "said": _text(done.said[:2_000]),
            "leaks": sum(not leak.dismissed for leak in done.leaks or ()),
            "waited": done.waited,
            "seconds": sum(done.steps.values()),
            "ended": at,
        }
        with self._engine.begin() as line:
            # What comes back tells whether it was put in: PostgreSQL's driver does not count such rows.
            put = self._insert(REVIEW).values(row).on_conflict_do_nothing().returning(REVIEW.c.job)
            if line.execute(put).first() is None:
                return
            counted: Counter[tuple[str, str, str]] = Counter({("jobs", done.outcome, ""): 1})
            counted["requests", "", ""] += done.requests
            for step, seconds in {"wait": done.waited, **done.steps}.items():
                limit = next((str(limit) for limit in BUCKETS if seconds <= limit), "+Inf")
                counted["step", step, limit] += 1
                counted["step_sum", step, ""] += seconds  # type: ignore[assignment]
            if done.leaks is not None:
                counted += self._leaks(line, done, done.leaks, at)
            self._bump(line, counted)
            self._prune(line, at)

    def _leaks(
        self, line: Connection, done: Ended, leaks: Sequence[Leak], at: float
    ) -> Counter[tuple[str, str, str]]:
        """Bring the leaks of a pull request up to date; what happened to them for the first time."""
        counted: Counter[tuple[str, str, str]] = Counter()
        place = sa.and_(LEAK.c.repo == done.repo, LEAK.c.number == done.number)
        unseen = {_text(path) for path in done.unseen}
        before = {row.id: row for row in line.execute(sa.select(LEAK).where(place))}
        there = {leak.id: leak for leak in leaks}
        for leak in there.values():
            old = before.get(leak.id)
            suggested = leak.suggested or bool(old and old.suggested)
            dismissed = (old.dismissed if old else None) or (at if leak.dismissed else None)
            counted["found", leak.rule, ""] += old is None
            counted["suggested", leak.rule, ""] += suggested and not (old and old.suggested)
            counted["dismissed", leak.rule, ""] += bool(dismissed) and not (old and old.dismissed)
            state: State = "dismissed" if leak.dismissed else "open"
            if old and (old.state, old.suggested) == (state, suggested):
                continue
            new = {"rule": leak.rule, "path": _text(leak.path), "state": state, "suggested": suggested}
            new |= {"dismissed": dismissed, "changed": at}
            key = {"repo": done.repo, "number": done.number, "id": leak.id}
            line.execute(
                self._insert(LEAK)
                .values({**key, **new})
                .on_conflict_do_update(index_elements=list(key), set_=new)
            )
        for old in before.values():
            if old.state != "open" or old.id in there or old.path in unseen:
                continue
            line.execute(
                sa.update(LEAK)
                .where(place, LEAK.c.id == old.id)
                .values(state="fixed", fixed=old.fixed or at, changed=at)
            )
            counted["fixed", old.rule, ""] += not old.fixed
            counted["accepted", old.rule, ""] += old.suggested and not old.fixed
        return +counted

    def limit(self, held: Limit) -> None:
        """Note what GitHub said of an installation's limit."""
        new = {"remaining": held.remaining, "most": held.most, "reset": held.reset}
        with self._engine.begin() as line:
            line.execute(
                self._insert(LIMIT)
                .values({"installation": held.installation, **new})
                .on_conflict_do_update(index_elements=["installation"], set_=new)
            )

    def claim(self, guid: str, attempt: int, now: float, times: int, pause: float) -> bool:
        """Whether the caller is to ask for this delivery again, whose last failed attempt is `attempt`.

        Not where somebody did for that attempt, nor within `pause` seconds, grown threefold each time, nor more than
        `times` times in all.
        """
        with self._engine.begin() as line:
            new = {"guid": guid, "times": 1, "attempt": attempt, "last": now}
            put = self._insert(ASKED).values(new).on_conflict_do_nothing().returning(ASKED.c.guid)
            if line.execute(put).first() is not None:
                line.execute(sa.delete(ASKED).where(ASKED.c.last < now - 30 * 86_400))
                return True
            old = line.execute(sa.select(ASKED).where(ASKED.c.guid == guid)).one()
            if old.attempt == attempt or old.times >= times or now < old.last + pause * 3 ** (old.times - 1):
                return False
            taken = line.execute(
                sa.update(ASKED)
                .where(ASKED.c.guid == guid, ASKED.c.times == old.times)
                .values(times=old.times + 1, attempt=attempt, last=now)
            )
            return bool(taken.rowcount)

    def beat(self, now: float | None = None) -> None:
        """Give a sign of life, and forget processes that gave none for long."""
        at = time.time() if now is None else now
        new = {"memory": float(self._process.memory_info().rss), "note": self.note, "seen": at}
        first = {"name": self._name, "kind": self.kind, "started": self._process.create_time(), **new}
        with self._engine.begin() as line:
            line.execute(
                self._insert(PROCESS).values(first).on_conflict_do_update(index_elements=["name"], set_=new)
            )
            line.execute(sa.delete(PROCESS).where(PROCESS.c.seen < at - 20 * ALIVE))

    def gone(self) -> None:
        """Take this process off the list."""
        with self._engine.begin() as line:
            line.execute(sa.delete(PROCESS).where(PROCESS.c.name == self._name))

    # What is read

    def counts(self, name: str) -> dict[tuple[str, str], float]:
        """A counter by its two labels, of all processes."""
        asked = sa.select(COUNT.c.a, COUNT.c.b, COUNT.c.n).where(COUNT.c.name == name)
        with self._reading() as line:
            return {(row.a, row.b): row.n for row in line.execute(asked)}

    def recent(self, most: int = 50) -> list[Review]:
        """What was done lately, the newest first."""
        columns = [column for column in REVIEW.c if column.name != "delivery"]
        asked = sa.select(*columns).order_by(REVIEW.c.ended.desc()).limit(most)
        with self._reading() as line:
            return [Review(**row._mapping) for row in line.execute(asked)]

    def review(self, job: str) -> Review | None:
        """What is known of one job that ended."""
        columns = [column for column in REVIEW.c if column.name != "delivery"]
        with self._reading() as line:
            row = line.execute(sa.select(*columns).where(REVIEW.c.job == job)).one_or_none()
            return Review(**row._mapping) if row else None

    def trends(self, now: float, span: float = 7 * 86_400.0, spans: int = 12) -> list[Trend]:
        """What became of each rule's leaks in the last `spans` spans of `span` seconds; the most active rules first."""
        start = now - span * spans
        held: dict[str, dict[str, Any]] = {}
        with self._reading() as line:
            for row in line.execute(
                sa.select(LEAK.c.rule, sa.func.count().label("n"))
                .where(LEAK.c.state == "open")
                .group_by(LEAK.c.rule)
            ):
                held.setdefault(row.rule, {})["open"] = row.n
            for name in ("fixed", "dismissed"):
                at = sa.cast(sa.func.floor((LEAK.c[name] - start) / span), sa.Integer).label("at")
                asked = (
                    sa.select(LEAK.c.rule, at, sa.func.count().label("n"))
                    .where(LEAK.c[name] > start, LEAK.c[name] <= now)
                    .group_by(LEAK.c.rule, at)
                )
                for row in line.execute(asked):
                    series = held.setdefault(row.rule, {}).setdefault(name, [0] * spans)
                    series[min(spans - 1, max(0, row.at))] += row.n
        found = [
            Trend(
                rule,
                each.get("open", 0),
                tuple(each.get("fixed", [0] * spans)),
                tuple(each.get("dismissed", [0] * spans)),
            )
            for rule, each in held.items()
        ]
        return sorted(found, key=lambda each: (-sum(each.fixed) - sum(each.dismissed), -each.open, each.rule))

    def processes(self, now: float | None = None) -> list[Process]:
        """The processes that live."""
        since = (time.time() if now is None else now) - ALIVE
        asked = sa.select(PROCESS).where(PROCESS.c.seen >= since).order_by(PROCESS.c.kind, PROCESS.c.name)
        with self._reading() as line:
            return [Process(**row._mapping) for row in line.execute(asked)]

    def limits(self, now: float | None = None) -> list[Limit]:
        """What GitHub said of the limits that are not renewed yet."""
        asked = sa.select(LIMIT).where(LIMIT.c.reset > (time.time() if now is None else now))
        with self._reading() as line:
            return [Limit(**row._mapping) for row in line.execute(asked)]

    # Below

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with self._engine.connect().execution_options(reading=True) as line:
            yield line

    def _bump(self, line: Connection, counted: Mapping[tuple[str, str, str], float]) -> None:
        # In one order everywhere, so that two processes never wait for each other.
        rows = [{"name": n, "a": a, "b": b, "n": by} for (n, a, b), by in sorted(counted.items()) if by]
        if rows:
            put = self._insert(COUNT)
            line.execute(
                put.on_conflict_do_update(
                    index_elements=["name", "a", "b"], set_={"n": COUNT.c.n + put.excluded.n}
                ),
                rows,
            )

    def _prune(self, line: Connection, now: float) -> None:
        if now < self._pruned + 3_600:
            return
        self._pruned = now
        line.execute(sa.delete(REVIEW).where(REVIEW.c.ended < now - KEPT))
        line.execute(sa.delete(LEAK).where(LEAK.c.changed < now - TRENDS))


def _text(text: str) -> str:
    """As databases take it: names in git may hold bytes that are no text, and PostgreSQL keeps no zero byte."""
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")


@contextmanager
def opened(folder: Path, database: str = "", kind: str = "web") -> Iterator[Ledger]:
    """Open the ledger; what was counted is written down each second and when the block is left.

    `database`: a PostgreSQL address, "" for a SQLite file in `folder`. `kind`: what this process is, "" for one that
    only reads and is not listed. Raises SQLAlchemyError.
    """
    engine = tables.engine(folder, database)
    try:
        ledger, over = Ledger(engine, kind), threading.Event()
        keeper = threading.Thread(target=_keep, args=(ledger, over), name="ledger", daemon=True)
        keeper.start()
        try:
            yield ledger
        finally:
            over.set()
            keeper.join()
            ledger.flush()
            if kind:
                ledger.gone()
    finally:
        engine.dispose()


def _keep(ledger: Ledger, over: threading.Event) -> None:
    """Write the counters each second, and give signs of life. A database that is away is tried again."""
    beaten = -_BEAT
    while True:
        try:
            if ledger.kind and time.monotonic() >= beaten + _BEAT:
                ledger.beat()
                beaten = time.monotonic()
            ledger.flush()
        except SQLAlchemyError:
            pass  # counted on in memory: the queue's own errors say that the database is away
        if over.wait(_FLUSH):
            return
