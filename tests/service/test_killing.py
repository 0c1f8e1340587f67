"""kill -9 at random moments, small: what `python -m tests.service.killing` does 200 times over 500 deliveries."""

from __future__ import annotations

import pytest

from tests.service.killing import Backend, run


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.needs("initdb", "pg_ctl")
@pytest.mark.parametrize(("backend", "workers"), [("sqlite", 1), ("postgresql", 3)])
def test_nothing_is_lost_and_nothing_comes_twice(backend: Backend, workers: int) -> None:
    came = run(backend, kills=4, deliveries=12, workers=workers, seed=7, spread=1.5)
    assert came.kills.total() == 4
    assert (came.wrong, came.violations, came.shelf) == ({}, [], 0)
