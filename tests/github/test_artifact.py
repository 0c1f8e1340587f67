"""What a stranger's run may leave: the honest thing comes through, everything else is refused in one line."""

from __future__ import annotations

import io
import json
import stat
import zipfile
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repairbot.github.artifact import (
    MAX_ARCHIVE,
    MAX_DOCUMENT,
    MEMBER,
    ArtifactError,
    Left,
    hold,
    leave,
    parse,
    read,
)
from repairbot.github.model import ChangedFile, Look, PullRequest
from repairbot.model import Audit, FileResult, Finding, Outcome

HEAD, BASE = "a" * 40, "b" * 40
PULL = PullRequest("octo/leaky", 7, HEAD, BASE, "stranger/leaky", "https://github.test/octo/leaky/pull/7")
PRINT = "0123456789abcdef0123"


def finding(path: str) -> Finding:
    return Finding(
        "never-released", path, 3, 3, 1, "run", "conn", "high", "high", "conn stays open", (), (), PRINT
    )


AUDIT = Audit(
    "",
    (
        FileResult("a.py", "python", Outcome.REPORTED, findings=(finding("a.py"),)),
        FileResult("odd name é.py", "python", Outcome.SKIPPED, "binary"),
    ),
)
CHANGED = {name: ChangedFile(name, "modified") for name in ("a.py", "odd name é.py", "README.md")}
LOOK = Look(PULL, tuple(CHANGED.values()), AUDIT)


def document(**other: object) -> dict[str, Any]:
    """The honest document with some keys changed."""
    held: dict[str, Any] = json.loads(leave(LOOK))
    return held | other


def archive(content: bytes, name: str = MEMBER, **more: Any) -> bytes:
    """A ZIP with one member."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as held:
        held.writestr(zipfile.ZipInfo(name) if more else name, content, **more)
    return packed.getvalue()


def test_what_was_left_comes_back_and_holds_no_words() -> None:
    left = read(archive(leave(LOOK)))
    assert left == Left(
        "octo/leaky",
        7,
        HEAD,
        {"a.py": Outcome.REPORTED, "odd name é.py": Outcome.SKIPPED},
    )
    hold(left, PULL, CHANGED)
    assert b"stays open" not in leave(LOOK)
    assert PRINT.encode() not in leave(LOOK)
    assert b"binary" not in leave(LOOK)


def two_members() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as held:
        held.writestr(MEMBER, leave(LOOK))
        held.writestr("second", b"")
    return packed.getvalue()


def link() -> bytes:
    packed = io.BytesIO()
    member = zipfile.ZipInfo(MEMBER)
    member.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(packed, "w") as held:
        held.writestr(member, "/etc/passwd")
    return packed.getvalue()


def lying_size() -> bytes:
    """An archive that says its member is small."""
    honest = archive(b" " * (MAX_DOCUMENT + 10))
    return honest.replace((MAX_DOCUMENT + 10).to_bytes(4, "little"), (10).to_bytes(4, "little"))


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "cannot be unpacked"),
        (b"PK\x03\x04 and nothing", "cannot be unpacked"),
        (archive(leave(LOOK))[:-30], "cannot be unpacked"),
        (b"0" * (MAX_ARCHIVE + 1), "larger than"),
        (archive(b"x", "../../../../etc/cron.d/x"), "alone"),
        (archive(b"x", "/etc/passwd"), "alone"),
        (archive(b"x", "..\\x"), "alone"),
        (archive(b"x", MEMBER + "/"), "alone"),
        (two_members(), "alone"),
        (link(), "not JSON"),  # a link is read as the text it is
        (archive(b" " * (MAX_DOCUMENT + 1)), "larger than"),
        (lying_size(), "unpacked|JSON"),
        (archive(leave(LOOK), compress_type=zipfile.ZIP_LZMA), "no ordinary way"),
    ],
    ids=[
        "empty",
        "no archive",
        "cut off",
        "too large",
        "climbs out",
        "absolute",
        "backslashes",
        "folder",
        "two members",
        "link",
        "bomb",
        "lies about its size",
        "another packing",
    ],
)
def test_an_archive_that_is_not_ours_is_refused(content: bytes, why: str) -> None:
    with pytest.raises(ArtifactError, match=why):
        read(content)


@pytest.mark.parametrize(
    "other",
    [
        {"version": 2},
        {"version": True},
        {"more": 1},
        {"repository": "octo/leaky/../other"},
        {"repository": "octo"},
        {"repository": 7},
        {"number": 0},
        {"number": -7},
        {"number": True},
        {"number": "7"},
        {"number": 7.0},
        {"number": 1 << 60},
        {"head": "main"},
        {"head": HEAD + "\n"},
        {"head": HEAD[:-1]},
        {"head": None},
        {"files": []},
        {"files": {"a.py": "harmless"}},
        {"files": {"a.py": ["clean"]}},
        {"files": {"/etc/passwd": "clean"}},
        {"files": {"../a.py": "clean"}},
        {"files": {"a/../../b.py": "clean"}},
        {"files": {"C:/a.py": "clean"}},
        {"files": {"a\\..\\b.py": "clean"}},
        {"files": {"": "clean"}},
        {"files": {"x" * 5000: "clean"}},
        {"files": {f"{number}.py": "clean" for number in range(3001)}},
    ],
    ids=lambda other: f"{next(iter(other))}: {str(next(iter(other.values())))[:30]!r}",
)
def test_a_document_that_breaks_the_schema_is_refused(other: dict[str, object]) -> None:
    parse(json.dumps(document()).encode())
    with pytest.raises(ArtifactError) as refused:
        parse(json.dumps(document(**other)).encode())
    assert "\n" not in str(refused.value)
    assert "script" not in str(refused.value)


@pytest.mark.parametrize(
    "content", [b"\xff", b"[" * 100_000, b"{}", b"null", b'{"version": NaN}', b"1" * 5_000, b'"\\ud800"']
)
def test_what_is_no_document_is_refused(content: bytes) -> None:
    with pytest.raises(ArtifactError):
        parse(content)


@pytest.mark.parametrize(
    ("other", "why"),
    [
        ({"number": 8}, "another pull request"),
        ({"repository": "octo/other"}, "another pull request"),
        ({"head": BASE}, "another head"),
        ({"files": {"README.txt": "clean"}}, "none that the pull request changes"),
        ({"files": {"gone.py": "clean"}}, "none that the pull request changes"),
        ({"files": {"\ud800": "clean"}}, "none that the pull request changes"),
    ],
)
def test_what_github_does_not_know_of_is_refused(other: dict[str, object], why: str) -> None:
    left = parse(json.dumps(document(**other)).encode())
    with pytest.raises(ArtifactError, match=why):
        hold(left, PULL, CHANGED | {"gone.py": ChangedFile("gone.py", "removed")})


@given(st.binary(max_size=400))
def test_no_bytes_do_anything_but_be_refused(content: bytes) -> None:
    for held in (content, archive(content)):
        with pytest.raises(ArtifactError):
            read(held)
    with pytest.raises(ArtifactError):
        parse(content)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(st.fixed_dictionaries(dict.fromkeys(document(), JSON)))
def test_no_values_under_the_right_keys_do_anything_but_be_refused(held: dict[str, object]) -> None:
    with pytest.raises(ArtifactError):
        parse(json.dumps(held).encode())
