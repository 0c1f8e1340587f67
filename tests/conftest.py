"""Settings of all tests: properties have no deadline of their own, since machines differ; pytest-timeout has one."""

import pytest
from hypothesis import settings

from tests import tools

settings.register_profile("repairbot", deadline=None)
settings.load_profile("repairbot")
tools.bring_node()


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip, by name, what this machine has no program for; on CI that is a failure."""
    for mark in item.iter_markers("needs"):
        missing = [tool for tool in mark.args if tools.find(tool) is None]
        if missing:
            pytest.skip(f"needs {', '.join(missing)} (.ci/run installs it)")
