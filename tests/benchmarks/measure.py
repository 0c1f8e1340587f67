"""Running a command and taking its time and memory."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

MEGABYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Measured:
    """One command. Times in seconds, `cpu` of all its processes together; memory in bytes of resident set at
    its peak, `children` being the largest single child. `status` is the exit code."""

    seconds: float
    cpu: float
    parent: int = 0
    children: int = 0
    status: int = 0


def _family(root: int) -> list[int]:
    """The processes below `root`, itself first; those that end meanwhile are left out."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text()
            except OSError:  # it has ended
                continue
            parents[int(entry.name)] = int(stat.rpartition(")")[2].split()[1])
    family = [root]
    for process in family:
        family += [child for child, parent in parents.items() if parent == process]
    return family


def _resident(process: int) -> int:
    """The peak resident set of a process so far, 0 when it has ended."""
    try:
        for line in Path(f"/proc/{process}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    except OSError:
        return 0
    return 0


class _Watch(threading.Thread):
    """Looks at a process and what it started, twenty times a second, and keeps the peaks (Linux)."""

    def __init__(self, process: int) -> None:
        super().__init__(daemon=True)
        self.process = process
        self.parent = 0
        self.children = 0
        self.ended = threading.Event()

    def run(self) -> None:
        """Watch until told to end."""
        while not self.ended.wait(0.05):
            own, *below = _family(self.process)
            self.parent = max(self.parent, _resident(own))
            self.children = max([self.children, *map(_resident, below)])


def run(command: Sequence[str], cwd: Path, env: Mapping[str, str], *, memory: bool = False) -> Measured:
    """Run once. `memory` watches the process and its children, which costs it a little time."""
    with tempfile.TemporaryFile() as errors:
        start = time.perf_counter()
        process = subprocess.Popen(command, cwd=cwd, env=env, stdout=subprocess.DEVNULL, stderr=errors)
        watch = _Watch(process.pid) if memory and sys.platform == "linux" else None
        if watch is not None:
            watch.start()
        # wait4 and not Popen.wait: it knows the processor time of the command and of all that it waited for.
        _, raw, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        status = process.returncode = os.waitstatus_to_exitcode(raw)
        if watch is not None:
            watch.ended.set()
            watch.join()
        if status not in (0, 1):
            errors.seek(0)
            sys.stderr.buffer.write(errors.read()[-2000:])
    peaks = (watch.parent, watch.children) if watch else (0, 0)
    return Measured(seconds, usage.ru_utime + usage.ru_stime, *peaks, status)


def median(command: Sequence[str], cwd: Path, env: Mapping[str, str], times: int) -> Measured:
    """The middle one of several runs by time: short commands vary with whatever else the machine does."""
    runs = sorted((run(command, cwd, env) for _ in range(times)), key=lambda measured: measured.seconds)
    return runs[times // 2]
