"""A suggestion is made only where accepting it gives the checked file, byte for byte."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st

from repairbot import edits
from repairbot.github import hunks as diffs
from repairbot.github import texts
from repairbot.github.links import Links
from repairbot.github.remarks import compose
from repairbot.github.suggestions import NoSuggestion, Suggestion, apply, patch, suggest
from repairbot.model import Edit
from tests.github.made import fix_of, leak, numbered, pull
from tests.github.page import accepted, changed, lines_of, patch_of, suggestions, visible_lines
from tests.reports.rendered import pages

WORDS: tuple[bytes, ...] = (
    b"a = 1",
    b"    b()",
    b"",
    b"\tc",
    b"d  ",
    b"```",
    b"````suggestion",
    b"~~~",
    b"</details>",
    b"# @x #1",
    b"<!-- -->",
)
SOME = st.lists(st.sampled_from(WORDS), max_size=14)


def text_of(lines: Sequence[bytes], last: bool = True) -> bytes:
    return b"\n".join(lines) + (b"\n" if last and lines else b"")


def mutated(draw: st.DrawFn, source: bytes) -> bytes:
    """Another version of a file: some lines replaced, one to three times."""
    lines = lines_of(source)
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(lines)))
        end = draw(st.integers(start, min(start + 3, len(lines))))
        lines[start:end] = [line + b"\n" for line in draw(st.lists(st.sampled_from(WORDS), max_size=3))]
    return b"".join(lines)


@st.composite
def cases(draw: st.DrawFn) -> tuple[bytes, bytes, bytes]:
    """Base, head, and the head with a repair made."""
    base = text_of(draw(SOME), draw(st.booleans()))
    head = mutated(draw, base)
    return base, head, mutated(draw, head)


@settings(max_examples=500)
@given(cases())
def test_500_random_diffs_every_suggestion_applied_gives_the_checked_file(
    case: tuple[bytes, bytes, bytes],
) -> None:
    base, head, checked = case
    assume(head != checked)
    fix = fix_of(head, checked)
    assert edits.apply(head, fix.edits) == checked
    finding = leak(1, fix=fix)
    file = changed("a.py", base, head)
    (remark,) = compose([finding], file, head, "utf-8")
    body = texts.comment(remark, Links(pull(), [file]))
    made = remark.suggestion
    if made is None:
        event("patch")
        assert suggestions(body) == []
        assert remark.why
        return
    event("suggestion")
    assert apply(head, made) == checked
    # As GitHub reads it: the one fence in the rendered comment, over the lines the comment stands on.
    first, last = remark.start_line or remark.line, remark.line
    (text,) = suggestions(body)
    lines = lines_of(head)
    assert b"".join([*lines[: first - 1], text.encode(), *lines[last:]]) == checked
    assert text.encode() != b"".join(lines[first - 1 : last])
    (shown,) = [hunk for hunk in visible_lines(base, head) if last in hunk]
    assert first in shown
    assert remark.start_line is None or remark.start_line < remark.line
    # Smallest: its ends change, but for the one line that an insertion or a deletion borrows.
    new = lines_of(text.encode())
    old = lines[first - 1 : last]
    same = (old[0] == new[0]) + (old[-1] == new[-1] and len(old) > 1)
    borrowed = len(new) == 1 or len(old) == 1
    assert same == 0 or (same <= 1 + (len(new) == 1) and borrowed)


def suggested(head: bytes, after: bytes, base: bytes = b"") -> Suggestion | NoSuggestion:
    return suggest(head, edits.minimal(head, after), diffs.parse(patch_of(base, head)))


def why(head: bytes, after: bytes, base: bytes = b"") -> str:
    made = suggested(head, after, base)
    assert isinstance(made, NoSuggestion)
    return made.why


def test_a_suggestion_takes_the_smallest_range() -> None:
    head = numbered(9)
    assert suggested(head, head.replace(b"line 4\n", b"four\n")) == Suggestion(4, 4, ("four",))
    both = head.replace(b"line 4\n", b"four\n").replace(b"line 6\n", b"six\n")
    assert suggested(head, both) == Suggestion(4, 6, ("four", "line 5", "six"))


def test_a_bare_deletion_takes_a_neighbour_line() -> None:
    head = numbered(5)
    assert suggested(head, head.replace(b"line 3\n", b"")) == Suggestion(2, 3, ("line 2",))
    assert suggested(head, head.replace(b"line 1\n", b"")) == Suggestion(1, 2, ("line 2",))


def test_a_bare_deletion_takes_the_neighbour_that_the_diff_shows() -> None:
    base = numbered(20)
    head = base.replace(b"line 10\n", b"ten\n")  # shown: 7 to 13
    assert suggested(head, head.replace(b"line 7\n", b""), base) == Suggestion(7, 8, ("line 8",))
    assert suggested(head, head.replace(b"line 13\n", b""), base) == Suggestion(12, 13, ("line 12",))


def test_an_insertion_takes_the_line_before_it() -> None:
    head = numbered(3)
    assert suggested(head, head.replace(b"line 2\n", b"line 2\nnew\n")) == Suggestion(2, 2, ("line 2", "new"))
    assert suggested(head, b"new\n" + head) == Suggestion(1, 1, ("new", "line 1"))
    assert suggested(head, head + b"new\n") == Suggestion(3, 3, ("line 3", "new"))


def test_a_suggestion_must_change_something() -> None:
    assert why(numbered(3), numbered(3)) == "changes nothing"


def test_a_fix_outside_of_the_diff_is_no_suggestion() -> None:
    base = numbered(40)
    head = base.replace(b"line 20\n", b"twenty\n")
    assert why(head, head.replace(b"line 30\n", b"x\n"), base) == "changes lines outside of this diff"
    assert (
        why(head, b"import x\n" + head.replace(b"twenty", b"y"), base) == "changes lines outside of this diff"
    )


def test_a_fix_in_several_places_is_no_suggestion() -> None:
    base = numbered(40)
    head = base.replace(b"line 5\n", b"five\n").replace(b"line 30\n", b"thirty\n")
    both = head.replace(b"five", b"5").replace(b"thirty", b"30")
    assert why(head, both, base) == "changes several places of the diff"


def test_a_fix_of_places_far_apart_is_no_suggestion() -> None:
    head = numbered(40)
    near = head.replace(b"line 3\n", b"three\n").replace(b"line 15\n", b"fifteen\n")
    far = head.replace(b"line 3\n", b"three\n").replace(b"line 30\n", b"thirty\n")
    assert isinstance(suggested(head, near), Suggestion)
    assert why(head, far) == "changes places that are far apart"


def test_lines_removed_in_between_make_a_suggestion_that_cannot_be_committed() -> None:
    base = numbered(9)
    head = base.replace(b"line 5\n", b"")
    across = head.replace(b"line 4\n", b"four\n").replace(b"line 6\n", b"six\n")
    assert why(head, across, base) == "spans lines that this change removes"
    # A line replaced in front of the range does no harm.
    replaced = base.replace(b"line 4\nline 5\n", b"4\n5\n")
    assert suggested(replaced, replaced.replace(b"4\n5\n", b"iv\nv\n"), base) == Suggestion(4, 5, ("iv", "v"))


@pytest.mark.parametrize(
    ("head", "after", "words"),
    [
        (b"a\r\nb\r\n", b"a\r\nc\r\n", "stands in lines that end in CR LF"),
        (b"a\nb", b"a\nc", "reaches the last line, which has no line end"),
        (b"a\nb", b"a\nb\n", "reaches the last line, which has no line end"),
        (b"a\nb\n", b"a\nb", "reaches the last line, which has no line end"),
        (b"a\n\xe2\x80\xaeb\n", b"a\n\xe2\x80\xaec\n", "holds characters that cannot be seen"),
        (b"a\n\x0cb\n", b"a\n\x0cc\n", "holds characters that cannot be seen"),
        (b"", b"a\n", "needs no line of the file"),
    ],
)
def test_traps_make_a_patch(head: bytes, after: bytes, words: str) -> None:
    assert why(head, after) == words


def test_a_file_whose_patch_is_missing_gets_no_suggestion() -> None:
    made = suggest(b"a\n", (Edit(0, 1, "b"),), None)
    assert made == NoSuggestion("stands in a file whose diff GitHub does not show")


def test_a_file_that_is_not_utf_8_gets_no_suggestion() -> None:
    hunks = diffs.parse(patch_of(b"", b"x\n"))
    made = suggest("ä = 1\n".encode("latin-1"), (Edit(0, 1, "b"),), hunks, "iso8859-1")
    assert made == NoSuggestion("stands in a file that is not UTF-8 but iso8859-1")


def test_a_suggestion_for_another_version_than_the_diff_shows_is_not_made() -> None:
    hunks = diffs.parse(patch_of(b"", b"one\ntwo\n"))
    made = suggest(b"one\nmoved on\n", edits.minimal(b"one\nmoved on\n", b"one\nx\n"), hunks)
    assert made == NoSuggestion("was made for another version of the file than the diff shows")


def test_the_fence_is_the_longest_run_of_backticks_plus_one() -> None:
    head, after = b"a\n", b"``````\n"
    (remark,) = compose([leak(1, fix=fix_of(head, after))], changed("a.py", None, head), head, "utf-8")
    body = texts.comment(remark, Links(pull(), []))
    assert "\n```````suggestion\n``````\n```````\n" in body
    assert suggestions(body) == ["``````\n"]


@pytest.mark.parametrize("path", ["a.py", "with space/ä b.py", 'quo"te.py'])
def test_what_cannot_be_a_suggestion_is_a_patch_that_git_apply_takes(tmp_path: Path, path: str) -> None:
    base = numbered(40)
    head = base.replace(b"line 20\n", b"twenty\n")
    checked = b"import x\n" + head.replace(b"twenty", b"```\n</details>") + b"no end"
    fix = fix_of(head, checked, path)
    (remark,) = compose([leak(20, path, fix=fix)], changed(path, base, head), head, "utf-8")
    body = texts.comment(remark, Links(pull(), []))
    for page in pages(body):
        assert page.tags.count("details") == 1
        (text,) = [code for code in page.codes if code.startswith("---")]
        file = tmp_path / path
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(head)
        done = subprocess.run(
            ["git", "apply", "-"], cwd=tmp_path, input=text.encode(), capture_output=True, check=False
        )
        assert done.returncode == 0, done.stderr
        assert file.read_bytes() == checked


@pytest.mark.parametrize(("head", "after"), [(b"a\r\n", b"b\r\n"), (b"a\xe2\x80\xae\n", b"b\xe2\x80\xae\n")])
def test_a_patch_that_a_comment_cannot_carry_says_so(head: bytes, after: bytes) -> None:
    fix = fix_of(head, after)
    assert patch("a.py", fix).why_not
    (remark,) = compose([leak(1, fix=fix)], changed("a.py", None, head), head, "utf-8")
    body = texts.comment(remark, Links(pull(), []))
    assert "`repairbot fix` writes it: " in body
    assert "git apply" not in body


def test_a_suggestion_is_accepted_where_its_comment_stands() -> None:
    head, after = numbered(3), numbered(3).replace(b"line 2\n", b"")
    (remark,) = compose([leak(2, fix=fix_of(head, after))], changed("a.py", None, head), head, "utf-8")
    from repairbot.github.model import DraftComment

    body = texts.comment(remark, Links(pull(), []))
    assert accepted(head, DraftComment("a.py", remark.line, body, remark.start_line), body) == after
