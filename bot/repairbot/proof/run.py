"""One run of the user's command: its output with bounds, its process tree sampled, and its end enforced."""

from __future__ import annotations

import os
import re
import resource
import selectors
import signal
import subprocess
import time
from bisect import bisect_right
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import psutil

KEPT = 4 * 1024 * 1024
"""Bytes kept of each end of each stream."""
PACE = 0.01
"""Least seconds between two samples; their processor time is at most a fifth of the time."""
LISTING = 0.1
"""Least seconds between two looks for new children, which costs more than all else in a sample."""
GRACE = 0.3
"""Seconds that children may need to end when the command has ended."""


class Sample(NamedTuple):
    """The process tree at one moment. `memory`: resident bytes; `children`: processes below the command."""

    time: float
    memory: int
    descriptors: int
    threads: int
    children: int


@dataclass(slots=True)
class Ran:
    """How a run went. Times are of the monotonic clock, which all processes of the machine share."""

    code: int
    out: str
    seconds: float
    top: str
    """The folder it ran in: a worktree's top."""
    scratch: str
    started: float = 0.0
    processor: float = 0.0
    """Processor time of the command and the children it waited for, in seconds."""
    timed_out: bool = False
    samples: list[Sample] = field(default_factory=list)
    ticks: list[float] = field(default_factory=list)
    """When each iteration ended, where the command says so."""
    left: int = 0
    """Processes that were still there after the command had ended; they were ended."""
    cut: bool = False

    @property
    def per(self) -> Literal["iteration", "second"]:
        """What readings are counted by."""
        return "iteration" if self.ticks else "second"

    def x(self, moment: float) -> float:
        """How many iterations had ended at a moment, or without iterations the seconds since the start."""
        return float(bisect_right(self.ticks, moment)) if self.ticks else moment - self.started


class _Stream:
    """The two ends of what was written, and the lines that mark an iteration."""

    def __init__(self, each: re.Pattern[bytes] | None) -> None:
        self.first, self.last, self.cut = bytearray(), bytearray(), False
        self.ticks: list[float] = []
        self._each, self._line = each, b""

    def take(self, data: bytes) -> None:
        room = KEPT - len(self.first)
        self.first += data[:room]
        self.last += data[room:] if room < len(data) else b""
        if len(self.last) > 2 * KEPT:
            del self.last[:-KEPT]
            self.cut = True
        if self._each is not None:
            *lines, self._line = (self._line + data).split(b"\n")
            self._line = self._line[-KEPT:]
            now = time.monotonic()
            self.ticks += [now for line in lines if self._each.search(line)]

    def text(self) -> str:
        whole = bytes(self.first) + (b"\n[...]\n" if self.cut else b"") + bytes(self.last)
        return whole.decode("utf-8", "replace")


def run(
    command: str,
    top: str,
    environment: Mapping[str, str],
    scratch: str,
    *,
    timeout: float,
    each: str = "",
    started: Callable[[int], None] = lambda group: None,
) -> Ran:
    """Run a shell command in `top` and wait; its whole process group is gone afterwards, whatever happens.

    `each`: a regular expression; a line of output in which it is found ends an iteration. `started`: told the
    process group.
    """
    began = time.monotonic()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    process = subprocess.Popen(
        ["sh", "-c", command],
        cwd=top,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    known: dict[int, psutil.Process] = {}
    ran = Ran(-1, "", 0.0, top, scratch, began)
    pattern = re.compile(each.encode()) if each else None
    streams = (_Stream(pattern), _Stream(pattern))
    try:
        started(process.pid)
        _watch(process, streams, ran, known, began + timeout)
    finally:
        ran.left = _end(process, known)
        started(0)
        for pipe in (process.stdout, process.stderr):
            assert pipe is not None
            pipe.close()
    ran.code = process.returncode
    ran.seconds = time.monotonic() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    ran.processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    ran.out = "\n".join(stream.text() for stream in streams)
    ran.ticks = sorted(tick for stream in streams for tick in stream.ticks)
    ran.cut = any(stream.cut for stream in streams)
    return ran


def _watch(
    process: subprocess.Popen[bytes],
    streams: tuple[_Stream, _Stream],
    ran: Ran,
    known: dict[int, psutil.Process],
    until: float,
) -> None:
    """Read and sample until the command has ended (and its output), or its time is over."""
    with selectors.DefaultSelector() as selector:
        for pipe, stream in zip((process.stdout, process.stderr), streams, strict=True):
            assert pipe is not None
            os.set_blocking(pipe.fileno(), False)
            selector.register(pipe, selectors.EVENT_READ, stream)
        due = listing = ended = 0.0
        while True:
            now = time.monotonic()
            if now > until:
                ran.timed_out = True
                return
            # A child that outlives the command may hold the pipes open for ever: it gets a moment.
            if process.poll() is not None:
                ended = ended or now
                if not selector.get_map() or now > ended + GRACE:
                    return
            elif now >= due:
                began = time.thread_time()
                if now >= listing:
                    _list(process.pid, known)
                    listing = now + LISTING
                sample = _sample(process.pid, known)
                if sample is not None:
                    ran.samples.append(sample)
                due = time.monotonic() + max(PACE, 4 * (time.thread_time() - began))
            for key, _ in selector.select(max(0.0, min(due - time.monotonic(), 0.1)) if not ended else 0.02):
                data = os.read(key.fd, 1 << 16)
                if data:
                    key.data.take(data)
                else:
                    selector.unregister(key.fileobj)
            if not selector.get_map() and process.poll() is None:
                time.sleep(PACE)


def _sample(pid: int, known: dict[int, psutil.Process]) -> Sample | None:
    """The tree below and with `pid`. None where it has just gone."""
    memory = descriptors = threads = count = 0
    for process in known.values():
        with suppress(psutil.Error), process.oneshot():
            held = process.memory_info().rss
            threads += process.num_threads()
            descriptors += process.num_fds()
            memory += held
            count += process.pid != pid
    return Sample(time.monotonic(), memory, descriptors, threads, count) if memory else None


def _list(pid: int, known: dict[int, psutil.Process]) -> None:
    """Learn of new processes in the tree."""
    with suppress(psutil.Error):
        root = known.setdefault(pid, psutil.Process(pid))
        for process in root.children(recursive=True):
            known.setdefault(process.pid, process)


def _end(process: subprocess.Popen[bytes], known: Mapping[int, psutil.Process]) -> int:
    """End everything that the run started; how many processes were left after the command's own end."""
    alive = process.poll() is None
    left = [each for pid, each in known.items() if pid != process.pid and _lives(each)]
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    for each in left:  # those that made a session of their own
        with suppress(psutil.Error):
            each.kill()
    process.wait()
    return 0 if alive else len(left)


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
