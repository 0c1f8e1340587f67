"""The App as people run it: `repairbot serve` and `repairbot worker` in processes of their own, against the rig."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.github.rig.server import Rig

ROOT = Path(__file__).parents[2]


def until(true: Callable[[], object], seconds: float = 60, what: str = "") -> None:
    """Wait for something to come true."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, what or "it did not come to pass"
        time.sleep(0.05)


@dataclass(slots=True)
class Running:
    """One process. `said`: what it wrote to standard error."""

    process: subprocess.Popen[str]
    said: list[str] = field(default_factory=list)
    url: str = ""

    def read(self) -> None:
        """Take in what it says."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.said.append(line.rstrip())
            if found := re.search(r"listening on (http://\S+)", line):
                self.url = found[1]

    def kill(self) -> None:
        """kill -9; a worker that it started ends by itself."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self, seconds: float = 25) -> float:
        """Ask it to stop; how long it took."""
        begun = time.monotonic()
        self.process.terminate()
        self.process.wait(seconds)
        return time.monotonic() - begun


def environment(rig: Rig, folder: Path, database: str = "", **more: str) -> dict[str, str]:
    """What the App is told."""
    held = {name: value for name, value in rig.environment("").items() if name != "GITHUB_TOKEN"}
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "PYTHONPATH", "LANG") if name in os.environ}
    more = {"DATABASE_URL": database, **more} if database else more
    return {**kept, **held, **rig.app.settings(), "REPAIRBOT_HOME": str(folder), "PORT": "0", **more}


def start(command: str, told: dict[str, str]) -> Running:
    """Start a process; it is not ready yet."""
    process = subprocess.Popen(
        [sys.executable, "-m", "repairbot", command],
        env=told,
        cwd=ROOT,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        errors="replace",
    )
    running = Running(process)
    threading.Thread(target=running.read, daemon=True).start()
    return running


@contextmanager
def serving(rig: Rig, told: dict[str, str]) -> Iterator[Running]:
    """`repairbot serve`, to which the rig delivers, until the block is left."""
    running = start("serve", told)
    try:
        until(lambda: running.url or running.process.poll() is not None, 60)
        assert running.url, "\n".join(running.said)
        rig.app.hook = f"{running.url}/webhook"
        yield running
    finally:
        running.kill()
