"""The Action's own steps, run by bash with GitHub's variables and files, against the rig."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from repairbot.github.artifact import MEMBER, NAME
from repairbot.github.model import BODY_LIMIT
from tests.github.reviewing import NUMBER, Desk, leaks, opened
from tests.github.rig.server import Rig
from tests.github.rig.state import AUTHOR, VISITOR, Artifact
from tests.github.runner import Ran, Runner, finished, pulled, rights, said

BASE = {"a.py": "x = 1\n"}
CHOICE = """\
import functools


class Client:
    @functools.lru_cache(maxsize=None)
    def fetch(self, key):
        return key
"""
"""A leak whose only repair is a bound that nothing in the code names."""
HEAD = {"a.py": leaks("one", "two"), "b.py": leaks("three")}


@pytest.fixture
def desk(rig: Rig, tmp_path: Path) -> Desk:
    """A pull request that brings three leaks in."""
    return opened(rig, tmp_path, BASE, HEAD)


def runner(desk: Desk, tmp_path: Path, workflow: str = "review.yml", **permissions: Any) -> Runner:
    """A runner whose token has the rights of a workflow, or these."""
    token = desk.rig.token("ghs_run", **(permissions or rights(workflow)))
    return Runner(desk.rig, tmp_path / "runner", token)


def reviewed(desk: Desk, tmp_path: Path, **inputs: str) -> Ran:
    return runner(desk, tmp_path).run("pull_request", pulled(desk.rig, NUMBER), **inputs)


def test_a_pull_request_is_reviewed(desk: Desk, tmp_path: Path) -> None:
    ran = reviewed(desk, tmp_path)
    assert ran.code == 0, ran.log
    assert len(desk.open()) == 3
    assert len(desk.reports()) == 1
    assert ran.outputs == {
        "findings": "3",
        "fixes": "3",
        "skipped": "",
        "report": ran.outputs["report"],
        "sarif": "",
    }
    assert "Leak audit" in Path(ran.outputs["report"]).read_text()
    assert "3 repaired" in ran.summary or "3" in ran.summary
    assert "::error" not in ran.log  # what the comments and the check run say is not said twice
    assert set(ran.uses) == {"actions/setup-python"}
    again = reviewed(desk, tmp_path)
    assert "nothing to post" in again.log
    assert len(desk.open()) == 3


def test_fail_on_fails_the_step_and_the_check(desk: Desk, tmp_path: Path) -> None:
    ran = reviewed(desk, tmp_path, fail_on="low")
    assert ran.code == 1
    assert desk.rig.state.checks[-1].conclusion == "failure"
    assert ran.outputs["findings"] == "3"


def test_max_comments_limits_them(desk: Desk, tmp_path: Path) -> None:
    assert reviewed(desk, tmp_path, max_comments="1").code == 0
    assert len(desk.open()) == 1


def test_sarif_is_left_for_the_upload(desk: Desk, tmp_path: Path) -> None:
    ran = reviewed(desk, tmp_path, sarif="true")
    given = ran.uses["github/codeql-action/upload-sarif"]
    assert len(json.loads(Path(given["sarif_file"]).read_text())["runs"][0]["results"]) == 3
    assert given["sha"] == desk.pull.head
    assert given["ref"] == f"refs/pull/{NUMBER}/head"


def test_report_mode_posts_nothing_and_says_everything(desk: Desk, tmp_path: Path) -> None:
    ran = reviewed(desk, tmp_path, mode="report")
    assert ran.code == 0, ran.log
    assert desk.rig.writes() == []
    assert ran.log.count("\n::warning ") + ran.log.count("\n::error ") + ran.log.count("\n::notice file") == 3
    assert "posts nothing" in ran.summary
    assert "with open(path)" in ran.summary


def test_a_choice_is_shown_only_where_it_is_wanted(rig: Rig, tmp_path: Path) -> None:
    desk = opened(rig, tmp_path, BASE, {"c.py": CHOICE})
    ran = reviewed(desk, tmp_path, mode="report", unsafe_fixes="false")
    with_choices = reviewed(desk, tmp_path, mode="report")
    assert ran.outputs["findings"] == with_choices.outputs["findings"] == "1"
    assert (ran.outputs["fixes"], with_choices.outputs["fixes"]) == ("0", "1")


@pytest.mark.parametrize(
    ("inputs", "why"),
    [
        ({"mode": "loud"}, "input mode must be one of auto, report"),
        ({"max_comments": "31"}, "input max-comments must be a whole number from 0 to 30"),
        ({"max_comments": "1\n::set-env name=X::y"}, "input max-comments"),
        ({"fail_on": "all"}, "input fail-on must be one of"),
        ({"unsafe_fixes": "yes"}, "input unsafe-fixes must be one of true, false"),
        ({"pull_request": "-1"}, "input pull-request"),
    ],
)
def test_a_wrong_input_is_named(desk: Desk, tmp_path: Path, inputs: dict[str, str], why: str) -> None:
    ran = reviewed(desk, tmp_path, **inputs)
    assert ran.code == 2
    assert why in ran.log
    assert "\n::set-env" not in ran.log
    assert desk.rig.log == []


@pytest.mark.parametrize(
    ("change", "why"),
    [({"draft": True}, "draft"), ({"labels": ["repairbot: off"]}, "label"), ({"state": "closed"}, "closed")],
)
def test_what_is_skipped_says_why(desk: Desk, tmp_path: Path, change: dict[str, Any], why: str) -> None:
    for name, value in change.items():
        setattr(desk.pull, name, value)
    ran = reviewed(desk, tmp_path)
    assert ran.code == 0, ran.log
    assert why in ran.outputs["skipped"]
    assert why in ran.summary
    assert desk.ours() == []


def stranger(rig: Rig, tmp_path: Path) -> Desk:
    """A pull request from a fork, by somebody without rights."""
    git = rig.state.repository
    git.commit("main", {"README.md": "leaky\n", **BASE})
    git.commit("topic", dict(HEAD), git.tip("main"))
    rig.state.open(NUMBER, "topic", account=VISITOR, fork="hubot/leaky")
    return Desk(rig, tmp_path / "cache")


READ: dict[str, Any] = {"contents": "read", "pull_requests": "read", "checks": "read", "issues": "read"}


def packed(path: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as held:
        held.write(path, Path(path).name)
    return content.getvalue()


def test_a_fork_is_looked_at_without_rights_and_posted_by_the_second_workflow(
    rig: Rig, tmp_path: Path
) -> None:
    desk = stranger(rig, tmp_path)
    ran = runner(desk, tmp_path, **READ).run("pull_request", pulled(rig, NUMBER))
    assert ran.code == 0, ran.log
    assert rig.writes() == []
    assert "may only read" in ran.log
    assert "may only read" in ran.summary
    assert "with open(path)" in ran.summary
    assert ran.log.count(" file=") == 3
    upload = ran.uses["actions/upload-artifact"]
    assert upload["name"] == NAME
    assert Path(upload["path"]).name == MEMBER

    rig.state.artifacts.append(Artifact(1, 99, NAME, packed(upload["path"])))
    posted = runner(desk, tmp_path, "review-forks.yml").run("workflow_run", finished(rig, NUMBER, 99))
    assert posted.code == 0, posted.log
    assert len(desk.open()) == 3
    assert posted.outputs["findings"] == "3"
    assert all(desk.suggested(each.comments[0]) for each in desk.open())


def test_a_clean_fork_is_told_nothing_but_that(rig: Rig, tmp_path: Path) -> None:
    desk = stranger(rig, tmp_path)
    desk.push(a__py="x = 2\n", b__py="y = 3\n")
    ran = runner(desk, tmp_path, **READ).run("pull_request", pulled(rig, NUMBER))
    assert ran.code == 0, ran.log
    assert ran.outputs["findings"] == "0"
    assert "not posted" not in ran.log.lower() + ran.summary.lower()
    assert "no leaks" in ran.summary


def test_annotations_keep_to_what_github_shows_of_a_step(rig: Rig, tmp_path: Path) -> None:
    desk = stranger(rig, tmp_path)
    desk.push(many__py=leaks(*(f"f{number}" for number in range(25))))
    ran = runner(desk, tmp_path, **READ).run("pull_request", pulled(rig, NUMBER))
    assert ran.outputs["findings"] == "28"
    assert [ran.log.count(f"::{kind}") for kind in ("error", "notice")] == [0, 0]
    assert ran.log.count("::warning") == 10
    assert "19 more leaks of severity medium" in ran.log


def left(desk: Desk, **other: object) -> bytes:
    """What a hostile run may leave: an honest-looking document with some keys changed."""
    document = {
        "version": 1,
        "repository": "octo/leaky",
        "number": NUMBER,
        "head": desk.pull.head,
        "files": {"a.py": "reported", "b.py": "reported"},
    }
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as held:
        held.writestr(MEMBER, json.dumps(document | other))
    return packed.getvalue()


def posted(desk: Desk, tmp_path: Path, content: bytes) -> Ran:
    desk.rig.state.artifacts.append(Artifact(2, 99, NAME, content))
    return runner(desk, tmp_path, "review-forks.yml").run("workflow_run", finished(desk.rig, NUMBER, 99))


@pytest.mark.parametrize(
    ("other", "why"),
    [
        ({"number": 8}, "a pull request that the run was not for"),
        ({"repository": "octo/other"}, "another pull request"),
        ({"head": "b" * 40}, "another head"),
        ({"files": {"../../.github/workflows/ci.yml": "reported"}}, "paths inside the repository"),
        ({"files": {"setup.py": "reported"}}, "none that the pull request changes"),
        ({"files": {"a.py": "<img src=x>"}}, "paths inside the repository"),
        ({"comments": ["::error::x"]}, "these keys and no others"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_hostile_artifact_posts_nothing(
    rig: Rig, tmp_path: Path, other: dict[str, object], why: str
) -> None:
    desk = stranger(rig, tmp_path)
    ran = posted(desk, tmp_path, left(desk, **other))
    assert ran.code == 3
    assert why in ran.log
    assert rig.writes() == []


def test_lies_of_an_artifact_hide_leaks_at_most(rig: Rig, tmp_path: Path) -> None:
    desk = stranger(rig, tmp_path)
    rig.state.repository.commit("topic", {"fine.py": "x = 1\n", "odd.py": leaks("four")})
    rig.state.push(NUMBER)
    ran = posted(
        desk, tmp_path, left(desk, files={"a.py": "clean", "b.py": "reported", "fine.py": "reported"})
    )
    assert ran.code == 0, ran.log
    assert [each.path for thread in desk.open() for each in thread.comments] == ["b.py"]
    report = Path(ran.outputs["report"]).read_text()
    assert "1 of 2 files that were said to leak do not" in report
    assert "did not say how it ended" in report  # odd.py


def test_a_run_whose_head_is_old_posts_nothing(rig: Rig, tmp_path: Path) -> None:
    desk = stranger(rig, tmp_path)
    old = finished(rig, NUMBER, 99)
    rig.state.artifacts.append(Artifact(2, 99, NAME, left(desk)))
    desk.push(a__py=leaks("five"))
    ran = runner(desk, tmp_path, "review-forks.yml").run("workflow_run", old)
    assert (ran.code, rig.writes()) == (0, [])
    assert "no open pull request has the head" in ran.log


def test_a_run_that_left_nothing_is_no_trouble(rig: Rig, tmp_path: Path) -> None:
    desk = stranger(rig, tmp_path)
    ran = runner(desk, tmp_path, "review-forks.yml").run("workflow_run", finished(rig, NUMBER, 99))
    assert (ran.code, rig.writes()) == (0, [])
    assert "left nothing" in ran.outputs["skipped"]


def test_the_branch_is_audited_and_one_issue_kept(rig: Rig, tmp_path: Path) -> None:
    desk = opened(rig, tmp_path, {"a.py": leaks("one"), "sub/b.py": leaks("two")}, {"c.py": "x = 1\n"})
    job = runner(desk, tmp_path, "audit.yml")
    ran = job.run("schedule", {"schedule": "0 0 * * 0"})
    assert ran.code == 0, ran.log
    assert ran.outputs["findings"] == "2"
    (issue,) = rig.state.issues.values()
    assert issue.title == "Leaks on main"
    assert "sub/b.py" in issue.body
    assert rig.state.pulls[NUMBER].threads == []
    rig.state.repository.commit("main", {"a.py": "x = 1\n", "sub/b.py": leaks("two", fixed="two")})
    assert job.run("workflow_dispatch", {}).code == 0
    assert issue.state == "closed"
    assert len(rig.state.issues) == 1


@pytest.mark.slow
def test_an_issue_about_many_leaks_keeps_below_the_limit(rig: Rig, tmp_path: Path) -> None:
    many = {f"m{number}.py": leaks(*(f"name_{number}_{each}" for each in range(20))) for number in range(20)}
    desk = opened(rig, tmp_path, many, {"c.py": "x = 1\n"})
    ran = runner(desk, tmp_path, "audit.yml").run("schedule", {})
    assert ran.code == 0, ran.log
    assert ran.outputs["findings"] == "400"
    (issue,) = rig.state.issues.values()
    assert 10_000 < len(issue.body) <= BODY_LIMIT
    assert "Left out to stay below" in issue.body


def test_a_command_is_done(desk: Desk, tmp_path: Path) -> None:
    ran = runner(desk, tmp_path, "review-commands.yml").run(*said(desk.rig, NUMBER, "/repairbot fix", AUTHOR))
    assert ran.code == 0, ran.log
    assert desk.rig.state.repository.show(desk.pull.head, "b.py") == leaks("three", fixed="three").encode()
    assert [each.content for each in desk.rig.state.comments[0].reactions] == ["eyes", "+1"]


def test_an_event_about_nothing_is_passed_over(desk: Desk, tmp_path: Path) -> None:
    ran = runner(desk, tmp_path).run("watch", {"action": "started"})
    assert (ran.code, desk.rig.log) == (0, [])
    assert "no pull request" in ran.outputs["skipped"]


def test_a_pull_request_is_reviewed_by_hand(desk: Desk, tmp_path: Path) -> None:
    ran = runner(desk, tmp_path).run("workflow_dispatch", {}, pull_request=str(NUMBER))
    assert ran.code == 0, ran.log
    assert len(desk.open()) == 3


def test_a_token_without_rights_is_told_what_to_do(desk: Desk, tmp_path: Path) -> None:
    ran = runner(desk, tmp_path, **READ).run("pull_request", pulled(desk.rig, NUMBER))
    assert ran.code == 0, ran.log
    assert "not posted: no comments" in ran.log
    assert "not posted: no check run" in ran.log
    assert ran.log.count(" file=") == 3


@pytest.mark.slow
def test_the_install_step_makes_a_command_that_runs(desk: Desk, tmp_path: Path) -> None:
    job = Runner(desk.rig, tmp_path / "runner", desk.rig.token("ghs_run"), installed=False)
    workspace = tmp_path / "runner" / "workspace"
    workspace.mkdir(parents=True)
    for name in ("venv", "pip", "repairbot", "github"):  # what a stranger's checkout may hold
        (workspace / f"{name}.py").write_text("raise SystemExit('the stranger was run')\n")
    ran = job.run("pull_request", pulled(desk.rig, NUMBER))
    assert ran.code == 0, ran.log
    assert len(desk.open()) == 3
    assert "stranger" not in ran.log
