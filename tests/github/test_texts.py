"""The words of a review, rendered as GitHub renders them: short, whole, and never anybody else's Markdown."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repairbot.config import ReviewSettings
from repairbot.github import dryrun, reporting, texts
from repairbot.github.links import Links, unlinked
from repairbot.github.markers import identify, read
from repairbot.github.model import (
    Abilities,
    ChangedFile,
    Comment,
    CreateReport,
    CreateReview,
    Look,
    PostCheckRun,
)
from repairbot.github.plan import plan
from repairbot.github.remarks import Remark, compose
from repairbot.model import Audit, Check, Finding, Step
from tests.github.made import fix_of, leak, look, numbered, pull
from tests.github.page import changed, suggestions
from tests.reports.factory import EXPORT, EXPORT_AFTER, JOBS
from tests.reports.rendered import MAGIC, pages
from tests.reports.strategies import audits, text

HARMLESS = {
    *(
        "p",
        "code",
        "pre",
        "ul",
        "ol",
        "li",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "strong",
        "h3",
        "h4",
    ),
    *("details", "summary", "sub", "br", "a", "input"),
}


def remark(finding: Finding, head: bytes, base: bytes = b"", path: str = "a.py") -> Remark:
    (made,) = compose([finding], changed(path, base, head), head, "utf-8")
    return made


def body(finding: Finding, head: bytes, base: bytes = b"", path: str = "a.py") -> str:
    return texts.comment(remark(finding, head, base, path), Links(pull(), [changed(path, base, head)]))


def export(**more: Any) -> Finding:
    head, after = EXPORT.encode(), EXPORT_AFTER.encode()
    fix = fix_of(head, after, "service/export.py", why=more.pop("why", ""), choice=more.pop("choice", ""))
    values: dict[str, Any] = {
        "rule": "error-path-leak",
        "message": "conn is not closed when fetch() raises",
        "witness": (Step(2, "acquired"), Step(3, "can raise"), Step(4, "never reached then")),
        "fix": replace(fix, safety=more.pop("safety", "safe")),
    }
    return leak(2, "service/export.py", **{**values, **more})


def test_a_comment_that_applies_reads_as_it_should() -> None:
    made = texts.comment(remark(export(), EXPORT.encode(), path="service/export.py"), Links(pull(url=""), []))
    assert made == (
        "**`conn` is not closed when `fetch()` raises** · `error-path-leak` · high\n"
        "\n"
        "2 acquired → 3 can raise → 4 never reached then\n"
        "\n"
        "```suggestion\n"
        "    with closing(connect(url)) as conn:\n"
        "        rows = fetch(conn)\n"
        "```\n"
        "\n"
        "Checked: parses, comments kept, finding gone, nothing new, idempotent. Behaviour stays.\n"
        "\n"
        "<sub>Resolve to dismiss, or `/repairbot dismiss` · `/repairbot explain error-path-leak`</sub>\n"
        "\n"
        f"<!-- repairbot:finding v1 open {identify(export())} -->\n"
    )


def test_a_choice_says_what_it_chooses() -> None:
    choice = "Nothing in the code names a bound; this drops the oldest"
    made = body(
        export(safety="unsafe", choice=choice, confidence="medium"), EXPORT.encode(), path="service/export.py"
    )
    assert "· high, medium confidence" in made
    assert f"Your choice: {choice}." in made
    assert "Behaviour stays" not in made
    assert suggestions(made)


def test_why_this_repair_is_said() -> None:
    assert "Why: the caller needs it open." in body(
        export(why="the caller needs it open"), EXPORT.encode(), path="service/export.py"
    )


def test_a_check_that_was_not_run_is_said() -> None:
    checks = (Check("parses", "passed"), Check("compiles", "not run", "no compiler at hand"))
    found = export()
    assert found.fix is not None
    made = body(
        replace(found, fix=replace(found.fix, checks=checks)), EXPORT.encode(), path="service/export.py"
    )
    assert "Checked: parses. Not run: compiles (no compiler at hand)." in made


def test_a_leak_without_a_repair_says_why() -> None:
    assert "No repair: `stop()` is defined in another file." in body(
        leak(1, refusals=("stop() is defined in another file",)), b"a\n"
    )
    assert "No repair is known." in body(leak(1), b"a\n")


def test_the_path_links_into_the_diff_and_beyond_it_into_the_file() -> None:
    base = numbered(40)
    head = base.replace(b"line 20\n", b"twenty\n")
    steps = (Step(20, "acquired"), Step(40, "never reached then"), Step(0, "by whom is not known"))
    made = body(leak(20, "b c/ä.py", witness=steps), head, base, "b c/ä.py")
    anchor = hashlib.sha256("b c/ä.py".encode()).hexdigest()
    page = "https://github.example/owner/name"
    assert f"[20]({page}/pull/7/files#diff-{anchor}R20) acquired → " in made
    assert f"[40]({page}/blob/{pull().head}/b%20c/%C3%A4.py#L40) never reached then → " in made
    assert "→ by whom is not known" in made
    for rendered in pages(made):
        assert rendered.tags.count("a") == 2


def test_a_long_path_is_cut_and_counted() -> None:
    steps = tuple(Step(number, f"step {number}") for number in range(1, 20))
    made = texts.comment(remark(leak(1, witness=steps), numbered(30)), Links(pull(url=""), []))
    assert " → 8 step 8 → 11 more\n" in made


@pytest.mark.parametrize(
    "url", ["", "javascript:alert(1)", "https://x/y)[z](http://evil/pull/7", "https://x/a/b/pull/x"]
)
def test_without_a_page_there_are_no_links(url: str) -> None:
    links = Links(pull(url=url), [changed("a.py", b"", b"a\n")])
    assert links.line("a.py", 1) == ""


def test_two_bodies_that_differ_in_the_head_alone_say_the_same() -> None:
    one, two = (Links(pull(head=sha * 40), []).line("a.py", 3) for sha in "ab")
    assert one != two
    assert unlinked(f"x [3]({one})\r\n") == unlinked(f"x [3]({two})\n")
    assert unlinked("x") != unlinked("y")


@settings(max_examples=60, deadline=None)
@given(audits(), st.booleans())
def test_whatever_is_quoted_nothing_breaks_out(audit: Audit, posts: bool) -> None:
    audit = replace(audit, mode="audit")
    sources = {file.path: b"a = 1\nb = 2\n" for file in audit.files}
    files = tuple(changed(path, None, source) for path, source in sources.items())
    abilities = Abilities(comment=posts, why="because <!-- @x #1")
    seen = Look(pull(), files, audit, sources=sources, abilities=abilities)
    made = plan(seen, ReviewSettings(max_comments=30))
    bodies = [made.summary]
    for step in made.steps:
        match step:
            case CreateReview():
                bodies += [comment.body for comment in step.comments]
                assert all(read(Comment(1, comment.body, ours=True)) for comment in step.comments)
            case CreateReport():
                bodies.append(step.body)
            case PostCheckRun():
                bodies.append(step.summary)
            case _:
                raise AssertionError(step)
    for each in bodies:
        for page in pages(each):
            assert set(page.tags) <= HARMLESS
            assert not MAGIC.search(page.text)
            assert page.comments <= 1
            assert page.tags.count("details") == page.tags.count("summary")
    assert dryrun.render(made)


@given(text, text)
def test_a_reason_that_others_wrote_stays_words(reason: str, path: str) -> None:
    seen = replace(
        look({}, {"a.py": numbered(3)}, leak(2)),
        abilities=Abilities(comment=False, why=f"{reason} @x {path}"),
    )
    summary = plan(seen, ReviewSettings()).summary
    for page in pages(summary):
        assert set(page.tags) <= HARMLESS
        assert not MAGIC.search(page.text)


def test_a_mention_an_issue_and_a_hidden_comment_stay_code() -> None:
    made = body(leak(1, message="@octocat fixes #1 <!-- x --> ![a](http://b)", variable="@octocat"), b"a\n")
    for page in pages(made):
        assert "@octocat" in page.codes
        assert "#1" in page.codes
        assert page.comments == 1  # our marker
        assert "img" not in page.tags


def test_the_note_on_what_is_gone_takes_the_repair_away() -> None:
    made = body(export(), EXPORT.encode(), path="service/export.py")
    gone = texts.marked(made, "gone", ("a" * 20,), "Gone as of `0123abc`.")
    assert gone.startswith("**`conn` is not closed")
    assert gone.endswith(f"\n\nGone as of `0123abc`.\n\n<!-- repairbot:finding v1 gone {'a' * 20} -->\n")
    assert suggestions(gone) == []
    # Said again it stays the same.
    assert "**`conn`" in texts.marked(gone, "gone", ("a" * 20,), "Gone as of `0123abc`.")


def test_the_report_reads_in_ten_seconds() -> None:
    head = EXPORT.encode()
    seen = look({}, {"service/export.py": head, "jobs.py": JOBS.encode()}, export(), leak(3, "jobs.py"))
    (report,) = [step.body for step in plan(seen, ReviewSettings()).steps if isinstance(step, CreateReport)]
    above = report.partition("<details>")[0]
    assert above.startswith(
        "### Leak audit: 1 repair offered, 1 to decide · 2 files\n\n| | where | what | repair |\n"
    )
    assert len(above.splitlines()) < 12
    assert report.count("\n| high |") == 2
    assert "Status: 1 repair ready to apply; 1 leak to decide." in report
    for page in pages(report):
        assert page.tags.count("table") >= 1


def test_a_box_that_a_person_ticked_stays_ticked() -> None:
    new = "### x\n- [ ] a\n- [ ] b\n- [x] c\n"
    assert reporting.ticked(new, "- [x] a\r\n- [ ] b\n- [ ] c\n") == "### x\n- [x] a\n- [ ] b\n- [x] c\n"


def test_a_file_without_its_hunks_is_no_trouble() -> None:
    file = ChangedFile("a.py", "modified", None)
    (made,) = compose([leak(1, fix=fix_of(b"a\n", b"b\n"))], file, b"a\n", "utf-8")
    assert (made.line, made.suggestion, made.why) == (
        0,
        None,
        "stands in a file whose diff GitHub does not show",
    )
