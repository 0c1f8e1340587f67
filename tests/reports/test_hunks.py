"""Diffs as data: what is read is what was written, and several fixes make one patch."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repairbot.reports.hunks import DiffError, Patch, combine, parse, unified

from .factory import diff_of, lines_of

endings = st.sampled_from(("\n", "\r\n"))
files = st.builds(
    lambda lines, end, last: end.join(lines) + (end if last and lines else ""),
    st.lists(
        st.sampled_from(("a", "b", "", "    c", "+d", "-e", "\\ f", "@@ g", "--- h", "\x0c", "\r")),
        max_size=30,
    ),
    endings,
    st.booleans(),
)


def applied(source: str, patch: Patch) -> str:
    """The source with the changes made, from the end."""
    lines = lines_of(source)
    for change in reversed(patch.changes):
        assert tuple(lines[change.line - 1 : change.end - 1]) == change.removed
        lines[change.line - 1 : change.end - 1] = change.added
    return "".join(lines)


@given(files, files, st.integers(0, 4))
def test_a_diff_is_read_and_written_again(before: str, after: str, context: int) -> None:
    diff = diff_of(before, after, "p.py", context)
    patch = parse(diff)
    assert applied(before, patch) == after
    if context == 3:
        assert parse(unified("p.py", patch)) == patch


@given(st.data())
def test_fixes_that_keep_apart_make_one_patch(data: st.DataObject) -> None:
    lines = [f"line {number}\n" for number in range(1, 31)]
    edits = data.draw(
        st.lists(st.tuples(st.integers(0, 30), st.integers(0, 2), st.integers(0, 2)), max_size=6),
        label="edits",
    )
    patches = []
    for number, (start, length, added) in enumerate(edits):
        new = [*lines[:start], *(f"new {number}.{i}\n" for i in range(added)), *lines[start + length :]]
        patches.append(parse(diff_of("".join(lines), "".join(new))))
    combined = combine(patches)
    after = applied("".join(lines), combined.patch)
    # Its text says the same as its data, and each fix is in it whole or not at all.
    assert applied("".join(lines), parse(unified("x.py", combined.patch))) == after
    for index, patch in enumerate(patches):
        there = [change in combined.patch.changes for change in patch.changes]
        assert all(there) if index not in combined.left_out else not all(there)
    assert after.count("new ") == sum(
        line.startswith("new ") for c in combined.patch.changes for line in c.added
    )


def test_the_same_import_needed_twice_is_added_once() -> None:
    before = "import os\n\n\na = 1\n\n\n\n\n\n\n\n\nb = 2\n"
    one = before.replace("import os\n", "import os\nimport sys\n").replace("a = 1", "a = 3")
    two = before.replace("import os\n", "import os\nimport sys\n").replace("b = 2", "b = 4")
    combined = combine([parse(diff_of(before, one)), parse(diff_of(before, two))])
    assert combined.left_out == ()
    expected = one.replace("b = 2", "b = 4")
    assert applied(before, combined.patch) == expected
    assert unified("service/health.py", combined.patch) == diff_of(before, expected)


def test_the_later_of_two_that_touch_is_left_out() -> None:
    before = "a\nb\nc\nd\n"
    combined = combine([parse(diff_of(before, "a\nB\nc\nd\n")), parse(diff_of(before, "a\nb\nnew\nc\nd\n"))])
    assert combined.left_out == (1,)


@pytest.mark.parametrize("text", ["@@ -1,2 +1,2 @@\n a\n", "@@ -1 +1 @@\nhello\n", "@@ -1 +0,0 @@\n+a\n"])
def test_what_is_no_diff_is_refused(text: str) -> None:
    with pytest.raises(DiffError):
        parse(text)
