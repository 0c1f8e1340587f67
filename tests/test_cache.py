"""The cache gives back what it was given, and is never worth an error."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from repairbot import cache as caches
from repairbot.cache import NAME, Cache, digest


def opened(folder: Path, said: list[str]) -> Cache:
    return Cache(str(folder), said.append)


def test_what_was_kept_is_there_in_the_next_run(tmp_path: Path) -> None:
    said: list[str] = []
    keys = [digest(str(number).encode()) for number in range(3000)]
    with opened(tmp_path, said) as cache:
        for key in keys:
            cache.keep(key, b"answer " + key)
        cache.remember("1:2:3", b"content")
    with opened(tmp_path, said) as cache:
        assert cache.answers([*keys, b"other"]) == {key: b"answer " + key for key in keys}
        assert cache.digests(["1:2:3", "9:9:9"]) == {"1:2:3": b"content"}
    assert said == []


def test_without_a_folder_nothing_is_kept(tmp_path: Path) -> None:
    with Cache(None, pytest.fail) as cache:
        cache.keep(b"key", b"answer")
        assert cache.answers([b"key"]) == {}


@pytest.mark.parametrize("content", [b"no database at all, " * 300, b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_broken_cache_is_thrown_away_with_one_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / NAME).write_bytes(content)
    said: list[str] = []
    with opened(tmp_path, said) as cache:
        cache.keep(b"key", b"answer")
    assert len(said) == 1
    assert "was broken and is started anew" in said[0]
    with opened(tmp_path, said) as cache:
        assert cache.answers([b"key"]) == {b"key": b"answer"}
    assert len(said) == 1


def test_pages_broken_behind_a_good_header_do_no_harm(tmp_path: Path) -> None:
    with opened(tmp_path, []) as cache:
        for number in range(2000):
            cache.keep(digest(bytes([number % 256, number // 256])), b"x" * 100)
    file = tmp_path / NAME
    whole = file.read_bytes()
    file.write_bytes(whole[:4096] + b"\xa5" * (len(whole) - 4096))
    said: list[str] = []
    for _ in range(2):
        with opened(tmp_path, said) as cache:
            assert cache.answers([digest(b"key")]) == {}
            cache.keep(digest(b"key2"), b"answer")
    assert len(said) == 1


def test_a_locked_cache_is_done_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(caches, "WAIT", 0.05)
    with opened(tmp_path, []) as cache:
        cache.keep(b"key", b"answer")
    other = sqlite3.connect(tmp_path / NAME, isolation_level=None)
    other.execute("begin immediate")
    said: list[str] = []
    with opened(tmp_path, said) as cache:
        assert cache.answers([b"key"]) == {b"key": b"answer"}
        cache.keep(b"other", b"answer")
    other.execute("rollback")
    other.close()
    assert len(said) <= 1


def test_a_folder_that_cannot_be_made_is_done_without(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    said: list[str] = []
    with opened(tmp_path / "file" / "folder", said) as cache:
        cache.keep(b"key", b"answer")
        assert cache.answers([b"key"]) == {}
    assert len(said) == 1
    assert "working without a cache" in said[0]


def test_it_stays_below_its_limit_and_drops_what_was_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(caches, "LIMIT", 200_000)
    for run in range(6):
        with opened(tmp_path, []) as cache:
            for number in range(50):
                cache.keep(digest(bytes([run, number])), b"x" * 2000)
    assert (tmp_path / NAME).stat().st_size < 400_000


def test_parts_of_a_digest_do_not_run_together() -> None:
    assert digest(b"ab", b"c") != digest(b"a", b"bc")
