"""`repairbot fix` on real files and repositories."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.commandline import CLEAN, LEAK, committed, git, repairbot

FIXED = """\
def first_line(path):
    with open(path) as file:
        line = file.readline()
    return line.strip()
"""
MANY = """\
import socket


def first_line(path):
    file = open(path)
    line = file.readline()
    return line.strip()


def greeting(address):
    peer = socket.create_connection(address)
    word = peer.recv(5)
    return word


def text(path):
    return open(path).read()


def last_line(path):
    file = open(path)
    lines = file.readlines()
    return lines[-1]
"""


def files(folder: Path) -> dict[str, str]:
    """Every source file's text."""
    return {path.name: path.read_text() for path in sorted(folder.glob("*.py"))}


def test_it_repairs_in_place_and_says_what_it_did(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(LEAK)
    (tmp_path / "b.py").write_text(CLEAN)
    ran = repairbot(tmp_path, "fix")
    assert (ran.code, ran.err) == (0, "")
    assert "a.py:2  never-released" in ran.out
    assert "repaired:" in ran.out
    assert files(tmp_path) == {"a.py": FIXED, "b.py": CLEAN}
    again = repairbot(tmp_path, "fix")
    assert again.code == 0
    assert "2 files: 2 clean" in again.out


def test_a_file_of_which_nothing_is_left_to_say_is_written_too(tmp_path: Path) -> None:
    source = "pub struct M {\n    all: Vec<u64>,\n    total_bytes: u64,\n}\n\nimpl M {\n"
    source += (
        "    pub fn total(&self) -> u64 {\n        self.all.last().copied().unwrap_or_default()\n    }\n}\n"
    )
    path = tmp_path / "m.rs"
    path.write_text(source.replace("total_bytes", "cumulative_bytes").replace("total(", "total_bytes("))
    assert repairbot(tmp_path, "fix", "--unsafe-fixes").code == 0
    assert "self.cumulative_bytes\n" in path.read_text()


def test_diff_shows_and_writes_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(LEAK)
    ran = repairbot(tmp_path, "fix", "--diff")
    assert ran.code == 1
    assert "+    with open(path) as file:" in ran.out
    assert "would be repaired" in ran.out
    assert files(tmp_path) == {"a.py": LEAK}
    assert repairbot(tmp_path, "fix", "--diff", "--quiet").out.startswith("1 file")
    (tmp_path / "a.py").write_text(CLEAN)
    assert repairbot(tmp_path, "fix", "--diff").code == 0


def test_all_repairs_of_a_file_hold_together(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(MANY)
    ran = repairbot(tmp_path, "fix")
    assert ran.code == 0, ran.out
    text = files(tmp_path)["a.py"]
    compile(text, "a.py", "exec")
    assert text.count("with ") == 4
    assert repairbot(tmp_path, "audit").code == 0


def test_repairs_that_need_the_same_new_line_are_made_in_one_run(tmp_path: Path) -> None:
    source = """\
import asyncio


async def first(work):
    asyncio.create_task(work())
    asyncio.create_task(work(2))


async def second(work):
    asyncio.create_task(work())
"""
    (tmp_path / "a.py").write_text(source)
    ran = repairbot(tmp_path, "fix", "--all")
    assert ran.code == 0, ran.out + ran.err
    keep = "    _background_tasks.add(task)\n    task.add_done_callback(_background_tasks.discard)\n"
    wanted = (
        source.replace("import asyncio\n", "import asyncio\n\n_background_tasks = set()\n")
        .replace("    asyncio", "    task = asyncio")
        .replace("(work())\n", f"(work())\n{keep}")
        .replace("(work(2))\n", f"(work(2))\n{keep}")
    )
    assert (tmp_path / "a.py").read_text() == wanted
    assert repairbot(tmp_path, "fix", "--all", "--diff").code == 0


def test_only_the_rules_that_are_named(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(MANY)
    ran = repairbot(tmp_path, "fix", "--rule", "nameless-resource")
    assert ran.code == 0
    assert files(tmp_path)["a.py"].count("with ") == 1
    assert "never-released" not in ran.out


@pytest.mark.parametrize(
    ("answers", "withs"),
    [("y\nn\nn\nn\n", 1), ("a\nn\n", 3), ("q\n", 0), ("n\nn\ny\nq\n", 1), ("", 0), ("a\na\n", 4)],
)
def test_it_asks_for_each(tmp_path: Path, answers: str, withs: int) -> None:
    (tmp_path / "a.py").write_text(MANY)
    ran = repairbot(tmp_path, "fix", "--interactive", answers=answers)
    assert ran.code == (0 if withs == 4 else 1), ran.out
    assert "apply? yes, no, all of this rule, quit" in ran.out
    assert files(tmp_path)["a.py"].count("with ") == withs


def test_a_file_with_uncommitted_changes_is_refused(tmp_path: Path) -> None:
    committed(tmp_path, a__py=LEAK, b__py=LEAK)
    (tmp_path / "a.py").write_text(LEAK + "\n")
    (tmp_path / "new.py").write_text(LEAK)
    ran = repairbot(tmp_path, "fix")
    assert ran.code == 3
    assert files(tmp_path) == {"a.py": LEAK + "\n", "b.py": FIXED, "new.py": LEAK}
    words = "has uncommitted changes: commit or stash them, or use --allow-dirty"
    assert ran.err.splitlines() == [f"repairbot: a.py: {words}", f"repairbot: new.py: {words}"]
    assert repairbot(tmp_path, "fix", "--diff").code == 1
    assert repairbot(tmp_path, "fix", "--allow-dirty").code == 0
    assert files(tmp_path) == {"a.py": FIXED + "\n", "b.py": FIXED, "new.py": FIXED}


def test_a_branch_gets_one_commit_a_rule_and_all_else_stays(tmp_path: Path) -> None:
    committed(tmp_path, a__py=MANY, b__py=LEAK)
    (tmp_path / "b.py").write_text("half done\n")
    (tmp_path / "staged.py").write_text(CLEAN)
    git(tmp_path, "add", "staged.py")
    before = (files(tmp_path), git(tmp_path, "status", "--porcelain"), git(tmp_path, "rev-parse", "HEAD"))
    ran = repairbot(tmp_path, "fix", "--branch", "leaks")
    assert ran.code == 0, ran.err
    assert ran.err == "branch leaks: 2 commits, one a rule\n"
    assert before == (
        files(tmp_path),
        git(tmp_path, "status", "--porcelain"),
        git(tmp_path, "rev-parse", "HEAD"),
    )
    assert git(tmp_path, "branch", "--show-current") == "main"
    titles = git(tmp_path, "log", "--format=%s", "--reverse", "main..leaks").splitlines()
    assert titles == ["Repair nameless-resource in a.py", "Repair never-released in 2 files"]
    assert git(tmp_path, "show", "leaks:b.py") + "\n" == FIXED
    text = git(tmp_path, "show", "leaks:a.py")
    compile(text, "a.py", "exec")
    assert text.count("with ") == 4
    assert git(tmp_path, "diff", "--stat", "main", "leaks", "--", "staged.py") == ""
    again = repairbot(tmp_path, "fix", "--branch", "leaks")
    assert again.code == 2
    assert "there is a branch 'leaks' already" in again.err


@pytest.mark.parametrize("name", ["-x", "a..b", "a b", "", "refs/heads/", "@{1}"])
def test_a_name_that_no_branch_can_have(tmp_path: Path, name: str) -> None:
    committed(tmp_path, a__py=LEAK)
    ran = repairbot(tmp_path, "fix", f"--branch={name}")
    assert ran.code == 2
    assert "cannot be a branch's name" in ran.err
    assert git(tmp_path, "branch", "--list") == "* main"


def test_no_branch_where_there_is_nothing_to_repair(tmp_path: Path) -> None:
    committed(tmp_path, a__py=CLEAN)
    ran = repairbot(tmp_path, "fix", "--branch", "leaks")
    assert (ran.code, ran.err) == (0, "nothing to repair: no branch leaks was made\n")
    assert git(tmp_path, "branch", "--list") == "* main"


def test_modes_and_links_of_the_tree_stay_on_the_branch(tmp_path: Path) -> None:
    (tmp_path / "run.py").write_text(LEAK)
    (tmp_path / "run.py").chmod(0o755)
    (tmp_path / "link.py").symlink_to("run.py")
    committed(tmp_path, a__py=CLEAN)
    assert repairbot(tmp_path, "fix", "--branch", "leaks").code == 0
    rows = {row.split("\t")[1]: row.split()[0] for row in git(tmp_path, "ls-tree", "leaks").splitlines()}
    assert rows == {"a.py": "100644", "link.py": "120000", "run.py": "100755"}
