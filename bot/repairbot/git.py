"""Git as a child process, told to run nothing that a repository brings with it.

No hook, no file system monitor, no text conversion, no external diff, no fetching of absent objects.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence

from repairbot.sources import SourceError

SAFE = (
    *("-c", "core.fsmonitor=false"),
    *("-c", f"core.hooksPath={os.devnull}"),
    *("-c", "core.pager=cat"),
    *("-c", "safe.bareRepository=explicit"),
)
"""What a repository may bring and git would run: a bare repository inside a checkout brings its own settings."""

ENVIRONMENT = {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "GIT_NO_LAZY_FETCH": "1", "LC_ALL": "C"}


def command(root: str, arguments: Sequence[str]) -> list[str]:
    """The full command line for git in `root`."""
    return ["git", "--no-pager", *SAFE, "-C", root, *arguments]


def environment() -> dict[str, str]:
    """This process's environment, without what would point git elsewhere, and without tokens."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE") and not name.endswith("_TOKEN")
    }
    return kept | ENVIRONMENT


def run(
    root: str, *arguments: str, given: bytes = b"", more: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[bytes]:
    """Run git in `root` and wait. `given`: its input; `more`: of its environment. Raises SourceError without a git."""
    try:
        return subprocess.run(
            command(root, arguments),
            capture_output=True,
            env=environment() | dict(more or {}),
            input=given,
            check=False,
        )
    except FileNotFoundError:
        raise SourceError("git is not installed, or not on the PATH") from None


def output(root: str, *arguments: str) -> bytes:
    """What git prints. Raises SourceError with git's own last line when it fails."""
    done = run(root, *arguments)
    if done.returncode:
        raise SourceError(said(done.stderr) or f"git {arguments[0]} failed with exit code {done.returncode}")
    return done.stdout


def said(stderr: bytes) -> str:
    """Git's complaint as one line."""
    lines = stderr.decode("utf-8", "replace").strip().splitlines()
    return lines[0].removeprefix("fatal: ").removeprefix("error: ") if lines else ""


def top_level(start: str) -> str:
    """The folder of the repository that `start` (a folder) lies in; "" when it lies in none."""
    place = start
    while True:
        if os.path.lexists(os.path.join(place, ".git")):
            return place
        above = os.path.dirname(place)
        if above == place:
            return ""
        place = above


def commit(root: str, revision: str) -> str:
    """The full name of the commit that `revision` names. Raises SourceError."""
    if "\0" in revision or revision.startswith("-"):
        raise SourceError(f"unknown revision {revision!r}")
    if not top_level(os.path.abspath(root)):
        what = "" if revision == "HEAD" else f", so {revision!r} names nothing"
        raise SourceError(f"{root} is not in a git repository{what}")
    done = run(root, "rev-parse", "--verify", "--quiet", "--end-of-options", revision + "^{commit}")
    name = done.stdout.decode("ascii", "replace").strip()
    if done.returncode or not (len(name) in (40, 64) and all(c in "0123456789abcdef" for c in name)):
        why = said(done.stderr) or "no such commit here (a shallow clone may lack it: git fetch)"
        raise SourceError(f"unknown revision {revision!r}: {why}")
    return name
