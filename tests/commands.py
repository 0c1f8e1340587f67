"""The installed command as a process of its own, for tests that walk the whole way."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

REPAIRBOT = str(Path(sys.executable).parent / "repairbot")


def environment(folder: Path) -> dict[str, str]:
    """The present environment with a cache of its own beside `folder` and no colour."""
    return {**os.environ, "XDG_CACHE_HOME": str(folder.parent / "cache"), "NO_COLOR": "1"}


def repairbot(folder: Path, *arguments: str, prefix: Sequence[str] = ()) -> subprocess.CompletedProcess[str]:
    """Run the command in `folder`. `prefix`: a command that runs it, such as one that limits it."""
    return subprocess.run(
        [*prefix, REPAIRBOT, *arguments],
        cwd=folder,
        env=environment(folder),
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=100,
    )


def audited(folder: Path, *arguments: str, prefix: Sequence[str] = ()) -> dict[str, Any]:
    """The audit of a folder as JSON."""
    done = repairbot(folder, "audit", "--format", "json", *arguments, prefix=prefix)
    assert done.stdout, done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def unprivileged() -> list[str]:
    """What to put before a command so that file permissions count for it, even for root."""
    if os.geteuid() != 0:
        return []
    setpriv = shutil.which("setpriv")
    assert setpriv, "as root, this test needs setpriv (util-linux)"
    return [setpriv, "--bounding-set=-dac_override,-dac_read_search"]
