"""Room for jobs: where memory is short, one review at a time with one child, and the log says so."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import psutil

_LOG: Final = logging.getLogger(__name__)
SHORT: Final = 400 << 20
"""Bytes that are to be free beside a review: it takes 60 to 150 MB and a child for each further 60 files as much."""
_GROUP: Final = Path("/sys/fs/cgroup")
_LOOK: Final = 1.0


def free() -> int:
    """Bytes that can still be had, of the machine and of the container. Source: kernel.org, cgroup-v2."""
    most = psutil.virtual_memory().available
    try:
        limit = (_GROUP / "memory.max").read_text().strip()
        if limit != "max":
            used = int((_GROUP / "memory.current").read_text())
            held = dict(line.split() for line in (_GROUP / "memory.stat").read_text().splitlines())
            most = min(most, int(limit) - used + int(held.get("inactive_file", 0)))
    except (OSError, ValueError):
        pass  # no container of this kind
    return most


@dataclass(slots=True)
class Room:
    """The room of one process. `note` hears what is to be known, "" when it is over."""

    note: Callable[[str], None] = lambda _: None
    free: Callable[[], int] = free
    _inside: int = 0
    _short: bool = False
    _changed: threading.Condition = field(default_factory=threading.Condition)

    @contextmanager
    def entered(self) -> Iterator[int]:
        """Wait until there is room for a job. How many processes it may use, 0 for as many as its settings say."""
        with self._changed:
            while self._look() and self._inside:
                self._changed.wait(_LOOK)
            self._inside += 1
            few = int(self._short)
        try:
            yield few
        finally:
            with self._changed:
                self._inside -= 1
                self._changed.notify_all()

    def _look(self) -> bool:
        """Whether memory is short. It is enough again only when there is half as much more, lest it go to and fro."""
        left = self.free()
        short = left < (SHORT * 3 // 2 if self._short else SHORT)
        if short != self._short:
            self._short = short
            words = f"memory is short ({left >> 20:,} MiB free): one review at a time, with one process"
            _LOG.warning(
                "%s", words if short else "there is memory enough again: as many reviews at a time as set"
            )
            self.note(words if short else "")
        return short
