"""Settings of all tests: properties have no deadline of their own, since machines differ; pytest-timeout has one.

The slow tests come first, so that at the end no processor waits for one of them.
"""

import os
import sys
from pathlib import Path

import pytest
from hypothesis import settings

from repairbot.pool import processors
from tests import tools

settings.register_profile("repairbot", deadline=None)
settings.load_profile("repairbot")
tools.bring_node()
# Hundreds of processes of ours are started: each would compile all its modules anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
# What Zig's compiler makes for every program of a machine, seconds of work, is made once.
os.environ.setdefault("ZIG_GLOBAL_CACHE_DIR", str(Path(__file__).parents[1] / ".cache" / "zig"))


def pytest_xdist_auto_num_workers() -> int:
    """`-n auto`: one more than there are processors, for many tests wait for processes and moments."""
    return processors() + 1


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The slow tests first; otherwise as they stand."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip, by name, what this machine has no program for; on CI that is a failure."""
    for mark in item.iter_markers("needs"):
        missing = [tool for tool in mark.args if tools.find(tool) is None]
        if missing:
            pytest.skip(f"needs {', '.join(missing)} (.ci/run installs it)")
