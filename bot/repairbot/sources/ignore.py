"""Patterns as in .gitignore. The library is imported only where there are patterns."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

Matcher = Callable[[str], bool | None]
"""True: matched; False: taken out again by a later `!` pattern; None: no pattern speaks of it."""


def matcher(patterns: Sequence[str]) -> Matcher | None:
    """What these patterns say of a path (relative, with `/`; a folder ends in `/`). None without patterns."""
    if not patterns:
        return None
    from pathspec import GitIgnoreSpec

    spec = GitIgnoreSpec.from_lines(patterns)
    return lambda path: spec.check_file(path).include


def ignore_file(folder: str) -> Matcher | None:
    """What the .gitignore in this folder ignores, by paths relative to it; None where there is none."""
    try:
        with open(os.path.join(folder, ".gitignore"), encoding="utf-8", errors="replace") as file:
            return matcher(file.read().splitlines())
    except OSError:
        return None
