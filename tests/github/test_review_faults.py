"""500 reviews with random faults at random requests, each run again without: nothing twice, nothing lost."""

from __future__ import annotations

import copy
from collections import Counter
from pathlib import Path

import pytest

from repairbot.github.errors import GitHubError
from tests.github.reviewing import Desk, keep, leaks, opened
from tests.github.rig.faults import at_random
from tests.github.rig.server import Rig, no_fault
from tests.github.rig.state import State

ROUNDS, EACH = 10, 50
CHECKED = (
    leaks("one", "two", fixed="one"),
    leaks("one", "two", fixed="two"),
    leaks("three", fixed="three"),
    leaks("four", fixed="four"),
)
"""What the files are with one suggestion applied."""


@pytest.fixture
def desk(rig: Rig, tmp_path: Path) -> Desk:
    """A pull request with three leaks in two files, of which a push repairs one and adds another."""
    return opened(rig, tmp_path, {}, {"a.py": leaks("one", "two"), "b.py": leaks("three")})


def places(desk: Desk) -> Counter[tuple[str, int]]:
    """Where comments of ours stand that nobody resolved."""
    return Counter((each.comments[0].path, each.comments[0].line) for each in desk.open())


@pytest.mark.slow
@pytest.mark.parametrize("part", range(ROUNDS))
def test_after_any_faults_a_second_run_leaves_what_one_good_run_leaves(desk: Desk, part: int) -> None:
    rig = desk.rig
    if part % 2:
        desk.publish()
        desk.push(a__py=leaks("one", "two", fixed="one"), c__py=leaks("four"))
    start = copy.deepcopy({name: getattr(rig.state, name) for name in ("pulls", "comments", "checks")})

    def again(state: State) -> None:
        for name, held in copy.deepcopy(start).items():
            setattr(state, name, held)

    desk.publish()
    good, threads = places(desk), len(desk.ours())
    assert (sum(good.values()), threads) == (3, 4 if part % 2 else 3)
    broken: Counter[str] = Counter()
    spoiled: Counter[str] = Counter()
    for seed in range(part * EACH, (part + 1) * EACH):
        again(rig.state)
        rig.log.clear()
        rig.faults = at_random(0.05 + 0.4 * (seed % 10) / 10, seed)
        try:  # the audit itself asks GitHub for nothing, so it is made anew only now and then
            desk.review() if seed % EACH < 2 else desk.publish()
        except GitHubError as error:
            broken[type(error).__name__] += 1
        spoiled.update(each.fault for each in rig.log if each.fault)
        rig.faults = no_fault
        desk.publish()
        assert places(desk) == good, f"seed {seed}"
        assert (len(desk.ours()), len(desk.reports())) == (threads, 1), f"seed {seed}"
        assert rig.state.checks[-1].status == "completed"
        for thread in desk.ours():
            assert desk.suggested(thread.comments[0]) in CHECKED, f"seed {seed}"
    assert broken, "faults that never break a run show nothing"
    keep(
        f"review-faults-{part}.txt", [f"{EACH} runs", f"spoiled: {dict(spoiled)}", f"cut off: {dict(broken)}"]
    )
