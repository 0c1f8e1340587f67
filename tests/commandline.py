"""The command as a process, and small repositories for it: what the tests of the commands share."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.commands import REPAIRBOT

LEAK = """\
def first_line(path):
    file = open(path)
    line = file.readline()
    return line.strip()
"""
"""A resource that is released on no path; its repair is safe."""
CLEAN = "def double(number):\n    return number * 2\n"


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def report(self) -> dict[str, Any]:
        """The JSON document that was printed."""
        held: dict[str, Any] = json.loads(self.out)
        return held

    @property
    def outcomes(self) -> dict[str, str]:
        """The outcome by path."""
        return {file["path"]: file["outcome"] for file in self.report["files"]}

    @property
    def reasons(self) -> dict[str, str]:
        """The reason by path, where there is one."""
        return {file["path"]: file["reason"] for file in self.report["files"] if file["reason"]}


def environment(folder: Path) -> dict[str, str]:
    """This process's environment, with the user's cache and git identity inside `folder`."""
    name = {"GIT_AUTHOR_NAME": "T", "GIT_AUTHOR_EMAIL": "t@example.org"}
    committer = {
        "GIT_COMMITTER_NAME": "T",
        "GIT_COMMITTER_EMAIL": "t@example.org",
        "GIT_CONFIG_GLOBAL": os.devnull,
    }
    return {**os.environ, "XDG_CACHE_HOME": str(folder / ".cache"), **name, **committer}


def repairbot(folder: Path, *arguments: str, answers: str = "", prefix: Sequence[str] = ()) -> Ran:
    """Run `repairbot ARGUMENTS` in `folder`, with `answers` as its standard input."""
    done = subprocess.run(
        [*prefix, REPAIRBOT, *arguments],
        cwd=folder,
        env=environment(folder),
        input=answers,
        capture_output=True,
        text=True,
        check=False,
    )
    return Ran(done.returncode, done.stdout, done.stderr)


def audited(folder: Path, *arguments: str) -> Ran:
    """`repairbot audit --format json ARGUMENTS` in `folder`."""
    return repairbot(folder, "audit", "--format", "json", *arguments)


def git(folder: Path, *arguments: str) -> str:
    """Run git in `folder`; what it printed."""
    done = subprocess.run(
        ["git", *arguments], cwd=folder, env=environment(folder), capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def committed(folder: Path, **files: str) -> None:
    """Write files (dots in a name are written `__`) and commit everything in a repository in `folder`."""
    if not (folder / ".git").exists():
        git(folder, "init", "-q", "-b", "main")
        (folder / ".git" / "info" / "exclude").write_text(".cache/\n")
    for name, content in files.items():
        (folder / name.replace("__", ".")).write_text(content)
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "a state")
