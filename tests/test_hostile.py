"""More bad input: what costs too much, what leaves the project, interruptions, wrong command lines.

test_bad_input.py holds the input that the issue names; the cases here guard how those are kept.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.commandline import CLEAN, LEAK, audited, committed, environment, git, repairbot
from tests.commands import REPAIRBOT, unprivileged


def one_line(text: str) -> str:
    lines = text.strip().splitlines()
    assert len(lines) == 1, text
    return lines[0]


def test_a_missing_path_is_named_and_the_rest_is_done(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(CLEAN)
    ran = audited(tmp_path, "a.py", "absent.py")
    assert ran.code == 3
    assert ran.outcomes == {"a.py": "clean"}
    assert one_line(ran.err) == "repairbot: absent.py: no such file or folder"


def test_only_missing_paths_are_a_usage_error(tmp_path: Path) -> None:
    ran = repairbot(tmp_path, "audit", "absent.py")
    assert (ran.code, ran.out) == (2, "")
    assert one_line(ran.err) == "repairbot: absent.py: no such file or folder"


def test_no_permission_to_write_leaves_the_file_alone(tmp_path: Path) -> None:
    file = tmp_path / "a.py"
    file.write_text(LEAK)
    file.chmod(0o444)
    ran = repairbot(tmp_path, "fix", prefix=unprivileged())
    assert ran.code == 3
    assert "no permission to write it" in ran.out
    assert file.read_text() == LEAK


@pytest.mark.parametrize(
    ("encoding", "head", "newline"),
    [("latin-1", "# coding: latin-1\n", "\n"), ("utf-8-sig", "", "\n"), ("utf-8", "", "\r\n")],
)
def test_encoding_mark_and_line_ends_are_kept(tmp_path: Path, encoding: str, head: str, newline: str) -> None:
    before = f"{head}NAME = 'caf\xe9'\n\n\n{LEAK}".replace("\n", newline)
    file = tmp_path / "a.py"
    file.write_bytes(before.encode(encoding))
    file.chmod(0o750)
    assert repairbot(tmp_path, "fix").code == 0
    after = file.read_bytes().decode(encoding)
    assert after != before
    assert after.startswith(f"{head}NAME = 'caf\xe9'\n\n\n".replace("\n", newline))
    assert after.count("\n") == after.count(newline)
    assert file.read_bytes()[:3] == before.encode(encoding)[:3]
    assert file.stat().st_mode & 0o777 == 0o750


def test_symbolic_links_in_a_circle_and_out_of_the_project(tmp_path: Path) -> None:
    project, outside = tmp_path / "project", tmp_path / "outside.py"
    project.mkdir()
    outside.write_text(LEAK)
    (project / ".repairbot.toml").write_text("")
    (project / "a.py").write_text(CLEAN)
    (project / "loop").symlink_to(".")
    (project / "itself.py").symlink_to("itself.py")
    (project / "out.py").symlink_to("../outside.py")
    (project / "away").symlink_to(tmp_path)
    ran = audited(project)
    assert ran.code == 0
    assert ran.outcomes == {
        "a.py": "clean",
        "away": "skipped",
        "itself.py": "skipped",
        "loop": "skipped",
        "out.py": "skipped",
    }
    assert ran.reasons["loop"] == "a symbolic link to a folder: not followed"
    assert ran.reasons["itself.py"] == "a symbolic link that leads nowhere, or in a circle"
    assert ran.reasons["out.py"] == "a symbolic link that leaves the project"
    repairbot(project, "fix", "out.py")
    assert outside.read_text() == LEAK


def test_a_path_that_leaves_the_project_is_not_followed(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / ".repairbot.toml").write_text("")
    (project / "a.py").write_text(LEAK)
    (tmp_path / "outside.py").write_text(LEAK)
    ran = repairbot(project, "fix", "a.py", "../outside.py")
    assert ran.code == 3
    assert "../outside.py: leaves the project" in one_line(ran.err)
    assert (tmp_path / "outside.py").read_text() == LEAK
    assert (project / "a.py").read_text() != LEAK
    alone = repairbot(project, "fix", "../outside.py")
    assert alone.code == 2
    assert "leaves the project" in one_line(alone.err)


def test_a_linked_file_is_written_through_to_its_target(tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "real.py").write_text(LEAK)
    (tmp_path / "link.py").symlink_to("lib/real.py")
    assert repairbot(tmp_path, "fix", "link.py").code == 0
    assert (tmp_path / "link.py").is_symlink()
    assert (tmp_path / "lib" / "real.py").read_text() != LEAK


@pytest.mark.parametrize("opening", ["[", "(", "-", "if x:\n"])
def test_20_000_levels_of_nesting(tmp_path: Path, opening: str) -> None:
    closing = {"[": "]", "(": ")"}.get(opening, "")
    deep = "x = " + opening * 20_000 + "1" + closing * 20_000 + "\nfile = open('x')\n"
    if opening.startswith("if"):
        deep = "".join(" " * level + "if x:\n" for level in range(1500)) + " " * 1500 + "file = open('x')\n"
    (tmp_path / "deep.py").write_text(deep)
    (tmp_path / "good.py").write_text(LEAK)
    ran = audited(tmp_path)
    assert ran.outcomes["good.py"] == "reported"
    assert ran.outcomes["deep.py"] in ("skipped", "failed", "clean", "reported")
    assert ran.code == (3 if ran.outcomes["deep.py"] == "failed" else 1)
    assert repairbot(tmp_path, "fix", "good.py").code == 0


def test_a_file_that_costs_too_much_memory_fails_alone(tmp_path: Path) -> None:
    (tmp_path / ".repairbot.toml").write_text("[limits]\nmemory = 160\n")
    rows = "".join(f"def f{n}(a):\n    x{n} = open(a)\n    return g(x{n}, [a, {n}])\n" for n in range(60_000))
    (tmp_path / "big.py").write_text(rows)
    (tmp_path / "good.py").write_text(LEAK)
    ran = audited(tmp_path, "--jobs", "1")
    assert ran.code == 3
    assert ran.outcomes == {"big.py": "failed", "good.py": "reported"}
    assert ran.reasons["big.py"] == "ran out of memory (160 MiB)"


def test_a_file_that_takes_too_long_fails_alone(tmp_path: Path) -> None:
    (tmp_path / ".repairbot.toml").write_text("[limits]\nseconds = 1\n")
    rows = "".join(f"def f{n}(a):\n    x{n} = open(a)\n    return g(x{n}, [a, {n}])\n" for n in range(60_000))
    (tmp_path / "big.py").write_text(rows)
    (tmp_path / "good.py").write_text(LEAK)
    ran = audited(tmp_path, "--jobs", "1")
    assert ran.code == 3
    assert ran.outcomes == {"big.py": "failed", "good.py": "reported"}
    assert ran.reasons["big.py"] == "took longer than 1 s"


def test_a_configuration_that_is_not_there(tmp_path: Path) -> None:
    ran = repairbot(tmp_path, "audit", "--config", "absent.toml")
    assert ran.code == 2
    assert "absent.toml cannot be read" in one_line(ran.err)


@pytest.mark.parametrize(
    "revision", ["nowhere", "--output=x", "HEAD:a.py", "a..b", "", "HEAD^{tree}", "\udcff"]
)
def test_an_unknown_revision(tmp_path: Path, revision: str) -> None:
    committed(tmp_path, a__py=LEAK)
    ran = repairbot(tmp_path, "audit", f"--base={revision}")
    assert (ran.code, ran.out) == (2, "")
    assert "revision" in one_line(ran.err)
    assert sorted(path.name for path in tmp_path.iterdir()) in ([".cache", ".git", "a.py"], [".git", "a.py"])


@pytest.mark.parametrize("arguments", [("audit", "--base", "HEAD"), ("fix", "--branch", "new")])
def test_not_a_git_repository(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    (tmp_path / "a.py").write_text(LEAK)
    ran = repairbot(tmp_path, *arguments)
    assert (ran.code, ran.out) == (2, "")
    assert "not in a git repository" in one_line(ran.err)


def test_a_repository_without_commits(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    (tmp_path / "a.py").write_text(LEAK)
    assert audited(tmp_path).outcomes == {"a.py": "reported"}
    ran = repairbot(tmp_path, "audit", "--base", "HEAD")
    assert ran.code == 2
    assert "unknown revision" in one_line(ran.err)


def test_a_broken_repository_is_walked(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".gitignore").write_text("ignored.py\n")
    (tmp_path / "a.py").write_text(LEAK)
    (tmp_path / "ignored.py").write_text(LEAK)
    assert audited(tmp_path).outcomes == {"a.py": "reported"}


def test_a_full_disk_for_the_report(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(LEAK)
    ran = repairbot(tmp_path, "audit", "--output", "/dev/full")
    assert ran.code == 3
    assert "No space left on device" in one_line(ran.err)


def children(of: int) -> list[int]:
    """The processes that a process started."""
    listed = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(of)], capture_output=True, text=True, check=False
    )
    return [int(pid) for pid in listed.stdout.split()]


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def until(true: Callable[[], bool], seconds: float = 10) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if true():
            return True
        time.sleep(0.02)
    return False


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interruption_in_the_middle(tmp_path: Path, number: signal.Signals, code: int) -> None:
    rows = "".join(f"def f{n}(a):\n    x{n} = open(a)\n    return g(x{n}, [a, {n}])\n" for n in range(2000))
    for index in range(150):
        (tmp_path / f"m{index}.py").write_text(rows + f"# {index}\n")
    before = {path.name: path.read_bytes() for path in tmp_path.glob("*.py")}
    process = subprocess.Popen(
        [REPAIRBOT, "fix", "--jobs", "2"],
        cwd=tmp_path,
        env=environment(tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert until(lambda: len(children(process.pid)) == 2)
        workers = children(process.pid)
        time.sleep(0.3)
        os.killpg(process.pid, number)
        out, err = process.communicate(timeout=20)
    finally:
        process.kill()
    assert process.returncode == code
    assert out == ""
    assert len(err.strip().splitlines()) == (1 if number is signal.SIGINT else 0), err
    assert until(lambda: not any(map(alive, workers)))
    assert {path.name: path.read_bytes() for path in tmp_path.glob("*.py")} == before
    assert not list(tmp_path.glob(".*repairbot"))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("audti",), "unknown command 'audti'; did you mean 'audit'?"),
        (("audit", "--fromat", "json"), "--fromat"),
        (("audit", "--format", "yaml"), "'yaml' is not one of"),
        (("audit", "--rule", "never-releasd"), "did you mean 'never-released'?"),
        (("explain", "never-releasd"), "did you mean 'never-released'?"),
        (("fix", "--branch", "x", "--diff"), "give one of them"),
        (("audit", "--jobs", "0"), "0 is not in the range"),
        (("new-rule", "Not_A_Name"), "lower case words joined by hyphens"),
    ],
)
def test_a_wrong_command_line(tmp_path: Path, arguments: tuple[str, ...], words: str) -> None:
    (tmp_path / "a.py").write_text(LEAK)
    ran = repairbot(tmp_path, *arguments)
    assert ran.code == 2
    assert words in ran.err
    assert "Traceback" not in ran.err
