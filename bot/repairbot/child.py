"""Starting and ending one worker process. Imports next to nothing: the first worker starts before all else.

The child is a fresh interpreter in isolated mode with an empty environment and a session of its own, so that
it inherits no secret, and a Ctrl-C on the terminal reaches the parent alone.
"""

from __future__ import annotations

import os
import sys
import time

BOOT = (
    "import os, sys; os.chdir(os.sep); sys.path[:] = sys.argv[2:]; from repairbot.worker import main; "
    "main(sys.argv[1])"
)
MOST_LISTED = 2000
"""Names that are looked at to tell which kinds of files there are."""
PACE = 0.005


class Process:
    """A running worker. `stdin`, `stdout`, `stderr`: file descriptors of our ends of its pipes, not blocking."""

    __slots__ = ("code", "peak", "pid", "stderr", "stdin", "stdout")

    def __init__(self, kinds: str = "") -> None:
        """`kinds`: what it may be given to read (see `kinds`); it gets ready for that while there is no work yet."""
        taken, self.stdin = os.pipe()
        self.stdout, answers = os.pipe()
        self.stderr, errors = os.pipe()
        self.code: int | None = None
        self.peak = 0
        ends = ((taken, 0), (answers, 1), (errors, 2))
        plain = [] if _hooked() else ["-S"]
        arguments = [sys.executable, "-I", *plain, "-X", "utf8", "-c", BOOT, kinds, *_import_path()]
        self.pid = os.posix_spawn(
            sys.executable,
            arguments,
            {},
            file_actions=[(os.POSIX_SPAWN_DUP2, end, number) for end, number in ends],
            setsid=True,
        )
        for end, _ in ends:
            os.close(end)
        for mine in (self.stdin, self.stdout, self.stderr):
            os.set_blocking(mine, False)

    def ended(self, patience: float = 0.0) -> bool:
        """Whether it has ended (its `code` is known then), waiting for up to `patience` seconds."""
        until = time.monotonic() + patience
        while self.code is None:
            if self._reap(os.WNOHANG):
                return True
            if time.monotonic() >= until:
                return False
            time.sleep(PACE)
        return True

    def end(self) -> None:
        """End it and all that it started, now."""
        if not self.ended():
            import signal  # it takes longer to import than to start a process

            os.killpg(self.pid, signal.SIGKILL)
            self._reap(0)

    def _reap(self, flags: int) -> bool:
        """Take in how it ended: its exit code, and the most memory it held (`peak`, MiB)."""
        pid, status, usage = os.wait4(self.pid, flags)
        if pid:
            self.code = os.waitstatus_to_exitcode(status)
            self.peak = usage.ru_maxrss >> (20 if sys.platform == "darwin" else 10)
        return bool(pid)

    def close(self) -> None:
        """Close our ends of the pipes."""
        for mine in (self.stdin, self.stdout, self.stderr):
            os.close(mine)


def read(descriptor: int, size: int) -> bytes:
    """What is there to read, b"" when nothing is (or ever will be)."""
    try:
        return os.read(descriptor, size)
    except BlockingIOError:
        return b""


def kinds(place: str) -> str:
    """The suffixes of the files in a folder and the folders in it, the most frequent first: ".py,.md"."""
    counts: dict[str, int] = {}
    folders, listed = [place], 0
    for depth, folder in enumerate(folders):
        if listed >= MOST_LISTED:
            break
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    if listed >= MOST_LISTED:
                        break
                    listed += 1
                    if entry.name.startswith("."):
                        continue
                    if not depth and entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
                    else:
                        suffix = os.path.splitext(entry.name)[1]
                        counts[suffix] = counts.get(suffix, 0) + 1
        except OSError:  # the command that is about to run says so
            continue
    return ",".join(sorted(counts, key=lambda suffix: (-counts[suffix], suffix)))


def _hooked() -> bool:
    """Whether more than sys.path says where modules are: then only `site` can set it up in a child as well.

    The finder of setuptools stands in most environments and is for distutils alone.
    """
    usual = {"_frozen_importlib", "_frozen_importlib_external", "_distutils_hack"}
    return any(getattr(finder, "__module__", "") not in usual for finder in sys.meta_path)


def _import_path() -> list[str]:
    """Where children import from: as this process does, but never from the working directory.

    `python -m` and `python -c` put the working directory in front ("" or its path). The same folder further
    behind was put there by the installation: repairbot may well be run from inside site-packages.
    """
    own = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    places = sys.path[1:] if sys.path[:1] == [os.getcwd()] else sys.path
    return list(dict.fromkeys([own, *filter(None, places)]))
