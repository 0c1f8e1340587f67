"""The life of one pull request: opened, pushed to, answered, and what stands on it at the end."""

from __future__ import annotations

from pathlib import Path

from tests.github.reviewing import NUMBER, keep, leaks, opened
from tests.github.rig.server import Rig
from tests.github.rig.state import AUTHOR, ReviewComment

SHIFT = "import os\n\nLIMIT = 10\n\n\n"


def test_pushed_five_times_with_people_in_between(rig: Rig, tmp_path: Path) -> None:
    desk = opened(
        rig,
        tmp_path,
        {"old.py": "X = 1\n"},
        {"a.py": leaks("one", "two", "three"), "b.py": leaks("four", "five")},
    )
    transcript: list[str] = []

    def review(title: str) -> None:
        rig.log.clear()
        desk.review()
        transcript.extend(["", f"# {title}", *(str(each) for each in rig.log)])
        assert len(desk.reports()) == 1

    def thread(name: str) -> ReviewComment:
        """The bot's comment about the function called `name`, as it stood when it was posted."""
        held = [each.comments[0] for each in desk.ours()]
        return next(each for each in held if f"def {name}(" in above(each))

    def above(comment: ReviewComment) -> str:
        content = rig.state.repository.show(comment.commit, comment.path) or b""
        lines = content.decode().splitlines()[: comment.line]
        return next(line for line in reversed(lines) if line.startswith("def "))

    review("opened with five leaks")
    assert len(desk.open()) == 5
    base = rig.state.repository.tip("main")

    # A person answers one thread and dismisses another.
    answered = next(each for each in desk.ours() if each.comments[0] is thread("two"))
    answered.comments.append(
        ReviewComment(9001, 0, AUTHOR, "I will see to it.", "a.py", desk.pull.head, 9, "RIGHT", reply_to=1)
    )
    dismissed = next(each for each in desk.ours() if each.comments[0] is thread("four"))
    dismissed.resolved_by = AUTHOR

    desk.push(a__py=leaks("one", "two", "three", fixed="one"))
    review("push 1: one leak fixed")
    assert len(desk.ours()) == 5
    assert len(desk.open()) == 3

    desk.push(a__py=SHIFT + leaks("one", "two", "three", fixed="one"), c__py=leaks("six"))
    review("push 2: lines moved, one leak added")
    assert len(desk.ours()) == 6

    desk.push(
        base,
        a__py=SHIFT + leaks("one", "two", "three", fixed="one"),
        b__py=leaks("four", "five"),
        c__py=leaks("six"),
    )
    review("push 3: the same by force, rebased into one commit")
    assert len(desk.ours()) == 6

    desk.push(a__py=SHIFT + leaks("one", "two", "three", fixed="one two"), c__py=leaks("six", "seven"))
    review("push 4: the answered leak fixed, one more added")
    assert len(desk.ours()) == 7

    desk.push(
        a__py=SHIFT + leaks("one", "two", "three", fixed="one two three"),
        b__py=leaks("four", "five", fixed="five"),
        c__py=leaks("six", "seven", fixed="six seven"),
    )
    review("push 5: all fixed but the dismissed one")

    # One report, no duplicate, nothing stale unresolved, nothing of a person's removed.
    assert len({(each.comments[0].path, above(each.comments[0])) for each in desk.ours()}) == 7
    assert len(desk.ours()) == 7
    assert desk.open() == [answered]
    assert answered.comments[-1].body == "I will see to it."
    assert dismissed.resolved_by is AUTHOR
    assert "nothing left" in desk.reports()[0]

    review("run again: nothing to do")
    assert rig.writes() == []
    keep("review-life.txt", transcript)


def test_suggestions_apply(rig: Rig, tmp_path: Path) -> None:
    desk = opened(rig, tmp_path, {}, {"a.py": leaks("one", "two")})
    desk.review()
    for thread in desk.ours():
        applied = desk.suggested(thread.comments[0])
        assert applied in {leaks("one", "two", fixed="one"), leaks("one", "two", fixed="two")}


def test_a_clean_pull_request_is_met_with_silence(rig: Rig, tmp_path: Path) -> None:
    desk = opened(rig, tmp_path, {"a.py": leaks("old")}, {"b.py": "X = 1\n"})
    desk.review()
    assert desk.ours() == []
    assert desk.reports() == []
    assert [(each.conclusion, each.head_sha) for each in rig.state.checks] == [("success", desk.pull.head)]
    assert rig.state.pulls[NUMBER].reviews == []
