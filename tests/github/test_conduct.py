"""The conduct of the review, row by row: what people complain of in bots, and what this one does instead."""

from __future__ import annotations

from dataclasses import replace

import pytest

from repairbot.config import ReviewSettings
from repairbot.github.markers import identify, read
from repairbot.github.model import (
    Abilities,
    Comment,
    CreateReport,
    CreateReview,
    Earlier,
    EditComment,
    EditReport,
    MinimiseComment,
    Plan,
    PostCheckRun,
    ResolveThread,
)
from repairbot.github.plan import plan, skip, skipped
from repairbot.model import Finding, Outcome
from tests.github.made import HEAD, fix_of, leak, look, numbered, pull
from tests.github.page import Page, accepted, suggestions

LEAK = b"""\
def load(path, parse):
    source = open(path)
    tree = parse(source.read())
    source.close()
    return tree
"""
FIXED = b"""\
def load(path, parse):
    with open(path) as source:
        tree = parse(source.read())
    return tree
"""
OTHER = LEAK.replace(b"load", b"read_all").replace(b"source", b"handle")
BASE = b"import os\n\n\n"


def page(*parts: bytes, base: bytes = BASE) -> Page:
    """A pull request that adds parts to a.py."""
    made = Page({"a.py": base})
    made.push({"a.py": b"\n\n".join((base, *parts))})
    return made


def kinds(made: Plan) -> list[str]:
    return [type(step).__name__ for step in made.steps]


def comments(made: Plan) -> list[str]:
    return [c.body for step in made.steps if isinstance(step, CreateReview) for c in step.comments]


def check(made: Plan) -> PostCheckRun:
    (step,) = [step for step in made.steps if isinstance(step, PostCheckRun)]
    return step


# No duplicates on synchronize or force-push


def test_no_duplicates_on_synchronize() -> None:
    made = page(LEAK)
    made.run()
    assert kinds(made.run()) == ["PostCheckRun"]
    made.push({"a.py": made.head["a.py"] + b"\n\nx = 1\n"})
    assert kinds(made.run()) == ["PostCheckRun"]
    assert (len(made.threads), len(made.reports)) == (1, 1)


def test_no_duplicates_on_a_force_push_that_moves_the_lines() -> None:
    made = page(LEAK)
    made.run()
    made.push({"a.py": BASE + b"\n\nfirst = 1\n\n\nsecond = 2\n\n\n" + LEAK})
    again = made.run()
    assert comments(again) == []
    assert (len(made.open), len(made.reports)) == (1, 1)
    (thread,) = made.open
    assert accepted(made.head["a.py"], thread, thread.comments[0].body) == made.head["a.py"].replace(
        LEAK, FIXED
    )


def test_no_duplicates_on_a_force_push_that_rewrites_the_line_under_a_comment() -> None:
    made = page(LEAK)
    made.run()
    made.push({"a.py": made.head["a.py"].replace(b"    source = open(path)", b"    source = open( path )")})
    assert made.threads[0].outdated
    made.run()
    assert (len(made.threads), len(made.open), len(made.reports)) == (2, 1, 1)
    assert made.threads[0].resolved_by_us


def test_no_duplicates_where_an_answer_of_github_was_lost() -> None:
    made = page(LEAK)
    made.run()
    twice = replace(
        made.threads[0], id="T9", comments=(replace(made.threads[0].comments[0], id=9, node_id="C9"),)
    )
    made.threads.append(twice)
    made.comments.append(replace(made.reports[0], id=8, node_id="C8"))
    made.run()
    assert len(made.open) == 1
    assert [comment.minimised for comment in made.reports] == [False, True]


# Resolve when fixed; never remove a thread that a person answered


def test_resolve_when_fixed() -> None:
    made = page(LEAK, OTHER)
    made.run()
    made.push({"a.py": made.head["a.py"].replace(LEAK, FIXED)})
    made.run()
    assert [thread.resolved for thread in made.threads] == [True, False]


def test_resolve_when_fixed_even_where_the_line_did_not_change() -> None:
    made = page(b"def load(path):\n    source = open(path)\n    text = source.read()\n    return text\n")
    made.run()
    (thread,) = made.open
    # The line of the comment stays; what comes behind it closes the file.
    made.threads[0] = replace(thread, line=5, start_line=None)
    fixed = b"    try:\n        return source.read()\n    finally:\n        source.close()\n"
    head = made.head["a.py"].replace(b"    text = source.read()\n    return text\n", fixed)
    made.push({"a.py": head})
    assert not made.threads[0].outdated
    made.run()
    assert made.threads[0].resolved_by_us


def test_resolve_refused_minimises_and_says_so() -> None:
    made = page(LEAK)
    made.may_resolve = False
    made.run()
    made.push({"a.py": made.head["a.py"].replace(LEAK, FIXED)})
    made.run()
    root = made.threads[0].comments[0]
    assert root.minimised
    assert "Gone as of `0000000`." in root.body
    assert suggestions(root.body) == []
    assert kinds(made.run()) == ["PostCheckRun"]


def test_a_thread_with_a_persons_reply_stays_open_and_says_so_when_fixed() -> None:
    made = page(LEAK)
    made.run()
    made.reply(made.threads[0], "is it really?", trusted=False)
    made.push({"a.py": made.head["a.py"].replace(LEAK, FIXED)})
    assert kinds(made.run()) == ["EditComment", "EditReport", "PostCheckRun"]
    (thread,) = made.open
    assert "Gone as of" in thread.comments[0].body
    assert len(thread.comments) == 2
    assert kinds(made.run()) == ["PostCheckRun"]


def test_a_bots_reply_is_no_persons() -> None:
    made = page(LEAK)
    made.run()
    made.reply(made.threads[0], "beep")
    root, reply = made.threads[0].comments
    made.threads[0] = replace(made.threads[0], comments=(root, replace(reply, is_bot=True, trusted=False)))
    made.push({"a.py": made.head["a.py"].replace(LEAK, FIXED)})
    made.run()
    assert made.open == []


def test_threads_of_others_are_left_alone() -> None:
    made = page(LEAK)
    made.run()
    forged = replace(made.threads[0].comments[0], id=5, ours=False, author="someone")
    made.threads = [replace(made.threads[0], id="T5", comments=(forged,))]
    made.push({"a.py": BASE})
    assert not any(
        isinstance(step, ResolveThread | EditComment | MinimiseComment) for step in made.run().steps
    )


def test_a_file_that_could_not_be_looked_at_is_not_fixed() -> None:
    made = page(LEAK)
    made.run()
    seen = made.look()
    (result,) = seen.audit.files
    failed = replace(result, outcome=Outcome.FAILED, reason="took more than 30 s", findings=())
    again = plan(replace(seen, audit=replace(seen.audit, files=(failed,))), made.settings)
    assert kinds(again) == ["EditReport", "PostCheckRun"]
    assert check(again).conclusion == "neutral"
    assert "could not be looked at again" in next(s.body for s in again.steps if isinstance(s, EditReport))


def test_a_file_that_left_the_pull_request_takes_its_threads_along() -> None:
    made = page(LEAK)
    made.run()
    made.push({"a.py": BASE})
    made.run()
    assert made.open == []


# One summary, marked, edited in place


def test_one_report_marked_and_edited_in_place() -> None:
    made = page(LEAK)
    made.run()
    first = made.reports[0]
    made.push({"a.py": made.head["a.py"] + b"\n\n" + OTHER})
    assert [k for k in kinds(made.run()) if "Report" in k] == ["EditReport"]
    (report,) = made.reports
    assert (report.id, report.body != first.body) == (first.id, True)
    marker = read(report)
    assert marker is not None
    assert (marker.kind, marker.state) == ("report", "open")


def test_it_says_once_when_all_is_fixed() -> None:
    made = page(LEAK)
    made.run()
    made.push({"a.py": made.head["a.py"].replace(LEAK, FIXED)})
    assert kinds(made.run()) == ["ResolveThread", "EditReport", "PostCheckRun"]
    assert "nothing left" in made.reports[0].body
    for _ in range(2):
        made.push({"a.py": made.head["a.py"] + b"\nx = 1\n"})
        assert kinds(made.run()) == ["PostCheckRun"]


# Silent when clean; a skipped check says skipped, not green


def test_silent_when_clean() -> None:
    made = page(FIXED)
    result = made.run()
    assert kinds(result) == ["PostCheckRun"]
    assert check(result).conclusion == "success"
    assert check(result).title.startswith("1 file, no leaks, ")
    assert check(result).annotations == ()


def test_silent_where_only_old_leaks_stand_near() -> None:
    made = page(FIXED, base=BASE + LEAK)
    result = made.run()
    assert kinds(result) == ["PostCheckRun"]
    assert check(result).conclusion == "success"
    assert "In the files you touched (1)" in check(result).summary


@pytest.mark.parametrize(
    ("changes", "settings", "words"),
    [
        ({"draft": True}, {}, "a draft"),
        ({"author_is_bot": True}, {}, "a bot opened it"),
        ({"labels": ("bug", "Repairbot: off")}, {}, "opts out"),
        ({"labels": ("quiet",)}, {"opt_out": "quiet"}, "opts out"),
        ({"draft": True}, {"drafts": True}, ""),
        ({"author_is_bot": True}, {"bots": True}, ""),
        ({"labels": ("bug",)}, {"opt_out": ""}, ""),
        ({}, {}, ""),
    ],
)
def test_drafts_bots_and_opt_outs_are_skipped_unless_configured(
    changes: dict[str, object], settings: dict[str, object], words: str
) -> None:
    why = skip(pull(**changes), ReviewSettings(**settings))  # type: ignore[arg-type]
    assert (words in why) if words else not why


def test_a_skipped_check_says_skipped_not_green_and_why() -> None:
    result = skipped(page(LEAK).look(), "it is a draft")
    assert kinds(result) == ["PostCheckRun"]
    assert (check(result).conclusion, check(result).title) == ("skipped", "Skipped")
    assert check(result).summary == "Not looked at: it is a draft."


def test_nothing_that_can_be_read_is_skipped_not_green() -> None:
    seen = look({"a.txt": b"x\n"}, {})
    chat = Earlier(comments=(Comment(1, "nice", author="someone"),))
    for each in (seen, replace(seen, earlier=chat)):
        assert check(plan(each, ReviewSettings())).conclusion == "skipped"


def test_a_pull_request_that_no_longer_holds_code_is_tidied_up() -> None:
    made = page(LEAK)
    made.run()
    seen = look({"a.txt": b"x\n"}, {}, earlier=made.look().earlier)
    assert kinds(plan(seen, ReviewSettings())) == ["ResolveThread", "EditReport", "PostCheckRun"]


def test_a_file_that_failed_is_not_green() -> None:
    seen = page(FIXED).look()
    failed = tuple(replace(file, outcome=Outcome.FAILED, reason="x") for file in seen.audit.files)
    result = check(plan(replace(seen, audit=replace(seen.audit, files=failed)), ReviewSettings()))
    assert result.conclusion == "neutral"
    assert "1 failed" in result.title


@pytest.mark.parametrize(
    ("fail_on", "conclusion"),
    [("never", "neutral"), ("high", "neutral"), ("medium", "failure"), ("low", "failure")],
)
def test_the_check_fails_only_where_the_settings_say_so(fail_on: str, conclusion: str) -> None:
    settings = ReviewSettings(fail_on=fail_on)  # type: ignore[arg-type]
    assert check(plan(page(LEAK).look(), settings)).conclusion == conclusion


# Only what the change touches is commented; the rest is in the report


def test_only_what_the_change_touches_is_commented_the_rest_is_in_the_report() -> None:
    made = page(LEAK, base=BASE + OTHER + b"\n\nx = 1\n\n\ny = 2\n\n\nz = 3\n")
    result = made.run()
    assert len(comments(result)) == 1
    assert [finding.variable for finding in result.commented] == ["source"]
    assert [finding.variable for finding in result.others] == ["handle"]
    assert "In the files you touched (1)" in made.reports[0].body


def test_an_old_leak_whose_path_the_change_rewrites_is_commented() -> None:
    base = BASE + LEAK
    made = Page({"a.py": base})
    made.push({"a.py": base.replace(b"parse(source.read())", b"parse(source.readlines())")})
    assert len(comments(made.run())) == 1


def test_of_two_equal_leaks_the_one_on_changed_lines_is_the_new_one() -> None:
    base = numbered(40)
    old, new = leak(5, name="same"), leak(40, name="same")
    seen = look({"a.py": base}, {"a.py": base.replace(b"line 40\n", b"forty\n")}, old, new)
    result = plan(replace(seen, known={old.fingerprint: 1}), ReviewSettings())
    assert result.commented == (new,)
    assert result.others == (old,)


def test_a_new_leak_whose_lines_are_outside_of_the_diff_is_in_the_report_and_annotated() -> None:
    base = numbered(40)
    seen = look({"a.py": base}, {"a.py": base.replace(b"line 40\n", b"forty\n")}, leak(5))
    result = plan(seen, ReviewSettings())
    assert kinds(result) == ["CreateReport", "PostCheckRun"]
    assert "1 leak: no line of it is in this diff" in next(
        step.body for step in result.steps if isinstance(step, CreateReport)
    )
    ((annotation,),) = check(result).annotations
    assert (annotation.path, annotation.start_line, annotation.level) == ("a.py", 5, "warning")


def test_what_is_not_sure_gets_no_comment_of_its_own() -> None:
    seen = look({}, {"a.py": numbered(9)}, leak(3, confidence="medium"))
    result = plan(seen, ReviewSettings())
    assert comments(result) == []
    assert [each.why for each in result.left_out] == ["not sure enough for a comment"]


# A suggestion only if applying it to the head's file gives exactly the checked file


def test_a_suggestion_only_if_applying_it_gives_exactly_the_checked_file() -> None:
    made = page(LEAK)
    made.run()
    (thread,) = made.open
    assert accepted(made.head["a.py"], thread, thread.comments[0].body) == made.head["a.py"].replace(
        LEAK, FIXED
    )


def test_no_suggestion_where_the_heads_file_is_another_than_the_one_that_was_checked() -> None:
    seen = page(LEAK).look()
    moved = {"a.py": seen.sources["a.py"].replace(b"import os", b"import sys, os")}
    result = plan(replace(seen, sources=moved), ReviewSettings())
    assert all(suggestions(body) == [] for body in comments(result))
    assert suggestions(comments(plan(seen, ReviewSettings()))[0]) != []


def test_a_suggestion_whose_range_moved_is_made_anew_and_the_old_one_cannot_be_applied() -> None:
    made = page(LEAK)
    made.run()
    made.threads[0] = replace(made.threads[0], start_line=None)  # its first line was lost
    made.run()
    assert made.threads[0].resolved_by_us
    (thread,) = made.open
    assert accepted(made.head["a.py"], thread, thread.comments[0].body) == made.head["a.py"].replace(
        LEAK, FIXED
    )


def test_a_suggestion_whose_range_moved_under_a_persons_reply_becomes_a_patch_in_place() -> None:
    made = page(LEAK)
    made.run()
    made.threads[0] = replace(made.threads[0], start_line=None)
    made.reply(made.threads[0], "hm")
    made.run()
    (thread,) = made.open
    assert suggestions(thread.comments[0].body) == []
    assert "git apply" in thread.comments[0].body


# No overlapping suggestions, the smallest range


def overlapping() -> tuple[bytes, Finding, Finding]:
    head = numbered(9)
    one = fix_of(head, head.replace(b"line 3\nline 4\n", b"three\nfour\n"))
    two = fix_of(head, head.replace(b"line 4\nline 5\n", b"4\n5\n"))
    return head, leak(3, fix=one), leak(5, fix=two, severity="medium")


def test_no_overlapping_suggestions_the_second_waits_and_says_so() -> None:
    head, one, two = overlapping()
    first, second = comments(plan(look({}, {"a.py": head}, one, two), ReviewSettings()))
    assert suggestions(first) == ["three\nfour\n"]
    assert suggestions(second) == []
    assert "changes lines of another suggestion here" in second
    assert "\n+4\n+5\n" in second  # and is there to be read, or applied by hand


def test_the_one_that_waited_comes_when_the_first_was_applied() -> None:
    head, one, two = overlapping()
    made = Page({}, {"a.py": head})
    review = plan(look({}, {"a.py": head}, one, two), ReviewSettings()).steps[0]
    assert isinstance(review, CreateReview)
    made.do(replace(review, commit=made.pull().head))
    after = look({}, {"a.py": head}, two)
    result = plan(replace(after, earlier=made.look().earlier), ReviewSettings())
    assert kinds(result) == ["EditComment", "ResolveThread", "CreateReport", "PostCheckRun"]
    (edit,) = [step for step in result.steps if isinstance(step, EditComment)]
    assert suggestions(edit.body) == ["4\n5\n"]


def test_two_findings_that_one_repair_ends_share_a_comment() -> None:
    head = numbered(9)
    fix = fix_of(head, head.replace(b"line 3\n", b"three\n"))
    result = plan(look({}, {"a.py": head}, leak(3, fix=fix), leak(4, fix=fix)), ReviewSettings())
    (body,) = comments(result)
    assert len(result.commented) == 2
    marker = read(Page({})._comment(body))
    assert marker is not None
    assert len(marker.ids) == 2


# A cap, severity first, the rest in the report


def test_a_cap_severity_first_the_rest_in_the_report() -> None:
    leaks = [leak(n, severity="high" if n > 40 else "low", confidence="high") for n in range(1, 46)]
    result = plan(look({}, {"a.py": numbered(50)}, *leaks), ReviewSettings())
    assert [finding.severity for finding in result.commented] == ["high"] * 5 + ["low"] * 5
    assert len(result.listed) == 35
    assert [(each.number, each.why) for each in result.left_out] == [
        (35, "over the limit of 10 comments (`max-comments`)")
    ]
    report = next(step.body for step in result.steps if isinstance(step, CreateReport))
    assert "35 leaks: over the limit of 10 comments (`max-comments`)" in report
    assert "Without a comment (35)" in report


def test_the_cap_counts_comments_that_stand_there_already() -> None:
    made = page(LEAK)
    made.settings = ReviewSettings(max_comments=1)
    made.run()
    made.push({"a.py": made.head["a.py"] + b"\n\n" + OTHER})
    assert comments(made.run()) == []
    made.push({"a.py": made.head["a.py"].replace(LEAK, FIXED)})
    assert len(comments(made.run())) == 1


def test_no_comments_at_all_where_none_are_wanted() -> None:
    result = plan(page(LEAK).look(), ReviewSettings(max_comments=0))
    assert kinds(result) == ["CreateReport", "PostCheckRun"]


# Forks: say what could not be done and why


def test_forks_say_what_could_not_be_done_and_why() -> None:
    abilities = Abilities(comment=False, why="this run of a fork has a read-only token")
    result = page(LEAK).run(abilities=abilities)
    assert kinds(result) == ["PostCheckRun"]
    assert "could be posted (this run of a fork has a read-only token)" in result.summary
    ((annotation,),) = check(result).annotations
    assert annotation.raw_details.startswith("--- a/a.py\n")


def test_without_any_rights_the_summary_still_says_everything() -> None:
    result = page(LEAK).run(abilities=Abilities(comment=False, check=False, why="read-only token"))
    assert result.steps == ()
    assert "read-only token" in result.summary
    assert "`a.py:7`" in result.summary


# Noise: a dismissed finding stays dismissed across pushes


def test_a_finding_whose_thread_a_person_resolved_stays_dismissed_across_pushes() -> None:
    made = page(LEAK, OTHER)
    made.run()
    made.resolve(made.threads[0])
    for text in (b"x = 1\n", b"y = 2\n"):
        made.push({"a.py": made.head["a.py"].replace(BASE, BASE + text)})
        result = made.run()
        assert comments(result) == []
        assert [finding.variable for finding in result.dismissed] == ["source"]
    assert "1 dismissed" in made.reports[0].body
    assert made.threads[0].resolved_by == "someone"


def test_a_dismissed_finding_stays_dismissed_when_a_force_push_drops_it_for_a_while() -> None:
    made = page(LEAK)
    made.run()
    made.resolve(made.threads[0])
    made.run()
    with_leak = made.head
    made.push({"a.py": BASE})
    made.run()
    made.push(with_leak)
    assert comments(made.run()) == []


def test_a_leak_that_comes_back_after_its_repair_was_applied_is_said_again() -> None:
    made = page(LEAK)
    made.run()
    with_leak = made.head
    # Accepting a suggestion resolves its thread in the person's name.
    made.push({"a.py": made.head["a.py"].replace(LEAK, FIXED)})
    made.resolve(made.threads[0])
    made.run()
    made.push(with_leak)
    assert len(comments(made.run())) == 1


@pytest.mark.parametrize("words", ["/repairbot dismiss", "no:\n/repairbot dismiss"])
def test_a_finding_that_a_command_dismissed_stays_dismissed(words: str) -> None:
    made = page(LEAK)
    made.run()
    made.reply(made.threads[0], words)
    result = made.run()
    assert len(result.dismissed) == 1
    assert made.threads[0].resolved
    made.push({"a.py": made.head["a.py"].replace(BASE, BASE + b"x = 1\n")})
    result = made.run()
    assert (comments(result), len(result.dismissed)) == ([], 1)


def test_commands_only_from_people_with_write_access() -> None:
    made = page(LEAK)
    made.run()
    made.reply(made.threads[0], "/repairbot dismiss", trusted=False)
    assert made.run().dismissed == ()
    assert not made.threads[0].resolved


def test_a_finding_without_a_comment_is_dismissed_by_its_id() -> None:
    made = page(LEAK)
    made.settings = ReviewSettings(max_comments=0)
    made.run()
    command = made.reports[0].body.partition("<sub>`")[2].partition("`")[0]
    made.say(command, trusted=False)
    assert made.run().dismissed == ()
    made.say(command)
    assert len(made.run().dismissed) == 1
    assert "nothing left" in made.reports[0].body


def test_a_command_on_the_page_closes_the_thread_of_what_it_names() -> None:
    made = page(LEAK, OTHER)
    made.run()
    (finding,) = [f for f in plan(made.look(), made.settings).commented if f.variable == "source"]
    made.say(f"/repairbot dismiss {finding.fingerprint[:8]}")
    made.run()
    assert [thread.resolved for thread in made.threads] == [True, False]
    made.push({"a.py": made.head["a.py"].replace(BASE, BASE + b"x = 1\n")})
    result = made.run()
    assert (comments(result), len(result.dismissed), len(made.open)) == ([], 1, 1)


def test_a_thread_that_a_person_opened_again_counts_again() -> None:
    made = page(LEAK)
    made.run()
    made.resolve(made.threads[0])
    made.run()
    made.threads[0] = replace(made.threads[0], resolved=False, resolved_by="")
    assert made.run().dismissed == ()


def test_what_was_dismissed_in_one_file_stays_so_when_it_moves_back_under_an_answered_thread() -> None:
    made = page(LEAK)
    made.run()
    made.reply(made.threads[0], "hm", trusted=False)
    here = made.head
    made.push({"a.py": BASE + b"x = 1\n", "b.py": LEAK})
    made.run()
    made.reply(made.open[-1], "/repairbot dismiss")
    made.run()
    made.push(here)
    result = made.run()
    assert (comments(result), result.commented, len(result.dismissed)) == ([], (), 1)


def test_a_comment_that_a_person_folded_away_is_dismissed() -> None:
    made = page(LEAK)
    made.run()
    root = made.threads[0].comments[0]
    made.threads[0] = replace(made.threads[0], comments=(replace(root, minimised=True),))
    assert len(made.run().dismissed) == 1


def test_a_dismissed_finding_does_not_fail_the_check() -> None:
    made = page(LEAK)
    made.settings = ReviewSettings(fail_on="low")
    assert check(made.run()).conclusion == "failure"
    made.resolve(made.threads[0])
    assert check(made.run()).conclusion == "success"


# Nothing lost when posting fails


def test_nothing_is_lost_when_a_comment_is_refused() -> None:
    made = page(LEAK, OTHER)
    first = made.look()
    made.run()
    refused = next(iter(plan(first, made.settings).commented))
    result = plan(replace(first, refused={identify(refused): "Line could not be resolved"}), made.settings)
    assert len(comments(result)) == 1
    assert refused in result.listed
    report = next(step.body for step in result.steps if isinstance(step, CreateReport))
    assert "1 leak: GitHub refused the comment (Line could not be resolved)" in report
    assert refused.path in {each.path for batch in check(result).annotations for each in batch}


def test_nothing_is_lost_when_a_run_was_cut_off_between_edit_and_fold() -> None:
    made = page(LEAK)
    made.may_resolve = False
    made.run()
    made.push({"a.py": made.head["a.py"].replace(LEAK, FIXED)})
    (step,) = [step for step in plan(made.look(), made.settings).steps if isinstance(step, ResolveThread)]
    made.do(step.otherwise[0])
    assert made.open
    made.run()
    assert made.open == []


def test_a_repair_that_is_no_suggestion_is_annotated_with_its_patch_too() -> None:
    base = numbered(40)
    head = base.replace(b"line 30\n", b"thirty\n")
    one = leak(30, fix=fix_of(head, b"import x\n" + head.replace(b"thirty", b"30")))
    two = leak(31, fix=fix_of(head, head.replace(b"line 31\n", b"31\n")))
    result = plan(look({"a.py": base}, {"a.py": head}, one, two), ReviewSettings())
    patched, suggested = comments(result)
    assert "git apply</code>: it changes lines outside of this diff" in patched
    assert suggestions(suggested) == ["31\n"]
    ((annotation,),) = check(result).annotations
    assert (annotation.start_line, annotation.raw_details) == (30, one.fix.diff if one.fix else "")


def test_two_equal_leaks_that_shared_a_comment_and_no_longer_do_get_one_each() -> None:
    head = numbered(9)
    fix = fix_of(head, head.replace(b"line 3\n", b"three\n"))
    made = Page({}, {"a.py": head})
    first = look({}, {"a.py": head}, leak(3, name="x", fix=fix), leak(4, name="x", fix=fix), pull=made.pull())
    for step in plan(first, ReviewSettings()).steps:
        made.do(step)
    for expected in (["EditComment", "CreateReview"], []):
        later = look(
            {},
            {"a.py": head},
            leak(3, name="x"),
            leak(4, name="x"),
            earlier=made.look().earlier,
            pull=made.pull(),
        )
        again = plan(later, ReviewSettings())
        assert [kind for kind in kinds(again) if "Report" not in kind and kind != "PostCheckRun"] == expected
        for step in again.steps:
            made.do(step)


def test_two_leaks_of_one_statement_are_told_apart_when_one_is_fixed() -> None:
    made = Page({}, {"a.py": numbered(9)})
    pair = [
        leak(3, name="pipe", variable=name, message=f"{name} is never closed")
        for name in ("reader", "writer")
    ]
    for leaks in (pair, pair[1:]):
        seen = look({}, made.head, *leaks, earlier=made.look().earlier, pull=made.pull())
        for step in plan(seen, ReviewSettings()).steps:
            made.do(step)
    (thread,) = made.open
    assert "`writer` is never closed" in thread.comments[0].body
    assert len(made.threads) == 2


def test_every_finding_is_in_exactly_one_place() -> None:
    leaks = [leak(n) for n in range(1, 60)]
    base = numbered(80)
    head = base.replace(b"line 20\n", b"twenty\n").replace(b"line 50\n", b"fifty\n")
    seen = look({"a.py": base}, {"a.py": head}, *leaks)
    known = {each.fingerprint: 1 for each in leaks if each.line % 2}
    result = plan(replace(seen, known=known), ReviewSettings())
    everywhere = (*result.commented, *result.listed, *result.others, *result.dismissed)
    assert sorted(each.line for each in everywhere) == list(range(1, 60))
    assert sum(each.number for each in result.left_out) == len(result.listed)


def test_the_review_is_made_at_the_head_that_was_looked_at() -> None:
    result = plan(look({}, {"a.py": numbered(9)}, leak(3)), ReviewSettings())
    assert next(step.commit for step in result.steps if isinstance(step, CreateReview)) == HEAD
    assert check(result).head == HEAD


def test_a_leak_that_comes_back_is_said_in_the_thread_that_a_person_answered() -> None:
    made = page(LEAK)
    made.run()
    made.reply(made.threads[0], "hm", trusted=False)
    with_leak = made.head
    made.push({"a.py": made.head["a.py"].replace(LEAK, FIXED)})
    made.run()
    made.push(with_leak)
    made.run()
    (thread,) = made.threads
    assert "Gone as of" not in thread.comments[0].body
    assert "is not closed" in thread.comments[0].body
