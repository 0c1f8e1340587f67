"""`repairbot audit`, `baseline`, and the smaller commands."""

from __future__ import annotations

import json
import os
import pty
import subprocess
from pathlib import Path

import pytest

from repairbot.rule import rule_ids
from tests.commandline import CLEAN, LEAK, audited, committed, environment, git, repairbot
from tests.commands import REPAIRBOT

OTHER = LEAK.replace("first_line", "last_line").replace("file", "handle")


def leaks(folder: Path, *arguments: str) -> list[tuple[str, str]]:
    """Path and variable of every finding."""
    report = audited(folder, *arguments).report
    return [(finding["path"], finding["variable"]) for finding in report["findings"]]


def test_exit_codes_of_clean_and_leaky(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(CLEAN)
    assert repairbot(tmp_path, "audit").code == 0
    (tmp_path / "b.py").write_text(LEAK)
    assert repairbot(tmp_path, "audit").code == 1
    assert repairbot(tmp_path, "audit", "--rule", "nameless-resource").code == 0
    assert (tmp_path / "b.py").read_text() == LEAK


@pytest.mark.parametrize("form", ["terminal", "markdown", "json", "sarif", "patch", "github"])
def test_every_format_to_a_file(tmp_path: Path, form: str) -> None:
    (tmp_path / "a.py").write_text(LEAK)
    ran = repairbot(tmp_path, "audit", "--format", form, "--output", "out.txt")
    assert (ran.code, ran.out, ran.err) == (1, "", "")
    printed = repairbot(tmp_path, "audit", "--format", form)
    assert "first_line" in printed.out or "a.py" in printed.out
    assert "a.py" in (tmp_path / "out.txt").read_text()


@pytest.mark.parametrize("jobs", ["1", "2", "5"])
def test_the_order_does_not_depend_on_the_number_of_children(tmp_path: Path, jobs: str) -> None:
    for index in range(300):
        (tmp_path / f"m{index:03}.py").write_text(LEAK + OTHER + f"# {index}\n")
    found = leaks(tmp_path, "--jobs", jobs, "--no-cache")
    assert found == [(f"m{i:03}.py", name) for i in range(300) for name in ("file", "handle")]


def test_a_warm_cache_says_the_same_and_follows_changes(tmp_path: Path) -> None:
    for index in range(50):
        (tmp_path / f"m{index}.py").write_text(LEAK + f"# {index}\n")
        os.utime(tmp_path / f"m{index}.py", (1, 1))
    cold = audited(tmp_path).report["findings"]
    assert audited(tmp_path).report["findings"] == cold
    (tmp_path / "m7.py").write_text(OTHER)
    warm = audited(tmp_path).report["findings"]
    assert [f["variable"] for f in warm if f["path"] == "m7.py"] == ["handle"]
    assert [f for f in warm if f["path"] != "m7.py"] == [f for f in cold if f["path"] != "m7.py"]


def test_settings_are_part_of_what_a_result_depends_on(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(LEAK)
    assert leaks(tmp_path) == [("a.py", "file")]
    (tmp_path / ".repairbot.toml").write_text("rules = { never-released = false }\n")
    assert leaks(tmp_path) == []
    (tmp_path / ".repairbot.toml").write_text("severity = { never-released = 'low' }\n")
    assert [finding["severity"] for finding in audited(tmp_path).report["findings"]] == ["low"]


def test_the_projects_own_resources(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("def work(pool):\n    item = pool.take()\n    print(item)\n")
    assert leaks(tmp_path) == []
    (tmp_path / ".repairbot.toml").write_text("[[resource]]\nacquire = 'pool.take'\nrelease = 'pool.give'\n")
    assert leaks(tmp_path) == [("a.py", "item")]


def test_what_other_files_do_with_an_argument_is_known(tmp_path: Path) -> None:
    (tmp_path / "pkg").mkdir()
    (tmp_path / "pkg" / "__init__.py").write_text("")
    (tmp_path / "pkg" / "use.py").write_text(
        "def peek(file):\n    return file.readline()\n\n\ndef done(file):\n    file.close()\n"
    )
    (tmp_path / "pkg" / "a.py").write_text(
        "from pkg.use import peek\n\n\ndef first(path):\n    file = open(path)\n    return peek(file)\n"
    )
    (tmp_path / "pkg" / "b.py").write_text(
        "from .use import done\n\n\ndef first(path):\n    file = open(path)\n    done(file)\n"
    )
    assert leaks(tmp_path) == [("pkg/a.py", "file")]
    assert leaks(tmp_path, "pkg/a.py", "pkg/b.py") == [("pkg/a.py", "file")], "a neighbour answers as well"
    (tmp_path / "pkg" / "use.py").write_text(
        "def peek(file):\n    file.close()\n\n\ndef done(file):\n    file.close()\n"
    )
    assert leaks(tmp_path) == []
    committed(tmp_path)
    assert leaks(tmp_path, "--base", "HEAD") == []


def test_a_file_that_asks_others_has_its_repairs_in_the_end(tmp_path: Path) -> None:
    asks = "from use import {0}\n\n\ndef first(path):\n    file = open(path)\n    return {0}(file)\n"
    (tmp_path / "use.py").write_text(
        "def peek(file):\n    return file.readline()\n\n\n"
        "def tell(file, others):\n    others(file)\n\n\n"
        "def done(file):\n    file.close()\n"
    )
    for name in ("peek", "tell", "done"):
        (tmp_path / f"{name}.py").write_text(
            asks.format(name)
            + f"\n\ndef second(path):\n    other = open(path)\n    print(other.name, {name})\n"
        )
    for _ in range(2):  # the second time from the cache
        found = [
            (finding["path"], finding["variable"], "with" in finding["fix"]["diff"])
            for finding in audited(tmp_path).report["findings"]
        ]
        assert found == [
            ("done.py", "other", True),
            ("peek.py", "file", True),
            ("peek.py", "other", True),
            ("tell.py", "other", True),
        ]
    (tmp_path / "use.py").unlink()  # nobody answers any more
    alone = [(each["variable"], bool(each["fix"])) for each in audited(tmp_path).report["findings"]]
    assert alone == [("other", True)] * 3


def test_base_shows_only_what_is_new(tmp_path: Path) -> None:
    committed(tmp_path, a__py=LEAK, gone__py=LEAK, same__py=LEAK)
    git(tmp_path, "checkout", "-qb", "work")
    (tmp_path / "gone.py").unlink()
    committed(tmp_path, a__py="# moved down\n\n\n" + LEAK + OTHER, new__py=OTHER)
    assert leaks(tmp_path, "--base", "main") == [("a.py", "handle"), ("new.py", "handle")]
    git(tmp_path, "checkout", "-q", "main")
    committed(tmp_path, same__py=CLEAN)
    git(tmp_path, "checkout", "-q", "work")
    ran = audited(tmp_path, "--base", "main")
    assert [file["path"] for file in ran.report["files"]] == ["a.py", "new.py"], (
        "not what changed on main since"
    )
    assert ran.report["summary"]["baselined"] == 1
    assert ran.err == ""
    (tmp_path / "a.py").write_text(CLEAN)
    assert "uncommitted changes are not looked at" in audited(tmp_path, "--base", "main").err
    assert audited(tmp_path / ".", "--base", "work").code == 0


def test_base_below_a_folder(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    committed(tmp_path, a__py=CLEAN)
    (tmp_path / "sub" / "b.py").write_text(LEAK)
    committed(tmp_path, a__py=LEAK)
    assert leaks(tmp_path / "sub", "--base", "HEAD~1") == [("b.py", "file")]
    assert leaks(tmp_path, "--base", "HEAD~1", "sub") == [("sub/b.py", "file")]
    assert leaks(tmp_path, "--base", "HEAD~1", "a.py") == [("a.py", "file")]


def test_the_baseline_is_subtracted_and_new_leaks_are_not(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(LEAK)
    ran = repairbot(tmp_path, "baseline")
    assert (ran.code, ran.err) == (0, "1 finding written to .repairbot-baseline.json\n")
    assert leaks(tmp_path) == []
    (tmp_path / "a.py").write_text("\n" + OTHER + LEAK)
    assert leaks(tmp_path) == [("a.py", "handle")]
    assert leaks(tmp_path, "--no-baseline") == [("a.py", "handle"), ("a.py", "file")]
    (tmp_path / "a.py").write_text(LEAK + "\n\n" + LEAK)
    assert len(leaks(tmp_path)) == 1, "a second one of the same is new"
    (tmp_path / ".repairbot-baseline.json").write_text("[]")
    broken = repairbot(tmp_path, "audit")
    assert broken.code == 2
    assert "is no baseline; write it anew: repairbot baseline" in broken.err


def test_a_baseline_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(LEAK)
    assert repairbot(tmp_path, "baseline", "--output", "known.json").code == 0
    assert leaks(tmp_path) != []
    assert leaks(tmp_path, "--baseline", "known.json") == []
    (tmp_path / ".repairbot.toml").write_text("baseline = 'known.json'\n")
    assert leaks(tmp_path) == []
    assert json.loads((tmp_path / "known.json").read_text())["version"] == 1


def test_a_suppression_and_an_unused_one(tmp_path: Path) -> None:
    ignored = LEAK.replace(
        "open(path)", "open(path)  # repairbot: ignore[never-released] ends with the process"
    )
    (tmp_path / "a.py").write_text(ignored)
    ran = audited(tmp_path)
    assert (ran.code, ran.report["findings"], ran.report["summary"]["suppressed"]) == (0, [], 1)
    above = LEAK.replace(
        "    file =", "    # repairbot: ignore[late-cleanup, never-released] why\n    file ="
    )
    (tmp_path / "a.py").write_text(above)
    ran = repairbot(tmp_path, "audit", "--verbose")
    assert ran.code == 0
    assert "unused suppression: late-cleanup finds nothing here" in ran.out
    assert "never-released finds" not in ran.out
    (tmp_path / "a.py").write_text(LEAK.replace("open(path)", "open(path)  # repairbot: ignore"))
    ran = repairbot(tmp_path, "audit", "--verbose")
    assert ran.code == 1
    assert "names no rule" in ran.out


@pytest.mark.parametrize(
    "source",
    [
        "def f(g, p):\n    return g(\n        open(p).read(),\n        1,\n    )  # {}\n",
        "def f(g, p):\n    # {}\n    return g(\n        1,\n        open(p).read(),\n    )\n",
        "def f(g, p):\n    if g(\n        open(p).read()\n    ):  # {}\n        return 1\n    return 2\n",
    ],
)
def test_a_suppression_speaks_of_its_whole_statement(tmp_path: Path, source: str) -> None:
    (tmp_path / "a.py").write_text(source.format("repairbot: ignore[nameless-resource] short-lived"))
    ran = audited(tmp_path)
    assert (ran.report["findings"], ran.report["summary"]["suppressed"]) == ([], 1)


def test_a_suppression_in_the_body_does_not_speak_of_the_head(tmp_path: Path) -> None:
    source = "def f(g, p):\n    if g(open(p).read()):\n        return 1  # repairbot: ignore[nameless-resource] no\n"
    (tmp_path / "a.py").write_text(source)
    assert len(audited(tmp_path).report["findings"]) == 1


def test_columns_count_characters(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(
        'def f(p):\n    x = "é\U0001f600"; return open(p).read(), x\n', encoding="utf-8"
    )
    assert [finding["column"] for finding in audited(tmp_path).report["findings"]] == [15]
    sarif = json.loads(repairbot(tmp_path, "audit", "--format", "sarif").out)["runs"][0]
    assert sarif["columnKind"] == "unicodeCodePoints"
    region = sarif["results"][0]["locations"][0]["physicalLocation"]["region"]
    assert (region["startLine"], region["startColumn"]) == (2, 15)


@pytest.mark.slow
def test_rules_and_explain(tmp_path: Path) -> None:
    (tmp_path / ".repairbot.toml").write_text("rules = { never-released = false }\n")
    listed = repairbot(tmp_path, "rules").out.splitlines()
    assert [line.split()[0] for line in listed] == list(rule_ids())
    assert [line.split()[1] for line in listed if line.startswith("never-released ")] == ["off"]
    for rule in rule_ids():
        page = repairbot(tmp_path, "explain", rule)
        assert page.code == 0
        assert rule in page.out


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(tmp_path: Path, shell: str) -> None:
    ran = repairbot(tmp_path, "completion", shell)
    assert ran.code == 0
    assert "_REPAIRBOT_COMPLETE" in ran.out


@pytest.mark.slow
def test_version_and_help(tmp_path: Path) -> None:
    assert repairbot(tmp_path, "--version").out.startswith("repairbot ")
    listed = repairbot(tmp_path, "--help").out
    assert "action" not in listed  # the workflow's own command
    for command in (
        "fix",
        "audit",
        "rules",
        "explain",
        "baseline",
        "jobs",
        "worker",
        "new-rule",
        "completion",
    ):
        line = next(line for line in listed.splitlines() if line.split()[:1] == [command])
        shown = repairbot(tmp_path, command, "--help")
        assert shown.code == 0
        assert line.split(maxsplit=1)[1].removesuffix("...") in " ".join(shown.out.split())


@pytest.mark.slow
def test_progress_is_for_terminals_alone(tmp_path: Path) -> None:
    long = ("audit", "--no-cache", "--jobs", "1")  # seconds, of which 0.7 go by before anything is shown
    for index in range(200):
        (tmp_path / f"m{index}.py").write_text(LEAK * 3 + f"# {index}\n")
    assert repairbot(tmp_path, *long, "--quiet").err == ""
    parent, child = pty.openpty()
    process = subprocess.Popen(
        [REPAIRBOT, *long],
        cwd=tmp_path,
        env=environment(tmp_path) | {"TERM": "xterm", "COLUMNS": "100"},
        stdout=subprocess.DEVNULL,
        stderr=child,
    )
    os.close(child)
    shown = b""
    while True:
        try:
            data = os.read(parent, 65536)
        except OSError:  # the terminal is gone with the process
            break
        if not data:
            break
        shown += data
    os.close(parent)
    assert process.wait() == 1
    assert b"/200" in shown
    assert b"finding" in shown


def test_a_new_rule_in_a_project_of_ones_own(tmp_path: Path) -> None:
    ran = repairbot(tmp_path, "new-rule", "lost-handle", "--into", "my_rules")
    assert ran.code == 0
    assert 'lost-handle = "my_rules.lost_handle:LostHandle"' in ran.out
    compile((tmp_path / "my_rules" / "lost_handle.py").read_text(), "lost_handle.py", "exec")
    assert (tmp_path / "tests" / "test_lost_handle.py").exists()
    assert repairbot(tmp_path, "new-rule", "lost-handle", "--into", "my_rules").code == 2
    assert repairbot(tmp_path, "new-rule", "never-released", "--into", "my_rules").code == 2
    assert repairbot(tmp_path, "new-rule", "other-rule").code == 2
