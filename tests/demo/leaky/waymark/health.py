"""What the agents reported of late, and whether one of them is unwell."""

from collections import defaultdict, deque
from dataclasses import dataclass


@dataclass(frozen=True)
class Snapshot:
    """The fleet at one moment."""

    at: float
    healthy: int
    unwell: int


class HealthMonitor:
    """Lives as long as the server and hears of every request."""

    def __init__(self, history_window: int = 1000) -> None:
        self.history: deque[Snapshot] = deque(maxlen=history_window)
        self.errors = defaultdict(list)
        self.latencies: defaultdict[str, list[float]] = defaultdict(list)
        self.queue_depths: defaultdict[str, list[int]] = defaultdict(list)
        self.requests = 0

    def record(self, agent: str, seconds: float, depth: int) -> None:
        """Called for every request that an agent answers."""
        self.requests += 1
        self.latencies[agent].append(seconds)
        # The depth is that before the request was taken.
        self.queue_depths[agent].append(depth)

    def record_error(self, agent: str, message: str) -> None:
        """Called for every request that an agent fails."""
        self.requests += 1
        self.errors[agent].append(message)

    def latency(self, agent: str) -> float:
        """The mean of the last 100 answers, in seconds; 0.0 when there were none."""
        recent = self.latencies[agent][-100:]
        return sum(recent) / len(recent) if recent else 0.0

    def pressure(self, agent: str) -> int:
        """The deepest queue among the last 100 answers."""
        return max(self.queue_depths[agent][-100:], default=0)

    def failures(self, agent: str) -> list[str]:
        """What went wrong, oldest first."""
        return list(self.errors[agent])

    def unwell(self, agent: str) -> bool:
        """Slow, or with work piling up."""
        return self.latency(agent) > 2.0 or self.pressure(agent) > 50

    def snapshot(self, now: float) -> Snapshot:
        """Look at every agent and remember what was seen."""
        unwell = sum(self.unwell(agent) for agent in list(self.latencies))
        seen = Snapshot(now, len(self.latencies) - unwell, unwell)
        self.history.append(seen)
        return seen
