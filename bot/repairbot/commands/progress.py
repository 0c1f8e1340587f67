"""How far a long run is, on a terminal: files, findings, time left. Silent when piped, and for short work."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress as Bar
    from rich.progress import TaskID

PATIENCE = 0.7
"""Seconds of work before anything is shown; what is faster needs no progress (and no rich)."""
PACE = 0.1
"""Seconds between two updates."""


class Progress:
    """Call it with files done, files in all and findings. A context manager: leaving it clears the line."""

    def __init__(self, quiet: bool, plain: bool) -> None:
        self._off = quiet or not sys.stderr.isatty()
        self._plain = plain
        self._next = time.monotonic() + PATIENCE
        self._bar: Bar | None = None
        self._task: TaskID | None = None

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None
    ) -> None:
        self.end()

    def __call__(self, done: int, total: int, findings: int) -> None:
        """Take note; show it when it is time."""
        if self._off or time.monotonic() < self._next:
            return
        self._next = time.monotonic() + PACE
        if self._bar is None:
            self._bar, self._task = self._start(total)
        assert self._task is not None
        words = f"{findings:,} finding{'' if findings == 1 else 's'}"
        self._bar.update(self._task, completed=done, total=total, findings=words)

    def end(self) -> None:
        """Clear the line; nothing is shown any more."""
        self._off = True
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def _start(self, total: int) -> tuple[Bar, TaskID]:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar

        bar = Bar(
            TextColumn("files"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[findings]}"),
            TimeRemainingColumn(),
            console=Console(stderr=True, no_color=self._plain or None),
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        bar.start()
        return bar, bar.add_task("files", total=total, findings="")
