"""Child processes that examine files: started early, fed ahead, watched, replaced when they die.

The parent never parses a file. It deals work to children over pipes, one loop for all of them, and holds
only what is under way. A child that dies or hangs costs the file it was at; the rest of its work goes to
a fresh one.
"""

from __future__ import annotations

import os
import selectors
import signal
import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import field
from types import TracebackType

from repairbot import wire
from repairbot.child import Process, read
from repairbot.lazily import dataclass
from repairbot.model import Settings

AHEAD_FILES = 32
AHEAD_BYTES = 1 << 17
"""How much work lies in a child's pipe before it gets more."""
ASIDE_BYTES = 1 << 20
"""How much work is put aside for the children that have it at hand."""
FILES_A_CHILD = 60
"""A further child is worth its start from this many files on."""
CHUNK = 1 << 18
PACE = 0.008
"""Seconds in which answers gather while every child has work lying before it: waking for each costs more."""
KEPT_ERRORS = 4096
DYING = 2.0
GUESSES = {"SIGKILL": ", probably for its memory", "SIGSEGV": ", probably for its depth of nesting"}


class BrokenWorker(Exception):
    """Children cannot even start: the installation is broken. The message is one line for the user."""


@dataclass(frozen=True, slots=True)
class Task:
    """One file to examine. `header` is a worker.Request as JSON; `tag` comes back with the answer.

    `near`: the child that has the file at hand (the `by` of an earlier answer), 0 where none has.
    """

    tag: int
    header: bytes
    source: bytes
    near: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a task: the child's frame, or in `failure` why there is none. `by`: which child looked at it."""

    tag: int
    frame: bytes = b""
    failure: str = ""
    by: int = 0


@dataclass(slots=True, eq=False)
class Child:
    """One process, the work it has, and the bytes on their way in both directions."""

    process: Process
    ready: bool = False
    tasks: deque[Task] = field(default_factory=deque)
    held: int = 0
    outgoing: bytearray = field(default_factory=bytearray)
    incoming: bytearray = field(default_factory=bytearray)
    errors: bytes = b""
    since: float = 0.0
    """When it last had reason to be silent: got work while idle, or answered (seconds, monotonic)."""


class Waiting:
    """The tasks of one run that no child has."""

    def __init__(self, tasks: Iterable[Task]) -> None:
        self.drawn = False
        """Whether all were brought."""
        self._tasks = iter(tasks)
        self._aside: deque[Task] = deque()

    def draw(self, child: int) -> Task | None:
        """What a child gets next: of what is there what it has at hand, or nobody; else what another has."""
        for index, task in enumerate(self._aside):
            if task.near in (0, child):
                del self._aside[index]
                return task
        while not self.drawn and sum(len(task.source) for task in self._aside) < ASIDE_BYTES:
            new = next(self._tasks, None)
            if new is None:
                self.drawn = True
            elif new.near in (0, child):
                return new
            else:
                self._aside.append(new)
        return self._aside.popleft() if self._aside else None

    def give_back(self, tasks: Iterable[Task]) -> None:
        """Take in what a child left behind that died."""
        self._aside.extendleft(reversed([*tasks]))


class Pool:
    """Use as a context manager: leaving it ends every child."""

    def __init__(self, first: Process | None = None) -> None:
        """`first`: a process that was started before; it becomes this pool's."""
        self.jobs = processors()
        self._setup = b""
        self._limit = 0.0
        self._memory = 0
        self._selector = selectors.DefaultSelector()
        self._children: list[Child] = []
        self._spawn(first)

    def __enter__(self) -> Pool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None
    ) -> None:
        self.close()

    def configure(self, settings: Settings, *, memory: int, seconds: int, jobs: int = 0) -> None:
        """Say how to work, before a `run`. `memory` in MiB a child, `seconds` a file."""
        self.jobs = jobs or self.jobs
        setup = wire.encode({"settings": settings, "memory": memory, "seconds": seconds})
        if setup == self._setup:
            return
        if self._setup:  # a child is told once
            for child in self._children:
                self._end(child)
            self._children.clear()
        self._limit, self._memory, self._setup = float(seconds), memory, setup
        for child in self._children:
            self._send(child, self._setup, b"")
        if not self._children:
            self._spawn()

    def run(self, tasks: Iterable[Task], expected: int = 1, ahead: int = AHEAD_FILES) -> Iterator[Answer]:
        """Examine all tasks; answers come as they are ready, in any order.

        `tasks` is drawn from only as children have room. `expected`: about how many there will be; decides
        how many children are worth their start. `ahead`: how many of them lie before a child: one, where each is
        so much work that a child should not have it while another waits. Raises BrokenWorker.
        """
        waiting = Waiting(tasks)
        while len(self._children) < min(self.jobs, 1 + expected // FILES_A_CHILD):
            self._spawn()
        while True:
            while hungry := [
                child for child in self._children if len(child.tasks) < ahead and child.held < AHEAD_BYTES
            ]:
                child = min(hungry, key=lambda each: each.held)
                task = waiting.draw(child.process.pid)
                if task is None:
                    break
                self._give(child, task)
            if not waiting.drawn and len(self._children) < self.jobs and self._loaded:
                self._spawn()
                continue
            if not any(child.tasks for child in self._children):
                return
            yield from self._turn(waiting)

    @property
    def _loaded(self) -> bool:
        """Whether every child has all the bytes that it may have: few files may be much work."""
        return all(child.held >= AHEAD_BYTES for child in self._children)

    def close(self) -> None:
        """End every child now, whatever it is doing."""
        for child in self._children:
            self._end(child)
        self._children.clear()
        self._selector.close()

    def _spawn(self, process: Process | None = None) -> None:
        child = Child(process or Process())
        self._selector.register(child.process.stdout, selectors.EVENT_READ, (child, "answers"))
        self._selector.register(child.process.stderr, selectors.EVENT_READ, (child, "errors"))
        self._children.append(child)
        if self._setup:
            self._send(child, self._setup, b"")

    def _give(self, child: Child, task: Task) -> None:
        if not child.tasks:
            child.since = time.monotonic()
        child.tasks.append(task)
        child.held += len(task.source)
        self._send(child, task.header, task.source)

    def _send(self, child: Child, header: bytes, body: bytes) -> None:
        idle = not child.outgoing
        child.outgoing += len(header).to_bytes(4, "big") + len(body).to_bytes(4, "big") + header + body
        if idle:
            self._selector.register(child.process.stdin, selectors.EVENT_WRITE, (child, "work"))

    def _turn(self, waiting: Waiting) -> Iterator[Answer]:
        """Wait for something to happen to some child, and take it in."""
        if all(len(child.tasks) > AHEAD_FILES // 2 for child in self._children):
            time.sleep(PACE)
        busy = [child for child in self._children if child.tasks]
        patience = min(child.since for child in busy) + self._limit - time.monotonic()
        for key, _ in self._selector.select(max(0.0, patience)):
            child, what = key.data
            if child not in self._children:
                continue
            if what == "work":
                self._push(child)
            elif what == "errors":
                words = read(child.process.stderr, CHUNK)
                child.errors = (child.errors + words)[-KEPT_ERRORS:]
                if not words:
                    self._selector.unregister(child.process.stderr)
            else:
                yield from self._take(child, waiting)
        late = time.monotonic() - self._limit
        for child in [child for child in self._children if child.tasks and child.since < late]:
            yield from self._bury(child, f"took longer than {self._limit:.0f} s", waiting)

    def _push(self, child: Child) -> None:
        try:
            with memoryview(child.outgoing) as waiting:
                sent = os.write(child.process.stdin, waiting[:CHUNK])
        except BrokenPipeError:  # it died: the end of its answers says so, in its own turn
            child.outgoing.clear()
        else:
            del child.outgoing[:sent]
        if not child.outgoing:
            self._selector.unregister(child.process.stdin)

    def _take(self, child: Child, waiting: Waiting) -> Iterator[Answer]:
        data = read(child.process.stdout, CHUNK)
        if not data:
            yield from self._bury(child, "", waiting)
            return
        child.incoming += data
        while len(child.incoming) >= 4:
            end = 4 + int.from_bytes(child.incoming[:4], "big")
            if len(child.incoming) < end:
                break
            frame = bytes(child.incoming[4:end])
            del child.incoming[:end]
            child.since = time.monotonic()
            if frame and child.tasks:
                task = child.tasks.popleft()
                child.held -= len(task.source)
                yield Answer(task.tag, frame, by=child.process.pid)
            child.ready = True

    def _bury(self, child: Child, why: str, waiting: Waiting) -> Iterator[Answer]:
        """End a child, fail the file it was at, give back the rest, start another in its place."""
        self._children.remove(child)
        if not why:  # its pipe is at its end: let it finish dying, so that its exit code tells the cause
            child.process.ended(DYING)
        self._end(child)
        why = why or self._cause(child)
        if not child.ready:
            raise BrokenWorker(f"a worker process cannot start: {why}")
        if child.tasks:
            yield Answer(child.tasks.popleft().tag, failure=why)
        waiting.give_back(child.tasks)
        self._spawn()

    def _end(self, child: Child) -> None:
        process = child.process
        process.end()
        child.errors = (child.errors + read(process.stderr, CHUNK))[-KEPT_ERRORS:]
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream in self._selector.get_map():
                self._selector.unregister(stream)
        process.close()

    def _cause(self, child: Child) -> str:
        """Why it died, in words for the user: from its last words and how it ended."""
        code = child.process.code or 0
        lines = child.errors.decode("utf-8", "replace").strip().splitlines()
        last = lines[-1].strip() if lines else ""
        starved = (
            code < 0 and child.process.peak > self._memory // 2
        )  # much C code dies of a failed allocation
        if (
            starved
            or last.startswith("MemoryError")
            or "memory allocation" in last
            or "failed to allocate" in last
        ):
            return f"ran out of memory ({self._memory} MiB)"
        if last.startswith("RecursionError"):
            return "nested too deeply"
        if code < 0:
            name = signal.Signals(-code).name
            if name == "SIGXCPU":
                return f"took longer than {self._limit:.0f} s"
            return f"the process that read it was ended by {name}{GUESSES.get(name, '')}"
        return f"an error in repairbot itself: {last or f'exit code {code}'}{_place(lines)}"


def _place(lines: list[str]) -> str:
    """Where a traceback ends, as " (file.py:12)"."""
    for line in reversed(lines):
        head, found, tail = line.strip().partition('", line ')
        if found and head.startswith('File "'):
            return f" ({os.path.basename(head[6:])}:{tail.partition(',')[0]})"
    return ""


def processors() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
