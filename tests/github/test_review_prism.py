"""A review through Prism, which holds requests and answers against GitHub's description."""

from __future__ import annotations

import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.github.reviewing import leaks, opened
from tests.github.rig.prism import proxy
from tests.github.rig.server import API, Rig


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_review_and_a_push_through_prism(rig: Rig, tmp_path: Path) -> None:
    rig.complete = True
    desk = opened(rig, tmp_path, {"old.py": "X = 1\n"}, {"a.py": leaks("one", "two")})
    with proxy(rig.url + API, tmp_path) as address:
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(f"{address}/repos/octo/leaky/commits/x/check-runs?filter=newest")
        assert refused.value.code == 422, "Prism judges"
        desk.api = address
        desk.review()
        assert len(desk.open()) == 2
        desk.push(a__py=leaks("one", "two", fixed="one"), b__py=leaks("three"))
        desk.review()
        assert len(desk.open()) == 2
        rig.log.clear()
        assert desk.review().nothing
    assert len(desk.reports()) == 1
