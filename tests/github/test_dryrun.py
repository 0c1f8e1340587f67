"""`--dry-run` prints exactly what would be posted."""

from __future__ import annotations

from repairbot.config import ReviewSettings
from repairbot.github import dryrun
from repairbot.github.model import CreateReport, CreateReview, EditComment, PostCheckRun, ResolveThread
from repairbot.github.plan import plan, skipped
from tests.github.made import fix_of, leak, look, numbered
from tests.github.page import Page
from tests.github.test_conduct import FIXED, LEAK, page
from tests.github.test_limits import wide


def test_it_prints_every_body_as_it_is_sent() -> None:
    made = plan(page(LEAK).look(), ReviewSettings())
    shown = dryrun.render(made)
    for step in made.steps:
        match step:
            case CreateReview():
                assert all(comment.body in shown for comment in step.comments)
            case CreateReport():
                assert step.body in shown
            case PostCheckRun():
                assert step.summary in shown
            case _:
                raise AssertionError(step)
    assert shown.endswith(
        "3 steps: 1 commented, 0 in the report alone, 0 in the files it touches, 0 dismissed\n"
    )


def test_it_prints_edits_and_what_happens_where_resolving_is_refused() -> None:
    made = page(LEAK)
    made.run()
    made.push({"a.py": made.head["a.py"].replace(LEAK, FIXED)})
    steps = plan(made.look(), ReviewSettings())
    shown = dryrun.render(steps)
    (resolve,) = [step for step in steps.steps if isinstance(step, ResolveThread)]
    assert f"resolve thread {resolve.thread}; where that is refused:" in shown
    (edit, _) = resolve.otherwise
    assert isinstance(edit, EditComment)
    assert "  Gone as of `0000000`." in shown
    assert f"  minimise comment {made.threads[0].comments[0].node_id} as RESOLVED" in shown


def test_a_pull_request_of_200_files_shows_the_cap_the_report_below_its_limit_and_what_was_left_out() -> None:
    shown = dryrun.render(plan(wide(200), ReviewSettings()))
    assert shown.startswith("create a review at 0123456789abcdef0123456789abcdef01234567 with 10 comments\n")
    (line,) = [line for line in shown.splitlines() if line.startswith("create the report (")]
    assert int(line.partition("(")[2].partition(" ")[0].replace(",", "")) <= 65_536
    assert "left out: 190 leaks: over the limit of 10 comments (`max-comments`)" in shown
    assert "annotations, request 4 (" in shown
    assert "3 steps: 10 commented, 190 in the report alone, 200 in the files it touches, 0 dismissed" in shown


def test_what_is_skipped_says_why() -> None:
    shown = dryrun.render(skipped(Page({}).look(), "it is a draft"))
    assert "skipped, Skipped" in shown
    assert "skipped: it is a draft\n" in shown


def test_annotations_carry_their_patch() -> None:
    base = numbered(40)
    head = base.replace(b"line 20\n", b"twenty\n")
    fix = fix_of(head, b"import x\n" + head.replace(b"twenty", b"20"))
    shown = dryrun.render(plan(look({"a.py": base}, {"a.py": head}, leak(20, fix=fix)), ReviewSettings()))
    assert "  a.py:20-20 warning: never-released: conn is never closed\n" in shown
    assert "    +import x\n" in shown
