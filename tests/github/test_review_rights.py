"""What a token may not do, what GitHub refuses, and a head that moves on: said, and nothing lost."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from repairbot.github import job
from repairbot.github.errors import HeadMoved
from tests.github.reviewing import LEAK, NUMBER, REPO, Desk, leaks, opened
from tests.github.rig.faults import Then, on
from tests.github.rig.server import Rig
from tests.github.rig.state import AUTHOR


@pytest.fixture
def desk(rig: Rig, tmp_path: Path) -> Desk:
    """A pull request with three leaks."""
    return opened(rig, tmp_path, {}, {"a.py": leaks("one", "two"), "b.py": leaks("three")})


def test_a_token_that_may_only_read_leaves_everything_to_annotations_and_the_summary(desk: Desk) -> None:
    desk.token = desk.rig.token("ghs_fork", contents="read", pull_requests="read", checks="read")
    done = desk.review()
    assert desk.rig.writes() == []
    assert [each.partition(":")[0] for each in done.refused] == ["no comments", "no check run"]
    assert len(done.plan.listed) == 3
    assert "not accessible" in done.plan.summary or any("not accessible" in each for each in done.refused)
    assert done.conclusion == "neutral"


def test_without_comments_the_check_run_says_all_of_it(desk: Desk) -> None:
    desk.token = desk.rig.token("ghs_checks", contents="read", pull_requests="read", checks="write")
    done = desk.review()
    (run,) = desk.rig.state.checks
    assert [(each["path"], each["start_line"]) for each in run.annotations] == [
        ("a.py", 2),
        ("a.py", 8),
        ("b.py", 2),
    ]
    assert len(done.refused) == 1
    desk.review()
    assert len(desk.rig.state.checks) == 1, "the same check run is not made again"


def test_without_check_runs_the_comments_stand(desk: Desk) -> None:
    desk.token = desk.rig.token("ghs_nochecks", contents="read", pull_requests="write")
    done = desk.review()
    assert len(desk.open()) == 3
    assert len(desk.reports()) == 1
    assert done.refused[0].startswith("no check run: the token may not")


def test_where_threads_cannot_be_resolved_their_comments_are_folded_and_say_so(desk: Desk) -> None:
    desk.token = desk.rig.token("ghs_pulls", contents="read", pull_requests="write", checks="write")
    desk.review()
    desk.push(b__py=leaks("three", fixed="three"))
    desk.review()
    gone = next(each for each in desk.ours() if each.comments[0].path == "b.py")
    assert gone.resolved_by is None
    assert gone.comments[0].minimized == "RESOLVED"
    assert "finding v1 gone" in gone.comments[0].body
    desk.rig.log.clear()
    desk.review()
    assert desk.rig.writes() == []


def test_one_comment_that_github_refuses_does_not_take_the_others_with_it(desk: Desk) -> None:
    looked = desk.look()
    # GitHub's diff is not the one that was read: one of the files has changed its lines since.
    git = desk.rig.state.repository
    shown = next(each for each in git.diff(looked.look.pull.base, desk.pull.head) if each.path == "b.py")
    assert shown.patch is not None
    place = git.diff(looked.look.pull.base, desk.pull.head)
    place[place.index(shown)] = replace(shown, patch="@@ -0,0 +1 @@\n+def three(path):")
    done = job.publish(desk.client(), looked)
    assert sorted((each.comments[0].path, each.comments[0].line) for each in desk.open()) == [
        ("a.py", 3),
        ("a.py", 9),
    ]
    assert done.refused == ("a comment: Line could not be resolved",)
    assert "b.py" in desk.reports()[0]
    assert any(each.number and "refuse" in each.why for each in done.plan.left_out)


def test_a_head_that_moved_on_stops_the_job_before_it_posts(desk: Desk) -> None:
    looked = desk.look()
    desk.push(c__py=LEAK.format(name="four"))
    with pytest.raises(HeadMoved, match="moved on"):
        job.publish(desk.client(), looked)
    assert desk.rig.writes() == []


def test_a_head_that_moves_between_reading_and_posting(desk: Desk) -> None:
    desk.rig.faults = on("POST", "/graphql", Then(lambda: desk.push(c__py=LEAK.format(name="four"))))
    with pytest.raises(HeadMoved):
        desk.review()
    assert desk.rig.writes() == []
    desk.review()
    assert len(desk.open()) == 4


def test_a_report_that_somebody_deletes_meanwhile_is_made_again(desk: Desk) -> None:
    desk.review()
    desk.push(c__py=LEAK.format(name="four"))
    comments = desk.rig.state.comments
    desk.rig.faults = on("PATCH", str(comments[0].id), Then(comments.clear))
    desk.review()
    assert len(desk.reports()) == 1


def test_another_identity_leaves_what_stands_there(desk: Desk) -> None:
    desk.review()
    before = [(each.node, each.comments[0].body) for each in desk.ours()]
    desk.token = desk.rig.token("ghp_person", AUTHOR)
    desk.push(a__py=leaks("one", "two", fixed="one two"))
    desk.review()
    assert [(each.node, each.comments[0].body) for each in desk.ours()] == before
    assert all(each.resolved_by is None for each in desk.ours())


def test_a_repository_that_was_renamed_is_found_under_its_old_name(desk: Desk) -> None:
    desk.rig.state.full_name, desk.rig.state.former_name = "octo/tight", REPO
    desk.review()
    assert len(desk.open()) == 3
    assert all("octo/tight" in each.path for each in desk.rig.writes())


def test_files_that_github_does_not_list_are_counted_and_not_looked_at(desk: Desk) -> None:
    desk.rig.state.most_files = 1
    done = desk.review()
    assert {each.comments[0].path for each in desk.open()} == {"a.py"}
    assert [(each.number, each.what) for each in done.plan.left_out] == [(1, "file")]
    assert "1 file" in desk.reports()[0]
    assert done.conclusion == "neutral"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"draft": True}, "draft"),
        ({"labels": ["no-repairbot"]}, "label"),
        ({"state": "closed"}, "closed"),
    ],
)
def test_what_is_not_to_be_looked_at_is_said_and_not_green(
    desk: Desk, change: dict[str, object], why: str
) -> None:
    base = {".repairbot.toml": "[review]\nopt-out = 'no-repairbot'\n"}
    desk.rig.state.repository.commit("main", dict(base))
    for name, value in change.items():
        setattr(desk.rig.state.pulls[NUMBER], name, value)
    done = desk.review()
    assert why in done.plan.skipped
    assert desk.ours() == []
    shown = [each.conclusion for each in desk.rig.state.checks]
    assert shown == ([] if why == "closed" else ["skipped"])


def test_fail_on_makes_the_check_fail(desk: Desk) -> None:
    desk.rig.state.repository.commit(
        "main", {"pyproject.toml": "[tool.repairbot.review]\nfail-on = 'medium'\n"}
    )
    done = desk.review()
    assert done.conclusion == "failure"
    assert desk.rig.state.checks[-1].conclusion == "failure"
