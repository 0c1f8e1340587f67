"""Ties the parts together: one loop, one monitor, one bus."""

import asyncio
import socket
import time
from pathlib import Path

from waymark.events import EventBus
from waymark.health import HealthMonitor


class Server:
    """Hears agents on a datagram socket and looks at the fleet every few seconds."""

    def __init__(self, log: Path, interval: float = 5.0) -> None:
        self.monitor = HealthMonitor()
        self.bus = EventBus()
        self.interval = interval
        self.unwell: set[str] = set()
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._log = open(log, "a", encoding="utf-8")

    def start(self) -> None:
        """Begin to watch; needs a running loop."""
        asyncio.create_task(self.watch())

    async def watch(self) -> None:
        """Look at the fleet again and again."""
        while True:
            self.look()
            await asyncio.sleep(self.interval)

    def look(self) -> None:
        """Once: who fell ill, who recovered."""
        for agent in list(self.monitor.latencies):
            unwell = self.monitor.unwell(agent)
            if unwell and agent not in self.unwell:
                self.unwell.add(agent)
                self.bus.emit("unwell", agent)
                self._log.write(f"{agent} unwell\n")
            elif not unwell and agent in self.unwell:
                self.unwell.discard(agent)
                self.bus.emit("recovered", agent)
        self.monitor.snapshot(time.time())

    def close(self) -> None:
        """Stop for good."""
        self._socket.close()
