"""Pull requests on the rig, each with one leak, and what stands on them afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tests.github.reviewing import leaks
from tests.github.rig.server import Rig

REPO = "octo/leaky"


def pull(rig: Rig, number: int) -> str:
    """Open a pull request with one leak; its head."""
    git = rig.state.repository
    if not git.tip("main"):
        git.commit("main", {"README.md": "leaky\n"})
    branch = f"topic-{number}"
    head = git.commit(branch, {f"store_{number}.py": leaks(f"first_{number}")}, git.tip("main"))
    rig.state.open(number, branch)
    return head


@dataclass(frozen=True, slots=True)
class Count:
    """What the App posted on one pull request."""

    reviews: int
    comments: int
    reports: int
    checks: int


ONE = Count(1, 1, 1, 1)


def counted(rig: Rig, number: int) -> Count:
    """What stands on a pull request."""
    held = rig.state.pulls[number]
    return Count(
        sum(each.account.bot for each in held.reviews),
        sum(each.account.bot for thread in held.threads for each in thread.comments),
        sum(each.account.bot for each in rig.state.comments_of(number)),
        sum(each.head_sha == held.head and each.status == "completed" for each in rig.state.checks),
    )


def done(rig: Rig, numbers: Sequence[int]) -> bool:
    """Whether each has a check run, which is the last thing that a review posts."""
    heads = {each.head_sha for each in rig.state.checks if each.status == "completed"}
    return all(rig.state.pulls[number].head in heads for number in numbers)
