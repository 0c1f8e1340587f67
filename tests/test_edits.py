"""Edits, diffs and encodings, on texts that nobody thought of."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repairbot.edits import (
    BadEditsError,
    UndecodableError,
    apply,
    minimal,
    ordered,
    overlap,
    transcode,
    unified,
)
from repairbot.model import Edit

LINES = st.lists(st.sampled_from(["a", "é", "  b", "", "x = 1", "\t c", "\ufeff", "\x0c"]), max_size=12)
ENDS = st.sampled_from(["\n", "\r\n", "\r"])


@st.composite
def texts(draw: st.DrawFn) -> bytes:
    text = draw(ENDS).join(draw(LINES))
    return (text + draw(st.sampled_from(["", "\n", "\r\n"]))).encode()


@given(texts(), texts())
def test_minimal_edits_turn_one_text_into_the_other(before: bytes, after: bytes) -> None:
    assert apply(before, minimal(before, after)) == after


@given(texts())
def test_nothing_to_do_is_no_edit(text: bytes) -> None:
    assert minimal(text, text) == ()
    assert unified(text, text, "p") == ""


@given(st.binary(max_size=40), st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=4))
def test_edits_apply_or_are_refused(source: bytes, places: list[tuple[int, int]]) -> None:
    edits = [Edit(min(pair), max(pair), "x") for pair in places]
    try:
        wanted = ordered(edits, len(source))
    except BadEditsError:
        with pytest.raises(BadEditsError):
            apply(source, edits)
        return
    result, at = b"", 0
    for edit in wanted:
        result += source[at : edit.start] + b"x"
        at = edit.end
    assert apply(source, edits) == result + source[at:]


def test_overlap() -> None:
    assert overlap([Edit(0, 3, "")], [Edit(2, 4, "")])
    assert overlap([Edit(3, 3, "a")], [Edit(3, 3, "b")])
    assert not overlap([Edit(3, 3, "a")], [Edit(3, 3, "a")])
    assert not overlap([Edit(0, 2, "")], [Edit(3, 4, "")])


@settings(max_examples=40, deadline=None)
@given(texts(), texts())
def test_git_applies_the_diff(tmp_path_factory: pytest.TempPathFactory, before: bytes, after: bytes) -> None:
    folder = tmp_path_factory.mktemp("diff")
    diff = unified(before, after, "file.py")
    if not diff or not before or not after:
        return
    (folder / "file.py").write_bytes(before)
    (folder / "p.patch").write_bytes(diff.encode())
    subprocess.run(["git", "apply", "p.patch"], cwd=folder, check=True, capture_output=True)
    assert (Path(folder) / "file.py").read_bytes() == after


def test_a_coding_cookie_is_kept() -> None:
    source = "# -*- coding: latin-1 -*-\nx = 'é'\ny = 1\n".encode("latin-1")
    known = transcode(source)
    at = known.data.index(b"1\n", 30)
    edits = known.back([Edit(at, at + 1, "'ü'")])
    assert known.encoding == "iso8859-1"
    assert apply(source, edits, known.encoding) == source.replace(b"y = 1", "y = 'ü'".encode("latin-1"))
    with pytest.raises(UnicodeEncodeError):
        known.back([Edit(at, at, "→")])


@pytest.mark.parametrize(
    ("source", "why"),
    [
        (b"x = 1\ny = '\xff'\n", "line 2 is not utf-8 (byte 0xff)"),
        (b"# coding: klingon\n", "its coding cookie names an unknown encoding, klingon"),
        (b"# coding: rot13\n", "its coding cookie names an unknown encoding, rot13"),
    ],
)
def test_bytes_that_are_no_text(source: bytes, why: str) -> None:
    with pytest.raises(UndecodableError) as error:
        transcode(source)
    assert str(error.value) == why


def test_a_byte_order_mark_and_line_ends_stay() -> None:
    source = b"\xef\xbb\xbfx = 1\r\ny = 2\rz = 3\n"
    assert apply(source, [Edit(7, 8, "5")]) == b"\xef\xbb\xbfx = 5\r\ny = 2\rz = 3\n"
    assert transcode(source).encoding == "utf-8"
