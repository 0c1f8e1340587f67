"""Two private worktrees of one repository, before and after, that are always removed.

A watcher, a shell in a session of its own, holds the end of a pipe: when this process is gone, however it
went (also by SIGKILL), the watcher ends the command that is running and removes the worktrees.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from repairbot import git
from repairbot.proof import ProofError

BEFORE, AFTER = "before", "after"
LINKED = ("node_modules", ".venv", "venv")
"""Folders of dependencies that git ignores: both sides get a link to the present ones."""

_WATCH = """
trap '' INT TERM HUP
while read -r group; do running=$group; done
[ -n "$running" ] && kill -s KILL -- "-$running" 2>/dev/null
[ -d "$1" ] && rm -rf -- "$1" && git -C "$2" worktree prune
"""


@dataclass(slots=True)
class Worktrees:
    """A context manager: `side(BEFORE)` and `side(AFTER)` are folders that hold their commits."""

    repository: str
    before: str
    after: str
    folder: str = ""
    notes: list[str] = field(default_factory=list)
    _watcher: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        # Resolved: tools print real paths, and traces are read by them.
        self.folder = os.path.realpath(tempfile.mkdtemp(prefix="repairbot-prove-"))
        try:
            self._watcher = subprocess.Popen(
                ["sh", "-c", _WATCH, "sh", self.folder, self.repository],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
            for name, commit in ((BEFORE, self.before), (AFTER, self.after)):
                self._add(name, commit)
            self._link()
        except BaseException:
            self._remove()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None
    ) -> None:
        self._remove()

    def side(self, name: str) -> str:
        """The top folder of one side."""
        return os.path.join(self.folder, name)

    def scratch(self, name: str) -> str:
        """A new empty folder beside the worktrees, removed with them."""
        return tempfile.mkdtemp(prefix=f"{name}-", dir=self.folder)

    def running(self, group: int) -> None:
        """The process group to end should this process be killed; 0 when none is running."""
        if self._watcher is not None and self._watcher.stdin is not None:
            with suppress(BrokenPipeError):
                self._watcher.stdin.write(f"{group or ''}\n".encode())
                self._watcher.stdin.flush()

    def write(self, name: str, contents: Mapping[str, bytes]) -> None:
        """Put files (paths from the repository's top) into one side."""
        for path, content in contents.items():
            with open(os.path.join(self.side(name), path), "wb") as file:
                file.write(content)

    def _add(self, name: str, commit: str) -> None:
        done = git.run(self.repository, "worktree", "add", "--quiet", "--detach", self.side(name), commit)
        if done.returncode:
            raise ProofError(
                f"git could not make a worktree: {git.said(done.stderr)}. Is there room in {self.folder}?"
            )

    def _link(self) -> None:
        for name in LINKED:
            here = os.path.join(self.repository, name)
            if os.path.isdir(here):
                for side in (BEFORE, AFTER):
                    if not os.path.lexists(there := os.path.join(self.side(side), name)):
                        os.symlink(here, there)
                self.notes.append(f"{name} is the present one on both sides")

    def _remove(self) -> None:
        for name in (BEFORE, AFTER):
            if os.path.isdir(self.side(name)):
                git.run(self.repository, "worktree", "remove", "--force", "--force", self.side(name))
        shutil.rmtree(self.folder, ignore_errors=True)
        git.run(self.repository, "worktree", "prune")
        if self._watcher is not None:
            self.running(0)
            assert self._watcher.stdin is not None
            with suppress(BrokenPipeError):
                self._watcher.stdin.close()
            self._watcher.wait()
            self._watcher = None


def commits(repository: str, base: str | None, allow_dirty: bool) -> tuple[str, str]:
    """The commits of the two sides, before any fix goes in. Raises ProofError, SourceError.

    With `base` the first is that revision and the second what stands in the working tree now; else both are
    HEAD, or with `allow_dirty` the working tree.
    """
    if not repository:
        raise ProofError("not in a git repository: prove compares two worktrees. Run `git init` and commit.")
    if git.run(repository, "rev-parse", "--verify", "--quiet", "HEAD").returncode:
        raise ProofError("the repository has no commit yet: commit first, then prove.")
    dirty = bool(git.output(repository, "status", "--porcelain"))
    if dirty and base is None and not allow_dirty:
        raise ProofError(
            "uncommitted changes would be left out: commit or stash them, or take them along with "
            "--allow-dirty (with --base REV they are taken along anyway)."
        )
    now = _snapshot(repository) if dirty else git.commit(repository, "HEAD")
    return (git.commit(repository, base) if base is not None else now), now


def _snapshot(repository: str) -> str:
    """A commit, on no branch, of the working tree with what is untracked; the user's index is not touched."""
    with tempfile.TemporaryDirectory(prefix="repairbot-index-") as folder:
        index = {"GIT_INDEX_FILE": os.path.join(folder, "index")}
        who = {
            f"GIT_{role}_{key}": "repairbot" for role in ("AUTHOR", "COMMITTER") for key in ("NAME", "EMAIL")
        }
        tree = b""
        for arguments in (("read-tree", "HEAD"), ("add", "--all", "."), ("write-tree",)):
            done = git.run(repository, *arguments, more=index)
            if done.returncode:
                raise ProofError(f"git could not take the working tree along: {git.said(done.stderr)}")
            tree = done.stdout.strip()
        done = git.run(
            repository, "commit-tree", tree.decode(), "-p", "HEAD", "-m", "the working tree", more=who
        )
        if done.returncode:
            raise ProofError(f"git could not take the working tree along: {git.said(done.stderr)}")
        return done.stdout.decode().strip()
