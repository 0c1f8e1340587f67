"""Rust's own rungs of the ladder."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from repairbot.languages.rust.printer import PRINTER

CLEAN = b'fn main() {\n    // says hello\n    println!("hello");\n}\n'


def results(before: bytes, after: bytes) -> dict[str, str]:
    """What each rung says."""
    return {check.name: check.result for check in PRINTER.inspect(before, after, ())}


def test_what_does_not_parse_falls() -> None:
    assert results(CLEAN, CLEAN.replace(b"}", b"")) == {"parses": "failed"}


def test_a_lost_comment_falls() -> None:
    after = CLEAN.replace(b"    // says hello\n", b"")
    assert results(CLEAN, after) == {"parses": "passed", "comments kept": "failed"}


@pytest.mark.needs("rustfmt")
def test_a_clean_file_stays_clean() -> None:
    good = CLEAN.replace(b'hello")', b'goodbye")')
    assert results(CLEAN, good)["rustfmt"] == "passed"
    assert results(CLEAN, good.replace(b"    println", b"  println"))["rustfmt"] == "failed"


@pytest.mark.needs("rustfmt")
def test_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert results(CLEAN, CLEAN.replace(b'hello")', b'all gone")'))["rustfmt"] == "passed"
    assert not list(tmp_path.iterdir())  # a worker is killed when it is not needed any more


@pytest.mark.needs("rustfmt")
def test_another_file_is_not_reformatted() -> None:
    loose = CLEAN.replace(b"    println", b"  println")
    assert results(loose, loose.replace(b'hello"', b'goodbye"'))["rustfmt"] == "not run"
