"""The rig itself: it refuses what GitHub refuses, and judges what it is asked."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

import pytest

from tests.github.rig.server import API, GRAPHQL, Rig

PATH = f"{API}/repos/octo/leaky"
LINES = [f"X = {number}\n" for number in range(1, 41)]


def ask(rig: Rig, method: str, path: str, body: Any = None, token: str = "") -> tuple[int, Any]:
    """One request; the status and the answer."""
    request = urllib.request.Request(
        rig.url + path,
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {token or rig.token()}"},
    )
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, json.loads(answer.read() or b"null")
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


@pytest.fixture
def pull(rig: Rig) -> str:
    """A pull request that changes lines 3 and 30 of a.py; the path of its reviews."""
    git = rig.state.repository
    git.commit("main", {"a.py": "".join(LINES)})
    changed = [*LINES]
    changed[2], changed[29] = "Y = 3\n", "Y = 30\n"
    git.commit("topic", {"a.py": "".join(changed)}, git.tip("main"))
    rig.state.open(7, "topic")
    return f"{PATH}/pulls/7/reviews"


def comment(**more: Any) -> dict[str, Any]:
    return {"path": "a.py", "body": "Hm.", "side": "RIGHT", **more}


@pytest.mark.parametrize(
    ("wanted", "status", "says"),
    [
        (comment(line=3), 200, ""),
        (comment(line=5, start_line=2, start_side="RIGHT"), 200, ""),
        (comment(line=3, side="LEFT"), 200, ""),
        (comment(line=15), 422, "Line could not be resolved"),
        (comment(line=3, path="b.py"), 422, "Path could not be resolved"),
        (comment(line=30, start_line=3, start_side="RIGHT"), 422, "must be part of the same hunk"),
        (comment(line=3, start_line=3, start_side="RIGHT"), 422, "must precede"),
        (comment(line=3, body="x" * 65_537), 422, "too long"),
    ],
)
def test_where_a_comment_may_stand(rig: Rig, pull: str, wanted: Any, status: int, says: str) -> None:
    head = rig.state.pulls[7].head
    body = {"commit_id": head, "event": "COMMENT", "body": "", "comments": [wanted]}
    answered, answer = ask(rig, "POST", pull, body)
    assert answered == status
    assert says in json.dumps(answer)
    assert len(rig.state.pulls[7].threads) == (status == 200)


def test_more_than_thirty_comments_are_too_many(rig: Rig, pull: str) -> None:
    head = rig.state.pulls[7].head
    body = {"commit_id": head, "event": "COMMENT", "comments": [comment(line=3)] * 31}
    assert ask(rig, "POST", pull, body)[0] == 502


def test_a_thread_moves_with_its_line_and_is_outdated_without_it(rig: Rig, pull: str) -> None:
    head = rig.state.pulls[7].head
    ask(rig, "POST", pull, {"commit_id": head, "event": "COMMENT", "comments": [comment(line=3)]})
    (thread,) = rig.state.pulls[7].threads
    git = rig.state.repository
    moved = ["# new\n", *LINES[:2], "Y = 3\n", *LINES[3:]]
    git.commit("topic", {"a.py": "".join(moved)})
    rig.state.push(7)
    assert thread.line == 4
    git.commit("topic", {"a.py": "".join(moved).replace("Y = 3\n", "Z = 3\n")})
    rig.state.push(7)
    assert thread.line is None


def test_requests_that_github_does_not_know_are_noted(rig: Rig, pull: str) -> None:
    wrong = [
        ("POST", pull, {"commit_id": "x", "event": "COMMENT", "comments": [comment(line=3, side="RIGHTS")]}),
        ("POST", pull, {"commit_id": "x", "event": "COMMENT", "colour": "red"}),
        ("POST", f"{PATH}/check-runs", {"name": "x", "head_sha": "y", "status": "completed"}),
        ("GET", f"{PATH}/pulls/7/files?pages=2", None),
        ("GET", f"{PATH}/pulls/7/filez", None),
        ("POST", GRAPHQL, {"query": "query { viewer { logins } }"}),
    ]
    for method, path, body in wrong:
        before = len(rig.violations)
        ask(rig, method, path, body)
        assert len(rig.violations) > before, path
    rig.violations.clear()
