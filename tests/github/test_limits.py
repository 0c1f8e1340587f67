"""GitHub's limits, each held by a test of its name."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from repairbot.config import ReviewSettings
from repairbot.github.annotations import annotate, batches
from repairbot.github.model import (
    ACTIONS_LIMIT,
    ANNOTATIONS_LIMIT,
    BODY_LIMIT,
    CHECK_LIMIT,
    REVIEW_LIMIT,
    Abilities,
    ChangedFile,
    CreateReport,
    CreateReview,
    Look,
    Plan,
    PostCheckRun,
)
from repairbot.github.plan import plan
from repairbot.model import Audit, FileResult, Finding, Outcome, SafePattern, Step
from tests.github.made import fix_of, leak, look, numbered, pull
from tests.github.page import changed, suggestions
from tests.reports.rendered import pages


def many(count: int, **more: Any) -> Look:
    """A pull request that adds so many leaks, each with a repair of its own."""
    head = numbered(count)
    leaks = []
    for n in range(1, count + 1):
        fix = fix_of(head, head.replace(b"line %d\n" % n, b"LINE %d\n" % n))
        leaks.append(leak(n, fix=fix, severity=("high", "medium", "low")[n % 3], **more))
    return look({}, {"a.py": head}, *leaks)


def review(made: Plan) -> CreateReview:
    (step,) = [step for step in made.steps if isinstance(step, CreateReview)]
    return step


def report(made: Plan) -> str:
    (step,) = [step for step in made.steps if isinstance(step, CreateReport)]
    return step.body


def check(made: Plan) -> PostCheckRun:
    (step,) = [step for step in made.steps if isinstance(step, PostCheckRun)]
    return step


@pytest.mark.parametrize("most", [10, 30, 1000])
def test_at_most_30_comments_in_a_review(most: int) -> None:
    result = plan(many(60), ReviewSettings(max_comments=most))
    assert len(review(result).comments) == min(most, REVIEW_LIMIT)
    assert sum(each.number for each in result.left_out) == 60 - min(most, REVIEW_LIMIT)


def test_a_comments_body_holds_65536_characters() -> None:
    head = b"".join(b"value_%d = %d\n" % (n, n) for n in range(6000))
    after = head.replace(b"value_", b"other_")
    result = plan(look({}, {"a.py": head}, leak(1, fix=fix_of(head, after))), ReviewSettings())
    (comment,) = review(result).comments
    assert len(comment.body) <= BODY_LIMIT
    assert (suggestions(comment.body), comment.suggestion) == ([], False)
    assert "`repairbot fix` writes it: it is too long for a comment (" in comment.body
    # A patch that is cut is none: the annotation that stands for it says so as well.
    assert [len(batch) for batch in check(result).annotations] == [1]


def test_a_comments_words_are_cut_below_the_limit_too() -> None:
    wordy = leak(
        1, message="x " * 60_000, refusals=("y " * 60_000,) * 9, witness=(Step(1, "z " * 60_000),) * 99
    )
    (comment,) = review(plan(look({}, {"a.py": b"a\n"}, wordy), ReviewSettings())).comments
    assert len(comment.body) <= BODY_LIMIT // 4


def wide(count: int = 200) -> Look:
    """A pull request of so many files, each with a new leak, an old one, a safe place, and long words."""
    base = numbered(60)
    files: list[ChangedFile] = []
    results: list[FileResult] = []
    known: dict[str, int] = {}
    heads: dict[str, bytes] = {}
    for n in range(count):
        path = f"service/part{n // 10}/module_{n}.py"
        head = heads[path] = base.replace(b"line 10\n", b"opened = %d\n" % n)
        fix = fix_of(
            head, head.replace(b"opened =", b"closed ="), path, why="so that it is " + "closed " * 30
        )
        new = leak(
            10,
            path,
            f"new {n}",
            message=f"connection number {n} is not closed " + "whatever happens " * 12,
            severity=("high", "medium", "low")[n % 3],
            fix=fix if n % 2 else None,
            refusals=("the callee is not known " * 8,),
        )
        old = leak(50, path, f"old {n}")
        known[old.fingerprint] = 1
        safe = tuple(SafePattern(path, m, "load", "open(path)", "closed by with") for m in range(1, 6))
        files.append(changed(path, base, head))
        results.append(FileResult(path, "python", Outcome.REPORTED, findings=(new, old), safe_patterns=safe))
    audit = Audit("", tuple(results), base="main")
    return Look(pull(), tuple(files), audit, known, heads)


def test_the_report_holds_65536_characters_and_says_what_was_left_out() -> None:
    result = plan(wide(), ReviewSettings())
    body = report(result)
    assert BODY_LIMIT * 0.6 < len(body) <= BODY_LIMIT
    assert "190 leaks: over the limit of 10 comments (`max-comments`)" in body
    assert "leaks in the files you touched: no room here" in body
    hidden = int(body.partition(" leaks: no room here")[0].rpartition("- ")[2])
    listed = {n for n in range(200) if f"connection number {n} " in body or f"number {n} is" in body}
    assert len(listed) + hidden == 200
    for page in pages(body):
        assert page.tags.count("details") == page.tags.count("summary") >= 2


def test_what_is_cut_from_the_report_is_the_least_severe() -> None:
    result = plan(wide(), ReviewSettings())
    severities = [finding.severity for finding in result.commented]
    assert severities == ["high"] * 10
    rows = [line for line in report(result).splitlines() if line.startswith(("| high", "| medium", "| low"))]
    assert all(row.startswith("| high") for row in rows[:20])


def test_a_check_runs_summary_holds_65535() -> None:
    summary = check(plan(wide(), ReviewSettings())).summary
    assert len(summary.encode()) <= CHECK_LIMIT
    words = plan(many(400, message="ä" * 2000 + " \U0001d6fc" * 200), ReviewSettings())
    assert len(check(words).summary.encode()) <= CHECK_LIMIT


def test_annotations_come_in_batches_of_50() -> None:
    seen = replace(many(120), abilities=Abilities(comment=False, why="no rights"))
    batches_of = [len(batch) for batch in check(plan(seen, ReviewSettings())).annotations]
    assert batches_of == [50, 50, 20]
    assert max(batches_of) == ANNOTATIONS_LIMIT
    assert batches(()) == ()


def test_an_annotations_title_message_and_details_stay_below_their_limits() -> None:
    head = numbered(9000)
    long = leak(
        1,
        message="m" * 90_000,
        witness=(Step(1, "n" * 90_000),),
        fix=fix_of(head, head.replace(b"line", b"LINE")),
    )
    (made,) = annotate([long], "never")
    assert len(made.title) <= 255
    assert len(made.message.encode()) <= 65_536
    assert made.raw_details == ""  # a patch that is cut is none


def test_a_check_run_has_at_most_3_actions_with_short_words() -> None:
    actions = check(plan(replace(many(3), abilities=Abilities(buttons=True)), ReviewSettings())).actions
    assert [action.label for action in actions] == ["Fix safe", "Re-run"]
    assert len(actions) <= ACTIONS_LIMIT
    for action in actions:
        assert len(action.label) <= 20
        assert len(action.description) <= 40
        assert len(action.identifier) <= 20


def test_no_button_where_nobody_hears_it_and_none_that_does_nothing() -> None:
    assert check(plan(many(3), ReviewSettings())).actions == ()
    bare = replace(look({}, {"a.py": numbered(5)}, leak(2)), abilities=Abilities(buttons=True))
    assert [action.label for action in check(plan(bare, ReviewSettings())).actions] == ["Re-run"]


def test_comments_stand_on_right_lines_of_one_hunk_with_start_line_below_line() -> None:
    for comment in review(plan(many(60), ReviewSettings(max_comments=30))).comments:
        assert comment.side == "RIGHT"
        assert comment.start_line is None or comment.start_line < comment.line


def test_a_file_whose_patch_is_missing_gets_no_comment_and_that_is_said() -> None:
    seen = look({}, {"a.py": numbered(5)}, leak(2))
    file = replace(seen.files[0], hunks=None)
    result = plan(replace(seen, files=(file,)), ReviewSettings())
    assert result.commented == ()
    assert "1 leak: no line of it is in this diff" in report(result)


def test_github_lists_at_most_3000_files_and_that_is_said() -> None:
    result = plan(replace(many(1), unlisted=12), ReviewSettings())
    assert "12 files: GitHub lists no more of them, so they were not looked at" in report(result)
    clean = plan(replace(look({}, {"a.py": b"x\n"}), unlisted=1), ReviewSettings())
    assert check(clean).conclusion == "neutral"


def test_one_suggestion_a_line() -> None:
    head = numbered(9)
    fixes = [fix_of(head, head.replace(b"line 5\n", text)) for text in (b"a\n", b"b\n", b"c\n")]
    result = plan(
        look({}, {"a.py": head}, *(leak(n, fix=f) for n, f in enumerate(fixes, 4))), ReviewSettings()
    )
    assert [comment.suggestion for comment in review(result).comments] == [True, False, False]


def test_thirty_comments_that_must_move_do_so_thirty_at_a_time() -> None:
    first = plan(many(30), ReviewSettings(max_comments=30))
    assert len(review(first).comments) == 30


def finding_rows(body: str) -> int:
    return sum(line.startswith(("| high", "| medium", "| low")) for line in body.splitlines())


def test_a_report_of_a_few_leaks_is_whole() -> None:
    result = plan(many(9), ReviewSettings())
    body = report(result)
    assert finding_rows(body) == 9
    assert "no room" not in body
    assert isinstance(result.commented[0], Finding)
