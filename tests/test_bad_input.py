"""Whatever it is given: one clear line, the right exit code, no file harmed, the rest done."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tree_sitter

from tests.commands import REPAIRBOT, audited, environment, repairbot, unprivileged

LEAK = "import json\n\n\ndef load(path):\n    return json.loads(open(path).read())\n"
GOOD = "def load(path):\n    with open(path) as file:\n        return file.read()\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project with one leaky file, which every run must still report."""
    project = tmp_path / "project"
    project.mkdir()
    (project / "leak.py").write_text(LEAK)
    return project


def outcomes(document: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """By file name: how it ended and why."""
    return {Path(file["path"]).name: (file["outcome"], file["reason"]) for file in document["files"]}


def said(done: subprocess.CompletedProcess[str]) -> str:
    """What it said about the trouble: never a traceback."""
    assert "Traceback" not in done.stderr + done.stdout
    return done.stderr


def clear_line(done: subprocess.CompletedProcess[str]) -> str:
    """The one line in which a run that cannot start says why."""
    lines = [
        line for line in said(done).splitlines() if line.strip() and not line.startswith(("Usage:", "Try "))
    ]
    assert len(lines) == 1, done.stderr
    return lines[0]


def nested(path: Path) -> None:
    path.write_text("x = " + "(" * 20_000 + ")" * 20_000 + "\n")


def nested_blocks(path: Path) -> None:
    path.write_text("".join(" " * depth + "if x:\n" for depth in range(20_000)) + " " * 20_000 + "open(p)\n")


def chained(path: Path) -> None:
    path.write_text("def f(x):\n    open(x)\n    return x" + ".a()" * 20_000 + "\n")


def binary(path: Path) -> None:
    path.write_bytes(b"\x7fELF\x00\x00\x01open(\x00" * 500)


def not_utf8(path: Path) -> None:
    path.write_bytes(b"def f(p):\n    return open(p).read()  # \xe9\n")


def unknown_encoding(path: Path) -> None:
    path.write_bytes(b"# -*- coding: klingon -*-\ndef f(p):\n    return open(p).read()\n")


def broken(path: Path) -> None:
    path.write_text("def load(path:\n    return open(path).read()\n")


def broken_and_dull(path: Path) -> None:
    path.write_text("import os\n\ndef where(:\n    return os.path.join(os.sep)\n")


def broken_and_promising_nothing(path: Path) -> None:
    path.write_text("import os\n\ndef add(:\n    update = os.sep\n    return append(update)\n")


def python_2(path: Path) -> None:
    path.write_text('def load(path):\n    print open(path).read()\n    raise IOError, "no"\n')


def python_2_that_promises_nothing(path: Path) -> None:
    path.write_text("import os\n\ndef where():\n    print os.sep\n")


def python_2_without_a_leak(path: Path) -> None:
    path.write_text(
        "import os\nseen = []\n\ndef where():\n    seen.append(1)\n    print 'x'\n    del seen[:]\n"
    )


def fifty_megabytes(path: Path) -> None:
    path.write_bytes(LEAK.encode() + b"#" * 50_000_000)


def null_bytes(path: Path) -> None:
    path.write_bytes(LEAK.encode() + b"x = '\0'\n")


@pytest.mark.parametrize(
    "spoil",
    [
        nested,
        nested_blocks,
        chained,
        binary,
        not_utf8,
        unknown_encoding,
        broken,
        broken_and_dull,
        broken_and_promising_nothing,
        python_2,
        python_2_that_promises_nothing,
        python_2_without_a_leak,
        fifty_megabytes,
        null_bytes,
    ],
)
def test_a_file_that_cannot_be_read_has_a_reason_and_the_rest_is_done(
    folder: Path, spoil: Callable[[Path], None]
) -> None:
    spoil(folder / "spoilt.py")
    before = (folder / "spoilt.py").read_bytes()
    ended = outcomes(audited(folder, "."))
    assert ended["leak.py"][0] == "reported"
    outcome, reason = ended["spoilt.py"]
    if spoil not in (nested, chained):  # these are Python: a reader that can read them may say so
        assert outcome in ("skipped", "failed")
    if outcome in ("skipped", "failed"):
        assert reason
        assert "\n" not in reason
    done = repairbot(folder, "fix", ".")
    said(done)
    assert (folder / "spoilt.py").read_bytes() == before
    assert "with open(path)" in (folder / "leak.py").read_text()


def test_syntax_that_is_newer_than_this_python_is_read_and_repaired(folder: Path) -> None:
    newer = LEAK.replace("    return", "    x: NotYet = yet()\n    return") + "\ntype Pair[T] = tuple[T, T]\n"
    newest = "def load(path):\n    try:\n        return open(path).read()\n    except KeyError, OSError:\n        1\n"
    (folder / "newer.py").write_text(newer)
    (folder / "newest.py").write_text(newest)
    (folder / "told.py").write_text(
        'def told(path):\n    """\n    print path\n    """\n    return open(path).read()\n'
    )
    ended = outcomes(audited(folder, "."))
    assert [ended[name][0] for name in ("newer.py", "newest.py", "told.py")] == ["reported"] * 3
    said(repairbot(folder, "fix", "."))
    for name in ("newer.py", "newest.py", "told.py"):
        assert "with open(path) as file:" in (folder / name).read_text()


@pytest.mark.parametrize("text", ["", "\n", "# only a comment\n", "pass", "\ufeff"])
def test_a_file_with_nothing_in_it_is_clean(folder: Path, text: str) -> None:
    (folder / "empty.py").write_text(text, encoding="utf-8")
    assert outcomes(audited(folder, "."))["empty.py"] == ("clean", "")


def test_it_runs_inside_the_folder_it_is_installed_in() -> None:
    site = Path(tree_sitter.__file__).parents[1]
    done = repairbot(site, "audit", "--no-cache", "tree_sitter")
    assert done.returncode in (0, 1), done.stderr


def test_nothing_is_imported_from_the_folder_that_is_looked_at(folder: Path) -> None:
    for name in ("tree_sitter", "json", "libcst"):
        (folder / f"{name}.py").write_text("raise SystemExit('imported')\n")
    done = repairbot(folder, "fix", "--diff", "leak.py")
    assert done.returncode == 1, done.stderr
    assert "with open(path)" in done.stdout


def test_a_path_that_does_not_exist_is_named_and_the_rest_is_done(folder: Path) -> None:
    done = repairbot(folder, "audit", "leak.py", "gone.py")
    assert done.returncode in (2, 3)
    assert "gone.py" in said(done)


def test_only_a_missing_path_is_wrong_usage(folder: Path) -> None:
    done = repairbot(folder, "audit", "gone.py")
    assert done.returncode == 2
    assert "gone.py" in clear_line(done)


def test_a_file_that_may_not_be_read_fails_and_the_rest_is_done(folder: Path) -> None:
    closed = folder / "closed.py"
    closed.write_text(LEAK)
    closed.chmod(0)
    done = repairbot(folder, "audit", "--format", "json", ".", prefix=unprivileged())
    said(done)
    assert done.returncode == 3
    ended = outcomes(audited(folder, ".", prefix=unprivileged()))
    assert ended["closed.py"][0] == "failed"
    assert "ermission" in ended["closed.py"][1]
    assert ended["leak.py"][0] == "reported"


def test_a_folder_that_may_not_be_entered_is_named(folder: Path) -> None:
    closed = folder / "closed"
    closed.mkdir()
    closed.chmod(0)
    done = repairbot(folder, "audit", ".", prefix=unprivileged())
    closed.chmod(0o755)
    assert done.returncode == 3
    assert "closed" in said(done) + done.stdout
    assert "leak.py" in done.stdout


def test_a_folder_that_may_not_be_written_keeps_its_files(folder: Path) -> None:
    folder.chmod(0o555)
    done = repairbot(folder, "fix", ".", prefix=unprivileged())
    folder.chmod(0o755)
    assert done.returncode == 3
    assert "leak.py" in said(done) + done.stdout
    assert (folder / "leak.py").read_text() == LEAK
    assert [path.name for path in folder.iterdir()] == ["leak.py"]


def test_links_in_a_circle_end(folder: Path) -> None:
    (folder / "inner").mkdir()
    (folder / "inner" / "again").symlink_to(folder, target_is_directory=True)
    (folder / "self").symlink_to("self")
    (folder / "self.py").symlink_to("self.py")
    document = audited(folder, ".")
    assert [file["path"] for file in document["files"] if file["outcome"] == "reported"] == ["leak.py"]


def test_a_link_out_of_the_project_is_never_followed_to_write(folder: Path) -> None:
    outside = folder.parent / "outside.py"
    outside.write_text(LEAK)
    (folder / "link.py").symlink_to(outside)
    done = repairbot(folder, "fix", ".")
    said(done)
    assert outside.read_text() == LEAK
    assert (folder / "link.py").is_symlink()


@pytest.mark.parametrize(
    ("name", "text", "word"),
    [
        ("pyproject.toml", "[tool.repairbot\n", "TOML"),
        (".repairbot.toml", "confidence = 3\n", "confidence"),
        (".repairbot.toml", 'confidense = "low"\n', "confidence"),
        (".repairbot.toml", "[rules]\nunbounded-colection = false\n", "unbounded-collection"),
        (".repairbot.toml", '[[resource]]\nacquire = "pool.take"\n', "release"),
        (".repairbot.toml", "\xff\xfe", "TOML"),
    ],
)
def test_a_broken_configuration_is_wrong_usage(folder: Path, name: str, text: str, word: str) -> None:
    # A pyproject.toml is ours to complain of only when it speaks of us.
    (folder / name).write_text(text, encoding="latin-1")
    done = repairbot(folder, "fix", ".")
    assert done.returncode == 2
    assert word in clear_line(done)
    assert (folder / "leak.py").read_text() == LEAK


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(
        ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", *arguments],
        cwd=folder,
        check=True,
        capture_output=True,
    )


def test_an_unknown_revision_is_wrong_usage(folder: Path) -> None:
    git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "one")
    done = repairbot(folder, "audit", "--base", "no-such-branch", ".")
    assert done.returncode == 2
    assert "no-such-branch" in clear_line(done)


def test_a_revision_that_looks_like_an_option_is_no_option(folder: Path) -> None:
    git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "one")
    done = repairbot(folder, "audit", "--base=--output=stolen", ".")
    assert done.returncode == 2
    clear_line(done)
    assert not (folder / "stolen").exists()


def test_a_base_without_a_repository_is_wrong_usage(folder: Path) -> None:
    done = repairbot(folder, "audit", "--base", "main", ".")
    assert done.returncode == 2
    assert "git" in clear_line(done)


def test_a_rule_that_does_not_exist_is_wrong_usage(folder: Path) -> None:
    done = repairbot(folder, "explain", "unbounded-colection")
    assert done.returncode == 2
    assert "unbounded-collection" in clear_line(done)


@pytest.mark.slow
def test_a_disk_that_fills_up_while_writing_harms_no_file(folder: Path) -> None:
    big = folder / "big.py"
    big.write_text(LEAK + "# a line that makes the file longer than there is room for\n" * 2000)
    before = big.read_bytes()
    # No file of more than 64 KiB can be written, as on a full disk: the write fails half way.
    done = repairbot(folder, "fix", ".", prefix=["bash", "-c", 'ulimit -f 64; exec "$@"', "bash"])
    assert done.returncode == 3
    assert "big.py" in said(done) + done.stdout
    assert big.read_bytes() == before
    assert sorted(path.name for path in folder.iterdir()) == ["big.py", "leak.py"]
    assert "with open(path)" in (folder / "leak.py").read_text(), "the rest is done"


def test_a_reader_that_goes_away_is_no_error(folder: Path) -> None:
    done = repairbot(folder, "audit", ".", prefix=["bash", "-c", '"$@" | head -n 1; exit 0', "bash"])
    said(done)


@pytest.mark.parametrize("arguments", [("rules",), ("explain", "never-released"), ("audit", ".")])
def test_a_pipe_that_is_closed_before_anything_is_written_ends_as_of_its_signal(
    folder: Path, arguments: tuple[str, ...]
) -> None:
    ends = '"$@" | { exec <&-; sleep 3; }; exit ${PIPESTATUS[0]}'
    done = repairbot(folder, *arguments, prefix=["bash", "-c", ends, "bash"])
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.slow
def test_ctrl_c_in_the_middle_ends_at_once_and_harms_nothing(folder: Path) -> None:
    for number in range(1500):
        functions = "".join(
            f"\n\ndef load_{each}(path):\n    return open(path).read()\n" for each in range(20)
        )
        (folder / f"part_{number}.py").write_text(functions)
    before = {path.name: path.read_bytes() for path in folder.glob("*.py")}
    process = subprocess.Popen(
        [REPAIRBOT, "fix", "."],
        cwd=folder,
        env=environment(folder),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        time.sleep(1.5)
        assert process.poll() is None, "it ended before it could be interrupted"
        os.killpg(process.pid, signal.SIGINT)
        out, errors = process.communicate(timeout=10)
    finally:
        process.kill()
    assert process.returncode not in (0, 1, 2), out
    assert b"Traceback" not in errors + out
    for name, text in before.items():
        now = (folder / name).read_bytes()
        assert now == text or b"with open(path)" in now
        compile(now, name, "exec")
    assert {path.name for path in folder.iterdir()} == set(before), "no half-written file stays behind"


@pytest.mark.parametrize(
    ("raw", "encoding"),
    [
        (LEAK.encode(), "utf-8"),
        (b"\xef\xbb\xbf" + LEAK.encode(), "utf-8-sig"),
        (LEAK.replace("\n", "\r\n").encode(), "utf-8"),
        ("# -*- coding: latin-1 -*-\n# caf\u00e9\n".encode("latin-1") + LEAK.encode(), "latin-1"),
        (LEAK.rstrip("\n").encode(), "utf-8"),
        (b"\f\n" + LEAK.replace("    ", "\t").encode(), "utf-8"),
    ],
    ids=["plain", "byte-order mark", "crlf", "latin-1", "no last newline", "tabs"],
)
def test_a_repair_keeps_the_form_of_the_file(folder: Path, raw: bytes, encoding: str) -> None:
    path = folder / "leak.py"
    path.write_bytes(raw)
    path.chmod(0o754)
    done = repairbot(folder, "fix", ".")
    assert done.returncode in (0, 1), done.stderr
    now = path.read_bytes()
    assert b"with open(path)" in now
    assert path.stat().st_mode & 0o777 == 0o754
    assert now.decode(encoding)
    assert now.startswith(b"\xef\xbb\xbf") == raw.startswith(b"\xef\xbb\xbf")
    assert now.count(b"\n") == now.count(b"\r\n") or b"\r" not in raw
    assert now.endswith(b"\n") == raw.endswith(b"\n")
    assert (b"\t" in now) == (b"\t" in raw)
