"""The rig for every test here: one judge a session, a fresh GitHub a test, and no request that GitHub refuses."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.github.rig.judge import Judge
from tests.github.rig.repository import Repository
from tests.github.rig.server import Rig, serve
from tests.github.rig.state import State


@pytest.fixture(scope="session")
def judge() -> Judge:
    """GitHub's description of its API, loaded once."""
    return Judge()


@pytest.fixture
def rig(judge: Judge, tmp_path: Path) -> Iterator[Rig]:
    """A GitHub with one empty repository, octo/leaky. At the end no request may have been a wrong one."""
    with serve(State(Repository(tmp_path / "leaky.git")), judge) as running:
        yield running
        assert running.violations == []
