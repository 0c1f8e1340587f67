"""GitHub's limit on writes, kept ahead by one limiter that all jobs of a process share."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Final, Protocol

RATES: Final = ((80, 60.0), (500, 3600.0))
"""Writes of content, and the seconds in which no more are allowed. Source: GitHub's REST documentation on
secondary rate limits."""


class Clock(Protocol):
    """Time, so that tests need not wait."""

    def now(self) -> float:
        """Seconds since some moment; never goes back."""
        ...

    def wall(self) -> float:
        """Seconds since 1970, as servers count."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


class RealClock:
    """The machine's time."""

    def now(self) -> float:
        """Seconds since some moment."""
        return time.monotonic()

    def wall(self) -> float:
        """Seconds since 1970."""
        return time.time()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


@dataclass(slots=True)
class Limiter:
    """Call `take` before each write; it waits as long as the limits ask for. Safe across threads."""

    clock: Clock = field(default_factory=RealClock)
    rates: tuple[tuple[int, float], ...] = RATES
    _taken: deque[float] = field(default_factory=deque)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, most: float = math.inf) -> float:
        """Wait for the moment of the next write and count it; 0. Where that takes more than `most` seconds: how many,
        and nothing is counted."""
        with self._lock:
            now = self.clock.now()
            at = max([now, *(self._free(count, span) for count, span in self.rates)])
            if at - now > most:
                return at - now
            self._taken.append(at)
            while len(self._taken) > max(count for count, _ in self.rates):
                self._taken.popleft()
        if at > now:
            self.clock.sleep(at - now)
        return 0.0

    def _free(self, count: int, span: float) -> float:
        """The first moment at which one more fits among the writes of this span."""
        return self._taken[-count] + span if len(self._taken) >= count else 0.0
