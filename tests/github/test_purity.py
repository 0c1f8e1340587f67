"""Planning needs no network, no git and no PyGithub: they are not even imported."""

from __future__ import annotations

import subprocess
import sys


def test_planning_imports_neither_pygithub_nor_git_nor_a_network() -> None:
    code = "import sys, repairbot.github.plan, repairbot.github.dryrun; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert "repairbot" in loaded
    assert loaded & {"github", "git", "requests", "urllib3", "libcst", "tree_sitter"} == set()
