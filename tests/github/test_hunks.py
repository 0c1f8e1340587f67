"""What GitHub lets us comment on, read from its patches."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repairbot.github import hunks as diffs
from repairbot.github.hunks import parse
from tests.github.page import lines_of, patch_of, visible_lines

LINES = st.lists(st.sampled_from((b"a", b"b", b"", b"  c", b"+d", b"-e", b"@@ -1 +1 @@", b"\\ f", b"g\r")))
FILES = st.builds(
    lambda lines, last: b"\n".join(lines) + (b"\n" if last and lines else b""), LINES, st.booleans()
)


@given(FILES, FILES)
def test_hunks_say_what_stands_on_either_side(before: bytes, after: bytes) -> None:
    hunks = parse(patch_of(before, after))
    assert hunks is not None
    old, new = lines_of(before), lines_of(after)
    for hunk in hunks:
        for line in hunk.lines:
            assert line.left or line.right
            text = line.text.encode()
            assert not line.left or old[line.left - 1].removesuffix(b"\n") == text
            assert not line.right or new[line.right - 1].removesuffix(b"\n") == text
        lefts = [line.left for line in hunk.lines if line.left]
        rights = [line.right for line in hunk.lines if line.right]
        assert lefts == list(range(hunk.left, hunk.left + hunk.left_count))
        assert rights == list(range(hunk.right, hunk.right + hunk.right_count))


@given(FILES, FILES)
def test_both_sides_differ_by_what_was_added_and_removed(before: bytes, after: bytes) -> None:
    hunks = parse(patch_of(before, after)) or ()
    added = diffs.added(hunks)
    removed = {line.left for hunk in hunks for line in hunk.lines if line.left and not line.right}
    kept_new = [line for number, line in enumerate(lines_of(after), 1) if number not in added]
    kept_old = [line for number, line in enumerate(lines_of(before), 1) if number not in removed]
    assert kept_new == kept_old
    assert added <= diffs.commentable(hunks)
    assert removed <= diffs.commentable(hunks, "LEFT")


@given(FILES, FILES, st.integers(1, 12), st.integers(1, 12))
def test_lines_that_stand_in_one_hunk(before: bytes, after: bytes, one: int, other: int) -> None:
    first, last = sorted((one, other))
    hunks = parse(patch_of(before, after)) or ()
    hunk = diffs.holding(hunks, first, last)
    shown = [{line.right for line in each.lines} for each in hunks]
    assert (hunk is not None) == any({first, last} <= lines for lines in shown)
    if hunk is not None:
        between = diffs.between(hunk, first, last)
        assert [line.right for line in between if line.right] == list(range(first, last + 1))


def test_a_comment_stands_on_added_and_kept_lines_inside_a_hunk() -> None:
    before = b"".join(b"%d\n" % number for number in range(1, 21))
    after = before.replace(b"10\n", b"ten\n")
    hunks = parse(patch_of(before, after))
    assert hunks is not None
    assert diffs.commentable(hunks) == set(range(7, 14)) == set(visible_lines(before, after)[0])
    assert diffs.commentable(hunks, "LEFT") == set(range(7, 14))
    assert diffs.added(hunks) == {10}


def test_a_patch_may_be_missing() -> None:
    assert parse(None) is None
    assert parse("") == ()


def test_headers_without_counts_and_with_a_function_behind() -> None:
    hunks = parse("@@ -3 +3,2 @@ def f():\n kept\n+new\n\\ No newline at end of file")
    assert hunks is not None
    assert [line.right for line in hunks[0].lines] == [3, 4]


def test_an_empty_line_that_lost_its_blank_is_a_kept_one() -> None:
    hunks = parse("@@ -1,2 +1,3 @@\n a\n\n+b")
    assert hunks is not None
    assert [(line.left, line.right) for line in hunks[0].lines] == [(1, 1), (2, 2), (0, 3)]


@pytest.mark.parametrize(
    "patch",
    [
        "hello",
        "@@ -1,2 +1,2 @@\n a",
        "@@ -1 +1 @@\n a\n b",
        "@@ -1 +1 @@\n*a",
        "Binary files a/x and b/x differ",
        "@@ -1,0 +1 @@\n-a",
    ],
)
def test_what_cannot_be_read_carries_no_comment(patch: str) -> None:
    assert parse(patch) is None
