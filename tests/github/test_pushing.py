"""Commits through the Git data API, and the issue that stands for a branch's leaks, against the rig."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from repairbot.github import standing
from repairbot.github.errors import Denied, GitHubError, HeadMoved
from repairbot.github.pushing import push
from repairbot.github.transport import Site, Transport
from tests.github.rig.faults import Lose, Then, on
from tests.github.rig.judge import Judge
from tests.github.rig.repository import Content, Repository
from tests.github.rig.server import Rig, serve
from tests.github.rig.state import BOT, VISITOR, Issue, State

FILES: dict[str, Content | tuple[str, str]] = {
    "a.py": "one\n",
    "deep/er/b.py": "two\n",
    "run.sh": ("100755", "#!/bin/sh\n"),
    "link": ("120000", "a.py"),
}


@pytest.fixture
def rig(tmp_path: Path, judge: Judge) -> Iterator[Rig]:
    repository = Repository(tmp_path / "leaky.git")
    repository.commit("main", FILES)
    with serve(State(repository), judge) as running:
        yield running
        assert running.violations == []


class Still:
    """A clock that never waits."""

    def __init__(self) -> None:
        self.slept = 0.0

    def now(self) -> float:
        return self.slept

    wall = now

    def sleep(self, seconds: float) -> None:
        self.slept += seconds


def door(rig: Rig, **permissions: Any) -> Transport:
    token = rig.token(**permissions)
    return Transport(token, Site.of(rig.environment(token)), clock=Still())


def test_a_commit_is_built_on_the_head_and_keeps_modes(rig: Rig) -> None:
    git = rig.state.repository
    head = git.tip("main")
    new = push(
        door(rig),
        "octo/leaky",
        "main",
        head,
        {"run.sh": b"#!/bin/sh\ntrue\n", "deep/er/b.py": b"2\r\n\xff"},
        "Repair",
    )
    assert git.tip("main") == new
    assert git.parents(new) == [head]
    assert git.show(new, "deep/er/b.py") == b"2\r\n\xff"
    assert git.show(new, "a.py") == b"one\n"
    assert b"100755" in git.git("ls-tree", new, "run.sh")
    assert all(each.body.get("force") is False for each in rig.log if each.method == "PATCH")


@pytest.mark.parametrize("path", ["link", "none.py", "deep", "a.py/b", "deep/none/x.py"])
def test_only_files_of_the_head_are_written(rig: Rig, path: str) -> None:
    head = rig.state.repository.tip("main")
    with pytest.raises(GitHubError, match="no file of the head"):
        push(door(rig), "octo/leaky", "main", head, {path: b"x"}, "Repair")
    assert rig.state.repository.tip("main") == head


@pytest.mark.parametrize("moment", ["before", "at the last moment", "set back"])
def test_a_branch_that_moved_is_left_alone(rig: Rig, moment: str) -> None:
    git = rig.state.repository
    old = git.tip("main")
    head = git.commit("main", {"a.py": "newer\n"})
    moved: list[str] = []

    def move() -> None:
        if moment == "set back":
            git.move("main", old)
            moved.append(old)
        else:
            moved.append(git.commit("main", {"a.py": "newest\n"}))

    if moment == "before":
        move()
    elif moment == "set back":  # a commit on it would be a fast-forward, and bring back what was taken away
        rig.faults = lambda _, method, path: (
            Then(move) if path.endswith("/git/commits") and method == "POST" else None
        )
    else:
        rig.faults = lambda _, method, path: Then(move) if method == "PATCH" else None
    with pytest.raises(HeadMoved):
        push(door(rig), "octo/leaky", "main", head, {"a.py": b"repaired\n"}, "Repair")
    assert [git.tip("main")] == moved[-1:]


def test_a_lost_answer_makes_no_second_commit(rig: Rig) -> None:
    git = rig.state.repository
    head = git.tip("main")
    rig.faults = on("PATCH", "/main", Lose(502))
    new = push(door(rig), "octo/leaky", "main", head, {"a.py": b"repaired\n"}, "Repair")
    assert git.tip("main") == new
    assert git.parents(new) == [head]


@pytest.mark.parametrize(
    ("repo", "permissions"), [("octo/leaky", {"contents": "read"}), ("stranger/leaky", {})]
)
def test_without_the_right_to_push_it_says_so(rig: Rig, repo: str, permissions: dict[str, str]) -> None:
    head = rig.state.repository.tip("main")
    with pytest.raises((Denied, GitHubError)):
        push(door(rig, **permissions), repo, "main", head, {"a.py": b"x"}, "Repair")


def issues(rig: Rig) -> list[tuple[str, str]]:
    return [(each.state, each.body) for each in rig.state.issues.values()]


def test_one_issue_is_made_edited_closed_and_opened_again(rig: Rig) -> None:
    github = door(rig)

    def keep(body: str, state: str) -> str:
        return standing.keep(github, "octo/leaky", "Leaks on main", body, state)  # type: ignore[arg-type]

    assert keep("nothing", "clean") == "nothing"
    assert issues(rig) == []
    assert keep("two leaks", "leaks") == "made"
    before = len(rig.writes())
    assert keep("two leaks", "leaks") == "left"
    assert len(rig.writes()) == before
    assert keep("one leak", "leaks") == "edited"
    assert keep("some failed", "unsure") == "edited"
    assert keep("clean", "clean") == "closed"
    assert keep("clean again", "clean") == "nothing"
    assert keep("clean again", "unsure") == "nothing"
    assert keep("a new leak", "leaks") == "reopened"
    assert [(state, body.split("\n")[0]) for state, body in issues(rig)] == [("open", "a new leak")]


def test_an_issue_of_somebody_else_with_our_mark_is_left_alone(rig: Rig) -> None:
    planted = Issue(50, VISITOR, "Leaks", f"planted\n\n{standing.MARK}\n")
    quoting = Issue(51, BOT, "Another", f"{standing.MARK}\nours, but not this one\n")
    rig.state.issues |= {50: planted, 51: quoting}
    assert standing.keep(door(rig), "octo/leaky", "Leaks on main", "one", "leaks") == "made"
    assert planted.body.startswith("planted")
    assert len(rig.state.issues) == 3


def test_a_lost_answer_makes_no_second_issue(rig: Rig) -> None:
    rig.faults = on("POST", "/issues", Lose(502))
    assert standing.keep(door(rig), "octo/leaky", "Leaks on main", "one", "leaks") == "made"
    assert len(rig.state.issues) == 1
