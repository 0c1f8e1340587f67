"""Pull requests of strangers: nothing of theirs runs, and the review still comes or says why not."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.commands import REPAIRBOT
from tests.github.reviewing import FIXED, LEAK, NUMBER, REPO, Desk, leaks, opened
from tests.github.rig.repository import Repository
from tests.github.rig.server import Rig


def command(desk: Desk, folder: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    """`repairbot review` in `folder`, which is also the home of whoever runs it."""
    environment = {
        **os.environ,
        **desk.rig.environment(desk.token),
        "HOME": str(folder),
        "XDG_CACHE_HOME": str(folder / "cache"),
        **more,
    }
    return subprocess.run(
        [REPAIRBOT, "review", "--repo", REPO, "--pr", str(NUMBER), *arguments],
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def test_nothing_that_a_repository_brings_is_run(rig: Rig, tmp_path: Path) -> None:
    home, ran = tmp_path / "home", tmp_path / "ran"
    home.mkdir()
    touch = f"touch {ran}; cat"
    # Drivers as people have them configured; the attributes that call for them are the stranger's.
    (home / ".gitconfig").write_text(
        f'[filter "evil"]\n\tsmudge = {touch}\n\tclean = {touch}\n\trequired = true\n'
        f'[diff "evil"]\n\ttextconv = "{touch}"\n\tcommand = "{touch}"\n'
    )
    bare = {
        "nested/HEAD": "ref: refs/heads/main\n",
        "nested/config": f'[core]\n\tbare = true\n\tfsmonitor = "{touch}"\n',
        "nested/objects/.keep": "",
        "nested/refs/.keep": "",
    }
    head = {
        ".gitattributes": "* filter=evil diff=evil\n",
        "a.py": leaks("one"),
        "conftest.py": f"import os\nos.system('touch {ran}')\n",
        "sitecustomize.py": f"import os\nos.system('touch {ran}')\n",
        "repairbot/__init__.py": f"import os\nos.system('touch {ran}')\n",
        "templates/review_comment.md.j2": "{{ 'owned' }}",
        **bare,
    }
    desk = opened(rig, tmp_path, {"a.py": "X = 1\n"}, head)
    rig.state.repository.commit("topic", {"link.py": ("120000", "/etc/passwd"), "up": ("120000", "../..")})
    rig.state.repository.commit("topic", {"module.py": ("160000", desk.pull.head)})
    rig.state.push(NUMBER)
    done = command(desk, home)
    assert done.returncode == 0, done.stderr
    assert not ran.exists()
    assert [each.comments[0].path for each in desk.open()] == ["a.py"]
    assert "owned" not in desk.ours()[0].comments[0].body


def test_the_token_reaches_git_as_a_header_in_its_environment_alone(rig: Rig, tmp_path: Path) -> None:
    desk = opened(rig, tmp_path, {}, {"a.py": leaks("one")})
    rig.state.private = True
    tools, seen = tmp_path / "tools", tmp_path / "seen"
    tools.mkdir()
    wrapper = tools / "git"
    wrapper.write_text(f'#!/bin/sh\n{{ echo "$@"; env; echo; }} >> {seen}\nexec {shutil.which("git")} "$@"\n')
    wrapper.chmod(0o755)
    token = rig.token("ghs_12345_eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiIxMjMifQ.c2lnbmF0dXJl")
    desk.token = token
    path = f"{tools}{os.pathsep}{os.environ['PATH']}"
    done = command(desk, tmp_path, PATH=path, GH_TOKEN=token, ACTIONS_RUNTIME_TOKEN="eyJx.eyJy.z")
    assert done.returncode == 0, done.stderr
    assert len(desk.open()) == 1
    told = seen.read_text()
    assert "fetch" in told
    assert token not in told
    assert "eyJx" not in told
    hidden = base64.b64encode(f"x-access-token:{token}".encode()).decode()
    rows = [row for row in told.splitlines() if hidden in row]
    assert rows
    assert all(row.startswith("GIT_CONFIG_VALUE_0=Authorization: Basic ") for row in rows)
    assert "fetch" not in next(row for row in told.splitlines() if "cat-file" in row)


def test_a_fetch_that_is_sent_elsewhere_takes_no_token_there(rig: Rig, tmp_path: Path) -> None:
    desk = opened(rig, tmp_path, {}, {"a.py": leaks("one")})
    rig.git_elsewhere = rig.url.replace("127.0.0.1", "localhost") + "/elsewhere"
    desk.review()
    assert not any(each.path.startswith("/elsewhere") for each in rig.log)
    assert len(desk.open()) == 1, "the contents API served"


@pytest.mark.parametrize("private", [False, True])
def test_where_git_objects_cannot_be_fetched_the_contents_api_serves(
    rig: Rig, tmp_path: Path, private: bool
) -> None:
    base = {"old.py": leaks("old"), ".repairbot.toml": "[paths]\nexclude = 'gen_*'\n"}
    desk = opened(
        rig, tmp_path, base, {"old.py": leaks("old", "new"), "gen_x.py": leaks("three"), "b.py": "X = 1\n"}
    )
    rig.git, rig.state.private = False, private
    done = desk.review()
    assert [(each.comments[0].path, each.comments[0].line) for each in desk.open()] == [("old.py", 9)]
    assert [(finding.path, finding.symbol) for finding in done.plan.others] == [("old.py", "old")]
    assert "cannot fetch" in desk.reports()[0]
    assert "imports not followed" in desk.reports()[0]


def test_without_git_the_contents_api_serves(rig: Rig, tmp_path: Path) -> None:
    desk = opened(rig, tmp_path, {}, {"a.py": leaks("one")})
    (tmp_path / "empty").mkdir()
    done = command(desk, tmp_path, PATH=str(tmp_path / "empty"))
    assert done.returncode == 0, done.stderr
    assert len(desk.open()) == 1
    assert "git is not installed" in desk.reports()[0]


@pytest.mark.parametrize("fork", ["stranger/leaky", "gone"])
def test_forks_are_read_from_the_repository_they_were_opened_on(rig: Rig, tmp_path: Path, fork: str) -> None:
    desk = opened(rig, tmp_path, {}, {"a.py": leaks("one")})
    rig.state.pulls[NUMBER].fork = fork
    desk.review()
    assert len(desk.open()) == 1
    assert all("stranger" not in each.path for each in rig.log)


def test_the_configuration_and_the_baseline_of_the_head_count_for_nothing(rig: Rig, tmp_path: Path) -> None:
    desk = opened(rig, tmp_path, {"pyproject.toml": "[project]\nname = 'x'\n"}, {"a.py": leaks("one")})
    (mark,) = (finding.fingerprint for finding in desk.look().look.audit.findings)
    desk.push(
        __repairbot__toml="[review]\nmax-comments = 0\n[rules]\nnever-released = 'off'\n",
        pyproject__toml="[tool.repairbot.paths]\nexclude = ['*.py']\n",
    )
    rows = json.dumps({"version": 1, "findings": [{"fingerprint": mark}]})
    rig.state.repository.commit("topic", {".repairbot-baseline.json": rows})
    rig.state.push(NUMBER)
    desk.review()
    assert len(desk.open()) == 1
    rig.state.repository.commit("main", {".repairbot-baseline.json": rows})
    desk.review()
    assert len(desk.open()) == 0, "the base branch's baseline counts"


def test_a_configuration_of_the_base_that_cannot_be_read_is_said(rig: Rig, tmp_path: Path) -> None:
    desk = opened(rig, tmp_path, {".repairbot.toml": "colour = 'red'\n"}, {"a.py": leaks("one")})
    done = command(desk, tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "unknown key" in done.stderr
    assert "Traceback" not in done.stderr
    assert rig.writes() == []


NAMES = [
    "with space.py",
    "-rf.py",
    "line\nfeed.py",
    "bell\x07.py",
    "tick`s`.py",
    "<!-- repairbot:report v1 open -->.py",
    "::error::x.py",
    "right\u202eleft.py",
    "@everyone.py",
    "pipe|d.py",
    "percent%2e.py",
    "#1.py",
    "ünï.py",
]


def test_names_that_say_something_else(rig: Rig, tmp_path: Path) -> None:
    desk = opened(rig, tmp_path, {}, {name: leaks("one") for name in NAMES})
    rig.state.repository.commit("main", {".repairbot.toml": "[review]\nmax-comments = 30\n"})
    desk.review()
    assert sorted(each.comments[0].path for each in desk.open()) == sorted(NAMES)
    (report,) = desk.reports()
    assert "\x07" not in report
    assert "\u202e" not in report
    rig.log.clear()
    desk.review()
    assert rig.writes() == []


def test_a_name_that_is_no_text(rig: Rig, tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9.py")
    desk = opened(rig, tmp_path, {}, {name: leaks("one"), "a.py": leaks("two")})
    done = desk.review()
    assert [each.comments[0].path for each in desk.open()] == ["a.py"]
    assert "caf" in desk.reports()[0] + done.plan.summary
    rig.git = False
    desk.review()


def literal_tree(git: Repository, rows: list[tuple[str, str, str]]) -> str:
    """A tree that git itself would refuse to make: mode, name, and the object's name."""
    raw = b"".join(f"{mode} {name}\0".encode() + bytes.fromhex(sha) for mode, name, sha in rows)
    return git.git("hash-object", "-t", "tree", "-w", "--stdin", "--literally", given=raw).decode().strip()


@pytest.mark.parametrize("name", ["..", ".git", "."])
def test_trees_that_lead_out_of_the_repository(rig: Rig, tmp_path: Path, name: str) -> None:
    desk = opened(rig, tmp_path, {}, {"a.py": leaks("one")})
    git = rig.state.repository
    blob = git.git("hash-object", "-w", "--stdin", given=LEAK.format(name="up").encode()).decode().strip()
    inner = literal_tree(git, [("100644", "up.py", blob)])
    tree = literal_tree(git, [("40000", name, inner), ("100644", "a.py", blob)])
    made = git.git("commit-tree", tree, "-p", desk.pull.head, "-m", "x", env=IDENTITY).decode().strip()
    git.move("topic", made)
    rig.state.push(NUMBER)
    desk.review()
    assert "a.py" in {each.comments[0].path for each in desk.open()}
    assert not (tmp_path / "up.py").exists()


IDENTITY = {
    f"GIT_{role}_{key}": value
    for role in ("AUTHOR", "COMMITTER")
    for key, value in {"NAME": "T", "EMAIL": "t@example.org"}.items()
}


def test_a_file_that_breaks_its_reader_is_said_and_the_rest_is_reviewed(rig: Rig, tmp_path: Path) -> None:
    deep = "def f():\n    file = open('x')\n    return " + "(" * 30_000 + ")" * 30_000 + "\n"
    desk = opened(rig, tmp_path, {}, {"deep.py": deep, "a.py": leaks("one"), "nul.py": "open('x')\0\n"})
    done = desk.review()
    assert [each.comments[0].path for each in desk.open()] == ["a.py"]
    assert "deep.py" in desk.reports()[0]
    assert done.conclusion == "neutral"


def test_a_file_that_is_too_large_is_said(rig: Rig, tmp_path: Path) -> None:
    base = {".repairbot.toml": "[paths]\nmax-size = 1000\n"}
    desk = opened(rig, tmp_path, base, {"big.py": leaks("one") + "X = 1\n" * 500, "a.py": leaks("two")})
    desk.review()
    assert [each.comments[0].path for each in desk.open()] == ["a.py"]
    assert "big.py" in desk.reports()[0]


def test_a_suggestion_holds_the_file_as_it_will_be(rig: Rig, tmp_path: Path) -> None:
    fenced = LEAK.format(name="one").replace("line.strip()", 'line.strip() + "```suggestion"')
    desk = opened(rig, tmp_path, {}, {"a.py": fenced})
    desk.review()
    (thread,) = desk.open()
    wanted = FIXED.format(name="one").replace("line.strip()", 'line.strip() + "```suggestion"')
    assert desk.suggested(thread.comments[0]) == wanted
