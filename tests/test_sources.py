"""Which files are looked at, and how every other one is accounted for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.commandline import CLEAN, audited, committed, git


@pytest.mark.parametrize("repository", [True, False])
def test_gitignore_counts_in_a_repository_and_outside(tmp_path: Path, repository: bool) -> None:
    if repository:
        git(tmp_path, "init", "-q")
    (tmp_path / "pkg" / "inner").mkdir(parents=True)
    (tmp_path / "env").mkdir()
    (tmp_path / "env" / "pyvenv.cfg").write_text("")
    (tmp_path / ".gitignore").write_text("/top.py\n*_gen.py\n")
    (tmp_path / "pkg" / ".gitignore").write_text("local.py\n!keep_gen.py\n")
    files = [
        "top.py",
        "a.py",
        "pkg/top.py",
        "pkg/local.py",
        "pkg/inner/x_gen.py",
        "pkg/inner/keep_gen.py",
        "env/x.py",
    ]
    for name in files:
        (tmp_path / name).write_text(CLEAN)
    assert set(audited(tmp_path).outcomes) == {"a.py", "pkg/top.py", "pkg/inner/keep_gen.py"}


def test_a_file_that_is_named_is_looked_at_whatever_ignores_it(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    (tmp_path / ".gitignore").write_text("out/\n")
    (tmp_path / ".repairbot.toml").write_text("[paths]\nexclude = 'out/'\n")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a.py").write_text(CLEAN)
    assert set(audited(tmp_path).outcomes) == set()
    assert set(audited(tmp_path, "out/a.py").outcomes) == {"out/a.py"}


def test_an_ignored_folder_that_is_named_is_looked_at(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    (tmp_path / ".gitignore").write_text("out/\n")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a.py").write_text(CLEAN)
    assert set(audited(tmp_path, "out").outcomes) == {"out/a.py"}


def test_include_and_exclude(tmp_path: Path) -> None:
    (tmp_path / ".repairbot.toml").write_text("[paths]\ninclude = ['src/']\nexclude = ['*_pb2.py']\n")
    for name in ("src/a.py", "src/deep/b_pb2.py", "src/deep/c.py", "tests/d.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(CLEAN)
    assert set(audited(tmp_path).outcomes) == {"src/a.py", "src/deep/c.py"}


def test_paths_are_shown_relative_to_the_working_directory(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    for name in ("sub/a.py", "other/b.py"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text(CLEAN)
    assert set(audited(tmp_path / "sub").outcomes) == {"a.py"}
    assert set(audited(tmp_path / "sub", "../other").outcomes) == {"other/b.py"}
    assert set(audited(tmp_path / "sub", str(tmp_path / "other")).outcomes) == {"other/b.py"}
    assert set(audited(tmp_path / "sub", ".", "a.py", "./a.py").outcomes) == {"a.py"}


def test_what_is_no_source_file_says_so_when_it_is_named(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("x")
    os.mkfifo(tmp_path / "pipe.py")
    (tmp_path / "a.py").write_text(CLEAN)
    ran = audited(tmp_path, "notes.txt", "pipe.py", "a.py")
    assert ran.code == 0
    assert ran.reasons == {"notes.txt": "no language here reads .txt", "pipe.py": "not a regular file"}


def test_names_that_are_not_text(tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9 \n.py")
    (tmp_path / name).write_text(CLEAN)
    ran = audited(tmp_path)
    assert ran.code == 0
    assert len(ran.outcomes) == 1


def test_a_repository_inside_another_is_named_and_left_alone(tmp_path: Path) -> None:
    committed(tmp_path, a__py=CLEAN)
    inner = tmp_path / "inner"
    inner.mkdir()
    committed(inner, b__py=CLEAN)
    ran = audited(tmp_path)
    assert ran.outcomes == {"a.py": "clean", "inner/": "skipped"}
    assert ran.reasons == {"inner/": "another git repository: look at it by itself"}


def test_a_file_that_is_deleted_and_not_committed_is_no_failure(tmp_path: Path) -> None:
    committed(tmp_path, a__py=CLEAN, b__py=CLEAN)
    (tmp_path / "b.py").unlink()
    ran = audited(tmp_path)
    assert ran.code == 0
    assert ran.outcomes == {"a.py": "clean"}
    assert audited(tmp_path, "b.py").code != 0


def test_nothing_that_a_repository_brings_is_run(tmp_path: Path) -> None:
    committed(tmp_path, a__py=CLEAN)
    trap = tmp_path / "trap"
    trap.write_text(f"#!/bin/sh\ntouch {tmp_path}/sprung\n")
    trap.chmod(0o755)
    (tmp_path / ".gitattributes").write_text("*.py diff=trap filter=trap\n")
    for key in ("core.fsmonitor", "diff.external", "diff.trap.textconv", "diff.trap.command", "core.pager"):
        git(tmp_path, "config", key, str(trap))
    git(tmp_path, "-c", "core.fsmonitor=false", "commit", "-qam", "next", "--allow-empty")
    (tmp_path / "sprung").unlink(missing_ok=True)
    assert audited(tmp_path).code == 0
    assert audited(tmp_path, "--base", "HEAD~1").code == 0
    assert not (tmp_path / "sprung").exists()
